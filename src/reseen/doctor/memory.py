"""How much memory there is."""

from __future__ import annotations

import os
import re
from pathlib import Path

from reseen.doctor.finding import Finding

TRAINING_BYTES = 2 * 10**9
"""Torch, a decoded Market-1501 (0.3 GB), and a small network's batches."""
EMBEDDING_BYTES = 5 * 10**8
"""An engine with a ResNet-50, and batches of images."""
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def check_memory(training: bool) -> Finding:
    """Memory that is free for this process, a container's limit taken into account.

    Args:
        training: whether there has to be enough to train, and not only to embed.
    """
    needed, use = (TRAINING_BYTES, "train") if training else (EMBEDDING_BYTES, "embed")
    if not hasattr(os, "sysconf"):  # Windows
        return Finding("memory", "note", "how much there is cannot be told here")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    free = free_bytes()
    if free is None:
        return Finding("memory", "note", f"{total / 1e9:.1f} GB; how much of it is free cannot be told here")
    text = f"{free / 1e9:.1f} GB free of {total / 1e9:.1f} GB"
    if free < needed:
        return Finding(
            "memory",
            "problem",
            f"{text}; {needed / 1e9:.1f} GB are needed to {use}",
            f"end programs that hold memory, raise the container's limit, or {use} with smaller batches and images",
        )
    return Finding("memory", "ok", text)


def free_bytes() -> int | None:
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
