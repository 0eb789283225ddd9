from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reseen.datasets.manifest import Manifest

Reseen = Callable[..., Any]
WellTold = Callable[[Any], bool]
KEYS = ["recall1", "recall5", "recall10", "mAP", "mINP", "queries", "skipped", "rerank"]


@pytest.fixture
def trained(finished_run: Path) -> list[str]:
    """Options that name the finished run."""
    return ["-c", str(finished_run / "recipe.yaml"), "--weights", str(finished_run / "checkpoints" / "best")]


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """Stored features of known ranks: half precision, norms other than 1, a distractor, junk, a query without a match.

    Query 1 (person 1, camera 1) sees, once junk and its own camera are gone: the distractor, its match, the wrong
    person, its other match. Query 2 finds its match first. Query 3's person is not in the gallery.
    """
    angles = {"query": [0, 90, 200], "gallery": [1, 0, 5, 10, 91, 20, 0]}
    persons = {"query": [1, 2, 3], "gallery": [1, 0, 1, 2, 2, 1, -1]}
    cameras = {"query": [1, 1, 1], "gallery": [1, 2, 2, 1, 2, 2, 2]}
    turned = np.deg2rad(np.array(angles["query"] + angles["gallery"], dtype=float))
    norms = np.linspace(0.5, 20, len(turned))
    path = tmp_path / "features.npz"
    np.savez(
        path,
        features=(np.stack([np.cos(turned), np.sin(turned)], axis=1) * norms[:, None]).astype(np.float16),
        persons=np.array(persons["query"] + persons["gallery"]),
        cameras=np.array(cameras["query"] + cameras["gallery"]),
        splits=np.array(["query"] * 3 + ["gallery"] * 7),
    )
    return path


def test_json_is_all_that_stdout_holds_while_progress_shows_on_the_terminal(
    people: Manifest, trained: list[str]
) -> None:
    terminal, stderr = pty.openpty()
    reranked = ["--rerank", "-o", "evaluation.reranking.k1=5"]
    command = [sys.executable, "-m", "reseen", "evaluate", *trained, "--data", str(people.root), *reranked, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env={**os.environ, "TERM": "xterm"})
    os.close(stderr)
    shown = b""
    while chunk := read_terminal(terminal):
        shown += chunk
    out, _ = process.communicate(timeout=60)
    os.close(terminal)

    assert process.returncode == 0
    assert out.count(b"\n") == 1
    figures = json.loads(out)
    assert list(figures) == [*KEYS, "intervals"]
    assert all(0 <= figures[name] <= 1 for name in KEYS[:5])
    assert (figures["queries"], figures["skipped"], figures["rerank"]) == (12, 0, True)
    for told in (
        "gallery",
        "15/15",
        "query",
        "12/12",
        "re-ranking",
        "39/39",
        "gallery features (15, 16)",
        "query features (12, 16)",
    ):
        assert told in shown.decode()


def read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end has closed
        return b""


def test_reranking_gives_the_same_keys_with_other_figures(people: Manifest, trained: list[str], reseen: Reseen) -> None:
    common = ["evaluate", *trained, "--data", people.root, "-o", "evaluation.reranking.k1=5", "--json"]

    plain, reranked = (json.loads(reseen(*common, *more).out) for more in ([], ["--rerank"]))

    assert list(reranked) == list(plain) == [*KEYS, "intervals"]
    assert (plain["rerank"], reranked["rerank"]) == (False, True)
    assert reranked["mAP"] != plain["mAP"]
    assert all(0 <= reranked[name] <= 1 for name in KEYS[:5])


def test_a_method_of_re_ranking_may_be_named(people: Manifest, trained: list[str], reseen: Reseen) -> None:
    common = ["evaluate", *trained, "--data", people.root, "--memory", "0.5"]
    settings = {"k-reciprocal": "k1=5", "query-expansion": "neighbours=3"}

    answers = {
        name: reseen(*common, "--rerank-method", name, "-o", f"evaluation.reranking.{setting}")
        for name, setting in settings.items()
    }

    for name, answer in answers.items():
        assert answer.code == 0
        assert f"re-ranking {name}" in answer.err
    assert answers["k-reciprocal"].out != answers["query-expansion"].out


