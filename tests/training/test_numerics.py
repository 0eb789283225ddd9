from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch._inductor.exc

from reseen.errors import TrainingError
from reseen.training.numerics import Precision, chosen_precision, compiler_errors, drop_denormals


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_named_precision_is_that_one_everywhere(precision: Precision, device: str) -> None:
    assert chosen_precision(precision, torch.device(device)) == precision


@pytest.mark.parametrize(
    ("device", "capability", "expected"),
    [("cpu", (9, 0), "fp32"), ("mps", (9, 0), "fp32"), ("cuda", (7, 5), "fp32"), ("cuda", (8, 0), "bf16")],
)
def test_auto_is_bf16_where_a_device_is_made_for_it(
    device: str, capability: tuple[int, int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)

    assert chosen_precision("auto", torch.device(device)) == expected


TRAIN = """
import sys
from pathlib import Path
import numpy as np
import torch
from reseen.datasets.sampler import PKSampler
from reseen.losses.criterion import Criterion
from reseen.models.network import build_network
from reseen.recipe.load import load_recipe
from reseen.training.batches import TrainingSet
from reseen.training.checkpoint import Checkpoints
from reseen.training.batches import ResidentImages
from reseen.training.randomness import Purpose, seed_torch
from reseen.training.teacher import Teacher
from reseen.training.trainer import Trainer

recipe = load_recipe("tiny", ["preprocess={height: 32, width: 16}", "model.backbone.widths=[4, 8]",
    "sampler={persons: 2, images_per_person: 2}", "training={epochs: 1, evaluate_every: 0}", *sys.argv[2:]])
labels = np.repeat(np.arange(4), 3)
pixels = np.random.default_rng(0).integers(0, 256, (12, 20, 12, 3), dtype=np.uint8)
seed_torch(0, Purpose.INITIALISATION)
network = build_network(recipe.model, 4)
known = build_network(recipe.model, 0)
teacher = Teacher(known, recipe.preprocess, recipe.preprocess)
trainer = Trainer(
    recipe, network, Criterion(recipe.losses, 4, network.feature_size),
    TrainingSet(ResidentImages(torch.from_numpy(pixels)), labels, [Path(f"{n}.png") for n in range(12)]),
    PKSampler(labels, 2, 2), checkpoints=Checkpoints(Path(sys.argv[1]), {}),
    evaluate=lambda network: {"recall1": 0.5, "mAP": 0.5, "mINP": 0.5},
    teacher=teacher if "teacher" in sys.argv[2] else None,
)
trainer.run()
from torch._dynamo.utils import counters
print(counters["stats"]["unique_graphs"])
images = torch.linspace(-1, 1, 4 * 3 * 32 * 16).reshape(4, 3, 32, 16)
features = teacher(images)
for kept in (torch.cat([p.detach().flatten() for p in network.parameters()]), features.flatten()):
    print(" ".join(repr(value) for value in kept.tolist()))
for parameter in known.parameters():
    parameter.zero_()
print(torch.equal(teacher(images), features))
"""
"""A small run in a process of its own: what is compiled must not be watched by the tests' shape checks."""


DISTILLATION = "losses=[{name: cross_entropy}, {name: distillation, teacher: {recipe: a, weights: b}}]"


def train(folder: Path, *overrides: str, compiler: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"TORCHINDUCTOR_CACHE_DIR": str(folder / "cache"), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    environment |= {"PYTHONPATH": ":".join(sys.path), **({"CXX": compiler} if compiler else {})}
    command = [sys.executable, "-c", TRAIN, str(folder), *overrides]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.soak
def test_a_compiled_network_learns_from_a_compiled_teacher_as_eager_ones_do(cpp_compiler: Path, tmp_path: Path) -> None:
    """A compiled teacher's weights have become constants: that they are zero later does not change its features."""
    settings = (DISTILLATION, "optimizer={name: sgd, learning_rate: 0.1}", "schedule={name: cosine, warmup: null}")
    eager = train(tmp_path / "eager", *settings)
    compiled = train(tmp_path / "compiled", *settings, "training.compile=true")

    assert (eager.returncode, compiled.returncode) == (0, 0), eager.stderr + compiled.stderr
    (none, expected, known, free), (graphs, learnt, taught, frozen) = map(read, (eager, compiled))
    assert (none, graphs) == ("0", "2")
    assert numbers(learnt) == pytest.approx(numbers(expected), rel=1e-3, abs=1e-5)
    assert numbers(taught) == pytest.approx(numbers(known), rel=1e-3, abs=1e-5)
    assert (free, frozen) == ("False", "True")


def read(done: subprocess.CompletedProcess[str]) -> list[str]:
    return done.stdout.splitlines()


def numbers(line: str) -> list[float]:
    return [float(number) for number in line.split()]


def test_without_a_compiler_it_is_an_error_and_not_an_eager_run(tmp_path: Path) -> None:
    done = train(tmp_path, "training.compile=true", compiler="/no/such/compiler")

    assert done.returncode != 0
    assert "TrainingError: torch.compile cannot compile the network" in done.stderr
    assert "-o training.compile=false" in done.stderr


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="out of memory"), compiler_errors():
        raise RuntimeError("out of memory")


def test_a_compilers_error_is_told_in_words() -> None:
    with pytest.raises(TrainingError, match="cannot compile") as caught, compiler_errors():
        raise torch._inductor.exc.InvalidCxxCompiler

    assert caught.value.got is not None
    assert caught.value.got.startswith("InvalidCxxCompiler: ")


def test_denormal_numbers_become_zero_and_others_stay() -> None:
    numbers = torch.tensor([1.0, -1.2e-38, 1.1e-38, -1e-45, 0.0, float("nan"), float("-inf")])
    double, counter = torch.tensor([1e-300, 1e-310], dtype=torch.float64), torch.tensor(3)

    drop_denormals([numbers, double, counter])

    assert numbers[:5].tolist() == [1.0, torch.tensor(-1.2e-38).item(), 0.0, 0.0, 0.0]
    assert numbers[5].isnan()
    assert numbers[6] == float("-inf")
    assert double.tolist() == [1e-300, 0.0]
    assert counter == 3
