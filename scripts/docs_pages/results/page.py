"""Records → the results page: one row for each recipe that was run, with the command that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from statistics import fmean, stdev

from docs_pages.results.difference import Difference, differences
from docs_pages.results.record import EarlierTable, Figures, Record
from reseen.errors import UsageError
from reseen.run_folder import BEST, Run

INTRODUCTION = """# Results
Measured rows only: what stands here was run, with the command given. Nothing on this page is a published figure of
somebody else. `scripts/results-page` makes it from the records in `docs/results/`, which it takes from run folders.

All figures are per cent. mAP is the mean over the queries of the precisions at the matches. With several seeds: mean ±
sample standard deviation. Training is the time of all epochs together, without evaluations.
"""
COLUMNS = (
    *("run", "model", "init", "input", "epochs", "seeds", "rank-1", "rank-5", "mAP"),
    *("re-ranked rank-1", "re-ranked mAP", "training", "machine"),
)
ABLATIONS = """## Small changes, short trainings
What single settings change in **short trainings of small networks at low resolution**, a few epochs each. All runs of a
comparison have the same schedule. They say which way a setting pushes under these conditions and no more: what pays
late in a long schedule, such as random erasing, is at a disadvantage here, and one that hardly learns at this learning
rate (2e-3, by Adam) may do so at a lower one, which was not measured. Compared is the mAP of a fifth of the
training people, who are set aside: each of their images searches for its person among all of theirs. The figures of the
full protocol stand beside it. The last column is the difference to the first row's mAP with its 95 %
interval, from the spread between seeds, which is taken to be the same for all rows; where the interval contains 0, the
difference says nothing.