def test_people_read_what_was_compared_and_the_figures_with_their_definition(
    people: Manifest, trained: list[str], reseen: Reseen, tmp_path: Path
) -> None:
    weights = ["--weights", f"{trained[-1]}.safetensors"]

    answer = reseen("evaluate", *trained, *weights, "--data", people.root, "--output", tmp_path / "out")

    assert answer.code == 0
    assert answer.out.count("\n") == 1
    assert answer.out.startswith("rank-1 ")
    assert "mAP " in answer.out
    assert "(AP: mean of the precisions at the matches)" in answer.out
    assert "queries evaluated 12, skipped 0" in answer.err
    figures = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert f"rank-1 {figures['recall1'] * 100:.2f} %" in answer.out
    log = (tmp_path / "out" / "eval.log").read_text(encoding="utf-8").splitlines()
    assert [line[20:] for line in log] == [*answer.err.splitlines()[-len(log) + 1 :], answer.out.strip()]


def test_several_datasets_are_told_each_on_its_own_with_their_mean(
    people: Manifest, trained: list[str], reseen: Reseen, tmp_path: Path
) -> None:
    first = people.split("query")[0].person
    rows = [(s.path, s.person, s.camera, s.split) for s in people.samples if s.person != first]
    table = "\n".join(",".join(map(str, row)) for row in [("path", "person", "camera", "split"), *rows])
    (tmp_path / "fewer.csv").write_text(table, encoding="utf-8")
    common = ["evaluate", *trained, "--data", people.root, "--data", tmp_path / "fewer.csv"]

    lines = reseen(*common).out.splitlines()
    figures = json.loads(reseen(*common, "--json", "--output", tmp_path / "out").out)

    assert [line.partition(": rank-1 ")[0] for line in lines] == [people.root.name, "fewer", "mean"]
    assert [list(each) for each in figures.values()] == [[*KEYS, "intervals"]] * 2 + [KEYS]
    assert [each["queries"] for each in figures.values()] == [12, 9, 21]
    assert figures["mean"]["mAP"] == pytest.approx((figures[people.root.name]["mAP"] + figures["fewer"]["mAP"]) / 2)
    assert json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8")) == figures


def test_an_output_folder_that_cannot_be_made_is_told_before_the_work(
    people: Manifest, trained: list[str], reseen: Reseen, well_told: WellTold, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("letter", encoding="utf-8")

    answer = reseen("evaluate", *trained, "--data", people.root, "--output", tmp_path / "file")

    assert answer.code == 2
    assert well_told(answer)
    assert answer.err.startswith("error: ")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "letter"


def test_stored_features_give_the_figures_worked_by_hand(features: Path, reseen: Reseen) -> None:
    answer = reseen("evaluate", "--features", features, "--json")

    figures = json.loads(answer.out)
    precision = [(1 / 2 + 2 / 4) / 2, 1.0]
    assert figures.pop("intervals")["mAP"] == [0.5, 1.0]  # either person twice, or both
    assert figures == {
        "recall1": 0.5,
        "recall5": 1.0,
        "recall10": 1.0,
        "mAP": pytest.approx(sum(precision) / 2),
        "mINP": pytest.approx((2 / 4 + 1) / 2),
        "queries": 2,
        "skipped": 1,
        "rerank": False,
    }
    assert "gallery features (6, 2), junk dropped 1" in answer.err
    assert "skipped 1 (1 × person not in gallery)" in answer.err


def test_stored_features_are_reranked_with_the_settings_of_a_recipe(features: Path, reseen: Reseen) -> None:
    options = ["-c", "baseline", "-o", "evaluation.reranking={k1: 3, k2: 2}"]

    answer = reseen("evaluate", "--features", features, "--rerank", "--json", *options)

    assert answer.code == 0
    assert json.loads(answer.out)["rerank"] is True


def test_stored_features_are_re_ranked_in_the_memory_that_is_allowed(features: Path, reseen: Reseen) -> None:
    options = ["--features", features, "--rerank-method", "query-expansion", "--memory"]

    enough, too_little = (reseen("evaluate", *options, memory) for memory in ("0.04", "0.02"))

    assert enough.code == 0
    assert "re-ranking query-expansion" in enough.err
    assert too_little.code == 2
    assert "too little memory" in too_little.err


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ([], "not clear what to evaluate"),
        (["-c", "tiny"], "not clear what to evaluate"),
        (["-c", "tiny", "--weights", "best"], "not clear what to evaluate"),
        (["--data", ".", "--weights", "best"], "not clear what to evaluate"),
        (["--features", "f.npz", "--data", "."], "not clear what to evaluate"),
        (["--features", "f.npz", "--weights", "best"], "not clear what to evaluate"),
        (["--features", "f.npz", "--flip"], "not clear what to evaluate"),
        (["--features", "f.npz", "--bundle", "b"], "not clear what to evaluate"),
        (["--bundle", "b"], "not clear what to evaluate"),
        (["--bundle", "b", "--data", ".", "--weights", "best"], "not clear what to evaluate"),
        (["--bundle", "b", "--data", ".", "--flip"], "not clear what to evaluate"),
        (["--bundle", "b", "--data", ".", "-o", "seed=1"], "-o changes a recipe, but none is given"),
        (["--features", "f.npz", "-o", "seed=1"], "-o changes a recipe, but none is given"),
        (["--features", "missing.npz"], "cannot read the features in missing.npz"),
        (["-c", "tiny", "--weights", "missing", "--data", "nowhere"], "nowhere does not exist"),
    ],
)
def test_options_that_do_not_go_together_end_with_2(
    options: list[str], what: str, reseen: Reseen, well_told: WellTold
) -> None:
    answer = reseen("evaluate", *options)

    assert answer.code == 2
    assert what in answer.err
    assert well_told(answer)


