"""Telling the terms of a model where its results are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reseen.cli.console import say

if TYPE_CHECKING:
    from reseen.bundle.bundle import Bundle


def tell_terms(bundle: Bundle) -> None:
    """Say what the model may be used for, where that is not everything."""
    from reseen.bundle.terms import restriction

    terms = restriction(bundle.description)
    if terms is not None:
        say(f"terms of {bundle.description.name}: {terms}")
