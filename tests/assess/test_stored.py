from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reseen.assess.description import StoredEvaluation
from reseen.assess.evaluate import evaluate_retrieval
from reseen.assess.features import read_features, write_features
from reseen.assess.stored import forget, read_stored, require_apart, store_features, write_stored
from reseen.errors import FeaturesError, UsageError
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet
from reseen.recipe.schema import KReciprocal, QueryExpansion, Reranking

SmallSet = tuple[RetrievalSet, tuple[Path, ...], tuple[Path, ...]]


@pytest.fixture
def stored(small_retrieval: SmallSet, tmp_path: Path) -> Path:
    """The folder of a stored evaluation whose cameras have names."""
    retrieval = replace(small_retrieval[0], camera_names=("yard", "gate", "hall"))
    write_stored(
        tmp_path / "evaluation", StoredEvaluation("people", "tiny", "reseen evaluate", retrieval, *small_retrieval[1:])
    )
    return tmp_path / "evaluation"


def test_an_evaluation_comes_back_as_it_was(small_retrieval: SmallSet, stored: Path) -> None:
    retrieval, query_paths, gallery_paths = small_retrieval
    found = read_stored(stored)

    assert (found.title, found.model, found.command) == ("people", "tiny", "reseen evaluate")
    assert (found.query_paths, found.gallery_paths) == (query_paths, gallery_paths)
    assert np.array_equal(found.retrieval.query_persons, retrieval.query_persons)
    np.testing.assert_allclose(found.retrieval.gallery_features, retrieval.gallery_features, atol=1e-6)
    assert found.retrieval.camera_name(2) == "hall"
    assert evaluate(found.retrieval).mAP == pytest.approx(evaluate(retrieval).mAP)


@pytest.mark.parametrize("reranking", [KReciprocal.model_validate({"lambda": 0.2}), QueryExpansion(alpha=3.0), None])
def test_how_it_was_re_ranked_comes_back(
    small_retrieval: SmallSet, tmp_path: Path, reranking: Reranking | None
) -> None:
    write_stored(tmp_path, StoredEvaluation("people", "tiny", "", *small_retrieval, reranking=reranking))
    assert read_stored(tmp_path).reranking == reranking


def test_a_query_that_is_in_the_gallery_still_does_not_find_itself(small_retrieval: SmallSet, tmp_path: Path) -> None:
    retrieval, _, gallery_paths = small_retrieval
    same = replace(
        retrieval,
        query_features=retrieval.gallery_features[:36],
        query_persons=retrieval.gallery_persons[:36],
        query_cameras=np.full(36, -1),
        gallery_cameras=np.full(37, -1),
        query_images=np.arange(36),
        gallery_images=np.arange(37),
    )
    write_stored(tmp_path, StoredEvaluation("people", "tiny", "", same, gallery_paths[:36], gallery_paths))

    assert evaluate(read_stored(tmp_path).retrieval).matches.tolist() == [2] * 36


def test_a_run_that_holds_an_evaluation_gives_it(stored: Path) -> None:
    assert read_stored(stored.parent).title == "people"


ENVIRONMENT = dict.fromkeys(("reseen", "python", "torch", "numpy", "platform", "device", "dataset"), "") | {
    "threads": 1,
    "dataset_root": "/data/people",
    "evaluation": {},
}


