"""`python -m reseen` on a bare machine, without typer and rich: training and evaluation, by the same options."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from reseen.cli import arguments
from reseen.cli.arguments import Argument
from reseen.cli.training import TrainArguments, carry_out, tell
from reseen.cli.training_lines import training_lines
from reseen.cli.unwritable import unwritable
from reseen.errors import ReseenError

if TYPE_CHECKING:
    from reseen.run_folder import Run
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
    evaluate = verbs.add_parser("evaluate", help="Measure retrieval accuracy: rank-1/5/10, mAP, mINP.")
    for verb in (train, evaluate):
        _add(verb, arguments.CONFIG, required=True)
        _add(verb, arguments.OVERRIDE, action="append", default=[])
        _add(verb, arguments.DATA, type=Path, action="append", required=True)
        _add(verb, arguments.DEVICE, default="auto")
        _add(verb, arguments.JSON, action="store_true")
    _add(train, arguments.RUN, type=Path, required=True)
    _add(train, arguments.EVAL_DATA, type=Path, action="append", default=[])
    _add(train, arguments.RESUME, action="store_true")
    _add(train, arguments.SEEDS, type=int)
    evaluate.add_argument("--weights", type=Path, required=True, metavar="FILE")
    evaluate.add_argument("--rerank", action="store_true", help="Re-rank first, by the method in the recipe.")
    evaluate.add_argument("--output", type=Path, metavar="DIR", help="Folder for eval.log and metrics.json.")
    return parser


def _add(verb: argparse.ArgumentParser, argument: Argument, **how: Any) -> None:
    if argument.metavar is not None:
        how["metavar"] = argument.metavar
    verb.add_argument(*argument.flags, help=argument.help.replace("%", "%%"), **how)


def _train(asked: argparse.Namespace) -> None:
    done = carry_out(
        TrainArguments(
            asked.config,
            asked.data,
            asked.output,
            asked.override,
            asked.eval_data,
            asked.device,
            asked.resume,
            asked.seeds,
        ),
        lambda run, name: (partial(_show, run, name), None),
    )
    tell(done, _say, _give, as_json=asked.json)


def _show(run: Run, name: str, event: Event) -> None:
    for line in training_lines(event, run, name):
        _say(line)


def _evaluate(asked: argparse.Namespace) -> None:
    from reseen.verbs.evaluate import evaluate

    done = evaluate(
        data=asked.data,
        recipe=asked.config,
        weights=asked.weights,
        rerank=asked.rerank,
        overrides=asked.override,
        device=asked.device,
        output=asked.output,
        command=shlex.join(["reseen", *sys.argv[1:]]),
    )
    for line in done.details():
        _say(line)
    _give(done.figures() if asked.json else "\n".join(done.results()))


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _give(result: str | Mapping[str, Any]) -> None:
    print(result if isinstance(result, str) else json.dumps(result))
