from __future__ import annotations

import json
import re
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reseen.datasets.manifest import Manifest

Reseen = Callable[..., Any]
WellTold = Callable[[Any], bool]


def checkpoints(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run / "checkpoints").iterdir()}


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


@pytest.fixture
def own_people(people: Manifest, tmp_path: Path) -> Path:
    """A copy of the people, to be spoilt."""
    return Path(shutil.copytree(people.root, tmp_path / "own people"))


def test_training_tells_its_progress_on_stderr_and_leaves_stdout_alone(
    people: Manifest, small: list[str], reseen_process: Reseen, tmp_path: Path
) -> None:
    more = ("-o", "training.epochs=2", "-o", "training.evaluate_every=1")

    answer = reseen_process("train", "-c", "tiny", *small, *more, "--data", people.root, "--output", tmp_path / "run")

    assert (answer.code, answer.out) == (0, "")
    for epoch in (1, 2):
        assert re.search(rf"^epoch {epoch}: loss \d+\.\d{{3}}, \d+ images/s$", answer.err, re.MULTILINE)
        assert re.search(rf"^epoch {epoch}: rank-1 \d+\.\d\d %, .*mAP \d+\.\d\d %", answer.err, re.MULTILINE)
    assert re.search(r"^done: 2 epochs, best rank-1 \d+\.\d\d % at epoch [12]$", answer.err, re.MULTILINE)
    assert (tmp_path / "run" / "checkpoints" / "best.safetensors").is_file()


def test_several_datasets_are_trained_on_and_each_is_told_on_its_own(
    people: Manifest, own_people: Path, small: list[str], reseen: Reseen, tmp_path: Path
) -> None:
    data = ("--data", people.root, "--data", own_people)

    answer = reseen("train", "-c", "tiny", *small, *data, "--output", tmp_path / "run")

    assert (answer.code, answer.out) == (0, "")
    for name in (f", {people.root.name}", ", own people", ", mean"):
        assert re.search(rf"^epoch 1{name}: rank-1 \d+\.\d\d %, .*mAP \d+\.\d\d %", answer.err, re.MULTILINE)
    log = (tmp_path / "run" / "train.log").read_text(encoding="utf-8")
    assert f"{people.root.name} + own people: 72 training images from {people.root}, {own_people}\n" in log
    assert "72 images of 12 people" in log


def test_another_dataset_is_evaluated_on_where_the_own_has_nothing_but_training_images(
    people: Manifest, small: list[str], reseen: Reseen, well_told: WellTold, tmp_path: Path
) -> None:
    rows = "".join(f"{s.path},{s.person},{s.camera},train\n" for s in people.split("train"))
    (tmp_path / "train.csv").write_text(f"path,person,camera,split\n{rows}", encoding="utf-8")
    command = ["train", "-c", "tiny", *small, "--data", tmp_path / "train.csv", "--output", tmp_path / "run"]

    refused = reseen(*command)
    answer = reseen(*command, "--eval-data", people.root)

    assert refused.code == 2
    assert f"{tmp_path / 'train.csv'} has no query images" in refused.err
    assert well_told(refused)
    assert answer.code == 0
    log = (tmp_path / "run" / "train.log").read_text(encoding="utf-8")
    assert f"evaluated on {people.root.name}: 12 query, 15 gallery images from {people.root}\n" in log
    assert re.search(rf"^epoch 1, {people.root.name}: rank-1 \d", answer.err, re.MULTILINE)


def test_a_dataset_without_training_images_is_for_evaluation_only(
    people: Manifest, own_people: Path, small: list[str], reseen: Reseen, well_told: WellTold, tmp_path: Path
) -> None:
    shutil.rmtree(own_people / "bounding_box_train")
    command = ["train", "-c", "tiny", *small, "--output", tmp_path / "run"]

    refused = reseen(*command, "--data", own_people)
    answer = reseen(*command, "--data", people.root, "--eval-data", own_people)

    assert refused.code == 2
    assert f"{own_people} has no training images" in refused.err
    assert well_told(refused)
    assert answer.code == 0
    assert "\nepoch 1, own people: rank-1 " in answer.err