```
python benchmarks/ablations.py --data Market-1501-v15.09.15 --runs runs/ablations --records docs/results
scripts/results-page
```
"""
COMPARED = ("change", "seeds", "mAP of people set aside", "rank-1", "mAP", "training", "difference in the first mAP")
OWN = (
    "seed",
    "weights",
    "figures",
    "calibration_people",
    "reranked",
    "epochs",
    "training_seconds",
    "evaluation_seconds",
    "note",
)
"""What may differ between runs of one recipe."""


def results_page(records: Sequence[Record | EarlierTable]) -> str:
    """The page as Markdown.

    Raises:
        UsageError: two runs of one name differ in more than their seed, or two records are of the same run.
    """
    runs = [record for record in records if isinstance(record, Record)]
    earlier = sorted((each for each in records if isinstance(each, EarlierTable)), key=lambda each: each.place)
    alone = [run for run in runs if run.comparison is None]
    compared = [run for run in runs if run.comparison is not None]
    sections = [
        INTRODUCTION,
        *(_runs(dataset, each) for dataset, each in _grouped(alone, lambda run: run.dataset)),
        *([ABLATIONS] if compared else []),
        *(_comparison(name, each) for name, each in _grouped(compared, lambda run: run.comparison or "")),
        *map(_earlier, earlier),
    ]
    return "\n".join(sections)


def _grouped(runs: Sequence[Record], of: Callable[[Record], str]) -> Iterator[tuple[str, list[Record]]]:
    return ((name, list(each)) for name, each in groupby(sorted(runs, key=of), of))


def _recipes(runs: Sequence[Record]) -> list[list[Record]]:
    """Runs that differ in their seed alone together, in the order of their places and names."""
    together = [sorted(each, key=lambda run: run.seed) for _, each in _grouped(runs, lambda run: run.name)]
    for seeds in together:
        alike = {run.model_copy(update=dict.fromkeys(OWN)) for run in seeds}
        if len(alike) > 1 or len({run.seed for run in seeds}) < len(seeds):
            raise UsageError(
                f"the records called {seeds[0].name} are not of one recipe with different seeds",
                expected="the same recipe, data and machine",
                got=", ".join(run.file_name for run in seeds),
                cure="give one of them another name",
            )
    return sorted(together, key=lambda seeds: (seeds[0].place, seeds[0].name))


def _runs(dataset: str, runs: Sequence[Record]) -> str:
    recipes = _recipes(runs)
    commands = "\n\n".join("\n".join(_commands(seeds)) for seeds in recipes)
    return f"## {dataset}, full protocol\n{_table(COLUMNS, map(_run, recipes))}\n\n```\n{commands}\n```\n"


def _run(seeds: Sequence[Record]) -> tuple[str, ...]:
    first = seeds[0]
    reranked = [run.reranked for run in seeds if run.reranked is not None]
    whole = reranked if len(reranked) == len(seeds) else []  # never a mean over fewer seeds than the row names
    return (
        *(first.words, f"`{first.model}`", first.init, f"{first.height}×{first.width}"),
        ", ".join(dict.fromkeys(str(run.epochs) for run in seeds)),
        _seeds(seeds),
        *(_figure([run.figures for run in seeds], name) for name in ("recall1", "recall5", "mAP")),
        *(_figure(whole, name) for name in ("recall1", "mAP")),
        *(_duration(fmean(run.training_seconds for run in seeds)), first.machine),
    )


def _commands(seeds: Sequence[Record]) -> Iterator[str]:
    """What repeats the runs of a row, and says which weights were measured."""
    first, numbers = seeds[0], [run.seed for run in seeds]
    folder = f"runs/{first.name}"
    in_a_row = len(numbers) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    folders = [f"{folder}/seed_{seed}" for seed in numbers] if len(numbers) > 1 else [folder]
    weights = "; ".join(dict.fromkeys(run.weights for run in seeds))
    notes = "".join(f". {note}" for note in dict.fromkeys(run.note for run in seeds) if note)
    yield f"# {first.words}: measured is {weights}{notes}"
    if in_a_row:
        yield _train(first, folder, "--seeds", str(len(numbers)))
    else:
        yield from (_train(run, folder) for run, folder in zip(seeds, folders, strict=True))
    for run, folder in zip(seeds, folders, strict=True):
        if run.reranked is not None:
            there = Run(folder)
            made = ["-c", str(there.recipe_path), "--weights", str(there.checkpoints / BEST)]
            data = [word for name in run.evaluated or run.data for word in ("--data", name)]
            yield shlex.join(["reseen", "evaluate", *made, *data, "--rerank", "--output", f"{folder}/reranked"])


def _train(run: Record, folder: str, *further: str) -> str:
    data = [word for name in run.data for word in ("--data", name)]
    other = [word for name in run.evaluated for word in ("--eval-data", name)]
    overrides = [*run.overrides, *([f"seed={run.seed}"] if run.seed else [])]
    options = [word for override in overrides for word in ("-o", override)]
    words = ["train", "-c", run.recipe, *data, *other, "--output", folder, *further, *options]
    return f"{run.starter} {shlex.join(words)}"


def _comparison(name: str, runs: Sequence[Record]) -> str:
    recipes = _recipes(runs)
    others = [[_calibration_people(run).mAP * 100 for run in seeds] for seeds in recipes]
    found = ["", *map(_difference, differences(others)[1:])]
    rows = [
        (
            *(seeds[0].words, _seeds(seeds), _figure([_calibration_people(run) for run in seeds], "mAP")),
            *(_figure([run.figures for run in seeds], name) for name in ("recall1", "mAP")),
            *(_duration(fmean(run.training_seconds for run in seeds)), told),
        )
        for seeds, told in zip(recipes, found, strict=True)
    ]
    machines = "; ".join(dict.fromkeys(run.machine for run in runs))
    return f"### {name}\n{_table(COMPARED, rows)}\n\nMachine: {machines}.\n"


def _calibration_people(run: Record) -> Figures:
    if run.calibration_people is None:
        raise UsageError(
            f"{run.file_name} compares runs without people set aside from training",
            expected="training.best_on=calibration_people",
            got="figures of query and gallery alone",
            cure="train with -o data.calibration_share=0.2 -o training.best_on=calibration_people",
        )
    return run.calibration_people


def _difference(found: Difference) -> str:
    if found.margin is None:
        return f"{found.value:+.1f}, one seed each: says nothing"
    verdict = "" if found.says_something else ": says nothing"
    return f"{found.value:+.1f} ± {found.margin:.1f}{verdict}"


def _earlier(table: EarlierTable) -> str:
    commands = "\n".join(["```", *table.commands, "```"]) if table.commands else ""
    parts = [table.before, _table(table.columns, table.rows) if table.rows else "", table.after, commands]
    return f"## {table.title}\n" + "\n\n".join(part for part in parts if part) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    escaped = ([cell.replace("|", r"\|") for cell in cells] for cells in lines)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in escaped)


def _seeds(seeds: Sequence[Record]) -> str:
    return ", ".join(str(run.seed) for run in seeds)


def _figure(each: Sequence[Figures], name: str) -> str:
    """Per cent, with the spread between seeds; empty where it was not measured."""
    values = [getattr(figures, name) * 100 for figures in each]
    if not values:
        return ""
    return f"{fmean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
