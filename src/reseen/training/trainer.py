"""The training loop: P×K batches from memory, one step each, evaluation and checkpoints at their times."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8
from torch import Tensor

from reseen.datasets.sampler import PKSampler
from reseen.errors import Interrupted, TrainingError
from reseen.losses.criterion import Criterion
from reseen.models.network import ReIDNetwork
from reseen.recipe.schema import Recipe
from reseen.training.augmentation import augment, draw
from reseen.training.checkpoint import Checkpoints, Parts, Progress
from reseen.training.events import EpochDone, Evaluated, Event, Listener, Saved, Started, StepDone
from reseen.training.interruption import Interruption
from reseen.training.optimizers import build_optimizers
from reseen.training.randomness import Purpose, generator, seed_torch
from reseen.training.schedule import learning_rate_factor

Evaluate = Callable[[ReIDNetwork], Mapping[str, float]]


@dataclass(frozen=True)
class TrainingSet:
    """What a run learns from.

    Attributes:
        images: decoded images, on the device that trains.
        labels: class of each image, 0 to persons - 1.
        paths: file of each image, for messages.
    """

    images: UInt8[Tensor, "n h w 3"]
    labels: Int64[np.ndarray, " n"]
    paths: Sequence[Path]


class Trainer:
    """Trains a network as a recipe says.

    Args:
        recipe: what to do.
        network: what learns; on the device that trains.
        criterion: the losses; on the same device.
        data: what it learns from.
        sampler: draws the batches of each epoch from `data`.
        checkpoints: where states are saved.
        evaluate: measures the network; gives recall1, mAP and mINP as fractions, and more.
        listeners: are told what happens.
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
        listeners: Sequence[Listener] = (),
    ) -> None:
        self.recipe = recipe
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.criterion = criterion
        self.data = data
        self.checkpoints = checkpoints
        self.evaluate = evaluate
        self.listeners = listeners
        self.sampler = sampler
        self.labels = torch.from_numpy(data.labels).to(data.images.device)
        self.parts = Parts(network, criterion, build_optimizers(recipe, network, criterion))
        self.progress = Progress()

    def resume(self) -> None:
        """Continue from `latest`.

        Raises:
            CheckpointError: there is none, or it belongs to another run.
        """
        self.progress = self.checkpoints.resume_latest(self.parts)

    def run(self) -> Progress:
        """Train to the last epoch.

        Raises:
            Interrupted: Ctrl-C or SIGTERM came; `latest` holds what was done.
            TrainingError: the loss is not finite, or the weights are not.
            StorageError: a checkpoint could not be written; the one before is whole.
        """
        at = self.progress
        persons = int(self.data.labels.max()) + 1
        self._tell(Started(at.epoch, at.iteration, self.recipe.training.epochs, len(self.data.labels), persons))
        with Interruption() as interruption:
            while not self._finished():
                if self.progress.evaluation_due:
                    self._evaluate()
                else:
                    self._train_epoch(interruption)
                if interruption.requested and not self._finished():
                    self._stop()
        return self.progress

    def _finished(self) -> bool:
        return self.progress.epoch >= self.recipe.training.epochs and not self.progress.evaluation_due

    def _train_epoch(self, interruption: Interruption) -> None:
        """Learn from the batches of an epoch that are left, and save; on a stop signal, save and come back early."""
        epoch, training = self.progress.epoch, self.recipe.training
        rate = self.recipe.optimizer.learning_rate * learning_rate_factor(self.recipe.schedule, epoch, training.epochs)
        for group in self.parts.optimizers["network"].param_groups:
            group["lr"] = rate
        batches = self.sampler.epoch(generator(self.recipe.seed, Purpose.SAMPLING, epoch))
        self.network.train()
        start, first = time.perf_counter(), self.progress.iteration
        for iteration in range(first, len(batches)):
            losses = self._step(epoch, iteration, batches[iteration])
            sums = {name: self.progress.loss_sums.get(name, 0.0) + value for name, value in losses.items()}
            self.progress = replace(self.progress, iteration=iteration + 1, loss_sums=sums)
            per_second = (iteration + 1 - first) / (time.perf_counter() - start)
            left = (training.epochs - epoch) * len(batches) - iteration - 1
            self._tell(
                StepDone(
                    epoch=epoch + 1,
                    epochs=training.epochs,
                    iteration=iteration + 1,
                    iterations=len(batches),
                    learning_rate=rate,
                    losses=losses,
                    images_per_second=per_second * batches.shape[1],
                    eta_seconds=left / per_second,
                )
            )
            if interruption.requested and iteration + 1 < len(batches):
                self._check_weights()
                self._save_latest()
                return
        self._finish_epoch(len(batches), rate, time.perf_counter() - start, (len(batches) - first) * batches.shape[1])

    def _step(self, epoch: int, iteration: int, batch: Int64[np.ndarray, " b"]) -> dict[str, float]:
        """Learn from one batch; the losses that were seen, unweighted, and their weighted `total`."""
        seed_torch(self.recipe.seed, Purpose.NETWORK, epoch, iteration)
        indices = torch.from_numpy(batch).to(self.labels.device)
        images = self._batch(epoch, iteration, indices)
        total, values = self.criterion(self.network(images), self.labels[indices])
        losses = {**{name: value.item() for name, value in values.items()}, "total": total.item()}
        if not math.isfinite(losses["total"]):
            self._refuse(epoch, iteration, batch, losses)
        for optimizer in self.parts.optimizers.values():
            optimizer.zero_grad()
        total.backward()
        for optimizer in self.parts.optimizers.values():
            optimizer.step()
        return losses

    def _batch(self, epoch: int, iteration: int, indices: Int64[Tensor, " b"]) -> Float32[Tensor, "b 3 h w"]:
        augmentation, preprocess = self.recipe.augmentation, self.recipe.preprocess
        rng = generator(self.recipe.seed, Purpose.AUGMENTATION, epoch, iteration)
        draws = draw(augmentation, len(indices), preprocess, rng)
        return augment(self.data.images[indices], draws, augmentation, preprocess)

    def _finish_epoch(self, iterations: int, rate: float, seconds: float, images: int) -> None:
        training, sums, epoch = self.recipe.training, self.progress.loss_sums, self.progress.epoch + 1
        means = {name: value / iterations for name, value in sums.items()}
        last = epoch == training.epochs
        due = last or (training.evaluate_every > 0 and epoch % training.evaluate_every == 0)
        self.progress = replace(self.progress, epoch=epoch, iteration=0, evaluation_due=due, loss_sums={})
        self._tell(EpochDone(epoch, iterations, rate, means, seconds, images / seconds))
        self._check_weights()
        if training.save_every > 0 and epoch % training.save_every == 0:
            self._save_weights(f"epoch_{epoch}")
        self._save_latest()  # last: a crash before it has the epoch done again, and all of the above with it

    def _evaluate(self) -> None:
        start = time.perf_counter()
        metrics = self.evaluate(self.network)
        value, before = metrics[self.recipe.training.best], self.progress.best
        is_best = before is None or value > before
        if is_best:
            self.progress = replace(self.progress, best=value, best_epoch=self.progress.epoch)
            self._save_weights("best")
        self.progress = replace(self.progress, evaluation_due=False)
        self._save_latest()
        best = value if is_best or before is None else before
        self._tell(Evaluated(self.progress.epoch, dict(metrics), best, is_best, time.perf_counter() - start))

    def _stop(self) -> None:
        raise Interrupted(
            f"stopped after epoch {self.progress.epoch}, iteration {self.progress.iteration}",
            cure=f"the same command with --resume continues from {self.checkpoints.folder}",
        )

    def _refuse(self, epoch: int, iteration: int, batch: Int64[np.ndarray, " b"], losses: Mapping[str, float]) -> None:
        images = ", ".join(str(self.data.paths[index]) for index in batch)
        raise TrainingError(
            f"the loss is not finite in epoch {epoch + 1}, iteration {iteration + 1}; its images: {images}",
            expected="a finite loss",
            got=", ".join(f"{name} {value}" for name, value in losses.items()),
            cure="lower optimizer.learning_rate, or lengthen the warm-up; `latest` holds the last good state",
        )

    def _check_weights(self) -> None:
        """Refuse to save what a finite loss with gradients that are not finite left behind."""
        if not all(parameter.isfinite().all() for parameter in self.network.parameters()):
            raise TrainingError(
                f"the weights are not finite after epoch {self.progress.epoch}, iteration {self.progress.iteration}",
                expected="finite weights",
                got="NaN or infinity, from the last step's gradients",
                cure="lower optimizer.learning_rate, or lengthen the warm-up; `latest` holds the last good state",
            )

    def _save_latest(self) -> None:
        path = self.checkpoints.save_latest(self.parts, self.progress, self._header())
        self._tell(Saved("latest", str(path)))

    def _save_weights(self, name: str) -> None:
        self._tell(Saved(name, str(self.checkpoints.save_weights(name, self.network, self._header()))))

    def _header(self) -> dict[str, str]:
        preprocess = self.recipe.preprocess.model_dump_json()
        return {"recipe": self.recipe.name, "epoch": str(self.progress.epoch), "preprocess": preprocess}

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)
