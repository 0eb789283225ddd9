from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from reseen.errors import WeightsError
from reseen.images.preprocess import Preprocess
from reseen.models.foreign.onnx_graph import read_foreign_graph

PREPROCESS = Preprocess(height=32, width=16, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
WEIGHTS = np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32)


def network(
    folder: Path,
    *,
    sizes: tuple[str | int, ...] = ("n", 3, 32, 16),
    kind: int = TensorProto.FLOAT,
    maps: bool = False,
    opset: int = 17,
    two: bool = False,
) -> Path:
    """Channel means times a matrix; with `maps` the means alone, as (n, 3, 1, 1)."""
    nodes = [helper.make_node("GlobalAveragePool", ["input"], ["pooled"])]
    if not maps:
        nodes += [
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "scale"], ["feature"]),
        ]
    found = "pooled" if maps else "feature"
    outputs = [helper.make_tensor_value_info(found, TensorProto.FLOAT, ["n", 3, 1, 1] if maps else ["n", 8])]
    if two:
        outputs.append(helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["n", 3, 1, 1]))
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("input", kind, sizes)],
        outputs,
        [] if maps else [numpy_helper.from_array(WEIGHTS, "scale")],  # a name that the wrapping uses too
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, folder / "foreign.onnx")
    return folder / "foreign.onnx"


def unit(features: Any) -> Any:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


@pytest.mark.parametrize("bgr", [False, True])
@pytest.mark.parametrize("maps", [False, True])
@pytest.mark.parametrize("opset", [7, 13, 20])
def test_pixels_go_in_and_unit_norm_features_come_out(bgr: bool, maps: bool, opset: int, tmp_path: Path) -> None:
    graph = read_foreign_graph(network(tmp_path, maps=maps, opset=opset), PREPROCESS, bgr=bgr)
    images = np.random.default_rng(1).integers(0, 256, (5, 32, 16, 3), dtype=np.uint8)

    (found,) = onnxruntime.InferenceSession(graph.onnx).run(None, {"images": images})

    means = (images.mean((1, 2)) / 255 - PREPROCESS.mean) / PREPROCESS.std
    means = means[:, ::-1] if bgr else means
    np.testing.assert_allclose(found, unit(means if maps else means @ WEIGHTS), rtol=1e-4, atol=1e-5)


def test_whether_it_takes_one_image_at_a_time_is_known(tmp_path: Path) -> None:
    assert not read_foreign_graph(network(tmp_path), PREPROCESS, bgr=False).one_by_one
    assert read_foreign_graph(network(tmp_path, sizes=(1, 3, 32, 16)), PREPROCESS, bgr=False).one_by_one


def test_sizes_that_the_file_leaves_open_fit(tmp_path: Path) -> None:
    assert read_foreign_graph(network(tmp_path, sizes=("n", 3, "h", "w")), PREPROCESS, bgr=False).input == "input"


def test_the_hash_is_of_the_file_and_of_what_was_chosen(tmp_path: Path) -> None:
    path = network(tmp_path, two=True)
    hashes = {
        read_foreign_graph(path, PREPROCESS, output=output, bgr=bgr).sha256
        for output in ("feature", "pooled")
        for bgr in (False, True)
    }
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sizes": ("n", 3, 64, 32)}, "input: float"),
        ({"sizes": ("n", 1, 32, 16)}, "one input of float32"),
        ({"sizes": ("n", 32, 16, 3)}, "one input of float32"),
        ({"sizes": (4, 3, 32, 16)}, "one input of float32"),
        ({"sizes": ("n", 3)}, "one input of float32"),
        ({"two": True}, "it has feature, pooled"),
        ({"opset": 6}, "opset 6"),
    ],
)
def test_another_network_is_refused(change: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=told):
        read_foreign_graph(network(tmp_path, **change), PREPROCESS, bgr=False)


def test_an_output_that_it_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="logits; it has feature"):
        read_foreign_graph(network(tmp_path), PREPROCESS, output="logits", bgr=False)


@pytest.mark.parametrize("within", [False, True], ids=["at the top", "within a branch"])
def test_a_network_that_need_not_end_is_refused(within: bool, tmp_path: Path) -> None:
    path = network(tmp_path)
    model = onnx.load(path)
    turn = helper.make_graph(
        [helper.make_node("Identity", ["goes_on"], ["still"]), helper.make_node("Identity", ["count"], ["turns"])],
        "turn",
        [
            helper.make_tensor_value_info("count", TensorProto.INT64, []),
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("turns", TensorProto.INT64, []),
        ],
    )
    true = numpy_helper.from_array(np.array(True), "true")
    nodes = [helper.make_node("Loop", ["", "true"], ["all_turns"], body=turn)]
    if within:
        found = [helper.make_tensor_value_info("all_turns", TensorProto.INT64, ["turns"])]
        branch = helper.make_graph(nodes, "branch", [], found)
        nodes = [helper.make_node("If", ["true"], ["one_way"], then_branch=branch, else_branch=branch)]
    model.graph.initializer.append(true)
    model.graph.node.extend(nodes)
    onnx.save(model, path)

    with pytest.raises(WeightsError, match="the operator Loop"):
        read_foreign_graph(path, PREPROCESS, bgr=False)


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x80\x02}.", bytes(100)])
def test_what_is_no_onnx_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(WeightsError):
        read_foreign_graph(tmp_path / "a.onnx", PREPROCESS, bgr=False)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(WeightsError, match="a pipe or a device"):
        read_foreign_graph(tmp_path / "pipe.onnx", PREPROCESS, bgr=False)
    with pytest.raises(WeightsError, match="No such file"):
        read_foreign_graph(tmp_path / "a.onnx", PREPROCESS, bgr=False)


def test_weights_in_other_files_are_refused(tmp_path: Path) -> None:
    model = onnx.load(network(tmp_path))
    onnx.save(model, tmp_path / "b.onnx", save_as_external_data=True, location="b.data", size_threshold=0)

    with pytest.raises(WeightsError, match=r"weights in b\.data"):
        read_foreign_graph(tmp_path / "b.onnx", PREPROCESS, bgr=False)
