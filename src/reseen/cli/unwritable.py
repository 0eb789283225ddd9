"""Results that cannot be written: the disk behind stdout is full, or nobody reads it any more."""

from __future__ import annotations

import errno
import os
import sys

OUTPUT_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE, errno.EBADF})


def unwritable(error: OSError) -> str | None:
    """What to say of an error in writing to stdout, where nothing is written any more; None for any other error."""
    if error.filename is not None or error.errno not in OUTPUT_ERRORS:  # of a file it would name the file
        return None
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left would fail again at the end
    return f"cannot write the results: {error.strerror}"
