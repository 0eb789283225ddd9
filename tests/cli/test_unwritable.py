from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from reseen.cli.unwritable import unwritable


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a file.json"),
        OSError(errno.EMFILE, os.strerror(errno.EMFILE)),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        OSError("something else"),
    ],
)
def test_errors_of_files_and_of_the_system_are_not_taken_for_one_of_the_output(error: OSError) -> None:
    assert unwritable(error) is None


def test_after_one_of_the_output_nothing_is_written_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "output").open("w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        told = unwritable(OSError(errno.ENOSPC, "No space left on device"))
        output.write("what is left")

    assert told == "cannot write the results: No space left on device"
    assert (tmp_path / "output").read_bytes() == b""
