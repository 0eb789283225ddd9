from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.datasets.choose_persons import choose_persons
from reseen.errors import DatasetError

NAMES = [f"person {number}" for number in range(2000)]


@given(st.sets(st.text(min_size=1), min_size=5, max_size=20), st.floats(0, 1))
def test_enough_are_chosen_and_enough_are_left(persons: set[str], fraction: float) -> None:
    chosen = choose_persons(persons, fraction, fewest=3, fewest_left=2)

    assert chosen <= persons
    assert 3 <= len(chosen) <= len(persons) - 2
    assert chosen == choose_persons(sorted(persons, reverse=True), fraction, fewest=3, fewest_left=2)


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_about_the_fraction_is_chosen_and_stays_so_when_others_join(fraction: float) -> None:
    all_of_them = choose_persons(NAMES, fraction, fewest=1, fewest_left=1)
    half = choose_persons(NAMES[::2], fraction, fewest=1, fewest_left=1)

    assert len(all_of_them) == pytest.approx(2000 * fraction, abs=90)  # four standard deviations at most
    assert half == all_of_them & set(NAMES[::2])


def test_choices_for_different_purposes_do_not_depend_on_each_other() -> None:
    one, other = (choose_persons(NAMES, 0.5, fewest=1, fewest_left=1, purpose=name) for name in ("a", "b"))

    assert len(one & other) == pytest.approx(500, abs=90)


def test_the_choice_is_the_one_that_sha256_makes() -> None:
    assert choose_persons(NAMES[:12], 0.25, fewest=2, fewest_left=2) == {"person 3", "person 9"}


def test_too_few_persons_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"too few persons(.|\n)*at least 5 persons(.|\n)*got: 4"):
        choose_persons(NAMES[:4], 0.5, fewest=3, fewest_left=2)
