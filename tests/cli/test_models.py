from __future__ import annotations

import functools
import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
import pytest
import torch
from onnx import TensorProto, helper
from openvino import opset13
from torch import Tensor, nn

from reseen.catalogue import known
from reseen.catalogue.entry import Entry
from reseen.cli.models import Project
from reseen.datasets.manifest import Manifest
from reseen.models.foreign.import_weights import SOURCES
from reseen.models.network import build_network
from reseen.recipe.load import load_recipe

Reseen = Callable[..., Any]
WellTold = Callable[[Any], bool]
OSNET = ("model.neck=none", "model.head.bias=true", "preprocess.height=64", "preprocess.width=32")
OPTIONS = [part for change in OSNET for part in ("-o", change)]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which its files are."""
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESEEN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RESEEN_OFFLINE", raising=False)
    return tmp_path / "home"


@pytest.fixture
def model(served: tuple[Path, str], home: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """A model that is served on this machine."""
    folder, address = served
    (folder / "a.pth").write_bytes(b"weights")
    use = "reseen models import FILE --from torchreid --model tiny --output a.safetensors"
    entry = Entry("served", "a model", "none stated", "people", "a test", use, {"mAP": 50.0}, url=f"{address}/a.pth")
    monkeypatch.setattr(known, "ENTRIES", (entry, *known.ENTRIES))
    return entry


@pytest.fixture
def checkpoint(tmp_path: Path, shaken_osnet: dict[str, Tensor]) -> Path:
    torch.save({"state_dict": shaken_osnet, "epoch": 250}, tmp_path / "model.pth.tar")
    return tmp_path / "model.pth.tar"


@pytest.fixture(scope="module")
def shaken_osnet() -> dict[str, Tensor]:
    """A small OSNet for five people with torchreid's names."""
    network: nn.Module = build_network(load_recipe("osnet_x0_25", OSNET).model, persons=5)
    state = network.state_dict()
    return {name.removeprefix("backbone.").replace("head.", "classifier."): entry for name, entry in state.items()}


def test_the_list_shows_every_model_with_what_is_published_of_it(reseen: Reseen, home: Path) -> None:
    answer = reseen("models", "list")

    assert answer.code == 0
    assert all(f"{entry.name}\n" in answer.out for entry in known.ENTRIES)
    assert "  figures     rank-1 94.5 %, mAP 85.82 %\n  size        not published\n" in answer.out
    assert "  figures     rank-1 51.5 %, mAP 30.1 %\n  size        0.9 MB\n" in answer.out
    assert "  licence     not stated for the weights" in answer.out
    assert answer.out.count("  here        not pulled\n") == len(known.ENTRIES) - 1
    assert not home.exists()


def test_machines_get_all_of_it(reseen: Reseen, home: Path) -> None:
    told = json.loads(reseen("models", "list", "--json").out)["models"]
    one = json.loads(reseen("models", "show", "resnet50_imagenet", "--json").out)

    assert [entry["name"] for entry in told] == ["default", *(entry.name for entry in known.ENTRIES)]
    assert one in told
    assert one["sha256_prefix"] == "0676ba61"
    assert one["sha256"] is None
    assert one["pulled"] is None


def test_a_model_is_shown_with_a_command_that_uses_it(reseen: Reseen, home: Path) -> None:
    answer = reseen("models", "show", "paddleclas_baseline")
    assert "figures     rank-1 88.45 %, mAP 74.37 %\n" in answer.out
    assert "trained on  Market-1501, from ImageNet weights\n" in answer.out
    assert "to use it   reseen models import FILE --from paddleclas --model baseline" in answer.out
    assert "checked by  nothing published" in answer.out
    assert not {"{", "None"} & set(answer.out.split())


