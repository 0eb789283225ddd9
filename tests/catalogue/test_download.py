from __future__ import annotations

import errno
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from reseen.catalogue.download import Download, Limits
from reseen.errors import DownloadError, StorageError

CUT = 100_000


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "weights.bin.part"


def fetch(server: Any, part: Path, **limits: float) -> list[tuple[int, int]]:
    """What the progress was told."""
    told: list[tuple[int, int]] = []
    given: Any = limits
    Download(server.url, part, Limits(**given), {}, lambda there, total: told.append((there, total))).run()
    return told


def cut_off(server: Any, part: Path) -> None:
    """Fetch the beginning."""
    server.cut_after = CUT
    with pytest.raises(DownloadError, match=f"cut off after {CUT:,}"):
        fetch(server, part)
    server.cut_after = None


def test_a_file_is_fetched_whole_and_nothing_is_left_beside_it(server: Any, part: Path) -> None:
    told = fetch(server, part)

    assert part.read_bytes() == server.content
    assert told[-1] == (len(server.content), len(server.content))
    assert list(part.parent.iterdir()) == [part]


def test_a_server_that_does_not_say_how_long_the_file_is_will_do(server: Any, part: Path) -> None:
    server.length = False
    assert fetch(server, part)[-1] == (len(server.content), 0)
    assert part.read_bytes() == server.content


@pytest.mark.parametrize(("etag", "modified"), [('"1"', ""), ("", "Sun, 22 Nov 2026 10:00:00 GMT")])
def test_what_was_cut_off_goes_on_where_it_ended(etag: str, modified: str, server: Any, part: Path) -> None:
    server.etag, server.modified = etag, modified
    cut_off(server, part)

    fetch(server, part)

    assert server.asked[1]["Range"] == f"bytes={CUT}-"
    assert server.asked[1]["If-Range"] == (etag or modified)
    assert part.read_bytes() == server.content


def test_the_error_says_that_the_same_command_goes_on(server: Any, part: Path) -> None:
    server.cut_after = CUT
    with pytest.raises(DownloadError) as error:
        fetch(server, part)
    assert f"goes on after the {CUT:,} bytes" in str(error.value.cure)


def test_a_file_that_changed_in_between_is_fetched_anew(server: Any, part: Path) -> None:
    cut_off(server, part)
    server.content, server.etag = b"changed" * 30_000, '"2"'

    fetch(server, part)

    assert part.read_bytes() == server.content


@pytest.mark.parametrize("etag", ["", 'W/"1"'])
def test_without_a_strong_tag_it_begins_anew(etag: str, server: Any, part: Path) -> None:
    server.etag = etag
    cut_off(server, part)

    fetch(server, part)

    assert "Range" not in server.asked[1]
    assert part.read_bytes() == server.content


def test_a_server_without_parts_sends_it_all_again(server: Any, part: Path) -> None:
    server.ranges = False
    cut_off(server, part)

    fetch(server, part)

    assert "Range" in server.asked[1]
    assert part.read_bytes() == server.content


def test_a_part_of_another_address_is_not_gone_on_from(server: Any, part: Path) -> None:
    cut_off(server, part)
    state = part.with_name(f"{part.name}.json")
    state.write_text(state.read_text().replace("weights-", "others-"))

    fetch(server, part)

    assert "Range" not in server.asked[1]
    assert part.read_bytes() == server.content


def test_a_part_that_is_longer_than_the_file_is_fetched_anew(server: Any, part: Path) -> None:
    cut_off(server, part)
    part.write_bytes(bytes(len(server.content)))

    fetch(server, part)

    assert part.read_bytes() == server.content


def test_a_part_from_the_wrong_place_is_refused(server: Any, part: Path) -> None:
    cut_off(server, part)
    server.shift = 1

    with pytest.raises(DownloadError, match="not asked for"):
        fetch(server, part)

    server.shift = 0
    fetch(server, part)
    assert part.read_bytes() == server.content


@pytest.mark.parametrize("damage", [b"", b"{", b'{"url": 1}', bytes(10**4)])
def test_a_damaged_note_of_what_the_part_is_of_begins_anew(damage: bytes, server: Any, part: Path) -> None:
    cut_off(server, part)
    part.with_name(f"{part.name}.json").write_bytes(damage)

    fetch(server, part)

    assert part.read_bytes() == server.content


@pytest.mark.parametrize("status", [404, 403, 500, 503])
def test_a_refusal_is_told_with_its_number(status: int, server: Any, part: Path) -> None:
    server.status = status
    with pytest.raises(DownloadError, match=f"got: {status} ") as error:
        fetch(server, part)
    assert "refused by its server" in error.value.what
    assert not part.exists()


def test_a_file_that_says_it_is_too_large_is_not_begun(server: Any, part: Path) -> None:
    with pytest.raises(DownloadError, match="is too large"):
        fetch(server, part, bytes=1000)
    assert not part.exists()


def test_a_body_without_an_end_is_given_up(server: Any, part: Path) -> None:
    server.endless = True
    with pytest.raises(DownloadError, match="more, and no end"):
        fetch(server, part, bytes=300_000)
    assert part.stat().st_size == 0
    assert not part.with_name(f"{part.name}.json").exists()


def test_a_body_that_takes_too_long_is_given_up(server: Any, part: Path) -> None:
    server.endless = True
    with pytest.raises(DownloadError, match="not done after 0 seconds"):
        fetch(server, part, seconds=0.0)


def test_silence_is_given_up(server: Any, part: Path) -> None:
    server.wait = threading.Event()
    try:
        with pytest.raises(DownloadError, match="timed out"):
            fetch(server, part, silence=0.2)
    finally:
        server.wait.set()


def test_no_connection_is_told(server: Any, part: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server.port = free.getsockname()[1]
        with pytest.raises(DownloadError, match="refused"):
            fetch(server, part)


def test_an_answer_that_is_no_http_is_told(part: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 hello\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(DownloadError, match="could not be fetched whole"):
            Download(f"http://127.0.0.1:{listening.getsockname()[1]}/a", part, Limits(), {}).run()
        thread.join()


def test_an_unsafe_address_is_not_asked(part: Path) -> None:
    with pytest.raises(DownloadError, match="is not fetched"):
        Download("http://example.org/a", part, Limits(), {}).run()


def test_a_full_disk_is_told_as_one(server: Any, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("reseen.catalogue.download.os.fsync", full)
    server.etag = ""
    with pytest.raises(StorageError, match="No space left"):
        fetch(server, part)
