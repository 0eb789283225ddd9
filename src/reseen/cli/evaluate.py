"""`reseen evaluate`."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.bundle_options import EngineOption, PrecisionOption
from reseen.cli.console import StageBars, give, say
from reseen.cli.options import DATASET, DeviceOption, JsonOption, MemoryOption, OverrideOption

if TYPE_CHECKING:
    from reseen.verbs.evaluate import RerankMethod as Method


class RerankMethod(StrEnum):
    """The kinds of `evaluation.reranking`, as the command line writes them."""

    K_RECIPROCAL = "k-reciprocal"
    QUERY_EXPANSION = "query-expansion"


METHODS: dict[RerankMethod, Method] = {
    RerankMethod.K_RECIPROCAL: "k_reciprocal",
    RerankMethod.QUERY_EXPANSION: "query_expansion",
}


def evaluate(
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            "-c",
            metavar="RECIPE",
            help="The recipe that the weights were trained with: a name or a YAML file.",
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", metavar="FILE", help="Trained weights; the suffix may be left out.")
    ] = None,
    bundle: Annotated[
        str | None,
        typer.Option(
            "--bundle",
            metavar="BUNDLE",
            help="Evaluate a bundle instead of weights; `default` is the model shipped with reseen.",
        ),
    ] = None,
    engine: EngineOption = "onnxruntime",
    precision: PrecisionOption = None,
    data: Annotated[list[Path] | None, typer.Option("--data", metavar="PATH", help=DATASET)] = None,
    features: Annotated[
        Path | None, typer.Option("--features", metavar="FILE.npz", help="Evaluate stored features instead of images.")
    ] = None,
    rerank: Annotated[
        bool,
        typer.Option("--rerank", help="Re-rank first, by the method in the recipe. [default method: k-reciprocal]"),
    ] = False,
    rerank_method: Annotated[
        RerankMethod | None, typer.Option("--rerank-method", help="Re-rank first, by this method.")
    ] = None,
    memory: MemoryOption = None,
    flip: Annotated[
        bool, typer.Option("--flip", help="Average the features of each image and its mirror image.")
    ] = False,
    multi_query: Annotated[
        bool, typer.Option("--multi-query", help="Merge a person's query images from one camera into one query.")
    ] = False,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="Also report verification (TMR@FMR), open-set identification (DIR@FPIR) and camera pairs.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="DIR", help="Folder for eval.log, metrics.json and the data of `reseen report`."
        ),
    ] = None,
    override: OverrideOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Measure retrieval accuracy: rank-1/5/10, mAP, mINP.

    Give weights (-c, --weights, --data), a bundle (--bundle, --data) or stored features (--features).
    Several --data are evaluated separately, and averaged with equal weights.

    Example: reseen evaluate -c runs/osnet/recipe.yaml --weights runs/osnet/checkpoints/best --data Market-1501
    """
    from reseen.verbs.evaluate import evaluate as run

    with StageBars() as bars:
        done = run(
            bundle,
            data or (),
            recipe=config,
            weights=weights,
            features=features,
            rerank=rerank,
            rerank_method=None if rerank_method is None else METHODS[rerank_method],
            memory=memory,
            flip=flip,
            multi_query=multi_query,
            thorough=thorough,
            overrides=override or (),
            engine=engine,
            precision=None if precision is None else precision.value,
            device=device,
            output=output,
            command=shlex.join(["reseen", *sys.argv[1:]]),
            on_progress=bars,
        )
    for line in done.details():
        say(line)
    give(done.figures() if as_json else "\n".join(done.results()))
