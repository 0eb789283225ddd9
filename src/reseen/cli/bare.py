"""`python -m reseen` on a bare machine, without typer and rich: training and evaluation, by the same options."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from reseen.cli.processes import told_by_torchrun
from reseen.cli.unwritable import unwritable
from reseen.errors import ReseenError

if TYPE_CHECKING:
    from reseen.training.events import Event

ELSEWHERE = "the other commands need typer and rich: pip install ."


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one of the two verbs; exit code 0 done, 1 failed, 2 unusable arguments.

    Args:
        arguments: of the command line; None takes the process's own.
    """
    # Before torch loads, as in the whole command line.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    asked = _parser().parse_args(arguments)
    try:
        {"train": _train, "evaluate": _evaluate}[asked.verb](asked)
        sys.stdout.flush()
    except ReseenError as error:
        _say(f"error: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        told = unwritable(error)
        if told is None:
            raise
        _say(f"error: {told}")
        sys.exit(1)


class _Parser(argparse.ArgumentParser):
    """Says with what is wrong which verbs there are elsewhere."""

    def error(self, message: str) -> NoReturn:
        super().error(f"{message}; {ELSEWHERE}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("python -m reseen", description=__doc__, epilog=ELSEWHERE)
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="Train a network from a recipe.")
    train.add_argument("--output", type=Path, required=True, metavar="DIR", help="Folder to write the run to.")
    train.add_argument("--eval-data", type=Path, action="append", default=[], metavar="PATH")
    train.add_argument("--resume", action="store_true", help="Continue the run in --output.")
    evaluate = verbs.add_parser("evaluate", help="Measure retrieval accuracy: rank-1/5/10, mAP, mINP.")
    evaluate.add_argument("--weights", type=Path, required=True, metavar="FILE")
    evaluate.add_argument("--rerank", action="store_true", help="Re-rank first, by the method in the recipe.")
    evaluate.add_argument("--output", type=Path, metavar="DIR", help="Folder for eval.log and metrics.json.")
    for verb in (train, evaluate):
        verb.add_argument("-c", "--config", required=True, metavar="RECIPE")
        verb.add_argument("-o", "--override", action="append", default=[], metavar="a.b=v")
        verb.add_argument("--data", type=Path, action="append", required=True, metavar="PATH")
        verb.add_argument("--device", default="auto", help="cpu, cuda, cuda:N, mps, or auto.")
        verb.add_argument("--json", action="store_true", help="Print one JSON object on stdout.")
    return parser


def _train(asked: argparse.Namespace) -> None:
    from reseen.datasets.merge import training_and_evaluation
    from reseen.datasets.open import open_datasets
    from reseen.recipe.load import load_recipe
    from reseen.runs.device import join_processes
    from reseen.runs.plan import TrainingRun
    from reseen.runs.result import read_result
    from reseen.runs.train import train

    recipe = load_recipe(asked.config, asked.override)
    manifest, evaluation = training_and_evaluation(
        open_datasets(asked.data, "--data"), open_datasets(asked.eval_data, "--eval-data"), recipe.data.hold_out
    )
    with join_processes(asked.device, *told_by_torchrun()) as (processes, device):
        run = TrainingRun(recipe, manifest, asked.output, device, asked.resume, evaluation, processes)
        done = train(run, [_tell] if processes.is_first else ())
        if processes.is_first:
            _say(f"done: {done.epoch} epochs, best {recipe.training.best} {done.best:.5f} at epoch {done.best_epoch}")
            if asked.json:
                print(json.dumps(asdict(read_result(run.output, done))))


def _tell(event: Event) -> None:
    """A line for every epoch and evaluation."""
    from reseen.training.events import EpochDone, Evaluated

    match event:
        case EpochDone():
            speed = f"{event.images_per_second:.0f} images/s"
            _say(f"epoch {event.epoch}: loss {event.losses['total']:.3f}, {event.seconds:.1f} s, {speed}")
        case Evaluated():
            figures = ", ".join(f"{name} {event.metrics[name]:.4f}" for name in ("recall1", "recall5", "mAP", "mINP"))
            _say(f"epoch {event.epoch}: {figures}, {event.seconds:.1f} s{' (best)' if event.is_best else ''}")


def _evaluate(asked: argparse.Namespace) -> None:
    from reseen.assess.evaluations import evaluate_on
    from reseen.datasets.evaluation_split import evaluation_split
    from reseen.datasets.open import open_datasets
    from reseen.models.load_embedder import load_embedder
    from reseen.recipe.load import load_recipe
    from reseen.runs.device import choose_device

    recipe = load_recipe(asked.config, asked.override)
    embedder = load_embedder(recipe, asked.weights, choose_device(asked.device))
    splits = [evaluation_split(each, recipe.data.hold_out) for each in open_datasets(asked.data, "--data")]
    done = evaluate_on(embedder, splits, recipe.evaluation, rerank=asked.rerank)
    if asked.output is not None:
        done.save(asked.output)
    for line in done.details():
        _say(line)
    print(json.dumps(done.figures()) if asked.json else "\n".join(done.results()))


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
