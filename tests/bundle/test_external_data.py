"""Where an ONNX file's weights are, held against the onnx library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from reseen.bundle.external_data import MAX_DEPTH, external_files
from reseen.errors import BundleError


def tensor(location: str | None = None) -> TensorProto:
    made = numpy_helper.from_array(np.arange(3, dtype=np.float32), "w")
    if location is not None:
        set_external_data(made, location, offset=0, length=12)
    return made


def graph(**parts: object) -> onnx.GraphProto:
    made = helper.make_graph(parts.pop("nodes", []), "g", [], [])  # type: ignore[arg-type]
    for name, values in parts.items():
        getattr(made, name).extend(values)
    return made


def sparse(location: str) -> onnx.SparseTensorProto:
    return helper.make_sparse_tensor(tensor(location), tensor(), [3])


def node(**attributes: Any) -> onnx.NodeProto:
    return helper.make_node("Constant", [], ["c"], **attributes)


def model(inner: onnx.GraphProto, **parts: object) -> onnx.ModelProto:
    made = helper.make_model(inner)
    for name, values in parts.items():
        getattr(made, name).extend(values)
    return made


def write(folder: Path, made: onnx.ModelProto) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString())
    return path


function = onnx.FunctionProto(name="f", node=[node(value=tensor("function"))])
training = onnx.TrainingInfoProto(algorithm=graph(initializer=[tensor("training")]))
PLACES = {
    "initializer": model(graph(initializer=[tensor(), tensor("initializer")])),
    "sparse": model(graph(sparse_initializer=[sparse("sparse")])),
    "attribute": model(graph(nodes=[node(value=tensor("attribute"))])),
    "tensors": model(graph(nodes=[node(values=[tensor("tensors")])])),
    "sparse attribute": model(graph(nodes=[node(sparse_value=sparse("sparse attribute"))])),
    "subgraph": model(graph(nodes=[node(body=graph(initializer=[tensor("subgraph")]))])),
    "subgraphs": model(graph(nodes=[node(bodies=[graph(), graph(initializer=[tensor("subgraphs")])])])),
    "function": model(graph(), functions=[function]),
    "training": model(graph(), training_info=[training]),
}


@pytest.mark.parametrize("place", PLACES)
def test_weights_outside_are_found_wherever_they_hang(place: str, tmp_path: Path) -> None:
    assert external_files(write(tmp_path, PLACES[place])) == {place}


def test_a_file_that_holds_its_weights_reads_no_other(small_bundle: Path) -> None:
    assert external_files(small_bundle / "model.onnx") == set()


def test_several_tensors_may_share_a_file(tmp_path: Path) -> None:
    inner = graph(initializer=[tensor("a"), tensor("b"), tensor("a")])
    assert external_files(write(tmp_path, model(inner))) == {"a", "b"}


@given(
    locations=st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), min_size=1)), max_size=5)
)
def test_any_locations(locations: list[str | None], tmp_path_factory: pytest.TempPathFactory) -> None:
    made = model(graph(initializer=[tensor(location) for location in locations]))
    assert external_files(write(tmp_path_factory.mktemp("any"), made)) == {each for each in locations if each}


@given(content=st.binary(min_size=1, max_size=200))
def test_what_is_no_onnx_file_ends_in_a_clear_error_or_in_nothing(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "model.onnx"
    path.write_bytes(content)
    try:
        assert isinstance(external_files(path), set)
    except BundleError as error:
        assert error.cure  # noqa: PT017


def test_every_truncation_ends_in_a_clear_error_or_in_what_is_there(tmp_path: Path) -> None:
    whole = PLACES["attribute"].SerializeToString()
    path = tmp_path / "model.onnx"
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        try:
            assert external_files(path) <= {"attribute"}
        except BundleError as error:
            assert "not a whole ONNX file" in error.what  # noqa: PT017


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.touch()
    with pytest.raises(BundleError, match="not a whole ONNX file"):
        external_files(path)


def test_graphs_nested_without_end(tmp_path: Path) -> None:
    inner = graph(initializer=[tensor("deep")])
    for _ in range(MAX_DEPTH // 3 + 1):  # graph, node and attribute
        inner = graph(nodes=[node(body=inner)])
    with pytest.raises(BundleError, match="nested more than"):
        external_files(write(tmp_path, model(inner)))
