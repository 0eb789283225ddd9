"""What one of several processes does for the tests of `Processes`; started as a program, with torchrun's variables.

several_processes.py exchange FOLDER    everything that processes exchange; each writes what it saw to FOLDER/RANK.pt
several_processes.py die FOLDER         the last process vanishes while the others wait for it
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reseen.datasets.sampler import PKSampler
from reseen.errors import ImageError, ReseenError
from reseen.losses.criterion import Criterion
from reseen.models.network import ReIDNetwork, build_network
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe
from reseen.training.batches import Batches, ResidentImages, TrainingSet
from reseen.training.checkpoint import Checkpoints
from reseen.training.events import Event, Listener, StepDone
from reseen.training.learner import Learner
from reseen.training.processes import Processes, joined
from reseen.training.randomness import Purpose, seed_torch
from reseen.training.teacher import Teacher
from reseen.training.trainer import Trainer

CPU = torch.device("cpu")
PERSONS, IMAGES_EACH = 4, 2
ALL_KINDS = (
    "losses=[{name: cross_entropy}, {name: triplet}, {name: circle, scale: 4}, {name: center, weight: 0.1},"
    "{name: distillation, weight: 3, teacher: {recipe: a, weights: b}}]"
)


def main(scenario: str, folder: Path) -> None:
    """Join the others and do what the scenario asks."""
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    try:
        with joined(rank, count, CPU) as processes:
            seen = {"exchange": exchange, "train": train, "die": die}[scenario](processes, folder)
            torch.save(seen, folder / f"{rank}.pt")
    except ReseenError as error:
        sys.stdout.write(json.dumps({"what": error.what, "cure": error.cure}))
        sys.exit(1)


def die(processes: Processes, folder: Path) -> None:
    """The last process is gone without a word."""
    if processes.rank == processes.count - 1:
        os._exit(3)
    processes.mean(torch.ones(1))


def exchange(processes: Processes, folder: Path) -> dict[str, Any]:
    """One of everything."""
    rank = processes.rank
    rows = torch.arange(6.0).view(3, 2) + 10 * rank
    statistics = torch.nn.BatchNorm1d(2)
    statistics.get_buffer("running_mean").fill_(rank + 1)
    processes.broadcast_buffers(statistics)
    return {
        "gathered": processes.gather(rows),
        "labels": processes.gather(torch.tensor([rank, rank])),
        "mean": processes.mean(torch.tensor([float(rank), 1.0])),
        "nan": processes.mean(torch.tensor([float("nan") if rank else 0.0])),
        "any": [processes.any_rank(flag) for flag in (False, rank == 1, True)],
        "texts": processes.gather_text("" if rank else "größer ✓"),
        "figures": dict(processes.broadcast({"mAP": 0.1 + 0.2} if rank == 0 else {})),
        "together": processes.run_on_all(lambda: rank),
        "first": processes.on_rank_zero(lambda: "written"),
        "failed in the last": failure(lambda: processes.run_on_all(lambda: fail(rank == processes.count - 1))),
        "failed in the first": failure(lambda: processes.on_rank_zero(lambda: fail(True))),
        "failed by accident": failure(lambda: processes.run_on_all(lambda: 1 / rank)),
        "after failures": processes.any_rank(True),
        "statistics": statistics.running_mean,
        "gradients": gradients(processes, groups=1),
        "gradients of two batches": gradients(processes, groups=2),
    }


def fail(really: bool) -> None:
    """A typed error, in one process."""
    if really:
        raise ImageError("broken.jpg cannot be read", expected="an image", got="a text", cure="remove it")


def failure(work: Callable[[], object]) -> str:
    """What was raised, in words."""
    try:
        work()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return "nothing"


def learner(recipe: Recipe, gather: Callable[[Tensor], Tensor]) -> tuple[ReIDNetwork, Learner]:
    """A network whose batch norm is frozen, with losses of every kind, in 64 bits."""
    taught_by = teacher(recipe, torch.float64)
    torch.manual_seed(0)
    network = build_network(recipe.model, PERSONS).eval().double()
    criterion = Criterion(recipe.losses, PERSONS, network.feature_size, gather).double()
    return network, Learner(network, criterion, "fp32", taught_by)


def teacher(recipe: Recipe, dtype: torch.dtype) -> Teacher:
    """One that has learnt nothing, the same in every process."""
    torch.manual_seed(1)
    return Teacher(build_network(recipe.model, 0).to(dtype), recipe.preprocess, recipe.preprocess)


def gradients(processes: Processes, groups: int) -> dict[str, Tensor]:
    """Gradients of the mean loss over as many batches; the images of each are shared by the processes."""
    recipe = load_recipe("tiny", ["preprocess={height: 16, width: 16}", "model.backbone.widths=[4, 8]", ALL_KINDS])
    _, module = learner(recipe, processes.gather)
    model = processes.parallel(module, some_unused=False)
    draw = torch.Generator().manual_seed(1)
    size = PERSONS * IMAGES_EACH // processes.count
    own = slice(processes.rank * size, (processes.rank + 1) * size)
    for group in range(groups):
        images = torch.randn(PERSONS * IMAGES_EACH, 3, 16, 16, generator=draw, dtype=torch.float64)
        labels = torch.arange(PERSONS).repeat_interleave(IMAGES_EACH)
        with processes.exchanging_gradients(model, group == groups - 1):
            total, _ = model(images[own], labels[own])
            (total / groups).backward()
    return {name: p.grad for name, p in module.named_parameters() if p.grad is not None}


def train(processes: Processes, folder: Path) -> dict[str, Any]:
    """A run with batch norm in training, and the same run that one process alone is asked to stop, resumed."""
    shares: list[list[int]] = []
    totals: list[float] = []
    whole = trainer(processes, folder / "whole", [lambda event: totals.append(total(event))])
    observe(whole.batches, shares)
    whole.run()
    stopped = trainer(processes, folder / "stopped", [partial(stop_the_last, processes)])
    interruption = failure(stopped.run)
    resumed = trainer(processes, folder / "stopped", [])
    resumed.resume()
    point = (resumed.progress.epoch, resumed.progress.iteration)
    resumed.run()
    return {
        "shares": shares,
        "totals": [value for value in totals if value],
        "interruption": interruption,
        "point": point,
        "whole": dict(whole.network.named_parameters()),
        "resumed": dict(resumed.network.named_parameters()),
        "statistics": dict(whole.network.named_buffers()),
    }


def observe(batches: Batches, shares: list[list[int]]) -> None:
    """Note the labels' places that are really asked for, batch by batch."""
    labels = batches.labels

    class Noted:
        device = labels.device

        def __getitem__(self, own: Tensor) -> Tensor:
            shares.append(own.tolist())
            return labels[own]

    batches.labels = Noted()  # type: ignore[assignment]


