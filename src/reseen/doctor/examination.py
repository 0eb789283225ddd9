"""All that the doctor looks at, in the order in which it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reseen.doctor.disk import RUN_BYTES, TEMPORARY_BYTES, check_folder
from reseen.doctor.finding import Finding
from reseen.doctor.memory import check_memory
from reseen.doctor.packages import check_versions, trains
from reseen.doctor.ports import check_port

PORTS = (8000, 8001)
"""The service's defaults for HTTP and gRPC."""
LOOKING = {"jaxtyping", "numpy", "pillow", "pydantic", "pyyaml", "safetensors", "torch"}
"""The libraries without which neither devices nor recipes and weight files can be looked at."""


def examine(output: Path, temporary: Path, weights: Sequence[Path] = ()) -> list[Finding]:
    """Look at versions, devices, disk, memory, weights and ports; nothing is left behind and nothing connected to.

    Args:
        output: the folder that runs would be written to; it need not exist.
        temporary: the folder for temporary files.
        weights: files to read.
    """
    versions = check_versions()
    broken = sorted(LOOKING - {each.name for each in versions if each.status == "ok"})
    training = trains()
    return [
        *versions,
        *_with_torch(weights, broken),
        check_folder("output", output, RUN_BYTES if training else TEMPORARY_BYTES),
        check_folder("temporary files", temporary, TEMPORARY_BYTES),
        check_memory(training),
        *map(check_port, PORTS),
    ]


def _with_torch(weights: Sequence[Path], broken: Sequence[str]) -> list[Finding]:
    if broken:
        text = f"not looked at: they need {', '.join(broken)}, see above"
        return [Finding("devices and weights", "note", text)]
    from reseen.doctor.devices import check_devices  # noqa: PLC0415  (torch may be missing)
    from reseen.doctor.weights import check_recipes, check_weights  # noqa: PLC0415

    return [*check_devices(), check_recipes(), *map(check_weights, weights)]
