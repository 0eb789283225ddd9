from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from reseen.datasets.open import open_dataset
from reseen.errors import Interrupted
from reseen.models.network import ReIDNetwork
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe
from reseen.runs.plan import TrainingRun
from reseen.runs.run_training import run_training
from reseen.synthetic import Plan, synthesise
from reseen.training.checkpoint import Parts, TrainState
from reseen.training.events import EpochDone, Event, StepDone
from reseen.training.interruption import Interruption
from reseen.training.trainer import Trainer

SmallRecipe = Callable[..., Recipe]
MakeTrainer = Callable[..., Trainer]
Bits = Callable[[Parts], dict[str, Tensor]]
Same = Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], bool]
SameFile = Callable[[Path, Path], bool]
EpochOf = Callable[[Path], int]
Figures = Callable[..., Callable[[ReIDNetwork], Mapping[str, float]]]
StopAt = Callable[..., Callable[[Event], None]]
RunUntilStopped = Callable[[Trainer], TrainState]


class OwnHandlerCalled(Exception):
    """What the handler that was there before raises."""


def own_handler(number: int, frame: object) -> None:
    raise OwnHandlerCalled(signal.Signals(number).name)


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    before = {number: signal.signal(number, own_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_the_second_acts(number: signal.Signals) -> None:
    with Interruption() as interruption:
        assert not interruption.requested
        os.kill(os.getpid(), number)
        assert interruption.requested
        with pytest.raises(OwnHandlerCalled, match=number.name):
            os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_may_be_lost_ends_at_once(number: signal.Signals) -> None:
    with Interruption() as interruption:
        with pytest.raises(KeyboardInterrupt), interruption.at_once():
            os.kill(os.getpid(), number)
        assert interruption.requested
    with Interruption() as interruption:
        with interruption.at_once():
            pass
        os.kill(os.getpid(), number)
        assert interruption.requested


def test_either_signal_may_come_second() -> None:
    with Interruption():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(OwnHandlerCalled, match="SIGTERM"):
            os.kill(os.getpid(), signal.SIGTERM)


def test_handlers_are_put_back_on_leaving() -> None:
    with Interruption():
        assert signal.getsignal(signal.SIGINT) is not own_handler
    assert signal.getsignal(signal.SIGINT) is own_handler
    assert signal.getsignal(signal.SIGTERM) is own_handler
    with pytest.raises(ZeroDivisionError), Interruption():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is own_handler


def test_an_ignored_signal_is_ignored_again_afterwards() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.requested
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_outside_the_main_thread_nothing_is_caught() -> None:
    found: list[object] = []

    def elsewhere() -> None:
        with Interruption() as interruption:
            found.append(signal.getsignal(signal.SIGINT))
            found.append(interruption.requested)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [own_handler, False]


def forget(trainer: Trainer) -> None:
    """Take away everything that the trainer's parts hold."""
    for part in (trainer.network, trainer.criterion):
        for value in part.state_dict().values():
            value.zero_()


def losses(events: Sequence[Event]) -> list[tuple[str, int, Mapping[str, float]]]:
    """What was told about the losses."""
    return [(type(e).__name__, e.epoch, e.losses) for e in events if isinstance(e, StepDone | EpochDone)]


@pytest.mark.parametrize(
    "point", [(1, 1), (2, 3), (2, -1), (3, 2)], ids=["first", "middle", "end of epoch", "last epoch"]
)
def test_a_run_that_was_stopped_and_resumed_equals_one_that_was_not(
    make_trainer: MakeTrainer,
    small_recipe: SmallRecipe,
    bits: Bits,
    settings: tuple[str, ...],
    point: tuple[int, int],
    same: Same,
    same_file: SameFile,
    stop_at: StopAt,
    run_until_stopped: RunUntilStopped,
) -> None:
    recipe = small_recipe(*settings, "training.evaluate_every=1")
    events: list[Event] = []
    whole = make_trainer(recipe, "whole", listeners=[events.append])
    assert whole.run().epoch == 3
    epoch, iteration = point
    if iteration < 0:
        iteration = max(event.iteration for event in events if isinstance(event, StepDone) and event.epoch == epoch)
    events_again: list[Event] = []
    stopped = make_trainer(recipe, "stopped", listeners=[events_again.append, stop_at((epoch, iteration))])
    progress = run_until_stopped(stopped)
    assert (progress.epoch, progress.iteration) == ((epoch, 0) if point[1] < 0 else (epoch - 1, iteration))

    resumed = make_trainer(recipe, "stopped", listeners=[events_again.append])
    forget(resumed)
    resumed.resume()
    assert resumed.run() == whole.progress
    assert same(bits(resumed.parts), bits(whole.parts))
    for name in ("latest.safetensors", "best.safetensors"):
        assert same_file(resumed.checkpoints.folder / name, whole.checkpoints.folder / name)
    assert losses(events_again) == losses(events)


def test_a_run_that_is_stopped_after_every_step_equals_one_that_was_not(
    make_trainer: MakeTrainer,
    small_recipe: SmallRecipe,
    bits: Bits,
    same: Same,
    stop_at: StopAt,
    adam_with_center: tuple[str, ...],
) -> None:
    recipe = small_recipe(*adam_with_center)
    whole = make_trainer(recipe, "whole")
    whole.run()
    every_step = stop_at(*((epoch, iteration) for epoch in range(1, 4) for iteration in range(1, 20)))
    trainer = make_trainer(recipe, "stopped", listeners=[every_step])
    stops = 0
    while trainer.progress.epoch < 3:
        try:
            trainer.run()
        except Interrupted:
            stops += 1
            trainer = make_trainer(recipe, "stopped", listeners=[every_step])
            trainer.resume()
    assert stops > 10
    assert same(bits(trainer.parts), bits(whole.parts))


def test_ctrl_c_during_an_evaluation_does_not_wait_for_its_end(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, figures: Figures, run_until_stopped: RunUntilStopped
) -> None:
    def endless(_: ReIDNetwork) -> Mapping[str, float]:
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the evaluation went on")

    recipe = small_recipe("training={epochs: 2, evaluate_every: 1}")
    progress = run_until_stopped(make_trainer(recipe, evaluate=endless))
    assert (progress.epoch, progress.evaluation_due) == (1, True)
    resumed = make_trainer(recipe, evaluate=figures(0.2, 0.3))
    resumed.resume()
    assert resumed.run().best == 0.3


def test_a_stop_in_the_last_step_does_not_wait_for_the_evaluation(
    make_trainer: MakeTrainer,
    small_recipe: SmallRecipe,
    figures: Figures,
    stop_at: StopAt,
    run_until_stopped: RunUntilStopped,
) -> None:
    recipe = small_recipe("training.epochs=1")
    steps: list[Event] = []
    make_trainer(recipe, "whole", listeners=[steps.append]).run()
    last = max(event.iteration for event in steps if isinstance(event, StepDone))
    progress = run_until_stopped(make_trainer(recipe, listeners=[stop_at((1, last))], evaluate=figures()))
    assert (progress.epoch, progress.evaluation_due) == (1, True)
    resumed = make_trainer(recipe, evaluate=figures(0.25))
    resumed.resume()
    assert resumed.run().best == 0.25


PEOPLE = Plan(persons=4, test_persons=2, cameras=2, images_per_camera=2, height=32, width=16)
COMMAND_LINE = (
    "preprocess={height: 32, width: 16}",
    "model.backbone.widths=[4, 8]",
    "sampler={persons: 2, images_per_person: 2}",
    "training={epochs: 30, evaluate_every: 12, save_every: 0}",
)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few synthetic people."""
    folder = tmp_path_factory.mktemp("data") / "people"
    synthesise(folder, PEOPLE)
    return folder


def command(people: Path, output: Path, *further: str) -> Sequence[str]:
    overrides = [word for override in COMMAND_LINE for word in ("-o", override)]
    arguments = ["-c", "tiny", *overrides, "--data", str(people), "--output", str(output), "--device", "cpu"]
    return [sys.executable, "-m", "reseen", "train", *arguments, *further]


def stop_after_a_new_checkpoint(process: subprocess.Popen[str], latest: Path, number: signal.Signals) -> str:
    """Send a signal once a checkpoint is written; what the process said on stderr."""
    before = latest.stat().st_mtime_ns if latest.exists() else 0
    while not latest.exists() or latest.stat().st_mtime_ns == before:
        assert process.poll() is None, "the run ended before it was stopped"
        time.sleep(0.01)
    process.send_signal(number)
    return process.communicate(timeout=60)[1]


def test_ctrl_c_and_kill_leave_a_run_that_resumes_to_the_same_weights(
    people: Path, tmp_path: Path, epoch_of: EpochOf, same_file: SameFile
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    run_training(TrainingRun(load_recipe("tiny", COMMAND_LINE), open_dataset(people), whole, torch.device("cpu")))
    latest = stopped / "checkpoints" / "latest.safetensors"
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}

    def start(*further: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command(people, stopped, *further),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    with start() as process:
        said = stop_after_a_new_checkpoint(process, latest, signal.SIGINT)
        assert process.returncode == 1, said
        assert "--resume" in said
        assert "Traceback" not in said
    assert 0 < epoch_of(latest) < 30
    with start("--resume") as process:
        stop_after_a_new_checkpoint(process, latest, signal.SIGKILL)
    assert 0 < epoch_of(latest) < 30
    with start("--resume") as process:
        said = process.communicate(timeout=100)[1]
        assert process.returncode == 0, said

    for name in ("latest", "best"):
        file = f"checkpoints/{name}.safetensors"
        assert same_file(stopped / file, whole / file)
    for run in (whole, stopped):
        records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        assert [record["epoch"] for record in records if record["kind"] == "epoch"] == list(range(1, 31))


def test_a_run_is_stopped_between_steps_never_within_one(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, stop_at: StopAt, run_until_stopped: RunUntilStopped
) -> None:
    trainer = make_trainer(small_recipe("training={epochs: 2, accumulate: 3}"), listeners=[stop_at((1, 1))])

    assert run_until_stopped(trainer).iteration == 3
    assert trainer.progress.steps == 1
