"""A score as a probability: logistic regression of "same person" on the score.

Platt, "Probabilistic outputs for support vector machines", 1999, with his smoothed targets; the pairs are weighted to a
stated prior (Brümmer and du Preez, "Application-independent evaluation of speaker detection", 2006), because a set of
pairs has far more of two people than of one. Rising by construction: more similar is never less probable.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field
from scipy import optimize, special

from reseen.errors import FeaturesError
from reseen.shapes import Float64, Int64
from reseen.strict import Strict

EVEN = 0.5


class Logistic(Strict):
    """P(same person | score) = 1 / (1 + exp(−slope · score − intercept)), for an even prior.

    Attributes:
        slope: above zero.
        intercept: for a prior of 0.5: as many pairs of one person as of two.
    """

    slope: Annotated[float, Field(gt=0)]
    intercept: float

    def probability(self, score: float, prior: float = EVEN) -> float:
        """Probability that a pair is of one person.

        Args:
            score: of the pair.
            prior: the probability before the score was known, between 0 and 1.
        """
        odds = self.slope * score + self.intercept + math.log(prior / (1 - prior))
        return float(special.expit(odds))


def fit_logistic(
    scores: Float64[np.ndarray, " b"], genuine: Int64[np.ndarray, " b"], impostor: Int64[np.ndarray, " b"]
) -> Logistic:
    """Fit to counted pairs, with an even prior.

    Args:
        scores: of the pairs counted together.
        genuine: how many are of one person; not all zero.
        impostor: how many are of two; not all zero.

    Raises:
        FeaturesError: pairs of one person do not score higher than pairs of two.
    """
    there = np.flatnonzero(genuine + impostor)
    scores, genuine, impostor = scores[there], genuine[there], impostor[there]
    counts = (genuine.sum(), impostor.sum())
    weights = (genuine / (2 * counts[0]), impostor / (2 * counts[1]))
    targets = ((counts[0] + 1) / (counts[0] + 2), 1 / (counts[1] + 2))
    means = [float(weight @ scores) * 2 for weight in weights]
    if means[0] <= means[1]:
        raise FeaturesError(
            "the scores do not tell people apart",
            expected="same-person pairs that score higher on average than different-person pairs",
            got=f"means of {means[0]:.4f} and {means[1]:.4f}",
            cure="train the model further, and check the person and camera of the images",
        )
    weight = weights[0] + weights[1]
    target = weights[0] * targets[0] + weights[1] * targets[1]
    centre, width = float(weight @ scores), float(np.sqrt(weight @ (scores - weight @ scores) ** 2))
    standard = (scores - centre) / width

    def loss(line: Float64[np.ndarray, " 2"]) -> tuple[float, Float64[np.ndarray, " 2"]]:
        odds = line[0] * standard + line[1]
        error = weight * special.expit(odds) - target
        return float(weight @ np.logaddexp(0, odds) - target @ odds), np.array([error @ standard, error.sum()])

    slope, intercept = optimize.minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS", tol=1e-9).x
    return Logistic(slope=float(slope / width), intercept=float(intercept - slope * centre / width))
