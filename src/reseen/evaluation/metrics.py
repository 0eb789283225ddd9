"""CMC, mAP and mINP, from the ranks of the true matches alone: nothing is fully sorted.

CMC and AP as in Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015, with AP as the mean of the
precisions at the matches (not the trapezoidal area of the original evaluation code). mINP: Ye et al., "Deep Learning
for Person Re-identification: A Survey and Outlook", TPAMI 2021, section 4.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from reseen.errors import FeaturesError
from reseen.evaluation.protocol import RetrievalSet, SkippedQueries, row_blocks


@dataclass(frozen=True, eq=False)
class Metrics:
    """How well the valid queries find their persons; all figures are fractions, 0..1.

    Attributes:
        valid_queries: their places in the query set; the other arrays follow this order.
        average_precision: mean of the precisions at the ranks of the matches (not trapezoidal).
        matches: number of true matches.
        first_rank: rank of the first match, counted from 1 without the excluded gallery images.
        last_rank: rank of the last match.
        skipped: the queries that are not in these figures, by reason.
    """

    valid_queries: Int64[np.ndarray, " valid"]
    average_precision: Float64[np.ndarray, " valid"]
    matches: Int64[np.ndarray, " valid"]
    first_rank: Int64[np.ndarray, " valid"]
    last_rank: Int64[np.ndarray, " valid"]
    skipped: SkippedQueries

    def recall(self, k: int) -> float:
        """CMC at rank `k`: share of the valid queries whose first match is at rank `k` or better."""
        return float(np.mean(self.first_rank <= k))

    @property
    def recall1(self) -> float:
        """CMC at rank 1."""
        return self.recall(1)

    @property
    def recall5(self) -> float:
        """CMC at rank 5."""
        return self.recall(5)

    @property
    def recall10(self) -> float:
        """CMC at rank 10."""
        return self.recall(10)

    @property
    def mAP(self) -> float:  # noqa: N802 - the field writes it so
        """Mean over the valid queries of `average_precision`."""
        return float(np.mean(self.average_precision))

    @property
    def inverse_negative_penalty(self) -> Float64[np.ndarray, " valid"]:
        """Matches divided by the rank of the last one: 1 when no wrong image comes before any match."""
        penalty: Float64[np.ndarray, " valid"] = self.matches / self.last_rank
        return penalty

    @property
    def mINP(self) -> float:  # noqa: N802 - the field writes it so
        """Mean over the valid queries of `inverse_negative_penalty`."""
        return float(np.mean(self.inverse_negative_penalty))

    @property
    def queries(self) -> int:
        """Number of valid queries."""
        return len(self.valid_queries)


def evaluate(retrieval: RetrievalSet, scores: Iterable[Float32[np.ndarray, "_ g"]] | None = None) -> Metrics:
    """Rank the gallery for every valid query. Equal scores are ranked by gallery order.

    Args:
        retrieval: the queries and the gallery.
        scores: blocks of rows, one row for each of `retrieval.valid_queries` in their order, one column for each
            gallery image; higher is better. Each block is overwritten. Default: cosine similarity.

    Raises:
        FeaturesError: every query is skipped, or a score is not finite.
        ValueError: the blocks do not have as many rows as there are valid queries.
    """
    queries = retrieval.valid_queries
    if not len(queries):
        reasons = ", ".join(f"{count} × {reason}" for reason, count in retrieval.skipped.counts.items() if count)
        raise FeaturesError(
            "no query can be evaluated: all are skipped",
            expected="at least one query whose person another camera sees in the gallery",
            got=reasons,
            cure="check the persons, the cameras and the splits",
        )
    found, done = [], 0
    for block in cosine_scores(retrieval) if scores is None else scores:
        rows = queries[done : done + len(block)]
        done += len(block)
        if len(rows) < len(block):
            break
        found.append(_match_ranks(retrieval, rows, block))
    if done != len(queries):
        raise ValueError(f"{done} rows of scores for {len(queries)} valid queries")
    return _metrics(retrieval, np.concatenate([counts for counts, _ in found]), np.concatenate([r for _, r in found]))


def cosine_scores(retrieval: RetrievalSet) -> Iterator[Float32[np.ndarray, "_ g"]]:
    """Blocks of cosine similarities of the valid queries to the gallery; a block is good until the next one."""
    queries, gallery = retrieval.valid_queries, retrieval.gallery_features
    blocks = row_blocks(len(queries), len(gallery))
    buffer = np.empty((blocks[0].stop, len(gallery)), dtype=np.float32)
    for block in blocks:
        features = retrieval.query_features[queries[block]]
        yield np.matmul(features, gallery.T, out=buffer[: len(features)])


def _match_ranks(
    retrieval: RetrievalSet, queries: Int64[np.ndarray, " b"], scores: Float32[np.ndarray, "b g"]
) -> tuple[Int64[np.ndarray, " b"], Int64[np.ndarray, " matches"]]:
    """Number of matches of each query, and the ranks of all of them, query by query, ascending."""
    if not np.isfinite(scores).all():
        raise FeaturesError(
            "a score is not finite",
            expected="finite numbers",
            got=str(scores[~np.isfinite(scores)][0]),
            cure="extract the features again",
        )
    pairs = retrieval.same_person(queries)
    scores[pairs.queries[pairs.excluded], pairs.gallery[pairs.excluded]] = -np.inf
    match = ~pairs.excluded
    counts = np.bincount(pairs.queries[match], minlength=len(queries))
    per_query = np.split(pairs.gallery[match], np.cumsum(counts)[:-1])
    return counts, np.concatenate([_ranks(row, places) for row, places in zip(scores, per_query, strict=True)])


def _ranks(row: Float32[np.ndarray, " g"], matches: Int64[np.ndarray, " m"]) -> Int64[np.ndarray, " m"]:
    """Ranks from 1, ascending, of the gallery images `matches` (ascending) of one query."""
    wanted = row[matches]
    # Only what scores as high as the weakest match can change a rank: as a rule a small part of the row. Picking out
    # more than half costs more than sorting all (measured; picking by place is faster than by mask).
    rival = row >= wanted.min()
    rivals = np.sort(row[np.flatnonzero(rival)] if np.count_nonzero(rival) < row.size // 2 else row)
    above = rivals.size - np.searchsorted(rivals, wanted, side="right")
    equal = rivals.size - np.searchsorted(rivals, wanted, side="left") - above
    ranks = above + 1
    if equal.max() > 1:
        for score in np.unique(wanted[equal > 1]):
            here = wanted == score
            ranks[here] += np.searchsorted(np.flatnonzero(row == score), matches[here])
    return np.sort(ranks)


def _metrics(retrieval: RetrievalSet, counts: Int64[np.ndarray, " v"], ranks: Int64[np.ndarray, " m"]) -> Metrics:
    ends = np.cumsum(counts)
    starts = ends - counts
    nth_match = np.arange(1, len(ranks) + 1) - np.repeat(starts, counts)
    return Metrics(
        valid_queries=retrieval.valid_queries,
        average_precision=np.add.reduceat(nth_match / ranks, starts) / counts,
        matches=counts,
        first_rank=ranks[starts],
        last_rank=ranks[ends - 1],
        skipped=retrieval.skipped,
    )
