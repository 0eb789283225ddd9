"""The trained network that a loss of a recipe names as its teacher."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from reseen.bundle.bundle import Bundle, open_bundle
from reseen.bundle.description import feature_space
from reseen.datasets.holdout import NOBODY, people_hash
from reseen.datasets.manifest import Manifest
from reseen.engines.choose import FORMATS, choose_model, open_engine
from reseen.engines.engine import EngineName, EngineOptions
from reseen.errors import ReseenError
from reseen.models.load_embedder import load_embedder
from reseen.models.weights_file import read_header, resolve_weights
from reseen.models.weights_hash import weights_sha256
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Distillation, Recipe
from reseen.recipe.schema import Teacher as TeacherSettings
from reseen.training.teacher import BundleTeacher, Teacher, Teaches


@dataclass(frozen=True, eq=False)
class NamedTeacher:
    """The teacher of a run.

    Attributes:
        teacher: on the run's device, or where its engine runs.
        feature_size: length of its features.
        feature_space: whose cosines are learnt, wherever the files lie.
        words: what it is, for the run's log.
    """

    teacher: Teaches
    feature_size: int
    feature_space: str
    words: tuple[str, ...]


def load_teacher(recipe: Recipe, calibration_people: Manifest, device: torch.device) -> NamedTeacher | None:
    """The teacher of a recipe, or None where no loss learns from one.

    Args:
        recipe: of the run that is to be taught.
        calibration_people: whom that run sets aside.
        device: where the run computes.

    Raises:
        ReseenError: the teacher's recipe or its weights cannot be used; what it says names the recipe's key.
    """
    for place, loss in enumerate(recipe.losses):
        if isinstance(loss, Distillation):
            with _told_of(f"losses.{place}.teacher"):
                if loss.teacher.bundle is not None:
                    return _of_bundle(Path(loss.teacher.bundle), recipe, calibration_people)
                return _of_run(loss.teacher, recipe, calibration_people, device)
    return None


def _of_run(teacher: TeacherSettings, recipe: Recipe, kept: Manifest, device: torch.device) -> NamedTeacher:
    own, weights = load_recipe(Path(str(teacher.recipe))), resolve_weights(Path(str(teacher.weights)))
    embedder = load_embedder(own, weights, device)
    words = f"learns from {own.name}, {embedder.feature_size}-d, {weights}"
    return NamedTeacher(
        Teacher(embedder.network, own.preprocess, recipe.preprocess),
        embedder.feature_size,
        feature_space(own.preprocess, weights_sha256(embedder.network, own.model)),
        (words, *_doubts(read_header(weights).get("set_aside"), people_hash(kept))),
    )


def _of_bundle(folder: Path, recipe: Recipe, kept: Manifest) -> NamedTeacher:
    bundle = open_bundle(folder)
    about, name = bundle.description, _engine_for(bundle)
    model = choose_model(bundle, name, None)
    engine = open_engine(name, bundle.path(model), EngineOptions())
    words = f"learns from {about.name}, {about.feature_size}-d, {folder} in {name}"
    return NamedTeacher(
        BundleTeacher(engine.run, about.preprocess, recipe.preprocess),
        about.feature_size,
        model.feature_space,
        (words, *_doubts(about.set_aside, people_hash(kept))),
    )


def _engine_for(bundle: Bundle) -> EngineName:
    """The first engine that runs one of its models."""
    formats = {model.format for model in bundle.description.models}
    return next((name for name, read in FORMATS.items() if formats & {*read}), "onnxruntime")


def _doubts(its: str | None, ours: str) -> tuple[str, ...]:
    """A line where the teacher may have learnt the people whom its student keeps for choosing and calibrating."""
    if ours in (NOBODY, its):
        return ()
    kept = "does not record whom it kept aside" if its is None else "kept other people aside, or nobody"
    return (f"the teacher's training {kept}: if it has seen the people kept aside here, their figures are optimistic",)


@contextlib.contextmanager
def _told_of(key: str) -> Iterator[None]:
    """While entered, errors say that they are about the teacher, and where it is named."""
    try:
        yield
    except ReseenError as error:
        raise type(error)(
            f"cannot load the teacher named in {key}: {error.what}",
            expected=error.expected,
            got=error.got,
            cure=f"give the recipe.yaml and the weights of one run, or a bundle, in {key}; {error.cure}",
        ) from error
