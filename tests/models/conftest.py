"""Networks in a state that shows mistakes, where no scale is 1 and no shift is 0; and packages of weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

Shake = Callable[[nn.Module], nn.Module]


@pytest.fixture(scope="session")
def shaken() -> Shake:
    """Puts a module into evaluation mode, with random scales, shifts and running statistics in its norms."""

    def shake(module: nn.Module) -> nn.Module:
        generator = torch.Generator().manual_seed(0)
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.InstanceNorm2d):
                for values, low, high in (
                    (layer.weight.data, 0.5, 1.5),
                    (layer.bias.data, -0.5, 0.5),
                    (layer.running_mean, -0.5, 0.5),
                    (layer.running_var, 0.5, 1.5),
                ):
                    if values is not None:  # instance norms have no running statistics
                        values.uniform_(low, high, generator=generator)
        return module.eval()

    return shake


@pytest.fixture(scope="session")
def lite0_entries() -> dict[str, Tensor]:
    """EfficientNet-Lite0's entries as its package names them, with a classifier of ten classes."""
    generator = torch.Generator().manual_seed(0)
    entries: dict[str, Tensor] = {}

    def layer(convolution: str, norm: str, outputs: int, inputs: int, size: int) -> None:
        entries[f"{convolution}.weight"] = torch.randn(outputs, inputs, size, size, generator=generator)
        for key in ("weight", "bias", "running_mean", "running_var"):
            entries[f"{norm}.{key}"] = torch.rand(outputs, generator=generator)
        entries[f"{norm}.num_batches_tracked"] = torch.tensor(0)

    layer("_conv_stem", "_bn0", 32, 3, 3)
    inputs, index = 32, 0
    for outputs, kernel, expansion, count in (
        *((16, 3, 1, 1), (24, 3, 6, 2), (40, 5, 6, 2), (80, 3, 6, 3)),
        *((112, 5, 6, 3), (192, 5, 6, 4), (320, 3, 6, 1)),
    ):
        for _ in range(count):
            block, middle = f"_blocks.{index}", inputs * expansion
            if expansion > 1:
                layer(f"{block}._expand_conv", f"{block}._bn0", middle, inputs, 1)
            layer(f"{block}._depthwise_conv", f"{block}._bn1", middle, 1, kernel)
            layer(f"{block}._project_conv", f"{block}._bn2", outputs, middle, 1)
            inputs, index = outputs, index + 1
    layer("_conv_head", "_bn1", 1280, 320, 1)
    return entries | {"_fc.weight": torch.zeros(10, 1280), "_fc.bias": torch.zeros(10)}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts a package with files of weights where Python finds it; its path is that of the last of them."""

    def put(package: str, files: dict[str, dict[str, Tensor]], code: str = "") -> Path:
        module = tmp_path / "site" / package.replace("-", "_")
        information = tmp_path / "site" / f"{module.name}-0.1.0.dist-info"
        module.mkdir(parents=True)
        information.mkdir()
        (module / "__init__.py").write_text(code)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1.0\n")
        path = module / "__init__.py"
        for name, entries in files.items():
            path = module / name
            path.parent.mkdir(exist_ok=True)
            torch.save(entries, path)
        held = [f"{module.name}/{name},," for name in ("__init__.py", *files)]
        (information / "RECORD").write_text("\n".join(held) + "\n")
        monkeypatch.syspath_prepend(tmp_path / "site")
        return path

    return put
