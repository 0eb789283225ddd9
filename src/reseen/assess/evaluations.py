"""Evaluations of one network on one or more datasets, each on its own, and their mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reseen.assess.evaluate import Evaluation, embed_split, evaluate_retrieval
from reseen.assess.extract import EmbedsFiles, Progress
from reseen.datasets.evaluation_split import EvaluationSplit
from reseen.files import append_lines, make_folder, write_whole
from reseen.recipe.schema import Evaluation as EvaluationSettings
from reseen.scores.figures import in_words

Figures = Mapping[str, float | int | bool]
MEAN = "mean"
FRACTIONS = ("recall1", "recall5", "recall10", "mAP", "mINP")


@dataclass(frozen=True)
class Evaluations:
    """How well one network does.

    Attributes:
        each: evaluations by the names of the datasets; at least one.
    """

    each: Mapping[str, Evaluation]

    def figures(self) -> dict[str, Any]:
        """What `--json` and `metrics.json` hold: one dataset's figures, or those of each dataset and their `mean`."""
        figures = {name: evaluation.figures() | evaluation.more() for name, evaluation in self.each.items()}
        return {**figures, MEAN: self.mean()} if len(figures) > 1 else next(iter(figures.values()))

    def mean(self) -> Figures:
        """Mean rank-k, mAP and mINP, in which every dataset weighs the same; queries and skipped are sums."""
        figures = [evaluation.figures() for evaluation in self.each.values()]
        means = {name: sum(each[name] for each in figures) / len(figures) for name in FRACTIONS}
        sums = {name: sum(each[name] for each in figures) for name in ("queries", "skipped")}
        return {**means, **sums, "rerank": figures[0]["rerank"]}

    def metrics(self) -> dict[str, float]:
        """The figures as training tells them: `recall1`, and with several datasets also `NAME/recall1`."""
        named = {
            f"{name}/{figure}": float(value)
            for name, evaluation in self.each.items()
            for figure, value in evaluation.figures().items()
            if len(self.each) > 1 and figure != "rerank"
        }
        return {figure: float(value) for figure, value in self.mean().items() if figure != "rerank"} | named

    def details(self) -> list[str]:
        """What was compared, for people to read."""
        return [
            f"{self._prefix(name)}{line}" for name, evaluation in self.each.items() for line in evaluation.details()
        ]

    def results(self) -> list[str]:
        """How well that went: a line for each dataset, and for several one with the mean."""
        lines = {name: describe(evaluation.figures()) for name, evaluation in self.each.items()}
        if len(lines) > 1:
            lines[MEAN] = describe(self.mean())
        return [f"{self._prefix(name)}{line}" for name, line in lines.items()]

    def _prefix(self, name: str) -> str:
        return f"{name}: " if len(self.each) > 1 else ""

    def save(self, output: Path) -> None:
        """Write `metrics.json`, and add to `eval.log`, in a folder that is made when it is not there.

        Raises:
            StorageError: they cannot be written.
        """
        make_folder(output)
        write_whole(output / "metrics.json", json.dumps(self.figures()) + "\n")
        append_lines(output / "eval.log", self.details() + self.results())


def describe(figures: Figures) -> str:
    """The headline figures in one line."""
    return f"{in_words(figures)} (AP: mean of the precisions at the matches)"


def evaluate_on(
    embedder: EmbedsFiles,
    splits: Sequence[EvaluationSplit],
    settings: EvaluationSettings,
    *,
    rerank: bool = False,
    merge_queries: bool = False,
    thorough: bool = False,
    progress: Progress | None = None,
) -> Evaluations:
    """Evaluate a network or a bundle on datasets of different names, each on its own.

    Args:
        embedder: makes the features.
        splits: the datasets' queries and galleries, `checked`.
        settings: how to re-rank, and in how much memory.
        rerank: re-rank.
        merge_queries: all query images of a person by one camera search together.
        thorough: measure everything.
        progress: told how far the embedding of gallery and query, and re-ranking, have come.

    Raises:
        ImageError: an image cannot be read.
        FeaturesError: no query of one of them can be evaluated.
    """
    measured = {}
    for split in splits:
        told = stage_of(progress, split, splits)
        measured[split.name] = evaluate_retrieval(
            embed_split(embedder, split, told),
            settings.reranking if rerank else None,
            settings.memory,
            merge_queries=merge_queries,
            thorough=thorough,
            progress=told,
        )
    return Evaluations(measured)


def stage_of(progress: Progress | None, split: EvaluationSplit, splits: Sequence[EvaluationSplit]) -> Progress | None:
    """Progress that tells which of several datasets a stage is of."""
    if progress is None or len(splits) == 1:
        return progress
    return lambda stage, done, total: progress(f"{split.name} {stage}", done, total)
