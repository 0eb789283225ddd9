from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import safetensors
import torch
from torch import Tensor
from torch.nn import functional

from reseen.datasets.open import open_dataset
from reseen.datasets.synthetic import Plan, synthesise
from reseen.errors import Interrupted, RecipeError, StorageError, TrainingError
from reseen.losses.criterion import Criterion, Outputs
from reseen.models.network import ReIDNetwork
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe
from reseen.training.augmentation import augment, draw
from reseen.training.batches import TrainingSet
from reseen.training.checkpoint import Parts, Progress
from reseen.training.events import EpochDone, Evaluated, Event, Saved, Started, StepDone, StoppedEarly
from reseen.training.randomness import Purpose, generator
from reseen.training.trainer import Trainer
from reseen.workflows.run_plan import TrainingRun
from reseen.workflows.train import train

SmallRecipe = Callable[..., Recipe]
MakeTrainer = Callable[..., Trainer]
Bits = Callable[[Parts], dict[str, Tensor]]

ADAM_WITH_CENTER = (
    "losses=[{name: cross_entropy, smoothing: 0.1}, {name: triplet}, {name: center}]",
    "optimizer={name: adam, learning_rate: 1.0e-2, amsgrad: true}",
)
SGD_WITH_MOMENTUM = (
    "losses=[{name: cross_entropy}, {name: triplet, margin: soft}]",
    "optimizer={name: sgd, learning_rate: 0.05, momentum: 0.9, nesterov: true}",
    "schedule={name: multistep, milestones: [2], warmup: {epochs: 1, start_factor: 0.5}}",
)
EVERY_SWITCH = (
    "losses=[{name: cross_entropy}, {name: circle, feature: after_neck, scale: 16}]",
    "schedule={name: cosine, per: step, warmup: {epochs: 1}}",
    "training={epochs: 3, precision: bf16, clip_norm: 1.0, ema: {decay: 0.9}, freeze_backbone: 1}",
)
FP16 = ("training={epochs: 3, precision: fp16}",)
RUNS = pytest.mark.parametrize(
    "settings",
    [ADAM_WITH_CENTER, SGD_WITH_MOMENTUM, EVERY_SWITCH, FP16],
    ids=["adam", "sgd", "every switch", "fp16"],
)


def same(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def saved(trainer: Trainer) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in trainer.checkpoints.folder.iterdir()}


def read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Header and tensors of a checkpoint."""
    with safetensors.safe_open(path, framework="pt") as file:
        return dict(file.metadata()), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def epoch_of(path: Path) -> int:
    return int(read(path)[0]["epoch"])


def same_file(left: Path, right: Path) -> bool:
    (header, tensors), (other_header, other_tensors) = read(left), read(right)
    return header == other_header and same(tensors, other_tensors)


def forget(trainer: Trainer) -> None:
    """Take away everything that the trainer's parts hold."""
    for part in (trainer.network, trainer.criterion):
        for value in part.state_dict().values():
            value.zero_()


def tell_steps(steps: list[StepDone]) -> Callable[[Event], None]:
    """A listener that collects the steps."""

    def listen(event: Event) -> None:
        if isinstance(event, StepDone):
            steps.append(event)

    return listen


def losses(events: Sequence[Event]) -> list[tuple[str, int, Mapping[str, float]]]:
    """What was told about the losses."""
    return [(type(e).__name__, e.epoch, e.losses) for e in events if isinstance(e, StepDone | EpochDone)]


def stop_at(*points: tuple[int, int]) -> Callable[[Event], None]:
    """A listener that presses Ctrl-C after these steps: (epoch, iteration), both from 1."""

    def listen(event: Event) -> None:
        if isinstance(event, StepDone) and (event.epoch, event.iteration) in points:
            os.kill(os.getpid(), signal.SIGINT)

    return listen


def run_until_stopped(trainer: Trainer) -> Progress:
    with pytest.raises(Interrupted, match="stopped after epoch") as caught:
        trainer.run()
    assert "--resume" in (caught.value.cure or "")
    return trainer.progress


