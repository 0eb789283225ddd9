"""`train`: a recipe and a dataset → a trained run, in one line; what `reseen train` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reseen.datasets.open import DatasetSource
from reseen.map_ahead import OnStage
from reseen.recipe.load import Overrides
from reseen.recipe.schema import Recipe
from reseen.run_folder import Run
from reseen.runs.prepare import ALONE, Ranks, prepare
from reseen.runs.run_training import run_training
from reseen.training.events import Listener


def train(
    recipe: Recipe | str | Path,
    data: DatasetSource | Sequence[DatasetSource],
    output: str | Path,
    *,
    overrides: Overrides = (),
    eval_data: DatasetSource | Sequence[DatasetSource] = (),
    device: str = "auto",
    resume: bool = False,
    on_event: Listener | None = None,
    on_progress: OnStage | None = None,
    ranks: Ranks = ALONE,
) -> Run:
    """Train a network as a recipe says, with everything written to one folder.

        run = reseen.train("osnet_x0_25", "Market-1501-v15.09.15", "runs/osnet", overrides={"training.epochs": 60})
        run.result.best["mAP"]

    Args:
        recipe: name of a shipped recipe, path of a YAML file, or a recipe.
        data: what to train on: Market-1501's folder, a CSV or parquet manifest, a folder with a folder for each
            person, or a `Manifest`. Of several datasets the people of all are trained on.
        output: the run's folder; made where it is not there.
        overrides: changes of the recipe: `{"training.epochs": 60}`, or `["training.epochs=60"]` as `-o` takes them.
        eval_data: what to evaluate on instead of `data`, each dataset on its own.
        device: `cpu`, `cuda`, `cuda:N`, `mps`; `auto` is an accelerator when there is one.
        resume: continue the run that is in `output`.
        on_event: called with every `reseen.training.events.Event`: steps, epochs, evaluations, saved weights.
        on_progress: called with a stage (`reading`, `gallery`, `query`), images done and images in all.
        ranks: of several processes: this one's rank, how many there are, its rank on its machine. The first alone
            writes and calls back.

    Raises:
        UsageError: the folder holds a run already, or none to resume; a recipe, dataset, device or weights that cannot
            be used.
        ImageError: an image cannot be read.
        TrainingError: the loss is not finite, or another process failed.
        Interrupted: Ctrl-C or SIGTERM came; `resume=True` continues.
        StorageError: the folder cannot be written.
    """
    given = prepare(
        recipe, data, output, overrides=overrides, eval_data=eval_data, device=device, resume=resume, ranks=ranks
    )
    with given as run:
        told = run.processes.is_first
        run_training(run, [on_event] if told and on_event else [], on_progress if told else None)
    return Run(output)
