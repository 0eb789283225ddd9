"""Whether the libraries that reseen needs are there, new enough, and load.

What is needed stands in the metadata of the installed package, which comes from pyproject.toml.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from importlib import import_module, metadata

import reseen
from reseen.doctor.finding import Finding

TRAINING = "train"
"""The extra that is needed where there is torch; without it, what is here is made to run bundles."""
EXTRAS = {
    TRAINING: "to train, and to evaluate and export weights",
    "parquet": "for files of that format",
    "tensorboard": "for its event files",
    "export": "to export",
    "quantise": "to export to OpenVINO in 8 bits",
    "openvino": "an engine",
    "mnn": "an engine",
}
"""The extras that something of this version uses, and what for."""
ENGINES = {"onnxruntime": "onnx_runtime", "openvino": "openvino", "MNN": "mnn"}
"""The libraries of engines, and the module that loads each."""
MODULES = {"pillow": "PIL", "pyyaml": "yaml"} | {name: f"reseen.engines.{module}" for name, module in ENGINES.items()}
"""What a library is imported as, where that is not its name."""
USED_WHERE_INSTALLED = ("pytorch-metric-learning", "timm")
"""What recipes can ask for and no extra need bring."""
REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)(?:\[[^]]*\])?\s*(?P<limits>[^;]*?)\s*(?:;\s*extra == ['\"](?P<extra>[^'\"]+)['\"])?"
)


@dataclass(frozen=True)
class Requirement:
    """A distribution that reseen asks for, or can use.

    Attributes:
        name: as pip knows it.
        limits: such as `>=4.10,<5`; empty for any version.
        extra: the extra of reseen that brings it, if one does; of several, the one that brings least.
        needed: whether something does not work without it that is expected to work here.
    """

    name: str
    limits: str = ""
    extra: str | None = None
    needed: bool = False

    @property
    def install(self) -> str:
        """The command that brings it."""
        return (
            f"pip install '.[{self.extra}]' in a clone of reseen"
            if self.extra
            else f"pip install '{self.name}{self.limits}'"
        )


def trains() -> bool:
    """Whether this is an environment to train in, and not only to run bundles."""
    return _is_there("torch")


def requirements() -> list[Requirement]:
    """All that this version of reseen asks for or can use, but for what only its own development needs."""
    asked: dict[str, Requirement] = {}
    lines = metadata.requires("reseen") if _is_there("reseen") else None  # a checkout may run without being installed
    for line in lines or []:
        found = REQUIREMENT.fullmatch(line)
        if found and found["name"] != "reseen" and found["extra"] in (None, *EXTRAS):
            needed = found["extra"] is None or (found["extra"] == TRAINING and trains())
            earlier = asked.get(found["name"])
            needed |= earlier is not None and earlier.needed
            asked[found["name"]] = Requirement(found["name"], found["limits"], found["extra"], needed)
    return list(({name: Requirement(name) for name in USED_WHERE_INSTALLED} | asked).values())


def check_versions() -> list[Finding]:
    """Python, reseen, and every library: the needed ones, the engines, the others."""
    asked = sorted(requirements(), key=lambda each: (not each.needed, each.name not in ENGINES))
    return [
        Finding("python", "ok", platform.python_version()),
        Finding("reseen", "ok", reseen.__version__),
        *map(check_library, asked),
    ]


def check_library(requirement: Requirement) -> Finding:
    """Compare a library's version with what is asked for; what is needed and engines are imported too."""
    name = requirement.name
    if requirement.needed or (name in ENGINES and _is_there(name)):
        module = MODULES.get(name, name)
        try:
            import_module(module)
        except Exception as error:  # whatever a library's own code raises while it loads
            if isinstance(error, ModuleNotFoundError) and error.name in (module, name):
                return _missing(requirement)
            text = (str(error) or type(error).__name__).splitlines()[0]
            return Finding(name, "problem", f"does not load: {text}", f"pip install --force-reinstall {name}")
    return _compared(requirement, metadata.version(name)) if _is_there(name) else _missing(requirement)


def allows(limits: str, version: str) -> bool:
    """Whether a version lies within limits such as `>=4.10,<5`; only the numbers of a release count."""
    for limit in filter(None, limits.split(",")):
        number = limit.lstrip("<>=")
        at_least = _release(version) >= _release(number)
        if at_least != limit.startswith(">="):
            return False
    return True


def _is_there(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _missing(requirement: Requirement) -> Finding:
    if requirement.needed:
        return Finding(requirement.name, "problem", f"missing; reseen needs {requirement.limits}", requirement.install)
    purpose = f" ({EXTRAS[requirement.extra]})" if requirement.extra else ""
    return Finding(requirement.name, "note", f"not installed{purpose}: {requirement.install}")


def _compared(requirement: Requirement, version: str) -> Finding:
    if allows(requirement.limits, version):
        return Finding(requirement.name, "ok", f"{version}, an engine" if requirement.name in ENGINES else version)
    return Finding(
        requirement.name,
        "problem",
        f"{version} does not fit; reseen needs {requirement.limits}",
        f"pip install '{requirement.name}{requirement.limits}'",
    )


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version, without zeros at its end: 4.10.0rc1 is (4, 10)."""
    found = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(number) for number in found[0].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
