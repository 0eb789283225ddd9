"""Dataset → features → metrics: the evaluation of a network, in training and on its own, or of a bundle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from reseen.assess.extract import EmbedsFiles, Extract, Progress, extract_features
from reseen.assess.ranking import ranking_scores
from reseen.datasets.evaluation_split import EvaluationSplit
from reseen.evaluation.bootstrap import metric_intervals
from reseen.evaluation.metrics import Metrics, evaluate
from reseen.evaluation.multi_query import multi_query
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.reranking import DEFAULT_MEMORY
from reseen.evaluation.thorough import Thorough, evaluate_thoroughly
from reseen.recipe.schema import Reranking
from reseen.scores.figures import NAMES
from reseen.scores.interval import Interval


@dataclass(frozen=True)
class Evaluation:
    """What was compared, and how well that went.

    Attributes:
        retrieval: features, persons and cameras of query and gallery.
        metrics: the figures of the protocol.
        reranking: how the ranking was improved, None for not at all.
        further: figures beyond the headline, when they were asked for.
        joined: how many queries were merged into others.
    """

    retrieval: RetrievalSet
    metrics: Metrics
    reranking: Reranking | None
    further: Thorough | None = None
    joined: int = 0

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """95 % intervals of the headline figures, by their names; none for a single person."""
        return metric_intervals(self.metrics, self.retrieval)

    def more(self) -> dict[str, Any]:
        """What stands beside the headline figures in `--json` and `metrics.json`."""
        intervals = {name: [bounds.low, bounds.high] for name, bounds in self.intervals.items()}
        return {"intervals": intervals, **({"further": self.further.figures()} if self.further else {})}

    def figures(self) -> dict[str, float | int | bool]:
        """The headline figures, under the names that `--json` and `metrics.json` use."""
        found = self.metrics
        return {
            "recall1": found.recall1,
            "recall5": found.recall5,
            "recall10": found.recall10,
            "mAP": found.mAP,
            "mINP": found.mINP,
            "queries": found.queries,
            "skipped": len(found.skipped),
            "rerank": self.reranking is not None,
        }

    def details(self) -> list[str]:
        """What was compared, for people to read."""
        retrieval, found = self.retrieval, self.metrics
        skipped = f"{len(found.skipped)} ({found.skipped})" if found.skipped else "0"
        return [
            f"gallery features {retrieval.gallery_features.shape}, junk dropped {retrieval.junk_dropped}",
            f"query features {retrieval.query_features.shape}",
            *([] if retrieval.cameras_known else ["no cameras known: only the query image itself is excluded"]),
            f"queries evaluated {found.queries}, skipped {skipped}",
            f"re-ranking {self.reranking.name.replace('_', '-') if self.reranking else 'none'}",
            *([f"merged into other queries: {self.joined}"] if self.joined else []),
            *self._intervals(),
            *(self.further.lines() if self.further else []),
        ]

    def _intervals(self) -> list[str]:
        shown = [f"{NAMES[name]} {bounds}" for name, bounds in self.intervals.items() if name in NAMES]
        return [f"95 % confidence intervals (bootstrap over people): {', '.join(shown)}"] if shown else []


def evaluate_retrieval(
    retrieval: RetrievalSet,
    reranking: Reranking | None = None,
    memory: float = DEFAULT_MEMORY,
    *,
    merge_queries: bool = False,
    thorough: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Rank the gallery for every query, re-ranked when asked, and measure it.

    Args:
        retrieval: the queries and the gallery.
        reranking: how to improve the ranking.
        memory: GB that re-ranking takes at most beside the features.
        merge_queries: all query images of a person by one camera search together.
        thorough: also measure verification, open-set identification and camera pairs.
        progress: told how far re-ranking has come.

    Raises:
        FeaturesError: no query can be evaluated, or too few images to re-rank.
        UsageError: too little memory to re-rank, or settings that do not go together.
    """
    merged = multi_query(retrieval) if merge_queries else retrieval
    joined = len(retrieval.query_persons) - len(merged.query_persons)
    scores = ranking_scores(merged, reranking, memory, progress)
    if not thorough:
        return Evaluation(merged, evaluate(merged, scores), reranking, joined=joined)
    measured = evaluate_thoroughly(merged, scores)
    return Evaluation(merged, measured.metrics, reranking, measured.further, joined)


def embed_split(
    embedder: EmbedsFiles,
    split: EvaluationSplit,
    progress: Progress | None = None,
    extract: Extract = extract_features,
) -> RetrievalSet:
    """Features of a dataset's query and gallery; an image that is in both is embedded once and never finds itself.

    Args:
        embedder: makes them.
        split: the query and the gallery, `checked`.
        progress: told how far the gallery and the query have come.
        extract: reads and embeds the images.

    Raises:
        ImageError: an image cannot be read.
    """
    of_gallery = len({sample.path for sample in split.gallery})
    features = np.concatenate(
        [
            extract(embedder, split.paths[:of_gallery], progress, "gallery"),
            extract(embedder, split.paths[of_gallery:], progress, "query"),
        ]
    )
    retrieval = RetrievalSet.of_images(features, *split.labels())
    return replace(retrieval, junk_dropped=split.junk_dropped, camera_names=split.cameras)
