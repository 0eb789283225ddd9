"""The training loop: P×K batches from memory, evaluation and checkpoints at their times."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from reseen.datasets.sampler import PKSampler
from reseen.errors import Interrupted, RecipeError, TrainingError
from reseen.losses.criterion import Criterion
from reseen.models.network import ReIDNetwork
from reseen.recipe.schema import CrossEntropy, Recipe
from reseen.run_folder import BEST, CALIBRATION_PEOPLE, LATEST, epoch_name
from reseen.shapes import Float, Float32, Int64
from reseen.training.batches import Batches, TrainingSet
from reseen.training.checkpoint import Checkpoints, Parts, TrainState
from reseen.training.events import EpochDone, Evaluated, Event, Listener, Saved, Started, StepDone, StoppedEarly
from reseen.training.interruption import Interruption
from reseen.training.learner import Learner, LossReadings
from reseen.training.modes import Modes
from reseen.training.numerics import chosen_precision, compiler_errors, drop_denormals
from reseen.training.optimizers import build_optimizers
from reseen.training.processes import ALONE, Processes
from reseen.training.randomness import Purpose, seed_torch
from reseen.training.schedule import judged, learning_rate_factor, out_of_patience
from reseen.training.stepper import Stepper, WeightAverage
from reseen.training.teacher import Teaches

LAST_GOOD = "`latest`, where there is one, holds the last good state"

Evaluate = Callable[[ReIDNetwork], Mapping[str, float]]


class Trainer:
    """Trains a network as a recipe says.

    With several processes, each is given the same arguments but for `processes` and learns from its own share of every
    batch. Every random draw but a network's own (dropout) is made for the whole batch, and is so the same for any
    number of processes.

    Args:
        recipe: what to do.
        network: what learns; on the device that trains.
        criterion: the losses; on the same device.
        data: what it learns from.
        sampler: draws the batches of each epoch from `data`.
        checkpoints: where states are saved.
        evaluate: measures the network; gives recall1, mAP and mINP as fractions, and more, the same in every process.
        teacher: whom a loss of the criterion learns from.
        listeners: are told what happens.
        processes: those that train together.
        header: what the headers of weight files say beside recipe, epoch and preprocessing.
    """

    def __init__(
        self,
        recipe: Recipe,
        network: ReIDNetwork,
        criterion: Criterion,
        data: TrainingSet,
        sampler: PKSampler,
        *,
        checkpoints: Checkpoints,
        evaluate: Evaluate,
        teacher: Teaches | None = None,
        listeners: Sequence[Listener] = (),
        processes: Processes = ALONE,
        header: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.recipe = recipe
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.criterion = criterion
        self.data = data
        self.checkpoints = checkpoints
        self.evaluate = evaluate
        self.listeners = listeners
        self.processes = processes
        self.header = header
        self.batches = Batches(recipe, data, sampler, processes)
        settings = recipe.training
        self._some_unused = not any(isinstance(loss, CrossEntropy) for loss in recipe.losses)  # it alone reads the head
        self.modes = Modes(network, settings)
        device = data.images.device
        self.learner = Learner(network, criterion, chosen_precision(settings.precision, device), teacher)
        self.readings = LossReadings(processes, LossReadings.interval(device, settings.log_every))
        self.average = None if settings.ema is None else WeightAverage(network, settings.ema)
        self.deployed = network if self.average is None else self.average.network
        averaged = None if self.average is None else self.average.network
        self.parts = Parts(network, criterion, build_optimizers(recipe, network, criterion), averaged)
        self.stepper = Stepper(settings, self.parts.optimizers, device)
        self.progress = TrainState()
        if settings.compile:
            network.compile()  # in place, and its steps alone: the network is evaluated and saved as it is
            if teacher is not None:
                teacher.compile()

    def resume(self) -> None:
        """Continue from `latest`.

        Raises:
            CheckpointError: there is none, or it belongs to another run.
        """
        self.progress = self.processes.run_on_all(lambda: self.checkpoints.resume_latest(self.parts))
        self.stepper.restore(self.progress.scaler)

    def run(self) -> TrainState:
        """Train to the last epoch, or to where early stopping ends it.

        Raises:
            Interrupted: Ctrl-C or SIGTERM came; `latest` holds what was done.
            TrainingError: the loss is not finite, or the weights are not; another process failed; the network cannot be
                compiled.
            RecipeError: nothing in the network learns.
            StorageError: a checkpoint could not be written; the one before is whole.
        """
        at, data = self.progress, self.data
        if not self._finished():
            self._tell(Started(at.epoch, at.iteration, self.recipe.training.epochs, len(data.labels), data.persons))
        with Interruption() as interruption, compiler_errors():
            while not self._finished():
                if self.progress.evaluation_due:
                    self._evaluate(interruption)
                else:
                    self._train_epoch(interruption)
                if self.processes.any_rank(interruption.requested) and not self._finished():
                    self._stop()
        return self.progress

    def _finished(self) -> bool:
        training = self.recipe.training
        over = self.progress.epoch >= training.epochs or out_of_patience(self.progress, training.early_stopping)
        return over and not self.progress.evaluation_due

    def _train_epoch(self, interruption: Interruption) -> None:
        """Learn from the batches of an epoch that are left, and save; on a stop signal, save and come back early."""
        epoch, training = self.progress.epoch, self.recipe.training
        batches = self.batches.of_epoch(epoch)
        self.modes.enter(epoch)
        model = self.processes.parallel(self.learner, some_unused=self._some_unused)
        start, first, rate, stop = time.perf_counter(), self.progress.iteration, 0.0, False
        with contextlib.closing(self.batches.ready(epoch, batches, first)) as ready:
            for iteration, batch in zip(range(first, len(batches)), ready, strict=True):
                rate = self._set_learning_rate(epoch, iteration, len(batches))
                group_start = iteration - iteration % training.accumulate
                group = range(group_start, min(group_start + training.accumulate, len(batches)))
                losses = self._learn(model, iteration, batch, group)
                stop |= self._synchronise(iteration, batches, losses, interruption)
                if iteration == group[-1]:
                    self._change_weights()
                self.progress = replace(self.progress, iteration=iteration + 1)
                per_second = (iteration + 1 - first) / (time.perf_counter() - start)
                left = (training.epochs - epoch) * len(batches) - iteration - 1
                self._tell(
                    StepDone(
                        epoch=epoch + 1,
                        epochs=training.epochs,
                        iteration=iteration + 1,
                        iterations=len(batches),
                        learning_rate=rate,
                        losses=self.readings.latest,
                        images_per_second=per_second * batches.shape[1],
                        eta_seconds=left / per_second,
                    )
                )
                stop |= self.processes.count == 1 and interruption.requested
                if stop and iteration == group[-1] and iteration + 1 < len(batches):
                    self._read_losses(iteration, batches, interruption)
                    self._check_weights()
                    self._save_latest()
                    return
        self._finish_epoch(len(batches), rate, time.perf_counter() - start, (len(batches) - first) * batches.shape[1])

    def _set_learning_rate(self, epoch: int, iteration: int, iterations: int) -> float:
        factor = learning_rate_factor(self.recipe.schedule, epoch, self.recipe.training.epochs, iteration, iterations)
        rate = self.recipe.optimizer.learning_rate * factor
        for group in self.parts.optimizers["network"].param_groups:
            group["lr"] = rate
        return rate

    def _learn(
        self,
        model: nn.Module,
        iteration: int,
        batch: tuple[Float32[Tensor, "b 3 h w"], Int64[Tensor, " b"]],
        group: range,
    ) -> dict[str, Float[Tensor, ""]]:
        """Add the gradients of one batch to those of its group; with the last of it, the processes exchange them.

        Returns:
            The losses, where they were computed.
        """
        seed_torch(self.recipe.seed, Purpose.NETWORK, self.progress.epoch, iteration, self.processes.rank)
        with self.processes.exchanging_gradients(model, iteration == group[-1]):
            total, losses = model(*batch)
            if not total.requires_grad:
                self._refuse_to_learn_nothing()
            self.stepper.backward(total, 1 / len(group))
        return {**losses, "total": total.detach()}

    def _change_weights(self) -> None:
        """Take a step by the gradients of a group, and the average with it."""
        if self.stepper.step():
            self.progress = replace(self.progress, steps=self.progress.steps + 1)
            if self.average is not None:
                self.average.update(self.network, self.progress.steps)

    def _synchronise(
        self,
        iteration: int,
        batches: Int64[np.ndarray, "batches pk"],
        losses: Mapping[str, Float[Tensor, ""]],
        interruption: Interruption,
    ) -> bool:
        """Where it is time, wait for the device and the other processes, and read the losses.

        Returns:
            Whether a process is known to be asked to stop.
        """
        self.readings.note(losses)
        return self.readings.are_due(iteration, len(batches)) and self._read_losses(iteration, batches, interruption)

    def _read_losses(
        self, iteration: int, batches: Int64[np.ndarray, "batches pk"], interruption: Interruption
    ) -> bool:
        """Read the losses up to those of `iteration`; refuse what is not finite before anything of it is saved.

        Returns:
            Whether a process is asked to stop.
        """
        steps, stop = self.readings.read(interruption.requested)
        for read, losses in enumerate(steps, iteration + 1 - len(steps)):
            if not math.isfinite(losses["total"]):
                self._refuse(read, batches[read], losses)
            sums = {name: self.progress.loss_sums.get(name, 0.0) + value for name, value in losses.items()}
            self.progress = replace(self.progress, loss_sums=sums)
        return stop

    def _finish_epoch(self, iterations: int, rate: float, seconds: float, images: int) -> None:
        training, sums, epoch = self.recipe.training, self.progress.loss_sums, self.progress.epoch + 1
        means = {name: value / iterations for name, value in sums.items()}
        last = epoch == training.epochs
        due = last or (training.evaluate_every > 0 and epoch % training.evaluate_every == 0)
        self.progress = replace(self.progress, epoch=epoch, iteration=0, evaluation_due=due, loss_sums={})
        self._tell(EpochDone(epoch, iterations, rate, means, seconds, images / seconds))
        self._check_weights()
        self._drop_denormals()
        if training.save_every > 0 and epoch % training.save_every == 0:
            self._save_weights(epoch_name(epoch))
        self._save_latest()  # last: a crash before it has the epoch done again, and all of the above with it

    def _evaluate(self, interruption: Interruption) -> None:
        start, training = time.perf_counter(), self.recipe.training
        self.processes.broadcast_buffers(self.deployed)
        metrics = self._measure(interruption)
        figure = training.best if training.best_on == "evaluation" else f"{CALIBRATION_PEOPLE}/{training.best}"
        after = judged(self.progress, metrics[figure], training.early_stopping)
        is_best = after.best_epoch == after.epoch
        if is_best:
            self._save_weights(BEST)
        assert after.best is not None  # noqa: S101
        self._tell(Evaluated(after.epoch, dict(metrics), after.best, is_best, time.perf_counter() - start))
        if out_of_patience(after, training.early_stopping):
            self._tell(StoppedEarly(after.epoch, after.stalled))
        self.progress = replace(after, evaluation_due=False)
        self._save_latest()  # last: a crash before it has the evaluation done again

    def _measure(self, interruption: Interruption) -> Mapping[str, float]:
        """Evaluate; a stop signal ends it, and the resumed run does it anew. Several processes end it together."""
        if self.processes.count > 1:
            return self.evaluate(self.deployed)
        try:
            with interruption.at_once():
                return self.evaluate(self.deployed)
        except KeyboardInterrupt:
            if not interruption.requested:
                raise
            self._stop()

    def _stop(self) -> NoReturn:
        raise Interrupted(
            f"stopped after epoch {self.progress.epoch}, iteration {self.progress.iteration}",
            cure=f"the same command with --resume continues from {self.checkpoints.folder}",
        )

    def _refuse(self, iteration: int, batch: Int64[np.ndarray, " b"], losses: Mapping[str, float]) -> None:
        images = ", ".join(str(self.data.paths[index]) for index in batch)
        precision = "" if self.learner.precision == "fp32" else "-o training.precision=fp32 (or bf16), "
        raise TrainingError(
            f"the loss is not finite in epoch {self.progress.epoch + 1}, iteration {iteration + 1}; its images: "
            f"{images}",
            expected="a finite loss",
            got=", ".join(f"{name} {value}" for name, value in losses.items()),
            cure=f"{precision}lower optimizer.learning_rate, or lengthen the warm-up; {LAST_GOOD}",
        )

    def _refuse_to_learn_nothing(self) -> None:
        raise RecipeError(
            "no loss trains anything while the backbone is frozen",
            expected="a loss of the neck's or the head's output in the epochs of training.freeze_backbone",
            got=", ".join(loss.name for loss in self.recipe.losses),
            cure="-o training.freeze_backbone=0, or add a cross_entropy loss",
        )

    def _check_weights(self) -> None:
        """Refuse to save what a finite loss with gradients that are not finite left behind."""
        if not torch.stack([parameter.isfinite().all() for parameter in self.network.parameters()]).all():
            raise TrainingError(
                f"the weights are not finite after epoch {self.progress.epoch}, iteration {self.progress.iteration}",
                expected="finite weights",
                got="NaN or infinity, from the last step's gradients",
                cure=f"lower optimizer.learning_rate, or lengthen the warm-up; {LAST_GOOD}",
            )

    def _drop_denormals(self) -> None:
        drop_denormals([*self.network.parameters(), *self.deployed.parameters()])
        for optimizer in self.parts.optimizers.values():
            drop_denormals(value for state in optimizer.state.values() for value in state.values())

    def _save_latest(self) -> None:
        self.progress = replace(self.progress, scaler=self.stepper.state)
        self._save(LATEST, lambda: self.checkpoints.save_latest(self.parts, self.progress, self._full_header()))

    def _save_weights(self, name: str) -> None:
        self._save(name, lambda: self.checkpoints.save_weights(name, self.deployed, self._full_header()))

    def _save(self, name: str, write: Callable[[], Path]) -> None:
        path = self.processes.on_rank_zero(write)
        if path is not None:
            self._tell(Saved(name, str(path)))

    def _full_header(self) -> dict[str, str]:
        preprocess = self.recipe.preprocess.model_dump_json()
        return {"recipe": self.recipe.name, "epoch": str(self.progress.epoch), "preprocess": preprocess, **self.header}

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)
