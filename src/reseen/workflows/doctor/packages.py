"""Whether the libraries that reseen needs are there, new enough, and load.

What is needed stands in the metadata of the installed package, which comes from pyproject.toml.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, metadata

import reseen
from reseen.workflows.doctor.finding import Finding

NEEDED_EXTRA = "train"
"""The extra without which something of this version does not work."""
MODULES = {"pillow": "PIL", "pyyaml": "yaml"}
"""What a library is imported as, where that is not its name."""
EXTRAS = (NEEDED_EXTRA, "tensorboard")
"""The extras that something of this version uses; others are for development, or for what is yet to come."""
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
        extra: the extra of reseen that brings it, if one does.
        needed: whether something of this version does not work without it.
    """

    name: str
    limits: str = ""
    extra: str | None = None
    needed: bool = False

    @property
    def install(self) -> str:
        """The command that brings it."""
        return f"pip install 'reseen[{self.extra}]'" if self.extra else f"pip install '{self.name}{self.limits}'"


def requirements() -> Iterator[Requirement]:
    """All that this version of reseen asks for or can use, but for what only its own development needs."""
    asked = set()
    for line in metadata.requires("reseen") or []:
        found = REQUIREMENT.fullmatch(line)
        if found and found["name"] != "reseen" and found["extra"] in (None, *EXTRAS):
            asked.add(found["name"])
            needed = found["extra"] in (None, NEEDED_EXTRA)
            yield Requirement(found["name"], found["limits"], found["extra"], needed)
    yield from (Requirement(name) for name in USED_WHERE_INSTALLED if name not in asked)


def check_versions() -> list[Finding]:
    """Python, reseen, and every library, the needed ones first."""
    asked = list(requirements())
    return [
        Finding("python", "ok", platform.python_version()),
        Finding("reseen", "ok", reseen.__version__),
        *(check_needed(requirement) for requirement in asked if requirement.needed),
        *(check_optional(requirement) for requirement in asked if not requirement.needed),
    ]


def check_needed(requirement: Requirement) -> Finding:
    """Import a library and compare its version with what is asked for."""
    name = requirement.name
    module = MODULES.get(name, name)
    try:
        import_module(module)
        version = metadata.version(name)
    except Exception as error:  # whatever a library's own code raises while it loads
        if isinstance(error, ModuleNotFoundError) and error.name in (module, name):
            return Finding(name, "problem", f"missing; reseen needs {requirement.limits}", requirement.install)
        text = (str(error) or type(error).__name__).splitlines()[0]
        return Finding(name, "problem", f"does not load: {text}", f"pip install --force-reinstall {name}")
    return _compared(requirement, version)


def check_optional(requirement: Requirement) -> Finding:
    """Compare the version of a library that need not be there; it is not imported, some are slow to."""
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return Finding(requirement.name, "note", f"not installed; {requirement.install} brings it")
    return _compared(requirement, version)


def allows(limits: str, version: str) -> bool:
    """Whether a version lies within limits such as `>=4.10,<5`; only the numbers of a release count."""
    for limit in filter(None, limits.split(",")):
        number = limit.lstrip("<>=")
        at_least = _release(version) >= _release(number)
        if at_least != limit.startswith(">="):
            return False
    return True


def _compared(requirement: Requirement, version: str) -> Finding:
    if allows(requirement.limits, version):
        return Finding(requirement.name, "ok", version)
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
