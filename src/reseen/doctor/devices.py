"""What needs torch: devices and whether they compute correctly, weight files, and the recipes that start from one."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch.nn import functional

from reseen.doctor.finding import Finding
from reseen.errors import WeightsError
from reseen.models.foreign.installed import PREFIX
from reseen.models.weights_file import read_weights, resolve_weights
from reseen.recipe.load import load_recipe, shipped_recipes

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


def check_weights(path: Path) -> Finding:
    """Read a weight file as training and evaluation would."""
    try:
        file = resolve_weights(path)
        arrays = read_weights(file)
    except WeightsError as error:
        return Finding("weights", "problem", f"{error.what} ({error.got})", error.cure)
    numbers = sum(array.numel() for array in arrays.values())
    return Finding("weights", "ok", f"{path}: {len(arrays)} entries, {numbers:,} numbers")


def check_recipes() -> Finding:
    """The shipped recipes that start from a file which the user has to name, or from a package to be installed."""
    recipes = [load_recipe(name) for name in shipped_recipes()]
    starting = [(each.name, each.model.pretrained.path) for each in recipes if each.model.pretrained is not None]
    asking = ", ".join(name for name, path in starting if path is None)
    text = f"{asking} start from ImageNet weights: name them with -o model.pretrained.path=FILE"
    packaged = ", ".join(f"{name} from {path.removeprefix(PREFIX)}" for name, path in starting if path is not None)
    return Finding("recipes", "note", f"{text}; {packaged}, once installed; the others start from scratch")


def _convolve(image: list[list[int]], kernel: list[list[int]], device: str) -> list[list[float]]:
    pixels, weights = (torch.tensor(each, dtype=torch.float32, device=device)[None, None] for each in (image, kernel))
    rows: list[list[float]] = functional.conv2d(pixels, weights)[0, 0].tolist()
    return rows


def _accelerators() -> list[str]:
    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return cuda + (["mps"] if torch.backends.mps.is_available() else [])