@RUNS
@pytest.mark.parametrize(
    "point", [(1, 1), (2, 3), (2, -1), (3, 2)], ids=["first", "middle", "end of epoch", "last epoch"]
)
def test_a_run_that_was_stopped_and_resumed_equals_one_that_was_not(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, bits: Bits, settings: tuple[str, ...], point: tuple[int, int]
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
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, bits: Bits
) -> None:
    recipe = small_recipe(*ADAM_WITH_CENTER)
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


def test_a_finished_run_that_is_resumed_does_nothing_and_one_with_more_epochs_goes_on(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, bits: Bits
) -> None:
    constant = "schedule={name: multistep, milestones: []}"
    done = make_trainer(small_recipe(constant))
    done.run()
    before, files = bits(done.parts), saved(done)
    again = make_trainer(small_recipe(constant))
    again.resume()
    assert again.run() == done.progress
    assert same(bits(again.parts), before)
    assert saved(again) == files

    longer = make_trainer(small_recipe(constant, "training.epochs=5"))
    longer.resume()
    whole = make_trainer(small_recipe(constant, "training.epochs=5"), "whole")
    assert longer.run().epoch == whole.run().epoch == 5
    assert same(bits(longer.parts), bits(whole.parts))


@RUNS
def test_a_seed_gives_the_same_bits_twice_and_another_seed_gives_others(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, bits: Bits, settings: tuple[str, ...]
) -> None:
    found = []
    for folder, seed in (("one", 5), ("again", 5), ("other", 6)):
        trainer = make_trainer(small_recipe(*settings, f"seed={seed}"), folder)
        trainer.run()
        found.append(bits(trainer.parts))
    one, again, other = found
    assert same(one, again)
    assert one.keys() == other.keys()
    assert not any(
        torch.equal(one[name], other[name])
        for name in one
        if one[name].is_floating_point() and "step" not in name and "neck.bias" not in name
    )


def naive_triplet(features: Tensor, labels: Tensor, margin: float) -> Tensor:
    losses = []
    for anchor, label in enumerate(labels):
        away = [(features[anchor] - other).square().sum().clamp_min(1e-12).sqrt() for other in features]
        farthest = max(away[i] for i in range(len(labels)) if labels[i] == label and i != anchor)
        nearest = min(away[i] for i in range(len(labels)) if labels[i] != label)
        losses.append((farthest - nearest + margin).clamp_min(0))
    return torch.stack(losses).mean()


def test_steps_equal_plain_torch(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, training_set: TrainingSet
) -> None:
    """Two epochs of SGD with momentum, weight decay, a warm-up and a center loss, written out."""
    recipe = small_recipe(
        "losses=[{name: cross_entropy, smoothing: 0.1}, {name: triplet, weight: 0.5}, {name: center, weight: 0.01}]",
        "optimizer={name: sgd, learning_rate: 0.02, weight_decay: 0.01, momentum: 0.9}",
        "schedule={name: multistep, milestones: [1], warmup: {epochs: 1, start_factor: 0.25}}",
        "training.epochs=2",
    )
    steps: list[StepDone] = []
    trainer = make_trainer(recipe, listeners=[tell_steps(steps)])
    network = copy.deepcopy(trainer.network)
    (centers,) = (parameter.detach().clone().requires_grad_() for parameter in trainer.criterion.parameters())
    trainer.run()

    network.train()
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    momentum = [torch.zeros_like(parameter) for parameter in learning]
    rates = []
    for epoch, rate in enumerate([0.02 * 0.25, 0.02 * 0.1]):
        batches = trainer.batches.sampler.epoch(generator(recipe.seed, Purpose.SAMPLING, epoch))
        for iteration, batch in enumerate(batches):
            rng = generator(recipe.seed, Purpose.AUGMENTATION, epoch, iteration)
            draws = draw(recipe.augmentation, len(batch), recipe.preprocess, rng)
            images = augment(training_set.images[batch], draws, recipe.augmentation, recipe.preprocess)
            labels = torch.from_numpy(training_set.labels[batch])
            features = network.backbone(images)
            logits = network.neck(features) @ network.head.weight.T
            smooth = functional.one_hot(labels, 5) * 0.9 + 0.1 / 5
            cross_entropy = -(smooth * functional.log_softmax(logits, 1)).sum(1).mean()
            center = (features - centers[labels]).square().sum(1).mean()
            loss = cross_entropy + 0.5 * naive_triplet(features, labels, 0.3) + 0.01 * center
            gradients = torch.autograd.grad(loss, [*learning, centers])
            with torch.no_grad():
                for parameter, gradient, velocity in zip(learning, gradients, momentum, strict=False):
                    velocity.mul_(0.9).add_(gradient + 0.01 * parameter)
                    parameter.sub_(rate * velocity)
                centers -= 0.5 * gradients[-1] / 0.01
            rates.append(rate)

    assert [step.learning_rate for step in steps] == pytest.approx(rates, rel=1e-12)
    (learnt,) = trainer.criterion.parameters()
    torch.testing.assert_close(learnt.detach(), centers.detach(), rtol=1e-5, atol=1e-5)
    expected = network.state_dict()
    for name, value in trainer.network.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-5, msg=name)