@pytest.mark.parametrize("columns", [40, 80])
def test_what_is_long_is_folded_to_the_terminal_but_not_the_command(
    columns: int, reseen: Reseen, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = reseen("models", "show", "resnet50_imagenet").out
    monkeypatch.setattr("reseen.cli.console.shutil.get_terminal_size", lambda: os.terminal_size((columns, 24)))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    *facts, command = reseen("models", "show", "resnet50_imagenet").out.splitlines()

    assert all(len(line) <= columns for line in facts if "://" not in line and "_" not in line)
    assert command == piped.splitlines()[-1]
    assert " ".join(" ".join(facts).split()) == " ".join(" ".join(piped.splitlines()[:-1]).split())


def test_a_home_of_nobody_is_told(reseen: Reseen, monkeypatch: pytest.MonkeyPatch, well_told: WellTold) -> None:
    monkeypatch.setenv("RESEEN_HOME", "~nobody_of_this_name/models")
    answer = reseen("models", "list")
    assert answer.code == 2
    assert well_told(answer)


def test_an_unknown_model_is_told(reseen: Reseen, home: Path, well_told: WellTold) -> None:
    answer = reseen("models", "show", "resnet5")
    assert answer.code == 2
    assert well_told(answer)


def test_a_model_is_pulled_once_and_kept_at_home(reseen: Reseen, model: Entry, home: Path) -> None:
    answer = reseen("models", "pull", "served", "--json")

    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    path = home / "models" / "served" / "a.pth"
    assert told["path"] == str(path)
    assert path.read_bytes() == b"weights"
    assert f"reseen models import {path} --from torchreid" in answer.err
    assert "licence: none stated" in answer.err
    assert f"  here        {path}\n" in reseen("models", "list").out
    shown = reseen("models", "show", "served").out
    assert f"SHA-256     {told['sha256']}\n" in shown
    assert f"to use it   reseen models import {path} --from torchreid" in shown
    assert json.loads(reseen("models", "show", "served", "--json").out)["pulled"]["sha256"] == told["sha256"]


def test_nothing_is_pulled_offline(reseen: Reseen, model: Entry, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("RESEEN_OFFLINE", "1")
    answer = reseen("models", "pull", "served")
    assert answer.code == 2
    assert "downloads are forbidden" in answer.err

    monkeypatch.setenv("RESEEN_OFFLINE", "0")
    assert reseen("models", "pull", "served").code == 0


def test_home_is_in_the_cache_unless_it_is_named(
    reseen: Reseen, model: Entry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RESEEN_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    answer = reseen("models", "pull", "served")
    assert answer.out.strip() == str(tmp_path / "user" / ".cache" / "reseen" / "models" / "served" / "a.pth")


def test_a_file_that_is_gone_fails(reseen: Reseen, model: Entry, served: tuple[Path, str], well_told: WellTold) -> None:
    (served[0] / "a.pth").unlink()
    answer = reseen("models", "pull", "served")
    assert answer.code == 1
    assert well_told(answer)
    assert "404" in answer.err


def test_imported_weights_are_evaluated_with_the_command_that_is_told(
    reseen: Reseen, checkpoint: Path, people: Manifest, tmp_path: Path
) -> None:
    weights = tmp_path / "new" / "osnet.safetensors"
    answer = reseen(
        *("models", "import", checkpoint, "--from", "torchreid", "--model", "osnet_x0_25", "--output", weights),
        *OPTIONS,
    )

    assert answer.code == 0, answer.err
    assert answer.out.strip() == str(weights)
    assert "entries taken, 0 dropped" in answer.err
    assert f"reseen evaluate -c osnet_x0_25 {' '.join(OPTIONS)} --weights {weights} --data PATH" in answer.err
    evaluated = reseen("evaluate", "-c", "osnet_x0_25", *OPTIONS, "--weights", weights, "--data", people.root, "--json")
    assert evaluated.code == 0, evaluated.err
    assert 0 <= json.loads(evaluated.out)["mAP"] <= 1


def test_machines_get_what_became_of_every_entry(
    reseen: Reseen, checkpoint: Path, shaken_osnet: dict[str, Tensor], tmp_path: Path
) -> None:
    answer = reseen(
        *("models", "import", checkpoint, "--from", "torchreid", "--model", "osnet_x0_25", *OPTIONS),
        *("--output", tmp_path / "osnet.safetensors", "--json"),
    )

    told = json.loads(answer.out)
    assert told["loaded"].keys() == shaken_osnet.keys()
    assert told["loaded"]["classifier.bias"] == "head.bias"
    assert (told["dropped"], told["notes"], told["to_start_from"]) == ({}, [], False)


def test_a_checkpoint_that_does_not_fit_fails_and_writes_nothing(
    reseen: Reseen, checkpoint: Path, tmp_path: Path, well_told: WellTold
) -> None:
    answer = reseen(
        *("models", "import", checkpoint, "--from", "torchreid", "--model", "osnet_x0_25"),
        *("--output", tmp_path / "osnet.safetensors"),
    )
    assert answer.code == 2
    assert well_told(answer)
    assert "-o model.neck=none -o model.head.bias=true" in answer.err
    assert not (tmp_path / "osnet.safetensors").exists()


def test_every_project_can_be_named() -> None:
    assert {project.value for project in Project} == {*SOURCES, "onnx", "openvino"}


def test_an_osnet_becomes_a_bundle_that_is_evaluated(
    reseen: Reseen, checkpoint: Path, people: Manifest, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    command = ("models", "import", checkpoint, "--from", "torchreid", "--model", "osnet_x0_25", *OPTIONS)
    answer = reseen(*command, "--output", bundle)

    assert answer.code == 0, answer.err
    assert f"reseen evaluate --bundle {bundle} --data PATH" in answer.err
    weights = tmp_path / "w.safetensors"
    assert reseen(*command, "--output", weights).code == 0
    of_bundle = reseen("evaluate", "--bundle", bundle, "--data", people.root, "--json")
    of_weights = reseen(
        "evaluate", "-c", "osnet_x0_25", *OPTIONS, "--weights", weights, "--data", people.root, "--json"
    )
    assert of_bundle.code == 0, of_bundle.err
    assert json.loads(of_bundle.out)["mAP"] == pytest.approx(json.loads(of_weights.out)["mAP"], abs=1e-3)


def test_a_foreign_onnx_file_becomes_a_bundle_with_the_preprocess_that_is_given(reseen: Reseen, tmp_path: Path) -> None:
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["input"], ["maps"]),
            helper.make_node("Flatten", ["maps"], ["feature"]),
        ],
        "pooled",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, 64, 32])],
        [helper.make_tensor_value_info("feature", TensorProto.FLOAT, ["n", 3])],
    )
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), tmp_path / "pooled.onnx")
    answer = reseen(
        *("models", "import", tmp_path / "pooled.onnx", "--from", "onnx", "--model", "baseline"),
        *("-o", "preprocess={height: 64, width: 32, mean: [0, 0, 0], std: [1, 1, 1]}"),
        *("--output", tmp_path / "bundle", "--json"),
    )

    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert told["preprocess"]["std"] == [1, 1, 1]
    assert (told["name"], told["feature_size"]) == ("pooled", 3)


