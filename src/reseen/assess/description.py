"""`evaluation.json`: what a stored evaluation is of, beside its features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from reseen.errors import FeaturesError
from reseen.evaluation.protocol import RetrievalSet
from reseen.recipe.schema import Reranking
from reseen.strict import read_json

MAX_BYTES = 500_000_000
"""Largest description: some millions of paths."""


@dataclass(frozen=True, eq=False)
class StoredEvaluation:
    """An evaluation that can be reported without the network.

    Attributes:
        title: the dataset's name.
        model: what made the features, in words.
        command: that makes the same again.
        retrieval: the features.
        query_paths: file of each query; empty where images are not at hand.
        gallery_paths: file of each gallery image, without junk.
        reranking: how the ranking was improved, None for not at all.
    """

    title: str
    model: str
    command: str
    retrieval: RetrievalSet
    query_paths: tuple[Path, ...] = ()
    gallery_paths: tuple[Path, ...] = ()
    reranking: Reranking | None = None


class Description(BaseModel):
    """What `evaluation.json` holds.

    Attributes:
        format: of this file.
        dataset: its name.
        model: what made the features, in words.
        command: that makes the same again.
        cameras: what the camera codes stand for.
        query: file of each query; empty where images are not at hand.
        gallery: file of each gallery image, without junk; empty with `query`.
        reranking: how the ranking was improved, None for not at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["reseen-evaluation-1"] = "reseen-evaluation-1"
    dataset: str
    model: str
    command: str
    cameras: tuple[str, ...]
    query: tuple[str, ...]
    gallery: tuple[str, ...]
    reranking: Reranking | None = None


def describe(reported: StoredEvaluation) -> Description:
    """The description of an evaluation; bytes of a path that are no UTF-8 are written in hexadecimal."""
    return Description(
        dataset=_written(reported.title),
        model=_written(reported.model),
        command=_written(reported.command),
        cameras=tuple(map(_written, reported.retrieval.camera_names)),
        query=tuple(_written(path.absolute()) for path in reported.query_paths),
        gallery=tuple(_written(path.absolute()) for path in reported.gallery_paths),
        reranking=reported.reranking,
    )


def _written(text: str | Path) -> str:
    raw = str(text).encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")


def read_description(path: Path) -> Description:
    """Read what was written of an evaluation.

    Raises:
        FeaturesError: it cannot be read, is too large, or is no description.
    """

    def refuse(got: str) -> FeaturesError:
        return FeaturesError(
            f"{path} cannot be read",
            expected="what `reseen evaluate --output` writes",
            got=got,
            cure="evaluate again, into a new folder",
        )

    return read_json(path, Description, MAX_BYTES, refuse)
