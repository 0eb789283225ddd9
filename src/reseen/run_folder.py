"""`Run`: one training run, as its folder tells it; what each file of that folder is called is said here alone."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from reseen.errors import ReseenError, RunError
from reseen.files import read_bounded
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe
from reseen.strict import fault, read_json, read_json_lines

RECIPE, ENVIRONMENT, METRICS, LOG = "recipe.yaml", "environment.json", "metrics.jsonl", "train.log"
CHECKPOINTS, TENSORBOARD, EVALUATION = "checkpoints", "tensorboard", "evaluation"
BEST, LATEST = "best", "latest"
CALIBRATION_PEOPLE = "calibration_people"
"""Before a `/`, begins the names of metrics of the people who are neither trained on nor reported."""
MAX_BYTES = 64 * 2**20
"""Largest file that is read of a run: some hundred thousand epochs."""


class _Written(BaseModel):
    """What training has written: frozen; what later versions may add is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class EpochRecord(_Written):
    """An epoch that was trained.

    Attributes:
        epoch: its number, from 1.
        iterations: batches that were learnt from.
        learning_rate: of its last step.
        losses: means over the iterations, by name; `total` is their weighted sum.
        seconds: it took; of one that was resumed, since then.
        images_per_second: speed over the same time.
    """

    kind: Literal["epoch"] = Field("epoch", repr=False)
    epoch: int
    iterations: int
    learning_rate: float
    losses: Mapping[str, float]
    seconds: float
    images_per_second: float


class EvaluationRecord(_Written):
    """An evaluation during training.

    Attributes:
        epoch: after which it was made, from 1.
        metrics: recall1, recall5, recall10, mAP and mINP as fractions, and counts; with several datasets also
            `NAME/recall1` of each, and of the people set aside from training
            `calibration_people/recall1`.
        best: highest value so far of the figure that chooses the best weights.
        is_best: whether this evaluation has it.
        seconds: it took.
    """

    kind: Literal["evaluation"] = Field("evaluation", repr=False)
    epoch: int
    metrics: Mapping[str, float]
    best: float
    is_best: bool
    seconds: float

    @field_validator("metrics")
    @classmethod
    def _by_today_s_names(cls, metrics: Mapping[str, float]) -> Mapping[str, float]:
        """Earlier versions called the people set aside `held_out`."""
        return {re.sub("^held_out/", f"{CALIBRATION_PEOPLE}/", name): value for name, value in metrics.items()}


class Environment(_Written):
    """Where a run was made, and on what.

    Attributes:
        reseen: version.
        python: version.
        torch: version.
        numpy: version.
        platform: operating system and processor type.
        processor: what the processor calls itself; None in runs of before this was recorded, as `accelerator`.
        cores: of the machine.
        threads: that each process computed with.
        device: `cpu`, `cuda:0`, `mps`.
        accelerator: its name; None on the CPU.
        processes: that trained together.
        data: folders of the datasets trained on.
        dataset: name of what was trained on.
        dataset_root: folder of the dataset, or the one above all of several.
        evaluation: folders of the datasets evaluated on, by name.
    """

    reseen: str
    python: str
    torch: str
    numpy: str
    platform: str
    processor: str | None = None
    cores: int | None = None
    threads: int
    device: str
    accelerator: str | None = None
    processes: int = 1
    data: tuple[str, ...] = ()
    dataset: str
    dataset_root: str
    evaluation: Mapping[str, str]


@dataclass(frozen=True)
class RunResult:
    """What came out of a run.

    Attributes:
        epochs: how many it has trained.
        best_epoch: the one that the best weights are of.
        last: metrics of the last evaluation.
        best: metrics of the best evaluation.
    """

    epochs: int
    best_epoch: int
    last: Mapping[str, float]
    best: Mapping[str, float]


class _Record(RootModel[Annotated[EpochRecord | EvaluationRecord, Field(discriminator="kind")]]):
    """A line of `metrics.jsonl`."""


def epoch_name(epoch: int) -> str:
    """What the weights that are kept of an epoch (1-based) are called."""
    return f"epoch_{epoch}"