def test_a_bundle_has_the_figures_of_its_weights(
    reseen: Reseen, trained: list[str], people: Manifest, tmp_path: Path
) -> None:
    common = ["--data", people.root, "--thorough", "--rerank", "-o", "evaluation.reranking.k1=5", "--json"]
    assert reseen("export", *trained, "--output", tmp_path / "bundle").code == 0

    weights = reseen("evaluate", *trained, *common)
    bundle = reseen(
        "evaluate", "--bundle", tmp_path / "bundle", "-c", trained[1], *common, "--output", tmp_path / "out"
    )

    assert (weights.code, bundle.code) == (0, 0), bundle.err
    assert json.loads(bundle.out)["mAP"] == pytest.approx(json.loads(weights.out)["mAP"], abs=1e-6)
    assert "fp32 by onnxruntime" in json.loads((tmp_path / "out" / "evaluation.json").read_text())["model"]


def test_a_bundle_s_engine_is_chosen(reseen: Reseen, well_told: WellTold, people: Manifest, small_bundle: Path) -> None:
    common = ["evaluate", "--bundle", small_bundle, "--data", people.root]
    assert reseen(*common, "--precision", "fp16").code == 0
    for options, what in ((["--engine", "tea"], "no engine 'tea'"), (["--precision", "int8"], "no int8 model")):
        answer = reseen(*common, *options)
        assert answer.code == 2
        assert what in answer.err
        assert well_told(answer)


def test_reranking_more_neighbours_than_there_are_images_is_refused(
    features: Path, reseen: Reseen, well_told: WellTold
) -> None:
    answer = reseen("evaluate", "--features", features, "--rerank")

    assert answer.code == 2
    assert "too few images to re-rank" in answer.err
    assert well_told(answer)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("model.backbone.widths=[8, 32]", "does not fit"),
        ("model.neck=none", "does not fit"),
        ("preprocess.height=128", "trained with different preprocessing"),
    ],
)
def test_weights_of_another_model_or_preprocessing_are_refused(
    change: str, what: str, people: Manifest, trained: list[str], reseen: Reseen, well_told: WellTold
) -> None:
    answer = reseen("evaluate", *trained, "-o", change, "--data", people.root)

    assert answer.code == 2
    assert what in answer.err
    assert well_told(answer)


@pytest.mark.parametrize(("name", "what"), [("missing", "no weights at missing"), ("weights.pth", "is a pickle")])
def test_weights_that_are_missing_or_pickled_are_refused(
    name: str, what: str, people: Manifest, reseen: Reseen, well_told: WellTold
) -> None:
    answer = reseen("evaluate", "-c", "tiny", "--weights", name, "--data", people.root)

    assert answer.code == 2
    assert what in answer.err
    assert well_told(answer)