def total(event: Event) -> float:
    """The loss of a step; 0 of other events."""
    return event.losses["total"] if isinstance(event, StepDone) else 0.0


def stop_the_last(processes: Processes, event: Event) -> None:
    """Ctrl-C in one process, in the second step of the second epoch."""
    last = processes.rank == processes.count - 1
    if last and isinstance(event, StepDone) and (event.epoch, event.iteration) == (2, 2):
        os.kill(os.getpid(), signal.SIGINT)


def trainer(processes: Processes, folder: Path, listeners: Sequence[Listener]) -> Trainer:
    """A small run on noise."""
    recipe = load_recipe(
        "tiny",
        [
            "preprocess={height: 32, width: 16}",
            "model.backbone.widths=[4, 8]",
            "sampler={persons: 4, images_per_person: 2}",
            "training={epochs: 3, evaluate_every: 1, save_every: 0, ema: {decay: 0.9}, accumulate: 2}",
            ALL_KINDS,
        ],
    )
    pixels = np.random.default_rng(0).integers(0, 256, (48, 20, 12, 3), dtype=np.uint8)
    labels = np.repeat(np.arange(8), 6)
    taught_by = teacher(recipe, torch.float32)
    seed_torch(0, Purpose.INITIALISATION)
    network = build_network(recipe.model, 8)
    return Trainer(
        recipe,
        network,
        Criterion(recipe.losses, 8, network.feature_size, processes.gather),
        TrainingSet(ResidentImages(torch.from_numpy(pixels)), labels, [Path(f"{number}.png") for number in range(48)]),
        PKSampler(labels, 4, 2),
        checkpoints=Checkpoints(folder, {}),
        evaluate=lambda network: {"recall1": float(network.state_dict()["neck.running_mean"].sum())},
        teacher=taught_by,
        listeners=listeners,
        processes=processes,
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
    sys.stdout.flush()
    os._exit(0)  # as `reseen` itself ends
