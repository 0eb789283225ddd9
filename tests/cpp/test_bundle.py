"""The C++ library opens no bundle that is not what was exported."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from reseen.bundle.bundle import file_of

Run = Callable[..., subprocess.CompletedProcess[str]]
Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def bundle(small_bundle: Path, tmp_path: Path) -> Path:
    """A bundle to spoil."""
    return Path(shutil.copytree(small_bundle, tmp_path / "bundle"))


def edit_description(bundle: Path, edit: Edit) -> None:
    description = json.loads((bundle / "bundle.json").read_text())
    edit(description)
    (bundle / "bundle.json").write_text(json.dumps(description))


def replace_model(bundle: Path, model: onnx.ModelProto) -> None:
    """Another ONNX file, hashed as it should be."""
    content = model.SerializeToString()
    (bundle / "model.onnx").write_bytes(content)
    edit_description(bundle, lambda each: each["files"].update({"model.onnx": file_of(content).model_dump()}))


@pytest.fixture
def refusal(reseen_embed: Run, people: Path, bundle: Path) -> Callable[[], str]:
    """Tries to use the bundle, and gives the words that it was refused with."""

    def refuse() -> str:
        done = reseen_embed("--bundle", bundle, next(people.glob("*.jpg")))
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert all(f"\n  {part}: " in done.stderr for part in ("expected", "got", "cure"))
        return done.stderr

    return refuse


def test_a_whole_bundle_is_opened(reseen_embed: Run, people: Path, bundle: Path) -> None:
    assert reseen_embed("--bundle", bundle, next(people.glob("*.jpg"))).returncode == 0


def test_a_missing_bundle_is_refused(refusal: Callable[[], str], bundle: Path) -> None:
    shutil.rmtree(bundle)

    assert f"{bundle} is no bundle that can be opened" in refusal()


def test_a_folder_without_description_is_refused(refusal: Callable[[], str], bundle: Path) -> None:
    (bundle / "bundle.json").unlink()

    assert "got: No such file or directory" in refusal()


def test_a_changed_file_is_refused(refusal: Callable[[], str], bundle: Path) -> None:
    content = bytearray((bundle / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / "model.onnx").write_bytes(content)

    assert "model.onnx is not the file that was exported" in (words := refusal())
    assert f"got: SHA-256 {file_of(bytes(content)).sha256}" in words


def test_a_file_that_was_cut_off_is_refused(refusal: Callable[[], str], bundle: Path) -> None:
    os.truncate(bundle / "model.onnx", 1234)

    assert "got: 1,234 bytes" in refusal()


def test_a_missing_file_is_refused(refusal: Callable[[], str], bundle: Path) -> None:
    (bundle / "model.onnx").unlink()

    assert "got: No such file or directory" in refusal()


def test_a_newer_version_is_refused(refusal: Callable[[], str], bundle: Path) -> None:
    (bundle / "bundle.json").write_text('{"format": 2, "models": "of another kind"}')

    assert "was written by a newer version of reseen" in (words := refusal())
    assert "got: format 2\n  cure: update this program" in words


@pytest.mark.parametrize(
    "name", ["../model.onnx", "/etc/passwd", "folder/model.onnx", "..", ".hidden", "", "a\\b", "nul\0", "é.onnx"]
)
def test_a_file_name_that_leads_out_of_the_bundle_is_refused(
    refusal: Callable[[], str], bundle: Path, name: str
) -> None:
    def lead_out(description: dict[str, Any]) -> None:
        description["files"][name] = description["files"]["model.onnx"]
        description["models"][0]["files"] = [name]

    edit_description(bundle, lead_out)

    assert "not a file name of a bundle" in refusal()


def test_a_model_may_not_name_what_is_no_file_of_the_bundle(refusal: Callable[[], str], bundle: Path) -> None:
    edit_description(bundle, lambda each: each["models"][0].update(files=["../model.onnx"]))
    assert 'got: not a file name of a bundle: "../model.onnx"' in refusal()

    edit_description(bundle, lambda each: each["models"][0].update(files=["other.onnx"]))
    assert "got: a file without a hash: other.onnx" in refusal()


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "other.bin"])
def test_an_onnx_file_that_reads_from_elsewhere_is_refused(
    refusal: Callable[[], str], bundle: Path, location: str
) -> None:
    model = onnx.load(bundle / "model.onnx")
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)
    replace_model(bundle, model)

    assert "reads weights from a file that is not part of the bundle" in (words := refusal())
    assert f'got: "{location}"' in words


def test_an_onnx_file_that_reads_from_elsewhere_deep_inside_is_refused(
    refusal: Callable[[], str], bundle: Path
) -> None:
    tensor = TensorProto(name="hidden", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../secret")
    constant = helper.make_node("Constant", [], ["hidden"], value=tensor)
    branch = helper.make_graph([constant], "branch", [], [helper.make_tensor_value_info("hidden", 1, [1])])
    model = onnx.load(bundle / "model.onnx")
    model.graph.node.append(helper.make_node("If", ["condition"], ["result"], then_branch=branch, else_branch=branch))
    replace_model(bundle, model)

    assert 'got: "../secret"' in refusal()


def test_an_openvino_model_whose_weights_have_no_hash_is_refused(refusal: Callable[[], str], bundle: Path) -> None:
    (bundle / "model.xml").write_text("<net/>")
    (bundle / "model.bin").write_bytes(b"other weights")

    def add(description: dict[str, Any]) -> None:
        description["models"].append(description["models"][0] | {"format": "openvino", "files": ["model.xml"]})
        description["files"]["model.xml"] = file_of(b"<net/>").model_dump()

    edit_description(bundle, add)

    assert 'got: "model.bin"' in refusal()


def test_what_is_no_onnx_file_is_refused(refusal: Callable[[], str], bundle: Path) -> None:
    content = b"\x3a\xff\xff\xff\x7f no model"
    (bundle / "model.onnx").write_bytes(content)
    edit_description(bundle, lambda each: each["files"].update({"model.onnx": file_of(content).model_dump()}))

    assert "model.onnx is not a whole ONNX file" in refusal()


def test_endless_nesting_within_an_onnx_file_is_refused(refusal: Callable[[], str], bundle: Path) -> None:
    def field(number: int, content: bytes) -> bytes:
        length = len(content)
        digits = bytearray()
        while length > 0x7F:
            digits.append(length & 0x7F | 0x80)
            length >>= 7
        return bytes([number << 3 | 2, *digits, length]) + content

    graph = b""
    for _ in range(1000):  # graph > node > attribute > graph
        graph = field(1, field(5, field(6, graph)))
    content = field(7, graph)
    (bundle / "model.onnx").write_bytes(content)
    edit_description(bundle, lambda each: each["files"].update({"model.onnx": file_of(content).model_dump()}))

    assert "nested more than 64 deep" in refusal()


def test_a_model_that_openvino_cannot_load_is_reported(reseen_embed: Run, people: Path, bundle: Path) -> None:
    replace_model(bundle, onnx.ModelProto(ir_version=10))

    done = reseen_embed("--bundle", bundle, next(people.glob("*.jpg")))

    assert done.returncode == 1
    assert "model.onnx cannot be loaded\n  expected: a model that OpenVINO" in done.stderr


@pytest.mark.parametrize("key", ["feature_size", "height"])
def test_a_model_of_other_shapes_than_described_is_reported(
    reseen_embed: Run, people: Path, bundle: Path, key: str
) -> None:
    edit_description(bundle, lambda each: (each["preprocess"] if key == "height" else each).update({key: 48}))

    done = reseen_embed("--bundle", bundle, next(people.glob("*.jpg")))

    assert done.returncode == 1
    assert "is not the model that the bundle describes" in done.stderr
    assert "got: takes u8 [?,64,32,3] gives f32 [?,16]" in done.stderr


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda each: each.update(format=0), "format is not a whole number from 1 to 1"),
        (lambda each: each.update(format="1"), "format is not a whole number"),
        (lambda each: each.pop("format"), "no format"),
        (lambda each: each.pop("models"), "no models"),
        (lambda each: each.update(models=[]), "no model at all"),
        (lambda each: each.update(models=[{}]), "no format"),
        (lambda each: each["models"][0].update(files=[]), "a model without files"),
        (lambda each: each["models"][0].update(files=[1]), "a file name is no text"),
        (lambda each: each.update(files=[]), "a file without a hash"),
        (lambda each: each["files"]["model.onnx"].update(sha256="A" * 64), "sha256 is no SHA-256"),
        (lambda each: each["files"]["model.onnx"].update(bytes=1.5), "bytes is not a whole number"),
        (lambda each: each["files"]["model.onnx"].update(bytes=-1), "bytes is not a whole number"),
        (lambda each: each["preprocess"].update(height=0), "height is not a whole number from 16 to 2048"),
        (lambda each: each["preprocess"].update(width=1e9), "width is not a whole number"),
        (lambda each: each["preprocess"].update(interpolation="bicubic"), "interpolation is not bilinear"),
        (lambda each: each["preprocess"].update(colour="BGR"), "colour is not RGB"),
        (lambda each: each.update(preprocess=None), "no height"),
        (lambda each: each.update(feature_size=2**40), "feature_size is not a whole number"),
        (lambda each: each.update(name=7), "name is no text"),
    ],
)
def test_a_wrong_description_is_refused(refusal: Callable[[], str], bundle: Path, edit: Edit, words: str) -> None:
    edit_description(bundle, edit)

    assert words in refusal()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no JSON at byte"),
        (b"\xff\xfe{}", "no JSON at byte"),
        (b"null", "no format"),
        (b"[]", "no format"),
        (b"[" * 3_000_000, "no JSON at byte"),
        (b" " * (4 * 2**20 + 1), "more than 4,194,304 bytes"),
    ],
    ids=["empty", "no UTF-8", "null", "list", "nested", "huge"],
)
def test_a_description_that_is_none_is_refused(
    refusal: Callable[[], str], bundle: Path, content: bytes, words: str
) -> None:
    (bundle / "bundle.json").write_bytes(content)

    assert words in refusal()


def test_a_pipe_in_the_place_of_a_file_is_refused(refusal: Callable[[], str], bundle: Path) -> None:
    (bundle / "bundle.json").unlink()
    os.mkfifo(bundle / "bundle.json")

    assert "no regular file" in refusal()
