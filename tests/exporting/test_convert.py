from __future__ import annotations

import sys

import pytest

from reseen.bundle.description import Format
from reseen.errors import UsageError
from reseen.exporting.convert import CONVERTERS, INSTALL, converter


@pytest.mark.parametrize(("form", "precision"), CONVERTERS)
def test_every_pair_has_its_function(form: Format, precision: str) -> None:
    function = converter(form, precision)  # type: ignore[arg-type]
    assert function.__name__ == f"to_{precision}"
    assert form in function.__module__


def test_a_pair_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="cannot export openvino in fp16") as error:
        converter("openvino", "fp16")
    assert error.value.expected is not None
    assert "mnn fp16" in error.value.expected


@pytest.mark.parametrize(("form", "library"), [("mnn", "_tools"), ("openvino", "nncf"), ("onnx", "onnx")])
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, form: Format, library: str
) -> None:
    precision = "fp16" if form == "onnx" else "int8"
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, CONVERTERS[form, precision][0], raising=False)  # type: ignore[index]
    with pytest.raises(UsageError, match=f"the exporter for {form} is not installed") as error:
        converter(form, precision)  # type: ignore[arg-type]
    assert error.value.cure == INSTALL[form]
    assert error.value.got is not None
    assert library in error.value.got
