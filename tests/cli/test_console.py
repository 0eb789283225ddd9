from __future__ import annotations

import io
import json
import os
from collections.abc import Callable

import pytest
from rich.console import Console

from reseen.cli import console
from reseen.cli.console import StageBars, fail, fold, give, say, visible


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """A terminal of 80 columns in place of stderr; gives all that was ever written to it."""
    written = io.StringIO()
    terminal = Console(file=written, force_terminal=True, width=80, height=24, highlight=False, markup=False)
    monkeypatch.setattr(console, "stderr", terminal)
    return written.getvalue


def test_messages_go_to_stderr_and_results_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    say("reading")
    fail("torn")
    give("rank-1 0.5")

    streams = capsys.readouterr()
    assert streams.err == "reading\nerror: torn\n"
    assert streams.out == "rank-1 0.5\n"


@pytest.mark.parametrize("tell", [say, fail, give])
def test_a_name_cannot_command_the_terminal(tell: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    tell("Jürg ✓ \x1b]0;owned\x07\x9b2J.jpg\nnext line")

    streams = capsys.readouterr()
    assert (streams.out + streams.err).endswith("Jürg ✓ \\x1b]0;owned\\x07\\x9b2J.jpg\nnext line\n")
    assert visible("a\nb\udcff") == "a\\nb\\udcff"


def test_messages_are_neither_markup_nor_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    path = "/data/" + "long folder [bold]/" * 20

    say(path)
    fail(f"{path} is missing\n  cure: [red]look[/red]")

    assert capsys.readouterr().err == f"{path}\nerror: {path} is missing\n  cure: [red]look[/red]\n"


def test_a_mapping_is_one_line_of_json_that_any_encoding_can_hold(capsys: pytest.CaptureFixture[str]) -> None:
    give({"name": "Zoë 人\n", "mAP": 0.5})

    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"name": "Zoë 人\n", "mAP": 0.5}
    assert out.isascii()


def test_a_text_is_folded_beside_its_label_on_a_terminal_and_left_alone_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "a licence of many words, and https://example.org/an/address-that-is-not-broken"
    assert fold("licence", text, 9) == f"licence  {text}"

    monkeypatch.setattr("reseen.cli.console.shutil.get_terminal_size", lambda: os.terminal_size((30, 24)))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert fold("licence", text, 9).splitlines() == [
        "licence  a licence of many",
        "         words, and",
        "         https://example.org/an/address-that-is-not-broken",
    ]


def test_a_bar_shows_each_stage_to_its_end_on_one_line(screen: Callable[[], str]) -> None:
    with StageBars() as bars:
        bars("gallery", 40, 15_913)
        bars("gallery", 15_913, 15_913)
        bars("epoch 100/150", 7, 202, "loss 12.345, 1234 images/s, 12:34:56 left")

    shown = screen()
    assert "15913/15913" in shown
    *_, last = shown.rsplit("epoch 100/150", 1)
    assert "7/202" in last
    assert "loss 12.345, 1234 images/s, 12:34:56 left" in last
    assert "gallery" not in last


def test_a_stage_may_begin_anew(screen: Callable[[], str]) -> None:
    with StageBars() as bars:
        for stage in ("gallery", "query", "gallery"):
            bars(stage, 0, 9)
            bars(stage, 9, 9)

    assert screen().count("9/9") >= 3


def test_work_without_stages_shows_nothing(screen: Callable[[], str]) -> None:
    with StageBars():
        pass

    assert screen() == ""


def test_lines_said_while_a_bar_is_shown_stay_whole(screen: Callable[[], str]) -> None:
    with StageBars() as bars:
        bars("epoch 1/2", 1, 2)
        say("epoch 1: recall1 0.5")

    assert "epoch 1: recall1 0.5\n" in screen()
