"""Dataset → features → metrics: the evaluation of a network, in training and on its own, or of a bundle."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from reseen.assess.extract import EmbedsImages, Extract, Progress, extract_features
from reseen.assess.ranking import ranking_scores
from reseen.datasets.hold_out import hold_out
from reseen.datasets.manifest import Manifest, Sample, camera_codes, person_codes
from reseen.datasets.skipped import skipped_queries
from reseen.errors import DatasetError
from reseen.evaluation.bootstrap import metric_intervals
from reseen.evaluation.metrics import Metrics, evaluate
from reseen.evaluation.multi_query import multi_query
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.reranking_memory import DEFAULT_MEMORY
from reseen.evaluation.thorough import Thorough, evaluate_thoroughly
from reseen.recipe.schema import Recipe, Reranking
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
        reasons = ", ".join(f"{count} × {reason}" for reason, count in found.skipped.counts.items() if count)
        return [
            f"gallery features {retrieval.gallery_features.shape}, junk dropped {retrieval.junk_dropped}",
            f"query features {retrieval.query_features.shape}",
            *([] if retrieval.cameras_known else ["no cameras known: only the query image itself is left out"]),
            f"queries evaluated {found.queries}, skipped {len(found.skipped)}{f' ({reasons})' if reasons else ''}",
            f"re-ranking {self.reranking.name.replace('_', '-') if self.reranking else 'none'}",
            *([f"merged into other queries: {self.joined}"] if self.joined else []),
            *self._intervals(),
            *(self.further.lines() if self.further else []),
        ]

    def _intervals(self) -> list[str]:
        names = {"recall1": "recall@1", "mAP": "mAP", "mINP": "mINP"}
        told = [f"{names[name]} {bounds}" for name, bounds in self.intervals.items() if name in names]
        return [f"95 % intervals, by drawing people anew: {', '.join(told)}"] if told else []


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
        UsageError: too little memory to re-rank in, or settings that do not go together.
    """
    merged = multi_query(retrieval) if merge_queries else retrieval
    joined = len(retrieval.query_persons) - len(merged.query_persons)
    scores = ranking_scores(merged, reranking, memory, progress)
    if not thorough:
        return Evaluation(merged, evaluate(merged, scores), reranking, joined=joined)
    measured = evaluate_thoroughly(merged, scores)
    return Evaluation(merged, measured.metrics, reranking, measured.further, joined)


def evaluated_part(recipe: Recipe, manifest: Manifest) -> Manifest:
    """A dataset without the persons that the recipe trains on."""
    return hold_out(manifest, recipe.data.hold_out) if recipe.data.hold_out else manifest


def query_and_gallery(manifest: Manifest) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """A dataset's query and gallery, without junk.

    Raises:
        DatasetError: one of them is empty, or every query would be skipped.
    """
    query, gallery = manifest.split("query"), manifest.split("gallery")
    for name, samples in (("query", query), ("gallery", gallery)):
        if not samples:
            raise DatasetError(
                f"{manifest.root} has no {name} images",
                expected="a query and a gallery to evaluate on",
                got=f"{len(query)} query and {len(gallery)} gallery images",
                cure="name them in the manifest's split column, or put them into query/ and gallery/",
            )
    skipped = skipped_queries(manifest)
    if len(skipped) == len(query):
        reasons = Counter(each.reason for each in skipped)
        raise DatasetError(
            f"{manifest.root}: no query can be evaluated, all are skipped",
            expected="at least one query whose person another camera sees in the gallery",
            got=", ".join(f"{count} × {reason}" for reason, count in reasons.items()),
            cure="check the persons, the cameras and the splits: reseen data check",
        )
    return query, gallery


def embed_dataset(
    embedder: EmbedsImages,
    manifest: Manifest,
    progress: Progress | None = None,
    extract: Extract = extract_features,
) -> RetrievalSet:
    """Features of a dataset's query and gallery; an image that is in both is embedded once and never finds itself.

    Args:
        embedder: makes them.
        manifest: the dataset.
        progress: told how far the gallery and the query have come.
        extract: reads and embeds the images.

    Raises:
        DatasetError: no query or no gallery.
        ImageError: an image cannot be read.
    """
    query, gallery = query_and_gallery(manifest)
    gallery_paths = list(dict.fromkeys(sample.path for sample in gallery))
    known = set(gallery_paths)
    query_paths = [path for path in dict.fromkeys(sample.path for sample in query) if path not in known]
    features = np.concatenate(
        [
            extract(embedder, gallery_paths, progress, "gallery"),
            extract(embedder, query_paths, progress, "query"),
        ]
    )
    place = {path: number for number, path in enumerate(gallery_paths + query_paths)}
    query_images = np.array([place[sample.path] for sample in query])
    gallery_images = np.array([place[sample.path] for sample in gallery])
    persons = tuple(sorted({sample.person for sample in query + gallery}))
    cameras = tuple(sorted({sample.camera for sample in query + gallery if sample.camera is not None}))
    retrieval = RetrievalSet.of(
        query_features=features[query_images],
        gallery_features=features[gallery_images],
        query_persons=person_codes(query, persons),
        gallery_persons=person_codes(gallery, persons),
        query_cameras=camera_codes(query, cameras),
        gallery_cameras=camera_codes(gallery, cameras),
        query_images=query_images,
        gallery_images=gallery_images,
    )
    junk_dropped = sum(sample.split in ("gallery", None) for sample in manifest.junk)
    return replace(retrieval, junk_dropped=junk_dropped, camera_names=cameras)
