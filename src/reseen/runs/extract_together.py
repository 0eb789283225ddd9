"""`extract_features` by several processes, each of which embeds its share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from reseen.assess.extract import EmbedsFiles, Progress, extract_features
from reseen.shapes import Float32
from reseen.training.processes import Processes


def extract_together(
    processes: Processes,
    embedder: EmbedsFiles,
    paths: Sequence[Path],
    progress: Progress | None = None,
    stage: str = "features",
) -> Float32[np.ndarray, "n d"]:
    """Unit-norm features of image files, in their order; all processes get the whole.

    Raises:
        ImageError: an image cannot be read; it names the path.
        TrainingError: another process could not embed its share.
    """
    own = paths[processes.rank :: processes.count]
    features = processes.run_on_all(lambda: extract_features(embedder, own, progress, stage))
    if processes.count == 1:
        return features
    padded = torch.zeros((-(-len(paths) // processes.count), embedder.feature_size), device=processes.device)
    padded[: len(own)] = torch.from_numpy(features)
    dealt = processes.gather(padded).view(processes.count, *padded.shape)
    return dealt.transpose(0, 1).reshape(-1, embedder.feature_size)[: len(paths)].cpu().numpy()
