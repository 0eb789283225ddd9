"""`reseen evaluate`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.console import StageBars, give, say
from reseen.cli.options import DATASET, DeviceOption, JsonOption, MemoryOption, OverrideOption
from reseen.errors import UsageError
from reseen.files import make_folder

if TYPE_CHECKING:
    from reseen.workflows.evaluations import Evaluations


class RerankMethod(StrEnum):
    """The kinds of `evaluation.reranking`, as the command line writes them."""

    K_RECIPROCAL = "k-reciprocal"
    QUERY_EXPANSION = "query-expansion"


@dataclass(frozen=True)
class _Asked:
    """What is to be done with the features."""

    rerank: bool
    merge_queries: bool
    thorough: bool


def evaluate(
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            "-c",
            metavar="RECIPE",
            help="The recipe the weights were trained with: a shipped name, or a YAML file.",
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", metavar="FILE", help="Trained weights, with or without suffix.")
    ] = None,
    data: Annotated[list[Path] | None, typer.Option("--data", metavar="PATH", help=DATASET)] = None,
    features: Annotated[
        Path | None, typer.Option("--features", metavar="FILE.npz", help="Evaluate stored features instead of images.")
    ] = None,
    rerank: Annotated[
        bool, typer.Option("--rerank", help="Re-rank first, as the recipe says: k-reciprocal unless it is changed.")
    ] = False,
    rerank_method: Annotated[
        RerankMethod | None, typer.Option("--rerank-method", help="Re-rank first, by this method.")
    ] = None,
    memory: MemoryOption = None,
    flip: Annotated[
        bool, typer.Option("--flip", help="Average the features of each image and of its mirror image.")
    ] = False,
    multi_query: Annotated[
        bool, typer.Option("--multi-query", help="Search with all query images of a person by one camera together.")
    ] = False,
    thorough: Annotated[
        bool,
        typer.Option("--thorough", help="Also measure verification, strangers, and every pair of cameras."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="DIR", help="Write eval.log, metrics.json and what a report needs there."),
    ] = None,
    override: OverrideOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Measure how well queries find their persons in the gallery: recall@1/5/10, mAP, mINP.

    Several --data are evaluated each on its own; the mean gives every dataset the same weight.

    Example: reseen evaluate -c runs/osnet/recipe.yaml --weights runs/osnet/checkpoints/best --data Market-1501
    """
    if output is not None:
        make_folder(output)  # so that one which cannot be made is told before the work
    asked = _Asked(rerank or rerank_method is not None, multi_query, thorough)
    settings = _settings(rerank_method, memory)
    if features is not None:
        if weights is not None or data or flip:
            raise UsageError(
                "--features stands alone",
                expected="--features FILE.npz, with neither --weights nor --data nor --flip",
                got="both kinds of options",
                cure="leave one kind out",
            )
        done = _stored(features, config, override or [], settings, asked)
    elif config is None or weights is None or not data:
        raise UsageError(
            "nothing to evaluate",
            expected="-c RECIPE --weights FILE --data PATH, or --features FILE.npz",
            got=_given({"-c": config, "--weights": weights, "--data": " --data ".join(map(str, data or ())) or None}),
            cure="reseen evaluate --help shows an example",
        )
    else:
        mirrored = ["evaluation.flip=true"] if flip else []
        done = _network(config, [*(override or []), *settings, *mirrored], weights, data, asked, device, output)
    if output is not None:
        done.save(output)
    for line in done.details():
        say(line)
    give(done.figures() if as_json else "\n".join(done.results()))


def _given(options: Mapping[str, object]) -> str:
    return " ".join(f"{name} {value}" for name, value in options.items() if value is not None) or "none of them"


def _settings(method: RerankMethod | None, memory: float | None) -> list[str]:
    """What the options change in the recipe, as overrides of it."""
    named = [] if method is None else [f"evaluation.reranking.name={method.replace('-', '_')}"]
    return named if memory is None else [*named, f"evaluation.memory={memory}"]


def _stored(features: Path, config: str | None, override: list[str], settings: list[str], asked: _Asked) -> Evaluations:
    from reseen.evaluation.features import read_features
    from reseen.recipe.load import load_recipe
    from reseen.workflows.evaluate import evaluate_retrieval
    from reseen.workflows.evaluations import Evaluations

    if config is None and override:
        raise UsageError(
            "-o changes a recipe, and there is none",
            expected="-c RECIPE with it",
            got=f"-o {override[0]}",
            cure="add -c, or leave out -o",
        )
    # Every shipped recipe has the default settings of the evaluation.
    evaluation = load_recipe(config or "baseline", [*override, *settings]).evaluation
    with StageBars() as bars:
        found = evaluate_retrieval(
            read_features(features),
            evaluation.reranking if asked.rerank else None,
            evaluation.memory,
            merge_queries=asked.merge_queries,
            thorough=asked.thorough,
            progress=bars,
        )
    return Evaluations({features.stem: found})


def _network(
    config: str,
    override: list[str],
    weights: Path,
    data: list[Path],
    asked: _Asked,
    device: str,
    output: Path | None,
) -> Evaluations:
    from reseen.datasets.open import open_datasets
    from reseen.recipe.load import load_recipe
    from reseen.workflows.device import choose_device
    from reseen.workflows.evaluations import evaluate_weights_on
    from reseen.workflows.report.stored import store_evaluations

    recipe = load_recipe(config, override)
    manifests = open_datasets(data, "--data")
    with StageBars() as bars:
        found = evaluate_weights_on(recipe, weights, manifests, choose_device(device), **asdict(asked), progress=bars)
    if output is not None and not asked.merge_queries:  # merged queries are no longer images that could be shown
        command = shlex.join(["reseen", *sys.argv[1:]])
        store_evaluations(output, found, recipe, manifests, model=f"{recipe.name}, {weights}", command=command)
    return found
