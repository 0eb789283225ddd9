"""`reseen evaluate`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reseen.cli.bundle_options import EngineOption, Precision, PrecisionOption
from reseen.cli.console import StageBars, give, say
from reseen.cli.options import DATASET, DeviceOption, JsonOption, MemoryOption, OverrideOption
from reseen.errors import UsageError
from reseen.files import make_folder

if TYPE_CHECKING:
    from reseen.assess.evaluations import Evaluations
    from reseen.assess.extract import EmbedsFiles
    from reseen.recipe.schema import Recipe


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


@dataclass(frozen=True)
class _Given:
    """What the features come from, as far as it was given."""

    config: str | None
    weights: Path | None
    bundle: str | None
    data: list[Path]
    features: Path | None
    flip: bool

    def __str__(self) -> str:
        options: dict[str, object] = {
            "-c": self.config,
            "--weights": self.weights,
            "--bundle": self.bundle,
            "--features": self.features,
            "--data": " --data ".join(map(str, self.data)) or None,
        }
        told = [f"{name} {value}" for name, value in options.items() if value is not None]
        return " ".join([*told, *(["--flip"] if self.flip else [])]) or "none of them"

    @property
    def kind(self) -> Literal["features", "bundle", "weights"]:
        """Which of the three ways this is."""
        ways: dict[Literal["features", "bundle", "weights"], bool] = {
            "features": self.features is not None and not (self.weights or self.bundle or self.data or self.flip),
            "bundle": self.bundle is not None and bool(self.data) and not (self.weights or self.features or self.flip),
            "weights": self.config is not None
            and self.weights is not None
            and bool(self.data)
            and not (self.bundle or self.features),
        }
        for way, fits in ways.items():
            if fits:
                return way
        raise UsageError(
            "it is not clear what to evaluate",
            expected="-c RECIPE --weights FILE --data PATH, or --bundle BUNDLE --data PATH, or --features FILE.npz",
            got=str(self),
            cure="see the example in reseen evaluate --help",
        )


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
    from reseen.recipe.load import load_recipe

    if output is not None:
        make_folder(output)  # so that one which cannot be made is told before the work
    asked = _Asked(rerank or rerank_method is not None, multi_query, thorough)
    settings = _settings(rerank_method, memory)
    given = _Given(config, weights, bundle, data or [], features, flip)
    if given.kind == "features" or (given.kind == "bundle" and config is None):
        _refuse_overrides(config, override)
    # Every shipped recipe has the default settings of the evaluation.
    mirrored = ["evaluation.flip=true"] if flip else []
    recipe = load_recipe(config or "baseline", [*settings, *(override or []), *mirrored])
    if given.features is not None:
        done = _stored(given.features, recipe, asked, output)
    else:
        done = _images(given, recipe, asked, (engine, precision, device), output)
    if output is not None:
        done.save(output)
    for line in done.details():
        say(line)
    give(done.figures() if as_json else "\n".join(done.results()))


def _settings(method: RerankMethod | None, memory: float | None) -> list[str]:
    """What the options change in the recipe, as overrides of it."""
    named = [] if method is None else [f"evaluation.reranking.name={method.replace('-', '_')}"]
    return named if memory is None else [*named, f"evaluation.memory={memory}"]


def _refuse_overrides(config: str | None, override: list[str] | None) -> None:
    if config is None and override:
        raise UsageError(
            "-o changes a recipe, but none is given",
            expected="-c RECIPE with it",
            got=f"-o {override[0]}",
            cure="add -c, or leave out -o",
        )


def _stored(features: Path, recipe: Recipe, asked: _Asked, output: Path | None) -> Evaluations:
    from reseen.assess.evaluate import evaluate_retrieval
    from reseen.assess.evaluations import Evaluations
    from reseen.assess.features import read_features
    from reseen.assess.stored import require_apart, store_features

    if output is not None:
        require_apart(output, features)
    settings = recipe.evaluation
    with StageBars() as bars:
        found = evaluate_retrieval(
            read_features(features),
            settings.reranking if asked.rerank else None,
            settings.memory,
            merge_queries=asked.merge_queries,
            thorough=asked.thorough,
            progress=bars,
        )
    if output is not None:
        store_features(output, found, features, command=_command())
    return Evaluations({features.stem: found})


def _command() -> str:
    return shlex.join(["reseen", *sys.argv[1:]])


def _images(
    given: _Given, recipe: Recipe, asked: _Asked, run_by: tuple[str, Precision | None, str], output: Path | None
) -> Evaluations:
    from reseen.assess.evaluations import evaluate_on
    from reseen.assess.stored import store_evaluations
    from reseen.datasets.evaluation_split import evaluation_split
    from reseen.datasets.open import open_datasets

    splits = [evaluation_split(each, recipe.data.evaluation_share) for each in open_datasets(given.data, "--data")]
    with _embedder(given, recipe, *run_by) as (embedder, model), StageBars() as bars:
        found = evaluate_on(embedder, splits, recipe.evaluation, **asdict(asked), progress=bars)
    if output is not None:
        store_evaluations(output, found, splits, model=model, command=_command())
    return found


@contextmanager
def _embedder(
    given: _Given, recipe: Recipe, engine: str, precision: Precision | None, device: str
) -> Iterator[tuple[EmbedsFiles, str]]:
    """The bundle, or the weights, ready to embed; and what to call it."""
    if given.bundle is not None:
        from reseen.engines.load import load

        with load(
            given.bundle, engine=engine, precision=None if precision is None else precision.value, device=device
        ) as embedder:
            yield embedder, f"{given.bundle}, {embedder.model.precision} by {engine}"
    elif given.weights is not None:
        from reseen.models.load_embedder import load_embedder
        from reseen.runs.device import choose_device

        mirrored = ", with mirror images" if recipe.evaluation.flip else ""
        yield load_embedder(recipe, given.weights, choose_device(device)), f"{recipe.name}, {given.weights}{mirrored}"
