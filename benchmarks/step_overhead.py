"""What a training step costs besides forward, backward and optimizer: data, augmentation, bookkeeping.

    python benchmarks/step_overhead.py [--quick]

The real trainer runs on a resident training set of Market-1501's size (12,936 random images of 128×64, 751 people).
After each of its steps the reference runs: a bare forward, backward and optimizer step of the same network on a ready
batch of the same shape. Hooks on the network and the optimizer tell which part of a real step lies outside them, so
the overhead is measured itself and not as the small difference of two long times. Exit code 1 when a promise is
broken: overhead ≤ 5 % of a bare ResNet-50 step, ≤ 10 % of a bare `osnet_x0_25` step; 64 images of 256×128,
channels-last, all cores.

Seen on two cores that were busy with other work: 126 ms or 0.5 % of a ResNet-50 step, 115 ms or 1.6 % of an
`osnet_x0_25` step; a whole batch is augmented in 20 ms when one core is free. Normalising and cropping cost most.
Gathering pixels for the crop and masking for the erasing took 77 ms a batch; copying windows and filling rectangles
replaced them.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import torch

from reseen.datasets.sampler import PKSampler
from reseen.losses.criterion import Criterion
from reseen.models.network import ReIDNetwork, build_network
from reseen.models.preprocessing import normalise, resize
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe
from reseen.run_folder import Run
from reseen.training.augmentation import _erase, _flip_pad_crop, augment, draw
from reseen.training.batches import ResidentImages, TrainingSet
from reseen.training.checkpoint import Checkpoints
from reseen.training.events import Event, Listener, StepDone
from reseen.training.randomness import Purpose, generator, seed_torch
from reseen.training.run_log import RunLog
from reseen.training.trainer import Trainer

IMAGES, PERSONS, HEIGHT, WIDTH = 12_936, 751, 128, 64
ROUNDS = 15
CASES = {"softmax_triplet": (0.05, 3), "osnet_x0_25": (0.10, 6)}
"""Recipe: share of a bare step that is promised, and steps that are measured."""


class Measured(Exception):
    """Enough steps were seen."""


class Stopwatch:
    """Listens to a run: notes each step's time and how much of it was outside the network, then runs the reference.

    The first step warms up and is not counted.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.whole: list[float] = []
        self.outside: list[float] = []
        self.bare: list[float] = []
        self.reference: Callable[[], object] = lambda: None
        self._started = self._entered = self._left = 0.0

    def watch(self, trainer: Trainer) -> None:
        """Note when steps enter the network and when they leave the last optimizer."""
        trainer.network.register_forward_pre_hook(self._enter)
        [*trainer.parts.optimizers.values()][-1].register_step_post_hook(self._leave)
        self.reference = bare_step(trainer)

    def __call__(self, event: Event) -> None:
        """Listen."""
        if isinstance(event, StepDone):
            now = time.perf_counter()
            entered, left = self._entered, self._left
            start = time.perf_counter()
            self.reference()
            seconds = time.perf_counter() - start
            if event.iteration > 1:
                self.whole.append(now - self._started)
                self.outside.append(now - self._started - (left - entered))
                self.bare.append(seconds)
            if len(self.whole) == self.steps:
                raise Measured
        self._started = time.perf_counter()

    def _enter(self, *_: object) -> None:
        self._entered = time.perf_counter()

    def _leave(self, *_: object) -> None:
        self._left = time.perf_counter()


def main() -> int:
    """Measure both networks; return the exit code."""
    quick = "--quick" in sys.argv[1:]
    pixels = random_images()
    data = training_set(pixels)
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    show_parts(load_recipe("softmax_triplet"), data, pixels)
    kept = [measure(name, data, quick=quick) for name in CASES]
    return 0 if all(kept) else 1


def random_images() -> torch.Tensor:
    """As many as Market-1501 has for training, of its size."""
    drawn = np.random.default_rng(0).integers(0, 256, (IMAGES, HEIGHT, WIDTH, 3), dtype=np.uint8)
    return torch.from_numpy(drawn)


def training_set(pixels: torch.Tensor) -> TrainingSet:
    """These images, resident where they are, of as many people as Market-1501 has."""
    return TrainingSet(
        ResidentImages(pixels), np.arange(IMAGES) % PERSONS, [Path(str(number)) for number in range(IMAGES)]
    )


