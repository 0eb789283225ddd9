"""Images that could not be read: told by name, and by the exit code."""

from __future__ import annotations

from collections.abc import Mapping

from reseen.cli.console import say
from reseen.errors import ImageError


def tell_broken(broken: Mapping[str, str], images: int, *, skip: bool) -> None:
    """List images that were left out, at the end of the work.

    Args:
        broken: what is wrong with each.
        images: how many there were in all.
        skip: whether the user wants them skipped.

    Raises:
        ImageError: there are some, and they were not to be skipped.
    """
    for reason in broken.values():
        say(reason)
    if broken and not skip:
        raise ImageError(
            f"{len(broken):,} of {images:,} images could not be read; the others were processed",
            expected="images that can be read, or --skip-broken",
            got="those listed above",
            cure="replace or remove them, or add --skip-broken",
        )
    if broken:
        say(f"skipped {len(broken):,} of {images:,} images")
