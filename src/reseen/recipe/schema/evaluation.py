"""Settings of how features are computed and compared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, Tag

from reseen.recipe.schema.settings import Fraction, NonNegativeFloat, Settings, chosen_by_name


class KReciprocal(Settings):
    """k-reciprocal re-ranking (Zhong et al., CVPR 2017), used with `reseen evaluate --rerank` only.

    Attributes:
        name: `k_reciprocal`.
        k1: size of the neighbourhood that must be mutual.
        k2: nearest images whose weights are averaged; at most k1 + 1.
        lambda: share of the original distance in the result.
    """

    name: Literal["k_reciprocal"] = "k_reciprocal"
    k1: PositiveInt = 20
    k2: PositiveInt = 6
    lambda_: Fraction = Field(default=0.3, alias="lambda")


class QueryExpansion(Settings):
    """Average query expansion (Chum et al., ICCV 2007), used with `reseen evaluate --rerank` only.

    Attributes:
        name: `query_expansion`.
        neighbours: gallery images that a query is averaged with.
        alpha: each is weighted by its similarity to this power (Radenović et al., TPAMI 2018); 0 for a plain average.
    """

    name: Literal["query_expansion"] = "query_expansion"
    neighbours: PositiveInt = 5
    alpha: NonNegativeFloat = 0.0


Reranking = Annotated[
    Annotated[KReciprocal, Tag("k_reciprocal")] | Annotated[QueryExpansion, Tag("query_expansion")],
    chosen_by_name("k_reciprocal"),
]


class Evaluation(Settings):
    """How features are computed and compared.

    Attributes:
        batch_size: images per forward pass.
        flip: embed every image and its mirror image, and average the two features. Twice the work; the
            figures then hold for features computed this way.
        reranking: the method of `--rerank`.
        memory: limit on the memory of re-ranking, in GB, on top of the features.
    """

    batch_size: Annotated[int, Field(ge=1, le=4096)] = 128
    flip: bool = False
    reranking: Reranking = KReciprocal()
    memory: PositiveFloat = 4.0
