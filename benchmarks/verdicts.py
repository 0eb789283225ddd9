"""What verdicts decide on people who had no part in the calibration, and on images unlike all that were calibrated on.

    python benchmarks/verdicts.py MARKET1501 [--bundle BUNDLE] [--people N] [--copies N]

Half of the evaluation people of Market-1501 calibrate, the other half is measured: pairs and searches both ways,
folders and altered images one way. Prints a table of what was asked for and what was measured. Exit code 1 when a
promise is broken: of different-person pairs ≥ 90 % are called different at a false-non-match rate ≤ 1 %; of same-person
pairs ≥ 65 % the same at a false-match rate of 0.1 %; of true first ranks in folders of 300 images ≥ 60 % the same at a
false-positive rate of 1 %; the rates asked for lie within the measured intervals; of altered strangers' pairs at most 1
in 1,000 are called the same, while at most 2 % of the dataset's own pairs are held back; looking at an image costs at
most 3 % of embedding it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from reseen.assess.calibrate import evaluation_people
from reseen.assess.usual import learn_usual
from reseen.calibration.calibration import Calibration, calibrate
from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.held_back import hold_back
from reseen.calibration.usual import Usual
from reseen.datasets.manifest import Sample
from reseen.datasets.open import open_dataset
from reseen.engines.embedder import Embedder
from reseen.engines.load import load
from reseen.engines.match import Gallery, compared, found
from reseen.images.looks import looks_of
from reseen.reports.verdict_words import per_cent, with_interval
from reseen.synthetic import Plan, synthesise

FOLDER, FOLDERS, SEARCHES = 300, 40, 20
DRAW = np.random.default_rng(0)


def _grey(picture: Image.Image) -> Image.Image:
    return picture.convert("L").convert("RGB")


def _noise(picture: Image.Image) -> Image.Image:
    return Image.fromarray(DRAW.integers(0, 256, (picture.height, picture.width, 3), dtype=np.uint8))


def _plain(picture: Image.Image) -> Image.Image:
    red, green, blue = (int(each) for each in DRAW.integers(0, 256, 3))
    return Image.new("RGB", picture.size, (red, green, blue))


ALTERED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "darkened to 15 %": lambda picture: picture.point(lambda value: int(value * 0.15)),
    "grey": _grey,
    "8×16 pixels": lambda picture: picture.resize((8, 16), Image.Resampling.BILINEAR),
    "noise": _noise,
    "plain colours": _plain,
    "upside down": lambda picture: picture.transpose(Image.Transpose.ROTATE_180),
    "upper halves": lambda picture: picture.crop((0, 0, picture.width, picture.height // 2)),
    "lower halves": lambda picture: picture.crop((0, picture.height // 2, picture.width, picture.height)),
    "upper halves, stretched": lambda picture: picture.crop((0, 0, picture.width, picture.height // 2)).resize(
        picture.size
    ),
    "blurred": lambda picture: picture.filter(ImageFilter.GaussianBlur(4)),
    "on their side": lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
}


def main() -> None:
    """Embed, calibrate on half, and measure the other half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="MARKET1501", type=Path)
    parser.add_argument("--bundle", default=None)
    parser.add_argument("--people", type=int, default=None, help="of the evaluation people, so many")
    parser.add_argument("--copies", type=int, default=400, help="images that are altered in each way")
    given = parser.parse_args()
    samples: Sequence[Sample] = evaluation_people(open_dataset(given.data)).samples
    chosen = DRAW.permutation(sorted({each.person for each in samples}))[: given.people]
    samples = [each for each in samples if each.person in set(chosen.tolist())]
    with load(given.bundle) as embedder:
        embedded = embedder.embed_each([each.path for each in samples])
        if embedded.broken or embedded.looks is None:
            sys.exit(f"images that cannot be read: {', '.join(embedded.broken)}")
        held = _set("all", samples, embedded.features)
        kept = _rates(held)
        half = set(chosen[::2].tolist())
        own = np.array([each.person in half for each in samples])
        calibration = calibrate(_set("half", [s for s in samples if s.person in half], embedded.features[own]))
        kept &= _folders(calibration, [s for s in samples if s.person not in half], embedded.features[~own])
        usual = learn_usual(embedder, [s.path for s in samples if s.person in half], embedded.features[own])
        if usual is None:
            sys.exit("nothing is known of what the images look like")
        calibration = calibration.model_copy(update={"usual": usual})
        others = [s for s in samples if s.person not in half]
        kept &= _own_pairs(usual, embedded.looks[~own], embedded.features[~own])
        kept &= _altered(embedder, calibration, others, given.copies)
        kept &= _cost(embedder, others[:512])
    sys.exit(not kept)


def _promise(what: str, kept: bool) -> bool:
    print(f"  {'kept  ' if kept else 'BROKEN'} {what}", flush=True)
    return kept


def _set(name: str, samples: Sequence[Sample], features: np.ndarray) -> CalibrationSet:
    persons = np.unique([each.person for each in samples], return_inverse=True)[1] + 1
    cameras = np.unique([str(each.camera) for each in samples], return_inverse=True)[1]
    return CalibrationSet.of(name, features, persons, cameras)


