"""Losses of the library pytorch-metric-learning, which is imported only where a recipe names one."""

from __future__ import annotations

import copy
import difflib
import importlib
import inspect
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

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
        RecipeError: the library has no such loss, the loss refuses the arguments, it cannot be learnt from features
            and labels alone, or it keeps or draws what no checkpoint holds, so that no run could continue exactly.
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
    """Learn from two batches with a copy of the loss, and see that another copy can go on from what the first saves."""
    labels = torch.arange(16).div(4, rounding_mode="floor").clamp_max(persons - 1)
    first, second = torch.linspace(-1, 1, 2 * 16 * feature_size).sin().reshape(2, 16, feature_size)
    learnt, resumed = copy.deepcopy(loss), copy.deepcopy(loss)
    with torch.random.fork_rng(devices=[]):
        try:
            _learn(learnt, name, first, labels)
            resumed.load_state_dict(copy.deepcopy(learnt.state_dict()))
            torch.manual_seed(0)
            went_on = _learn(learnt, name, second, labels)
            torch.manual_seed(0)
            starts_again = _learn(resumed, name, second, labels)
        except RecipeError:
            raise
        except Exception as error:  # its classes each raise what they like
            raise _unsuitable(name, f"{type(error).__name__}: {str(error)[:500]}") from error
    if not torch.allclose(went_on, starts_again, rtol=0, atol=0, equal_nan=True):
        raise RecipeError(
            f"a run that is stopped could not resume exactly with {name}",
            expected="a loss that follows from features, labels, the run's seed and what is saved with the weights",
            got=f"{went_on:.6g} from a loss that had seen a batch before, {starts_again:.6g} from one resumed there",
            cure="choose another loss, or other arguments for it",
        )


def _learn(loss: nn.Module, name: str, features: Tensor, labels: Tensor) -> Tensor:
    """Go forward and backward once; the loss's value."""
    value: Any = loss(features.clone().requires_grad_(), labels)
    if not (isinstance(value, Tensor) and value.ndim == 0):
        raise _unsuitable(name, f"{type(value).__name__} of shape {tuple(getattr(value, 'shape', ()))}")
    value.backward()  # type: ignore[no-untyped-call]
    return value.detach()


def _unsuitable(name: str, got: str) -> RecipeError:
    return RecipeError(
        f"{name} cannot be computed from features and labels, batch by batch",
        expected="a scalar for a batch of features and the labels of their people, and its gradients",
        got=got,
        cure="choose another loss, or other arguments for it",
    )