@pytest.mark.parametrize("option", ["--data", "--eval-data"])
def test_the_same_dataset_twice_is_refused(
    option: str, people: Manifest, small: list[str], reseen: Reseen, well_told: WellTold, tmp_path: Path
) -> None:
    once = ["--data", people.root] if option == "--eval-data" else []
    twice = [option, people.root, option, people.root]

    answer = reseen("train", "-c", "tiny", *small, *once, *twice, "--output", tmp_path / "run")

    assert answer.code == 2
    assert f"{option} {people.root} is given twice" in answer.err
    assert well_told(answer)
    assert not (tmp_path / "run").exists()


def test_several_seeds_are_told_apart_and_compared(
    people: Manifest, small: list[str], reseen: Reseen, tmp_path: Path
) -> None:
    command = ["train", "-c", "tiny", *small, "--data", people.root, "--output", tmp_path / "runs", "--seeds", "2"]

    told = reseen(*command)
    again = reseen(*command, "--resume", "--json")

    assert (told.code, again.code) == (0, 0)
    for seed in (0, 1):
        assert re.search(rf"^seed {seed}, epoch 1: loss ", told.err, re.MULTILINE)
        assert re.search(rf"^seed {seed}, epoch 1: rank-1 \d", told.err, re.MULTILINE)
    lines = told.out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["rank-1", "rank-5", "rank-10", "mAP", "mINP"]
    found = json.loads(again.out)
    assert found == json.loads((tmp_path / "runs" / "seeds.json").read_text(encoding="utf-8"))
    last = found["figures"]["mAP"]["last"]
    assert lines[3].startswith(f"mAP: last {last['mean'] * 100:.2f} ± {last['std'] * 100:.2f} %, best ")


def test_a_single_run_gives_its_figures_as_json(
    people: Manifest, small: list[str], reseen: Reseen, tmp_path: Path
) -> None:
    answer = reseen("train", "-c", "tiny", *small, "--data", people.root, "--output", tmp_path / "run", "--json")

    found = json.loads(answer.out)
    assert (found["epochs"], found["best_epoch"]) == (1, 1)
    assert found["last"] == found["best"]
    assert f"best rank-1 {found['best']['recall1'] * 100:.2f} % at epoch 1" in answer.err


def test_one_seed_alone_cannot_be_compared(
    people: Manifest, small: list[str], reseen: Reseen, well_told: WellTold, tmp_path: Path
) -> None:
    command = ["train", "-c", "tiny", *small, "--data", people.root, "--output", tmp_path / "runs"]

    answer = reseen(*command, "--seeds", "1")

    assert answer.code == 2
    assert "--seeds 1 from seed 0 on is out of range" in answer.err
    assert well_told(answer)
    assert not (tmp_path / "runs").exists()


