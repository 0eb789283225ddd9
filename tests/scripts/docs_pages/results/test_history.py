from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from docs_pages.results.history import read_history
from reseen.errors import RunError
from reseen.recipe.schema import Recipe
from reseen.run_folder import Run

SmallRecipe = Callable[..., Recipe]
Line = dict[str, object]
HEADLINE = {"recall1": 0.5, "recall5": 0.6, "recall10": 0.7, "mAP": 0.4, "mINP": 0.1}


def epoch(number: int, seconds: float = 10.0, speed: float = 6.0) -> Line:
    """Ten iterations of 3×2 images: 10 s at 6 images/s."""
    pace = {"iterations": 10, "seconds": seconds, "images_per_second": speed}
    return {"kind": "epoch", "epoch": number, "learning_rate": 0.1, "losses": {"total": 1.0}, **pace}


def evaluation(number: int, recall1: float = 0.5, others: float = 0.8) -> Line:
    theirs = {f"calibration_people/{name}": value for name, value in (HEADLINE | {"recall1": others}).items()}
    metrics = HEADLINE | {"recall1": recall1} | theirs
    return {"kind": "evaluation", "epoch": number, "seconds": 2.0, "best": 1.0, "is_best": True, "metrics": metrics}


def written(folder: Path, lines: Sequence[Line]) -> Run:
    run = Run(folder)
    run.metrics_path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


def test_a_finished_run_is_told_by_its_best_evaluation(small_recipe: SmallRecipe, tmp_path: Path) -> None:
    lines = [epoch(1), evaluation(1, 0.2), epoch(2), evaluation(2, 0.5), epoch(3), evaluation(3, 0.4)]
    found = read_history(written(tmp_path, lines), small_recipe())

    assert (found.epochs, found.evaluated, found.ended, found.evaluations, found.best_epoch) == (3, 3, True, 3, 2)
    assert (found.training_seconds, found.evaluation_seconds) == (30, 6)
    assert found.figures is not None
    assert found.figures.model_dump() == HEADLINE
    assert found.calibration_people is None


def test_the_people_set_aside_choose_where_the_recipe_says_so(small_recipe: SmallRecipe, tmp_path: Path) -> None:
    lines = [epoch(3), evaluation(2, 0.3, others=0.9), evaluation(3, 0.5, others=0.8)]
    recipe = small_recipe("data.calibration_share=0.5", "training.best_on=calibration_people")
    found = read_history(written(tmp_path, lines), recipe)

    assert found.best_epoch == 2
    assert found.figures is not None
    assert found.calibration_people is not None
    assert (found.figures.recall1, found.calibration_people.recall1) == (0.3, 0.9)


def test_an_epoch_that_was_resumed_counts_whole(small_recipe: SmallRecipe, tmp_path: Path) -> None:
    # Its seconds are of the 4 iterations after the stop.
    found = read_history(written(tmp_path, [epoch(1), epoch(2, seconds=4.0), epoch(3)]), small_recipe())

    assert found.training_seconds == 30


def test_an_epoch_resumed_at_its_end_has_no_speed(small_recipe: SmallRecipe, tmp_path: Path) -> None:
    assert read_history(written(tmp_path, [epoch(1, 0.5, speed=0.0)]), small_recipe()).training_seconds == 0.5


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [epoch(1)],
        [epoch(1), evaluation(1)],
        [epoch(1), evaluation(1), epoch(2), epoch(3)],
    ],
)
def test_a_run_that_is_not_at_its_end_and_evaluated_there_has_not_ended(
    small_recipe: SmallRecipe, tmp_path: Path, lines: list[Line]
) -> None:
    assert not read_history(written(tmp_path, lines), small_recipe()).ended


@pytest.mark.parametrize(("recall1", "ended"), [(0.5, True), (0.6, False)])
def test_early_stopping_is_an_end(small_recipe: SmallRecipe, tmp_path: Path, recall1: float, ended: bool) -> None:
    lines = [epoch(1), evaluation(1, 0.5), epoch(2), evaluation(2, recall1)]
    recipe = small_recipe("training.early_stopping={patience: 1}")

    assert read_history(written(tmp_path, lines), recipe).ended is ended


def test_an_evaluation_without_the_figures_of_the_page_is_refused(small_recipe: SmallRecipe, tmp_path: Path) -> None:
    run = written(tmp_path, [epoch(1), evaluation(1) | {"metrics": {"recall1": 0.5}}])

    with pytest.raises(RunError, match=r"metrics\.jsonl lacks a figure") as refused:
        read_history(run, small_recipe())
    assert refused.value.got == "no 'recall5'"
