from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from reseen.doctor import examination
from reseen.doctor.examination import examine


def test_everything_is_looked_at_once(tmp_path: Path) -> None:
    found = [each.name for each in examine(tmp_path, tmp_path, [tmp_path / "one", tmp_path / "two"])]

    for name in ("python", "torch", "cores", "accelerators", "convolution on cpu", "recipes", "output", "memory"):
        assert found.count(name) == 1
    assert found.count("weights") == 2
    assert found[-2:] == ["port 8000", "port 8001"]


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    examine(tmp_path / "runs", tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("library", "module", "cure"),
    [
        ("torch", "torch", "pip install '.[train]' in a clone of reseen"),
        ("safetensors", "safetensors", "pip install '.[train]' in a clone of reseen"),
        ("pydantic", "pydantic", "pip install 'pydantic>=2.10'"),
        ("pyyaml", "yaml", "pip install 'pyyaml>=6'"),
    ],
)
def test_without_what_computes_the_rest_is_still_looked_at(
    library: str, module: str, cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # makes importing it fail

    found = {each.name: each for each in examine(tmp_path, tmp_path)}

    assert (found[library].status, found[library].cure) == ("problem", cure)
    assert f"they need {library}" in found["devices and weights"].text
    assert "cores" not in found
    assert {"output", "memory", "port 8000"} <= found.keys()


def test_without_torch_a_small_machine_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reseen.doctor.examination.trains", lambda: False)
    monkeypatch.setattr("reseen.doctor.memory.free_bytes", lambda: 10**9)
    monkeypatch.setattr("reseen.doctor.disk.free_bytes", lambda folder: 10**9)

    found = {each.name: each.status for each in examine(tmp_path, tmp_path)}
    assert (found["memory"], found["output"]) == ("ok", "ok")

    monkeypatch.setattr("reseen.doctor.examination.trains", lambda: True)
    found = {each.name: each.status for each in examine(tmp_path, tmp_path)}
    assert (found["memory"], found["output"]) == ("problem", "problem")


def test_an_optional_library_of_another_version_does_not_hide_the_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.1" if name == "tensorboard" else installed(name))

    found = {each.name: each.status for each in examination.examine(tmp_path, tmp_path)}

    assert (found["tensorboard"], found["cores"]) == ("problem", "ok")
