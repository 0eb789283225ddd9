from __future__ import annotations

import pytest

from reseen.engines.engine import Device, EngineOptions
from reseen.engines.processor import require_processor
from reseen.errors import UsageError


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_the_processor_is_fine(device: Device) -> None:
    require_processor("MNN", EngineOptions(device=device))


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_any_other_device_is_refused(device: Device) -> None:
    with pytest.raises(UsageError, match="MNN is run on the processor only") as error:
        require_processor("MNN", EngineOptions(device=device))
    assert error.value.got == device
