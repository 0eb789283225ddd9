"""What there is to compute with, and whether it computes correctly."""

from __future__ import annotations

import os

import torch
from torch.nn import functional

from reseen.doctor.finding import Finding

SIDE = 6


def check_devices() -> list[Finding]:
    """Cores and threads, accelerators, and a small convolution on each device."""
    devices = ["cpu", *_accelerators()]
    return [check_cores(), check_accelerators(), *(check_convolution(device) for device in devices)]


def check_cores() -> Finding:
    """How many cores this process may use, and how many threads torch computes with."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = torch.get_num_threads()
    text = f"{usable} of {os.cpu_count()} usable, torch computes with {threads} threads"
    if threads > usable:
        return Finding("cores", "note", f"{text}: they wait for each other; set OMP_NUM_THREADS={usable}")
    return Finding("cores", "ok", text)


def check_accelerators() -> Finding:
    """The accelerators that `--device` can name."""
    names = _accelerators()
    if names:
        described = [
            f"{name} ({torch.cuda.get_device_name(name)})" if name.startswith("cuda") else name for name in names
        ]
        return Finding("accelerators", "ok", ", ".join(described))
    built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
    return Finding("accelerators", "note", f"none: this torch is {built}; everything runs on the CPU")


def check_convolution(device: str) -> Finding:
    """Convolve whole numbers and compare with sums worked out one by one; every float32 algorithm comes within 0.01."""
    name = f"convolution on {device}"
    image = [[(5 * row + 3 * column) % 7 - 3 for column in range(SIDE)] for row in range(SIDE)]
    kernel = [[1, -2, 3], [0, 4, -1], [-3, 2, 1]]
    try:
        found = _convolve(image, kernel, device)
    except RuntimeError as error:
        text = f"fails: {str(error).splitlines()[0]}"
        return Finding(
            name, "problem", text, "bring the driver up to the version this torch needs, or use another --device"
        )
    valid = range(SIDE - 2)
    expected = [
        [sum(image[row + y][column + x] * kernel[y][x] for y in range(3) for x in range(3)) for column in valid]
        for row in valid
    ]
    if any(
        abs(a - b) > 0.01 for row, right in zip(found, expected, strict=True) for a, b in zip(row, right, strict=True)
    ):
        return Finding(
            name, "problem", "gives wrong numbers", "pip install --force-reinstall torch, or use another --device"
        )
    return Finding(name, "ok", "correct")


def _convolve(image: list[list[int]], kernel: list[list[int]], device: str) -> list[list[float]]:
    pixels, weights = (torch.tensor(each, dtype=torch.float32, device=device)[None, None] for each in (image, kernel))
    rows: list[list[float]] = functional.conv2d(pixels, weights)[0, 0].tolist()
    return rows


def _accelerators() -> list[str]:
    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return cuda + (["mps"] if torch.backends.mps.is_available() else [])
