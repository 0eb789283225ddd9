"""The logistic fit against theory and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from reseen.calibration.platt import Logistic, fit_logistic
from reseen.errors import FeaturesError
from reseen.scores.histogram import STEPS, THRESHOLDS, ScoreHistogram

CENTRES = THRESHOLDS[:-1] + 0.5 / STEPS


def fitted(genuine: np.ndarray, impostor: np.ndarray) -> Logistic:
    counts = []
    for scores in (genuine, impostor):
        histogram = ScoreHistogram()
        histogram.add(np.clip(scores, -1, 1).astype(np.float32))
        counts.append(histogram.counts)
    return fit_logistic(CENTRES, *counts)


def test_two_bell_curves_give_the_line_of_theory_however_many_impostors_there_are() -> None:
    # For N(0.5, 0.15²) against N(0.1, 0.15²) the log of the likelihood ratio is 0.4/0.15² · (score − 0.3).
    draw = np.random.default_rng(0)

    found = fitted(draw.normal(0.5, 0.15, 20_000), draw.normal(0.1, 0.15, 400_000))

    assert found.slope == pytest.approx(0.4 / 0.15**2, rel=0.03)
    assert found.intercept == pytest.approx(-0.3 * 0.4 / 0.15**2, rel=0.03)
    assert found.probability(0.3) == pytest.approx(0.5, abs=0.02)
    assert found.probability(0.3, prior=0.01) == pytest.approx(0.01, rel=0.1)


def test_scikit_learn_finds_the_same_line() -> None:
    draw = np.random.default_rng(1)
    genuine, impostor = draw.beta(5, 2, 3000), draw.beta(2, 4, 30_000)
    scores = np.concatenate([genuine, impostor])
    same = np.arange(len(scores)) < len(genuine)
    theirs = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-8).fit(scores[:, None], same)

    ours = fitted(genuine, impostor)

    assert ours.slope == pytest.approx(theirs.coef_[0, 0], rel=0.01)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], rel=0.01)


def test_scores_that_a_threshold_separates_give_a_finite_line() -> None:
    found = fitted(np.array([0.8, 0.9]), np.array([0.1, 0.2, 0.3]))

    assert 0.9 > found.probability(0.9) > 0.7
    assert 0.1 < found.probability(0.1) < 0.25


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.001, 0.999))
def test_a_higher_score_is_never_less_probable_and_the_prior_is_bayes_rule(a: float, b: float, prior: float) -> None:
    line = Logistic(slope=12.0, intercept=-4.0)

    assert line.probability(min(a, b), prior) <= line.probability(max(a, b), prior)
    even = line.probability(a)
    assert line.probability(a, prior) == pytest.approx(even * prior / (even * prior + (1 - even) * (1 - prior)))


def test_scores_that_tell_nothing_are_refused() -> None:
    with pytest.raises(FeaturesError, match=r"do not tell people apart(.|\n)*means of 0.2000 and 0.3000"):
        fitted(np.array([0.1, 0.3]), np.array([0.3, 0.3]))