def test_a_run_without_one_says_how_to_make_it(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").touch()
    (tmp_path / "environment.json").write_text(json.dumps(ENVIRONMENT))
    with pytest.raises(FeaturesError, match="holds no evaluation") as refused:
        read_stored(tmp_path)
    assert f"-c {tmp_path}/recipe.yaml" in str(refused.value.cure)
    assert "--data /data/people" in str(refused.value.cure)
    with pytest.raises(FeaturesError, match="holds no evaluation") as refused:
        read_stored(tmp_path / "nothing")
    assert "-c RUN/recipe.yaml" in str(refused.value.cure)


@pytest.mark.parametrize("content", ["", "[]", '{"format": "reseen-evaluation-2"}', '{"dataset": 3}', "\x00"])
def test_a_description_that_cannot_be_read_is_refused(stored: Path, content: str) -> None:
    (stored / "evaluation.json").write_text(content)
    with pytest.raises(FeaturesError, match="json cannot be read"):
        read_stored(stored)


def test_files_of_two_evaluations_are_refused(stored: Path, small_retrieval: SmallSet) -> None:
    retrieval = small_retrieval[0]
    fewer = replace(
        retrieval,
        query_features=retrieval.query_features[1:],
        query_persons=retrieval.query_persons[1:],
        query_cameras=retrieval.query_cameras[1:],
    )
    write_features(stored / "features.npz", fewer)
    with pytest.raises(FeaturesError, match="do not belong together") as refused:
        read_stored(stored)
    assert refused.value.got == "12 queries and 37 gallery images in features.npz"


def test_a_camera_without_a_name_is_refused(stored: Path) -> None:
    content = json.loads((stored / "evaluation.json").read_text(encoding="utf-8"))
    (stored / "evaluation.json").write_text(json.dumps(content | {"cameras": ["yard", "gate"]}), encoding="utf-8")
    with pytest.raises(FeaturesError, match="do not belong together") as refused:
        read_stored(stored)
    assert refused.value.got == "13 queries and 37 gallery images, camera 2, counted from 0 in features.npz"


def test_several_evaluations_are_named(stored: Path) -> None:
    (stored.parent / "both").mkdir()
    for name in ("campus", "city"):
        shutil.copytree(stored, stored.parent / "both" / name)
    with pytest.raises(FeaturesError, match="holds the evaluations of several datasets") as refused:
        read_stored(stored.parent / "both")
    assert refused.value.got == f"{stored.parent}/both/campus, {stored.parent}/both/city"


def test_features_of_a_stored_evaluation_are_kept_with_what_it_tells(
    small_retrieval: SmallSet, stored: Path, tmp_path: Path
) -> None:
    found = evaluate_retrieval(read_features(stored / "features.npz"), QueryExpansion())
    store_features(tmp_path / "again", found, stored / "features.npz", command="again")
    again = read_stored(tmp_path / "again")

    assert (again.title, again.model, again.command) == ("people", "tiny", "again")
    assert (again.query_paths, again.gallery_paths) == small_retrieval[1:]
    assert again.reranking == QueryExpansion()
    assert again.retrieval.camera_name(1) == "gate"


def test_features_from_elsewhere_and_merged_queries_are_kept_without_images(
    small_retrieval: SmallSet, tmp_path: Path
) -> None:
    twice = replace(
        small_retrieval[0], query_persons=np.maximum(small_retrieval[0].query_persons, 4)
    )  # some persons more than once
    write_features(tmp_path / "mine.npz", twice)
    found = evaluate_retrieval(read_features(tmp_path / "mine.npz"), merge_queries=True)
    store_features(tmp_path / "kept", found, tmp_path / "mine.npz", command="command")
    kept = read_stored(tmp_path / "kept")

    assert found.joined == 1
    assert (kept.title, kept.model, kept.query_paths) == (
        "mine",
        f"features of {tmp_path}/mine.npz, 1 queries merged into others",
        (),
    )
    assert len(kept.retrieval.query_persons) == 12


def test_features_are_not_written_over(stored: Path) -> None:
    with pytest.raises(UsageError, match="would be overwritten"):
        require_apart(stored, stored.parent / "evaluation" / ".." / "evaluation" / "features.npz")
    require_apart(stored.parent, stored / "features.npz")


def test_what_is_forgotten_is_not_reported(stored: Path) -> None:
    forget(stored)
    forget(stored)
    with pytest.raises(FeaturesError, match="holds no evaluation"):
        read_stored(stored)
