from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from reseen.errors import Interrupted, StorageError, TrainingError
from reseen.images.preprocess import Preprocess
from reseen.losses.criterion import Criterion, Outputs
from reseen.models.network import ReIDNetwork
from reseen.models.preprocessing import resize
from reseen.recipe.schema import Augmentation, Recipe
from reseen.training import batches, optimizers
from reseen.training.augmentation import Draws, augment, augment_at_once, draw
from reseen.training.batches import ImagesReadAhead, TrainingSet
from reseen.training.checkpoint import Parts
from reseen.training.events import EpochDone, Evaluated, Event, Saved, StepDone
from reseen.training.randomness import Purpose, generator
from reseen.training.trainer import Trainer

Same = Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], bool]
EpochOf = Callable[[Path], int]
Figures = Callable[..., Callable[[ReIDNetwork], Mapping[str, float]]]
SmallRecipe = Callable[..., Recipe]
MakeTrainer = Callable[..., Trainer]
Bits = Callable[[Parts], dict[str, Tensor]]


def saved(trainer: Trainer) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in trainer.checkpoints.folder.glob("*")}


def tell_steps(steps: list[StepDone]) -> Callable[[Event], None]:
    """A listener that collects the steps."""

    def listen(event: Event) -> None:
        if isinstance(event, StepDone):
            steps.append(event)

    return listen


