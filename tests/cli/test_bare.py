from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reseen.cli.bare import main
from reseen.synthetic.dataset import synthesise
from reseen.synthetic.plan import Plan

SMALL: tuple[str, ...] = ("preprocess={height: 32, width: 16}", "model.backbone.widths=[4, 8]", "training.epochs=2")
SMALL += ("sampler={persons: 2, images_per_person: 2}", "training.evaluate_every=1", "training.tensorboard=false")
OVERRIDES = [argument for each in SMALL for argument in ("-o", each)]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bare") / "people"
    synthesise(folder, Plan(persons=3, test_persons=2, cameras=2, images_per_camera=2, height=32, width=16))
    return str(folder)


def test_a_run_is_trained_resumed_and_evaluated(
    people: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    train = ["train", "-c", "tiny", *OVERRIDES, "--data", people, "--output", str(run), "--device", "cpu", "--json"]
    main(train)
    told = capsys.readouterr()
    longer = [*train, "-o", "training.epochs=3", "-o", "schedule={name: multistep}"]
    with pytest.raises(SystemExit, match="2"):
        main(longer)  # the folder holds a run
    refused = capsys.readouterr().err
    main([*train, "--resume"])
    resumed = json.loads(capsys.readouterr().out)
    weights = ["--weights", str(run / "checkpoints" / "best"), "--output", str(tmp_path / "figures"), "--json"]
    main(["evaluate", "-c", str(run / "recipe.yaml"), "--data", people, "--device", "cpu", *weights])
    evaluated = json.loads(capsys.readouterr().out)

    result = json.loads(told.out)
    assert result["epochs"] == 2
    assert resumed == result
    assert [line.split(":")[0] for line in told.err.splitlines()] == ["epoch 1"] * 2 + ["epoch 2"] * 2 + ["done"]
    assert refused.startswith(f"error: {run} already holds a run\n")
    assert evaluated["mAP"] == pytest.approx(result["best"]["mAP"])
    assert json.loads((tmp_path / "figures" / "metrics.json").read_text()) == evaluated


def test_figures_are_printed_for_people_too(people: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overrides = [*OVERRIDES, "-o", "training.epochs=1"]
    main(["train", "-c", "tiny", *overrides, "--data", people, "--output", str(tmp_path), "--device", "cpu"])
    assert capsys.readouterr().out == ""
    weights = str(tmp_path / "checkpoints" / "best")
    main(["evaluate", "-c", "tiny", *overrides, "--data", people, "--weights", weights, "--device", "cpu", "--rerank"])
    told = capsys.readouterr()

    assert told.out.startswith("rank-1 ")
    assert "k-reciprocal" in told.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
def test_results_that_cannot_be_written_are_an_error_in_words(people: str, tmp_path: Path) -> None:
    overrides = [*OVERRIDES, "-o", "training.epochs=1"]
    arguments = ["train", "-c", "tiny", *overrides, "--data", people, "--output", str(tmp_path), "--json"]
    program = f"from reseen.cli.bare import main; main({[*arguments, '--device', 'cpu']!r})"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: cannot write the results: No space left on device"


def test_other_verbs_are_refused_with_what_they_need(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["search", "a.jpg"])
    refused = capsys.readouterr().err
    assert "invalid choice: 'search'" in refused
    assert "the other commands need typer and rich: pip install ." in refused
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "pip install ." in capsys.readouterr().out
