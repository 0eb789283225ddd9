"""What quantisation costs, and the gate that refuses what costs too much."""

from __future__ import annotations

import numpy as np

from reseen.bundle.description import Accuracy
from reseen.datasets.evaluation_split import EvaluationSplit
from reseen.errors import ExportError
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet
from reseen.exporting.parity import Run
from reseen.exporting.quantisation_images import QuantisationImages
from reseen.scores.normalise import unit_rows
from reseen.shapes import Float32

MAX_DROP = 0.005
"""Most mAP that may be lost, of 1."""
MIN_COSINE = 0.98
"""Least mean cosine, where nobody is known."""


def measure_accuracy(network: Run, model: Run, images: QuantisationImages) -> Accuracy:
    """What a quantised model loses against the network on the images to measure on.

    Raises:
        ImageError: an image cannot be read.
        FeaturesError: a feature is not finite, or without direction.
    """
    features = [(network(batch), model(batch)) for batch in images.batches()]
    wanted, found = (np.concatenate(each) for each in zip(*features, strict=True))
    if images.people is None:
        return Accuracy(measure="cosine", images=len(wanted), before=1, after=_mean_cosine(wanted, found))
    before, after = _mean_ap(wanted, images.people), _mean_ap(found, images.people)
    return Accuracy(measure="mAP", images=len(wanted), before=before, after=after)


def require_accuracy(accuracy: Accuracy, name: str) -> None:
    """Refuse a model that lost too much.

    Raises:
        ExportError: mAP fell by more than `MAX_DROP`, or the mean cosine is below `MIN_COSINE`.
    """
    if accuracy.measure == "mAP":
        kept = accuracy.before - accuracy.after <= MAX_DROP
        expected, got = f"mAP ≥ {accuracy.before - MAX_DROP:.4f}, {100 * MAX_DROP:g} points below", "mAP"
    else:
        kept, expected, got = accuracy.after >= MIN_COSINE, f"mean cosine ≥ {MIN_COSINE}", "mean cosine"
    if not kept:
        raise ExportError(
            f"{name} loses too much accuracy in 8 bits",
            expected=f"{expected}, on {accuracy.images:,} images",
            got=f"{got} {accuracy.after:.4f}",
            cure="give more images, like those that the model will see, or choose fp16 or fp32",
        )


def _mean_cosine(wanted: Float32[np.ndarray, "n d"], found: Float32[np.ndarray, "n d"]) -> float:
    every = np.ones(len(wanted), dtype=bool)
    a, b = (unit_rows(features, every, "measured").astype(np.float64) for features in (wanted, found))
    return float((a * b).sum(1).mean())


def _mean_ap(features: Float32[np.ndarray, "n d"], people: EvaluationSplit) -> float:
    return evaluate(RetrievalSet.of_images(features, *people.labels())).mAP
