from __future__ import annotations

import pytest

from reseen.cli.processes import rank_info
from reseen.errors import UsageError

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    assert rank_info() == (0, 1, 0)


def test_torchruns_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(VARIABLES, ("5", "8", "1", "node0", "29500"), strict=True):
        monkeypatch.setenv(name, value)

    told = rank_info()
    assert (told.rank, told.processes, told.local_rank) == (5, 8, 1)


@pytest.mark.parametrize(
    ("name", "value"), [("RANK", "first"), ("WORLD_SIZE", "0"), ("LOCAL_RANK", "-1"), ("RANK", "")]
)
def test_what_torchrun_would_not_write_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=name) as refused:
        rank_info()
    assert refused.value.got == value


@pytest.mark.parametrize(("rank", "missing"), [("0", "MASTER_PORT"), ("1", "MASTER_ADDR"), ("2", "LOCAL_RANK")])
def test_a_world_that_torchrun_did_not_make_is_refused(
    monkeypatch: pytest.MonkeyPatch, rank: str, missing: str
) -> None:
    for name, value in zip(VARIABLES, (rank, "2", "0", "node0", "29500"), strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(missing)
    with pytest.raises(UsageError, match="WORLD_SIZE=2 announces other processes") as refused:
        rank_info()
    assert "torchrun" in str(refused.value.cure)
