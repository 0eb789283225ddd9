"""What stands in `bundle.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from reseen.images.preprocess import Preprocess
from reseen.strict import Count, Strict

FORMAT = 1
"""The version of `bundle.json` that is written, and the newest that is read."""

Format = Literal["onnx", "openvino", "mnn"]
Precision = Literal["fp32", "fp16", "int8"]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""A name in the bundle's own folder: no path leads out of it."""
Text = Annotated[str, Field(max_length=2000)]


class File(Strict):
    """What a file of the bundle must be.

    Attributes:
        sha256: of its content.
        bytes: its size.
    """

    sha256: Hash
    bytes: Count


class Parity(Strict):
    """How far a model file's features lie from those of the network it was made from, on images of both kinds.

    Attributes:
        batches: numbers of images that went through at once.
        cosine: the lowest cosine of two features of one image.
        norm_error: the largest distance of a feature's length from 1.
        max_error: the largest difference of two numbers of a feature.
        ranked_lists_agree: whether a small search gave the same ranked lists, but for ties.
    """

    batches: tuple[Count, ...]
    cosine: float
    norm_error: float
    max_error: float
    ranked_lists_agree: bool


class Accuracy(Strict):
    """What quantisation cost, on the images that it was measured on.

    Attributes:
        measure: `mAP`, on labelled images, or `cosine`, the mean over images between the features of both.
        images: how many there were.
        before: mAP of the network; 1 for the cosine.
        after: mAP of the model file, or the mean cosine.
    """

    measure: Literal["mAP", "cosine"]
    images: Count
    before: float
    after: float


class Model(Strict):
    """The network in one format and precision.

    Attributes:
        format: of its files.
        precision: `fp16` stores the weights in half precision; `int8` computes in 8-bit integers, or for MNN stores
            the weights in 8 bits.
        files: names; the first is the one that an engine opens.
        feature_space: which features can be compared with its own.
        parity: what the gate measured when it was exported.
        accuracy: what quantisation cost; None where nothing was quantised.
    """

    format: Format
    precision: Precision
    files: Annotated[tuple[FileName, ...], Field(min_length=1)]
    feature_space: Hash
    parity: Parity
    accuracy: Accuracy | None = None

    @model_validator(mode="after")
    def _lists_its_weights(self) -> Model:
        weights = self.files[0].removesuffix(".xml") + ".bin"
        if self.format == "openvino" and weights not in self.files:  # OpenVINO would read it all the same
            raise ValueError(f"an OpenVINO model whose weights are not among its files: {weights}")
        return self


class TrainingData(Strict):
    """What a model has learnt from.

    Attributes:
        name: of the dataset.
        licence: the terms of the dataset, or of models that were made from it.
    """

    name: Text
    licence: Text


class Description(Strict):
    """Everything about a bundle but the content of its files.

    Attributes:
        format: version of this file.
        name: of the model.
        preprocess: how an image becomes what the models take: uint8 RGB of this size. Normalising is part of the
            models.
        feature_size: d, the numbers in a feature.
        weights_sha256: of the weights that all models of the bundle were made from, and of what is computed with them.
        feature_space: of models whose features agree with the network's: SHA-256 over preprocess and weights.
        training_data: what the model has learnt from; None where that is not known.
        set_aside: hash of the people whom training has set aside to calibrate on, as `people_hash` makes it; None
            where that is not known.
        metrics: how well the network does, by the names of datasets and figures.
        models: the network in each format and precision.
        files: every file of the bundle but `bundle.json` by its name.
    """

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)] = FORMAT
    name: Annotated[str, Field(min_length=1, max_length=100)]
    preprocess: Preprocess
    feature_size: Annotated[int, Field(ge=1, le=65536)]
    weights_sha256: Hash
    feature_space: Hash
    training_data: TrainingData | None = None
    set_aside: Annotated[str, Field(max_length=64)] | None = None
    metrics: dict[Text, dict[Text, float]] = Field(default_factory=dict)
    models: tuple[Model, ...] = ()
    files: dict[FileName, File] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Description:
        if self.feature_space != feature_space(self.preprocess, self.weights_sha256):
            raise ValueError("feature_space does not follow from preprocess and weights_sha256")
        named = [file for model in self.models for file in model.files]
        if unknown := sorted(set(named) - set(self.files)):
            raise ValueError(f"files without a hash: {', '.join(unknown)}")
        kinds = [(model.format, model.precision) for model in self.models]
        if len(set(kinds)) < len(kinds):
            raise ValueError("two models of one format and precision")
        return self


def feature_space(preprocess: Preprocess, weights_sha256: str, quantised: Mapping[str, str] | None = None) -> str:
    """The hash that says which features can be compared.

    Args:
        preprocess: how images become the network's input.
        weights_sha256: of the weights.
        quantised: SHA-256 by name of the files of a quantised model: its features are its own.
    """
    parts = [preprocess.sha256, weights_sha256, *([dict(quantised)] if quantised else [])]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
