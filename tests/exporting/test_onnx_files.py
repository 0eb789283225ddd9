from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import onnx
from onnx import TensorProto

from reseen.engines.engine import EngineName
from reseen.exporting.onnx_files import LARGE, to_fp16, to_fp32
from reseen.exporting.parity import Run
from reseen.exporting.source import Source

OpenFiles = Callable[[EngineName, Mapping[str, bytes]], Run]


def test_fp32_is_the_graph_itself(small_source: Source) -> None:
    assert to_fp32(small_source.onnx) == {"model.onnx": small_source.onnx}


def test_fp16_holds_half_the_weights_bytes_and_every_small_tensor_as_it_was(small_source: Source) -> None:
    before, after = (
        {each.name: each for each in onnx.load_model_from_string(content).graph.initializer}
        for content in (small_source.onnx, to_fp16(small_source.onnx)["model_fp16.onnx"])
    )
    large = {
        name for name, each in before.items() if each.data_type == TensorProto.FLOAT and np.prod(each.dims) >= LARGE
    }
    assert large
    assert set(after) == {f"{name}.fp16" if name in large else name for name in before}
    for name, each in before.items():
        if name in large:
            halved = onnx.numpy_helper.to_array(after[f"{name}.fp16"])
            assert halved.dtype == np.float16
            np.testing.assert_array_equal(halved, onnx.numpy_helper.to_array(each).astype(np.float16))
        else:
            assert after[name] == each


def test_fp16_gives_nearly_the_network_s_features(small_source: Source, open_files: OpenFiles) -> None:
    run = open_files("onnxruntime", to_fp16(small_source.onnx))
    images = np.random.default_rng(0).integers(0, 256, (7, 64, 32, 3), dtype=np.uint8)
    error = np.abs(run(images) - small_source.run(images)).max()
    assert 0 < error < 1e-3
