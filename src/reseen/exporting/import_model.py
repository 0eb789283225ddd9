"""Other projects' models as bundles."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnxruntime

from reseen.bundle.bundle import Bundle
from reseen.errors import EngineError, ExportError, WeightsError
from reseen.exporting.export import About, export_bundle
from reseen.exporting.parity import Run
from reseen.exporting.source import Source, source_of
from reseen.images.preprocess import Preprocess
from reseen.models.foreign.import_weights import Imported, import_weights
from reseen.models.foreign.onnx_graph import ForeignGraph, read_foreign_graph
from reseen.models.weights import load_network
from reseen.recipe.schema import Recipe
from reseen.shapes import Float32, UInt8


def import_weights_as_bundle(path: Path, source: str, recipe: Recipe, folder: Path) -> Imported:
    """A checkpoint of another project as a bundle with an ONNX model, through the gate.

    Raises:
        UsageError: the folder is in the way.
        WeightsError: see `import_weights`; or it is a backbone to start training from, and no whole network.
        ExportError: the model does not give the network's features.
        StorageError: it cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="reseen-") as scratch:
        weights = Path(scratch) / "weights.safetensors"
        imported = import_weights(path, source, recipe, weights)
        if imported.to_start_from:
            raise WeightsError(
                f"{path} is a starting point for training, not a model to bundle",
                expected="the weights of a network for ReID",
                got="an ImageNet classifier",
                cure=f"name a weights file: --output {folder.name}.safetensors",
            )
        network = load_network(recipe.model, weights)
    export_bundle(source_of(network, recipe.model, recipe.preprocess), [("onnx", "fp32")], folder, About(recipe.name))
    return imported


def import_onnx(
    path: Path, preprocess: Preprocess, folder: Path, *, name: str, output: str | None = None, bgr: bool = False
) -> Bundle:
    """A foreign ONNX network as a bundle; the gate holds it against the file itself.

    Args:
        path: see `read_foreign_graph`.
        preprocess: how an image becomes its input.
        folder: of the bundle: empty, or missing.
        name: of the model.
        output: see `read_foreign_graph`.
        bgr: see `read_foreign_graph`.

    Raises:
        UsageError: the folder is in the way.
        WeightsError: it is no such network.
        EngineError: ONNX Runtime does not run it, or not with every number of images.
        ExportError: what was made of it does not give its features.
        StorageError: it cannot be written.
    """
    graph = read_foreign_graph(path, preprocess, output=output, bgr=bgr)
    run = _as_it_is(path, graph, preprocess)
    size = run(np.zeros((1, preprocess.height, preprocess.width, 3), np.uint8)).shape[1]
    source = Source(graph.onnx, run, preprocess, size, graph.sha256)
    try:
        return export_bundle(source, [("onnx", "fp32")], folder, About(name))
    except (EngineError, ExportError) as error:
        raise WeightsError(
            f"{path} cannot become a bundle: the converted model gives other features",
            expected=error.expected,
            got=error.got,
            cure="export it again with the library that trained it; if that does not help, report it",
        ) from error


def _as_it_is(path: Path, graph: ForeignGraph, preprocess: Preprocess) -> Run:
    """The file itself, given what `preprocess` says, one image at a time where it takes no more."""
    mean, std = np.array(preprocess.mean), np.array(preprocess.std)
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library raises its own kinds, which share no base
        raise _not_run(path, error) from None

    def run(images: UInt8[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n d"]:
        normalised = ((images / 255 - mean) / std).astype(np.float32)
        inputs = (normalised[..., ::-1] if graph.bgr else normalised).transpose(0, 3, 1, 2)
        batches = np.split(inputs, len(inputs)) if graph.one_by_one else [inputs]
        try:
            found = [session.run([graph.output], {graph.input: batch})[0] for batch in batches]
            features = np.concatenate(
                [each.reshape(len(batch), -1) for each, batch in zip(found, batches, strict=True)]
            )
        except Exception as error:
            raise _not_run(path, error) from None
        unit: np.ndarray = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-6)
        return unit

    return run


def _not_run(path: Path, error: Exception) -> EngineError:
    return EngineError(
        f"ONNX Runtime cannot run {path}",
        expected=f"a network that ONNX Runtime {onnxruntime.__version__} runs",
        got=str(error)[:500],
        cure="export it again with the library that trained it",
    )
