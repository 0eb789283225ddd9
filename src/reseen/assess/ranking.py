"""What a ranking is made of: cosine similarity, or the scores that a re-ranking makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from reseen.assess.extract import Progress
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.query_expansion import expanded_scores
from reseen.evaluation.reranking import DEFAULT_MEMORY, reranked_scores
from reseen.recipe.schema import QueryExpansion, Reranking
from reseen.shapes import Float32

SCORES = {
    "k_reciprocal": "minus the k-reciprocal distance",
    "query_expansion": "cosine similarity to the expanded query",
}


def ranking_scores(
    retrieval: RetrievalSet,
    reranking: Reranking | None,
    memory: float = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> Iterator[Float32[np.ndarray, "_ g"]] | None:
    """Blocks of scores of the valid queries for `evaluate`; None for cosine similarity, which it makes itself.

    Args:
        retrieval: the queries and the gallery.
        reranking: how to improve the ranking, if at all.
        memory: GB that this takes at most beside the features.
        progress: told the stage, how many rows of scores are done, and how many there are.

    Raises:
        UsageError: too little memory.
        FeaturesError: too few images.
    """
    if reranking is None:
        return None
    told = None if progress is None else partial(progress, "re-ranking")
    if isinstance(reranking, QueryExpansion):
        return expanded_scores(
            retrieval, neighbours=reranking.neighbours, alpha=reranking.alpha, memory=memory, progress=told
        )
    return reranked_scores(
        retrieval, k1=reranking.k1, k2=reranking.k2, lambda_=reranking.lambda_, memory=memory, progress=told
    )


def score_in_words(reranking: Reranking | None) -> str:
    """What the scores of such a ranking are."""
    return "cosine similarity" if reranking is None else SCORES[reranking.name]


def reranking_in_words(reranking: Reranking) -> str:
    """The method and its settings."""
    settings = reranking.model_dump(by_alias=True)
    name = settings.pop("name").replace("_", "-")
    return f"{name} ({', '.join(f'{setting} = {value:g}' for setting, value in settings.items())})"
