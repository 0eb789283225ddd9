from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from reseen.errors import UsageError
from reseen.reports.drawing import (
    HIT,
    MAX_MATCHES,
    MAX_ROWS,
    MISS,
    UNKNOWN,
    RankedList,
    RankedMatch,
    draw_ranked_lists,
)

BLUE, PINK = (10, 20, 230), (240, 120, 180)


def flat(colour: tuple[int, int, int], height: int = 128, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), colour, dtype=np.uint8)


def match(hit: bool | None, label: str = "") -> RankedMatch:
    return RankedMatch(flat(PINK), score=0.5, hit=hit, label=label)


def draw(query: np.ndarray, matches: list[RankedMatch]) -> Image.Image:
    """The ranked list of one query without a label."""
    return draw_ranked_lists([RankedList("", query, matches)])


def where(picture: Image.Image, colour: tuple[int, int, int]) -> np.ndarray:
    """Rows and columns of the pixels of a colour."""
    return np.argwhere((np.asarray(picture) == colour).all(axis=2))


def tile(picture: Image.Image, colour: tuple[int, int, int]) -> tuple[slice, slice]:
    """The rectangle that a frame of this colour takes."""
    (top, left), (bottom, right) = where(picture, colour).min(axis=0), where(picture, colour).max(axis=0)
    return slice(top, bottom + 1), slice(left, right + 1)


def test_ten_matches_make_a_picture_of_a_page_width() -> None:
    assert 950 <= draw(flat(BLUE), [match(True)] * 10).width <= 1050


def test_the_query_comes_first_and_matches_follow_by_rank() -> None:
    colours = [(30 * rank, 255 - 30 * rank, 7) for rank in range(1, 5)]
    picture = draw(flat(BLUE), [RankedMatch(flat(c), 0.1, None) for c in colours])
    columns = [where(picture, colour)[:, 1] for colour in (BLUE, *colours)]
    for left, right in pairwise(columns):
        assert left.max() < right.min()


@pytest.mark.parametrize(("hit", "colour"), [(True, HIT), (False, MISS), (None, UNKNOWN)])
def test_the_frame_says_what_a_match_is(hit: bool | None, colour: tuple[int, int, int]) -> None:
    picture = draw(flat(BLUE), [match(hit)])
    frame = np.asarray(picture)[tile(picture, colour)]
    inside = (frame == PINK).all(axis=2)
    assert frame.shape[0] == 2 * (frame.shape[1] - 8) + 8
    assert inside[4:-4, 4:-4].mean() > (0.95 if hit is not None else 0.999)
    assert not inside[:4].any()
    assert not inside[:, :4].any()
    assert sum(len(where(picture, other)) > 0 for other in (HIT, MISS, UNKNOWN)) == 1


def test_hits_and_misses_differ_without_colour_too() -> None:
    def bottom_edge(hit: bool | None, colour: tuple[int, int, int]) -> np.ndarray:
        picture = draw(flat(BLUE), [match(hit)])
        return np.asarray((np.asarray(picture)[tile(picture, colour)][-2] == colour).all(axis=1))

    assert bottom_edge(True, HIT).all()
    assert bottom_edge(None, UNKNOWN).all()
    dashes = np.count_nonzero(np.diff(bottom_edge(False, MISS).astype(int)))
    assert dashes >= 6


def test_a_tick_and_a_cross_mark_the_corner_and_nothing_marks_the_unknown() -> None:
    def corner(hit: bool | None, colour: tuple[int, int, int]) -> np.ndarray:
        picture = draw(flat(BLUE), [match(hit)])
        rows, columns = tile(picture, colour)
        return np.asarray(picture)[rows.start + 4 : rows.start + 18, columns.start + 4 : columns.start + 18]

    tick, cross = (corner(*kind) for kind in ((True, HIT), (False, MISS)))
    white = [(image == 255).all(axis=2) for image in (tick, cross)]
    assert white[0].sum() > 8
    assert white[1].sum() > 8
    assert (white[0] != white[1]).sum() > 8
    assert (corner(None, UNKNOWN) == PINK).all()


def test_scores_and_labels_are_written_below() -> None:
    def ink_below(picture: Image.Image) -> int:
        rows, columns = tile(picture, HIT)
        return int((np.asarray(picture)[rows.stop :, columns] < 200).all(axis=2).sum())

    one = ink_below(draw(flat(BLUE), [match(True)]))
    two = ink_below(draw(flat(BLUE), [match(True, label="camera 3")]))
    assert two > one > 20


def test_a_label_of_any_length_stays_below_its_own_image() -> None:
    def right_of_the_query(label: str) -> bytes:
        picture = draw_ranked_lists([RankedList(label, flat(BLUE), [match(True)], sublabel=label)])
        _, columns = tile(picture, HIT)
        return picture.crop((columns.start - 8, 0, picture.width, picture.height)).tobytes()

    assert right_of_the_query("W" * 5000) == right_of_the_query("")
    assert right_of_the_query("two\nlines " * 9) == right_of_the_query("")


def test_rows_are_stacked_and_may_differ_in_length() -> None:
    rows = [RankedList("a", flat(BLUE), [match(True)] * 3), RankedList("b", flat(BLUE), [match(True)])]
    both, first = draw_ranked_lists(rows), draw_ranked_lists(rows[:1])
    assert both.width == first.width
    assert both.height > 1.8 * first.height
    half = both.height // 2
    upper, lower = (where(both.crop((0, top, both.width, top + half)), HIT) for top in (0, half))
    assert len(upper) == pytest.approx(3 * len(lower), rel=0.01)


@pytest.mark.parametrize(("height", "width"), [(128, 64), (40, 200), (900, 30), (1, 1)])
def test_images_keep_their_proportions(height: int, width: int) -> None:
    picture = draw(flat(BLUE, height, width), [match(True)])
    tall, wide = np.ptp(where(picture, BLUE), axis=0) + 1
    assert tall == pytest.approx(wide * height / width, abs=max(1.0, 0.6 * height / width))
    assert tall <= 148
    assert wide <= 74
    assert tall == 148 or wide == 74


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [RankedList("", flat(BLUE), [])],
        [RankedList("", flat(BLUE), [match(True)] * (MAX_MATCHES + 1))],
        [RankedList("", flat(BLUE), [match(True)])] * (MAX_ROWS + 1),
    ],
    ids=["no row", "no match", "too many matches", "too many rows"],
)
def test_counts_out_of_bounds_are_refused(rows: list[RankedList]) -> None:
    with pytest.raises(UsageError, match="cannot be drawn") as caught:
        draw_ranked_lists(rows)
    assert caught.value.cure is not None
