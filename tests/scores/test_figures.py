from __future__ import annotations

from reseen.scores.figures import in_words, name_in_words, percent


def test_a_share_is_shown_as_per_cent_with_two_digits() -> None:
    assert [percent(0.96429), percent(0.0), percent(1.0), percent(0.00005)] == [
        "96.43 %",
        "0.00 %",
        "100.00 %",
        "0.01 %",
    ]


def test_figures_have_the_names_of_the_field_in_its_order() -> None:
    figures = {"mAP": 0.5, "queries": 12, "recall1": 0.75, "recall10": 1.0}

    assert in_words(figures) == "rank-1 75.00 %, rank-10 100.00 %, mAP 50.00 %"


def test_the_figures_of_one_dataset_among_several_are_found_by_its_name() -> None:
    figures = {"people/recall1": 0.25, "recall1": 0.75, "others/mAP": 0.5}

    assert in_words(figures, "people/") == "rank-1 25.00 %"


def test_nothing_is_said_of_nothing() -> None:
    assert in_words({}) == ""


def test_a_figure_of_one_dataset_keeps_the_name_of_the_dataset() -> None:
    assert [name_in_words(key) for key in ("recall1", "a/b/recall5", "mAP", "a/queries")] == [
        "rank-1",
        "a/b/rank-5",
        "mAP",
        "a/queries",
    ]
