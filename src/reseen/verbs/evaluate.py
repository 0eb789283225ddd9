"""`evaluate`: how well a bundle, a run or trained weights find people again; what `reseen evaluate` does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reseen.assess.evaluate import evaluate_retrieval
from reseen.assess.evaluations import Evaluations, evaluate_on
from reseen.assess.extract import EmbedsFiles
from reseen.assess.features import read_features
from reseen.assess.stored import require_apart, store_evaluations, store_features
from reseen.bundle.description import Precision
from reseen.datasets.evaluation_split import evaluation_split
from reseen.datasets.open import open_datasets
from reseen.errors import UsageError
from reseen.files import make_folder
from reseen.map_ahead import OnStage
from reseen.recipe.load import Overrides, load_recipe
from reseen.recipe.schema import Recipe
from reseen.run_folder import Run
from reseen.verbs.model import Datasets, RecipeSource, Weights, run_of, trained_by

RerankMethod = Literal["k_reciprocal", "query_expansion"]
Way = Literal["features", "bundle", "weights"]
ANY_RECIPE = "baseline"
"""Every shipped recipe evaluates alike: this one stands for them where none is named."""
FROM_PYTHON = "reseen.evaluate, called from Python"


def evaluate(
    model: str | Path | Run | EmbedsFiles | None = None,
    data: Datasets = (),
    *,
    recipe: RecipeSource | None = None,
    weights: Weights | None = None,
    features: str | Path | None = None,
    rerank: bool = False,
    rerank_method: RerankMethod | None = None,
    memory: float | None = None,
    flip: bool = False,
    multi_query: bool = False,
    thorough: bool = False,
    overrides: Overrides = (),
    engine: str = "onnxruntime",
    precision: Precision | None = None,
    device: str = "auto",
    output: str | Path | None = None,
    command: str = FROM_PYTHON,
    on_progress: OnStage | None = None,
) -> Evaluations:
    """Measure how well queries find their identities in the gallery: rank-1, rank-5, rank-10, mAP, mINP.

        reseen.evaluate("default", "Market-1501-v15.09.15").figures()["mAP"]
        reseen.evaluate("runs/osnet", "Market-1501-v15.09.15", rerank=True)

    Give one of: `model` and `data`; `recipe`, `weights` and `data`; `features` alone.

    Args:
        model: a bundle's folder, or `default`; a run, or its folder; what `reseen.load` returned.
        data: what to evaluate on; several datasets are evaluated each on its own.
        recipe: what `weights` were trained with; with a bundle, whom its training held out and how to re-rank.
        weights: trained weights, with or without suffix.
        features: a file of stored features, instead of images.
        rerank: re-rank first, as the recipe says: k-reciprocal unless it is changed.
        rerank_method: re-rank first, by this method.
        memory: GB that re-ranking takes at most beside the features; None: as the recipe says, which is 4.
        flip: average the features of each image and of its mirror image; not of a bundle's.
        multi_query: search with all query images of a person by one camera together.
        thorough: also measure verification, open-set identification and camera pairs.
        overrides: changes of the recipe: `{"evaluation.batch_size": 32}`, or `["evaluation.batch_size=32"]`.
        engine: what runs a bundle that is named: `onnxruntime`, `openvino` or `mnn`.
        precision: which of its models; None: the most exact.
        device: `cpu`, `cuda`, `cuda:N`, `mps`; `auto` is an accelerator when there is one.
        output: a folder to write `eval.log`, `metrics.json` and what a report needs to.
        command: what to say there of how it was made.
        on_progress: called with a stage, how much of it is done, and how much there is.

    Raises:
        UsageError: it is not clear what to evaluate; something named does not exist or does not go together.
        DatasetError: a dataset cannot be read, or has no query or gallery to evaluate.
        WeightsError, BundleError: the model cannot be loaded.
        ImageError: an image cannot be read.
        FeaturesError: the features cannot be read, or no query can be evaluated.
        StorageError: `output` cannot be written.
    """
    run = run_of(model)
    if run is not None:
        recipe, weights = trained_by(run, recipe, weights)
    bundle = None if run is not None or isinstance(model, Run) else model
    given = _Given(bundle, data, recipe, weights, features, flip, engine, precision, device)
    way = given.way()
    if way != "weights" and recipe is None and overrides:
        raise _no_recipe(overrides)
    named = {} if rerank_method is None else {"evaluation.reranking.name": rerank_method}
    changed = load_recipe(recipe or ANY_RECIPE, named if memory is None else {**named, "evaluation.memory": memory})
    changed = load_recipe(load_recipe(changed, overrides), {"evaluation.flip": True} if flip else ())
    asked = _Asked(rerank or rerank_method is not None, multi_query, thorough, on_progress)
    folder = None if output is None else make_folder(Path(output))  # told before the work when it cannot be made
    if features is not None:
        found = _of_features(Path(features), changed, asked, folder, command)
    else:
        found = _of_images(given, changed, asked, folder, command)
    if folder is not None:
        found.save(folder)
    return found


@dataclass(frozen=True)
class _Asked:
    """What is to be done with the features."""

    rerank: bool
    merge_queries: bool
    thorough: bool
    progress: OnStage | None


@dataclass(frozen=True)
class _Given:
    """What the features come from, as far as it was given."""

    bundle: str | Path | EmbedsFiles | None
    data: Datasets
    recipe: RecipeSource | None
    weights: Weights | None
    features: str | Path | None
    flip: bool
    engine: str
    precision: Precision | None
    device: str

    def way(self) -> Way:
        """Which of the three ways this is.

        Raises:
            UsageError: none of them, or a mixture.
        """
        bundle, images, weights = self.bundle is not None, bool(self.data), self.weights is not None
        ways: dict[Way, bool] = {
            "features": self.features is not None and not (bundle or images or weights or self.flip),
            "bundle": bundle and images and not (weights or self.features or self.flip),
            "weights": self.recipe is not None and weights and images and not (bundle or self.features),
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

    def __str__(self) -> str:
        options = {
            "-c": self.recipe.name if isinstance(self.recipe, Recipe) else self.recipe,
            "--weights": self.weights,
            "--bundle": self.bundle,
            "--features": self.features,
        }
        told = [f"{name} {value}" for name, value in options.items() if value is not None]
        return (
            ", ".join([*told, *(["--data"] if self.data else []), *(["--flip"] if self.flip else [])]) or "none of them"
        )


def _no_recipe(overrides: Overrides) -> UsageError:
    return UsageError(
        "-o changes a recipe, but none is given",
        expected="-c RECIPE with it",
        got=f"-o {next(iter(overrides))}",
        cure="add -c, or leave out -o",
    )


def _of_features(features: Path, recipe: Recipe, asked: _Asked, output: Path | None, command: str) -> Evaluations:
    if output is not None:
        require_apart(output, features)
    found = evaluate_retrieval(
        read_features(features),
        recipe.evaluation.reranking if asked.rerank else None,
        recipe.evaluation.memory,
        merge_queries=asked.merge_queries,
        thorough=asked.thorough,
        progress=asked.progress,
    )
    if output is not None:
        store_features(output, found, features, command=command)
    return Evaluations({features.stem: found})


def _of_images(given: _Given, recipe: Recipe, asked: _Asked, output: Path | None, command: str) -> Evaluations:
    splits = [evaluation_split(each, recipe.data.evaluation_share) for each in open_datasets(given.data, "--data")]
    with _embedder(given, recipe) as (embedder, model):
        found = evaluate_on(
            embedder,
            splits,
            recipe.evaluation,
            rerank=asked.rerank,
            merge_queries=asked.merge_queries,
            thorough=asked.thorough,
            progress=asked.progress,
        )
    if output is not None:
        store_evaluations(output, found, splits, model=model, command=command)
    return found


@contextmanager
def _embedder(given: _Given, recipe: Recipe) -> Iterator[tuple[EmbedsFiles, str]]:
    """The bundle, or the weights, ready to embed; and what to call it."""
    if given.weights is not None:
        from reseen.models.load_embedder import load_embedder
        from reseen.runs.device import choose_device

        mirrored = ", with mirror images" if recipe.evaluation.flip else ""
        network = load_embedder(recipe, Path(given.weights), choose_device(given.device))
        yield network, f"{recipe.name}, {given.weights}{mirrored}"
    elif isinstance(given.bundle, EmbedsFiles):
        yield given.bundle, str(given.bundle)
    else:
        from reseen.engines.load import load

        with load(given.bundle, engine=given.engine, precision=given.precision, device=given.device) as embedder:
            yield embedder, f"{given.bundle}, {embedder.model.precision} by {given.engine}"
