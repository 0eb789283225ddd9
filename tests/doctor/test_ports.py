from __future__ import annotations

import socket

import pytest

from reseen.doctor.ports import check_port


@pytest.mark.parametrize("address", ["127.0.0.1", ""])  # the second is every address
def test_a_port_is_taken_while_a_program_listens_there_and_free_after(address: str) -> None:
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]
        taken = check_port(port)
    free = check_port(port)

    assert (taken.name, taken.status, taken.text) == (f"port {port}", "problem", "taken by another program")
    assert "another port" in str(taken.cure)
    assert (free.status, free.text) == ("ok", "free")


def test_a_port_that_cannot_be_bound_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: tuple[str, int]) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)

    found = check_port(80)

    assert (found.status, found.text) == ("problem", "cannot be used: Permission denied")
