"""Network → bundle: every format and precision that was asked for, each through the gate."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from reseen.bundle.bundle import CARD, DESCRIPTION, Bundle, file_of, open_bundle, write_bundle
from reseen.bundle.description import (
    Accuracy,
    Description,
    Format,
    Model,
    Parity,
    Precision,
    TrainingData,
    feature_space,
)
from reseen.bundle.shipped import require_own
from reseen.engines.choose import FORMATS, open_engine
from reseen.engines.engine import EngineOptions
from reseen.errors import UsageError
from reseen.exporting.accuracy import measure_accuracy, require_accuracy
from reseen.exporting.convert import converter
from reseen.exporting.parity import Trial, make_trial, measure_parity, require_parity
from reseen.exporting.quantisation_images import QuantisationImages
from reseen.exporting.source import Source
from reseen.files import require_empty, write_whole
from reseen.strict import fault

Target = tuple[Format, Precision]
Done = Callable[[Model], None]
"""Told of each model that has passed."""


@dataclass(frozen=True)
class About:
    """What stands in a bundle besides the models.

    Attributes:
        name: of the model.
        training_data: what it has learnt from; None where that is not known.
        set_aside: whom its training has set aside, as `people_hash` tells it; None where that is not known.
        metrics: how well it does, by the names of datasets and figures.
        card: text for people on what it is good for and where it fails; None for none, or the one that is there.
    """

    name: str
    training_data: TrainingData | None = None
    set_aside: str | None = None
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    card: bytes | None = None


@dataclass(frozen=True, eq=False)
class _Exported:
    """A model that has passed, and its files."""

    model: Model
    contents: Mapping[str, bytes]


def export_bundle(
    source: Source,
    targets: Sequence[Target],
    folder: Path,
    about: About,
    *,
    images: QuantisationImages | None = None,
    done: Done | None = None,
) -> Bundle:
    """Convert a network and write what agrees with it. Nothing is written when anything does not.

    Args:
        source: the network.
        targets: formats and precisions.
        folder: empty or missing; or a bundle of the same weights and preprocessing, to which the models are added.
        about: what else stands in the bundle; the name of one that is there already stays.
        images: for int8, which is refused without.
        done: told of each model that has passed.

    Raises:
        UsageError: the folder is in the way, or that of the bundle that comes with reseen; there is no such target,
            or its library is missing; int8 without images.
        ExportError: something cannot be converted, or does not agree with the network.
        StorageError: something cannot be written.
    """
    require_own(folder)
    description = _description(source, folder, about)
    for form, precision in targets:
        converter(form, precision)
        _require_images(precision, images)
    trial = make_trial(source.preprocess)
    exported: list[_Exported] = []
    for target in dict.fromkeys(targets):
        exported.append(_export(source, target, trial, images))
        if done is not None:
            done(exported[-1].model)
    description = _description(source, folder, about)  # another process may have added to it meanwhile
    replaced = {(each.model.format, each.model.precision) for each in exported}
    kept = [model for model in description.models if (model.format, model.precision) not in replaced]
    models = (*kept, *(each.model for each in exported))
    contents = {name: content for each in exported for name, content in each.contents.items()}
    if about.card is not None:
        contents[CARD] = about.card
    return write_bundle(folder, description.model_copy(update={"models": models}), contents)


def _description(source: Source, folder: Path, about: About) -> Description:
    """Of the bundle that is there already, or of a new one."""
    space = feature_space(source.preprocess, source.weights_sha256)
    if not (folder / DESCRIPTION).exists():
        require_empty(folder)
        try:
            return Description(
                name=about.name,
                preprocess=source.preprocess,
                feature_size=source.feature_size,
                weights_sha256=source.weights_sha256,
                feature_space=space,
                training_data=about.training_data,
                set_aside=about.set_aside,
                metrics={data: dict(figures) for data, figures in about.metrics.items()},
            )
        except ValidationError as error:
            raise UsageError(
                "the description of the model is too long",
                expected="a name of at most 100 characters, and names of datasets of at most 2,000",
                got=fault(error),
                cure="shorten it",
            ) from None
    there = open_bundle(folder).description
    if there.feature_space != space:
        raise UsageError(
            f"{folder} holds another model",
            expected=f"a bundle of feature space {space[:12]}…, which these weights and this preprocessing give",
            got=f"{there.name}, feature space {there.feature_space[:12]}…",
            cure="choose another --output",
        )
    return there.model_copy(
        update={
            "training_data": about.training_data or there.training_data,
            "metrics": there.metrics | {data: dict(figures) for data, figures in about.metrics.items()},
        }
    )


def _require_images(precision: Precision, images: QuantisationImages | None) -> None:
    if precision == "int8" and images is None:
        raise UsageError(
            "int8 needs images for quantisation and its accuracy check",
            expected="--calibration-data PATH: a dataset, or a folder of crops like those it will see",
            got="none",
            cure="give --calibration-data, or choose fp32 or fp16",
        )


def _export(source: Source, target: Target, trial: Trial, images: QuantisationImages | None) -> _Exported:
    """One model, converted and held against the network, as the engine will run it."""
    form, precision = target
    convert = converter(form, precision)
    contents = source.ready or convert(source.onnx, images.quantise if images is not None else None)
    with tempfile.TemporaryDirectory(prefix="reseen-") as scratch:
        for name, content in contents.items():
            write_whole(Path(scratch) / name, content)
        parity, accuracy = _measure(source, target, Path(scratch) / next(iter(contents)), trial, images)
    quantised = {name: file_of(content).sha256 for name, content in contents.items()} if precision == "int8" else None
    space = feature_space(source.preprocess, source.weights_sha256, quantised)
    return _Exported(
        Model(
            format=form,
            precision=precision,
            files=tuple(contents),
            feature_space=space,
            parity=parity,
            accuracy=accuracy,
        ),
        contents,
    )


def _measure(
    source: Source, target: Target, path: Path, trial: Trial, images: QuantisationImages | None
) -> tuple[Parity, Accuracy | None]:
    form, precision = target
    engine = open_engine(next(name for name, formats in FORMATS.items() if formats[0] == form), path, EngineOptions())
    try:
        parity = measure_parity(source.run, engine.run, trial)
        require_parity(parity, precision, path.name)
        if precision != "int8" or images is None:
            return parity, None
        accuracy = measure_accuracy(source.run, engine.run, images)
        require_accuracy(accuracy, path.name)
        return parity, accuracy
    finally:
        engine.close()
