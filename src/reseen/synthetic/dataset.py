"""`synthesise`: a whole dataset of drawn people, in Market-1501's layout."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np

from reseen.datasets.manifest import JUNK_NAME, Manifest
from reseen.datasets.market1501 import FOLDERS, read_market1501
from reseen.errors import StorageError
from reseen.files import require_empty
from reseen.synthetic.camera import draw_camera, place_camera
from reseen.synthetic.person import Person, draw_person
from reseen.synthetic.plan import Plan
from reseen.synthetic.shot import QUIET, Studio, bad_crop, detector_crop
from reseen.synthetic.wardrobe import dress_apart

_QUALITY = 92
_FRAMES_APART = 25
_README = """\
The people in these images are drawn by a program, not photographed: nobody here exists.

Made by reseen in the layout of Market-1501. A file's name reads PERSON_cCAMERAsSEQUENCE_FRAME_BOX.jpg.
Person 0000 is a distractor (in the gallery, matches no query), person -1 is junk (a false detection).
"""

# Each kind of chance has its own stream, so that another camera does not change the people.
_PERSONS, _CAMERAS, _SCENES, _SHOTS = range(4)


def synthesise(directory: Path, plan: Plan, progress: Callable[[int, int], None] | None = None) -> Manifest:
    """Draw people as several cameras see them and write them as a dataset in Market-1501's layout.

    The same plan gives the same bytes with the same versions of numpy and Pillow on one machine.

    Args:
        directory: where to write; it must not exist, or be empty. Until all is
            written, it holds nothing but a hidden folder, which goes when the writing fails.
        plan: how many people, cameras and images.
        progress: called with the images done and their total after each image.

    Returns:
        The dataset, as `open_dataset` reads it.

    Raises:
        UsageError: there is something in the directory.
        StorageError: the directory cannot be read, or the images cannot be written.
    """
    require_empty(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # Inside the directory, which may be a mount point or the current one: neither can be renamed over.
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=directory) as unfinished:
            _write(Path(unfinished), plan, progress)
            for entry in sorted(Path(unfinished).iterdir()):
                entry.replace(directory / entry.name)
    except OSError as error:
        raise StorageError(
            f"the dataset could not be written to {directory}",
            expected="a folder that can be written to, with room for the images",
            got=str(error),
            cure="free some space there, or choose another directory",
        ) from error
    return replace(read_market1501(directory), name="synthetic people")


def _write(directory: Path, plan: Plan, progress: Callable[[int, int], None] | None) -> None:
    folders = {split: directory / folder for folder, split in FOLDERS.items()}
    for folder in folders.values():
        folder.mkdir()
    (directory / "README.txt").write_text(_README, encoding="utf-8")
    studios = [_studio(camera, plan) for camera in range(plan.cameras)]
    frames = [count(_FRAMES_APART, _FRAMES_APART) for _ in studios]
    for done, shot in enumerate(plan.shots(), start=1):
        rng = np.random.default_rng([plan.seed, _SHOTS, done])
        person = _person(shot.person, plan)
        crop = bad_crop(rng) if shot.name == JUNK_NAME else detector_crop(rng)
        image = studios[shot.camera].photograph(person, crop, rng)
        file = f"{shot.name}_c{shot.camera + 1}s1_{next(frames[shot.camera]):06d}_01.jpg"
        image.save(folders[shot.split] / file, quality=_QUALITY)
        if progress is not None:
            progress(done, plan.images)


def _person(number: int, plan: Plan) -> Person:
    person = draw_person(np.random.default_rng([plan.seed, _PERSONS, number]))
    return dress_apart(person, number) if plan.easy else person


def _studio(place: int, plan: Plan) -> Studio:
    if plan.easy:
        square = np.random.default_rng([plan.seed, _SCENES])
        return Studio(place_camera(place, plan.cameras), (plan.width, plan.height), square, QUIET)
    camera = draw_camera(np.random.default_rng([plan.seed, _CAMERAS, place]), place, plan.cameras)
    return Studio(camera, (plan.width, plan.height), np.random.default_rng([plan.seed, _SCENES, place]))
