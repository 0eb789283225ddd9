"""Images embedded by several processes; what they exchange is tested where it is made, with real ones."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch
from torch import Tensor

from reseen.assess.extract import EmbedsFiles
from reseen.datasets.manifest import Manifest
from reseen.images.decode import decode_image
from reseen.runs.extract_together import extract_together
from reseen.training.processes import ALONE, Processes

T = TypeVar("T")


class Brightness:
    """Embeds an image as the means of its colours."""

    feature_size = 3

    def embed_files(self, paths: Sequence[Path]) -> Generator[np.ndarray, None, None]:
        for path in paths:
            yield decode_image(path).mean((0, 1), dtype=np.float32)[None]


class OneOfThree(Processes):
    """A process that hears from the two others what they would have said."""

    shares: Sequence[Tensor] = ()

    def gather(self, rows: Tensor) -> Tensor:
        return torch.cat([rows if rank == self.rank else share for rank, share in enumerate(self.shares)])

    def run_on_all(self, work: Callable[[], T]) -> T:
        return work()


def shares_of(features: np.ndarray, count: int) -> list[Tensor]:
    """What each process contributes: every count-th row from its rank on, filled up with zeros to one length."""
    shares = [torch.zeros((-(-len(features) // count), features.shape[1])) for _ in range(count)]
    for place, row in enumerate(features):
        shares[place % count][place // count] = torch.from_numpy(row)
    return shares


def embedder() -> EmbedsFiles:
    return Brightness()


def test_one_process_embeds_everything(people: Manifest) -> None:
    paths = [sample.path for sample in people.samples[:6]]
    assert extract_together(ALONE, embedder(), paths).shape == (6, 3)


@pytest.mark.parametrize("images", [1, 2, 3, 10])
@pytest.mark.parametrize("rank", [0, 1, 2])
def test_every_process_gets_all_features_in_the_order_of_the_images(images: int, rank: int, people: Manifest) -> None:
    paths: list[Path] = [sample.path for sample in people.samples[:images]]
    wanted = extract_together(ALONE, embedder(), paths)
    process = OneOfThree(rank, 3)
    object.__setattr__(process, "shares", shares_of(wanted, 3))

    np.testing.assert_array_equal(extract_together(process, embedder(), paths), wanted)
