from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.datasets.hold_out import hold_out
from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Manifest, Sample, Split
from reseen.datasets.set_aside import NOBODY, people_hash, set_aside
from reseen.errors import DatasetError


def dataset(persons: int, *, split: Split | None = "train") -> Manifest:
    samples = [
        Sample(Path(f"{person}/{image}.jpg"), f"p{person}", camera=str(image), split=split)
        for person in range(persons)
        for image in range(3)
    ]
    others = [
        Sample(Path("q.jpg"), "q", "0", "query"),
        Sample(Path("g.jpg"), "q", "1", "gallery"),
        Sample(Path("d.jpg"), DISTRACTOR_NAME, "1", "gallery"),
        Sample(Path("j.jpg"), JUNK_NAME, "1", "train"),
    ]
    return Manifest("made", Path("root"), tuple(samples + (others if split else [])))


@given(st.integers(5, 40), st.floats(0.01, 0.99))
def test_every_training_person_is_trained_on_or_calibrated_on(persons: int, fraction: float) -> None:
    whole = dataset(persons)

    done = set_aside(whole, fraction)

    trained = {sample.person for sample in done.rest.split("train")}
    calibrated = {sample.person for sample in done.calibration.samples}
    assert trained | calibrated == {f"p{number}" for number in range(persons)}
    assert not trained & calibrated
    assert len(trained) >= 2
    assert len(calibrated) >= 3
    for split in ("query", "gallery"):
        assert done.rest.split(split) == whole.split(split)
        assert {s.path for s in done.calibration.split(split)} == {
            s.path for s in whole.split("train") if s.person in calibrated
        }
    assert done.calibration.name == f"{len(calibrated)} people set aside from made"
    assert done.rest.junk == whole.junk


def test_without_a_share_the_dataset_stays_as_it_is() -> None:
    done = set_aside(dataset(4), 0.0)

    assert done.rest == dataset(4)
    assert done.calibration.samples == ()


def test_people_held_out_for_evaluation_are_not_set_aside_and_the_choices_differ() -> None:
    divided = hold_out(dataset(400, split=None), 0.5)
    evaluated = {sample.person for sample in divided.split("query")}

    done = set_aside(divided, 0.5)

    calibrated = {sample.person for sample in done.calibration.samples}
    assert not calibrated & evaluated
    assert len(calibrated) == pytest.approx(100, abs=40)


def test_too_few_training_persons_are_refused() -> None:
    with pytest.raises(DatasetError, match="too few persons to keep some out of training"):
        set_aside(dataset(4), 0.5)


def test_the_hash_of_people_is_over_their_names_whatever_their_images() -> None:
    wanted = hashlib.sha256(b"a\nb").hexdigest()
    samples = [
        Sample(path=Path(f"{n}.jpg"), person=person) for n, person in enumerate(["b", "a", "b", DISTRACTOR_NAME])
    ]
    assert people_hash(Manifest("x", Path(), tuple(samples))) == wanted
    assert people_hash(Manifest("y", Path("z"), tuple(samples[:2]))) == wanted
    assert people_hash(Manifest("nobody", Path(), ())) == NOBODY
