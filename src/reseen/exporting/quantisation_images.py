"""The images that 8 bits are made and measured on: never the same ones for both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reseen.datasets.evaluation_split import EvaluationSplit
from reseen.datasets.manifest import JUNK_NAME, Manifest
from reseen.datasets.manifest_file import MANIFEST_SUFFIXES
from reseen.datasets.market1501 import find_market1501
from reseen.datasets.open import open_dataset
from reseen.errors import DatasetError
from reseen.images.decode import decode_image
from reseen.images.preprocess import Preprocess
from reseen.images.resize import fit
from reseen.images.source import image_sources
from reseen.shapes import UInt8

QUANTISED = 300
"""Most images that ranges are taken from."""
MEASURED = 1500
"""About how many images the cost is measured on, at most."""
FEWEST, FEWEST_PEOPLE = 10, 5
"""Fewest images for either, and fewest people to measure on."""
BATCH = 32


@dataclass(frozen=True, eq=False)
class QuantisationImages:
    """Images to quantise on, and others to measure on.

    Attributes:
        quantise: those that ranges are taken from, at the preprocess size.
        measured: the files of the others.
        people: who is on those, which are its `paths`; None where that is not known.
        preprocess: how an image becomes the model's input.
    """

    quantise: UInt8[np.ndarray, "n h w 3"]
    measured: tuple[Path, ...]
    people: EvaluationSplit | None
    preprocess: Preprocess

    def batches(self) -> Iterator[UInt8[np.ndarray, "_ h w 3"]]:
        """The measured images in their order, at the preprocess size, so many at a time that memory stays small.

        Raises:
            ImageError: one cannot be read; it names the path.
        """
        for start in range(0, len(self.measured), BATCH):
            yield _decode(self.measured[start : start + BATCH], self.preprocess)


def read_quantisation_images(path: Path, preprocess: Preprocess) -> QuantisationImages:
    """Draw images to quantise and to measure on; of one dataset always the same ones.

    Of a dataset with query and gallery, up to `QUANTISED` training images are quantised on, of the gallery where there
    are none, and some of the people, with all their query and gallery images, are measured on. Of any other dataset, or
    folder of images, one half is quantised on, and the other is measured on, without knowing who is on them.

    Raises:
        DatasetError: there is no image, there are too few, or a dataset's table cannot be read.
        ImageError: an image cannot be read.
    """
    manifest = _dataset(path)
    if manifest is not None and manifest.has_splits:
        split = EvaluationSplit.of(manifest)
        if split.query and split.gallery:
            return _labelled(split, preprocess)
    if manifest is None:
        paths = sorted(Path(each.name) for each in image_sources(path))
    else:
        paths = sorted({each.path for each in manifest.samples if each.person != JUNK_NAME})
    drawn = [paths[place] for place in np.random.default_rng(0).permutation(len(paths))]
    half = len(drawn) // 2
    return _images(path, drawn[:half], drawn[half:][:MEASURED], None, preprocess)


def _dataset(path: Path) -> Manifest | None:
    """None for a folder of images that is no dataset."""
    try:
        return open_dataset(path)
    except DatasetError:
        described = any((path / f"manifest{suffix}").exists() for suffix in MANIFEST_SUFFIXES)
        if not path.is_dir() or described or find_market1501(path) is not None:
            raise
        return None


def _labelled(split: EvaluationSplit, preprocess: Preprocess) -> QuantisationImages:
    rng = np.random.default_rng(0)
    persons, manifest = _drawn_persons(split, rng), split.manifest
    query, gallery = (
        tuple(sample for sample in part if sample.person in persons) for part in (split.query, split.gallery)
    )
    people = EvaluationSplit(manifest, query, gallery)
    other = [each.path for each in manifest.split("train") or split.gallery if each.person not in persons]
    quantise = [other[place] for place in rng.permutation(len(other))]
    return _images(manifest.root, quantise, people.paths, people, preprocess)


def _drawn_persons(split: EvaluationSplit, rng: np.random.Generator) -> set[str]:
    """People of whom some query has a match, as many as `MEASURED` images allow."""
    images = {split.query[place].person: 0 for place in split.matches.valid_queries}
    for sample in split.query + split.gallery:
        if sample.person in images:
            images[sample.person] += 1
    order = [sorted(images)[place] for place in rng.permutation(len(images))]
    upto = np.cumsum([images[person] for person in order])
    drawn = order[: max(FEWEST_PEOPLE, int(np.searchsorted(upto, MEASURED, side="right")))]
    if len(drawn) < FEWEST_PEOPLE:
        raise DatasetError(
            f"{split.manifest.root} has too few people to measure accuracy on",
            expected=f"at least {FEWEST_PEOPLE} whom another camera sees in the gallery",
            got=str(len(drawn)),
            cure="give a larger dataset, or a plain folder of images",
        )
    return set(drawn)


def _images(
    root: Path,
    quantise: Sequence[Path],
    measured: Sequence[Path],
    people: EvaluationSplit | None,
    preprocess: Preprocess,
) -> QuantisationImages:
    if min(len(quantise), len(measured)) < FEWEST:
        raise DatasetError(
            f"{root} has too few images for quantisation and its accuracy check",
            expected=f"at least {FEWEST} for each",
            got=f"{len(quantise)} to quantise on, {len(measured)} to measure on",
            cure="give more: a few hundred crops like those that the model will see",
        )
    return QuantisationImages(_decode(quantise[:QUANTISED], preprocess), tuple(measured), people, preprocess)


def _decode(paths: Sequence[Path], preprocess: Preprocess) -> UInt8[np.ndarray, "n h w 3"]:
    return np.stack([fit(decode_image(path), preprocess) for path in paths])
