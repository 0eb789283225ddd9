"""How training measures its network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from reseen.assess.evaluate import Evaluation, embed_split, evaluate_retrieval
from reseen.assess.evaluations import Evaluations, stage_of
from reseen.assess.extract import Progress
from reseen.datasets.evaluation_split import EvaluationSplit
from reseen.models.embedder import NetworkEmbedder
from reseen.runs.extract_together import extract_together
from reseen.training.processes import ALONE, Processes


def measure_network(
    embedder: NetworkEmbedder,
    splits: Sequence[EvaluationSplit],
    progress: Progress | None = None,
    processes: Processes = ALONE,
) -> Mapping[str, float]:
    """The metrics of a network on datasets, without re-ranking, as training tells them.

    Several processes share the embedding; the first one measures, and all get the figures.

    Raises:
        ImageError: an image cannot be read.
        TrainingError: another process failed.
    """
    measured: dict[str, Evaluation] = {}
    for split in splits:
        told = stage_of(progress, split, splits)
        retrieval = embed_split(embedder, split, told, partial(extract_together, processes))
        evaluation = processes.on_rank_zero(partial(evaluate_retrieval, retrieval))
        if evaluation is not None:
            measured[split.name] = evaluation
    return processes.broadcast(Evaluations(measured).metrics() if processes.is_first else {})
