"""What may be done with a bundle: terms that its user has to know before using what it gives."""

from __future__ import annotations

import re

from reseen.bundle.description import Description

_RESTRICTED = re.compile(
    r"\b(research|academic|non-?commercial\w*|not commercial\w*|evaluation) (use|purposes|only)|"
    r"\bnot (be used )?commercially|\bCC[ -]BY-NC|\bno commercial",
    re.IGNORECASE,
)


def restriction(description: Description) -> str | None:
    """The first sentence of the terms of a bundle's training data, where they do not allow every use; else None.

    Terms are free text: those are found that name research, an evaluation or what is not commercial.
    """
    data = description.training_data
    if data is None or not _RESTRICTED.search(data.licence):
        return None
    first = re.split(r"(?<=[.;])\s", data.licence.strip(), maxsplit=1)[0]
    return first.rstrip(".;")