def test_ctrl_c_leaves_a_checkpoint_that_resume_continues(
    people: Manifest, small: list[str], reseen: Reseen, tmp_path: Path
) -> None:
    arguments = ["train", "-c", "tiny", *small, "--data", str(people.root), "--output", str(tmp_path / "run")]
    command = [sys.executable, "-m", "reseen", *arguments, "-o", "training.epochs=10000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while not process.stderr.readline().startswith("epoch 2:"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (1, "")
    stopped = re.search(r"error: stopped after epoch (\d+), iteration \d+\n  cure: .* --resume continues from", err)
    assert stopped is not None
    assert "Traceback" not in err
    epochs = int(stopped[1]) + 1
    answer = reseen(*arguments, "--resume", "-o", f"training.epochs={epochs}")
    assert answer.code == 0
    assert f"done: {epochs} epochs" in answer.err


def test_a_full_disk_leaves_the_last_checkpoint_whole(
    people: Manifest, run: Path, small: list[str], reseen_process: Reseen, reseen: Reseen, well_told: WellTold
) -> None:
    arguments = ["train", "-c", "tiny", *small, "-o", "training.epochs=2"]
    arguments += ["--data", str(people.root), "--output", str(run), "--resume"]
    before = checkpoints(run)
    limit = 16_384
    assert len(before["latest.safetensors"]) > limit

    answer = reseen_process(
        *arguments, prepare=f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    )

    assert answer.code == 1
    assert well_told(answer)
    assert "error: cannot write " in answer.err
    assert checkpoints(run) == before
    assert reseen(*arguments).code == 0  # there is room again: the run goes on


def png_of_claimed_size(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, and which holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def nothing(_: Path) -> None:
    pass


def no_query(people: Path) -> None:
    for image in (people / "query").glob("*.jpg"):
        image.unlink()


def torn_image(people: Path) -> None:
    image = min((people / "bounding_box_train").glob("*.jpg"))
    image.write_bytes(image.read_bytes()[:200])


def huge_image(people: Path) -> None:
    min((people / "bounding_box_train").glob("*.jpg")).write_bytes(png_of_claimed_size(60_000, 60_000))


@pytest.mark.parametrize(
    ("spoil", "options", "code", "what"),
    [
        (nothing, ["--data", "nowhere"], 2, "nowhere does not exist"),
        (nothing, ["--data", "."], 2, "holds no image"),
        (no_query, [], 2, "query holds no image"),
        (torn_image, [], 1, "0001_c1s1_000025_01.jpg cannot be decoded"),
        (huge_image, [], 1, "0001_c1s1_000025_01.jpg has too many pixels"),
        (nothing, ["-c", "tinny"], 2, "the recipe tinny cannot be read"),
        (nothing, ["-o", "training.epoch=3"], 2, "unknown key training.epoch"),
        (nothing, ["-o", "training.epochs=many"], 2, "training.epochs"),
        (nothing, ["-o", "losses.7.weight=1"], 2, "no such index in the list"),
        (nothing, ["-o", "epochs"], 2, "not an override"),
        (nothing, ["-o", "model.pretrained={path: nothing}"], 2, "another run"),
        (nothing, ["-o", "sampler.images_per_person=7", "-o", "sampler.short_persons=error"], 2, "fewer than 7"),
        (nothing, ["-o", "sampler.persons=99"], 2, "a batch needs 99 different people"),
        (nothing, ["-o", "optimizer.learning_rate=1"], 2, "another run"),
        (nothing, ["--device", "cuda:99"], 2, "--device cuda:99 cannot be used"),
    ],
)
def test_bad_input_is_told_with_what_expected_got_and_cure_and_the_run_stays_as_it_was(
    spoil: Callable[[Path], None],
    options: list[str],
    code: int,
    what: str,
    run: Path,
    own_people: Path,
    small: list[str],
    reseen: Reseen,
    well_told: WellTold,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    spoil(own_people)
    before = checkpoints(run)

    common = ["train", "-c", "tiny", *small, "--data", own_people, "--output", run, "--resume"]
    answer = reseen(*common, "-o", "training.epochs=2", *options)

    assert answer.code == code
    assert what in answer.err
    assert well_told(answer)
    assert checkpoints(run) == before


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["-o", "model.pretrained={}"], "names no file"),
        (["-o", "model.pretrained={path: nothing}"], "no weights at nothing"),
        (["--resume"], "no checkpoint to resume"),
    ],
)
def test_a_start_that_cannot_be_made_is_told_before_anything_is_trained(
    options: list[str],
    what: str,
    people: Manifest,
    small: list[str],
    reseen: Reseen,
    well_told: WellTold,
    tmp_path: Path,
) -> None:
    answer = reseen("train", "-c", "tiny", *small, "--data", people.root, "--output", tmp_path / "run", *options)

    assert answer.code == 2
    assert what in answer.err
    assert well_told(answer)
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.parametrize(
    ("output", "code", "what"), [("a file", 2, "{} cannot be a folder"), ("n" * 300, 1, "cannot write {}")]
)
def test_an_output_folder_that_cannot_be_made_is_told(
    output: str,
    code: int,
    what: str,
    people: Manifest,
    small: list[str],
    reseen: Reseen,
    well_told: WellTold,
    tmp_path: Path,
) -> None:
    (tmp_path / "a file").write_text("letter", encoding="utf-8")

    answer = reseen("train", "-c", "tiny", *small, "--data", people.root, "--output", tmp_path / output)

    assert answer.code == code
    assert what.format(tmp_path / output) in answer.err
    assert well_told(answer)


def test_a_folder_that_holds_a_run_is_refused(
    people: Manifest, run: Path, small: list[str], reseen: Reseen, well_told: WellTold
) -> None:
    answer = reseen("train", "-c", "tiny", *small, "--data", people.root, "--output", run)

    assert answer.code == 2
    assert f"{run} already holds a run" in answer.err
    assert well_told(answer)
