from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

import reseen as package
from reseen.cli import app as application
from reseen.datasets.manifest import Manifest
from reseen.errors import ImageError, ReseenError, UsageError

Reseen = Callable[..., Any]


def verbs(command: Any, *names: str) -> dict[tuple[str, ...], Any]:
    """Every command below one, by the words that call it."""
    below = getattr(command, "commands", None)
    if below is None:
        return {names: command}
    return {words: verb for name, each in below.items() for words, verb in verbs(each, *names, name).items()}


VERBS = verbs(typer.main.get_command(application.app))


@pytest.mark.parametrize("command", [[sys.executable, "-m", "reseen"], [str(Path(sys.executable).with_name("reseen"))]])
def test_the_installed_command_and_the_module_tell_the_version(command: list[str]) -> None:
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"reseen {package.__version__}\n", "")


def test_help_lists_every_verb(reseen: Reseen) -> None:
    answer = reseen("--help")

    assert answer.code == 0
    for verb in ("demo", "doctor", "train", "evaluate", "data"):
        assert f" {verb} " in answer.out


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_shows_an_example(verb: tuple[str, ...], reseen: Reseen) -> None:
    answer = reseen(*verb, "--help")

    assert answer.code == 0
    assert f"Example: reseen {' '.join(verb)}" in " ".join(answer.out.split())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["fly"], "fly"),
        (["train", "--fast"], "--fast"),
        (["train", "-c", "tiny"], "--data"),
        (["data", "check"], "PATH"),
    ],
)
def test_arguments_that_cannot_be_used_are_named_and_end_with_2(
    arguments: list[str], named: str, reseen: Reseen
) -> None:
    answer = reseen(*arguments)

    assert answer.code == 2
    assert named in answer.err
    assert answer.out == ""


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_shows_its_default_in_the_help(verb: tuple[str, ...], reseen: Reseen) -> None:
    # rich takes what stands in square brackets for markup, and leaves it out.
    options = [option for option in VERBS[verb].params if "[" in (getattr(option, "help", None) or "")]
    shown = " ".join(reseen(*verb, "--help").out.split())

    assert [option.name for option in options if option.help not in shown] == []


def test_there_are_defaults_that_only_the_help_text_tells() -> None:
    told = [option.help for verb in VERBS for option in VERBS[verb].params if hasattr(option, "help")]

    assert sum("[default: " in (text or "") for text in told) > 10


def test_no_verb_shows_the_help(reseen: Reseen) -> None:
    answer = reseen()

    assert answer.code == 2
    assert "Usage:" in answer.out + answer.err


@pytest.mark.parametrize(
    ("error", "code"), [(UsageError("no", expected="yes", cure="say yes"), 2), (ImageError("torn"), 1)]
)
def test_an_error_becomes_a_message_and_an_exit_code(
    error: ReseenError, code: int, reseen: Reseen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> None:
        raise error

    monkeypatch.setattr(application, "app", stop)
    answer = reseen()

    assert (answer.code, answer.out) == (code, "")
    assert answer.err == f"error: {error}\n"


@pytest.mark.parametrize("library", ["torch", "pydantic"])
@pytest.mark.parametrize("verb", [("doctor",), ("evaluate", "-c", "tiny", "--weights", "w", "--data")])
def test_a_library_that_does_not_load_is_no_traceback(
    library: str, verb: tuple[str, ...], reseen_process: Reseen, people: Manifest
) -> None:
    data = [people.root] if verb[-1] == "--data" else []
    answer = reseen_process(*verb, *data, prepare=f"import sys; sys.modules['{library}'] = None")

    assert answer.code in (1, 2)
    assert "Traceback" not in answer.err
    assert f"error: {library} cannot be loaded" in answer.err or f"problem  {library} " in answer.out


@pytest.mark.parametrize(("library", "extra"), [("onnx", "export"), ("nncf", "quantise"), ("safetensors", "train")])
def test_the_extra_that_brings_a_library_is_named(
    library: str, extra: str, monkeypatch: pytest.MonkeyPatch, reseen: Reseen
) -> None:
    def stop() -> None:
        raise ImportError(f"No module named {library!r}", name=f"{library}.part")

    monkeypatch.setattr(application, "app", stop)
    answer = reseen()

    assert answer.code == 2
    assert f"pip install '.[{extra}]' in a clone of reseen" in answer.err


def test_a_fault_of_reseen_itself_is_not_blamed_on_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> None:
        raise ImportError("cannot import name", name="reseen.cli")

    monkeypatch.setattr(application, "app", stop)
    with pytest.raises(ImportError):
        application.main()


def test_ctrl_c_ends_with_1_and_no_traceback(reseen: Reseen, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reseen.datasets.open.open_dataset", stop)
    answer = reseen("data", "check", "people")

    assert (answer.code, answer.out, answer.err) == (1, "", "error: interrupted\n")


def test_names_that_are_not_text_are_shown_escaped(reseen: Reseen, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "people" / "anna")
    os.makedirs(folder)  # noqa: PTH103 (a path of bytes)
    with open(folder + b"/caf\xe9.jpg", "wb") as file:  # noqa: PTH123
        file.write(b"no image")

    answer = reseen("data", "check", tmp_path / "people")

    assert answer.code == 1
    assert "caf\\udce9.jpg" in answer.out


@pytest.mark.parametrize(("name", "ours"), [("OMP_WAIT_POLICY", "PASSIVE"), ("GOMP_SPINCOUNT", "10000")])
@pytest.mark.parametrize("users", [None, "7"])
def test_threads_soon_wait_asleep_unless_the_user_says_otherwise(
    name: str, ours: str, users: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, users or "")
    if users is None:
        monkeypatch.delenv(name)
    monkeypatch.setattr(application, "app", lambda: None)

    application.main()

    assert os.environ[name] == (users or ours)
