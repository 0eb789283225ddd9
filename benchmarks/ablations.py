"""What single settings change: short trainings of small networks that differ in one setting each.

    python benchmarks/ablations.py --data MARKET1501 [--runs DIR] [--records docs/results] [--seeds 2] [--quick]

Sampler, random erasing, BNNeck and center loss are compared with the published setting on a small residual network;
the ReLU of the stem on a ResNet-18, for only ResNets leave it out. All runs of a comparison have the same schedule,
which is far shorter than a recipe's: a setting that pays late, as random erasing does, is at a disadvantage here.
Measured is mAP on people kept out of training, beside the figures of the full protocol.

Every run is a folder, DIR/CHANGE/seed_S; one that was stopped is continued, and one that is done left alone. All
changes are run with a seed before any is with the next, so that what is there can be compared at any time. With
--records, those that are done are written down for the results page (`scripts/results-page`). A run takes three to five
minutes of one core on Market-1501; --quick trains one epoch with one seed, in DIR/quick, and writes nothing down.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from docs_pages.results.history import read_history
from docs_pages.results.of_run import RecordOptions, record_of_run
from docs_pages.results.record import write_record
from reseen.recipe.load import load_recipe
from reseen.run_folder import Run

RECIPE = "softmax_triplet"
COMMON = (
    "preprocess.height=64",
    "preprocess.width=32",
    "model.pretrained=null",
    "augmentation.pad=5",
    "optimizer={name: adam, learning_rate: 2.0e-3, weight_decay: 5.0e-4}",
    "schedule={name: cosine, end_factor: 0.01, warmup: {epochs: 1, start_factor: 0.1}}",
    "data.calibration_share=0.2",
    "training.best_on=calibration_people",
    "training.best=mAP",
    "training.evaluate_every=0",
    "training.save_every=0",
    "training.tensorboard=false",
)
"""What all runs change in the recipe."""
SMALL = (*COMMON, "model.backbone={name: small_resnet}", "training.epochs=5")
RESNET18 = (*COMMON, "model.backbone={name: resnet18, last_stride: 2}", "training.epochs=2")
CENTER = "{name: center, weight: 5.0e-4, learning_rate: 0.5}"
LOSSES = f"losses=[{{name: cross_entropy, smoothing: 0.1}}, {{name: triplet, margin: 0.3}}, {CENTER}]"


@dataclass(frozen=True)
class Change:
    """What one run of a comparison does differently.

    Attributes:
        folder: of its runs.
        words: what the results page calls it.
        overrides: of the recipe.
    """

    folder: str
    words: str
    overrides: Sequence[str]


COMPARISONS = {
    "small_resnet, 64×32, 5 epochs": (
        Change("reference", "as published: exhaustive sampler, random erasing, BNNeck, no center loss", SMALL),
        Change(
            "id_avg_prob",
            "sampler `id_avg_prob` (11 % more steps an epoch)",
            (*SMALL, "sampler.method=id_avg_prob"),
        ),
        Change(
            "sample_avg_prob",
            "sampler `sample_avg_prob` (11 % more steps an epoch)",
            (*SMALL, "sampler.method=sample_avg_prob"),
        ),
        Change("no_erasing", "no random erasing", (*SMALL, "augmentation.erasing=null")),
        Change("no_bnneck", "no BNNeck", (*SMALL, "model.neck=none")),
        Change("center", "with center loss", (*SMALL, LOSSES)),
    ),
    "ResNet-18, 64×32, 2 epochs": (
        Change("stem_without_relu", "stem without ReLU, as published", RESNET18),
        Change("stem_with_relu", "stem with ReLU", (*RESNET18, "model.backbone.stem_relu=true")),
    ),
}
"""The first of each is what the others are compared with."""


def main() -> int:
    """Train what is not there yet, and write it down; return the exit code."""
    given = arguments()
    if given.data is None:
        print("nothing measured: it takes --data MARKET1501")
        return 0
    runs, further = (given.runs / "quick", ["training.epochs=1"]) if given.quick else (given.runs, [])
    for seed in range(1 if given.quick else given.seeds):
        for told, change in changes():
            run, overrides = runs / change.folder / f"seed_{seed}", [*change.overrides, f"seed={seed}", *further]
            if not done(run, overrides):
                train(run, overrides, given.data)
            record = record_of_run(run, replace(told, machine=given.machine))
            assert record.calibration_people is not None
            print(
                f"{change.folder} seed {seed}: mAP {record.calibration_people.mAP:.4f} of people set aside", flush=True
            )
            if given.records is not None and not given.quick:
                write_record(given.records, record)
    return 0


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--records", type=Path)
    parser.add_argument("--machine", help="for runs that do not say it themselves")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    return parser.parse_args()


def changes() -> Iterator[tuple[RecordOptions, Change]]:
    """All changes, each with what the results page is told of it."""
    for comparison, each in COMPARISONS.items():
        for place, change in enumerate(each):
            yield RecordOptions(f"ablation-{change.folder}", change.words, comparison, place), change


def done(run: Path, overrides: Sequence[str]) -> bool:
    """Whether a run is there, finished and evaluated."""
    return Run(run).exists and read_history(Run(run), load_recipe(RECIPE, overrides)).ended


def train(run: Path, overrides: Sequence[str], data: Path) -> None:
    """Train, or go on where a run was stopped."""
    command = [sys.executable, "-m", "reseen", "train", "-c", RECIPE, "--data", str(data), "--output", str(run)]
    options = [word for override in overrides for word in ("-o", override)]
    subprocess.run([*command, *options, *(["--resume"] if Run(run).exists else [])], check=True)


if __name__ == "__main__":
    sys.exit(main())
