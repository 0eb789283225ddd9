"""How fast a bundle's models are here, each case in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from reseen.bench.case import Case, Figures, run_case
from reseen.bundle.bundle import Bundle
from reseen.bundle.description import Precision
from reseen.engines.choose import ENGINES, PRECISIONS, choose_model
from reseen.engines.engine import EngineName
from reseen.errors import BundleError, EngineError, UsageError
from reseen.images.decode import decode_image
from reseen.images.preprocess import Preprocess
from reseen.images.resize import fit
from reseen.shapes import Float32, UInt8
from reseen.synthetic import Plan, synthesise

REFERENCE = Case("onnxruntime", "fp32", batch_size=8, threads=1)
"""What the other models' features are held against; where the bundle has no fp32, the most exact that it has."""
PEOPLE = Plan(persons=2, test_persons=8, cameras=2, images_per_camera=2, distractors=0, junk=0)
"""Drawn people, for models that compute with 8 bits do not do as well on noise."""


@dataclass(frozen=True)
class Measured:
    """One case.

    Attributes:
        case: what was measured.
        figures: how fast it was, and in how much memory; None where it could not be measured.
        file_bytes: of the model.
        cosine: the lowest between its feature of an image and that of the bundle's most exact model in ONNX Runtime;
            None where it has none.
        reason: why it could not be measured.
    """

    case: Case
    figures: Figures | None
    file_bytes: int
    cosine: float | None = None
    reason: str | None = None


def engines_of(bundle: Bundle, precisions: Sequence[Precision]) -> list[EngineName]:
    """The engines that run some of a bundle's models, installed or not."""
    return [engine for engine in ENGINES if any(_runs(bundle, engine, precision) for precision in precisions)]


def cases_of(
    bundle: Bundle,
    engines: Sequence[EngineName],
    precisions: Sequence[Precision],
    batch_sizes: Sequence[int],
    threads: Sequence[int],
) -> list[Case]:
    """Every engine with every model of the bundle that it runs, batch size and number of threads.

    Raises:
        BundleError: an engine runs none of the models.
    """
    cases = []
    for engine in engines:
        runs = [precision for precision in precisions if _runs(bundle, engine, precision)]
        if not runs:
            choose_model(bundle, engine, precisions[0])  # says what there is instead
        cases += [Case(engine, each, size, count) for each in runs for size in batch_sizes for count in threads]
    return cases


def measure_cases(bundle: Bundle, cases: Sequence[Case], seconds: float) -> Iterator[Measured]:
    """Measure one case after the other.

    Args:
        bundle: whose models.
        cases: of `cases_of`.
        seconds: for each, beside loading and warming up.
    """
    images = drawn_people(bundle.description.preprocess)
    reference = None
    if any(_runs(bundle, REFERENCE.engine, precision) for precision in PRECISIONS):
        exact = replace(REFERENCE, precision=choose_model(bundle, REFERENCE.engine, None).precision)
        reference, _ = _in_own_process(bundle, exact, images, 0.0)
    for case in cases:
        model = choose_model(bundle, case.engine, case.precision)
        size = sum(bundle.description.files[name].bytes for name in model.files)
        try:
            features, figures = _in_own_process(bundle, case, images, seconds)
        except (UsageError, EngineError) as error:
            yield Measured(case, None, size, reason=f"{error.what}: {error.cure}")
            continue
        cosine = None if reference is None else float((features * reference).sum(axis=1).min())
        yield Measured(case, figures, size, cosine)


def drawn_people(preprocess: Preprocess) -> UInt8[np.ndarray, "n h w 3"]:
    """Images of drawn people at the preprocess size, always the same ones."""
    with tempfile.TemporaryDirectory(prefix="reseen-") as folder:
        people = synthesise(Path(folder) / "people", PEOPLE)
        paths = [sample.path for part in ("query", "gallery") for sample in people.split(part)]
        return np.stack([fit(decode_image(path), preprocess) for path in paths])


def _runs(bundle: Bundle, engine: EngineName, precision: Precision) -> bool:
    try:
        choose_model(bundle, engine, precision)
    except BundleError:
        return False
    return True


def _in_own_process(
    bundle: Bundle, case: Case, images: UInt8[np.ndarray, "n h w 3"], seconds: float
) -> tuple[Float32[np.ndarray, "n d"], Figures]:
    path = bundle.path(choose_model(bundle, case.engine, case.precision))
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(run_case, path, case, images, seconds).result()
    except BrokenProcessPool:
        raise EngineError(
            f"{case.engine} died while it ran {path}",
            expected="features",
            got="a process that was killed, or crashed",
            cure="try smaller batches: there may be too little memory",
        ) from None
