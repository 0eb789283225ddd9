from __future__ import annotations

import errno
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reseen.catalogue.download import Download, Limits
from reseen.errors import DownloadError, StorageError

CUT = 100_000


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "weights.bin.part"


def fetch(server: Any, part: Path, hash_known: bool = False, **limits: float) -> list[tuple[int, int]]:
    """What the progress was told."""
    told: list[tuple[int, int]] = []
    given: Any = limits
    Download(server.url, part, Limits(**given), {}, hash_known, lambda there, total: told.append((there, total))).run()
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


def test_a_server_that_does_not_say_how_long_the_file_is_will_do_where_its_hash_is_known(
    server: Any, part: Path
) -> None:
    server.length = False
    assert fetch(server, part, hash_known=True)[-1] == (len(server.content), 0)
    assert part.read_bytes() == server.content


@pytest.mark.parametrize("cut_after", [None, CUT])
def test_without_hash_and_length_nothing_is_fetched_that_could_be_cut_off(
    cut_after: int | None, server: Any, part: Path
) -> None:
    server.length, server.cut_after = False, cut_after
    with pytest.raises(DownloadError, match="an answer without its length"):
        fetch(server, part)
    assert not part.exists()


@pytest.mark.parametrize(
    ("ending", "word"), [(b"5\r\nworld\r\n0\r\n\r\n", ""), (b"5\r\nworld\r\n", "IncompleteRead"), (b"5\r\nwo", "Inc")]
)
def test_a_body_in_chunks_says_where_it_ends(ending: bytes, word: str, part: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    if not word:
        fetch_from_bytes(head + ending, part)
        assert part.read_bytes() == b"helloworld"
        return
    with pytest.raises(DownloadError, match=word):
        fetch_from_bytes(head + ending, part)


def fetch_from_bytes(answer: bytes, part: Path, prepare: Callable[[str], None] = lambda url: None) -> None:
    """Fetch from a server that says just this; its address is told before."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/a"
            prepare(url)
            Download(url, part, Limits(), {}, hash_known=False).run()
        finally:
            thread.join()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/html"},
        {"Content-Type": "Text/HTML; charset=utf-8"},
        {"Content-Encoding": "gzip"},
    ],
)
def test_a_web_page_or_what_is_packed_is_not_the_file(headers: dict[str, str], server: Any, part: Path) -> None:
    server.more = headers
    with pytest.raises(DownloadError, match="did not answer with the file") as error:
        fetch(server, part)
    assert "reseen models import" in str(error.value.cure)
    assert not part.exists()


@pytest.mark.parametrize("hash_known", [False, True])
@pytest.mark.parametrize("length", [False, True])
def test_no_bytes_are_no_file(length: bool, hash_known: bool, server: Any, part: Path) -> None:
    server.content, server.length = b"", length
    with pytest.raises(DownloadError, match="got: 0 bytes" if length or hash_known else "without its length"):
        fetch(server, part, hash_known)


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


def test_a_part_that_is_longer_than_it_tells_is_not_kept(part: Path) -> None:
    head = b'HTTP/1.1 206 Part\r\nETag: "1"\r\nContent-Range: bytes 2-4/5\r\nTransfer-Encoding: chunked\r\n\r\n'
    part.write_bytes(b"he")
    state = part.with_name(f"{part.name}.json")

    def state_for(url: str) -> None:
        state.write_text(json.dumps({"url": url, "tag": '"1"', "total": 5}))

    with pytest.raises(DownloadError, match="1 bytes more than announced"):
        fetch_from_bytes(head + b"4\r\nllo!\r\n0\r\n\r\n", part, state_for)
    assert not part.exists()


def test_a_part_that_is_shorter_than_asked_for_is_gone_on_from(server: Any, part: Path) -> None:
    cut_off(server, part)
    server.most = 50_000

    with pytest.raises(DownloadError, match=f"cut off after 150,000 of {len(server.content):,}") as error:
        fetch(server, part)
    assert "goes on after the 150,000 bytes" in str(error.value.cure)

    server.most = None
    fetch(server, part)
    assert server.asked[2]["Range"] == "bytes=150000-"
    assert part.read_bytes() == server.content


@pytest.mark.parametrize(
    "other", [{"etag": '"2"'}, {"etag": 'W/"1"'}, {"etag": ""}, {"content": bytes(200_000)}, {"told_total": "999999"}]
)
def test_a_part_of_another_file_is_not_put_behind_what_is_there(other: dict[str, Any], server: Any, part: Path) -> None:
    cut_off(server, part)
    server.careless = True
    for name, value in other.items():
        setattr(server, name, value)

    with pytest.raises(DownloadError, match="a part of another file") as error:
        fetch(server, part)
    assert str(error.value.cure).endswith("try again")

    fetch(server, part)
    assert "Range" not in server.asked[2]
    assert part.read_bytes() == server.content


def test_a_part_whose_file_was_dated_need_not_repeat_the_date(server: Any, part: Path) -> None:
    server.etag, server.modified = "", "Sun, 22 Nov 2026 10:00:00 GMT"
    cut_off(server, part)
    server.careless, server.modified = True, ""

    fetch(server, part)

    assert part.read_bytes() == server.content


def test_a_total_that_a_part_leaves_out_is_the_one_that_was_told(server: Any, part: Path) -> None:
    cut_off(server, part)
    server.told_total, server.most = "*", 50_000

    with pytest.raises(DownloadError, match=f"cut off after 150,000 of {len(server.content):,}"):
        fetch(server, part)


def test_a_part_of_a_file_whose_length_nobody_told_needs_a_hash(server: Any, part: Path) -> None:
    server.length, server.cut_after = False, CUT
    fetch(server, part, hash_known=True)
    part.with_name(f"{part.name}.json").write_text(json.dumps({"url": server.url, "tag": '"1"', "total": 0}))
    server.told_total, server.cut_after = "*", None

    with pytest.raises(DownloadError, match="a part of a file of unknown length"):
        fetch(server, part)


@pytest.mark.parametrize("told_total", ["100100", "x", "-1", "1e9", " "])
def test_a_part_that_tells_nonsense_is_refused(told_total: str, server: Any, part: Path) -> None:
    cut_off(server, part)
    state = part.with_name(f"{part.name}.json")
    state.write_text(state.read_text().replace(f"{len(server.content)}", "0"))
    server.told_total = told_total

    with pytest.raises(DownloadError, match=r"not asked for|of another length than it announced"):
        fetch(server, part)


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
        fetch(server, part, hash_known=True, bytes=300_000)
    assert part.stat().st_size == 0
    assert not part.with_name(f"{part.name}.json").exists()


def test_a_body_that_takes_too_long_is_given_up(server: Any, part: Path) -> None:
    server.endless = True
    with pytest.raises(DownloadError, match="not done after 0 seconds"):
        fetch(server, part, hash_known=True, seconds=0.0)


def test_headers_that_take_too_long_are_given_up(server: Any, part: Path) -> None:
    server.slow_headers = 0.05  # for ever: nothing but the deadline ends it

    with pytest.raises(DownloadError, match="not done after 1 seconds"):
        fetch(server, part, seconds=1.0)


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
        with pytest.raises(DownloadError, match="could not be fetched completely"):
            Download(f"http://127.0.0.1:{listening.getsockname()[1]}/a", part, Limits(), {}, hash_known=False).run()
        thread.join()


def test_an_unsafe_address_is_not_asked(part: Path) -> None:
    with pytest.raises(DownloadError, match="is not fetched"):
        Download("http://example.org/a", part, Limits(), {}, hash_known=False).run()


def test_a_full_disk_is_told_as_one(server: Any, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("reseen.catalogue.download.os.fsync", full)
    server.etag = ""
    with pytest.raises(StorageError, match="No space left"):
        fetch(server, part)
