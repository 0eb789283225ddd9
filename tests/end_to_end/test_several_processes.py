"""Runs of two processes that `torchrun` starts, against runs of one; and what becomes of them when one fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import safetensors.torch
from torch import Tensor

from reseen.synthetic import Plan, synthesise

Start = Callable[..., subprocess.Popen[str]]
WaitUntil = Callable[[Callable[[], object]], None]
RECIPE = (
    *("preprocess.height=64", "preprocess.width=32", "model.backbone.widths=[8, 16]", "training.log_every=1"),
    *("sampler.persons=4", "sampler.images_per_person=2", "training.evaluate_every=0"),
)
EXACT = (
    *("training.batch_norm=frozen", "training.epochs=2", "optimizer.name=sgd", "optimizer.learning_rate=0.003"),
    *("losses=[{name: cross_entropy}, {name: triplet}, {name: center}]", "training.clip_norm=5"),
)
"""With batch norm that does not depend on the batch, two processes compute what one computes, but for rounding. (Ten
times the rate makes these runs unstable: rounding grows to 1e-3 within 33 steps.)"""


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn people."""
    folder = tmp_path_factory.mktemp("people")
    synthesise(folder, Plan(persons=12, test_persons=4, cameras=3, images_per_camera=3, height=64, width=32, seed=1))
    return folder


@pytest.fixture(scope="module")
def start(people: Path) -> Iterator[Start]:
    """Start `reseen train` on the people in as many processes; what is still going at the end is killed."""
    begun: list[subprocess.Popen[str]] = []

    def launch(output: Path, processes: int, *overrides: str, resume: bool = False) -> subprocess.Popen[str]:
        several = ["torch.distributed.run", "--nproc-per-node", str(processes), "-m"] if processes > 1 else []
        options = [part for override in (*RECIPE, *overrides) for part in ("-o", override)]
        arguments = ["train", "-c", "tiny", "--data", str(people), "--output", str(output), *options]
        command = [sys.executable, "-m", *several, "reseen", *arguments, *(["--resume"] if resume else [])]
        begun.append(subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        return begun[-1]

    yield launch
    for process in begun:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str]) -> str:
    """What a run that ends well says."""
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said


def weights(output: Path) -> dict[str, Tensor]:
    return safetensors.torch.load_file(output / "checkpoints" / "latest.safetensors")


def test_two_processes_learn_what_one_learns(start: Start, tmp_path: Path) -> None:
    finish(start(tmp_path / "before", 1, "training.epochs=2"))
    trained = f"model.pretrained.path={tmp_path / 'before' / 'checkpoints' / 'latest'}"
    finish(start(tmp_path / "one", 1, *EXACT, trained))
    said = finish(start(tmp_path / "two", 2, *EXACT, trained))

    assert (tmp_path / "two" / "train.log").read_text().count(" iteration ") >= 20
    one, two, before = (weights(tmp_path / name) for name in ("one", "two", "before"))
    for name, value in one.items():
        assert (value - two[name]).abs().max() <= 1e-5, name
    assert max((value - before[name]).abs().max() for name, value in one.items() if name.startswith("backbone")) > 1e-3
    assert said.count("done: 2 epochs") == 1
    figures = [json.loads((tmp_path / name / "metrics.jsonl").read_text().splitlines()[-1]) for name in ("one", "two")]
    assert figures[0]["metrics"]["queries"] == figures[1]["metrics"]["queries"]
    assert json.loads((tmp_path / "two" / "environment.json").read_text())["processes"] == 2

    alone = start(tmp_path / "two", 1, *EXACT, trained, resume=True)
    told, _ = alone.communicate(timeout=300)
    assert alone.returncode == 2
    assert "it differs in its number of processes" in told
    assert "reading" not in told


def test_an_image_that_one_process_cannot_read_ends_the_run_in_all(start: Start, people: Path, tmp_path: Path) -> None:
    """The gallery's second image is the second process's; it breaks after the dataset was listed."""
    second = sorted((people / "bounding_box_test").glob("0*.jpg"))[1]
    content = second.read_bytes()
    second.write_bytes(content[: len(content) // 2])
    try:
        run = start(tmp_path / "broken", 2, "training.epochs=1")
        said, _ = run.communicate(timeout=300)
    finally:
        second.write_bytes(content)

    assert run.returncode == 1
    assert said.count(second.name) >= 2
    assert "error: process 1 failed: " in said
    assert "error: process 1: " in said
    assert "Traceback" not in said.partition("ChildFailedError")[0].partition("torch/distributed")[0]


def test_a_killed_process_ends_the_run_and_it_resumes(start: Start, tmp_path: Path, wait_until: WaitUntil) -> None:
    output = tmp_path / "killed"
    run = start(output, 2, "training.epochs=500")
    log = output / "train.log"
    wait_until(lambda: run.poll() is not None or (log.exists() and "epoch 3/" in log.read_text()))
    assert run.poll() is None, run.communicate()[0]
    os.kill(workers(run.pid)[-1], signal.SIGKILL)
    said, _ = run.communicate(timeout=120)
    assert run.returncode != 0, said

    finish(start(output, 2, "training.epochs=4", resume=True))
    assert '"epoch": 4' in (output / "metrics.jsonl").read_text().splitlines()[-1]


def workers(launcher: int) -> list[int]:
    """The processes that torchrun has started."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return [int(child) for child in children]
