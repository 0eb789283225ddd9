"""`Record`: what the results page says of one measured run, as a small file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, PositiveFloat, PositiveInt, RootModel, field_validator

from reseen.errors import UsageError
from reseen.files import make_folder, write_whole
from reseen.strict import Count, Rate, Strict, read_json

MAX_BYTES = 2**20
"""Largest record: some hundred times what one holds."""

NAME = r"^[A-Za-z0-9_.-]{1,80}$"


FORMER = {"training.best_on=held_out": "training.best_on=calibration_people"}
"""What overrides in earlier records are now."""


class Figures(Strict):
    """The headline figures, as fractions."""

    recall1: Rate
    recall5: Rate
    recall10: Rate
    mAP: Rate  # noqa: N815  (the field's word)
    mINP: Rate  # noqa: N815


class Record(Strict):
    """One run, measured.

    Attributes:
        format: of this file.
        name: of the recipe that was run; runs of the same name differ in their seed alone.
        words: what the page calls it.
        comparison: the comparison of small changes that it belongs to; None for a run that stands for itself.
        place: where it stands in the comparison, or among the runs; the first is what the others are compared with.
        note: what else must be known beside the figures.
        dataset: what the figures are of.
        model: the backbone, with its settings where they are not the usual ones.
        init: file of the weights it started from, or `scratch`; and the weights of its teacher.
        height: pixels of the network's input.
        width: pixels of the network's input.
        epochs: how many were trained.
        seed: of every draw.
        weights: which ones were measured, and how they were chosen.
        figures: on query and gallery, without re-ranking.
        calibration_people: on the training people who were set aside, if any were; once called `held_out`.
        reranked: on query and gallery, re-ranked, where that was measured.
        training_seconds: of all epochs, whether or not the run was stopped in between.
        evaluation_seconds: of all evaluations on the way.
        machine: what it was trained on.
        starter: what goes before `train`: `reseen`, or `torchrun … -m reseen` with several processes.
        recipe: the shipped recipe that the run's is based on.
        overrides: what `-o` changes in it, but for the seed.
        data: names of the datasets trained on, as `--data` takes them.
        evaluated: names of datasets that were evaluated on instead.
    """

    format: Literal["reseen-result-1"] = "reseen-result-1"
    name: Annotated[str, Field(pattern=NAME)]
    words: str
    comparison: str | None = None
    place: Count = 0
    note: str = ""
    dataset: str
    model: str
    init: str
    height: PositiveInt
    width: PositiveInt
    epochs: PositiveInt
    seed: Count
    weights: str
    figures: Figures
    calibration_people: Annotated[
        Figures | None, Field(validation_alias=AliasChoices("calibration_people", "held_out"))
    ] = None
    reranked: Figures | None = None
    training_seconds: PositiveFloat
    evaluation_seconds: PositiveFloat
    machine: str
    starter: str
    recipe: str
    overrides: tuple[str, ...]
    data: tuple[str, ...]
    evaluated: tuple[str, ...] = ()

    @field_validator("overrides")
    @classmethod
    def _by_today_s_names(cls, overrides: tuple[str, ...]) -> tuple[str, ...]:
        """So that the runs of a recipe are told as one, whichever version trained them."""
        return tuple(FORMER.get(override, override) for override in overrides)

    @property
    def file_name(self) -> str:
        """What its file is called."""
        return f"{self.name}-seed_{self.seed}.json"


class EarlierTable(Strict):
    """Rows that were written down by hand before records were made, with what stood around them.

    Attributes:
        format: of this file.
        title: heading of the section.
        place: the sections are in this order.
        before: what is said above the table, in Markdown.
        columns: heads of the columns.
        rows: their cells.
        after: what is said below it, in Markdown.
        commands: lines that made the rows.
    """

    format: Literal["reseen-earlier-results-1"] = "reseen-earlier-results-1"
    title: str
    place: Count
    before: str = ""
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    after: str = ""
    commands: tuple[str, ...] = ()


class _AnyRecord(RootModel[Annotated[Record | EarlierTable, Field(discriminator="format")]]):
    """What a file of the folder holds."""


def write_record(folder: Path, record: Record) -> Path:
    """Write a record into a folder, over an older one of the same name and seed; return its path.

    Raises:
        StorageError: it cannot be written.
    """
    path = make_folder(folder) / record.file_name
    write_whole(path, record.model_dump_json(indent=2) + "\n")
    return path


def read_records(folder: Path) -> list[Record | EarlierTable]:
    """All records of a folder, by the names of their files.

    Raises:
        UsageError: a file is no record.
    """
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def _read(path: Path) -> Record | EarlierTable:
    def refuse(got: str) -> UsageError:
        return UsageError(
            f"{path} is not a record of results",
            expected="what scripts/results-page writes",
            got=got,
            cure="make the record again from its run",
        )

    return read_json(path, _AnyRecord, MAX_BYTES, refuse).root
