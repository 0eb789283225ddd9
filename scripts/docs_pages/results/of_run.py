"""A run's folder → its record: figures, time, machine, and the overrides that repeat it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docs_pages.results.history import History, read_history
from docs_pages.results.record import NAME, Figures, Record
from reseen.assess.evaluations import MEAN
from reseen.assess.stored_figures import ONE, read_figures
from reseen.errors import UsageError
from reseen.recipe.difference import overrides_between
from reseen.recipe.load import load_recipe, shipped_recipes
from reseen.recipe.schema import Distillation, Recipe
from reseen.run_folder import CALIBRATION_PEOPLE, CHECKPOINTS, RECIPE, Environment, Run

RERANKED = "reranked"
"""Folder in a run's where `reseen evaluate --rerank --output` is expected to have written."""
UNKNOWN_RECIPE_BASE = "baseline"
"""What a recipe of the user's own is told as a change of."""


@dataclass(frozen=True)
class RecordOptions:
    """What a run's folder does not say of itself.

    Attributes:
        name: of the recipe; see `Record`.
        words: what the page calls it; the name when empty.
        comparison: see `Record`.
        place: see `Record`.
        note: see `Record`.
        machine: for runs of before `environment.json` said it.
    """

    name: str
    words: str = ""
    comparison: str | None = None
    place: int = 0
    note: str = ""
    machine: str | None = None


def record_of_run(folder: Path, told: RecordOptions) -> Record:
    """The record of a finished run, with the re-ranked figures where its folder `reranked` has them.

    Raises:
        UsageError: the run is not finished, was not evaluated, or does not say what the page needs.
        RecipeError: its recipe cannot be read, or not be told as overrides of a shipped one.
    """
    run = Run(folder)
    recipe = run.recipe
    shipped = recipe.name if recipe.name in shipped_recipes() else UNKNOWN_RECIPE_BASE
    base = load_recipe(shipped).model_copy(update={"seed": recipe.seed})
    paths = sorted(_paths_elsewhere(recipe.model_dump(mode="json")), key=len, reverse=True)
    overrides = tuple(_portable(override, paths) for override in overrides_between(base, recipe))
    history = read_history(run, recipe)
    if not history.ended or history.figures is None:
        raise UsageError(
            f"{folder} is not a finished run with its evaluation",
            expected=f"{recipe.training.epochs} epochs, and an evaluation after the last",
            got=f"{history.epochs} epochs, the last evaluation after epoch {history.evaluated}",
            cure="finish it with --resume",
        )
    place = _place(run, told)
    return Record(
        name=_file_name(told.name),
        words=told.words or told.name,
        comparison=told.comparison,
        place=told.place,
        note=told.note,
        dataset=place.dataset,
        model=_model(recipe),
        init=_init(recipe),
        height=recipe.preprocess.height,
        width=recipe.preprocess.width,
        epochs=history.epochs,
        seed=recipe.seed,
        weights=_weights(recipe, history),
        figures=history.figures,
        calibration_people=history.calibration_people,
        reranked=_reranked(folder / RERANKED / "metrics.json"),
        training_seconds=history.training_seconds,
        evaluation_seconds=history.evaluation_seconds,
        machine=place.machine,
        starter=place.starter,
        recipe=shipped,
        overrides=overrides,
        data=place.data,
        evaluated=place.evaluated,
    )


@dataclass(frozen=True)
class _Place:
    """Where a run was made and on what, in the words of its record."""

    dataset: str
    data: tuple[str, ...]
    evaluated: tuple[str, ...]
    machine: str
    starter: str


def _place(run: Run, told: RecordOptions) -> _Place:
    found = run.environment
    if told.machine is None and found.processor is None:
        raise UsageError(
            f"{run.folder} does not say on what machine it was trained",
            expected=f"a processor in {run.environment_path.name}, which runs of this version have",
            got="a run of an earlier version",
            cure="name the machine with --machine",
        )
    data = found.data or (found.dataset_root,)
    names, roots = sorted(found.evaluation), sorted(found.evaluation.values())
    several = found.processes > 1
    return _Place(
        dataset=names[0] if len(names) == 1 else f"mean of {', '.join(names)}",
        data=tuple(Path(root).name for root in data),
        evaluated=() if set(roots) <= set(data) else tuple(Path(root).name for root in roots),
        machine=told.machine or _machine(found),
        starter=f"torchrun --nproc-per-node {found.processes} -m reseen" if several else "reseen",
    )


