"""The command line, run in this process or in one of its own; drawn people and a run to give it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from reseen.cli.app import main
from reseen.datasets.manifest import Manifest
from reseen.recipe.load import load_recipe
from reseen.runs.plan import TrainingRun
from reseen.runs.run_training import run_training
from reseen.synthetic.dataset import synthesise
from reseen.synthetic.plan import Plan

SMALL = (
    "preprocess.height=64",
    "preprocess.width=32",
    "model.backbone.widths=[8, 16]",
    "sampler.persons=3",
    "sampler.images_per_person=2",
    "schedule={name: multistep}",  # does not depend on the number of epochs, so that the run can be made longer
    "training.epochs=1",
)


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str


Reseen = Callable[..., Answer]


@pytest.fixture
def reseen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Reseen:
    """Run a command in this process, through the same `main` as the installed command."""

    def run(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["reseen", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        streams = capsys.readouterr()
        return Answer(int(ended.value.code or 0), streams.out, streams.err)

    return run


@pytest.fixture
def reseen_process() -> Reseen:
    """Run a command in a process of its own; `prepare` is Python run there first."""

    def run(*arguments: str | Path, prepare: str = "", timeout: float = 300) -> Answer:
        program = f"{prepare}\nimport runpy\nrunpy.run_module('reseen', run_name='__main__')"
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Drawn people in Market-1501's layout; read only."""
    plan = Plan(
        persons=6, test_persons=4, cameras=3, images_per_camera=2, distractors=3, junk=2, height=64, width=32, seed=1
    )
    return synthesise(tmp_path_factory.mktemp("people"), plan)


@pytest.fixture(scope="session")
def small() -> list[str]:
    """Options that make `-c tiny` quick."""
    return [part for override in SMALL for part in ("-o", override)]


@pytest.fixture(scope="session")
def finished_run(people: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run of one epoch, `reseen train -c tiny` with the options of `small`; read only."""
    output = tmp_path_factory.mktemp("run") / "small"
    run_training(TrainingRun(load_recipe("tiny", SMALL), people, output, torch.device("cpu")))
    return output


@pytest.fixture(scope="session")
def well_told() -> Callable[[Answer], bool]:
    """Whether an error says what, expected, got and cure, and nothing else."""

    def check(answer: Answer) -> bool:
        _, found, message = answer.err.partition("error: ")
        parts = [line.split(":")[0].strip() for line in message.splitlines()[1:]]
        return bool(found) and parts == ["expected", "got", "cure"] and not answer.out

    return check
