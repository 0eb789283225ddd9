"""What every test may use: the outside resources as fixtures, a small bundle, and how hypothesis draws.

A resource is something that is no part of the project: a dataset, weights, a browser. Where it is missing, the tests
that ask for it are listed at the end of the run as not run; under `CI=true` they fail instead.
"""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from reseen.bundle.bundle import CALIBRATION, open_bundle, write_bundle
from reseen.bundle.description import TrainingData
from reseen.calibration.calibration import calibrate
from reseen.calibration.calibration_set import CalibrationSet
from reseen.datasets.manifest import Manifest, Sample
from reseen.evaluation.protocol import RetrievalSet
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe
from reseen.synthetic.dataset import synthesise
from reseen.synthetic.plan import Plan

if TYPE_CHECKING:
    from reseen.exporting.source import Source

REPOSITORY = Path(__file__).parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
MISSING = "resource missing. "
MARKET1501_CURE = (
    "Market-1501: put its archive at ../shared/data/market1501.tar.gz beside the checkout, "
    "or set RESEEN_MARKET1501 to the folder Market-1501-v15.09.15"
)
IMAGENET_WEIGHTS_CURE = (
    "ImageNet weights: put them at ../shared/data/weights/resnet50_imagenet_conv1_to_layer3.npz beside the checkout, "
    "or set RESEEN_IMAGENET_WEIGHTS to the file"
)
CHROMIUM_CURE = "Chromium: run scripts/system-packages as root, or set RESEEN_CHROMIUM to the executable"
CPP_CURE = (
    "C++: run scripts/system-packages as root, or set RESEEN_CXX to a compiler where CMake and the libraries of "
    "cpp/README.md lie elsewhere"
)
OF_EXTRAS = (
    "torch",
    "safetensors",
    "onnx",
    "onnxscript",
    "openvino",
    "MNN",
    "pyarrow",
    "pytorch_metric_learning",
    "sklearn",
)
EXTRAS_CURE = "libraries of extras: make, or pip install '.[train,dev]'"
CPP_NEEDS = ("jpeglib.h", "nlohmann/json.hpp", "openssl/evp.h", "png.h")
SMALL_BUNDLE = Path(__file__).with_name("small_bundle")
LOCKED = Path(__file__).with_name("locked_python.py")
RunLocked = Callable[..., "subprocess.CompletedProcess[str]"]
SMALL = (
    "preprocess.height=64",
    "preprocess.width=32",
    "model.backbone.widths=[8, 16]",
    "sampler.persons=3",
    "sampler.images_per_person=2",
    "training.epochs=3",
    "training.evaluate_every=1",
    "training.save_every=2",
    "training.log_every=1",
)

SmallRecipe = Callable[..., Recipe]
Clustered = Callable[..., RetrievalSet]
WriteImages = Callable[..., list[Path]]
WriteManifest = Callable[[Sequence[Sample]], Path]
WritePeople = Callable[..., Path]
CI = os.environ.get("CI") == "true"


@dataclass
class Calls:
    """How often functions were called, Python's and those written in C: work that is the same on every machine."""

    total: int = 0


CountCalls = Callable[[], AbstractContextManager[Calls]]
WaitUntil = Callable[[Callable[[], object]], None]


class SmallRetrieval(NamedTuple):
    """Features of 12 people by 3 cameras, with a distractor and a query nobody matches, and their images."""

    retrieval: RetrievalSet
    query_paths: tuple[Path, ...]
    gallery_paths: tuple[Path, ...]


settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", deadline=None, max_examples=2000)
settings.register_profile("brief", deadline=None, derandomize=True, max_examples=3)
settings.load_profile("ci" if CI else "default")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout that is being tested."""
    return REPOSITORY


@pytest.fixture(scope="session")
def count_calls() -> CountCalls:
    """Counts the calls of functions within its block; what has to grow no faster than its input is counted so."""

    @contextlib.contextmanager
    def counting() -> Iterator[Calls]:
        calls, before = Calls(), sys.getprofile()

        def note(_frame: object, event: str, _argument: object) -> None:
            calls.total += event in ("call", "c_call")

        sys.setprofile(note)
        try:
            yield calls
        finally:
            sys.setprofile(before)

    return counting


@pytest.fixture(scope="session")
def wait_until() -> WaitUntil:
    """Waits for what another process or thread does; fails where that has not come after two minutes."""

    def wait(come: Callable[[], object]) -> None:
        end = time.monotonic() + 120
        while not come():
            assert time.monotonic() < end, "what is waited for does not come"
            time.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def market1501() -> Iterator[Path]:
    """Folder `Market-1501-v15.09.15` of the real dataset; read only, for other tests read it too."""
    archive = SHARED_DATA / "market1501.tar.gz"
    if folder := os.environ.get("RESEEN_MARKET1501"):
        yield _present(Path(folder), MARKET1501_CURE)
    else:
        with (
            tempfile.TemporaryDirectory(prefix="reseen-market1501-") as scratch,
            tarfile.open(_present(archive, MARKET1501_CURE)) as tar,
        ):
            tar.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.0 to 3.11.3 have none
            tar.extractall(scratch)  # noqa: S202
            yield Path(scratch) / "Market-1501-v15.09.15"


@pytest.fixture(scope="session")
def imagenet_weights() -> Path:
    """`.npz` file with ImageNet weights of ResNet-50, from the stem through the third stage."""
    named = os.environ.get("RESEEN_IMAGENET_WEIGHTS")
    path = Path(named) if named else SHARED_DATA / "weights" / "resnet50_imagenet_conv1_to_layer3.npz"
    return _present(path, IMAGENET_WEIGHTS_CURE)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Executable of a Chromium browser."""
    named = os.environ.get("RESEEN_CHROMIUM")
    found = named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return _present(Path(found or "chromium"), CHROMIUM_CURE)


@pytest.fixture(scope="session")
def cpp_compiler() -> Path:
    """A C++ compiler, with CMake and the libraries that `cpp/` is built with."""
    if named := os.environ.get("RESEEN_CXX"):
        return _present(Path(named), CPP_CURE)
    for header in CPP_NEEDS:
        _present(Path("/usr/include", header), CPP_CURE)
    _present(Path(shutil.which("cmake") or "cmake"), CPP_CURE)
    return _present(Path(shutil.which("c++") or "c++"), CPP_CURE)


@pytest.fixture
def run_locked(tmp_path: Path) -> RunLocked:
    """Runs a program, with arguments, that may open no socket and start no process; its home, `home`, is empty."""
    home = tmp_path / "home"
    home.mkdir()

    def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(LOCKED), program, *map(str, arguments)]
        environment = {"HOME": str(home), "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)

    return run


@pytest.fixture(scope="session")
def with_torch() -> None:
    """Torch is there, as it is not in the core install."""
    if importlib.util.find_spec("torch") is None:
        (pytest.fail if CI else pytest.skip)(MISSING + EXTRAS_CURE)


@pytest.fixture(scope="session")
def small_source(with_torch: None) -> Source:
    """A small network with random weights, 64×32 pixels in and 16 numbers out, ready to be exported."""
    import torch  # noqa: PLC0415  (as below: the core install has none)
    from torch import nn  # noqa: PLC0415

    from reseen.exporting.source import source_of  # noqa: PLC0415
    from reseen.models.network import build_network  # noqa: PLC0415

    recipe = load_recipe(
        "tiny", ["preprocess.height=64", "preprocess.width=32", "model.backbone.widths=[8, 16]", "model.neck=bnneck"]
    )
    torch.manual_seed(0)
    network = build_network(recipe.model, persons=0)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):  # fresh statistics would leave the images as they are
            assert layer.running_mean is not None
            assert layer.running_var is not None
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return source_of(network, recipe.model, recipe.preprocess)