def _file_name(name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise UsageError(
            f"a record cannot be called {name!r}",
            expected="letters, digits, dots, hyphens and underscores, at most 80",
            got=name,
            cure="give another name; what the page calls the run is free",
        )
    return name


def _machine(found: Environment) -> str:
    count = found.processes
    if found.accelerator:
        place = f"{count} × {found.accelerator}" if count > 1 else found.accelerator
    else:
        threads = f"{found.threads * count} thread{'s' * (found.threads * count > 1)}"
        place = f"{found.processor}, {threads} of {found.cores} cores, no accelerator"
    return f"{place}; torch {found.torch}"


def _reranked(path: Path) -> Figures | None:
    if not path.exists():
        return None
    figures = read_figures(path)
    stored = json.loads(path.read_bytes())
    if not stored.get(MEAN, stored).get("rerank"):
        raise UsageError(
            f"{path} holds no re-ranked figures",
            expected="what reseen evaluate --rerank writes",
            got="an evaluation without re-ranking",
            cure="evaluate with --rerank, or into another folder",
        )
    return Figures(**figures[MEAN if MEAN in figures else ONE])


def _model(recipe: Recipe) -> str:
    """`osnet (width 0.25)`: the backbone, and its settings that are not the defaults."""
    backbone = recipe.model.backbone
    defaults = type(backbone)(name=backbone.name)  # type: ignore[arg-type]
    usual = defaults.model_dump(mode="json")
    given = backbone.model_dump(mode="json")
    others = [f"{key} {value}" for key, value in given.items() if value != usual[key]]
    return f"{backbone.name} ({', '.join(others)})" if others else backbone.name


def _init(recipe: Recipe) -> str:
    pretrained = recipe.model.pretrained
    init = "scratch" if pretrained is None or pretrained.path is None else _portable_path(pretrained.path)
    teachers = [
        _portable_path(str(loss.teacher.bundle or loss.teacher.weights))
        for loss in recipe.losses
        if isinstance(loss, Distillation)
    ]
    return ", taught by ".join((init, *teachers))


def _weights(recipe: Recipe, history: History) -> str:
    if history.evaluations == 1:
        return f"epoch {history.best_epoch}, the last"
    whom = (
        "people set aside from training" if recipe.training.best_on == CALIBRATION_PEOPLE else "the evaluation itself"
    )
    return (
        f"epoch {history.best_epoch}, the best of {history.evaluations} evaluations by {recipe.training.best} on {whom}"
    )


def _portable(override: str, paths: Iterable[str]) -> str:
    """An override without the folders of this machine."""
    for path in paths:
        override = override.replace(path, _portable_path(path))
    return override


def _portable_path(path: str) -> str:
    """The file alone; of a run's checkpoint or recipe the run too, where the page's commands write runs.

    Relative paths stay, unless they lead out of the folder.
    """
    if not _is_elsewhere(path):
        return path
    parts = _parts(path)
    if parts[-1] == RECIPE:
        end = len(parts) - 1
    elif CHECKPOINTS in parts[2:-1]:
        end = len(parts) - 1 - parts[::-1].index(CHECKPOINTS)
    else:
        return parts[-1]
    begin = end - 2 if parts[end - 1].startswith("seed_") else end - 1
    named = parts[max(begin, 0) : end]
    return "/".join(("runs", *parts[begin:])) if named and not {"..", "/"}.intersection(named) else parts[-1]


def _is_elsewhere(text: str) -> bool:
    return Path(text).is_absolute() or _parts(text)[:1] == ("..",)


def _parts(path: str) -> tuple[str, ...]:
    """Of a path, without what leads back."""
    return Path(os.path.normpath(path)).parts


def _paths_elsewhere(value: Any) -> Iterator[str]:
    """Texts in a recipe that are absolute paths, or lead out of the folder."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _paths_elsewhere(each)
    elif isinstance(value, str) and _is_elsewhere(value):
        yield value
