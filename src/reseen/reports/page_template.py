"""The templates of pages."""

from __future__ import annotations

import jinja2


def page_template(name: str) -> jinja2.Template:
    """A template of the package; every text put into it is escaped."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("reseen.reports"), autoescape=True, undefined=jinja2.StrictUndefined
    ).get_template(name)
