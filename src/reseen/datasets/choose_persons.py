"""Choosing persons by a hash of their names: the same ones every time, however many others there are."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from reseen.errors import DatasetError


def choose_persons(
    persons: Collection[str], fraction: float, *, fewest: int, fewest_left: int, purpose: str = ""
) -> frozenset[str]:
    """About `fraction` of the persons, chosen by the SHA-256 of their names.

    A person stays chosen, or not, when others join. (Where that leaves too few on a side, the next ones by hash change
    sides.)

    Args:
        persons: all of them.
        fraction: share to choose, 0..1.
        fewest: how many are chosen at least.
        fewest_left: how many are not chosen at least.
        purpose: choices for different purposes do not depend on each other.

    Raises:
        DatasetError: there are fewer than `fewest` + `fewest_left` persons.
    """
    if len(persons) < fewest + fewest_left:
        raise DatasetError(
            "the dataset has too few persons to keep some out of training",
            expected=f"at least {fewest + fewest_left} persons",
            got=f"{len(persons)}",
            cure="add persons, or name the parts with a split column (train, query, gallery)",
        )
    shares = {person: _share(purpose + person) for person in persons}
    ranked = sorted(persons, key=shares.__getitem__)
    chosen = sum(share < fraction for share in shares.values())
    return frozenset(ranked[: min(max(chosen, fewest), len(ranked) - fewest_left)])


def _share(name: str) -> float:
    """A number in 0..1 that depends on the name alone, evenly spread over names."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]) / 2**48
