from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from docs_pages.results.page import results_page
from docs_pages.results.record import EarlierTable, Record, read_records
from reseen.errors import UsageError
from reseen.recipe.load import load_recipe

MakeRecord = Callable[..., Record]


def cells(page: str, first: str) -> list[str]:
    """The row that begins with this cell."""
    (row,) = re.findall(rf"^\| {re.escape(first)} \| (.*) \|$", page, re.MULTILINE)
    return [first, *map(str.strip, row.split("|"))]


def test_the_page_in_the_documents_is_the_generated_one(repository: Path) -> None:
    page = (repository / "docs" / "results.md").read_text(encoding="utf-8")

    assert page == results_page(read_records(repository / "docs" / "results")), "run: scripts/results-page"


def test_the_recipe_of_every_record_can_still_be_loaded(repository: Path) -> None:
    for record in read_records(repository / "docs" / "results"):
        if isinstance(record, Record):
            recipe = load_recipe(record.recipe, record.overrides)
            assert (recipe.preprocess.height, recipe.preprocess.width) == (record.height, record.width)


def test_a_run_is_a_row_with_the_command_that_repeats_it(make_record: MakeRecord) -> None:
    page = results_page([make_record(reranked=0.6, note="Stopped twice")])

    assert cells(page, "small") == [
        *("small", "`osnet (width 0.25)`", "scratch", "128×64", "10", "0", "50.0", "90.0", "25.0", "60.0", "40.0"),
        *("10 min", "a processor"),
    ]
    assert "# small: measured is epoch 10, the last. Stopped twice\n" in page
    options = "-o preprocess.height=128 -o preprocess.width=64"
    assert f"\nreseen train -c osnet_x0_25 --data Market-1501-v15.09.15 --output runs/small {options}\n" in page
    assert "\nreseen evaluate -c runs/small/recipe.yaml --weights runs/small/checkpoints/best " in page


def test_words_with_a_bar_stay_in_their_cell(make_record: MakeRecord) -> None:
    assert "\n| slow \\| steady | `osnet" in results_page([make_record(words="slow | steady")])


def test_seeds_of_a_recipe_are_one_row_with_their_spread(make_record: MakeRecord) -> None:
    seeds = [
        make_record(seed=seed, recall1=recall1, training_seconds=seconds)
        for seed, recall1, seconds in ((3, 0.5, 30.0), (4, 0.54, 90.0))
    ]
    page = results_page(seeds)

    # The sample standard deviation of 50 and 54 is the root of 8.
    assert cells(page, "small")[5:9] == ["3, 4", "52.0 ± 2.8", "90.0 ± 0.0", "25.0 ± 0.0"]
    assert cells(page, "small")[11] == "60 s"
    assert "--output runs/small --seeds 2 -o preprocess.height=128 -o preprocess.width=64 -o seed=3\n" in page


def test_re_ranked_figures_are_of_all_seeds_or_not_there(make_record: MakeRecord) -> None:
    page = results_page([make_record(seed=0, reranked=0.6), make_record(seed=1)])

    assert cells(page, "small")[9:11] == ["", ""]


def test_what_differs_between_seeds_is_told_of_each(make_record: MakeRecord) -> None:
    page = results_page([make_record(seed=0, note="One"), make_record(seed=1, epochs=8, weights="epoch 8", note="Two")])

    assert cells(page, "small")[4] == "10, 8"
    assert "# small: measured is epoch 10, the last; epoch 8. One. Two\n" in page


def test_seeds_with_gaps_have_a_command_each(make_record: MakeRecord) -> None:
    page = results_page([make_record(seed=0), make_record(seed=2)])

    assert "--output runs/small/seed_0 " in page
    assert re.search(r"--output runs/small/seed_2 .* -o seed=2$", page, re.MULTILINE)


def test_other_data_is_named_in_the_command(make_record: MakeRecord) -> None:
    page = results_page([make_record(data=("a", "b c"), evaluated=("d",), starter="torchrun -m reseen")])

    assert "\ntorchrun -m reseen train -c osnet_x0_25 --data a --data 'b c' --eval-data d --output" in page


@pytest.mark.parametrize("other", [{"seed": 1, "overrides": ()}, {"seed": 1, "machine": "another"}, {"seed": 0}])
def test_records_of_one_name_that_are_not_of_one_recipe_are_refused(
    make_record: MakeRecord, other: dict[str, object]
) -> None:
    with pytest.raises(UsageError, match="the records called small are not of one recipe"):
        results_page([make_record(), make_record(**other)])


def test_a_comparison_tells_differences_and_which_say_nothing(make_record: MakeRecord) -> None:
    def row(name: str, place: int, *values: float) -> list[Record]:
        more = {"name": name, "words": name, "place": place, "comparison": "small network"}
        return [make_record(mean_ap=value, seed=seed, **more) for seed, value in enumerate(values)]

    page = results_page([*row("b", 1, 0.31, 0.33), *row("a", 2, 0.40, 0.42), *row("usual", 0, 0.30, 0.32)])

    # Variances 2 with a degree of freedom each; t(0.975, 3) = 3.182 times the root of 2.
    assert cells(page, "b")[-1] == "+1.0 ± 4.5: says nothing"
    assert cells(page, "a")[-1] == "+10.0 ± 4.5"
    assert cells(page, "usual")[1:3] + cells(page, "usual")[-1:] == ["0, 1", "31.0 ± 1.4", ""]
    assert page.index("| usual |") < page.index("| b |") < page.index("| a |")
    assert "Market-1501, full protocol" not in page


def test_a_comparison_of_single_seeds_claims_no_interval(make_record: MakeRecord) -> None:
    page = results_page(
        [
            make_record(mean_ap=value, name=name, words=name, place=place, comparison="small")
            for place, (name, value) in enumerate([("a", 0.3), ("b", 0.4)])
        ]
    )

    assert cells(page, "b")[-1] == "+10.0, one seed each: says nothing"


def test_a_comparison_without_people_set_aside_is_refused(make_record: MakeRecord) -> None:
    with pytest.raises(UsageError, match="without people set aside"):
        results_page([make_record(comparison="small network")])


def test_earlier_rows_stand_as_they_were_written_down() -> None:
    table = EarlierTable(
        title="Before",
        place=0,
        before="Above.",
        columns=("a", "b"),
        rows=(("1", "2"),),
        after="Below.",
        commands=("x",),
    )
    words = EarlierTable(title="Words", place=1, before="Only words.", columns=(), rows=())
    page = results_page([words, table])

    assert "## Before\nAbove.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\nBelow.\n\n```\nx\n```\n" in page
    assert page.endswith("\n## Words\nOnly words.\n")