def test_a_broken_image_ends_with_1_and_its_path(
    people: Manifest, trained: list[str], reseen: Reseen, well_told: WellTold, tmp_path: Path
) -> None:
    (tmp_path / "torn.jpg").write_bytes(people.samples[0].path.read_bytes()[:200])
    rows = "".join(f"{s.path},{s.person},{s.camera},{s.split}\n" for s in people.samples)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(f"path,person,camera,split\n{rows}torn.jpg,0009,1,query\n", encoding="utf-8")

    answer = reseen("evaluate", *trained, "--data", manifest)

    assert answer.code == 1
    assert f"{tmp_path / 'torn.jpg'} cannot be decoded" in answer.err
    assert well_told(answer)


def test_flip_changes_the_figures_as_the_recipe_does(people: Manifest, trained: list[str], reseen: Reseen) -> None:
    common = ["evaluate", *trained, "--data", people.root, "--json"]

    plain, flipped, recipe = (
        json.loads(reseen(*common, *more).out) for more in ([], ["--flip"], ["-o", "evaluation.flip=true"])
    )

    assert flipped == recipe
    assert flipped["mAP"] != plain["mAP"]


def test_multi_query_searches_with_the_images_of_a_person_by_one_camera_together(
    features: Path, reseen: Reseen, tmp_path: Path
) -> None:
    arrays = dict(np.load(features))
    arrays["persons"][1] = 1  # another query of person 1 by camera 1
    np.savez(tmp_path / "two.npz", **arrays)

    single = json.loads(reseen("evaluate", "--features", tmp_path / "two.npz", "--json").out)
    answer = reseen("evaluate", "--features", tmp_path / "two.npz", "--json", "--multi-query")

    assert (single["queries"], json.loads(answer.out)["queries"]) == (2, 1)
    assert "merged into other queries: 1" in answer.err


def test_thorough_tells_what_else_can_be_measured_and_what_cannot(
    people: Manifest, trained: list[str], reseen: Reseen
) -> None:
    answer = reseen("evaluate", *trained, "--data", people.root, "--json", "--thorough")

    further = json.loads(answer.out)["further"]
    assert list(further["precision"]) == ["1", "5", "10"]
    assert [point["supported"] for point in further["verification"]] == [False] * 3
    assert further["verification"][0]["tar"] is None
    assert (further["enrolled"], further["strangers"]) == (2, 2)
    cameras = [(pair["query_camera"], pair["gallery_camera"]) for pair in further["camera_pairs"]]
    assert cameras == [(a, b) for a in "123" for b in "123" if a != b]
    for told in (
        "precision@1 ",
        "TMR@FMR=1%: not measurable",
        "DIR@FPIR=10%, 2 people",
        "weak cameras: ",
        "95 % confidence",
    ):
        assert told in answer.err


def test_saved_features_give_the_same_figures(
    people: Manifest, trained: list[str], reseen: Reseen, tmp_path: Path
) -> None:
    images = reseen("evaluate", *trained, "--data", people.root, "--json", "--output", tmp_path)
    features = reseen("evaluate", "--features", tmp_path / "features.npz", "--json")

    assert json.loads(features.out) == json.loads(images.out)


def test_a_report_is_of_the_evaluation_that_was_stored_last(
    people: Manifest, trained: list[str], features: Path, reseen: Reseen, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    for options in ([*trained, "--data", people.root], ["--features", features, "--multi-query"]):
        evaluated = reseen("evaluate", *options, "--output", output, "--json")
        told = reseen("report", output, "--json")
        assert evaluated.code == told.code == 0, evaluated.err + told.err
        assert json.loads(told.out)["mAP"]["value"] == pytest.approx(json.loads(evaluated.out)["mAP"])


def test_stored_features_are_not_written_over(features: Path, reseen: Reseen) -> None:
    before = features.read_bytes()
    answer = reseen("evaluate", "--features", features, "--output", features.parent)

    assert answer.code == 2
    assert "would be overwritten" in answer.err
    assert features.read_bytes() == before


def test_a_folder_whose_name_is_no_text_is_evaluated_and_reported(
    people: Manifest, trained: list[str], reseen: Reseen, tmp_path: Path
) -> None:
    data = tmp_path / os.fsdecode(b"bad\xff")
    shutil.copytree(people.root, data)
    answer = reseen("evaluate", *trained, "--data", data, "--output", tmp_path / "output")
    told = reseen("report", tmp_path / "output")

    assert answer.code == told.code == 0, answer.err + told.err
    assert "bad\\xff" in (tmp_path / "output" / "report.html").read_text(encoding="utf-8")
