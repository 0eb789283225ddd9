"""Evaluations of one network on one or more datasets, each on its own, and their mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from reseen.datasets.manifest import Manifest
from reseen.files import append_lines, make_folder, write_whole
from reseen.models.embedder import NetworkEmbedder
from reseen.recipe.schema import Recipe
from reseen.training.processes import ALONE, Processes
from reseen.workflows.evaluate import (
    Evaluation,
    embed_dataset,
    evaluate_retrieval,
    evaluate_weights,
    evaluated_part,
    query_and_gallery,
)
from reseen.workflows.extract import Progress

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
        """Mean recall@k, mAP and mINP, in which every dataset weighs the same; queries and skipped are sums."""
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
    return (
        f"recall@1 {figures['recall1']:.5f}, recall@5 {figures['recall5']:.5f}, recall@10 {figures['recall10']:.5f}, "
        f"mAP {figures['mAP']:.5f} (mean of the precisions at the matches), mINP {figures['mINP']:.5f}"
    )


def measure_network(
    embedder: NetworkEmbedder,
    manifests: Sequence[Manifest],
    progress: Progress | None = None,
    processes: Processes = ALONE,
) -> Mapping[str, float]:
    """The metrics of a network on datasets, without re-ranking, as training tells them.

    Several processes share the embedding; the first one measures, and all get the figures.

    Raises:
        DatasetError: a dataset has no query or no gallery.
        ImageError: an image cannot be read.
        TrainingError: another process failed.
    """
    measured: dict[str, Evaluation] = {}
    for each in manifests:
        retrieval = embed_dataset(embedder, each, _named(progress, each, manifests), processes)
        evaluation = processes.first(partial(evaluate_retrieval, retrieval))
        if evaluation is not None:
            measured[each.name] = evaluation
    return processes.from_first(Evaluations(measured).metrics() if processes.is_first else {})


def evaluate_weights_on(
    recipe: Recipe,
    weights: Path,
    manifests: Sequence[Manifest],
    device: torch.device,
    *,
    rerank: bool = False,
    merge_queries: bool = False,
    thorough: bool = False,
    progress: Progress | None = None,
) -> Evaluations:
    """Evaluate trained weights on datasets of different names, each as `evaluate_weights` does.

    Raises:
        WeightsError: the weights are not this recipe's, or were trained with another preprocessing.
        DatasetError: a dataset has no query or no gallery, which is told before any image is read.
        FeaturesError: no query of one of them can be evaluated.
    """
    for each in manifests:
        query_and_gallery(evaluated_part(recipe, each))
    return Evaluations(
        {
            each.name: evaluate_weights(
                recipe,
                weights,
                each,
                device,
                rerank=rerank,
                merge_queries=merge_queries,
                thorough=thorough,
                progress=_named(progress, each, manifests),
            )
            for each in manifests
        }
    )


def _named(progress: Progress | None, manifest: Manifest, manifests: Sequence[Manifest]) -> Progress | None:
    """Progress that tells which of several datasets a stage is of."""
    if progress is None or len(manifests) == 1:
        return progress
    return lambda stage, done, total: progress(f"{manifest.name} {stage}", done, total)
