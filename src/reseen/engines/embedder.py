"""`Embedder`: a loaded bundle, which turns images into features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8

from reseen.bundle.bundle import Bundle, open_bundle
from reseen.bundle.description import Model, Precision
from reseen.engines.choose import choose_model, device_named, engine_named, open_engine
from reseen.engines.engine import Engine, EngineOptions
from reseen.engines.inputs import ImageLike, Input, inputs_of
from reseen.engines.match import Match
from reseen.errors import ImageError
from reseen.images.preprocess import Preprocess
from reseen.images.resize import fit

if TYPE_CHECKING:
    from reseen.evaluation.calibration import Calibration

BATCH_SIZE = 32
BATCHES_AHEAD = 2
DECODERS = 2
"""Threads that decode and resize while the engine computes."""

Progress = Callable[[int, int], None]
"""Told how many images are done, and how many there are."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """What became of many images.

    Attributes:
        names: of those that were embedded, in their order: paths, or `image 3` for the fourth of what has no path.
        features: (n, d) float32 of unit norm, one row a name.
        broken: why the others were not, by their names.
    """

    names: tuple[str, ...]
    features: Float32[np.ndarray, "n d"]
    broken: dict[str, ImageError]


class Embedder:
    """Turns images into unit-norm features with a model of a bundle. Safe to be used by several threads at once.

    Args:
        bundle: the model's.
        model: which of its models.
        engine: runs the model.
        batch_size: images that go through it at a time.
    """

    def __init__(self, bundle: Bundle, model: Model, engine: Engine, *, batch_size: int = BATCH_SIZE) -> None:
        self.bundle = bundle
        self.model = model
        self.batch_size = batch_size
        self._engine = engine

    @property
    def preprocess(self) -> Preprocess:
        """How an image becomes the model's input."""
        return self.bundle.description.preprocess

    @property
    def feature_size(self) -> int:
        """d, the numbers in a feature."""
        return self.bundle.description.feature_size

    @property
    def feature_space(self) -> str:
        """Which features can be compared with these."""
        return self.model.feature_space

    @cached_property
    def calibration(self) -> Calibration | None:
        """What scores mean; None where the bundle has no calibration of this model's features."""
        from reseen.evaluation.calibration import read_calibration  # noqa: PLC0415 - scipy, which embedding does not need

        path = self.bundle.calibration
        known = path is not None and self.feature_space == self.bundle.description.feature_space
        return read_calibration(path) if path is not None and known else None

    def embed(self, images: ImageLike | Sequence[ImageLike]) -> Float32[np.ndarray, "n d"]:
        """Unit-norm features, one row an image, in their order.

        Args:
            images: one or many: paths of files, folders (their images and those below them, sorted), bytes of image
                files, Pillow's pictures, (h, w, 3) uint8 RGB arrays. No images give no rows.

        Raises:
            ImageError: an image cannot be read; it names the image.
            DatasetError: a folder holds no image.
            EngineError: the engine failed.
        """
        embedded = self.embed_each(images)
        for error in embedded.broken.values():
            raise error
        return embedded.features

    def embed_each(self, images: ImageLike | Sequence[ImageLike], progress: Progress | None = None) -> Embedded:
        """Like `embed`, but goes on where an image cannot be read, and says which.

        Args:
            images: as for `embed`.
            progress: told after every batch how far it has come.

        Raises:
            DatasetError: a folder holds no image.
            EngineError: the engine failed.
        """
        inputs = inputs_of(images)
        names: list[str] = []
        broken: dict[str, ImageError] = {}
        features = np.empty((len(inputs), self.feature_size), dtype=np.float32)
        done = 0
        for prepared in self._prepared(inputs):
            good = [(name, pixels) for name, pixels in prepared if not isinstance(pixels, ImageError)]
            broken |= {name: error for name, error in prepared if isinstance(error, ImageError)}
            if good:
                batch = np.stack([pixels for _, pixels in good])
                features[len(names) : len(names) + len(good)] = self._engine.run(batch)
                names += [name for name, _ in good]
            done += len(prepared)
            if progress is not None:
                progress(done, len(inputs))
        return Embedded(tuple(names), features[: len(names)], broken)

    def compare(self, a: ImageLike, b: ImageLike) -> Match:
        """How alike two images are, and whether that is one person.

        Raises:
            ImageError: an image cannot be read.
        """
        from reseen.evaluation.verdict import compare_verdict  # noqa: PLC0415 - as above

        first, second = self.embed([a, b])
        score = float(first @ second)
        return Match(score, None if self.calibration is None else compare_verdict(self.calibration, score))

    def close(self) -> None:
        """Let go of the model. It cannot be used any more."""
        self._engine.close()

    def __enter__(self) -> Embedder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _prepared(self, inputs: Sequence[Input]) -> Iterator[list[tuple[str, UInt8[np.ndarray, "h w 3"] | ImageError]]]:
        """Batches of images at the preprocess size, or why there is none; decoded ahead of the engine."""
        batches = iter([inputs[start : start + self.batch_size] for start in range(0, len(inputs), self.batch_size)])
        share = -(-self.batch_size // DECODERS)
        with ThreadPoolExecutor(DECODERS) as pool:

            def submit(batch: Sequence[Input]) -> list[Future[list[tuple[str, np.ndarray | ImageError]]]]:
                parts = (batch[start : start + share] for start in range(0, len(batch), share))
                return [pool.submit(self._prepare, part) for part in parts]

            waiting = [submit(batch) for batch in islice(batches, BATCHES_AHEAD)]
            try:
                while waiting:
                    prepared = [each for part in waiting.pop(0) for each in part.result()]
                    waiting += [submit(batch) for batch in islice(batches, 1)]
                    yield prepared
            finally:
                pool.shutdown(cancel_futures=True)

    def _prepare(self, inputs: Sequence[Input]) -> list[tuple[str, np.ndarray | ImageError]]:
        prepared: list[tuple[str, np.ndarray | ImageError]] = []
        for each in inputs:
            try:
                prepared.append((each.name, fit(each.pixels(), self.preprocess)))
            except ImageError as error:
                prepared.append((each.name, error))
        return prepared


def load(
    bundle: str | Path,
    *,
    engine: str = "onnxruntime",
    precision: Precision = "fp32",
    batch_size: int = BATCH_SIZE,
    device: str = "auto",
    threads: int | None = None,
    gpu_memory: float | None = None,
    profile: Path | None = None,
) -> Embedder:
    """Load a bundle.

    Args:
        bundle: its folder.
        engine: what runs it: `onnxruntime`, `openvino` or `mnn`.
        precision: `fp32`, `fp16` or `int8`, of those that the bundle has.
        batch_size: images that go through the model at a time.
        device: `cpu`, `cuda`, `tensorrt`, or `auto`, which takes an accelerator where the engine finds one.
        threads: of the processor that one call may use; None takes all cores.
        gpu_memory: GB of an accelerator's memory to take at most.
        profile: a file to write to, when the embedder is closed, how long each operator took.

    Raises:
        BundleError: there is no such bundle, it was changed, or has no model for this engine and precision.
        UsageError: the engine is unknown, not installed, or cannot do what is asked of it.
        EngineError: the engine cannot load the model.
    """
    chosen, opened = engine_named(engine), open_bundle(Path(bundle))
    model = choose_model(opened, chosen, precision)
    running = open_engine(chosen, opened.path(model), EngineOptions(device_named(device), threads, gpu_memory, profile))
    return Embedder(opened, model, running, batch_size=batch_size)