def test_a_finished_run_that_is_resumed_does_nothing_and_one_with_more_epochs_goes_on(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, bits: Bits, same: Same
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
    pixels = torch.cat(list(training_set.images.batches([np.arange(len(training_set.labels))])))
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
            images = augment(pixels[batch], draws, recipe.augmentation, recipe.preprocess)
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


@pytest.mark.parametrize(
    ("every", "save", "evaluated", "kept"),
    [(2, 2, [2, 4, 5], [2, 4]), (0, 0, [5], []), (1, 3, [1, 2, 3, 4, 5], [3]), (7, 5, [5], [5])],
)
def test_evaluates_and_keeps_checkpoints_at_their_epochs(
    make_trainer: MakeTrainer,
    small_recipe: SmallRecipe,
    every: int,
    save: int,
    evaluated: list[int],
    kept: list[int],
    epoch_of: EpochOf,
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


def test_an_evaluation_that_did_not_end_is_done_by_the_resumed_run(
    make_trainer: MakeTrainer,
    small_recipe: SmallRecipe,
    bits: Bits,
    same: Same,
    figures: Figures,
    adam_with_center: tuple[str, ...],
) -> None:
    recipe = small_recipe(*adam_with_center, "training.evaluate_every=2")
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


def test_an_evaluation_that_leaves_the_network_in_another_mode_changes_nothing(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, bits: Bits, same: Same
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


class Poisoned(Criterion):
    """Losses that are not finite from the ninth batch on."""

    batches = 0

    def forward(
        self, outputs: Outputs, labels: Tensor, taught: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        self.batches += 1
        total, values = super().forward(outputs, labels, taught)
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


def test_what_has_become_denormal_is_zero_after_the_epoch(make_trainer: MakeTrainer, small_recipe: SmallRecipe) -> None:
    def all_that_is_kept() -> list[Tensor]:
        states = trainer.parts.optimizers["network"].state.values()
        return [
            next(trainer.network.parameters()),
            next(trainer.deployed.parameters()),
            next(value for state in states for name, value in state.items() if name == "exp_avg"),
        ]

    def shrink(event: Event) -> None:
        if isinstance(event, StepDone) and event.iteration == event.iterations:
            with torch.no_grad():
                for tensor in all_that_is_kept():
                    tensor[0] = 1e-40

    trainer = make_trainer(small_recipe("training.epochs=1", "training.ema.decay=0.9"), listeners=[shrink])
    trainer.run()

    assert [tensor[0].count_nonzero().item() for tensor in all_that_is_kept()] == [0, 0, 0]
    assert all(tensor[1].count_nonzero() for tensor in all_that_is_kept())


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


def like_an_accelerator(trainer: Trainer, monkeypatch: pytest.MonkeyPatch, every: int) -> Trainer:
    """A trainer that does on the CPU what it does on an accelerator, as far as there is a choice."""

    def at_once(images: Tensor, draws: Draws, settings: Augmentation, preprocess: Preprocess) -> Tensor:
        return augment_at_once(resize(images, preprocess.height, preprocess.width), draws, settings, preprocess)

    monkeypatch.setattr(batches, "augment", at_once)
    trainer.readings.every = every
    return trainer


def epoch_losses(events: list[Event]) -> list[Mapping[str, float]]:
    return [event.losses for event in events if isinstance(event, EpochDone)]


@pytest.mark.parametrize("stop", [(1, 1), (2, 3)])
def test_losses_that_are_read_seldom_change_nothing_and_a_stopped_run_goes_on_to_the_same_end(
    make_trainer: MakeTrainer,
    small_recipe: SmallRecipe,
    settings: tuple[str, ...],
    bits: Bits,
    same: Same,
    stop: tuple[int, int],
    stop_at: Callable[..., Callable[[Event], None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(optimizers, "FUSED_ON", {"cpu"})
    recipe = small_recipe(*settings)
    always: list[Event] = []
    seldom: list[Event] = []
    whole = make_trainer(recipe, "whole", listeners=[always.append])
    whole.run()
    first = make_trainer(recipe, "seldom", listeners=[seldom.append, stop_at(stop)])
    with pytest.raises(Interrupted):
        like_an_accelerator(first, monkeypatch, 4).run()
    assert (first.progress.epoch, first.progress.iteration) == (stop[0] - 1, stop[1])
    resumed = like_an_accelerator(make_trainer(recipe, "seldom", listeners=[seldom.append]), monkeypatch, 4)
    resumed.resume()
    resumed.run()

    assert same(bits(resumed.parts), bits(whole.parts))
    assert epoch_losses(seldom) == epoch_losses(always)
    steps = [event for event in seldom if isinstance(event, StepDone)]
    exact = [event for event in always if isinstance(event, StepDone)]
    assert [step.losses for step in steps if step.iteration % 4 == 0] == [
        step.losses for step in exact if step.iteration % 4 == 0
    ]


def test_a_loss_that_is_not_finite_is_named_with_its_images_though_it_is_read_late(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, training_set: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe("training.save_every=1")
    steps: list[StepDone] = []
    trainer = like_an_accelerator(make_trainer(recipe, criterion=Poisoned), monkeypatch, 100)
    trainer.listeners = [tell_steps(steps)]
    with pytest.raises(TrainingError) as caught:
        trainer.run()
    of_first = next(step.iterations for step in steps)
    place = 8 - of_first
    batch = trainer.batches.sampler.epoch(generator(recipe.seed, Purpose.SAMPLING, 1))[place]

    assert len(steps) > 8
    assert f"epoch 2, iteration {place + 1}; its images: " in caught.value.what
    assert caught.value.what.endswith(", ".join(str(training_set.paths[image]) for image in batch))
    resumed = make_trainer(recipe)
    resumed.resume()
    assert resumed.progress.epoch == 1
    assert {"epoch_1.safetensors"} == {name for name in saved(trainer) if name.startswith("epoch")}


class Waits(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes every operation that an accelerator could only answer by making Python wait."""

    WAITING = ("_local_scalar_dense", "item", "nonzero", "masked_select", "unique", "equal", "is_nonzero")

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> object:
        name = func.overloadpacket.__name__
        by_mask = name.startswith("index") and any(
            isinstance(place, Tensor) and place.dtype == torch.bool for place in (args[1] if name == "index" else ())
        )
        if name.startswith(self.WAITING) or by_mask:
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "more",
    [
        ("losses=[{name: cross_entropy}, {name: triplet}, {name: center}]",),
        ("losses=[{name: cross_entropy}, {name: circle, scale: 16}]", "optimizer={name: sgd, learning_rate: 0.05}"),
        ("training.ema={decay: 0.9}", "training.clip_norm=1.0", "training.precision=bf16", "training.accumulate=2"),
    ],
    ids=["triplet and center", "circle", "every switch"],
)
def test_no_step_waits_for_the_device(
    more: tuple[str, ...], make_trainer: MakeTrainer, small_recipe: SmallRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimizers, "FUSED_ON", {"cpu"})
    between: list[str] = []
    trainer = like_an_accelerator(make_trainer(small_recipe(*more, "training.epochs=1")), monkeypatch, 100)
    with Waits() as waits:

        def collect(event: Event) -> None:
            if isinstance(event, StepDone) and 1 < event.iteration < event.iterations:
                between.extend(waits.seen)
            waits.seen.clear()

        trainer.listeners = [collect]
        trainer.run()

    assert between == []


def test_what_would_wait_is_noticed() -> None:
    with Waits() as waits:
        tensor = torch.arange(3.0)
        float(tensor[1])
        tensor[tensor > 1]
        torch.nonzero(tensor)
        bool((tensor > 1).any())
        tensor[torch.tensor([1])] + 1

    assert len(waits.seen) == 4


def test_images_that_are_read_ahead_train_the_same_to_the_bit(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, training_set: TrainingSet, bits: Bits, same: Same
) -> None:
    (pixels,) = training_set.images.batches([np.arange(len(training_set.labels))])
    ahead = ImagesReadAhead(lambda places: pixels.numpy()[places], torch.device("cpu"), 2)
    resident = make_trainer(small_recipe(), "resident")
    read = make_trainer(small_recipe(), "read", data=replace(training_set, images=ahead))
    resident.run()
    read.run()

    assert same(bits(read.parts), bits(resident.parts))