@pytest.fixture(scope="session")
def small_bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of `small_source` as ONNX, fp32 and fp16; read only. Without torch, one that was made before."""
    if importlib.util.find_spec("torch") is None:
        return SMALL_BUNDLE
    from reseen.exporting.export import About, export_bundle  # noqa: PLC0415

    small_source = request.getfixturevalue("small_source")
    folder = tmp_path_factory.mktemp("bundle") / "small"
    about = About("small", TrainingData(name="nothing", licence="none needed"))
    export_bundle(small_source, [("onnx", "fp32"), ("onnx", "fp16")], folder, about)
    return folder


@pytest.fixture(scope="session")
def calibrated_bundle(small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`small_bundle` with a calibration, named `drawn`, on 100 people whose features are drawn by chance; read only."""
    folder = shutil.copytree(small_bundle, tmp_path_factory.mktemp("calibrated") / "small")
    draw = np.random.default_rng(0)
    persons = np.repeat(np.arange(1, 101), 4)
    features = draw.standard_normal((101, 16))[persons] + 0.3 * draw.standard_normal((400, 16))
    content = calibrate(CalibrationSet.of("drawn", features, persons)).model_dump_json().encode()
    write_bundle(folder, open_bundle(folder).description, {CALIBRATION: content})
    return folder


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Drawn people with splits, cameras, distractors and junk; read only."""
    plan = Plan(
        persons=6, test_persons=4, cameras=3, images_per_camera=2, distractors=3, junk=2, height=64, width=32, seed=1
    )
    return synthesise(tmp_path_factory.mktemp("people"), plan)


@pytest.fixture(scope="session")
def small_recipe() -> SmallRecipe:
    """`tiny`, smaller still, with further overrides."""

    def load(*overrides: str) -> Recipe:
        return load_recipe("tiny", [*SMALL, *overrides])

    return load


@pytest.fixture(scope="session")
def finished_run(
    people: Manifest, small_recipe: SmallRecipe, tmp_path_factory: pytest.TempPathFactory, with_torch: None
) -> Path:
    """Folder of a run of `small_recipe()` on `people`; read only."""
    import torch  # noqa: PLC0415

    from reseen.runs.plan import TrainingRun  # noqa: PLC0415
    from reseen.runs.run_training import run_training  # noqa: PLC0415

    output = tmp_path_factory.mktemp("run") / "small"
    run_training(TrainingRun(small_recipe(), people, output, torch.device("cpu")))
    return output


@pytest.fixture(scope="session")
def files() -> Callable[[Path], dict[str, bytes]]:
    """What the files in a folder hold."""
    return lambda folder: {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def write_manifest(tmp_path: Path) -> WriteManifest:
    """Write samples as a CSV manifest; a column that no sample fills is left out."""

    def write(samples: Sequence[Sample]) -> Path:
        rows = [(str(s.path), s.person, s.camera, s.split) for s in samples]
        used = [place for place in range(4) if any(row[place] for row in rows)]
        path = tmp_path / "manifest.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([("path", "person", "camera", "split")[place] for place in used])
            writer.writerows([row[place] for place in used] for row in rows)
        return path

    return write


@pytest.fixture
def write_people(tmp_path: Path) -> WritePeople:
    """Write a folder for each person with noisy images of the person's colour; sizes are (height, width)."""

    def write(colours: dict[str, tuple[int, int, int]], sizes: Sequence[tuple[int, int]]) -> Path:
        draw = np.random.default_rng(0)
        for person, colour in colours.items():
            (tmp_path / "people" / person).mkdir(parents=True)
            for number, size in enumerate(sizes):
                pixels = np.clip(draw.normal(colour, 12, (*size, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(tmp_path / "people" / person / f"{number}.png")
        return tmp_path / "people"

    return write


@pytest.fixture(scope="session")
def small_retrieval(tmp_path_factory: pytest.TempPathFactory) -> SmallRetrieval:
    """Features of 12 people by 3 cameras, and their images."""
    draw = np.random.default_rng(0)
    centers = draw.normal(size=(13, 16))
    persons = np.repeat(np.arange(1, 13), 3)
    cameras = np.tile(np.arange(3), 12)
    gallery = centers[persons - 1] + draw.normal(scale=0.6, size=(36, 16))
    query_persons = np.append(np.arange(1, 13), 13)
    query = centers[query_persons - 1] + draw.normal(scale=0.6, size=(13, 16))
    folder = tmp_path_factory.mktemp("images")
    paths = []
    for number in range(50):
        paths.append(folder / f"{number:02d}.jpg")
        Image.new("RGB", (20, 40), (number * 5, 80, 120)).save(paths[-1])
    return SmallRetrieval(
        RetrievalSet.of(
            query_features=query.astype(np.float32),
            gallery_features=np.concatenate([gallery, draw.normal(size=(1, 16))]).astype(np.float32),
            query_persons=query_persons,
            gallery_persons=np.append(persons, 0),
            query_cameras=np.arange(13) % 3,
            gallery_cameras=np.append(cameras, 1),
        ),
        tuple(paths[:13]),
        tuple(paths[13:]),
    )


@pytest.fixture(scope="session")
def clustered() -> Clustered:
    """Features scattered around one centre for each person, seen by some cameras, with distractors and junk."""

    def make(
        queries: int = 30,
        gallery: int = 90,
        *,
        persons: int = 10,
        cameras: int = 3,
        width: int = 16,
        noise: float = 0.8,
        seed: int = 0,
    ) -> RetrievalSet:
        draw = np.random.default_rng(seed)
        centres = draw.standard_normal((persons + 2, width))
        query_persons = draw.integers(1, persons + 1, queries)
        gallery_persons = draw.integers(-1, persons + 1, gallery)
        return RetrievalSet.of(
            query_features=centres[query_persons] + noise * draw.standard_normal((queries, width)),
            gallery_features=centres[gallery_persons] + noise * draw.standard_normal((gallery, width)),
            query_persons=query_persons,
            gallery_persons=gallery_persons,
            query_cameras=draw.integers(0, cameras, queries),
            gallery_cameras=draw.integers(0, cameras, gallery),
        )

    return make


@pytest.fixture
def write_images(tmp_path: Path) -> WriteImages:
    """Write images of `size` (height, width) at paths below `tmp_path`; no two have the same content."""

    def write(*names: str, size: tuple[int, int] = (16, 8)) -> list[Path]:
        paths = [tmp_path / name for name in names]
        for name, path in zip(names, paths, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            rng = np.random.default_rng(zlib.crc32(name.encode()))
            Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)
        return paths

    return write


@pytest.fixture(scope="session")
def pictures() -> list[np.ndarray]:
    """Smooth random images of several sizes; read only."""
    draw = np.random.default_rng(0)
    sizes = [(64, 32), (128, 64), (50, 20), (90, 91), (64, 32)]
    coarse = [draw.integers(0, 256, (8, 4, 3), dtype=np.uint8) for _ in sizes]
    return [
        np.asarray(Image.fromarray(small).resize((width, height)))
        for small, (height, width) in zip(coarse, sizes, strict=True)
    ]


def _present(path: Path, cure: str) -> Path:
    if not path.exists():
        (pytest.fail if CI else pytest.skip)(MISSING + cure)
    return path


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file of tests whose libraries are missing is not run, and listed as that; in CI it is an error."""
    report = yield
    if report.failed and not CI and isinstance(collector, pytest.Module):
        missing = re.findall(r"ModuleNotFoundError: No module named '(\w+)", str(report.longrepr))
        if missing and missing[-1] in OF_EXTRAS:
            report.outcome = "skipped"
            report.longrepr = (str(collector.path), 0, MISSING + EXTRAS_CURE)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that did not run, so that nobody takes the run for a whole one."""
    not_run: dict[str, list[str]] = {}
    for report in terminalreporter.getreports("skipped"):
        _, _, reason = report.longrepr
        if MISSING in reason:
            not_run.setdefault(reason.partition(MISSING)[2], []).append(report.nodeid)
    for cure, tests in not_run.items():
        terminalreporter.section(f"NOT RUN (resource missing): {len(tests)}", sep="!", red=True, bold=True)
        terminalreporter.line(cure)
        for test in tests:
            terminalreporter.line(f"  {test}")
