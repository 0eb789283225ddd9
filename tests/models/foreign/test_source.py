from __future__ import annotations

import torch

from reseen.models.foreign.import_weights import SOURCES
from reseen.models.foreign.source import always, as_it_is, never
from reseen.models.network import BACKBONES


def test_entries_stay_as_they_are_unless_a_source_says_otherwise() -> None:
    entry = torch.ones(2, 3)
    assert as_it_is("fc.weight", entry) is entry


def test_whether_a_checkpoint_is_to_start_from_may_not_depend_on_its_names() -> None:
    assert always([])
    assert not never([])


def test_every_source_has_networks_that_recipes_have() -> None:
    for source in SOURCES.values():
        assert source.backbones
        assert set(source.backbones) <= BACKBONES.keys()
