from __future__ import annotations

import io
import pickle
import zipfile
from collections import Counter, OrderedDict
from typing import Any

import numpy as np
import pytest
import torch

from reseen.models.foreign.pickle_machine import Rest
from reseen.models.foreign.rehearsal import Rehearsal


def rehearse(pickled: bytes) -> Any:
    return Rehearsal().run(Rest(io.BufferedReader(io.BytesIO(pickled)), len(pickled)))


def test_what_torch_saves_passes() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(3, 2)).sum().backward()
    optimizer.step()
    held = {
        "state_dict": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": {"milestones": Counter([40, 70]), "last_epoch": 3},
        "rank1": np.float32(0.5),
        "more": OrderedDict(a=torch.nn.Parameter(torch.ones(1)), size=torch.Size([1])),
    }
    file = io.BytesIO()
    torch.save(held, file)
    with zipfile.ZipFile(file) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("data.pkl")]
        made = rehearse(archive.read(name))
    assert made.keys() == held.keys()


def test_nothing_that_is_named_is_called() -> None:
    made = rehearse(b"\x80\x02cos\nsystem\nX\x0b\x00\x00\x00touch trace\x85R.")
    assert type(made).__name__ == "Something"


@pytest.mark.parametrize("key", [(), (1,), ((1, 2), 3), None])
def test_keys_are_names_or_numbers(key: object) -> None:
    assert rehearse(pickle.dumps({1: 2, "a": 3}, protocol=2)) == {1: 2, "a": 3}
    with pytest.raises(ValueError, match="keys are not names"):
        rehearse(pickle.dumps({key: 1}, protocol=2))


def test_keys_of_what_torch_makes_are_too() -> None:
    with pytest.raises(ValueError, match="keys are not names"):
        rehearse(b"\x80\x02ccollections\nOrderedDict\n)R)K\x01s.")


def test_texts_are_short() -> None:
    with pytest.raises(ValueError, match="a text of 5,000 characters"):
        rehearse(pickle.dumps(["a" * 5000], protocol=2))


@pytest.mark.parametrize("pickled", [b"\x80\x02R.", b"\x80\x02b.", b"\x80\x02Q.", b"\x80\x02K\x01a.", b"\x80\x02\x8f."])
def test_an_opcode_without_what_it_works_on_is_refused(pickled: bytes) -> None:
    with pytest.raises(ValueError, match=r"an opcode without|a int in the place|the opcode|in the place of"):
        rehearse(pickled)
