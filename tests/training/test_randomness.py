from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from reseen.recipe.schema import Recipe
from reseen.training.checkpoint import Parts
from reseen.training.randomness import Purpose, generator, seed_torch
from reseen.training.trainer import Trainer

SmallRecipe = Callable[..., Recipe]
MakeTrainer = Callable[..., Trainer]
Bits = Callable[[Parts], dict[str, Tensor]]
Same = Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], bool]
POINTS = list(itertools.product((0, 1, 2**63 - 1), Purpose, (0, 1, 2), (0, 1, 2)))


def test_every_point_of_a_run_has_draws_of_its_own() -> None:
    drawn = {tuple(generator(*point).integers(2**63, size=4).tolist()) for point in POINTS}
    assert len(drawn) == len(POINTS)


def test_a_point_draws_the_same_whatever_was_drawn_before() -> None:
    before = generator(1, Purpose.SAMPLING, 2, 3).random(5)
    generator(1, Purpose.SAMPLING, 2, 2).random(1000)
    np.random.default_rng(0).random(7)
    assert np.array_equal(generator(1, Purpose.SAMPLING, 2, 3).random(5), before)


def test_purposes_keep_their_numbers() -> None:
    """A run that is resumed after an upgrade must draw what it would have drawn."""
    assert {purpose.name: purpose.value for purpose in Purpose} == {
        "INITIALISATION": 0,
        "SAMPLING": 1,
        "AUGMENTATION": 2,
        "NETWORK": 3,
    }


def test_torch_draws_the_same_at_the_same_point_alone() -> None:
    def draws(*point: int) -> list[float]:
        seed_torch(point[0], Purpose(point[1]), *point[2:])
        return torch.rand(4).tolist()

    first = draws(5, Purpose.NETWORK, 1, 2)
    torch.rand(100)
    assert draws(5, Purpose.NETWORK, 1, 2) == first
    others = [(6, 3, 1, 2), (5, 0, 1, 2), (5, 3, 2, 2), (5, 3, 1, 1)]
    assert all(draws(*point) != first for point in others)


def test_torch_takes_the_largest_seed() -> None:
    seed_torch(2**63 - 1, Purpose.NETWORK, 10**6, 10**6)
    largest = torch.rand(4)
    seed_torch(2**63 - 2, Purpose.NETWORK, 10**6, 10**6)
    assert not torch.equal(torch.rand(4), largest)


def test_a_seed_gives_the_same_bits_twice_and_another_seed_gives_others(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, bits: Bits, settings: tuple[str, ...], same: Same
) -> None:
    found = []
    for folder, seed in (("one", 5), ("again", 5), ("other", 6)):
        trainer = make_trainer(small_recipe(*settings, f"seed={seed}"), folder)
        trainer.run()
        found.append(bits(trainer.parts))
    one, again, other = found
    assert same(one, again)
    assert one.keys() == other.keys()
    assert not any(
        torch.equal(one[name], other[name])
        for name in one
        if one[name].is_floating_point() and "step" not in name and "neck.bias" not in name
    )
