"""What Windows lacks is not needed to import, embed, compare and search. It is hidden here; no Windows was asked."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Python = Callable[..., subprocess.CompletedProcess[str]]
PythonWith = Callable[[Sequence[str]], Python]

HIDE = """
import fcntl, importlib, os, pkgutil, signal, stat, sys
from importlib import metadata

for library in ("filelock", "jinja2", "numpy", "onnxruntime", "PIL.Image", "pydantic", "rich.console", "scipy", "typer",
                "yaml", "shutil", "subprocess", "tempfile", "zipfile", "mmap", "ssl", "http.client", "urllib.request"):
    importlib.import_module(library)  # these are others there

for module in ("fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"):
    sys.modules[module] = None  # makes importing it fail
for name in ("fork", "forkpty", "getuid", "geteuid", "getgid", "mkfifo", "sched_getaffinity", "statvfs", "sysconf",
             "uname", "killpg", "setsid", "fchown", "chown", "pread", "pwrite", "preadv", "getloadavg",
             "O_DIRECTORY", "O_SYNC"):
    delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGPIPE", "SIGALRM", "SIGUSR1", "alarm", "setitimer", "pthread_sigmask"):
    delattr(signal, name)

fsync, opened, flags = os.fsync, os.open, fcntl.fcntl


def open_no_folder(path, *arguments, **options):
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied", str(path))
    return opened(path, *arguments, **options)


def flush_what_is_written(descriptor):
    if stat.S_ISDIR(os.fstat(descriptor).st_mode) or flags(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(9, "Bad file descriptor")
    fsync(descriptor)


os.open, os.fsync = open_no_folder, flush_what_is_written
shutil = importlib.import_module("shutil")
shutil._use_fd_functions = False  # as it decides there
"""
IMPORT = """
import reseen
for room in sys.argv[1:]:
    package = importlib.import_module(f"reseen.{room}")
    for module in pkgutil.walk_packages(getattr(package, "__path__", ()), package.__name__ + "."):
        try:
            importlib.import_module(module.name)
            print(module.name)
        except ModuleNotFoundError as error:
            if error.name not in ("MNN", "openvino"):  # of extras
                raise
"""
RUN = """
from reseen.cli.app import main
main()
"""
CORE = ("errors", "files", "images", "scores", "bundle", "catalogue", "recipe", "datasets", "calibration", "evaluation")
MORE = ("engines", "assess", "retrieval", "reports", "bench", "cli")


@pytest.fixture(scope="module")
def elsewhere(repository: Path, python_with: PythonWith) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program in the core install, where what only POSIX has is hidden."""
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    python = python_with(project["dependencies"])

    def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return python("-c", HIDE + program, *arguments)

    return run


def test_what_is_hidden_is_missed(elsewhere: Python) -> None:
    done = elsewhere("try:\n    os.open('.', os.O_RDONLY)\nexcept PermissionError:\n    import pwd")
    assert "import of pwd halted" in done.stderr


def test_every_room_without_torch_is_imported(elsewhere: Python) -> None:
    done = elsewhere(IMPORT, *CORE, *MORE)
    assert done.returncode == 0, done.stderr
    assert {"reseen.catalogue.store", "reseen.bench.case", "reseen.retrieval.search"} <= set(done.stdout.split())


def test_images_are_embedded_compared_and_searched(elsewhere: Python, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    crops, features, page = tmp_path / "crops", tmp_path / "features.npz", tmp_path / "found.html"
    crops.mkdir()
    for name in "abc":
        Image.fromarray(draw.integers(0, 256, (40, 20, 3), dtype=np.uint8)).save(crops / f"{name}.png")

    embedded = elsewhere(RUN, "embed", crops, "--output", features)
    compared = elsewhere(RUN, "compare", crops / "a.png", crops / "b.png", "--json")
    searched = elsewhere(RUN, "search", crops / "a.png", "--in", crops, "--output", page, "--json")

    assert [each.returncode for each in (embedded, compared, searched)] == [0, 0, 0], (embedded, compared, searched)
    with np.load(features, allow_pickle=False) as arrays:
        a, b, _ = arrays["features"]
    assert json.loads(compared.stdout)["score"] == pytest.approx(float(a @ b), abs=1e-4)
    assert str(crops / "a.png") in searched.stdout
    assert page.stat().st_size > 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crops", "features.npz", "found.html"]
