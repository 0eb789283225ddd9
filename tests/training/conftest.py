"""A run so small that it takes a fraction of a second, and all the bits that it learns."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import safetensors
import torch
from torch import Tensor

from reseen.datasets.sampler import PKSampler
from reseen.errors import Interrupted
from reseen.losses.criterion import Criterion
from reseen.models.network import ReIDNetwork, build_network
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe
from reseen.training.batches import ResidentImages, TrainingSet
from reseen.training.checkpoint import Checkpoints, Parts, TrainState
from reseen.training.events import Event, StepDone
from reseen.training.randomness import Purpose, seed_torch
from reseen.training.teacher import Teacher
from reseen.training.trainer import Trainer

StartProcesses = Callable[[str, Path], list[subprocess.CompletedProcess[str]]]
SmallRecipe = Callable[..., Recipe]
Listener = Callable[[Event], None]
Bits = Callable[[Parts], dict[str, Tensor]]
Same = Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], bool]
ReadCheckpoint = Callable[[Path], tuple[dict[str, str], dict[str, Tensor]]]
Evaluation = Callable[[ReIDNetwork], Mapping[str, float]]

PERSONS, IMAGES_EACH = 5, 4
SMALL = (
    "preprocess={height: 32, width: 16}",
    "model.backbone.widths=[4, 8]",
    "sampler={persons: 2, images_per_person: 2}",
    "augmentation={flip: 0.5, pad: 2, erasing: {probability: 0.5}}",
    "training={epochs: 3, evaluate_every: 0, save_every: 0}",
)
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
ADAMW_TAUGHT = (
    "losses=[{name: cross_entropy}, {name: distillation, teacher: {recipe: a, weights: b}}]",
    "optimizer={name: adamw, learning_rate: 1.0e-2}",
    "training={epochs: 3, ema: {decay: 0.9}}",
)
FP16 = ("training={epochs: 3, precision: fp16}",)


@pytest.fixture(scope="session")
def adam_with_center() -> tuple[str, ...]:
    """Overrides under which there is much to remember: two optimizers with moments, and learnt centers."""
    return ADAM_WITH_CENTER


@pytest.fixture(
    scope="session",
    params=[ADAM_WITH_CENTER, SGD_WITH_MOMENTUM, EVERY_SWITCH, ADAMW_TAUGHT, FP16],
    ids=["adam", "sgd", "every switch", "adamw, taught", "fp16"],
)
def settings(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Overrides that make runs of several kinds, one after the other."""
    chosen: tuple[str, ...] = request.param
    return chosen


@pytest.fixture(scope="session")
def small_recipe() -> SmallRecipe:
    """The recipe `tiny` made smaller still, with further overrides."""

    def make(*overrides: str) -> Recipe:
        return load_recipe("tiny", [*SMALL, *overrides])

    return make


@pytest.fixture(scope="session")
def training_set() -> TrainingSet:
    """Five persons with four images each, all of them noise of one size."""
    pixels = np.random.default_rng(0).integers(0, 256, (PERSONS * IMAGES_EACH, 20, 12, 3), dtype=np.uint8)
    labels = np.repeat(np.arange(PERSONS), IMAGES_EACH)
    paths = [Path(f"person{label}_{image}.png") for image, label in enumerate(labels)]
    return TrainingSet(ResidentImages(torch.from_numpy(pixels)), labels, paths)


@pytest.fixture
def make_trainer(training_set: TrainingSet, tmp_path: Path) -> Callable[..., Trainer]:
    """A trainer that writes below `tmp_path`; its evaluation gives the same figures every time."""

    def unchanging(_: ReIDNetwork) -> Mapping[str, float]:
        return {"recall1": 0.5, "mAP": 0.4, "mINP": 0.3}

    def make(
        recipe: Recipe,
        folder: str = "run",
        *,
        listeners: Sequence[Listener] = (),
        evaluate: Callable[[ReIDNetwork], Mapping[str, float]] = unchanging,
        criterion: type[Criterion] = Criterion,
        data: TrainingSet = training_set,
    ) -> Trainer:
        teacher = untaught(recipe) if any(loss.name == "distillation" for loss in recipe.losses) else None
        seed_torch(recipe.seed, Purpose.INITIALISATION)
        network = build_network(recipe.model, PERSONS)
        return Trainer(
            recipe,
            network,
            criterion(recipe.losses, PERSONS, network.feature_size),
            data,
            PKSampler(data.labels, recipe.sampler.persons, recipe.sampler.images_per_person),
            checkpoints=Checkpoints(
                tmp_path / folder, {"recipe": recipe.model_dump(mode="json", exclude={"training"})}
            ),
            evaluate=evaluate,
            teacher=teacher,
            listeners=listeners,
        )

    return make


