"""CMC, mAP, mINP and precision@k, from the ranks of the true matches alone.

CMC and AP as in Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015, with AP as the mean of the
precisions at the matches (not the trapezoidal area of the original evaluation code). mINP: Ye et al., "Deep Learning
for Person Re-identification: A Survey and Outlook", TPAMI 2021, section 4.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from reseen.errors import FeaturesError
from reseen.evaluation.match_ranks import MatchRanks, rank_matches
from reseen.evaluation.protocol import RetrievalSet
from reseen.scores.blocks import row_blocks
from reseen.scores.matches import SkippedQueries
from reseen.shapes import Float32, Float64, Int64


@dataclass(frozen=True, eq=False)
class Metrics:
    """How well the valid queries find their persons; all figures are fractions, 0..1.

    Attributes:
        valid_queries: their places in the query set; the other arrays follow this order.
        found: the ranks of their matches.
        skipped: the queries that are not in these figures, by reason.
    """

    valid_queries: Int64[np.ndarray, " valid"]
    found: MatchRanks
    skipped: SkippedQueries

    def recall(self, k: int) -> float:
        """CMC at rank `k`: share of the valid queries whose first match is at rank `k` or better."""
        return float(np.mean(self.first_rank <= k))

    def precision(self, k: int) -> float:
        """Precision@k: mean over the valid queries of the matches at rank `k` or better, divided by `k`.

        A query with fewer than `k` matches cannot reach 1.
        """
        return float(np.mean(self.found.within(k) / k))

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
    def mINP(self) -> float:  # noqa: N802 - the field writes it so
        """Mean over the valid queries of `inverse_negative_penalty`."""
        return float(np.mean(self.inverse_negative_penalty))

    @property
    def queries(self) -> int:
        """Number of valid queries."""
        return len(self.valid_queries)

    @property
    def matches(self) -> Int64[np.ndarray, " valid"]:
        """Number of true matches."""
        return self.found.matches

    @property
    def average_precision(self) -> Float64[np.ndarray, " valid"]:
        """Mean of the precisions at the ranks of the matches (not trapezoidal)."""
        return self.found.average_precision

    @property
    def first_rank(self) -> Int64[np.ndarray, " valid"]:
        """Rank of the first match, counted from 1 without the excluded gallery images."""
        return self.found.first_rank

    @property
    def last_rank(self) -> Int64[np.ndarray, " valid"]:
        """Rank of the last match."""
        return self.found.last_rank

    @property
    def inverse_negative_penalty(self) -> Float64[np.ndarray, " valid"]:
        """Matches divided by the rank of the last one: 1 when no wrong image comes before any match."""
        return self.found.inverse_negative_penalty

    def per_query(self) -> dict[str, Float64[np.ndarray, " valid"]]:
        """What the headline figures are the means of, by their names."""
        recalls = {f"recall{k}": (self.first_rank <= k).astype(np.float64) for k in (1, 5, 10)}
        return recalls | {"mAP": self.average_precision, "mINP": self.inverse_negative_penalty}


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
        raise FeaturesError(
            "no query can be evaluated: all are skipped",
            expected="at least one query whose person is in the gallery, seen by another camera",
            got=str(retrieval.skipped),
            cure="check the person, camera and split of the images",
        )
    found, done = [], 0
    for block in cosine_scores(retrieval) if scores is None else scores:
        rows = queries[done : done + len(block)]
        done += len(block)
        if len(rows) < len(block):
            break
        found.append(rank_matches(block, retrieval.same_person(rows)))
    if done != len(queries):
        raise ValueError(f"{done} rows of scores for {len(queries)} valid queries")
    return Metrics(queries, MatchRanks.joined(found), retrieval.skipped)


def cosine_scores(
    retrieval: RetrievalSet, queries: Int64[np.ndarray, " q"] | None = None
) -> Iterator[Float32[np.ndarray, "_ g"]]:
    """Blocks of cosine similarities of some queries to the gallery; a block is good until the next one.

    Args:
        retrieval: the queries and the gallery.
        queries: places in the query set; default: the valid queries.
    """
    queries, gallery = retrieval.valid_queries if queries is None else queries, retrieval.gallery_features
    blocks = row_blocks(len(queries), len(gallery))
    buffer = np.empty((blocks[0].stop, len(gallery)), dtype=np.float32)
    for block in blocks:
        features = retrieval.query_features[queries[block]]
        yield np.matmul(features, gallery.T, out=buffer[: len(features)])
