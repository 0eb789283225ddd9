from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reseen.catalogue.download import Limits
from reseen.catalogue.entry import Entry
from reseen.catalogue.store import Store
from reseen.errors import DownloadError, StorageError, UsageError


@pytest.fixture
def entry(server: Any) -> Entry:
    """A model of which nothing is published but where it is."""
    return Entry("model", "a model", "none stated", "people", "a test", "reseen …", url=server.url)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_model_is_fetched_once_and_then_there(server: Any, store: Store, entry: Entry) -> None:
    assert store.find(entry) is None

    kept = store.pull(entry)

    assert kept.path == store.home / "models" / "model" / "weights-00000000.bin"
    assert kept.path.read_bytes() == server.content
    assert kept == store.find(entry) == store.pull(entry)
    assert len(server.asked) == 1


def sha384(content: bytes) -> str:
    return hashlib.sha384(content).hexdigest()


def test_a_model_of_two_files_is_there_when_both_are(server: Any, store: Store, entry: Entry) -> None:
    whole = replace(entry, sha384=sha384(server.content), url=server.url.replace(".bin", ".xml"))
    whole = replace(whole, beside=(whole.further(server.url, len(server.content), sha384(server.content)),))

    kept = store.pull(whole)

    folder = store.home / "models" / "model"
    assert kept.path == folder / "weights-00000000.xml"
    assert kept.path.read_bytes() == (folder / "weights-00000000.bin").read_bytes() == server.content
    assert kept == store.find(whole) == store.pull(whole)
    assert len(server.asked) == 2
    (folder / "weights-00000000.bin").unlink()
    assert store.find(whole) is None
    assert store.pull(whole) == kept
    assert len(server.asked) == 3


def test_a_published_sha384_is_checked(server: Any, store: Store, entry: Entry) -> None:
    wrong = replace(entry, sha384=sha384(b"another"))

    with pytest.raises(DownloadError, match="not the file that model should be") as error:
        store.pull(wrong)

    assert error.value.expected == f"SHA-384 {sha384(b'another')}"
    assert error.value.got == sha384(server.content)
    assert store.find(wrong) is None


def test_a_hash_that_nobody_published_is_recorded_and_said_to_be(server: Any, store: Store, entry: Entry) -> None:
    kept = store.pull(entry)
    assert kept.record.sha256 == sha256(server.content)
    assert "recorded when it is first pulled" in kept.record.checked_by


def test_it_is_compared_from_then_on(server: Any, store: Store, entry: Entry) -> None:
    kept = store.pull(entry)
    kept.path.unlink()
    expected, server.content = sha256(server.content), b"another"

    with pytest.raises(DownloadError, match="not the file that model should be") as error:
        store.pull(entry)

    assert error.value.expected == f"SHA-256 {expected}, as when it was first pulled"
    assert error.value.got == sha256(b"another")
    assert store.find(entry) is None
    assert not [file for file in kept.path.parent.iterdir() if "weights" in file.name]


@pytest.mark.parametrize("digits", [8, 64])
def test_a_published_hash_is_checked(digits: int, server: Any, store: Store, entry: Entry) -> None:
    published = {"sha256_prefix" if digits == 8 else "sha256": sha256(server.content)[:digits]}
    right = replace(entry, **published)  # type: ignore[arg-type]
    server.content = server.content[::-1]

    with pytest.raises(DownloadError, match="not the file"):
        store.pull(right)
    assert store.find(right) is None

    server.content = server.content[::-1]
    assert store.pull(right).record.sha256 == sha256(server.content)


def test_a_file_that_was_damaged_here_is_fetched_again(server: Any, store: Store, entry: Entry) -> None:
    path = store.pull(entry).path
    path.write_bytes(b"damaged")

    assert store.pull(entry).path.read_bytes() == server.content


def test_a_file_that_is_here_but_not_the_published_one_is_fetched_again(
    server: Any, store: Store, entry: Entry
) -> None:
    store.pull(entry)
    server.content = b"the right one"

    kept = store.pull(replace(entry, sha256=sha256(b"the right one")))

    assert kept.path.read_bytes() == b"the right one"


def test_what_was_cut_off_goes_on(server: Any, store: Store, entry: Entry) -> None:
    server.cut_after = 1000
    with pytest.raises(DownloadError):
        store.pull(entry)
    assert store.find(entry) is None

    server.cut_after = None
    assert store.pull(entry).path.read_bytes() == server.content
    assert server.asked[1]["Range"] == "bytes=1000-"


def test_a_torn_file_of_which_no_hash_is_known_is_neither_kept_nor_recorded(
    server: Any, store: Store, entry: Entry
) -> None:
    server.length, server.cut_after = False, 1000
    with pytest.raises(DownloadError, match="an answer without its length"):
        store.pull(entry)
    assert store.find(entry) is None
    assert not (store.home / "models" / "model" / "record.json").exists()

    server.cut_after = None
    assert store.pull(replace(entry, sha256=sha256(server.content))).path.read_bytes() == server.content


def test_once_recorded_its_hash_shows_whether_it_is_whole(server: Any, store: Store, entry: Entry) -> None:
    store.pull(entry).path.unlink()
    server.length, server.cut_after = False, 1000
    with pytest.raises(DownloadError, match="as when it was first pulled"):
        store.pull(entry)

    server.cut_after = None
    assert store.pull(entry).path.read_bytes() == server.content


def test_nothing_is_fetched_offline_but_what_is_here_is_found(server: Any, store: Store, entry: Entry) -> None:
    offline = replace(store, offline=True)
    with pytest.raises(UsageError, match="RESEEN_OFFLINE"):
        offline.pull(entry)
    assert server.asked == []

    store.pull(entry)
    assert offline.pull(entry).path.is_file()
    assert len(server.asked) == 1


def test_a_published_size_is_the_limit(server: Any, store: Store, entry: Entry) -> None:
    with pytest.raises(DownloadError, match="at most 1,000 bytes"):
        store.pull(replace(entry, bytes=1000))
    with pytest.raises(DownloadError, match="at most 2,000 bytes"):
        replace(store, limits=Limits(bytes=2000)).pull(entry)


def test_two_processes_do_not_fetch_the_same_model(server: Any, store: Store, entry: Entry) -> None:
    server.wait = threading.Event()
    fetched: list[bytes] = []
    first = threading.Thread(target=lambda: fetched.append(store.pull(entry).path.read_bytes()))
    first.start()
    while not server.asked:
        first.join(0.01)

    with pytest.raises(UsageError, match="by another process"):
        store.pull(entry)

    server.wait.set()
    first.join()
    assert fetched == [server.content]
    assert len(server.asked) == 1


def test_a_model_of_the_sources_is_not_fetched(store: Store, entry: Entry) -> None:
    with pytest.raises(UsageError, match="part of a clone of reseen"):
        store.pull(replace(entry, url=None, path="weights/a"))


def test_a_home_that_cannot_be_written_is_told(store: Store, entry: Entry) -> None:
    folder = store.home / "models" / "model"
    (folder / ".lock").mkdir(parents=True)

    with pytest.raises(StorageError, match="cannot read or write"):
        store.pull(entry)


def test_a_folder_in_the_place_of_the_file_is_told(server: Any, store: Store, entry: Entry) -> None:
    (store.home / "models" / "model" / entry.file_name).mkdir(parents=True)

    with pytest.raises(UsageError, match="cannot be a file"):
        store.pull(entry)
    assert server.asked == []
