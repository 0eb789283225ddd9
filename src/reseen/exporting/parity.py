"""The gate: a model file must give the features of the network that it was made from, at every batch size."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reseen.bundle.description import Parity, Precision
from reseen.errors import ExportError
from reseen.images.decode import decode_image
from reseen.images.preprocess import Preprocess
from reseen.images.resize import fit
from reseen.shapes import Float32, UInt8
from reseen.synthetic import Plan, synthesise

BATCHES = (1, 2, 7, 32)
PEOPLE = Plan(persons=2, test_persons=8, cameras=2, images_per_camera=2, distractors=0, junk=0)
"""Drawn people: those of its test part are searched for."""
TIE = 1e-3
"""Scores this close may change places; features at the limit of `max_error` give scores that differ by less."""

Run = Callable[[UInt8[np.ndarray, "n h w 3"]], Float32[np.ndarray, "n d"]]
"""Images at the preprocess size to features."""


@dataclass(frozen=True)
class Limits:
    """What still counts as agreeing; names as in `Parity`."""

    cosine: float
    norm_error: float
    max_error: float


LIMITS: dict[Precision, Limits] = {
    "fp32": Limits(cosine=0.9999, norm_error=1e-4, max_error=1e-4),
    "fp16": Limits(cosine=0.999, norm_error=1e-3, max_error=1e-2),
}
"""By precision. What 8 bits cost is measured as accuracy; of them only the norm is held to `NORM_ERROR`."""
NORM_ERROR = 1e-3


@dataclass(frozen=True, eq=False)
class Trial:
    """Images to compare on.

    Attributes:
        noise: random pixels, for every number of `BATCHES` that many.
        query: drawn people, each by one camera.
        gallery: the same people, other images.
    """

    noise: tuple[UInt8[np.ndarray, "_ h w 3"], ...]
    query: UInt8[np.ndarray, "q h w 3"]
    gallery: UInt8[np.ndarray, "g h w 3"]


def make_trial(preprocess: Preprocess) -> Trial:
    """Images at the preprocess size, always the same ones."""
    rng = np.random.default_rng(0)
    shape = preprocess.height, preprocess.width, 3
    with tempfile.TemporaryDirectory(prefix="reseen-") as folder:
        people = synthesise(Path(folder) / "people", PEOPLE)
        query, gallery = (
            np.stack([fit(decode_image(sample.path), preprocess) for sample in people.split(part)])
            for part in ("query", "gallery")
        )
    noise = tuple(rng.integers(0, 256, (count, *shape), dtype=np.uint8) for count in BATCHES)
    return Trial(noise, query, gallery)


def measure_parity(network: Run, model: Run, trial: Trial) -> Parity:
    """How far a model's features lie from the network's.

    Raises:
        ExportError: the model gives another number of features, of another size, or numbers that are not finite.
    """
    batches = [*trial.noise, trial.query, trial.gallery]
    wanted = [network(batch) for batch in batches]
    found = [_checked(model(batch), features) for batch, features in zip(batches, wanted, strict=True)]
    a, b = np.concatenate(wanted).astype(np.float64), np.concatenate(found).astype(np.float64)
    lengths = np.linalg.norm(b, axis=1)
    cosines = (a * b).sum(1) / np.maximum(np.linalg.norm(a, axis=1) * lengths, 1e-12)
    return Parity(
        batches=tuple(len(batch) for batch in batches),
        cosine=float(cosines.min()),
        norm_error=float(np.abs(lengths - 1).max()),
        max_error=float(np.abs(a - b).max()),
        ranked_lists_agree=_same_ranks(wanted[-2] @ wanted[-1].T, found[-2] @ found[-1].T),
    )


def require_parity(parity: Parity, precision: Precision, name: str) -> None:
    """Refuse a model whose features are not the network's.

    Raises:
        ExportError: one of the limits is broken; it says which.
    """
    limits = LIMITS.get(precision)
    checks = {f"length 1 ± {NORM_ERROR:g}, off by {parity.norm_error:.3g}": parity.norm_error <= NORM_ERROR}
    if limits is not None:
        checks = {
            f"cosine ≥ {limits.cosine}, lowest {parity.cosine:.6f}": parity.cosine >= limits.cosine,
            f"length 1 ± {limits.norm_error:g}, off by {parity.norm_error:.3g}": parity.norm_error <= limits.norm_error,
            f"error ≤ {limits.max_error:g}, largest {parity.max_error:.3g}": parity.max_error <= limits.max_error,
            "the ranked lists of a small search, changed": parity.ranked_lists_agree,
        }
    broken = [text for text, kept in checks.items() if not kept]
    if broken:
        raise ExportError(
            f"{name} does not give the features of the network that it was exported from",
            expected="; ".join(text.rpartition(", ")[0] for text in broken),
            got="; ".join(text.rpartition(", ")[2] for text in broken),
            cure="choose another format or precision, and report this with the recipe",
        )


def _checked(features: Float32[np.ndarray, "_ _"], wanted: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n d"]:
    if features.shape != wanted.shape or not np.isfinite(features).all():
        raise ExportError(
            "the exported model does not give features",
            expected=f"finite numbers of shape {wanted.shape}",
            got=f"shape {features.shape}, {np.count_nonzero(~np.isfinite(features))} numbers that are not finite",
            cure="choose another format or precision, and report this with the recipe",
        )
    return features


def _same_ranks(wanted: Float32[np.ndarray, "q g"], found: Float32[np.ndarray, "q g"]) -> bool:
    """Whether one order of the gallery's entries does for both, but for scores closer than `TIE`."""
    order = np.argsort(-found, axis=1, kind="stable")
    ranked = np.take_along_axis(wanted, order, axis=1)
    return bool((np.diff(ranked, axis=1) <= TIE).all())
