from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from reseen.models.pooling import AveragePooling, GeMPooling


@pytest.fixture
def maps() -> Tensor:
    return torch.randn(2, 5, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def naive(rows: list[float], p: float) -> float:
    raised = [max(value, 1e-6) ** p for value in rows]
    mean: float = (sum(raised) / len(raised)) ** (1 / p)
    return mean


def test_average_is_the_mean_and_has_nothing_to_save(maps: Tensor) -> None:
    pool = AveragePooling()
    for row, features in zip(maps, pool(maps), strict=True):
        assert features.tolist() == pytest.approx([sum(channel.flatten().tolist()) / 12 for channel in row])
    assert not pool.state_dict()


@given(p=st.floats(1, 30), seed=st.integers(0, 1000))
def test_gem_equals_the_naive_loop(p: float, seed: int) -> None:
    maps = torch.randn(2, 3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    for row, features in zip(maps, GeMPooling(p, learn=True).double()(maps), strict=True):
        expected = [naive(channel.flatten().tolist(), torch.tensor(p).item()) for channel in row]
        assert features.tolist() == pytest.approx(expected, rel=1e-6)


def test_gem_is_the_mean_at_1_and_nears_the_maximum_as_p_grows(maps: Tensor) -> None:
    positive = maps.abs() + 0.1
    torch.testing.assert_close(GeMPooling(1.0, learn=False).double()(positive), positive.mean((2, 3)))
    torch.testing.assert_close(
        GeMPooling(100.0, learn=False).double()(positive), positive.amax((2, 3)), rtol=0.03, atol=0
    )


def test_gradients_of_maps_and_exponent_equal_finite_differences(maps: Tensor) -> None:
    pool = GeMPooling(3.0, learn=True).double()

    def pooled(values: Tensor, p: Tensor) -> Tensor:
        features = torch.func.functional_call(pool, {"p": p}, (values,))
        assert isinstance(features, Tensor)
        return features

    p = pool.p.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(pooled, (maps.abs().add(0.1).requires_grad_(), p))


@pytest.mark.parametrize("learn", [True, False])
def test_the_exponent_is_saved_either_way_and_learns_only_if_asked_to(learn: bool) -> None:
    pool = GeMPooling(2.5, learn=learn)
    assert {name: value.tolist() for name, value in pool.state_dict().items()} == {"p": [2.5]}
    assert [name for name, _ in pool.named_parameters()] == (["p"] if learn else [])


@pytest.mark.parametrize("p", [1.0, 3.0, 100.0])
@pytest.mark.parametrize("value", [-1.0, 0.0, 1e-3, 1e4])
def test_values_and_gradients_are_finite_for_all_maps_and_exponents(p: float, value: float) -> None:
    maps = torch.tensor([[[[value, value / 2], [0.0, -5.0]]]]).requires_grad_()
    pool = GeMPooling(p, learn=True)
    features = pool(maps)
    assert features.isfinite().all()
    gradients = torch.autograd.grad(features.sum(), (maps, pool.p))
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_gem_is_computed_in_32_bits_under_autocast(dtype: torch.dtype) -> None:
    pool, halves = GeMPooling(3.0, learn=False), torch.rand(2, 4, 8, 4).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = pool(halves)
    assert features.dtype == torch.float32
    assert torch.equal(features, pool(halves.float()))
