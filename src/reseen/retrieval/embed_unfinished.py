"""What an embedding has done so far, in a folder beside its output: whatever stops it, the next call goes on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reseen.errors import StorageError
from reseen.shapes import Float32


@dataclass(frozen=True)
class _Block:
    """One line of the journal.

    Attributes:
        key: tells its images and model from others.
        rows: of features.
        broken: what is wrong with the images that have none, by their names.
    """

    key: str
    rows: int
    broken: dict[str, str]


class Unfinished:
    """Blocks of features and a journal of them.

    The features are on the disk before their line of the journal is, so that each line can be relied on.

    Args:
        folder: of this work alone.
        width: numbers in a feature.
    """

    def __init__(self, folder: Path, width: int) -> None:
        self.features = folder / "features.f32"
        self._folder = folder
        self._journal = folder / "journal.jsonl"
        self._row_bytes = 4 * width

    def resume(self, keys: Sequence[str]) -> tuple[int, int]:
        """Keep what is of these blocks, and forget what comes after.

        Returns:
            How many blocks are kept, the first ones; and how many there were.
        """
        with self.writing():
            blocks = list(self._blocks())
            stored = self.features.stat().st_size if blocks else 0
            kept, rows = 0, 0
            for block, key in zip(blocks, keys, strict=False):
                if block.key != key or (rows + block.rows) * self._row_bytes > stored:
                    break
                kept, rows = kept + 1, rows + block.rows
            self._journal.write_text("".join(map(_line, blocks[:kept])), encoding="ascii")
            with self.features.open("ab") as file:
                file.truncate(rows * self._row_bytes)
        return kept, len(blocks)

    def add(self, key: str, features: Float32[np.ndarray, "n d"], broken: dict[str, str]) -> None:
        """Keep the next block.

        Raises:
            StorageError: disk full, read-only, no permission.
        """
        with self.writing():
            _append(self.features, features.astype("<f4", copy=False).tobytes())
            _append(self._journal, _line(_Block(key, len(features), broken)).encode("ascii"))

    def broken(self) -> list[dict[str, str]]:
        """What is wrong with images that have no features, of each block."""
        return [block.broken for block in self._blocks()]

    def finish(self, written: Path, output: Path) -> None:
        """Move what was written of the features to its place, and forget the rest.

        Raises:
            StorageError: it cannot be moved.
        """
        with self.writing():
            with written.open("r+b") as file:  # Windows flushes no file that is open for reading alone
                os.fsync(file.fileno())
            written.replace(output)
            shutil.rmtree(self._folder)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Tell of a disk that does not take what is written while entered."""
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"cannot write to {self._folder}",
                expected="room on the disk for the features, twice, and write permission",
                got=error.strerror or str(error),
                cure="free some space and run the command again: it resumes",
            ) from None

    def _blocks(self) -> Iterator[_Block]:
        """What stands in the journal, up to the first line that was not written whole."""
        if not self._journal.exists():
            return
        with self._journal.open(encoding="ascii") as lines:
            for line in lines:
                try:
                    yield _Block(**json.loads(line))
                except (ValueError, TypeError):
                    return


def _line(block: _Block) -> str:
    return json.dumps({"key": block.key, "rows": block.rows, "broken": block.broken}) + "\n"


def _append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
