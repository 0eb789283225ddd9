from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reseen.assess.evaluate import Evaluation, embed_split, evaluate_retrieval
from reseen.assess.evaluations import evaluate_on
from reseen.datasets.evaluation_split import evaluation_split
from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Manifest, Sample
from reseen.datasets.open import open_dataset
from reseen.errors import ImageError, UsageError
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.query_expansion import expanded_scores
from reseen.evaluation.reranking import reranked_scores
from reseen.images.preprocess import Preprocess
from reseen.models.embedder import NetworkEmbedder
from reseen.models.load_embedder import load_embedder
from reseen.models.network import ReIDNetwork
from reseen.models.weights import load_network
from reseen.recipe.schema import KReciprocal, QueryExpansion, Recipe

CPU = torch.device("cpu")
SmallRecipe = Callable[..., Recipe]
WriteManifest = Callable[[Sequence[Sample]], Path]
WritePeople = Callable[..., Path]


@pytest.fixture(scope="module")
def network(finished_run: Path, small_recipe: SmallRecipe) -> ReIDNetwork:
    """The network of the finished run."""
    return load_network(small_recipe().model, finished_run / "checkpoints" / "best").eval()


def measure(recipe: Recipe, weights: Path, manifest: Manifest, *, rerank: bool = False) -> Evaluation:
    """Trained weights, evaluated as the command line does it."""
    split = evaluation_split(manifest, recipe.data.evaluation_share)
    return evaluate_on(load_embedder(recipe, weights, CPU), [split], recipe.evaluation, rerank=rerank).each[split.name]


def naive_feature(network: ReIDNetwork, sample: Sample, size: Preprocess) -> np.ndarray:
    """Unit-norm feature of one image, on its own, through Pillow."""
    with Image.open(sample.path) as file:
        pixels = np.asarray(file.convert("RGB").resize((size.width, size.height), Image.Resampling.BILINEAR))
    scaled = (pixels / 255 - np.array(size.mean)) / np.array(size.std)
    with torch.inference_mode():
        row = network(torch.from_numpy(scaled.astype(np.float32)).permute(2, 0, 1)[None]).after_neck[0].double().numpy()
    return np.asarray(row / np.linalg.norm(row))


def naive_figures(network: ReIDNetwork, manifest: Manifest, size: Preprocess) -> dict[str, float]:
    """The protocol as it is told, one query and one gallery image at a time."""
    queries = [sample for sample in manifest.samples if sample.split == "query"]
    gallery = [sample for sample in manifest.samples if sample.split == "gallery" and sample.person != JUNK_NAME]
    features = [naive_feature(network, sample, size) for sample in gallery]
    first, precision, penalty = [], [], []
    for query in queries:
        own = naive_feature(network, query, size)
        listed = []
        for sample, feature in zip(gallery, features, strict=True):
            if (sample.person, sample.camera) != (query.person, query.camera):
                listed.append((float(own @ feature), sample.person == query.person))
        listed.sort(key=lambda entry: -entry[0])
        ranks = [rank for rank, (_, hit) in enumerate(listed, start=1) if hit]
        first.append(ranks[0])
        precision.append(sum(nth / rank for nth, rank in enumerate(ranks, start=1)) / len(ranks))
        penalty.append(len(ranks) / ranks[-1])
    recalls = {f"recall{k}": sum(rank <= k for rank in first) / len(first) for k in (1, 5, 10)}
    return recalls | {"mAP": sum(precision) / len(precision), "mINP": sum(penalty) / len(penalty)}


@pytest.mark.parametrize("size", [(64, 32), (48, 40), (80, 24)], ids=["as stored", "resized", "resized otherwise"])
def test_figures_are_those_of_a_naive_loop_over_images_and_ranks(
    size: tuple[int, int], network: ReIDNetwork, people: Manifest
) -> None:
    preprocess = Preprocess(height=size[0], width=size[1])

    found = evaluate_retrieval(
        embed_split(NetworkEmbedder(network, preprocess, CPU, batch_size=5), evaluation_split(people))
    )

    figures, naive = found.figures(), naive_figures(network, people, preprocess)
    assert {name: figures[name] for name in naive} == pytest.approx(naive, abs=1e-6)
    assert (figures["queries"], figures["skipped"], figures["rerank"]) == (12, 0, False)
    assert 0 < found.metrics.mAP < 1


