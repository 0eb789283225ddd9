from __future__ import annotations

import torch

from reseen.models.ibn import IBN


def test_the_first_half_is_normalised_by_image_and_the_other_by_running_statistics() -> None:
    norm = IBN(6).eval()
    for value, parameter in enumerate(norm.parameters(), start=1):
        torch.nn.init.constant_(parameter, value)
    norm.BN.running_mean.fill_(3.0)  # type: ignore[union-attr]
    norm.BN.running_var.fill_(4.0)  # type: ignore[union-attr]
    maps = 5 + 2 * torch.randn(2, 6, 5, 4)
    normed = norm(maps)
    deviation, mean = torch.std_mean(maps[:, :3], (2, 3), correction=0, keepdim=True)
    torch.testing.assert_close(normed[:, :3], (maps[:, :3] - mean) / deviation * 1 + 2, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(normed[:, 3:], (maps[:, 3:] - 3) / 2 * 3 + 4, rtol=1e-4, atol=1e-4)


def test_parameters_are_named_as_published_and_of_an_odd_channel_the_batch_norm_has_more() -> None:
    shapes = {name: tuple(value.shape) for name, value in IBN(7).named_parameters()}
    assert shapes == {"IN.weight": (3,), "IN.bias": (3,), "BN.weight": (4,), "BN.bias": (4,)}
    assert IBN(7)(torch.randn(2, 7, 3, 3)).shape == (2, 7, 3, 3)
