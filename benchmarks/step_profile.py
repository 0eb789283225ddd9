"""Where the time of a training step goes, by torch's profiler.

    python benchmarks/step_profile.py [--device cuda] [--steps N] [-c RECIPE]... [-o a.b=v]...

The real trainer runs on random images of Market-1501's number and size, and is profiled after a few steps that warm up.
Printed for each recipe: images a second without the profiler, and with it the milliseconds of a step that go to each
part. `host` is how long Python was in that part, `work` how long its operations themselves computed: on the CPU the
operations of torch, on an accelerator the kernels, which run while Python is elsewhere. What is left of a step's time
is `waiting`: nothing was computed. Then the operations that took longest. Exit code 1 when the promise is broken: at
least 90 % of a step in forward, backward and optimizer.

Seen on two cores that were busy with other work: 99.2 % of a ResNet-50 step and 96.7 % of an `osnet_x0_25` step at
256×128. No accelerator: not measured.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from reseen.recipe.load import load_recipe
from reseen.training.batches import TrainingSet
from reseen.training.events import Event, StepDone
from reseen.training.numerics import chosen_precision
from reseen.training.trainer import Trainer
from step_overhead import Measured, make_trainer, random_images, training_set

PROMISED = 0.90
WARM_UP = 3
LEARNING = ("forward", "backward", "optimizer")
PARTS = ("data", *LEARNING, "elsewhere")
SHOWN = 8


class Steps:
    """Listens to a run: times `steps` steps after the warm-up, profiles as many more, and ends the run."""

    def __init__(self, steps: int, device: torch.device) -> None:
        self.steps = steps
        self.device = device
        self.seconds = self.profiled_seconds = self._started = 0.0
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
        self.profiler = profile(activities=activities)

    def __call__(self, event: Event) -> None:
        """Listen."""
        if not isinstance(event, StepDone):
            return
        if event.iteration == WARM_UP:
            self._started = self._now()
        elif event.iteration == WARM_UP + self.steps:
            self.seconds = (self._now() - self._started) / self.steps
            self.profiler.start()
            self._started = self._now()
        elif event.iteration == WARM_UP + 2 * self.steps:
            self.profiled_seconds = (self._now() - self._started) / self.steps
            self.profiler.stop()
            raise Measured

    def _now(self) -> float:
        """The time when the device has done all it was asked."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def main() -> int:
    """Profile each recipe; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=3, help="that are timed, and as many that are profiled")
    parser.add_argument("-c", dest="recipes", action="append")
    parser.add_argument("-o", dest="overrides", action="append", default=[])
    asked = parser.parse_args()
    device = torch.device(asked.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"{device}, {name}, torch {torch.__version__}")
    data = training_set(random_images().to(device))
    recipes = asked.recipes or ["softmax_triplet_with_center", "osnet_x0_25"]
    kept = [show(each, asked.overrides, data, asked.steps) for each in recipes]
    return 0 if all(kept) else 1


def show(name: str, overrides: list[str], data: TrainingSet, steps: int) -> bool:
    """Print what one recipe's steps are made of; return whether the promise is kept."""
    recipe = load_recipe(name, ["model.pretrained=null", "training.log_every=1000", *overrides])
    watch = Steps(steps, data.images.device)
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(recipe, data, Path(folder), watch)
        label(trainer)
        with contextlib.suppress(Measured):
            trainer.run()
    host, work, longest = read(watch.profiler, data.images.device)
    whole = watch.profiled_seconds * 1e3
    images = recipe.sampler.persons * recipe.sampler.images_per_person
    precision = chosen_precision(recipe.training.precision, data.images.device)
    size = f"{recipe.preprocess.height}×{recipe.preprocess.width}"
    print(f"\n{name}: {images} images of {size}, {precision}{', compiled' if recipe.training.compile else ''}")
    print(f"  {images / watch.seconds:.1f} images/s, {watch.seconds * 1e3:.1f} ms a step; profiled {whole:.1f} ms")
    print(f"  {'':10} {'host ms':>9} {'work ms':>9} {'share':>7}")
    for part in PARTS:
        print(f"  {part:10} {host[part] / steps:9.2f} {work[part] / steps:9.2f} {work[part] / steps / whole:7.1%}")
    waiting = whole - sum(work.values()) / steps
    print(f"  {'waiting':10} {'':9} {waiting:9.2f} {waiting / whole:7.1%}")
    for operation, milliseconds in longest:
        print(f"    {milliseconds / steps:9.2f} ms {milliseconds / steps / whole:6.1%}  {operation[:90]}")
    share = sum(work[part] for part in LEARNING) / steps / whole
    kept = share >= PROMISED
    print(f"  {'kept  ' if kept else 'BROKEN'} forward, backward and optimizer: {share:.1%} (promised: {PROMISED:.0%})")
    return kept


def label(trainer: Trainer) -> None:
    """Have the profiler note which part of a step it is in."""
    ready = trainer.batches.ready

    def labelled_batches(*arguments: Any) -> Iterator[Any]:
        with contextlib.closing(ready(*arguments)) as batches:
            while True:
                with record_function("data"):
                    batch = next(batches, None)
                if batch is None:
                    return
                yield batch

    trainer.batches.ready = labelled_batches  # type: ignore[assignment,method-assign]
    trainer.learner.forward = labelled("forward", trainer.learner.forward)  # type: ignore[method-assign]
    trainer.stepper.backward = labelled("backward", trainer.stepper.backward)  # type: ignore[method-assign]
    trainer.stepper.step = labelled("optimizer", trainer.stepper.step)  # type: ignore[method-assign]


def labelled(part: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """The same work, noted as a part."""

    def run(*arguments: Any) -> Any:
        with record_function(part):
            return work(*arguments)

    return run


def read(profiler: profile, device: torch.device) -> tuple[dict[str, float], dict[str, float], list[tuple[str, float]]]:
    """Milliseconds of each part on the host and in operations, and those of the operations that took longest."""
    host: dict[str, float] = defaultdict(float)
    work: dict[str, float] = defaultdict(float)
    longest: dict[str, float] = defaultdict(float)
    recorded: list[Any] = profiler.events()  # type: ignore[no-untyped-call]
    events = [event for event in recorded if event.device_type.name == "CPU"]
    main_thread = next((event.thread for event in events if event.name in PARTS), None)
    for event in events:
        if event.name in PARTS:
            host[event.name] += event.cpu_time_total / 1e3
            continue
        part = part_of(event, main_thread)
        if device.type == "cuda":
            done = [(kernel.name, kernel.duration / 1e3) for kernel in event.kernels]
        else:
            done = [(event.name, event.self_cpu_time_total / 1e3)]
        for name, milliseconds in done:
            work[part] += milliseconds
            longest[name] += milliseconds
    return host, work, sorted(longest.items(), key=lambda item: -item[1])[:SHOWN]


def part_of(event: Any, main_thread: int | None) -> str:
    """The part that an operation belongs to; autograd has a thread of its own for each accelerator."""
    inside = event
    while inside is not None:
        if inside.name in PARTS:
            return str(inside.name)
        inside = inside.cpu_parent
    return "elsewhere" if event.thread == main_thread else "backward"


if __name__ == "__main__":
    sys.exit(main())
