from __future__ import annotations

import json
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from reseen.demo import tour as room
from reseen.demo.tour import Demo, run_demo
from reseen.errors import UsageError
from reseen.synthetic.plan import Plan

PLAN = Plan(persons=6, test_persons=4, cameras=3, images_per_camera=2, distractors=3, junk=2, height=64, width=32)
OVERRIDES = (
    "preprocess.height=64",
    "preprocess.width=32",
    "model.backbone.widths=[8, 16]",
    "sampler.persons=3",
    "sampler.images_per_person=2",
    "training.epochs=1",
)
EASY = Plan(
    persons=2, test_persons=3, cameras=2, images_per_camera=2, distractors=0, junk=0, height=64, width=32, easy=True
)


def demo(output: Path) -> Demo:
    return Demo(output, "cpu", EASY, PLAN, "tiny", OVERRIDES)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_whole_way_leaves_people_a_run_pictures_and_a_page(tmp_path: Path) -> None:
    stages: dict[str, int] = {}
    told: list[str] = []

    results = run_demo(
        demo(tmp_path / "demo"),
        [lambda event: told.append(type(event).__name__)],
        lambda stage, done, total: stages.update({stage: done}) if done == total else None,
    )

    drawn = {"drawing easy people": EASY.images, "drawing people": PLAN.images}
    assert stages == {**drawn, "reading": 36, "gallery": 15, "query": 12, "exporting": 1}
    assert "Evaluated" in told
    assert names(tmp_path / "demo") == ["report.html", "shipped", "trained"]
    assert names(tmp_path / "demo" / "shipped") == ["comparison.png", "people", "search.html"]
    assert names(tmp_path / "demo" / "trained") == ["bundle", "comparison.png", "people", "run", "search.html"]
    assert results.seconds > 0
    assert results.learnt is not None
    line = (tmp_path / "demo" / "trained" / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    measured = json.loads(line)["metrics"]
    assert {name: results.learnt.after.figures()[name] for name in measured} == measured


def test_without_the_libraries_that_train_there_is_the_shipped_model_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_of_torch(name: str) -> ModuleSpec | None:
        return None if name == "torch" else ModuleSpec(name, None)

    monkeypatch.setattr(room, "find_spec", none_of_torch)

    results = run_demo(demo(tmp_path / "demo"))

    assert names(tmp_path / "demo") == ["report.html", "shipped"]
    assert results.learnt is None


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")

    with pytest.raises(UsageError, match="exists already"):
        run_demo(demo(tmp_path))

    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