def measure(name: str, data: TrainingSet, *, quick: bool) -> bool:
    """Print the figures of one recipe; return whether its promise is kept."""
    promised, steps = CASES[name]
    watch = Stopwatch(max(1, steps // 3) if quick else steps)
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(load_recipe(name, ["model.pretrained=null"]), data, Path(folder), watch)
        watch.watch(trainer)
        with contextlib.suppress(Measured):
            trainer.run()
    whole, outside, bare = median(watch.whole), median(watch.outside), median(watch.bare)
    share = outside / bare
    print(f"{name}: bare step {bare:.3f} s, trainer's step {whole:.3f} s ({whole / bare:.3f}×)")
    kept = share <= promised
    verdict = "kept  " if kept else "BROKEN"
    print(f"  {verdict} overhead / bare step: {outside * 1e3:.1f} ms, {share:.2%} (promised: at most {promised:.0%})")
    return kept


def make_trainer(recipe: Recipe, data: TrainingSet, folder: Path, watch: Listener) -> Trainer:
    """A trainer as `reseen train` makes it, with its log."""
    seed_torch(recipe.seed, Purpose.INITIALISATION)
    network = build_network(recipe.model, PERSONS).to(data.images.device)
    return Trainer(
        recipe,
        network,
        Criterion(recipe.losses, PERSONS, network.feature_size).to(data.images.device),
        data,
        PKSampler(data.labels, recipe.sampler.persons, recipe.sampler.images_per_person),
        checkpoints=Checkpoints(Run(folder).checkpoints, {}),
        evaluate=no_evaluation,
        listeners=[RunLog(folder, recipe.training.log_every), watch],
    )


def no_evaluation(_: ReIDNetwork) -> Mapping[str, float]:
    """The run never comes this far."""
    raise AssertionError


def bare_step(trainer: Trainer) -> Callable[[], object]:
    """The reference: forward, backward and optimizer on a batch that is ready."""
    batch = torch.arange(trainer.recipe.sampler.persons * trainer.recipe.sampler.images_per_person)
    draws = draw(trainer.recipe.augmentation, len(batch), trainer.recipe.preprocess, np.random.default_rng(0))
    (pixels,) = trainer.data.images.batches([batch.numpy()])
    images = augment(pixels, draws, trainer.recipe.augmentation, trainer.recipe.preprocess)
    labels = trainer.batches.labels[batch]

    def step() -> None:
        total, _ = trainer.criterion(trainer.network(images), labels)
        for optimizer in trainer.parts.optimizers.values():
            optimizer.zero_grad()
        total.backward()
        for optimizer in trainer.parts.optimizers.values():
            optimizer.step()

    return step


def show_parts(recipe: Recipe, data: TrainingSet, pixels: torch.Tensor) -> None:
    """Print the median milliseconds of each part of the overhead, for one batch."""
    settings, preprocess = recipe.augmentation, recipe.preprocess
    sampler = PKSampler(data.labels, recipe.sampler.persons, recipe.sampler.images_per_person)
    batches = sampler.epoch(generator(0, Purpose.SAMPLING))
    indices = torch.from_numpy(batches[0])
    draws = draw(settings, len(indices), preprocess, generator(0, Purpose.AUGMENTATION))
    gathered = pixels[indices]
    resized = resize(gathered, preprocess.height, preprocess.width)
    cropped = _flip_pad_crop(resized, draws, settings.pad)
    inputs = normalise(cropped, preprocess)
    losses = {name: torch.tensor(1.0) for name in ("cross_entropy", "triplet", "total")}
    event = StepDone(1, 120, 20, len(batches), 1e-3, dict.fromkeys(losses, 1.0), 10.0, 100.0)
    with tempfile.TemporaryDirectory() as folder:
        log = RunLog(Path(folder), recipe.training.log_every)
        parts: dict[str, Callable[[], object]] = {
            "sampling (an epoch's, per step)": lambda: sampler.epoch(generator(0, Purpose.SAMPLING)),
            "random draws": lambda: draw(settings, len(indices), preprocess, generator(0, Purpose.AUGMENTATION)),
            "gather from resident images": lambda: pixels[indices],
            "resize": lambda: resize(gathered, preprocess.height, preprocess.width),
            "flip, pad, crop": lambda: _flip_pad_crop(resized, draws, settings.pad),
            "normalise": lambda: normalise(cropped, preprocess),
            "erase": lambda: _erase(inputs, draws.erased, settings.erasing),
            "seed torch": lambda: seed_torch(0, Purpose.NETWORK, 1, 1),
            "read the losses": lambda: {name: value.item() for name, value in losses.items()},
            "log (every 20th step)": lambda: log(event),
        }
        for name, part in parts.items():
            seconds = median_time(part) / (len(batches) if name.startswith("sampling") else 1)
            print(f"  {name:32} {seconds * 1e3:7.2f} ms")


def median_time(work: Callable[[], object]) -> float:
    """Median seconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


if __name__ == "__main__":
    sys.exit(main())
