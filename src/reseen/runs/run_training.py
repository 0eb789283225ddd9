"""Everything that a run needs is put together here, and trained."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import torch

import reseen
from reseen.datasets.evaluation_split import EvaluationSplit
from reseen.datasets.holdout import people_hash
from reseen.files import hold_folder, make_folder, write_whole
from reseen.losses.criterion import Criterion
from reseen.map_ahead import OnStage
from reseen.models.embedder import NetworkEmbedder
from reseen.models.network import ReIDNetwork, build_network
from reseen.models.pretrained import load_pretrained
from reseen.recipe.load import dump_recipe
from reseen.recipe.schema import Recipe
from reseen.run_folder import CALIBRATION_PEOPLE, Run
from reseen.runs.measure_network import measure_network
from reseen.runs.plan import RunPlan, TrainingRun, plan_run
from reseen.runs.record import environment, identity
from reseen.runs.teacher import NamedTeacher, load_teacher
from reseen.training.batches import TrainingSet, hold_images
from reseen.training.checkpoint import Checkpoints, TrainState
from reseen.training.events import Listener
from reseen.training.modes import synchronise_batch_norm
from reseen.training.numerics import chosen_precision
from reseen.training.randomness import Purpose, seed_torch
from reseen.training.run_log import RunLog
from reseen.training.tensorboard import tensorboard_curves
from reseen.training.trainer import Evaluate, Trainer


def run_training(run: TrainingRun, listeners: Sequence[Listener] = (), progress: OnStage | None = None) -> TrainState:
    """Train as the recipe says, with everything written to the run's folder, by the first of several processes.

    Args:
        run: what to do.
        listeners: are told what happens, after the run's log.
        progress: told about reading the dataset and about evaluation.

    Raises:
        UsageError: the folder holds a run already, or there is none to resume; a recipe, dataset or weights that
            cannot be used.
        ReseenError: whatever stopped the run.
    """
    run = replace(run, recipe=_settled(run.recipe, run.device))
    on_all, on_zero = run.processes.run_on_all, run.processes.on_rank_zero
    plan = on_all(partial(plan_run, run))
    with ExitStack() as held:
        log = on_zero(partial(_begin, run, plan, held))
        named = on_all(lambda: load_teacher(run.recipe, plan.calibration_people, run.device))
        checkpoints = on_all(partial(_checkpoints, run, plan, named))
        trainer = on_all(
            partial(_trainer, run, plan, checkpoints, named, log=log, listeners=listeners, progress=progress)
        )
        if run.resume:
            trainer.resume()
        on_zero(lambda: _record(run, plan, log, trainer.progress))
        return trainer.run()


def _settled(recipe: Recipe, device: torch.device) -> Recipe:
    """The recipe with what it leaves to the device: what is written down is what was done."""
    precision = chosen_precision(recipe.training.precision, device)
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"precision": precision})})


def _begin(run: TrainingRun, plan: RunPlan, held: ExitStack) -> RunLog:
    """Hold the run's folder, and say in its log what begins."""
    held.enter_context(hold_folder(make_folder(run.output)))
    log = RunLog(run.output, run.recipe.training.log_every)
    log.say(f"reseen {reseen.__version__}, torch {torch.__version__} on {run.device}, recipe {run.recipe.name}")
    if run.processes.count > 1:
        log.say(f"{run.processes.count} processes, each with its share of the {run.recipe.sampler.persons} persons")
    trained = ", ".join(str(each.root.absolute()) for each in run.manifest.merged or (run.manifest,))
    log.say(f"{run.manifest.name}: {len(plan.samples)} training images from {trained}")
    if run.manifest.passed_over:
        log.say(f"files ignored, not a supported image: {len(run.manifest.passed_over)} files")
    for split in plan.evaluated:
        images = f"{len(split.query)} query, {len(split.gallery)} gallery images"
        log.say(f"evaluated on {split.name}: {images} from {split.manifest.root.absolute()}")
    if len(plan.evaluated) > 1:
        log.say("rank-1, mAP, …, and with them the choice of `best`, are means over the datasets evaluated on")
    return log


