"""What is read back is exactly what was written, or refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reseen.strict import Count, Rate, Strict


class Example(Strict):
    """Some figures."""

    share: Rate
    number: Count
    bounds: tuple[float, float] | None = None


def test_json_is_read_back_as_it_was_written() -> None:
    example = Example(share=0.1, number=3, bounds=(-1.0, 1 / 3))
    assert Example.model_validate_json(example.model_dump_json()) == example


@pytest.mark.parametrize(
    "text",
    [
        '{"share": 0.1}',
        '{"share": 0.1, "number": 3, "other": 1}',
        '{"share": "0.1", "number": 3}',
        '{"share": 0.1, "number": 3.5}',
        '{"share": 0.1, "number": -1}',
        '{"share": 1.1, "number": 3}',
        '{"share": NaN, "number": 3}',
        '{"share": 0.1, "number": 3, "bounds": [Infinity, 1]}',
        '{"share": 0.1, "number": 3, "bounds": [1]}',
        '{"share": 0.1, "number": true}',
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Example.model_validate_json(text)
