"""Networks of the library timm, which is imported only where a recipe names one."""

from __future__ import annotations

import difflib
import importlib
from types import ModuleType

from torch import Tensor, nn

from reseen.errors import RecipeError, UsageError
from reseen.models.backbone import Backbone
from reseen.models.pooling import AveragePooling
from reseen.recipe import schema
from reseen.shapes import Float

PREFIX = "timm:"
OURS = frozenset({"num_classes", "global_pool", "in_chans", "features_only", "checkpoint_path", "cache_dir"})
"""Arguments that are not for a recipe to set, beside all that begin with `pretrained`."""


class TimmBackbone(Backbone):
    """A network of timm, freshly initialised, less its classifier. Its own weights are never fetched.

    With average pooling the network pools as timm has it do, so that those without maps, such as transformers, work
    too; any other pooling needs a network that ends in a feature map. Parameters are named as in timm, after
    `network.`.

    Raises:
        UsageError: timm is missing.
        RecipeError: timm does not know the name, or refuses the arguments.
    """

    def __init__(self, settings: schema.Timm, pool: nn.Module) -> None:
        super().__init__(pool)
        self.name = settings.name
        self.pools_itself = isinstance(pool, AveragePooling)
        self.network = _create(settings, {} if self.pools_itself else {"global_pool": ""})
        size = getattr(self.network, "head_hidden_size", None) or self.network.num_features
        self.feature_size = int(size)  # type: ignore[arg-type]

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """Pooled features.

        Raises:
            RecipeError: the network does not take images of this size, or does not end in what the pooling needs.
        """
        output = self._output(images)
        if output.ndim != (2 if self.pools_itself else 4) or output.shape[1] != self.feature_size:
            raise RecipeError(
                f"{self.name} does not go together with the recipe's pooling",
                expected=f"{'features' if self.pools_itself else 'a feature map'} of {self.feature_size} channels",
                got=f"an output of shape {tuple(output.shape)}",
                cure="set model.pooling to {name: average}, with which the network pools by itself, or use another",
            )
        features: Tensor = output if self.pools_itself else self.pool(output)
        return features

    def _output(self, images: Float[Tensor, "b 3 h w"]) -> Tensor:
        try:
            output: Tensor = self.network(images)
        except AssertionError as error:  # so timm's networks of a fixed input size say it
            raise RecipeError(
                f"{self.name} does not take images of this size",
                expected=str(error)[:500] or "another size",
                got=f"{images.shape[2]}×{images.shape[3]}",
                cure="set preprocess.height and preprocess.width, or what the network has in model.backbone.arguments: "
                "{dynamic_img_size: true} or {img_size: N}",
            ) from error
        return output


def _create(settings: schema.Timm, pooling: dict[str, str]) -> nn.Module:
    timm, name = _library(settings.name), settings.name.removeprefix(PREFIX)
    if not timm.is_model(name):
        raise RecipeError(
            f"timm knows no network {name}",
            expected=f"one of its {len(timm.list_models())} names",
            got=name,
            cure=_nearest(name, timm.list_models()),
        )
    refused = sorted(key for key in settings.arguments if key in OURS or key.startswith("pretrained"))
    if refused:
        raise RecipeError(
            f"{settings.name} takes no {', '.join(refused)} from a recipe",
            expected="arguments of the network; its classifier, pooling and weights are set by other keys",
            got=", ".join(refused),
            cure="use model.pooling for the pooling and model.pretrained for weights, and leave these out",
        )
    try:
        network: nn.Module = timm.create_model(name, pretrained=False, num_classes=0, **pooling, **settings.arguments)
    except Exception as error:  # timm's networks each raise what they like
        raise RecipeError(
            f"timm does not build {name}",
            expected="arguments that the network takes",
            got=f"{settings.arguments}, and {type(error).__name__}: {str(error)[:500]}",
            cure="change model.backbone.arguments; where the network must pool by itself, set model.pooling to "
            "{name: average}",
        ) from error
    return network


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:  # a torchvision made for another torch raises RuntimeError
        raise UsageError(
            f"{name} needs the library timm",
            expected="timm, and the torchvision that belongs to the installed torch",
            got=str(error)[:500],
            cure="pip install timm, with a torchvision that fits torch, or choose a backbone without `timm:`",
        ) from error


def _nearest(name: str, known: list[str]) -> str:
    similar = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"use {' or '.join(similar)}" if similar else "look it up with timm.list_models()"