class Run:
    """One training run: its recipe, weights, losses and figures, read from its folder whenever they are asked for.

    A run that is still going can be read too, and one that has not begun: `exists` tells.

        run = reseen.Run("runs/osnet")
        run.result.best["mAP"]
        run.weights("best")

    Args:
        folder: what `reseen train --output` was given, or `reseen.train` has returned.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}: {self._summary()})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and self.folder == other.folder

    def __hash__(self) -> int:
        return hash(self.folder)

    @property
    def recipe_path(self) -> Path:
        """File of the recipe as it was carried out: its base, its overrides and what the device decided in one."""
        return self.folder / RECIPE

    @property
    def environment_path(self) -> Path:
        """File of the machine, the versions and the datasets."""
        return self.folder / ENVIRONMENT

    @property
    def metrics_path(self) -> Path:
        """File of the epochs and evaluations, a JSON object in each line."""
        return self.folder / METRICS

    @property
    def log_path(self) -> Path:
        """File of the log for people."""
        return self.folder / LOG

    @property
    def checkpoints(self) -> Path:
        """Folder of the weights, and of the state that resuming needs."""
        return self.folder / CHECKPOINTS

    @property
    def tensorboard(self) -> Path:
        """Folder of the curves, where they were wanted."""
        return self.folder / TENSORBOARD

    @property
    def evaluation(self) -> Path:
        """Folder that `reseen evaluate --output` is told to write to, and where `reseen report` looks."""
        return self.folder / EVALUATION

    @property
    def exists(self) -> bool:
        """Whether a run has saved here, so that it can be resumed."""
        try:
            return self._weights(LATEST).exists()
        except OSError:  # a name too long, or a folder that may not be entered: making it will say which
            return False

    @property
    def recipe(self) -> Recipe:
        """What was trained.

        Raises:
            RecipeError: there is none, or it cannot be read.
        """
        return load_recipe(self.recipe_path)

    @property
    def environment(self) -> Environment:
        """Where it was trained, and on what.

        Raises:
            RunError: it was not written down, or cannot be read.
        """
        path = self.environment_path
        return read_json(path, Environment, MAX_BYTES, partial(_refusal, path))

    @property
    def epochs(self) -> tuple[EpochRecord, ...]:
        """The epochs that are done, in order.

        Raises:
            RunError: `metrics.jsonl` cannot be read.
        """
        return tuple(each for each in self._records() if isinstance(each, EpochRecord))

    @property
    def evaluations(self) -> tuple[EvaluationRecord, ...]:
        """The evaluations that are done, in order.

        Raises:
            RunError: `metrics.jsonl` cannot be read.
        """
        return tuple(each for each in self._records() if isinstance(each, EvaluationRecord))

    @property
    def result(self) -> RunResult:
        """How good it is, at its last evaluation and at its best.

        Raises:
            RunError: `metrics.jsonl` cannot be read, holds no evaluation yet, or has lost the best one.
        """
        records = self._records()
        evaluations = [each for each in records if isinstance(each, EvaluationRecord)]
        best = next((each for each in reversed(evaluations) if each.is_best), None)
        if best is None or best.best != evaluations[-1].best:
            raise RunError(
                f"{self.metrics_path} does not hold the results of the run",
                expected="its best evaluation and its last one",
                got=f"{len(evaluations)} evaluations, and not the best" if evaluations else "no evaluation",
                cure=f"train on with --resume, or measure its weights: {self.evaluate_command()}",
            )
        epochs = max(each.epoch for each in records)
        return RunResult(epochs, best.epoch, evaluations[-1].metrics, best.metrics)

    @property
    def log(self) -> str:
        """The log for people, a line for each thing that happened, with its time.

        Raises:
            RunError: it is not there, or cannot be read.
        """
        try:
            return read_bounded(self.log_path, MAX_BYTES).decode("utf-8", "replace")
        except (OSError, ValueError) as error:
            raise _refusal(self.log_path, fault(error)) from None

    def weights(self, which: Literal["best", "latest"] | int = "best") -> Path:
        """File of trained weights, for `reseen.export` and every `--weights`.

        Args:
            which: those of the best evaluation, the latest, or those that were kept of an epoch.

        Raises:
            RunError: they were not saved.
        """
        name = which if isinstance(which, str) else epoch_name(which)
        path = self._weights(name)
        if not path.is_file():
            there = sorted(each.stem for each in self.checkpoints.glob("*.safetensors") if ".state-" not in each.name)
            raise RunError(
                f"{self.folder} holds no weights {name!r}",
                expected=f"one of {', '.join(there)}" if there else "a run that has saved",
                got=f"no file {path}",
                cure="name one that is there; training.save_every says of which epochs they are kept",
            )
        return path

    def evaluate_command(self) -> str:
        """The command that measures its best weights on what it was evaluated on, into `evaluation`."""
        try:
            data = self.environment.dataset_root
        except RunError:
            data = "PATH"
        words = ("-c", self.recipe_path, "--weights", self.checkpoints / BEST, "--data", data)
        return shlex.join(["reseen", "evaluate", *map(str, words), "--output", str(self.evaluation)])

    def _weights(self, name: str) -> Path:
        return self.checkpoints / f"{name}.safetensors"

    def _records(self) -> list[EpochRecord | EvaluationRecord]:
        path = self.metrics_path
        return [line.root for line in read_json_lines(path, _Record, MAX_BYTES, partial(_refusal, path))]

    def _summary(self) -> str:
        """What `repr` says; it never fails."""
        try:
            result, recipe = self.result, self.recipe
        except ReseenError:
            return "not evaluated yet" if self.exists else "no run here yet"
        figure = f"{recipe.training.best} {result.best[recipe.training.best]:.4f}"
        return f"{recipe.name}, {result.epochs} epochs, best {figure} at epoch {result.best_epoch}"


def _refusal(path: Path, got: str) -> RunError:
    return RunError(
        f"{path} does not tell what it should of a run",
        expected="what reseen train writes",
        got=got,
        cure="check the run's folder, or train again",
    )
