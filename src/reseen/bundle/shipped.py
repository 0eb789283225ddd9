"""The bundle that comes with reseen."""

from __future__ import annotations

from pathlib import Path

from reseen.errors import BundleError, UsageError

DEFAULT = "default"
"""Its name, which stands for its folder wherever a bundle is opened."""
_FOLDER = Path(__file__).with_name(DEFAULT)


def bundle_folder(bundle: Path) -> Path:
    """Where a bundle lies: the path itself, or the folder of the one that comes with reseen.

    Raises:
        BundleError: the name means that one, but there is a bundle of the user's own under it too.
    """
    if bundle != Path(DEFAULT):
        return bundle
    if bundle.exists():
        raise BundleError(
            f"{DEFAULT} is the bundle that comes with reseen, and something of yours has that name here",
            expected="a name that means one bundle",
            got=str(bundle.absolute()),
            cure=f"rename yours, or give its whole path: {bundle.absolute()}",
        )
    return _FOLDER


def require_own(folder: Path) -> None:
    """Refuse to write into the bundle that comes with reseen, or where it would hide that one.

    Raises:
        UsageError: the folder is that bundle's, or has its name.
    """
    if folder == Path(DEFAULT) or folder.resolve() == _FOLDER.resolve():
        raise UsageError(
            "the bundle that comes with reseen stays as it is",
            expected="a folder of your own",
            got=str(folder),
            cure=f"choose another name than {DEFAULT}, or copy {_FOLDER} and change the copy",
        )
