"""What a run is, for whoever resumes or repeats it: its identity and its environment."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import reseen
from reseen.datasets.manifest import Sample
from reseen.run_folder import Environment
from reseen.runs.plan import RunPlan, TrainingRun

RHYTHM = {"epochs", "evaluate_every", "save_every", "log_every", "tensorboard", "early_stopping", "compile"}
"""Settings of `training` that may differ between a run and its continuation."""


def identity(run: TrainingRun, plan: RunPlan, teacher: str | None = None) -> dict[str, Any]:
    """What must be the same in a run and its continuation, as JSON values; its length, rhythm and memory need not.

    A teacher is known by its feature space, `teacher`, and not by where its files lie.
    """
    free: dict[str, Any] = {"training": RHYTHM, "data": {"memory_limit_gb"}, "losses": {"__all__": {"teacher"}}}
    return {
        "recipe": run.recipe.model_dump(mode="json", by_alias=True, exclude=free),
        **({} if teacher is None else {"teacher": teacher}),
        "training images": _fingerprint(plan.samples),
        "evaluation images": [_fingerprint((*split.query, *split.gallery)) for split in plan.evaluated],
        "number of processes": run.processes.count,
    }


def _fingerprint(samples: Sequence[Sample]) -> str:
    content = "\n".join(f"{sample.person}/{sample.path.name}" for sample in samples)
    return f"{len(samples)} images, SHA-256 {hashlib.sha256(content.encode()).hexdigest()}"


def environment(run: TrainingRun, plan: RunPlan) -> Environment:
    """Where the run was made, for whoever repeats it."""
    return Environment(
        reseen=reseen.__version__,
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
        platform=platform.platform(),
        processor=_processor(),
        cores=os.cpu_count(),
        threads=torch.get_num_threads(),
        device=str(run.device),
        accelerator=torch.cuda.get_device_name(run.device) if run.device.type == "cuda" else None,
        processes=run.processes.count,
        data=tuple(str(each.root) for each in run.manifest.merged or (run.manifest,)),
        dataset=run.manifest.name,
        dataset_root=str(run.manifest.root),
        evaluation={split.name: str(split.manifest.root) for split in plan.evaluated},
    )


def _processor() -> str:
    """What the processor calls itself; Python alone does not know it on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
