"""Terms are said once, on standard error."""

from __future__ import annotations

from pathlib import Path

import pytest

from reseen.bundle.bundle import open_bundle
from reseen.bundle.shipped import FOLDER
from reseen.cli.terms import tell_terms


def test_only_terms_that_restrict_are_said(small_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tell_terms(open_bundle(small_bundle))
    assert capsys.readouterr().err == ""

    tell_terms(open_bundle(FOLDER))
    told = capsys.readouterr()
    assert told.err.startswith("terms of default: research use only: Market-1501 may be used for research")
    assert told.out == ""
