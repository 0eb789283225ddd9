"""The bundle that comes with reseen."""

from __future__ import annotations

import os
from pathlib import Path

from reseen.errors import UsageError

DEFAULT = "default"
"""Its name, which stands for it wherever a user names a bundle."""
FOLDER = Path(__file__).with_name(DEFAULT)
_DESCRIPTION = "bundle.json"


def bundle_folder(bundle: str | Path | None) -> Path:
    """The folder that a user means.

    Args:
        bundle: a folder; `default`, or None: the bundle that comes with reseen. `./default` is a folder.

    Raises:
        UsageError: `default` is also the name of a bundle in the working folder.
    """
    if bundle is None:
        return FOLDER
    if bundle != DEFAULT:
        return Path(bundle)
    if (Path(DEFAULT) / _DESCRIPTION).exists():
        raise UsageError(
            f"{DEFAULT} is the bundle that comes with reseen, and there is a folder of that name here too",
            expected="an unambiguous name",
            got=str(Path(DEFAULT).absolute()),
            cure=f"write .{os.sep}{DEFAULT} for the folder; rename the folder to use the other",
        )
    return FOLDER


def require_own(folder: Path) -> None:
    """Refuse to write into the bundle that comes with reseen.

    Raises:
        UsageError: the folder is that bundle's.
    """
    if os.path.realpath(folder) == os.path.realpath(FOLDER):
        raise UsageError(
            "the bundle that comes with reseen cannot be changed",
            expected="a folder of your own",
            got=str(folder),
            cure="copy it and change the copy",
        )
