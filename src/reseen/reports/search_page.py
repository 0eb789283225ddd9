"""A search's ranked lists as one self-contained page."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import reseen
from reseen.bundle.terms import restriction
from reseen.engines.embedder import Embedder
from reseen.errors import UsageError
from reseen.files import write_whole
from reseen.reports.page_template import page_template
from reseen.reports.thumbnail import thumbnail
from reseen.reports.verdict_words import searched
from reseen.retrieval.search import Search

MAX_PICTURES = 20_000
"""Most images of a page, about 100 MB."""


def write_search_page(path: Path, search: Search, folder: str, embedder: Embedder, counted: int | None = None) -> None:
    """Write the page, thumbnails and all.

    Args:
        path: of the page.
        search: what was found.
        folder: that was searched.
        embedder: that searched it.
        counted: how many people are in the folder at most, where that was said.

    Raises:
        UsageError: more than `MAX_PICTURES` images would be shown.
        StorageError: it cannot be written.
    """
    pictures = sum(1 + len(each.matches) for each in search.queries)
    if pictures > MAX_PICTURES:
        raise UsageError(
            "too many images for one page",
            expected=f"at most {MAX_PICTURES:,}",
            got=f"{pictures:,}",
            cure="ask for fewer entries, -k, or search for fewer queries at a time",
        )
    html = page_template("search.html").render(
        folder=folder,
        search=search,
        model=f"{embedder.bundle.description.name}, {embedder.model.precision}",
        calibration=None if embedder.calibration is None else embedder.calibration.source.name,
        counted=counted,
        terms=restriction(embedder.bundle.description),
        thumbnail=lambda name: thumbnail(Path(name)),
        short=lambda name: Path(name).name,
        in_words=searched,
        version=reseen.__version__,
        date=date.today().isoformat(),
    )
    write_whole(path, _text(html))


def _text(text: str) -> str:
    """Text that can be written as UTF-8, whatever bytes a file's name had."""
    return text.encode("utf-8", "backslashreplace").decode()
