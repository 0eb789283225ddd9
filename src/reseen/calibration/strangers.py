"""`Searches`: held-out people as strangers who search, and as the gallery that they search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reseen.calibration.calibration_set import CalibrationSet
from reseen.scores.blocks import RowsDone, row_blocks
from reseen.scores.normalise import unit_rows
from reseen.shapes import Float32, Int64

ScoringRule = Literal["best_image", "mean_feature"]
"""How alike a query and a person are: as the person's most similar image, or as the mean of the person's features."""
DRAWS = 4
"""Galleries of one image of everybody that are drawn."""


@dataclass(frozen=True, eq=False)
class Searches:
    """The calibration set as strangers and gallery. People are numbered from 0, those with most entries first.

    Every person is a stranger to the gallery of all the others.

    Attributes:
        queries: features of the first image of each person by each camera.
        owners: the person of each.
        entries: features of the gallery: the first of every person, then the second of all who have one, and so on:
            the best of a person is then found several times as fast as with `np.maximum.reduceat` (measured).
        layers: where the first ones are, the second ones, and so on; each is in the order of the people.
    """

    queries: Float32[np.ndarray, "q d"]
    owners: Int64[np.ndarray, " q"]
    entries: Float32[np.ndarray, "n d"]
    layers: list[slice]

    @classmethod
    def of(cls, held: CalibrationSet, scoring: ScoringRule) -> Searches:
        """A gallery of everybody, with all of their images."""
        queries = _queries(held)
        if scoring == "mean_feature":
            means = np.add.reduceat(held.features.astype(np.float64), held.starts)
            entries = unit_rows(means, np.ones(held.people, dtype=bool), "mean")
            return cls(held.features[queries], held.owners[queries], entries, [slice(0, held.people)])
        counts = np.bincount(held.owners)
        number = np.argsort(np.argsort(-counts, kind="stable"))
        nth = np.arange(len(held.features)) - held.starts[held.owners]
        order = np.lexsort((number[held.owners], nth))
        ends = np.cumsum(np.bincount(nth))
        layers = [slice(int(start), int(end)) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        return cls(held.features[queries], number[held.owners[queries]], held.features[order], layers)

    @classmethod
    def of_one_image(cls, held: CalibrationSet, draw: int) -> Searches:
        """A gallery of one image of everybody, another one for each of `DRAWS` draws."""
        queries = _queries(held)
        counts = np.bincount(held.owners)
        # Spread evenly over a person's images, so that draws of few images hold all of them.
        entries = held.features[held.starts + (2 * draw + 1) * counts // (2 * DRAWS)]
        return cls(held.features[queries], held.owners[queries], entries, [slice(0, held.people)])

    @property
    def people(self) -> int:
        """How many people there are."""
        return int(self.layers[0].stop)

    def blocks(self, done: RowsDone | None = None) -> Iterator[tuple[slice, Float32[np.ndarray, "_ people"]]]:
        """Scores of every person for some of the searches; the stranger's own is minus infinity."""
        for block in row_blocks(len(self.queries), len(self.entries)):
            everything = self.queries[block] @ self.entries.T
            scores = everything[:, : self.layers[0].stop]
            for layer in self.layers[1:]:
                best = scores[:, : layer.stop - layer.start]
                np.maximum(best, everything[:, layer], out=best)
            scores[np.arange(len(scores)), self.owners[block]] = -np.inf
            yield block, scores
            if done is not None:
                done(block.stop, len(self.queries))


def _queries(held: CalibrationSet) -> Int64[np.ndarray, " q"]:
    """The first image of each person by each camera."""
    _, first = np.unique(np.stack([held.owners, held.cameras]), axis=1, return_index=True)
    return np.sort(first)
