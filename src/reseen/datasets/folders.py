"""Reader of folders named after the persons whose images they hold."""

from __future__ import annotations

from pathlib import Path

from reseen.datasets.manifest import SPLITS, Manifest, Sample, Split
from reseen.errors import DatasetError
from reseen.images.decode import SUFFIXES
from reseen.images.listing import describe_folder, entries, is_image


def read_folders(root: Path) -> Manifest:
    """Read `root/PERSON/IMAGE`, or, with parts of the protocol, `root/{train,query,gallery}/PERSON/IMAGE`.

    Cameras and times are not known. When `root` has a folder of a part's name, only such folders are read. Hidden files
    and persons' folders without an image are passed over, and so are files that are no image, or of a kind that is not
    read, which the manifest names. An image whose place names no
    person (beside the persons' folders, or deeper than them) is an error: leaving it out would be a silent loss.

    Raises:
        DatasetError: no image is found, one of the parts is empty, or an image lies in the wrong place.
    """
    parts = [split for split in SPLITS if (root / split).is_dir()]
    passed_over: list[Path] = []
    if parts:
        samples = [sample for split in parts for sample in _read_persons(root / split, split, passed_over)]
    else:
        samples = _read_persons(root, None, passed_over)
    return Manifest(root.absolute().name, root, tuple(samples), tuple(passed_over))


def _read_persons(folder: Path, split: Split | None, passed_over: list[Path]) -> list[Sample]:
    persons = []
    for entry in entries(folder):
        if entry.is_dir():
            persons.append(entry)
        elif is_image(entry):
            raise DatasetError(
                f"{entry} names no person",
                expected=f"{folder}/PERSON/{entry.name}",
                got=f"{folder}/{entry.name}",
                cure="move it into a folder named after the person, or describe the dataset with a CSV manifest "
                "(columns path,person)",
            )
        else:
            passed_over.append(entry)
    samples = [
        Sample(path=path, person=person.name, split=split)
        for person in persons
        for path in _images_of_person(person, passed_over)
    ]
    if not samples:
        raise DatasetError(
            f"{folder} holds no image",
            expected="Market-1501, a folder for each person with images in it, or a CSV or parquet manifest",
            got=describe_folder(folder),
            cure=f"check the path; images are read from {', '.join(sorted(SUFFIXES))} files",
        )
    return samples


def _images_of_person(person: Path, passed_over: list[Path]) -> list[Path]:
    images: list[Path] = []
    for entry in entries(person):
        if entry.is_dir():
            raise DatasetError(
                f"{person} holds a folder, so it is not a person's folder",
                expected="only images in a person's folder",
                got=describe_folder(person),
                cure="give the folder that holds one folder per person",
            )
        (images if is_image(entry) else passed_over).append(entry)
    return images
