from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from reseen.datasets.manifest import Manifest, Sample
from reseen.datasets.merge import training_and_evaluation
from reseen.datasets.open import open_dataset
from reseen.errors import (
    DatasetError,
    ImageError,
    Interrupted,
    RecipeError,
    TrainingError,
    WeightsError,
)
from reseen.images.decode import decode_image
from reseen.models.preprocessing import normalise, resize_mixed
from reseen.models.weights import load_network
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe
from reseen.runs.plan import TrainingRun
from reseen.runs.run_training import run_training
from reseen.training.events import Event, StepDone

CPU = torch.device("cpu")
SmallRecipe = Callable[..., Recipe]
WriteManifest = Callable[[Sequence[Sample]], Path]
WritePeople = Callable[..., Path]
COLOURS = {"9": (200, 40, 40), "10": (40, 200, 40), "b": (40, 40, 200), "A": (200, 200, 40)}


def weights(run: Path, name: str = "latest") -> dict[str, Tensor]:
    return safetensors.torch.load_file(run / "checkpoints" / f"{name}.safetensors")


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def records(run: Path) -> list[dict[str, Any]]:
    """Lines of `metrics.jsonl`, without what depends on the clock."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    clock = {"seconds", "images_per_second"}
    return [{key: value for key, value in json.loads(line).items() if key not in clock} for line in lines]


def curves(run: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard itself reads, without what depends on the clock."""
    found = EventAccumulator(str(run / "tensorboard")).Reload()
    tags = [tag for tag in found.Tags()["scalars"] if "images_per_second" not in tag]
    return {tag: [(point.step, point.value) for point in found.Scalars(tag)] for tag in tags}


def test_a_run_folder_tells_what_was_done_where_and_how_it_went(finished_run: Path, people: Manifest) -> None:
    environment = json.loads((finished_run / "environment.json").read_text(encoding="utf-8"))
    assert environment["torch"] == torch.__version__
    assert environment["device"] == "cpu"
    assert environment["dataset_root"] == str(people.root)
    assert environment["evaluation"] == {people.name: str(people.root)}
    checkpoints = sorted(path.name for path in (finished_run / "checkpoints").iterdir())
    assert checkpoints == [
        "best.safetensors",
        "epoch_2.safetensors",
        "latest.safetensors",
        "latest.state-0003-000000.safetensors",
    ]
    told = records(finished_run)
    assert [(line["kind"], line["epoch"]) for line in told] == [
        (kind, epoch) for epoch in (1, 2, 3) for kind in ("epoch", "evaluation")
    ]
    assert told[1]["metrics"]["queries"] == 4 * 3
    log = (finished_run / "train.log").read_text(encoding="utf-8")
    assert f"{people.name}: 36 training images from {people.root}\n" in log
    assert f"evaluated on {people.name}: 12 query, 15 gallery images from {people.root}\n" in log
    assert log.count(" iteration ") == sum(line["iterations"] for line in told if line["kind"] == "epoch")


def test_the_saved_recipe_trains_the_same_weights_bit_for_bit(
    finished_run: Path, people: Manifest, tmp_path: Path
) -> None:
    recipe = load_recipe(finished_run / "recipe.yaml")

    run_training(TrainingRun(recipe, people, tmp_path / "again", CPU))

    assert same(weights(tmp_path / "again"), weights(finished_run))
    assert same(weights(tmp_path / "again", "best"), weights(finished_run, "best"))
    assert records(tmp_path / "again") == records(finished_run)
    assert (tmp_path / "again" / "recipe.yaml").read_bytes() == (finished_run / "recipe.yaml").read_bytes()


