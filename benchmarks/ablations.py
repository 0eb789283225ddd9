"""What single settings change: short trainings of small networks that differ in one setting each.

    python benchmarks/ablations.py --data MARKET1501 --runs DIR [--records docs/results] [--seeds 2] [--quick]

Sampler, random erasing, BNNeck and center loss are compared with the published setting on a small residual network; the
ReLU of the stem on a ResNet-18, for only ResNets leave it out. All runs of a comparison have the same schedule, which is
far shorter than a recipe's: a setting that pays late, as random erasing does, is at a disadvantage here. Measured
is mAP on people kept out of training, beside the figures of the full protocol.

Every run is a folder, DIR/CHANGE/seed_S; one that is there already is continued, or left alone when it is done. All
changes are run with a seed before any is with the next, so that what is there can be compared at any time. Prints a line
for each run; with --records, writes what the results page is made of (`scripts/results-page`). One run takes about three
minutes of one core on Market-1501; --quick trains one epoch with one seed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reseen.recipe.load import load_recipe
from reseen.workflows.run_plan import holds_run

ALL = (
    "preprocess.height=64",
    "preprocess.width=32",
    "model.pretrained=null",
    "augmentation.pad=5",
    "optimizer={name: adam, learning_rate: 2.0e-3, weight_decay: 5.0e-4}",
    "schedule={name: cosine, end_factor: 0.01, warmup: {epochs: 1, start_factor: 0.1}}",
    "data.calibration_share=0.2",
    "training.best_on=held_out",
    "training.best=mAP",
    "training.evaluate_every=0",
    "training.save_every=0",
    "training.tensorboard=false",
)
"""What the runs change in `softmax_triplet`."""
SMALL = (*ALL, "model.backbone={name: small_resnet}", "training.epochs=5")
RESNET18 = (*ALL, "model.backbone={name: resnet18, last_stride: 2}", "training.epochs=2")
CENTER = "{name: center, weight: 5.0e-4, learning_rate: 0.5}"
LOSSES = f"losses=[{{name: cross_entropy, smoothing: 0.1}}, {{name: triplet, margin: 0.3}}, {CENTER}]"


@dataclass(frozen=True)
class Change:
    """What one run of a comparison does differently.

    Attributes:
        folder: of its runs.
        words: what the results page calls it.
        overrides: of `softmax_triplet`.
    """

    folder: str
    words: str
    overrides: Sequence[str]


COMPARISONS = {
    "small_resnet, 64×32, 5 epochs": (
        Change("reference", "as published: exhaustive sampler, random erasing, BNNeck, no center loss", SMALL),
        Change("id_avg_prob", "sampler `id_avg_prob`", (*SMALL, "sampler.method=id_avg_prob")),
        Change("sample_avg_prob", "sampler `sample_avg_prob`", (*SMALL, "sampler.method=sample_avg_prob")),
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
    """Train what is not there yet, and write the records; return the exit code."""
    given = arguments()
    if given.data is None:
        print("nothing measured: it takes --data MARKET1501 and --runs DIR")
        return 0
    for seed in range(1 if given.quick else given.seeds):
        for _, change in changes():
            run = given.runs / change.folder / f"seed_{seed}"
            train(run, change, given.data, [f"seed={seed}", *(["training.epochs=1"] if given.quick else [])])
    return 0


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--records", type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    return parser.parse_args()


def changes() -> Iterator[tuple[str, Change]]:
    """All changes, each with the comparison that it belongs to."""
    for comparison, each in COMPARISONS.items():
        yield from ((comparison, change) for change in each)


def train(run: Path, change: Change, data: Path, further: Sequence[str]) -> None:
    """Train, or go on where a run was stopped; one that is done ends at once."""
    overrides = [*change.overrides, *further]
    load_recipe("softmax_triplet", overrides)
    command = [sys.executable, "-m", "reseen", "train", "-c", "softmax_triplet", "--data", data, "--output", run]
    options = [word for override in overrides for word in ("-o", override)]
    subprocess.run([*command, *options, *(["--resume"] if holds_run(run) else [])], check=True)


if __name__ == "__main__":
    sys.exit(main())