def test_options_of_onnx_files_are_for_them_alone(reseen: Reseen, checkpoint: Path, tmp_path: Path) -> None:
    answer = reseen(
        *("models", "import", checkpoint, "--from", "torchreid", "--model", "osnet_x0_25", "--bgr"),
        *("--output", tmp_path / "w.safetensors"),
    )
    assert answer.code == 2
    assert "--feature is for ONNX files" in answer.err


def test_an_openvino_file_becomes_a_bundle_without_a_recipe(reseen: Reseen, tmp_path: Path) -> None:
    images = opset13.parameter([1, 3, 64, 32], name="data")
    pooled = opset13.reduce_mean(images, np.array([2, 3]), keep_dims=False)
    openvino.save_model(openvino.Model([pooled], [images], "pooled"), tmp_path / "pooled.xml")

    answer = reseen(
        *("models", "import", tmp_path / "pooled.xml", "--from", "openvino", "--bgr"),
        *("--output", tmp_path / "bundle", "--json"),
    )

    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert (told["preprocess"]["height"], told["preprocess"]["mean"]) == (64, [0, 0, 0])
    assert (told["name"], told["feature_size"]) == ("pooled", 3)


@pytest.mark.parametrize("more", [("--from", "onnx"), ("--from", "openvino", "-o", "preprocess.height=64")])
def test_what_needs_a_recipe_says_so(reseen: Reseen, tmp_path: Path, more: tuple[str, ...]) -> None:
    answer = reseen("models", "import", tmp_path / "a.xml", *more, "--output", tmp_path / "bundle")

    assert answer.code == 2
    assert "--model RECIPE" in answer.err


def test_p10_a_pickle_that_runs_something_is_refused(reseen: Reseen, tmp_path: Path, well_told: WellTold) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.system, (f"touch {tmp_path}/trace",)

    torch.save({"state_dict": {"a": torch.ones(1)}, "more": Attack()}, tmp_path / "model.pth")
    answer = reseen(
        *("models", "import", tmp_path / "model.pth", "--from", "torchreid", "--model", "osnet_x0_25"),
        *("--output", tmp_path / "osnet.safetensors"),
    )
    assert answer.code == 2
    assert well_told(answer)
    assert not (tmp_path / "trace").exists()


def test_the_model_that_comes_with_reseen_is_known_with_its_terms(reseen: Reseen) -> None:
    listed, shown = reseen("models", "list"), reseen("models", "show", "default")

    assert listed.out.startswith("default\n")
    for answer in (listed, shown):
        assert "research use only: Market-1501 may be used for research and not" in " ".join(answer.out.split())
    facts = json.loads(reseen("models", "show", "default", "--json").out)
    assert facts["name"] == "default"
    assert facts["figures"]["recall1"] > 80
    assert json.loads(reseen("models", "list", "--json").out)["models"][0] == facts
