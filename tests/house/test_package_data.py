"""What is installed is what the package needs."""

from __future__ import annotations

import tomllib
from pathlib import Path


def test_every_file_of_the_package_that_is_no_code_is_installed(repository: Path) -> None:
    package = repository / "src" / "reseen"
    settings = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    installed = {
        path for glob in settings["tool"]["setuptools"]["package-data"]["reseen"] for path in package.glob(glob)
    }
    data = {path for path in package.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}

    assert len(data) > 10
    assert data == installed


def test_the_documents_have_the_card_of_the_model_that_comes_along(repository: Path) -> None:
    card = repository / "src" / "reseen" / "bundle" / "default" / "README.md"

    assert (repository / "docs" / "default-model.md").read_bytes() == card.read_bytes()
