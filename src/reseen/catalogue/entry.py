"""`Entry`: what the source of a model says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from reseen.scores.figures import NAMES


@dataclass(frozen=True)
class Entry:
    """A model that can be named; what its source does not say is None or left out.

    Attributes:
        name: what it is called here.
        what: what it is, in words.
        licence: terms of its use, and who says so.
        trained_on: the data it was trained on.
        stated_by: where all of this stands.
        use: a command that makes use of the file; `FILE` stands for it.
        figures: what it reaches, in percent, by the name of the figure.
        url: where its file is fetched from; None where it is in the project's sources.
        path: its file in the project's sources; None where it is fetched.
        bytes: size of the file.
        sha256: hash of the file.
        sha256_prefix: how that hash begins, where only that is published.
        sha384: hash of the file, where its source publishes this one.
        beside: further files of the model, which are kept beside the first; see `further`.
    """

    name: str
    what: str
    licence: str
    trained_on: str
    stated_by: str
    use: str
    figures: Mapping[str, float] = field(default_factory=dict)
    url: str | None = None
    path: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    sha256_prefix: str | None = None
    sha384: str | None = None
    beside: tuple[Entry, ...] = ()

    def further(self, url: str, size: int, sha384: str) -> Entry:
        """A further file of this model, as an entry of the same name."""
        return replace(self, url=url, bytes=size, sha384=sha384, sha256=None, sha256_prefix=None, beside=())

    @property
    def file_name(self) -> str:
        """What the file is called."""
        return PurePosixPath(self.path or urlsplit(self.url or "").path).name

    @property
    def figures_in_words(self) -> str:
        """The figures with the field's names, as `rank-1 94.5 %, mAP 85.82 %`."""
        told = [f"{NAMES.get(name, name)} {value:g} %" for name, value in self.figures.items()]
        return ", ".join(told) or "none published"

    @property
    def size_in_words(self) -> str:
        """The size of all files in MB, where it is known."""
        sizes = [each.bytes for each in (self, *self.beside)]
        return "not published" if None in sizes else f"{sum(size or 0 for size in sizes) / 10**6:.1f} MB"

    @property
    def checked_by(self) -> str:
        """How a fetched file is known to be the right one."""
        if self.sha256 is not None:
            return "its published SHA-256"
        if self.sha384 is not None:
            return "its published SHA-384" if not self.beside else "the published SHA-384 of each of its files"
        if self.sha256_prefix is not None:
            return f"the first {len(self.sha256_prefix)} digits of its SHA-256, which its name holds"
        return "nothing published: its SHA-256 is recorded when it is first pulled, and compared from then on"

    def matches(self, sha256: str, sha384: str = "") -> bool:
        """Whether a file of these hashes can be the model's; nothing published rules nothing out.

        Args:
            sha256: of the file.
            sha384: of the file; needed only where it is published.
        """
        return sha256.startswith(self.sha256 or self.sha256_prefix or "") and self.sha384 in (None, sha384)

    def to_dict(self) -> dict[str, object]:
        """All of it, for JSON."""
        return asdict(self) | {"file": self.file_name, "checked_by": self.checked_by}
