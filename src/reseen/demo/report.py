"""`report.html` of the demo: one self-contained page."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import reseen
from reseen.assess.evaluate import Evaluation
from reseen.datasets.manifest import DISTRACTOR_NAME, Manifest
from reseen.demo.people_sheet import data_uri, people_sheet
from reseen.demo.shipped import Shipped
from reseen.evaluation.ranked_list import ranked_list
from reseen.files import write_whole
from reseen.reports.charts import Axis, Line, line_chart
from reseen.reports.page_template import page_template
from reseen.reports.pictures import PictureList, picture_lists

if TYPE_CHECKING:
    from reseen.demo.training import Exported, Learnt

RANKS = 8
"""Images of a ranked list: as many as stand beside each other on a wide page."""
FIGURES = {"recall1": "rank-1", "recall5": "rank-5", "recall10": "rank-10", "mAP": "mAP", "mINP": "mINP"}


@dataclass(frozen=True)
class DemoResults:
    """What the demo found.

    Attributes:
        shipped: what the model that comes with reseen did as it is.
        learnt: what became of a network that was trained; None where none could be.
        seconds: from the first drawing to the last search.
    """

    shipped: Shipped
    learnt: Learnt | None
    seconds: float


def percent(share: float) -> str:
    """A share as people read it."""
    return f"{100 * share:.1f} %"


def write_report(results: DemoResults, output: Path) -> Path:
    """Write `report.html` into the demo's folder; its path."""
    html = page_template("demo.html").render(
        version=reseen.__version__,
        seconds=round(results.seconds),
        shipped=_shipped(results.shipped),
        learnt=None if results.learnt is None else _learnt(results.learnt),
    )
    write_whole(output / "report.html", html)
    return output / "report.html"


def _shipped(shipped: Shipped) -> dict[str, Any]:
    found, measured = shipped.found.metrics, shipped.description.metrics
    return {
        "name": shipped.description.name,
        **_asked(shipped.manifest, shipped.found),
        "matches": _matches(shipped.manifest),
        "right": round(found.recall1 * found.queries),
        "rank1": percent(found.recall1),
        "mAP": percent(found.mAP),
        "measured": [
            {"data": data, "rank1": percent(figures["recall1"]), "mAP": percent(figures["mAP"])}
            for data, figures in measured.items()
        ],
        "lists": _lists(shipped.manifest, shipped.found),
        "score": f"{shipped.shown.compared.score:.3f}",
        "searched": shipped.shown.searched,
    }


def _matches(people: Manifest) -> int:
    """How many images of a person other cameras took; of everybody as many."""
    query = people.split("query")[0]
    return sum(each.person == query.person and each.camera != query.camera for each in people.split("gallery"))


def _learnt(learnt: Learnt) -> dict[str, Any]:
    train = learnt.manifest.split("train")
    people = people_sheet(learnt.manifest)
    before, after = learnt.before.figures(), learnt.after.figures()
    return {
        "recipe": learnt.recipe.name,
        "parameters": f"{learnt.parameters:,}",
        "epochs": len(learnt.losses),
        "train_images": len(train),
        "train_people": len({sample.person for sample in train}),
        **_asked(learnt.manifest, learnt.after),
        "sheet": data_uri(people),
        "sheet_width": people.width,
        "figures": [(name, percent(before[key]), percent(after[key])) for key, name in FIGURES.items()],
        "losses": _loss_chart(learnt.losses),
        "lists": _lists(learnt.manifest, learnt.after),
        "exported": None if learnt.exported is None else _exported(learnt.exported),
    }


def _exported(exported: Exported) -> dict[str, Any]:
    made, shown = exported.bundle.description, exported.shown
    return {
        "kilobytes": f"{sum(file.bytes for file in made.files.values()) / 1000:,.0f}",
        "error": f"{made.models[0].parity.max_error:.0e}",
        "score": f"{shown.compared.score:.3f}",
        "searched": shown.searched,
        "folder": shlex.quote(str(exported.bundle.folder)),
    }


def _asked(manifest: Manifest, found: Evaluation) -> dict[str, int]:
    """How many images of how many people were searched for, and among which."""
    query, gallery = manifest.split("query"), manifest.split("gallery")
    return {
        "people": len({sample.person for sample in query}),
        "cameras": len({sample.camera for sample in query}),
        "queries": found.metrics.queries,
        "gallery": len(gallery),
        "distractors": sum(sample.person == DISTRACTOR_NAME for sample in gallery),
    }


def _lists(manifest: Manifest, found: Evaluation) -> list[PictureList]:
    """The best, the median and the worst query."""
    query, gallery = ([sample.path for sample in manifest.split(part)] for part in ("query", "gallery"))
    list_of = partial(ranked_list, found.retrieval, length=RANKS)
    return picture_lists(found.retrieval, found.metrics, list_of, query, gallery, each=1)


def _loss_chart(losses: Sequence[float]) -> str:
    last, top = max(len(losses), 2), max(losses) * 1.05
    epochs = Axis("epoch", 1.0, float(last), [(1.0, "1"), (float(last), str(last))])
    loss = Axis("mean loss", 0.0, top, [(float(tick), str(tick)) for tick in range(int(top) + 1)])
    points = [(float(epoch), value) for epoch, value in enumerate(losses, start=1)]
    return line_chart([Line("", points)], epochs, loss, "Mean training loss of each epoch")
