"""Person re-identification: train, evaluate, and find the same person in other cameras' images."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reseen.engines.embedder import Embedder, load

__all__ = ["Embedder", "load"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import what needs more than the standard library when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module 'reseen' has no attribute {name!r}")
    from reseen.engines import embedder  # noqa: PLC0415 - an engine's library takes longer to load than Python does

    return getattr(embedder, name)