def figures(*recall: float) -> Callable[[ReIDNetwork], Mapping[str, float]]:
    """An evaluation that gives these values of recall@1, one after the other."""
    left = list(recall)
    return lambda _: {"recall1": left.pop(0), "mAP": 0.5, "mINP": 0.1}


@pytest.mark.parametrize(
    ("every", "save", "evaluated", "kept"),
    [(2, 2, [2, 4, 5], [2, 4]), (0, 0, [5], []), (1, 3, [1, 2, 3, 4, 5], [3]), (7, 5, [5], [5])],
)
def test_evaluates_and_keeps_checkpoints_at_their_epochs(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, every: int, save: int, evaluated: list[int], kept: list[int]
) -> None:
    events: list[Event] = []
    recipe = small_recipe(f"training={{epochs: 5, evaluate_every: {every}, save_every: {save}}}")
    trainer = make_trainer(recipe, listeners=[events.append])
    trainer.run()
    assert [event.epoch for event in events if isinstance(event, Evaluated)] == evaluated
    assert {f"epoch_{epoch}.safetensors" for epoch in kept} == {name for name in saved(trainer) if name[:5] == "epoch"}
    assert all(epoch_of(trainer.checkpoints.folder / f"epoch_{epoch}.safetensors") == epoch for epoch in kept)


