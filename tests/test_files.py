from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reseen.errors import StorageError, UsageError
from reseen.files import append_lines, append_text, hold_folder, make_folder, read_bounded, require_empty, write_whole

DISK_FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
FILL_THE_DISK = """
import resource, sys
from pathlib import Path
from reseen.errors import StorageError
from reseen.files import append_text, write_whole

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
write, path = {"write": write_whole, "append": append_text}[sys.argv[1]], Path(sys.argv[2])
try:
    write(path, "x" * 5000)
except StorageError as error:
    print(error)
"""


@contextlib.contextmanager
def disk_full_at(step: str) -> Iterator[None]:
    """One step of writing a file fails as on a full disk."""

    def fail(*_: object, **__: object) -> None:
        raise DISK_FULL

    target = {"open": (Path, "open"), "flush": (os, "fsync"), "move": (Path, "replace")}[step]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*target, fail)
        yield


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(("data", "content"), [(b"\x00\xff", b"\x00\xff"), ("é\n", "é\n".encode()), ("", b"")])
def test_writes_bytes_or_text_over_what_was_there(tmp_path: Path, data: bytes | str, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old and longer than what is new")
    write_whole(path, data)
    assert listing(tmp_path) == {"file": content}


@pytest.mark.parametrize("step", ["open", "flush", "move"])
def test_where_a_step_fails_the_old_file_is_whole_and_nothing_else_is_left(tmp_path: Path, step: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with disk_full_at(step), pytest.raises(StorageError) as caught:
        write_whole(path, "new")
    assert str(path) in caught.value.what
    assert caught.value.got == os.strerror(errno.ENOSPC)
    assert caught.value.expected
    assert caught.value.cure
    assert listing(tmp_path) == {"file": b"old"}


@pytest.mark.parametrize(("write", "left"), [("write", b"old"), ("append", b"old" + b"x" * 997)])
def test_a_disk_that_is_really_full_is_said(tmp_path: Path, write: str, left: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", FILL_THE_DISK, write, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert f"cannot write {path}" in result.stdout
    assert os.strerror(errno.EFBIG) in result.stdout
    assert listing(tmp_path) == {"file": left}


def test_a_stop_in_the_middle_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, "new")
    assert listing(tmp_path) == {"file": b"old"}


def test_content_reaches_the_disk_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    flush, replace = os.fsync, Path.replace

    def noted_flush(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        happened.append(f"flush {kind} of {os.fstat(descriptor).st_size if kind == 'file' else ''}")
        flush(descriptor)

    def noted_replace(path: Path, target: Path) -> Path:
        happened.append("move")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_flush)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_whole(tmp_path / "file", b"12345")
    assert happened == ["flush file of 5", "move", "flush folder of "]


def test_where_no_folder_can_be_opened_the_file_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object, *_: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "open", refuse)
    write_whole(tmp_path / "file", b"new")
    assert listing(tmp_path) == {"file": b"new"}


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    for write in (write_whole, append_text):
        with pytest.raises(StorageError, match="cannot write"):
            write(tmp_path / "none" / "file", "x")
    assert not list(tmp_path.iterdir())


def test_a_link_stays_and_the_file_that_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("kind", ["folder", "fifo", "loop"])
def test_what_is_no_file_is_not_replaced(kind: str, tmp_path: Path) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(path)
    before = path.lstat()
    with pytest.raises((UsageError, StorageError), match=f"{kind}"):
        write_whole(path, "new")
    assert path.lstat().st_ino == before.st_ino


def test_a_file_is_read_up_to_a_bound(tmp_path: Path) -> None:
    file, pipe = tmp_path / "file", tmp_path / "pipe"
    file.write_bytes(b"12345")
    os.mkfifo(pipe)

    assert read_bounded(file, 5) == b"12345"
    with pytest.raises(ValueError, match="more than 4 bytes"):
        read_bounded(file, 4)
    for no_file in (pipe, tmp_path, Path("/dev/zero")):
        with pytest.raises(ValueError, match="a folder, a pipe or a device"):
            read_bounded(no_file, 5)
    with pytest.raises(FileNotFoundError):
        read_bounded(tmp_path / "missing", 5)


def test_text_is_added_at_the_end(tmp_path: Path) -> None:
    append_text(tmp_path / "log", "é")
    append_text(tmp_path / "log", "b\n")
    assert (tmp_path / "log").read_bytes() == "éb\n".encode()


def test_lines_are_added_each_with_the_time(tmp_path: Path) -> None:
    append_lines(tmp_path / "log", ["one", "two"])
    append_lines(tmp_path / "log", [])
    append_lines(tmp_path / "log", iter(["three"]))
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line[20:] for line in lines] == ["one", "two", "three"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", line[:19]) for line in lines)


def test_folders_are_made_with_those_above_and_may_exist(tmp_path: Path) -> None:
    for _ in range(2):
        assert make_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()


def test_an_empty_folder_or_none_is_fine(tmp_path: Path) -> None:
    require_empty(tmp_path)
    require_empty(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_what_is_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(UsageError, match="exists already") as caught:
            require_empty(path)
        assert str(path) in caught.value.what


def test_a_folder_that_cannot_be_looked_into_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(StorageError, match=str(tmp_path)):
        require_empty(tmp_path)


def test_a_folder_that_is_held_cannot_be_held_by_another_process(tmp_path: Path) -> None:
    hold = "import sys; from pathlib import Path; from reseen.files import hold_folder\n"
    hold += "with hold_folder(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match="is in use"), hold_folder(tmp_path):
            pass
        other.kill()
    with hold_folder(tmp_path):
        pass


def test_a_file_where_a_folder_should_be_is_an_unusable_argument(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file", encoding="utf-8")

    for path in (tmp_path / "run", tmp_path / "run" / "below"):
        with pytest.raises(UsageError, match="cannot be a folder"):
            make_folder(path)


def test_bytes_that_are_no_text_are_written_as_numbers(tmp_path: Path) -> None:
    append_text(tmp_path / "log", os.fsdecode(b"bad\xff\n"))
    assert (tmp_path / "log").read_text(encoding="utf-8") == "bad\\udcff\n"