def test_saved_weights_evaluate_to_what_training_measured(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe
) -> None:
    lines = (finished_run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    measured = [line["metrics"] for line in map(json.loads, lines) if line["kind"] == "evaluation"]
    best = max(measured, key=lambda metrics: metrics["recall1"])

    for name in ("best", "best.safetensors"):
        weights = finished_run / "checkpoints" / name
        figures = measure(small_recipe(), weights, people).figures()
        assert {key: figures[key] for key in best} == best


def test_a_query_that_is_in_the_gallery_never_finds_itself(network: ReIDNetwork, write_people: WritePeople) -> None:
    # Of each person's two images one is red and one is blue: nearest to each is the other person's of that colour,
    # but for the image itself.
    root = write_people({"red": (220, 30, 30), "blue": (30, 30, 220)}, sizes=[(64, 32)] * 2)
    persons = {"red/0": "anna", "blue/0": "anna", "red/1": "ben", "blue/1": "ben"}
    samples = [Sample(root / f"{name}.png", person) for name, person in persons.items()]

    found = evaluate_retrieval(
        embed_split(
            NetworkEmbedder(network, Preprocess(height=64, width=32)),
            evaluation_split(Manifest("colours", root, tuple(samples))),
        )
    )

    assert found.figures()["queries"] == 4
    assert found.metrics.recall1 == 0
    assert found.metrics.first_rank.max() <= 3
    assert "no cameras known: only the query image itself is excluded" in found.details()


def test_an_image_in_query_and_gallery_is_embedded_once(network: ReIDNetwork, people: Manifest) -> None:
    shared = people.split("gallery")[:5]
    samples = people.samples + tuple(replace(s, split="query") for s in shared)
    told: list[tuple[str, int]] = []

    retrieval = embed_split(
        NetworkEmbedder(network, Preprocess(height=64, width=32)),
        evaluation_split(replace(people, samples=samples)),
        lambda stage, done, total: told.append((stage, done)) if done == total else None,
    )

    assert told == [("gallery", 15), ("query", 12)]
    assert retrieval.query_features.shape == (12 + 5, 16)
    assert np.array_equal(retrieval.query_features[-5:], retrieval.gallery_features[:5])


def test_junk_is_dropped_and_distractors_are_kept_and_match_nobody(network: ReIDNetwork, people: Manifest) -> None:
    gallery = [sample for sample in people.samples if sample.split == "gallery"]
    assert sum(sample.person == JUNK_NAME for sample in gallery) == 2
    retrieval = embed_split(NetworkEmbedder(network, Preprocess(height=64, width=32)), evaluation_split(people))

    assert len(retrieval.gallery_persons) == len(gallery) - 2
    assert retrieval.junk_dropped == 2
    assert np.count_nonzero(retrieval.gallery_persons == 0) == sum(s.person == DISTRACTOR_NAME for s in gallery) == 3
    assert evaluate_retrieval(retrieval).metrics.matches.tolist() == [2] * 12


def test_people_that_training_held_out_are_the_ones_evaluated(
    write_people: WritePeople, finished_run: Path, small_recipe: SmallRecipe
) -> None:
    names = {f"person {number}": (20 * number, 250 - 20 * number, 100) for number in range(12)}
    dataset = open_dataset(write_people(names, sizes=[(30, 20), (64, 32)]))
    weights = finished_run / "checkpoints" / "best"

    held_out = measure(small_recipe("data.evaluation_share=0.25"), weights, dataset)
    everyone = measure(small_recipe("data.evaluation_share=0"), weights, dataset)

    assert 2 * 2 <= held_out.metrics.queries < everyone.metrics.queries == 12 * 2


def test_reranking_uses_the_settings_of_the_recipe(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe
) -> None:
    recipe = small_recipe("evaluation.reranking={k1: 5, k2: 2, lambda: 0.1}")

    found = measure(recipe, finished_run / "checkpoints" / "best", people, rerank=True)

    by_hand = evaluate(found.retrieval, reranked_scores(found.retrieval, k1=5, k2=2, lambda_=0.1))
    plain = evaluate_retrieval(found.retrieval)
    assert found.metrics.mAP == by_hand.mAP
    assert found.figures()["rerank"] is True
    assert plain.metrics.mAP != by_hand.mAP
    for settings in ({"k1": 4, "k2": 2, "lambda": 0.1}, {"k1": 5, "k2": 2, "lambda": 0.9}):
        other = KReciprocal.model_validate(settings)
        assert evaluate_retrieval(found.retrieval, other).metrics.mAP != by_hand.mAP
    assert "re-ranking k-reciprocal" in found.details()
    assert "re-ranking none" in plain.details()


def test_queries_are_expanded_with_the_settings_of_the_recipe(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe
) -> None:
    recipe = small_recipe("evaluation.reranking={name: query_expansion, neighbours: 3, alpha: 2}")

    found = measure(recipe, finished_run / "checkpoints" / "best", people, rerank=True)

    by_hand = evaluate(found.retrieval, expanded_scores(found.retrieval, neighbours=3, alpha=2.0))
    assert found.metrics.mAP == by_hand.mAP
    for other in (None, QueryExpansion(neighbours=9, alpha=2.0), QueryExpansion(neighbours=3), KReciprocal(k1=5)):
        assert evaluate_retrieval(found.retrieval, other).metrics.mAP != by_hand.mAP
    assert "re-ranking query-expansion" in found.details()


@pytest.mark.parametrize(("name", "needed"), [("k_reciprocal", "0.03 GB"), ("query_expansion", "0.03 GB")])
def test_re_ranking_is_refused_less_memory_than_it_needs(
    name: str, needed: str, finished_run: Path, people: Manifest, small_recipe: SmallRecipe
) -> None:
    recipe = small_recipe(f"evaluation.reranking={{name: {name}}}", "evaluation.memory=0.02")
    with pytest.raises(UsageError, match=rf"too little memory(.|\n)*at least {needed}(.|\n)*got: 0.02 GB"):
        measure(recipe, finished_run / "checkpoints" / "best", people, rerank=True)


def test_a_broken_image_stops_the_evaluation_with_its_path(
    network: ReIDNetwork, people: Manifest, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 no image")
    damaged = (*people.samples, Sample(broken, "0007", "1", "gallery"))

    with pytest.raises(ImageError, match=str(broken)):
        embed_split(
            NetworkEmbedder(network, Preprocess(height=64, width=32)),
            evaluation_split(replace(people, samples=damaged)),
        )


def test_people_read_what_was_compared(network: ReIDNetwork, people: Manifest) -> None:
    first = people.split("query")[0]
    lonely = tuple(s for s in people.samples if s.split != "gallery" or s.person != first.person)

    found = evaluate_retrieval(
        embed_split(
            NetworkEmbedder(network, Preprocess(height=64, width=32)),
            evaluation_split(replace(people, samples=lonely)),
        )
    )

    *details, intervals = found.details()
    assert details == [
        "gallery features (12, 16), junk dropped 2",
        "query features (12, 16)",
        "queries evaluated 9, skipped 3 (3 × person not in gallery)",
        "re-ranking none",
    ]
    assert intervals.startswith("95 % confidence intervals (bootstrap over people): rank-1 ")


def test_thorough_and_merged_evaluations_measure_the_same_ranking(network: ReIDNetwork, people: Manifest) -> None:
    retrieval = embed_split(NetworkEmbedder(network, Preprocess(height=64, width=32)), evaluation_split(people))
    twice = replace(
        retrieval,
        query_features=np.repeat(retrieval.query_features, 2, axis=0),
        query_persons=np.repeat(retrieval.query_persons, 2),
        query_cameras=np.repeat(retrieval.query_cameras, 2),
        query_images=np.arange(1000, 1000 + 2 * len(retrieval.query_persons)),
    )
    plain = evaluate_retrieval(retrieval)

    thorough = evaluate_retrieval(retrieval, thorough=True)
    merged = evaluate_retrieval(twice, merge_queries=True)

    assert thorough.figures() == plain.figures()
    assert (thorough.further is None, plain.further) == (False, None)
    assert "further" in thorough.more()
    assert merged.metrics.found.ranks.tolist() == plain.metrics.found.ranks.tolist()
    assert (merged.joined, plain.joined) == (12, 0)
    assert "merged into other queries: 12" in merged.details()