@pytest.mark.parametrize("file", ["epoch_2", "latest"])
def test_a_crash_at_the_end_of_an_epoch_loses_no_checkpoint(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    recipe = small_recipe("training.save_every=1")
    stopped = make_trainer(recipe)
    write = stopped.checkpoints._write

    def crash(name: str, content: bytes) -> Path:
        if name == file and stopped.progress.epoch == 2:
            raise KeyboardInterrupt
        return write(name, content)

    monkeypatch.setattr(stopped.checkpoints, "_write", crash)
    with pytest.raises(KeyboardInterrupt):
        stopped.run()
    resumed = make_trainer(recipe)
    resumed.resume()
    assert resumed.progress.epoch == 1
    resumed.run()
    assert {"epoch_1.safetensors", "epoch_2.safetensors", "epoch_3.safetensors"} < saved(resumed).keys()


def test_the_best_is_the_highest_so_far_and_the_earlier_of_two_equals(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe
) -> None:
    events: list[Event] = []
    recipe = small_recipe("training={epochs: 4, evaluate_every: 1}")
    trainer = make_trainer(recipe, evaluate=figures(0.2, 0.7, 0.7, 0.4), listeners=[events.append])
    progress = trainer.run()
    assert (progress.best, progress.best_epoch) == (0.7, 2)
    assert epoch_of(trainer.checkpoints.folder / "best.safetensors") == 2
    told = [(event.best, event.is_best) for event in events if isinstance(event, Evaluated)]
    assert told == [(0.2, True), (0.7, True), (0.7, False), (0.7, False)]


def test_the_best_is_chosen_by_the_recipes_figure(make_trainer: MakeTrainer, small_recipe: SmallRecipe) -> None:
    trainer = make_trainer(small_recipe("training={epochs: 2, evaluate_every: 1, best: mINP}"))
    assert trainer.run().best == 0.3


def test_the_best_is_remembered_by_a_resumed_run(make_trainer: MakeTrainer, small_recipe: SmallRecipe) -> None:
    recipe = small_recipe("training.evaluate_every=1")
    run_until_stopped(make_trainer(recipe, evaluate=figures(0.2, 0.9), listeners=[stop_at((3, 1))]))
    resumed = make_trainer(recipe, evaluate=figures(0.5))
    resumed.resume()
    progress = resumed.run()
    assert (progress.best, progress.best_epoch) == (0.9, 2)
    assert epoch_of(resumed.checkpoints.folder / "best.safetensors") == 2


def test_an_evaluation_that_did_not_end_is_done_by_the_resumed_run(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, bits: Bits
) -> None:
    recipe = small_recipe(*ADAM_WITH_CENTER, "training.evaluate_every=2")
    whole = make_trainer(recipe, "whole", evaluate=figures(0.3, 0.2))
    whole.run()

    def killed(_: ReIDNetwork) -> Mapping[str, float]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_trainer(recipe, evaluate=killed).run()
    events: list[Event] = []
    resumed = make_trainer(recipe, evaluate=figures(0.3, 0.2), listeners=[events.append])
    resumed.resume()
    assert resumed.run() == whole.progress
    assert isinstance(events[1], Saved)
    assert [event.epoch for event in events if isinstance(event, Evaluated)] == [2, 3]
    assert same(bits(resumed.parts), bits(whole.parts))


def test_an_evaluation_that_could_not_be_written_down_is_done_again(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe
) -> None:
    def full_disk(event: Event) -> None:
        if isinstance(event, Evaluated):
            raise StorageError("no room", expected="room", got="none", cure="make some")

    recipe = small_recipe("training.epochs=1")
    with pytest.raises(StorageError):
        make_trainer(recipe, listeners=[full_disk]).run()
    events: list[Event] = []
    resumed = make_trainer(recipe, listeners=[events.append])
    resumed.resume()
    resumed.run()
    assert [event.epoch for event in events if isinstance(event, Evaluated)] == [1]


def test_ctrl_c_during_an_evaluation_does_not_wait_for_its_end(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe
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
    make_trainer: MakeTrainer, small_recipe: SmallRecipe
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


def test_an_evaluation_that_leaves_the_network_in_another_mode_changes_nothing(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, bits: Bits
) -> None:
    def evaluate(network: ReIDNetwork) -> Mapping[str, float]:
        network.eval()
        torch.rand(3)
        return {"recall1": 0.5}

    often = make_trainer(small_recipe("training.evaluate_every=1"), "often", evaluate=evaluate)
    seldom = make_trainer(small_recipe(), "seldom", evaluate=evaluate)
    often.run()
    seldom.run()
    assert same(bits(often.parts), bits(seldom.parts))


def test_what_happens_is_told_in_order(make_trainer: MakeTrainer, small_recipe: SmallRecipe) -> None:
    events: list[Event] = []
    make_trainer(small_recipe("training={epochs: 2, save_every: 1}"), listeners=[events.append]).run()
    started, *_ = events
    assert started == Started(epoch=0, iteration=0, epochs=2, images=20, persons=5)
    steps = [event for event in events if isinstance(event, StepDone)]
    first, second = ([step for step in steps if step.epoch == epoch] for epoch in (1, 2))
    for of_epoch in (first, second):
        assert [step.iteration for step in of_epoch] == list(range(1, of_epoch[0].iterations + 1))
    kinds = [type(event).__name__ for event in events if not isinstance(event, StepDone)]
    expected = "Started EpochDone Saved Saved EpochDone Saved Saved Saved Evaluated Saved"
    assert kinds == expected.split()
    names = [event.name for event in events if isinstance(event, Saved)]
    assert names == ["epoch_1", "latest", "epoch_2", "latest", "best", "latest"]
    done = [event for event in events if isinstance(event, EpochDone)]
    for event, of_epoch in zip(done, (first, second), strict=True):
        means = {name: sum(step.losses[name] for step in of_epoch) / len(of_epoch) for name in event.losses}
        assert event.losses.keys() == {"cross_entropy", "triplet", "total"}
        assert event.losses == pytest.approx(means, rel=1e-12)
    assert all(step.images_per_second > 0 for step in steps)
    assert steps[-1].eta_seconds == 0


class Poisoned(Criterion):
    """Losses that are not finite from the ninth batch on."""

    batches = 0

    def forward(self, outputs: Outputs, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        self.batches += 1
        total, values = super().forward(outputs, labels)
        return (total * torch.nan if self.batches >= 9 else total), values


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_images_and_spoils_nothing(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, training_set: TrainingSet, bits: Bits
) -> None:
    recipe = small_recipe()
    after: list[tuple[dict[str, bytes], dict[str, Tensor]]] = []
    steps: list[StepDone] = []
    trainer = make_trainer(recipe, criterion=Poisoned, listeners=[tell_steps(steps)])
    trainer.listeners = [*trainer.listeners, lambda event: after.append((saved(trainer), bits(trainer.parts)))]
    with pytest.raises(TrainingError) as caught:
        trainer.run()
    assert len(steps) == 8
    epoch, iteration = steps[-1].epoch, steps[-1].iteration + 1
    assert epoch == 2
    batch = trainer.batches.sampler.epoch(generator(recipe.seed, Purpose.SAMPLING, 1))[iteration - 1]
    assert f"epoch 2, iteration {iteration}" in caught.value.what
    assert caught.value.what.endswith(", ".join(str(training_set.paths[image]) for image in batch))
    assert "total nan" in (caught.value.got or "")
    assert caught.value.exit_code == 1
    files, learnt = after[-1]
    assert saved(trainer) == files
    now = bits(trainer.parts)
    assert all(
        torch.equal(now[name], learnt[name]) for name in learnt if "running" not in name and "batches" not in name
    )


def test_weights_that_are_not_finite_are_not_saved(make_trainer: MakeTrainer, small_recipe: SmallRecipe) -> None:
    def poison(event: Event) -> None:
        if isinstance(event, StepDone) and event.epoch == 2 and event.iteration == event.iterations:
            with torch.no_grad():
                next(trainer.network.parameters())[0] = torch.inf

    trainer = make_trainer(small_recipe(), listeners=[poison])
    with pytest.raises(TrainingError, match="the weights are not finite after epoch 2"):
        trainer.run()
    resumed = make_trainer(small_recipe())
    resumed.resume()
    assert resumed.progress.epoch == 1
    assert resumed.run().epoch == 3


def test_a_full_disk_stops_the_run_and_leaves_the_last_checkpoint(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    def fill(event: Event) -> None:
        if isinstance(event, StepDone) and event.epoch == 2:
            monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(StorageError, match=os.strerror(28)):
        make_trainer(small_recipe(), listeners=[fill]).run()
    monkeypatch.undo()
    resumed = make_trainer(small_recipe())
    resumed.resume()
    assert resumed.progress.epoch == 1


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


def test_ctrl_c_and_kill_leave_a_run_that_resumes_to_the_same_weights(people: Path, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(TrainingRun(load_recipe("tiny", COMMAND_LINE), open_dataset(people), whole, torch.device("cpu")))
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


def test_accumulated_batches_make_one_step_with_their_mean_gradient(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, training_set: TrainingSet
) -> None:
    recipe = small_recipe(
        "losses=[{name: cross_entropy}]",
        "optimizer={name: sgd, learning_rate: 0.1, momentum: 0, weight_decay: 0}",
        "schedule={name: multistep, milestones: []}",
        "training={epochs: 1, accumulate: 2, batch_norm: frozen}",
    )
    trainer = make_trainer(recipe)
    network = copy.deepcopy(trainer.network).eval()
    trainer.run()

    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    batches = trainer.batches.of_epoch(0)
    assert len(batches) % 2 == 1  # the last group holds one batch alone
    for start in range(0, len(batches), 2):
        group = range(start, min(start + 2, len(batches)))
        losses_of_group = []
        for iteration in group:
            images, labels = trainer.batches.load(0, iteration, batches[iteration])
            losses_of_group.append(functional.cross_entropy(network(images).logits, labels))
        gradients = torch.autograd.grad(torch.stack(losses_of_group).mean(), learning)
        with torch.no_grad():
            for parameter, gradient in zip(learning, gradients, strict=True):
                parameter.sub_(0.1 * gradient)

    assert trainer.progress.steps == -(-len(batches) // 2)
    expected = network.state_dict()
    for name, value in trainer.network.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-6, msg=name)


def test_a_run_is_stopped_between_steps_never_within_one(make_trainer: MakeTrainer, small_recipe: SmallRecipe) -> None:
    trainer = make_trainer(small_recipe("training={epochs: 2, accumulate: 3}"), listeners=[stop_at((1, 1))])

    assert run_until_stopped(trainer).iteration == 3
    assert trainer.progress.steps == 1


def test_the_average_is_what_is_evaluated_and_saved(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, bits: Bits
) -> None:
    seen: list[dict[str, Tensor]] = []

    def look(network: ReIDNetwork) -> Mapping[str, float]:
        seen.append({name: value.clone() for name, value in network.state_dict().items()})
        return {"recall1": 0.5, "mAP": 0.4, "mINP": 0.3}

    recipe = small_recipe("training={epochs: 2, ema: {decay: 0.9}}")
    trainer = make_trainer(recipe, evaluate=look)
    trainer.run()
    plain = make_trainer(small_recipe("training.epochs=2"), "plain")
    plain.run()

    (evaluated,) = seen
    for name in ("latest.safetensors", "best.safetensors"):
        assert same(read(trainer.checkpoints.folder / name)[1], evaluated)
    learnt = trainer.network.state_dict()
    assert not same(evaluated, dict(learnt))
    assert same(bits(trainer.parts), bits(plain.parts))  # averaging changes nothing of what learns


def test_a_frozen_backbone_keeps_every_bit_until_it_thaws(make_trainer: MakeTrainer, small_recipe: SmallRecipe) -> None:
    snapshots: list[dict[str, Tensor]] = []
    trainer = make_trainer(small_recipe("training={epochs: 3, freeze_backbone: 2}"))

    def snap(event: Event) -> None:
        if isinstance(event, Started | EpochDone):
            snapshots.append({name: value.clone() for name, value in trainer.network.state_dict().items()})

    trainer.listeners = [snap]
    trainer.run()

    start, *_, frozen, thawed = snapshots
    backbone = [name for name in start if name.startswith("backbone.")]
    assert same({name: start[name] for name in backbone}, {name: frozen[name] for name in backbone})
    assert not any(torch.equal(frozen[name], thawed[name]) for name in backbone)
    assert not torch.equal(start["head.weight"], frozen["head.weight"])


def test_losses_that_teach_nothing_while_the_backbone_is_frozen_are_refused(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe
) -> None:
    trainer = make_trainer(small_recipe("losses=[{name: triplet}]", "training.freeze_backbone=1"))
    with pytest.raises(RecipeError, match="no loss has anything to teach") as refused:
        trainer.run()
    assert "freeze_backbone=0" in str(refused.value.cure)


def test_a_run_that_no_longer_gets_better_ends_early_and_stays_ended(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe
) -> None:
    events: list[Event] = []
    recipe = small_recipe("training={epochs: 9, evaluate_every: 1, early_stopping: {patience: 2}}")
    trainer = make_trainer(recipe, evaluate=figures(0.2, 0.5, 0.5, 0.4), listeners=[events.append])
    progress = trainer.run()

    assert (progress.epoch, progress.best_epoch) == (4, 2)
    assert events[-2] == StoppedEarly(4, 2)
    again = make_trainer(recipe)
    again.resume()
    assert again.run() == progress
    longer = make_trainer(small_recipe("training={epochs: 5, evaluate_every: 1}"))
    longer.resume()
    assert longer.run().epoch == 5


def test_a_resumed_run_remembers_how_long_it_has_not_got_better(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe
) -> None:
    recipe = small_recipe("training={epochs: 9, evaluate_every: 1, early_stopping: {patience: 2}}")
    run_until_stopped(make_trainer(recipe, evaluate=figures(0.5, 0.4), listeners=[stop_at((3, 1))]))
    resumed = make_trainer(recipe, evaluate=figures(0.3))
    resumed.resume()

    assert resumed.run().epoch == 3


def test_an_overflow_in_fp16_is_told_with_its_cure(make_trainer: MakeTrainer, small_recipe: SmallRecipe) -> None:
    trainer = make_trainer(small_recipe("training={epochs: 1, precision: fp16}"))
    with torch.no_grad():
        next(trainer.network.backbone.parameters()).fill_(6e4)
    with pytest.raises(TrainingError, match="not finite") as stopped:
        trainer.run()

    assert "training.precision=fp32 (or bf16)" in str(stopped.value.cure)
    assert not trainer.checkpoints.folder.exists()