def untaught(recipe: Recipe) -> Teacher:
    """A teacher that has learnt nothing, always the same."""
    torch.manual_seed(7)
    return Teacher(build_network(recipe.model, 0), recipe.preprocess, recipe.preprocess)


@pytest.fixture(scope="session")
def bits() -> Bits:
    """Copies of everything that a run learns: weights and statistics, centers, and the optimizers' memory."""

    def copy(parts: Parts) -> dict[str, Tensor]:
        tensors = {f"network.{name}": value for name, value in parts.network.state_dict().items()}
        tensors |= {f"criterion.{name}": value for name, value in parts.criterion.state_dict().items()}
        for kind, optimizer in parts.optimizers.items():
            for index, state in optimizer.state_dict()["state"].items():
                tensors |= {f"{kind}.{index}.{name}": v for name, v in state.items() if v is not None}
        return {name: value.clone() for name, value in tensors.items()}

    return copy


@pytest.fixture(scope="session")
def same() -> Same:
    """Whether two sets of tensors have the same names and bits."""

    def compare(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> bool:
        return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)

    return compare


@pytest.fixture(scope="session")
def read_checkpoint() -> ReadCheckpoint:
    """Header and tensors of a checkpoint."""

    def read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
        with safetensors.safe_open(path, framework="pt") as file:
            return dict(file.metadata()), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    return read


@pytest.fixture(scope="session")
def epoch_of(read_checkpoint: ReadCheckpoint) -> Callable[[Path], int]:
    """The epoch that a checkpoint was saved after."""
    return lambda path: int(read_checkpoint(path)[0]["epoch"])


@pytest.fixture(scope="session")
def same_file(read_checkpoint: ReadCheckpoint, same: Same) -> Callable[[Path, Path], bool]:
    """Whether two checkpoints hold the same."""

    def compare(left: Path, right: Path) -> bool:
        (header, tensors), (other_header, other_tensors) = read_checkpoint(left), read_checkpoint(right)
        return header == other_header and same(tensors, other_tensors)

    return compare


@pytest.fixture(scope="session")
def figures() -> Callable[..., Evaluation]:
    """An evaluation that gives these values of rank-1, one after the other."""

    def give(*recall: float) -> Evaluation:
        left = list(recall)
        return lambda _: {"recall1": left.pop(0), "mAP": 0.5, "mINP": 0.1}

    return give


@pytest.fixture(scope="session")
def stop_at() -> Callable[..., Listener]:
    """A listener that presses Ctrl-C after these steps: (epoch, iteration), both from 1."""

    def at(*points: tuple[int, int]) -> Listener:
        def listen(event: Event) -> None:
            if isinstance(event, StepDone) and (event.epoch, event.iteration) in points:
                os.kill(os.getpid(), signal.SIGINT)

        return listen

    return at


@pytest.fixture(scope="session")
def run_until_stopped() -> Callable[[Trainer], TrainState]:
    """Train until Ctrl-C ends it; how far it came."""

    def run(trainer: Trainer) -> TrainState:
        with pytest.raises(Interrupted, match="stopped after epoch") as caught:
            trainer.run()
        assert "--resume" in (caught.value.cure or "")
        return trainer.progress

    return run


@pytest.fixture(scope="session")
def start_processes() -> StartProcesses:
    """Run a scenario of `several_processes.py` in two processes; what became of each, in the order of their ranks."""
    script = Path(__file__).with_name("several_processes.py")

    def start(scenario: str, folder: Path) -> list[subprocess.CompletedProcess[str]]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        variables = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
        processes = [
            subprocess.Popen(
                [sys.executable, script, scenario, folder],
                env={**variables, "RANK": rank},
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for rank in ("0", "1")
        ]
        outputs = [process.communicate(timeout=240) for process in processes]
        return [
            subprocess.CompletedProcess(process.args, process.returncode, *output)
            for process, output in zip(processes, outputs, strict=True)
        ]

    return start
