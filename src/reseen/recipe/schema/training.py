"""Settings of the run: its length, its rhythm, and how a step is made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from reseen.recipe.schema.settings import Count, NonNegativeFloat, Settings


class EMA(Settings):
    """An exponential moving average of the weights, which is what is then evaluated, saved and deployed.

    Attributes:
        decay: share of the average that each step keeps. Early steps keep less: (1 + n)/(10 + n) after n steps.
    """

    decay: Annotated[float, Field(ge=0, lt=1)] = 0.999


class EarlyStopping(Settings):
    """Ends a run that no longer gets better.

    Attributes:
        patience: evaluations in a row without a better figure after which the run ends.
        min_delta: by how much a figure must be higher to count as better, as a fraction (0.001 is 0.1 points).
    """

    patience: PositiveInt = 5
    min_delta: NonNegativeFloat = 0.0


class Training(Settings):
    """Length and rhythm of a run, and how a step is made.

    Attributes:
        epochs: passes of the sampler.
        evaluate_every: epochs between evaluations; 0 evaluates only at the end.
        save_every: epochs between the `epoch_N` checkpoints that are kept; 0 keeps none. `latest` is saved every epoch,
            `best` at the best evaluation.
        log_every: iterations between lines in `train.log`.
        tensorboard: whether to write curves for TensorBoard, if that is installed.
        best: the figure that chooses the `best` checkpoint.
        best_on: whose figure: that of the `evaluation`, which it then flatters, or of the `calibration_people`
            whom `data.calibration_share` keeps out of training.
        early_stopping: end the run when that figure no longer gets better, or null.
        precision: of the forward and backward pass: `bf16` and `fp16` run it in mixed precision, `fp16` with a scaled
            loss. Losses, weights and optimizer stay in 32 bits. `auto` is `bf16` on CUDA devices built for it,
            and `fp32` elsewhere.
        compile: whether `torch.compile` compiles the network's step, and that of its teacher. The first
            steps then take minutes, the others less time; results differ in their last digits.
        accumulate: batches whose gradients are averaged for one step of the optimizer. Batch norm and mining see one
            batch at a time.
        clip_norm: gradients of all weights together are scaled down to this Euclidean norm, or null.
        ema: average the weights over the steps, or null.
        freeze_backbone: epochs at the start in which only neck, head and losses are trained.
        batch_norm: `per_process` takes each process's own statistics (as published), `synchronised` those of all
            processes (on accelerators), `frozen` keeps those of the pretrained weights.
    """

    epochs: PositiveInt = 120
    evaluate_every: Count = 10
    save_every: Count = 40
    log_every: PositiveInt = 20
    tensorboard: bool = True
    best: Literal["recall1", "mAP", "mINP"] = "recall1"
    best_on: Literal["evaluation", "calibration_people"] = "evaluation"
    early_stopping: EarlyStopping | None = None
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    compile: bool = False
    accumulate: Annotated[int, Field(ge=1, le=4096)] = 1
    clip_norm: PositiveFloat | None = None
    ema: EMA | None = None
    freeze_backbone: Count = 0
    batch_norm: Literal["per_process", "synchronised", "frozen"] = "per_process"
