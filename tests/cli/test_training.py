from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from reseen.cli.training import TrainArguments, carry_out, tell
from reseen.datasets.manifest import Manifest
from reseen.run_folder import Run
from reseen.runs.seeds import SeedResults
from reseen.training.events import EpochDone, Event

Done = Run | SeedResults | None


@pytest.mark.parametrize("seeds", [None, 2])
def test_a_command_line_trains_one_run_or_several(
    seeds: int | None, people: Manifest, small: list[str], tmp_path: Path
) -> None:
    told: list[tuple[str, str]] = []

    def show(run: Run, name: str) -> tuple[Any, None]:
        def listen(event: Event) -> None:
            if isinstance(event, EpochDone):
                told.append((run.folder.name, name))

        return listen, None

    done = carry_out(
        TrainArguments("tiny", [people.root], tmp_path / "run", small[1::2], [], "cpu", False, seeds), show
    )

    if seeds is None:
        assert (done, told) == (Run(tmp_path / "run"), [("run", "")])
    else:
        assert isinstance(done, SeedResults)
        assert told == [("seed_0", "seed 0, "), ("seed_1", "seed 1, ")]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_run_is_told_and_its_figures_are_given_where_they_are_asked_for(as_json: bool, finished_run: Path) -> None:
    said: list[str] = []
    given: list[str | Mapping[str, Any]] = []

    tell(Run(finished_run), said.append, given.append, as_json=as_json)

    assert len(said) == 1
    assert given == ([asdict(Run(finished_run).result)] if as_json else [])


def test_several_seeds_are_always_given_and_other_processes_give_nothing(finished_run: Path) -> None:
    said: list[str] = []
    given: list[str | Mapping[str, Any]] = []
    result = Run(finished_run).result

    tell(SeedResults({0: result, 1: result}), said.append, given.append, as_json=False)
    tell(None, said.append, given.append, as_json=True)

    assert said == []
    assert len(given) == 1
    assert "± 0.00 %" in str(given[0])
