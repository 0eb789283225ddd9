"""Reader of Market-1501 (Zheng et al., ICCV 2015), in the folder layout it is published in."""

from __future__ import annotations

import re
from pathlib import Path

from reseen.datasets.manifest import Manifest, Sample, Split
from reseen.errors import DatasetError
from reseen.images.listing import describe_folder, image_files

FOLDERS: dict[str, Split] = {"bounding_box_train": "train", "query": "query", "bounding_box_test": "gallery"}
"""Market-1501's folders and the parts of the protocol they hold."""

_TELLING = ("bounding_box_train", "bounding_box_test")
_NAME = re.compile(
    r"(?P<person>-1|\d{4})_c(?P<camera>[1-6])(?P<time>s\d+_\d+)_\d+(\.jpe?g|\.png)+", re.ASCII | re.IGNORECASE
)


def find_market1501(path: Path) -> Path | None:
    """The folder in Market-1501's layout that `path` is, or that lies one or two levels below it, if there is one.

    A folder of training images, or one of test images, tells the layout.

    Raises:
        DatasetError: there are several.
    """
    for level in ("", "*/", "*/*/"):
        found = sorted({box.parent for name in _TELLING for box in path.glob(f"{level}{name}") if box.is_dir()})
        if len(found) > 1:
            raise DatasetError(
                f"{path} holds several datasets in Market-1501's layout",
                expected="one",
                got=", ".join(map(str, found[:5])),
                cure=f"give the one you mean, for example {found[0]}",
            )
        if found:
            return found[0]
    return None


def read_market1501(root: Path) -> Manifest:
    """Read Market-1501, or another dataset in its layout, which is called as its folder is.

    Person `-1` is kept as junk and `0000` as distractor, cameras are "1".."6", and the time is the sequence and
    frame of the file's name ("s1_000451"). Anything that is not an image (`Thumbs.db`, lists, hidden files) and any
    other folder (`gt_bbox`, `gt_query`) is passed over.

    Args:
        root: the folder that holds `query`, `bounding_box_test` and, unless it is for evaluation only,
            `bounding_box_train`.

    Raises:
        DatasetError: one of them is missing or holds no image, or an image's name is not Market-1501's.
    """
    folders = {name: split for name, split in FOLDERS.items() if split != "train" or (root / name).is_dir()}
    samples = [sample for name, split in folders.items() for sample in _read_folder(root / name, split)]
    own = root.absolute().name
    return Manifest(name="Market-1501" if "market" in own.lower() else own, root=root, samples=tuple(samples))


def _read_folder(folder: Path, split: Split) -> list[Sample]:
    if not folder.is_dir():
        raise DatasetError(
            f"{folder} does not exist",
            expected=f"the folders {', '.join(FOLDERS)}",
            got=describe_folder(folder.parent),
            cure="unpack Market-1501 again, whole",
        )
    samples = [_read_name(path, split) for path in image_files(folder)]
    if not samples:
        raise DatasetError(
            f"{folder} holds no image",
            expected="images such as 0002_c1s1_000451_03.jpg",
            got=describe_folder(folder),
            cure="unpack Market-1501 again, whole",
        )
    return samples


def _read_name(path: Path, split: Split) -> Sample:
    name = _NAME.fullmatch(path.name)
    if name is None:
        raise DatasetError(
            f"{path} is not named as in Market-1501",
            expected="PERSON_cCAMERAsSEQUENCE_FRAME_BOX.jpg with person -1 or 0000-9999 and camera 1-6, "
            "for example 0002_c1s1_000451_03.jpg",
            got=path.name,
            cure="move the file away, or describe the dataset with a CSV manifest (columns path,person,camera,split)",
        )
    return Sample(path=path, person=name["person"], camera=name["camera"], split=split, time=name["time"])