def _rates(held: CalibrationSet) -> bool:
    """Pairs and strangers' searches, both ways."""
    measured, kept = hold_back(held), True
    print(
        f"{held.people} people, {len(held.features):,} images; half calibrates, the other half is measured, both ways"
    )
    limits = {("same", 1e-3): 0.65, ("different", 1e-2): 0.9}
    for pair in measured.pairs:
        rate = "FMR" if pair.answer == "same" else "FNMR"
        inside = pair.error_rate[1] <= pair.target <= pair.error_rate[2]
        name = f"{pair.answer} at {rate} {per_cent(pair.target)}"
        told = f"{with_interval(*pair.error_rate)}; {per_cent(pair.decided[0])} decided"
        enough = pair.decided[0] >= limits.get((pair.answer, pair.target), 0)
        kept &= _promise(f"{name}: measured {told}", inside and enough)
    for search in measured.searches:
        of = "images" if search.one_image else "people"
        name = f"{search.people} {of}, FPIR {per_cent(search.target)}{', extrapolated' if search.extrapolated else ''}"
        # A threshold lies on the safe side of what was asked for: the rate may be lower than that, not higher.
        kept &= _promise(f"{name}: measured {with_interval(*search.fpir)}", search.fpir[1] <= search.target)
    return kept


def _folders(calibration: Calibration, samples: Sequence[Sample], features: np.ndarray) -> bool:
    """True first ranks in folders of `FOLDER` images, judged with and without the number of people."""
    persons = np.array([each.person for each in samples])
    cameras = np.array([str(each.camera) for each in samples])
    kept = True
    for people in (20, 60, 150):
        for told in (None, people):
            scores: list[float] = []
            for _ in range(FOLDERS):
                shown = DRAW.permutation(np.unique(persons))[:people]
                rows = np.concatenate(
                    [DRAW.permutation(np.flatnonzero(persons == each))[: FOLDER // people] for each in shown]
                )
                for each in DRAW.permutation(shown)[:SEARCHES]:
                    query = int(DRAW.choice(np.flatnonzero(persons == each)))
                    other = rows[(persons[rows] != each) | (cameras[rows] != cameras[query])]
                    best = other[int(np.argmax(features[other] @ features[query]))]
                    if persons[best] == each:
                        scores.append(float(features[best] @ features[query]))
            gallery = Gallery(FOLDER, told)
            same = float(np.mean([found(calibration, score, "", gallery).answer == "same" for score in scores]))
            said = f"--people {told}" if told else "people not told"
            name = f"folders of {FOLDER} images of {people} people, {said}, FPIR 1 %"
            text = f"{name}: {per_cent(same)} of {len(scores)} true first ranks called the same"
            kept &= _promise(text, same >= 0.6 or people > 20)
    return kept


def _own_pairs(usual: Usual, looks: np.ndarray, features: np.ndarray) -> bool:
    told = usual.differences(looks, features)
    share = float(np.mean([each is not None for each in told]))
    pairs = 1 - (1 - share) ** 2
    reasons = sorted({(sum(each == reason for each in told), reason) for reason in told if reason}, reverse=True)
    for count, reason in reasons:
        print(f"    {count} of {len(told)}: {reason}")
    return _promise(f"the dataset's own pairs held back as unlike: {per_cent(pairs)}", pairs <= 0.02)


def _altered(embedder: Embedder, calibration: Calibration, samples: Sequence[Sample], copies: int) -> bool:
    """Pairs of strangers whose images are both altered."""
    kept = True
    few = [samples[index] for index in DRAW.permutation(len(samples))[:copies]]
    persons = np.array([each.person for each in few])
    for name, alter in ALTERED.items():
        pictures = [alter(Image.open(each.path).convert("RGB")) for each in few]
        kept &= _strangers(embedder, calibration, name, pictures, persons)
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(persons=2, test_persons=copies // 4, cameras=2, images_per_camera=2, height=128, width=64)
        drawn = evaluation_people(synthesise(Path(folder) / "drawn", plan)).samples[:copies]
        pictures = [Image.open(each.path).convert("RGB") for each in drawn]
        people = np.array([each.person for each in drawn])
        return kept & _strangers(embedder, calibration, "drawn people", pictures, people)


def _strangers(
    embedder: Embedder, calibration: Calibration, name: str, pictures: Sequence[Image.Image], persons: np.ndarray
) -> bool:
    embedded = embedder.embed_each(list(pictures))
    if embedded.looks is None or calibration.usual is None:
        return False
    unlike = calibration.usual.differences(embedded.looks, embedded.features)
    outside = np.array([each is not None for each in unlike])
    verdict = compared(calibration, 0.0).verdict
    if verdict is None or verdict.same_from is None:
        return _promise(f"{name}: too few people to call anybody the same", True)
    threshold = verdict.same_from
    scores = embedded.features @ embedded.features.T
    strangers = np.triu(persons[:, None] != persons, 1)
    without = float(np.mean(scores[strangers] >= threshold))
    judged = (scores >= threshold) & ~outside[:, None] & ~outside
    same = float(np.mean(judged[strangers]))
    text = (
        f"{name}: {per_cent(float(outside.mean()))} of images are unlike; of strangers' pairs {per_cent(without)} score"
    )
    return _promise(f"{text} as the same, {per_cent(same)} are called so", same <= 1e-3)


def _cost(embedder: Embedder, samples: Sequence[Sample]) -> bool:
    """CPU time of looking at images, as a share of embedding them."""
    started = time.process_time()
    embedded = embedder.embed_each([each.path for each in samples])
    whole = time.process_time() - started
    preprocess = embedder.preprocess
    pixels = DRAW.integers(0, 256, (32, preprocess.height, preprocess.width, 3), dtype=np.uint8)
    started = time.process_time()
    for _ in range(len(embedded) // 32):
        looks_of(pixels, [(128, 64)] * 32)
    share = (time.process_time() - started) / whole
    return _promise(f"looking at an image costs {per_cent(share)} of embedding it", share <= 0.03)


if __name__ == "__main__":
    main()
