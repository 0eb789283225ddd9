"""`Embedder`: a loaded bundle, which turns images into features."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from reseen.bundle.bundle import Bundle, open_bundle
from reseen.bundle.description import Model, Precision
from reseen.bundle.shipped import bundle_folder
from reseen.engines.choose import choose_model, device_named, engine_named, open_engine, precision_named
from reseen.engines.engine import Engine, EngineOptions
from reseen.engines.inputs import ImageLike, Input, inputs_of
from reseen.engines.match import Match
from reseen.engines.prepare import prepare
from reseen.errors import EngineError, ImageError, UsageError
from reseen.files import require_file
from reseen.images.preprocess import Preprocess
from reseen.map_ahead import map_ahead
from reseen.shapes import Float32, UInt8

if TYPE_CHECKING:
    from reseen.calibration.calibration import Calibration

BATCH_SIZE = 32
MOST_DECODERS = 4
"""Threads that decode while the engine computes. Each may hold a photograph of `images.decode.MAX_PIXELS`, 0.5 GB."""

PARTS_A_LANE = 2
"""Parts of a batch that one call of several runs: the fewer images in it, the sooner decoding and computing overlap."""

MOST_OFF_UNIT = 0.01
"""By how much the length of a feature may differ from 1; half precision reaches 0.001."""
MOST_THREADS = 256

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

    def __len__(self) -> int:
        return len(self.names) + len(self.broken)


class Embedder:
    """Turns images into unit-norm features with a model of a bundle. Safe to be used by several threads at once.

    Args:
        bundle: the model's.
        model: which of its models.
        engine: runs the model.
        batch_size: images that go through it at a time.
        threads: that decode images, at most; None: as many as the processor has cores.
    """

    def __init__(
        self, bundle: Bundle, model: Model, engine: Engine, *, batch_size: int = BATCH_SIZE, threads: int | None = None
    ) -> None:
        self.bundle = bundle
        self.model = model
        self.batch_size = batch_size
        self._engine = engine
        self._closed = False
        self._decoders = min(threads or os.cpu_count() or 1, MOST_DECODERS)

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
        path = self.bundle.calibration
        if path is None or self.feature_space != self.bundle.description.feature_space:
            return None
        from reseen.calibration.calibration import read_calibration  # noqa: PLC0415 - scipy, which embedding does not need

        return read_calibration(path)

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
        for each in self.embed_batches(inputs):
            features[len(names) : len(names) + len(each.names)] = each.features
            names += each.names
            broken |= each.broken
            done += len(each)
            if progress is not None:
                progress(done, len(inputs))
        return Embedded(tuple(names), features[: len(names)], broken)

    def embed_batches(self, inputs: Sequence[Input]) -> Iterator[Embedded]:
        """Like `embed_each`, a batch or less at a time, so that memory does not grow with the number of images.

        Where the engine runs several calls at the same time, they share a batch: each decodes its images and then runs
        the model on them. So some decode while others compute, and none waits for the other within the model.

        Args:
            inputs: images, as `inputs_of` makes them of paths and folders.

        Raises:
            EngineError: the engine failed.
        """
        lanes = self._engine.lanes
        size = -(-self.batch_size // (PARTS_A_LANE * lanes)) if lanes > 1 else self.batch_size
        if len(inputs) <= size:
            yield from [self._embed(inputs)] if inputs else []
            return
        turns = threading.Semaphore(lanes)
        threads = lanes if lanes > 1 else self._decoders + 1
        yield from map_ahead(lambda part: self._embed(part, turns), inputs, size=size, threads=threads)

    def compare(self, a: ImageLike, b: ImageLike) -> Match:
        """How alike two images are, and whether that is one person.

        Raises:
            ImageError: an image cannot be read.
            UsageError: one is a folder of several images.
            FeaturesError: the bundle's calibration cannot be read.
        """
        inputs = inputs_of([a, b])
        if len(inputs) != 2:
            raise UsageError(
                "only two images can be compared", expected="2", got=str(len(inputs)), cure="give one image each"
            )
        first, second = self.embed([a, b])
        score = float(first @ second)
        if self.calibration is None:
            return Match(score)
        from reseen.calibration.verdict import compare_verdict  # noqa: PLC0415 - scipy, which scores do not need

        return Match(score, compare_verdict(self.calibration, score))

    def close(self) -> None:
        """Let go of the model. It cannot be used any more."""
        self._closed = True
        self._engine.close()

    def __enter__(self) -> Embedder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _embed(self, inputs: Sequence[Input], turns: threading.Semaphore | None = None) -> Embedded:
        """Some of the images, by one call of the engine; others are under way where there are `turns` to wait for."""
        batch = prepare(inputs, self.preprocess)
        with turns or nullcontext():
            features = self._features(batch.pixels, shared=turns is not None)
        return Embedded(batch.names, features, batch.broken)

    def _features(self, pixels: UInt8[np.ndarray, "n h w 3"], *, shared: bool) -> Float32[np.ndarray, "n d"]:
        expected = (len(pixels), self.feature_size)
        if not len(pixels):
            return np.empty(expected, dtype=np.float32)
        if self._closed:
            raise UsageError(
                "the embedder is closed", expected="one that is open", got="images", cure="load the bundle again"
            )
        features = self._engine.run(pixels, shared=shared)
        if features.shape != expected or features.dtype != np.float32:
            raise self._other_features(f"{expected} of float32", f"{features.shape} of {features.dtype}")
        lengths = np.linalg.norm(features, axis=1)
        if not (abs(lengths - 1) < MOST_OFF_UNIT).all():  # so that NaN is refused too
            raise self._other_features("features of unit length", f"lengths from {lengths.min()} to {lengths.max()}")
        return features

    def _other_features(self, expected: str, got: str) -> EngineError:
        return EngineError(
            f"{self.bundle.path(self.model)} does not give the features that the bundle describes",
            expected=expected,
            got=got,
            cure="export it again",
        )


def load(
    bundle: str | Path | None = None,
    *,
    engine: str = "onnxruntime",
    precision: Precision | None = None,
    batch_size: int = BATCH_SIZE,
    device: str = "auto",
    threads: int | None = None,
    gpu_memory: float | None = None,
    profile: str | Path | None = None,
) -> Embedder:
    """Load a bundle.

    Args:
        bundle: its folder; None, or `default`: the one that comes with reseen, for research only.
        engine: what runs it: `onnxruntime`, `openvino` or `mnn`.
        precision: `fp32`, `fp16` or `int8`, of those that the bundle has; None: the most exact of them.
        batch_size: images that go through the model at a time.
        device: `cpu`, `cuda`, `tensorrt`, or `auto`, which takes an accelerator where the engine finds one.
        threads: of the processor that one call may use to compute, and beside them to decode; None: one for each core.
        gpu_memory: GB of an accelerator's memory to take at most.
        profile: a file to write to, when the embedder is closed, how long each operator took.

    Raises:
        BundleError: there is no such bundle, it was changed, or has no model for this engine and precision.
        UsageError: the engine is unknown, not installed, or cannot do what is asked of it; too many threads; no place
            for the profile.
        EngineError: the engine cannot load the model.
    """
    _require_positive(batch_size=batch_size, threads=threads, gpu_memory=gpu_memory)
    if threads is not None and threads > MOST_THREADS:
        raise UsageError(
            "so many threads only get in each other's way",
            expected=f"at most {MOST_THREADS}",
            got=f"{threads}",
            cure="leave it out: one for each core",
        )
    place = None if profile is None else require_file(Path(profile))
    if place is not None and not place.parent.is_dir():
        raise UsageError(
            f"{profile} cannot be written", expected="a file in a folder", got="no such folder", cure="make it first"
        )
    chosen, opened = engine_named(engine), open_bundle(bundle_folder(bundle))
    model = choose_model(opened, chosen, None if precision is None else precision_named(precision))
    running = open_engine(chosen, opened.path(model), EngineOptions(device_named(device), threads, gpu_memory, place))
    return Embedder(opened, model, running, batch_size=batch_size, threads=threads)


def _require_positive(**numbers: float | int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number <= 0:
            raise UsageError(
                f"{name} cannot be {number}",
                expected="a number above 0",
                got=str(number),
                cure="leave it out, or raise it",
            )
