"""Losses of the library pytorch-metric-learning, which is imported only where a recipe names one."""

from __future__ import annotations

import copy
import difflib
import importlib
import inspect
from types import ModuleType
from typing import Any

import torch
from torch import nn

from reseen.errors import RecipeError, UsageError
from reseen.recipe import schema

PREFIX = "pml:"


def build_metric_learning_loss(settings: schema.MetricLearningLoss, persons: int, feature_size: int) -> nn.Module:
    """The loss a recipe names: a module that maps features (b, d) and labels (b,) to a scalar.

    Args:
        settings: its name, one of the library's classes of losses, and the arguments for it.
        persons: people in the training set; given to a class that cannot do without.
        feature_size: d; given to a class that cannot do without.

    Raises:
        UsageError: the library is missing.
        RecipeError: the library has no such loss, the loss refuses the arguments, or it cannot be computed from
            features and labels alone.
    """
    kind = _kind(settings.name)
    filled = {"num_classes": persons, "embedding_size": feature_size, "descriptors_dim": feature_size}
    asked = {name: value for name, value in filled.items() if name in _required(kind)}
    try:
        loss: nn.Module = kind(**asked, **settings.arguments)
    except Exception as error:  # its classes each raise what they like
        raise RecipeError(
            f"{settings.name} refuses the arguments",
            expected=f"arguments of {inspect.signature(kind)}; {', '.join(asked) or 'none'} of them filled in already",
            got=f"{settings.arguments}, and {type(error).__name__}: {str(error)[:500]}",
            cure=f"change the arguments of {settings.name} in losses",
        ) from error
    _try(loss, settings.name, persons, feature_size)
    return loss


def _kind(name: str) -> type[nn.Module]:
    """The class of that name, of those that the library has for losses."""
    losses, wanted = _library(name), name.removeprefix(PREFIX)
    base = losses.BaseMetricLossFunction
    known = {
        key: kind
        for key, kind in vars(losses).items()
        if isinstance(kind, type) and issubclass(kind, base) and kind is not base
    }
    if wanted not in known:
        similar = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
        raise RecipeError(
            f"pytorch-metric-learning has no loss {wanted}",
            expected=", ".join(sorted(known)),
            got=wanted,
            cure=f"use {' or '.join(similar)}" if similar else "use one of these",
        )
    return known[wanted]


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module("pytorch_metric_learning.losses")
    except ImportError as error:
        raise UsageError(
            f"{name} needs the library pytorch-metric-learning",
            expected="pytorch-metric-learning beside torch",
            got=str(error)[:500],
            cure="pip install pytorch-metric-learning, or choose losses without `pml:`",
        ) from error


def _required(kind: type[nn.Module]) -> set[str]:
    """Arguments without a default; a class may hand on to its base what it does not name."""
    return {
        parameter.name
        for base in kind.__mro__
        for parameter in inspect.signature(base.__init__).parameters.values()  # type: ignore[misc]
        if parameter.default is inspect.Parameter.empty
    }


def _try(loss: nn.Module, name: str, persons: int, feature_size: int) -> None:
    """Compute a copy of the loss once, on two images each of two persons."""
    features = torch.linspace(-1, 1, 4 * feature_size).sin().reshape(4, feature_size)
    labels = torch.tensor([0, 0, 1, 1]).clamp_max(persons - 1)
    try:
        value: Any = copy.deepcopy(loss)(features, labels)
    except Exception as error:
        raise _unsuitable(name, f"{type(error).__name__}: {str(error)[:500]}") from error
    if not (isinstance(value, torch.Tensor) and value.ndim == 0):
        raise _unsuitable(name, f"{type(value).__name__} of shape {tuple(getattr(value, 'shape', ()))}")


def _unsuitable(name: str, got: str) -> RecipeError:
    return RecipeError(
        f"{name} cannot be computed from features and labels",
        expected="a scalar for a batch of features and the labels of their persons",
        got=got,
        cure="choose another loss, or other arguments for it",
    )
