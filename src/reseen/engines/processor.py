"""For engines that run on the processor alone."""

from __future__ import annotations

from reseen.engines.engine import EngineOptions
from reseen.errors import UsageError


def require_processor(engine: str, options: EngineOptions) -> None:
    """Refuse a device that an engine is not run on.

    Raises:
        UsageError: another device than the processor is asked for.
    """
    if options.device not in {"auto", "cpu"}:
        raise UsageError(
            f"{engine} runs on the CPU only",
            expected="auto or cpu",
            got=options.device,
            cure="leave out the device, or choose the engine onnxruntime",
        )
