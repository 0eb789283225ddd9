"""All that the doctor looks at, in the order in which it is shown; of it disk, memory and ports here."""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path

from reseen.doctor.finding import Finding
from reseen.doctor.packages import check_versions, trains

PORTS = (8000, 8001)
"""The service's defaults for HTTP and gRPC."""
LOOKING = {"jaxtyping", "numpy", "pillow", "pydantic", "pyyaml", "safetensors", "torch"}
"""The libraries without which neither devices nor recipes and weight files can be looked at."""
RUN_BYTES = 2 * 10**9
"""Room for a run of a large network: `latest` with its state, `best`, and the epochs that are kept."""
TEMPORARY_BYTES = 10**8
TRAINING_BYTES = 2 * 10**9
"""Torch, a decoded Market-1501 (0.3 GB), and a small network's batches."""
EMBEDDING_BYTES = 5 * 10**8
"""An engine with a ResNet-50, and batches of images."""
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def examine(output: Path, temporary: Path, weights: Sequence[Path] = ()) -> list[Finding]:
    """Look at versions, devices, disk, memory, weights and ports; nothing is left behind and nothing connected to.

    Args:
        output: the folder that runs would be written to; it need not exist.
        temporary: the folder for temporary files.
        weights: files to read.
    """
    versions = check_versions()
    broken = sorted(LOOKING - {each.name for each in versions if each.status == "ok"})
    training = trains()
    return [
        *versions,
        *_with_torch(weights, broken),
        check_folder("output", output, RUN_BYTES if training else TEMPORARY_BYTES),
        check_folder("temporary files", temporary, TEMPORARY_BYTES),
        check_memory(training),
        *map(check_port, PORTS),
    ]


def _with_torch(weights: Sequence[Path], broken: Sequence[str]) -> list[Finding]:
    if broken:
        text = f"not looked at: they need {', '.join(broken)}, see above"
        return [Finding("devices and weights", "note", text)]
    from reseen.doctor.devices import check_devices, check_recipes, check_weights  # noqa: PLC0415  (torch may be missing)

    return [*check_devices(), check_recipes(), *map(check_weights, weights)]


def check_folder(name: str, folder: Path, needed: int) -> Finding:
    """Write a temporary file where `folder` is or would be made, and measure the room there.

    Args:
        name: what the folder is for.
        folder: it need not exist yet.
        needed: bytes that should be free.
    """
    folder = folder.absolute()
    try:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        if not there.is_dir():
            return Finding(name, "problem", f"{folder}: {there} is a file", "name another folder")
        with tempfile.TemporaryFile(dir=there):
            pass
        free = free_on_disk(there)
    except OSError as error:
        text = f"{folder} cannot be written: {error.strerror or error}"
        return Finding(name, "problem", text, "get write permission, or name another folder")
    room = f"{free / 1e9:,.1f} GB free"
    if free < needed:
        text = f"too little room for {folder}: {room}, and {needed / 1e9:,.1f} GB are needed"
        return Finding(name, "problem", text, "free some space, or name another folder")
    return Finding(name, "ok", f"{folder} can be written, {room}")


def free_on_disk(folder: Path) -> int:
    """Bytes that this user may still write."""
    return shutil.disk_usage(folder).free


def check_memory(training: bool) -> Finding:
    """Memory that is free for this process, a container's limit taken into account.

    Args:
        training: whether there has to be enough to train, and not only to embed.
    """
    needed, use = (TRAINING_BYTES, "train") if training else (EMBEDDING_BYTES, "embed")
    if not hasattr(os, "sysconf"):  # Windows
        return Finding("memory", "note", "the amount of memory is not known on this system")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    free = free_memory()
    if free is None:
        return Finding("memory", "note", f"{total / 1e9:.1f} GB; free memory is not known on this system")
    text = f"{free / 1e9:.1f} GB free of {total / 1e9:.1f} GB"
    if free < needed:
        return Finding(
            "memory",
            "problem",
            f"{text}; {needed / 1e9:.1f} GB are needed to {use}",
            f"end programs that hold memory, raise the container's limit, or {use} with smaller batches and images",
        )
    return Finding("memory", "ok", text)


def free_memory() -> int | None:
    """Bytes that can still be had; None where the system does not tell."""
    try:
        available = re.search(r"^MemAvailable: +(\d+) kB$", MEMINFO.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    if available is None:
        return None
    return min([int(available[1]) * 1024, *_left_in_container()])


def _left_in_container() -> list[int]:
    try:
        limit = (CGROUP / "memory.max").read_text(encoding="ascii").strip()
        used = (CGROUP / "memory.current").read_text(encoding="ascii").strip()
    except OSError:
        return []
    return [int(limit) - int(used)] if limit.isdecimal() else []


def check_port(port: int) -> Finding:
    """Bind a port of 127.0.0.1 for a moment; nothing is connected to."""
    name = f"port {port}"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection that lingers does not hold it
        try:
            server.bind(("127.0.0.1", port))
        except OSError as error:
            text = (
                "taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
            )
            return Finding(
                name, "problem", text, "end the program that listens there, or have the service use another port"
            )
    return Finding(name, "ok", "free")