def _record(run: TrainingRun, plan: RunPlan, log: RunLog | None, progress: TrainState) -> None:
    """Write down what the run is, once it is known to start or to continue."""
    if log is not None:
        log.forget_after(progress.epoch, evaluation_due=progress.evaluation_due)
    folder = Run(run.output)
    write_whole(folder.recipe_path, dump_recipe(run.recipe))
    write_whole(folder.environment_path, json.dumps(environment(run, plan).model_dump(), indent=2) + "\n")


def _checkpoints(run: TrainingRun, plan: RunPlan, named: NamedTeacher | None) -> Checkpoints:
    """Where states are saved; whether one can be resumed is known before any image is read."""
    of_run = identity(run, plan, named.feature_space if named else None)
    checkpoints = Checkpoints(Run(run.output).checkpoints, of_run)
    if run.resume:
        checkpoints.check_resumable()
    return checkpoints


def _trainer(
    run: TrainingRun,
    plan: RunPlan,
    checkpoints: Checkpoints,
    named: NamedTeacher | None,
    *,
    log: RunLog | None,
    listeners: Sequence[Listener],
    progress: OnStage | None,
) -> Trainer:
    """Everything that learns and that it learns from, as the run starts; `log` is the first process's."""
    recipe, people = run.recipe, len(plan.persons)
    network = _network(run, people, log)
    paths = [sample.path for sample in plan.samples]
    images, where = hold_images(paths, recipe, run.device, progress)
    if log is not None:
        for words in (where, *(named.words if named else ())):
            log.say(words)
    return Trainer(
        recipe,
        network,
        Criterion(
            recipe.losses,
            people,
            network.feature_size,
            run.processes.gather,
            taught_size=named.feature_size if named else 0,
        ).to(run.device),
        TrainingSet(images, plan.labels, paths),
        plan.sampler,
        checkpoints=checkpoints,
        evaluate=_evaluation(run, plan, progress),
        teacher=named.teacher if named else None,
        listeners=[*_own_listeners(run, log), *listeners],
        processes=run.processes,
        header={"set_aside": people_hash(plan.calibration_people)},
    )


def _own_listeners(run: TrainingRun, log: RunLog | None) -> list[Listener]:
    """Those that write to the run's folder; none in a process that does not."""
    return [] if log is None else [log, *tensorboard_curves(run.output, run.recipe.training, log.say)]


def _network(run: TrainingRun, people: int, log: RunLog | None) -> ReIDNetwork:
    """The network as the run starts it; what a resumed run has learnt is put in later."""
    seed_torch(run.recipe.seed, Purpose.INITIALISATION)
    network = build_network(run.recipe.model, people).to(run.device)
    report = None if run.resume else load_pretrained(run.recipe, network.backbone)
    if log is not None and report is not None:
        log.say(report.summary())
    if run.recipe.training.batch_norm == "synchronised":
        network = synchronise_batch_norm(network)
    return network


def _evaluation(run: TrainingRun, plan: RunPlan, progress: OnStage | None) -> Evaluate:
    """What the trainer calls to measure the network."""

    def evaluate(network: ReIDNetwork) -> Mapping[str, float]:
        settings = run.recipe.evaluation
        embedder = NetworkEmbedder(
            network, run.recipe.preprocess, run.device, batch_size=settings.batch_size, flip=settings.flip
        )
        metrics = measure_network(embedder, plan.evaluated, progress, run.processes)
        if run.recipe.training.best_on == "evaluation":
            return metrics
        people = EvaluationSplit.of(plan.calibration_people).checked()
        others = measure_network(embedder, [people], progress, run.processes)
        return {**metrics, **{f"{CALIBRATION_PEOPLE}/{name}": value for name, value in others.items()}}

    return evaluate
