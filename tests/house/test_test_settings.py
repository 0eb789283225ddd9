"""The settings that the other tests rely on are in force."""

from __future__ import annotations

import warnings

import pytest
from jaxtyping import TypeCheckError

from reseen.datasets.manifest import person_labels


def test_annotations_of_the_source_are_checked() -> None:
    with pytest.raises(TypeCheckError):
        person_labels(["no", "samples"])  # type: ignore[arg-type]


def test_a_warning_is_an_error() -> None:
    with pytest.raises(UserWarning, match="raised"):
        warnings.warn("raised", stacklevel=1)
