from __future__ import annotations

from typing import get_args

from reseen.engines.engine import Device, EngineOptions
from reseen.engines.processor import require_processor
from reseen.errors import UsageError


def refused(device: Device) -> str | None:
    """The device that is named as the one that cannot be had."""
    try:
        require_processor("MNN", EngineOptions(device=device))
    except UsageError as error:
        return error.got if "MNN runs on the CPU only" in str(error) else str(error)
    return None


def test_the_processor_is_fine_and_any_other_device_is_refused() -> None:
    devices = get_args(Device)
    assert {device: refused(device) for device in devices} == {
        device: None if device in ("auto", "cpu") else device for device in devices
    }