def test_another_seed_trains_other_weights(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    run_training(TrainingRun(small_recipe("seed=1"), people, tmp_path / "run", CPU))

    other, known = weights(tmp_path / "run"), weights(finished_run)
    convolution = "backbone.stem.0.weight"
    assert not torch.allclose(other[convolution], known[convolution], atol=1e-2)


@pytest.mark.parametrize("at", [(1, 3), (2, 1)], ids=["first epoch", "second epoch"])
def test_a_run_that_was_stopped_and_resumed_ends_like_one_that_was_not(
    at: tuple[int, int], finished_run: Path, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    def press_ctrl_c(event: Event) -> None:
        if isinstance(event, StepDone) and (event.epoch, event.iteration) == at:
            os.kill(os.getpid(), signal.SIGINT)

    run = TrainingRun(small_recipe(), people, tmp_path / "run", CPU)
    with pytest.raises(Interrupted, match=f"stopped after epoch {at[0] - 1}, iteration {at[1]}"):
        run_training(run, [press_ctrl_c])
    done = run_training(replace(run, resume=True))

    assert (done.epoch, done.iteration) == (3, 0)
    assert same(weights(run.output), weights(finished_run))
    assert same(weights(run.output, "best"), weights(finished_run, "best"))
    assert records(run.output) == records(finished_run)


def test_a_finished_run_can_be_made_longer(people: Manifest, small_recipe: SmallRecipe, tmp_path: Path) -> None:
    schedule = "schedule={name: multistep}"  # a cosine depends on the number of epochs
    short = TrainingRun(small_recipe(schedule, "training.epochs=1"), people, tmp_path / "run", CPU)
    run_training(short)

    longer = small_recipe(schedule, "training.epochs=2")
    with (short.output / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"kind": "epoch", "epoch": 2, "losses": {"total": 9')  # a power cut in the next epoch
    run_training(replace(short, recipe=longer, resume=True))
    run_training(TrainingRun(longer, people, tmp_path / "at once", CPU))

    assert same(weights(short.output), weights(tmp_path / "at once"))
    assert records(short.output) == records(tmp_path / "at once")


def test_a_new_run_forgets_the_records_of_one_that_never_came_to_save(
    people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"kind": "epoch", "epoch": 1}\n')

    run_training(TrainingRun(small_recipe("training.epochs=1"), people, tmp_path, CPU))

    assert [(line["kind"], line["epoch"]) for line in records(tmp_path)] == [("epoch", 1), ("evaluation", 1)]


def test_several_datasets_are_trained_on_together_and_evaluated_each_on_its_own(
    people: Manifest, write_people: WritePeople, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    colours = {f"{number:04d}": (20 * number, 250 - 20 * number, 100) for number in range(1, 9)}
    datasets = [people, open_dataset(write_people(colours, sizes=[(64, 32)] * 3))]
    recipe = small_recipe("training.epochs=1", "data.evaluation_share=0.25")
    manifest, evaluation = training_and_evaluation(
        [replace(each, name=name) for each, name in zip(datasets, ("a", "b"), strict=True)], [], 0.25
    )

    run_training(TrainingRun(recipe, manifest, tmp_path / "run", CPU, evaluation=evaluation))

    trained = len(evaluation[1].split("train")) // 3
    assert 2 <= trained <= 6
    assert weights(tmp_path / "run")["head.weight"].shape[0] == 6 + trained
    (metrics,) = (line["metrics"] for line in records(tmp_path / "run") if line["kind"] == "evaluation")
    assert metrics["a/queries"] == 12
    assert metrics["b/queries"] == (8 - trained) * 3
    for figure in ("recall1", "mAP", "mINP"):
        assert metrics[figure] == pytest.approx((metrics[f"a/{figure}"] + metrics[f"b/{figure}"]) / 2)
    (best,) = (line["best"] for line in records(tmp_path / "run") if line["kind"] == "evaluation")
    assert best == metrics[recipe.training.best]
    log = (tmp_path / "run" / "train.log").read_text(encoding="utf-8")
    roots = [str(each.root) for each in datasets]
    assert f"a + b: {36 + 3 * trained} training images from {', '.join(roots)}\n" in log
    assert all(re.search(f"evaluated on {name}: .* from {root}\n", log) for name, root in zip("ab", roots, strict=True))
    assert "are means over the datasets evaluated on" in log


def test_evaluation_on_another_dataset_takes_the_place_of_the_own(
    people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    query, *_ = people.split("query")
    other = replace(people, name="other", samples=tuple(s for s in people.samples if s.person != query.person))
    trained = replace(people, samples=people.split("train"))

    run_training(TrainingRun(small_recipe("training.epochs=1"), trained, tmp_path / "run", CPU, evaluation=(other,)))

    (metrics,) = (line["metrics"] for line in records(tmp_path / "run") if line["kind"] == "evaluation")
    assert metrics["queries"] == 9
    assert not [name for name in metrics if "/" in name]


def test_people_who_are_set_aside_can_choose_the_best(
    people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    recipe = small_recipe("data.calibration_share=0.5", "training.best_on=calibration_people")
    done = run_training(TrainingRun(recipe, people, tmp_path / "run", CPU))

    records = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    figures = [record["metrics"]["calibration_people/recall1"] for record in records if record["kind"] == "evaluation"]
    assert len(figures) == 3
    assert done.best == max(figures)
    assert done.best_epoch == 1 + figures.index(max(figures))


def test_a_run_learns_from_the_teacher_its_recipe_names(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    """From the start, the longer it is taught the closer its features' cosines come to the teacher's."""
    teacher = f"{{recipe: {finished_run / 'recipe.yaml'}, weights: {finished_run / 'checkpoints' / 'best'}}}"
    losses = f"losses=[{{name: distillation, teacher: {teacher}}}]"
    recipe = small_recipe(losses, "preprocess={height: 48, width: 24}", "model.backbone.widths=[4, 8]", "seed=5")
    run = TrainingRun(recipe, people, tmp_path / "run", CPU)
    run_training(run)

    told = [line["losses"]["distillation"] for line in records(run.output) if line["kind"] == "epoch"]
    assert told[0] > told[-1] > 0
    assert f"learns from tiny, 16-d, {finished_run / 'checkpoints' / 'best.safetensors'}" in (
        run.output / "train.log"
    ).read_text(encoding="utf-8")
    assert weights(run.output)["neck.weight"].shape == (8,)


@pytest.mark.parametrize(
    ("recipe", "weights", "told"),
    [
        ("none.yaml", "checkpoints/best", "none.yaml"),
        ("recipe.yaml", "checkpoints/none", "none"),
        ("tiny", "checkpoints/best", "different preprocessing"),
    ],
    ids=["no recipe", "no weights", "another recipe"],
)
def test_a_teacher_that_cannot_be_had_is_an_error_before_any_image_is_read(
    finished_run: Path,
    people: Manifest,
    small_recipe: SmallRecipe,
    tmp_path: Path,
    recipe: str,
    weights: str,
    told: str,
) -> None:
    named = recipe if recipe == "tiny" else finished_run / recipe
    teacher = f"{{recipe: {named}, weights: {finished_run / weights}}}"
    unread = replace(people, samples=tuple(replace(s, path=tmp_path / s.path.name) for s in people.samples))
    losses = f"losses=[{{name: triplet}}, {{name: distillation, teacher: {teacher}}}]"
    with pytest.raises((RecipeError, WeightsError), match=f"named in losses.1.teacher: .*{told}"):
        run_training(TrainingRun(small_recipe(losses), unread, tmp_path, CPU))


def test_pretrained_weights_need_a_file(people: Manifest, small_recipe: SmallRecipe, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="names no file") as refused:
        run_training(TrainingRun(small_recipe("model.pretrained={}"), people, tmp_path / "run", CPU))

    assert refused.value.expected == "-o model.pretrained.path=FILE"
    assert refused.value.cure is not None
    assert "-o model.pretrained=null" in refused.value.cure


def test_a_missing_pretrained_weight_is_an_error_unless_the_recipe_expects_it(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    backbone = {
        name.removeprefix("backbone."): value
        for name, value in weights(finished_run).items()
        if name.startswith("backbone.") and not name.startswith("backbone.stages.0.1.second.")
    }
    safetensors.torch.save_file(backbone, tmp_path / "partial.safetensors")
    start = f"model.pretrained={{path: {tmp_path / 'partial'}}}"
    slow = ("training.epochs=1", "optimizer.learning_rate=1.0e-9")  # so that a weight stays what it started as

    with pytest.raises(WeightsError, match=r"missing: stages\.0\.1\.second\.0\.weight"):
        run_training(TrainingRun(small_recipe(start, *slow), people, tmp_path / "refused", CPU))
    assert not (tmp_path / "refused" / "checkpoints").exists()

    expected = 'model.pretrained.expected_missing=["stages.0.1.second.*"]'
    run_training(TrainingRun(small_recipe(start, expected, *slow), people, tmp_path / "run", CPU))
    assert "partial.safetensors: 18 loaded" in (tmp_path / "run" / "train.log").read_text(encoding="utf-8")
    started = weights(tmp_path / "run")
    for name in ("stem.0.weight", "stages.0.1.first.0.weight"):
        assert torch.allclose(started[f"backbone.{name}"], backbone[name], atol=1e-7)
    convolution = "backbone.stages.0.1.second.0.weight"
    assert not torch.allclose(started[convolution], weights(finished_run)[convolution], atol=1e-2)


def test_some_people_of_a_folder_dataset_are_held_out_and_each_image_of_theirs_is_a_query(
    write_people: WritePeople, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    root = write_people(COLOURS | {"c": (30, 30, 30), "D": (220, 220, 220)}, sizes=[(64, 32)] * 3)

    run_training(
        TrainingRun(
            small_recipe("data.evaluation_share=0.34", "sampler.persons=2"), open_dataset(root), tmp_path / "run", CPU
        )
    )

    (trained_on,) = {len(value) for name, value in weights(tmp_path / "run").items() if name == "head.weight"}
    assert 2 <= trained_on <= 4
    assert records(tmp_path / "run")[-1]["metrics"]["queries"] == (6 - trained_on) * 3


def test_holding_nobody_out_of_a_folder_dataset_leaves_nothing_to_evaluate_on(
    write_people: WritePeople, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    root = write_people(COLOURS, sizes=[(64, 32)] * 2)

    with pytest.raises(DatasetError, match="no query images"):
        run_training(TrainingRun(small_recipe("data.evaluation_share=0"), open_dataset(root), tmp_path / "run", CPU))


def test_images_of_mixed_sizes_train_and_labels_follow_the_sorted_persons(
    write_people: WritePeople, write_manifest: WriteManifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    root = write_people(COLOURS, sizes=[(64, 32), (20, 40), (200, 90), (33, 17)])
    images = open_dataset(root).samples
    everywhere = [replace(sample, split=split) for split in ("train", "query", "gallery") for sample in images[::-1]]
    overrides = ("training.epochs=25", "training.evaluate_every=0", "sampler.persons=4", "augmentation.pad=0")

    run_training(TrainingRun(small_recipe(*overrides), open_dataset(write_manifest(everywhere)), tmp_path / "run", CPU))

    network = load_network(small_recipe().model, tmp_path / "run" / "checkpoints" / "best").eval()
    assert network.head is not None
    with torch.inference_mode():
        batch = normalise(resize_mixed([decode_image(s.path) for s in images], 64, 32), small_recipe().preprocess)
        classes = network(batch).logits.argmax(1)
    assert [sorted(COLOURS)[place] for place in classes] == [s.person for s in images]


def test_a_broken_training_image_stops_the_run_with_its_path(
    people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(people.samples[0].path.read_bytes()[:300])
    damaged = replace(people, samples=(replace(people.samples[0], path=broken), *people.samples[1:]))

    with pytest.raises(ImageError, match=str(broken)):
        run_training(TrainingRun(small_recipe(), damaged, tmp_path / "run", CPU))

    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_broken_gallery_image_stops_the_evaluation_and_the_run_goes_on_once_it_is_mended(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    sample = people.split("gallery")[0]
    whole, copy = sample.path.read_bytes(), tmp_path / sample.path.name
    copy.write_bytes(whole[:300])
    damaged = tuple(replace(s, path=copy) if s == sample else s for s in people.samples)
    run = TrainingRun(small_recipe(), replace(people, samples=damaged), tmp_path / "run", CPU)

    with pytest.raises(ImageError, match=str(copy)):
        run_training(run)
    copy.write_bytes(whole)
    run_training(replace(run, resume=True))

    assert same(weights(run.output), weights(finished_run))
    assert records(run.output) == records(finished_run)


def test_images_that_are_read_as_they_are_needed_train_the_same_bit_for_bit_and_resume(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    def press_ctrl_c(event: Event) -> None:
        if isinstance(event, StepDone) and (event.epoch, event.iteration) == (2, 2):
            os.kill(os.getpid(), signal.SIGINT)

    run = TrainingRun(small_recipe("data.memory_limit_gb=1.0e-5"), people, tmp_path / "run", CPU)
    with pytest.raises(Interrupted, match="stopped after epoch 1, iteration 2"):
        run_training(run, [press_ctrl_c])
    run_training(replace(run, resume=True))

    assert same(weights(run.output), weights(finished_run))
    assert records(run.output) == records(finished_run)
    log = (run.output / "train.log").read_text(encoding="utf-8")
    assert "training images are read as they are needed: data.memory_limit_gb is 1e-05" in log


def test_a_broken_image_that_is_read_only_when_it_is_needed_stops_the_run_with_its_path(
    people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(people.samples[0].path.read_bytes()[:-40])
    damaged = replace(people, samples=(replace(people.samples[0], path=broken), *people.samples[1:]))

    with pytest.raises(ImageError, match=str(broken)):
        run_training(TrainingRun(small_recipe("data.memory_limit_gb=1.0e-5"), damaged, tmp_path / "run", CPU))


def test_a_run_says_which_precision_the_device_was_given(finished_run: Path) -> None:
    assert load_recipe("tiny").training.precision == "auto"
    assert load_recipe(finished_run / "recipe.yaml").training.precision == "fp32"


def test_more_images_a_person_than_there_are_is_refused_by_name_or_repeated_as_the_recipe_says(
    people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    more = ("sampler.images_per_person=7", "training.epochs=1")

    with pytest.raises(DatasetError, match="6 people have fewer than 7 training images") as refused:
        run_training(TrainingRun(small_recipe("sampler.short_persons=error", *more), people, tmp_path / "refused", CPU))
    assert refused.value.got is not None
    assert "0001, 0002" in refused.value.got
    assert not (tmp_path / "refused").exists()

    run_training(TrainingRun(small_recipe("sampler.short_persons=repeat", *more), people, tmp_path / "run", CPU))
    assert records(tmp_path / "run")[0]["iterations"] == 2


@pytest.mark.parametrize(("drop_last", "iterations"), [("false", 5), ("true", 4)])  # 36 images in batches of 8
def test_batches_are_drawn_by_the_method_of_the_recipe(
    drop_last: str, iterations: int, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    sampler = ("sampler.persons=4", "sampler.method=id_avg_prob", f"sampler.drop_last={drop_last}")

    run_training(TrainingRun(small_recipe("training.epochs=1", *sampler), people, tmp_path / "run", CPU))

    assert records(tmp_path / "run")[0]["iterations"] == iterations


def test_the_curves_of_a_run_that_was_resumed_are_those_of_one_that_was_not(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    run = TrainingRun(small_recipe(), people, tmp_path / "run", CPU)

    def fail(event: Event) -> None:
        if isinstance(event, StepDone) and (event.epoch, event.iteration) == (2, 3):
            raise TrainingError("power cut", expected="power", got="none", cure="wait")

    with pytest.raises(TrainingError, match="power cut"):
        run_training(run, [fail])
    run_training(replace(run, resume=True))

    drawn, whole = curves(run.output), curves(finished_run)
    assert drawn == whole
    assert [value for _, value in whole["evaluation/recall1"]] == pytest.approx(
        [line["metrics"]["recall1"] for line in records(finished_run) if line["kind"] == "evaluation"]
    )
    assert len(whole["step/loss/total"]) == sum(line.get("iterations", 0) for line in records(finished_run))


def test_a_recipe_may_do_without_curves(people: Manifest, small_recipe: SmallRecipe, tmp_path: Path) -> None:
    run_training(
        TrainingRun(small_recipe("training.epochs=1", "training.tensorboard=false"), people, tmp_path / "run", CPU)
    )

    assert not (tmp_path / "run" / "tensorboard").exists()


def test_people_without_cameras_train_and_the_query_is_left_out_alone(
    people: Manifest, write_manifest: WriteManifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    without = open_dataset(write_manifest([replace(s, camera=None) for s in people.samples]))

    run_training(TrainingRun(small_recipe("training.epochs=1"), without, tmp_path / "run", CPU))

    assert records(tmp_path / "run")[-1]["metrics"]["skipped"] == 0
