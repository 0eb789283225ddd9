"""Runs a program that the kernel kills as soon as it, or a library beneath it, opens a socket or starts a process.

    python tests/locked_python.py PROGRAM ARGUMENT…

The lock is a filter of system calls (seccomp) on Linux, which nothing in the process can take off again.
"""

from __future__ import annotations

import ctypes
import platform
import sys

LOAD, EQUALS, HAS, RETURN = 0x20, 0x15, 0x45, 0x06
"""Codes of the classic BPF machine: load a word; skip `no` steps unless it equals, or shares a bit with, `value`."""
NUMBER, FIRST_ARGUMENT = 0, 16
"""Where in the description of a system call these stand."""
KILL, ALLOW, NO_SUCH_CALL = 0x80000000, 0x7FFF0000, 0x00050000 | 38
SECCOMP, FILTER, NO_NEW_PRIVILEGES = 22, 2, 38
CLONE_THREAD = 0x10000
CALLS = {
    "x86_64": {"socket": 41, "connect": 42, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "clone": 56},
    "aarch64": {"socket": 198, "connect": 203, "execve": 221, "execveat": 281, "clone": 220},
}
CLONE3 = 435


class Step(ctypes.Structure):
    """One instruction."""

    _fields_ = (("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("value", ctypes.c_uint))


class Program(ctypes.Structure):
    """What the kernel is given."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(Step)))


def steps() -> list[tuple[int, int, int, int]]:
    """Kill sockets and processes; threads, which are cloned too, may be."""
    calls = dict(CALLS[platform.machine()])
    clone = calls.pop("clone")
    killed = [step for number in calls.values() for step in ((EQUALS, 0, 1, number), (RETURN, 0, 0, KILL))]
    return [
        (LOAD, 0, 0, NUMBER),
        *killed,
        (EQUALS, 0, 1, CLONE3),  # whose flags cannot be seen: the C library then takes clone
        (RETURN, 0, 0, NO_SUCH_CALL),
        (EQUALS, 0, 3, clone),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (HAS, 1, 0, CLONE_THREAD),
        (RETURN, 0, 0, KILL),
        (RETURN, 0, 0, ALLOW),
    ]


def lock() -> None:
    """From here on."""
    filtered = [Step(*step) for step in steps()]
    program = Program(len(filtered), (Step * len(filtered))(*filtered))
    kernel = ctypes.CDLL(None, use_errno=True)
    for what in ((NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SECCOMP, FILTER, ctypes.byref(program), 0, 0)):
        if kernel.prctl(*what) != 0:
            raise OSError(ctypes.get_errno(), "the lock cannot be put on")


if __name__ == "__main__":
    lock()
    program = sys.argv[1]
    sys.argv = sys.argv[1:]
    exec(compile(program, "<locked>", "exec"), {"__name__": "__main__"})  # noqa: S102 - the tests' own programs
