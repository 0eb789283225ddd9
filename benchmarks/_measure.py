"""What several benchmarks share: features of synthetic people, best times, peak memory, promises."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reseen.evaluation.protocol import RetrievalSet

MARKET1501 = {"queries": 3368, "gallery": 15913, "distractors": 2798, "persons": 750, "cameras": 6}
"""Sizes of its test set, without junk."""


@dataclass(frozen=True)
class Images:
    """Raw features of one part, with persons and cameras."""

    features: np.ndarray
    persons: np.ndarray
    cameras: np.ndarray


def drawn(
    *, queries: int, gallery: int, distractors: int, persons: int, cameras: int, width: int, noise: float | None
) -> tuple[Images, Images]:
    """Query and gallery: a centre for each person plus noise of this size; no centres for None."""
    draw = np.random.default_rng(0)
    centres = draw.standard_normal((persons + 1, width), dtype=np.float32)

    def images(people: np.ndarray) -> Images:
        features = draw.standard_normal((len(people), width), dtype=np.float32)
        if noise is not None:
            # Some images are harder than others; distractors have no centre.
            features *= noise * draw.uniform(0.5, 1.5, (len(people), 1)).astype(np.float32)
            features[people > 0] += centres[people[people > 0]]
        return Images(features, people, draw.integers(0, cameras, len(people)))

    people = draw.integers(1, persons + 1, gallery - distractors)
    everyone = images(np.concatenate([people, np.zeros(distractors, dtype=np.int64)]))
    return images(draw.integers(1, persons + 1, queries)), everyone


def retrieval_set(query: Images, gallery: Images) -> RetrievalSet:
    """What the evaluation makes of raw features."""
    return RetrievalSet.of(
        query_features=query.features,
        gallery_features=gallery.features,
        query_persons=query.persons,
        gallery_persons=gallery.persons,
        query_cameras=query.cameras,
        gallery_cameras=gallery.cameras,
    )


def best_times(rounds: int, *works: Callable[[], object]) -> list[float]:
    """Best seconds of each work; the rounds are interleaved, so that other load on the machine hits all alike."""
    best: list[float] = all_times(rounds, *works).min(axis=0).tolist()
    return best


def all_times(rounds: int, *works: Callable[[], object]) -> np.ndarray:
    """Seconds of each work (columns) in each round (rows)."""
    seconds = np.empty((rounds, len(works)))
    for row in seconds:
        for place, work in enumerate(works):
            start = time.perf_counter()
            work()
            row[place] = time.perf_counter() - start
    return seconds


def peak_memory(work: Callable[[], object]) -> tuple[int, int]:
    """Resident bytes of the process before `work`, and at most while it runs (Linux)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _resident("VmRSS")
    work()
    return before, _resident("VmHWM")


def _resident(field: str) -> int:
    """A figure of `/proc/self/status`, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def promise(what: str, got: float, *, at_most: float) -> bool:
    """Print one promise; return whether it is kept."""
    kept = got <= at_most
    print(f"  {'kept  ' if kept else 'BROKEN'} {what}: {got:.3g} (promised: at most {at_most:g})", flush=True)
    return kept
