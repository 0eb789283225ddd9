"""Settings of how features are computed and compared."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt

from reseen.recipe.schema.settings import Fraction, Settings


class Reranking(Settings):
    """k-reciprocal re-ranking (Zhong et al., CVPR 2017), used with `reseen evaluate --rerank` only.

    Attributes:
        k1: size of the neighbourhood that must be mutual.
        k2: nearest images whose weights are averaged; at most k1 + 1.
        lambda: share of the original distance in the result.
    """

    k1: PositiveInt = 20
    k2: PositiveInt = 6
    lambda_: Fraction = Field(default=0.3, alias="lambda")


class Evaluation(Settings):
    """How features are computed and compared.

    Attributes:
        batch_size: images that go through the network at a time.
        flip: embed every image and its mirror image, and average the two features. Twice the work; the
            figures then hold for features that are computed so.
        reranking: of the ranking, when asked for.
    """

    batch_size: Annotated[int, Field(ge=1, le=4096)] = 128
    flip: bool = False
    reranking: Reranking = Reranking()
