"""Stored features: an `.npz` file with `features` and `persons`, and, where known, `cameras`.

Features to evaluate also have `splits`. Whom a file may be used for stands in its `role`: people who are evaluated
must not be those that thresholds are calibrated on, or the error rates would be told of the very people they were
chosen for.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

import numpy as np

from reseen.calibration.calibration_set import CalibrationSet
from reseen.errors import FeaturesError
from reseen.evaluation.protocol import RetrievalSet
from reseen.files import write_whole
from reseen.scores.labels import Labels
from reseen.scores.normalise import row_peaks
from reseen.scores.npz_arrays import Wanted, read_arrays
from reseen.shapes import Shaped

Role = Literal["evaluation", "calibration"]

COMMON = {
    "features": Wanted("float16, float32 or float64, (n, d)", "efd", dimensions=2),
    "persons": Wanted("integers, (n,)", np.typecodes["AllInteger"]),
    "cameras": Wanted("integers, (n,)", np.typecodes["AllInteger"], required=False),
    "role": Wanted("a string, ()", "US", dimensions=0, required=False),
}
EVALUATED = {
    **COMMON,
    "splits": Wanted("strings, (n,)", "US"),
    "images": Wanted("integers, (n,)", np.typecodes["AllInteger"], required=False),
    "junk_dropped": Wanted("an integer, ()", np.typecodes["AllInteger"], dimensions=0, required=False),
}
ROLE_CURE = (
    "calibrate on people who are neither trained on nor reported: train with data.calibration_share, then "
    "reseen calibrate -c RECIPE --weights FILE --data PATH; features of such people from elsewhere are stored with "
    "role='calibration'"
)


def read_features(path: Path) -> RetrievalSet:
    """Read the retrieval set stored in `path`.

    The arrays: `features` (n, d), any norm but zero; `persons` (n,), 0 = distractor, -1 = junk; `splits` (n,), each
    `query` or `gallery`; optional `cameras` (n,), -1 = unknown; optional `images` (n,), a number for each image, so
    that one which is query and gallery does not find itself; optional `junk_dropped` (), how much junk is already left
    out; optional `role`, `evaluation`. Other arrays are not looked at.

    Raises:
        FeaturesError: the file cannot be read, an array is missing or not as described, there is nothing to evaluate,
            or the people are there to calibrate on.
    """
    if _role(path) == "calibration":
        raise FeaturesError(
            f"{path} holds people who are kept aside for calibration",
            expected="people to evaluate on",
            got="role: calibration",
            cure="evaluate the features of other people, or calibrate: reseen calibrate --features",
        )
    arrays = read_arrays(path, EVALUATED)
    features, splits = arrays["features"], arrays["splits"]
    # Checked here as well as in each part, so that an error names the row of the file.
    labels = Labels.of(path.name, len(features), arrays["persons"], arrays.get("cameras"), arrays.get("images"))
    row_peaks(features, path.name)
    query, gallery = (splits == np.array(word).astype(splits.dtype.kind) for word in ("query", "gallery"))
    neither = np.flatnonzero(~(query | gallery))
    if neither.size:
        raise FeaturesError(
            f"{path} has an unknown split in row {neither[0]} (counted from 0)",
            expected="'query' or 'gallery'",
            got=repr(splits[neither[0]].item())[:80],
            cure="store only query and gallery images",
        )
    left_out = int(arrays.get("junk_dropped", np.int64(0)))
    if left_out < 0:
        raise FeaturesError(
            f"{path} holds an impossible number of junk images",
            expected="junk_dropped of at least 0",
            got=str(left_out),
            cure="store how many were left out, or leave it out",
        )
    retrieval = RetrievalSet.of(
        query_features=features[query],
        gallery_features=features[gallery],
        query_persons=labels.persons[query],
        gallery_persons=labels.persons[gallery],
        query_cameras=labels.cameras[query],
        gallery_cameras=labels.cameras[gallery],
        query_images=None if labels.images is None else labels.images[query],
        gallery_images=None if labels.images is None else labels.images[gallery],
    )
    return replace(retrieval, junk_dropped=retrieval.junk_dropped + left_out)


def read_calibration_set(path: Path) -> CalibrationSet:
    """Read the people stored in `path` to calibrate on.

    The arrays: `features` (n, d), any norm but zero; `persons` (n,), > 0, others are left out; `role`, which must be
    `calibration`; optional `cameras` (n,), -1 = unknown. Other arrays are not looked at.

    Raises:
        FeaturesError: the file cannot be read, an array is missing or not as described, or the people are not there to
            calibrate on.
    """
    role = _role(path)
    if role != "calibration":
        raise FeaturesError(
            f"{path} is not meant for calibration",
            expected="role: calibration",
            got="no role" if role is None else f"role: {role}",
            cure=ROLE_CURE,
        )
    arrays = read_arrays(path, COMMON)
    return CalibrationSet.of(path.name, arrays["features"], arrays["persons"], arrays.get("cameras"))


def write_features(path: Path, retrieval: RetrievalSet) -> None:
    """Store a retrieval set, so that `read_features` reads it back, without names of cameras; junk as its number.

    Raises:
        StorageError: it cannot be written.
    """
    queries, entries = len(retrieval.query_persons), len(retrieval.gallery_persons)
    identities = {}
    if retrieval.query_images is not None and retrieval.gallery_images is not None:
        identities["images"] = np.concatenate([retrieval.query_images, retrieval.gallery_images])
    _write(
        path,
        "evaluation",
        features=np.concatenate([retrieval.query_features, retrieval.gallery_features]),
        persons=np.concatenate([retrieval.query_persons, retrieval.gallery_persons]),
        cameras=np.concatenate([retrieval.query_cameras, retrieval.gallery_cameras]),
        splits=np.array(["query"] * queries + ["gallery"] * entries),
        junk_dropped=np.array(retrieval.junk_dropped),
        **identities,
    )


def write_calibration_set(path: Path, held: CalibrationSet) -> None:
    """Store people to calibrate on, so that `read_calibration_set` reads them back.

    Raises:
        StorageError: they cannot be written.
    """
    _write(path, "calibration", features=held.features, persons=held.persons, cameras=held.cameras)


def _write(path: Path, role: Role, **arrays: Shaped[np.ndarray, "..."]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, role=np.array(role), **arrays)
    write_whole(path, buffer.getvalue())


def _role(path: Path) -> Role | None:
    """What a file's people are there for; read first, for what the file must hold depends on it."""
    arrays = read_arrays(path, {"role": COMMON["role"]})
    if "role" not in arrays:
        return None
    found = arrays["role"].item()
    role = found.decode("ascii", "replace") if isinstance(found, bytes) else found
    if role not in ("evaluation", "calibration"):
        raise FeaturesError(
            f"{path} has an unknown role",
            expected="evaluation or calibration",
            got=repr(role)[:80],
            cure="set role to what the features are for",
        )
    return cast("Role", role)
