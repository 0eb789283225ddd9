from __future__ import annotations

import jinja2
import pytest

from reseen.reports.page_template import page_template


def test_text_is_escaped_and_what_is_missing_is_an_error() -> None:
    environment = page_template("search.html").environment

    assert environment.from_string("{{ name }}").render(name="<b>&") == "&lt;b&gt;&amp;"
    with pytest.raises(jinja2.UndefinedError):
        environment.from_string("{{ name }}").render()
