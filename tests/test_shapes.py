from __future__ import annotations

import runpy
import sys

import jaxtyping
import numpy as np
import pytest

from reseen import shapes


def test_the_names_are_jaxtypings() -> None:
    assert all(getattr(shapes, name) is getattr(jaxtyping, name) for name in shapes.__all__)


def test_without_jaxtyping_they_stand_for_the_array_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jaxtyping", None)
    alone = runpy.run_path(shapes.__file__)

    assert [alone[name][np.ndarray, "n d"] for name in shapes.__all__] == [np.ndarray] * len(shapes.__all__)
