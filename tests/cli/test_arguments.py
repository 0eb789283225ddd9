from __future__ import annotations

import re

from reseen.cli import arguments
from reseen.cli.arguments import Argument


def test_every_argument_has_flags_of_its_own_and_says_what_it_is_for() -> None:
    every = [each for each in vars(arguments).values() if isinstance(each, Argument)]
    flags = [flag for each in every for flag in each.flags]

    assert len(every) == 9
    assert len(flags) == len(set(flags))
    assert all(re.fullmatch(r"-[a-z]|--[a-z-]+", flag) for flag in flags)
    assert all(each.help.endswith(".") for each in every)
