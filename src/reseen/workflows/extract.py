"""Images on disk → features in memory, decoding ahead of the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from reseen.images.decode import decode_image
from reseen.models.embedder import NetworkEmbedder
from reseen.training.processes import ALONE, Processes

Progress = Callable[[str, int, int], None]
"""Told the name of a stage, how many images or rows of scores are done, and how many there are."""

BATCHES_AHEAD = 3


def extract_features(
    embedder: NetworkEmbedder,
    paths: Sequence[Path],
    progress: Progress | None = None,
    stage: str = "features",
    processes: Processes = ALONE,
) -> Float32[np.ndarray, "n d"]:
    """Unit-norm features of image files, in their order.

    A thread decodes a few batches ahead, so that the network does not wait and memory stays bounded. Several processes
    each embed their share, and all get the whole.

    Raises:
        ImageError: an image cannot be read; it names the path.
        TrainingError: another process could not embed its share.
    """
    own = paths[processes.rank :: processes.count]
    features = processes.together(lambda: _extract(embedder, own, progress, stage))
    if processes.count == 1:
        return features
    padded = torch.zeros((-(-len(paths) // processes.count), embedder.feature_size), device=processes.device)
    padded[: len(own)] = torch.from_numpy(features)
    dealt = processes.gather(padded).view(processes.count, *padded.shape)
    return dealt.transpose(0, 1).reshape(-1, embedder.feature_size)[: len(paths)].cpu().numpy()


def _extract(
    embedder: NetworkEmbedder, paths: Sequence[Path], progress: Progress | None, stage: str
) -> Float32[np.ndarray, "n d"]:
    size = embedder.batch_size
    batches = [paths[start : start + size] for start in range(0, len(paths), size)]
    features = np.empty((len(paths), embedder.feature_size), dtype=np.float32)
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting: list[Future[list[np.ndarray]]] = [pool.submit(_decode, batch) for batch in batches[:BATCHES_AHEAD]]
        for number in range(len(batches)):
            images = waiting.pop(0).result()
            if number + BATCHES_AHEAD < len(batches):
                waiting.append(pool.submit(_decode, batches[number + BATCHES_AHEAD]))
            done = number * size + len(images)
            features[number * size : done] = embedder.embed(images)
            if progress is not None:
                progress(stage, done, len(paths))
    return features


def _decode(paths: Sequence[Path]) -> list[np.ndarray]:
    return [decode_image(path) for path in paths]
