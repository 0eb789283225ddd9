"""`report.html` of the demo: one self-contained page."""

from __future__ import annotations

import base64
import io
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import numpy as np
from PIL import Image

import reseen
from reseen.assess.evaluate import Evaluation
from reseen.bundle.description import Description
from reseen.datasets.manifest import DISTRACTOR_NAME, Manifest, Sample
from reseen.demo.bundle import BundleShown
from reseen.evaluation.ranked_list import ranked_list
from reseen.files import write_whole
from reseen.images.decode import decode_image
from reseen.reports.drawing import RankedList, RankedMatch, draw_ranked_lists

if TYPE_CHECKING:
    from reseen.demo.training import Learnt

RANKS_SHOWN = 10
PEOPLE_SHOWN = 3
FIGURES = {"recall1": "recall@1", "recall5": "recall@5", "recall10": "recall@10", "mAP": "mAP", "mINP": "mINP"}


@dataclass(frozen=True)
class DemoResults:
    """What the demo found.

    Attributes:
        manifest: the people it drew.
        shipped: the bundle that comes with reseen.
        as_it_comes: evaluation of that bundle.
        learnt: what became of a network that was trained on them; None where none could be.
        shown: what the trained network's bundle did, or where there is none the one that comes with reseen.
        seconds: from the first drawing to the last search.
    """

    manifest: Manifest
    shipped: Description
    as_it_comes: Evaluation
    learnt: Learnt | None
    shown: BundleShown
    seconds: float

    @property
    def best(self) -> Evaluation:
        """Of the trained network, or where there is none of the bundle that comes with reseen."""
        return self.as_it_comes if self.learnt is None else self.learnt.after

    def evaluations(self) -> dict[str, Evaluation]:
        """All of them by what was evaluated."""
        learnt = {} if self.learnt is None else {"untrained": self.learnt.before, "trained": self.learnt.after}
        return learnt | {"shipped": self.as_it_comes}


def write_report(results: DemoResults, output: Path) -> Path:
    """Write `ranked_lists.png` and `report.html`; the page's path."""
    ranked = _ranked_lists(results)
    people = _people(results.manifest)
    write_whole(output / "ranked_lists.png", _png(ranked))
    page = jinja2.Environment(
        loader=jinja2.PackageLoader("reseen.reports"), autoescape=True, undefined=jinja2.StrictUndefined
    ).get_template("demo.html")
    train, query, gallery = (results.manifest.split(split) for split in ("train", "query", "gallery"))
    html = page.render(
        version=reseen.__version__,
        seconds=round(results.seconds),
        learnt=results.learnt,
        shipped=results.shipped,
        shown=results.shown,
        with_bundle=f" --bundle {shlex.quote(str(output / 'bundle'))}"
        if results.learnt and results.learnt.bundle
        else "",
        train={"images": len(train), "persons": len({sample.person for sample in train})},
        test_persons=len({sample.person for sample in query}),
        queries=results.best.metrics.queries,
        skipped=len(results.best.metrics.skipped),
        gallery=len(gallery),
        distractors=sum(sample.person == DISTRACTOR_NAME for sample in gallery),
        figures=_figures(results),
        ranked=_data_uri(ranked),
        ranked_width=ranked.width,
        people=_data_uri(people),
        people_width=people.width,
    )
    write_whole(output / "report.html", html)
    return output / "report.html"


def _figures(results: DemoResults) -> list[dict[str, str]]:
    """Each figure of every evaluation, as the page shows it."""
    found = {model: evaluation.figures() for model, evaluation in results.evaluations().items()}
    return [
        {"name": name} | {model: f"{figures[key]:.1%}" for model, figures in found.items()}
        for key, name in FIGURES.items()
    ]


def _ranked_lists(results: DemoResults) -> Image.Image:
    """The best, the median and the worst query by average precision."""
    found = results.best.metrics
    order = np.argsort(-found.average_precision, kind="stable")
    chosen = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    return draw_ranked_lists(
        [_ranked(results, name, int(found.valid_queries[place])) for name, place in chosen.items()]
    )


def _ranked(results: DemoResults, name: str, query: int) -> RankedList:
    queries, gallery = results.manifest.split("query"), results.manifest.split("gallery")
    places, scores, hits = ranked_list(results.best.retrieval, query, RANKS_SHOWN)
    matches = [
        RankedMatch(decode_image(gallery[place].path), float(score), bool(hit), f"camera {gallery[place].camera}")
        for place, score, hit in zip(places, scores, hits, strict=True)
    ]
    return RankedList(name, decode_image(queries[query].path), matches, f"camera {queries[query].camera}")


def _people(manifest: Manifest, gap: int = 4) -> Image.Image:
    """A few training people, a row each, in groups by the cameras that see them."""
    train = manifest.split("train")
    rows = [[s for s in train if s.person == person] for person in sorted({s.person for s in train})[:PEOPLE_SHOWN]]
    images = [[Image.fromarray(decode_image(sample.path)) for sample in row] for row in rows]
    width, height = images[0][0].size
    lefts = [[x * (width + gap) + 2 * gap * _camera_changes(row[: x + 1]) for x in range(len(row))] for row in rows]
    sheet = Image.new("RGB", (max(map(max, lefts)) + width, len(rows) * (height + gap) - gap), "white")
    for y, row in enumerate(images):
        for left, image in zip(lefts[y], row, strict=True):
            sheet.paste(image, (left, y * (height + gap)))
    return sheet


def _camera_changes(row: Sequence[Sample]) -> int:
    return sum(before.camera != after.camera for before, after in pairwise(row))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _data_uri(image: Image.Image) -> str:
    return "data:image/png;base64," + base64.b64encode(_png(image)).decode()
