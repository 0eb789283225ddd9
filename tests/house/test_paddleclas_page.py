"""docs/from-paddleclas.md says of every command and every key of PaddleClas's strong baseline what takes its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from reseen.cli.app import app
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe

RECIPE_KEYS = """
Global.checkpoints Global.pretrained_model Global.output_dir Global.device Global.save_interval
Global.eval_during_train Global.eval_interval Global.epochs Global.print_batch_step Global.use_visualdl
Global.eval_mode Global.retrieval_feature_from Global.re_ranking Global.image_shape Global.save_inference_dir
Arch.name Arch.infer_output_key Arch.infer_add_softmax Arch.Backbone.name Arch.Backbone.pretrained
Arch.Backbone.stem_act Arch.BackboneStopLayer.name Arch.Neck.name Arch.Neck.num_features
Arch.Neck.weight_attr.initializer.name Arch.Neck.weight_attr.initializer.value Arch.Neck.bias_attr.initializer.name
Arch.Neck.bias_attr.initializer.value Arch.Neck.bias_attr.learning_rate Arch.Head.name Arch.Head.embedding_size
Arch.Head.class_num Arch.Head.weight_attr.initializer.name Arch.Head.weight_attr.initializer.std Arch.Head.bias_attr
Loss.Train.CELoss.weight Loss.Train.CELoss.epsilon Loss.Train.TripletLossV2.weight Loss.Train.TripletLossV2.margin
Loss.Train.TripletLossV2.normalize_feature Loss.Train.TripletLossV2.feature_from Loss.Train.CenterLoss.weight
Loss.Train.CenterLoss.num_classes Loss.Train.CenterLoss.feat_dim Loss.Train.CenterLoss.feature_from
Loss.Eval.CELoss.weight Optimizer.Adam.scope Optimizer.Adam.lr.name Optimizer.Adam.lr.decay_epochs
Optimizer.Adam.lr.values Optimizer.Adam.lr.warmup_epoch Optimizer.Adam.lr.warmup_start_lr Optimizer.Adam.lr.by_epoch
Optimizer.Adam.lr.last_epoch Optimizer.Adam.regularizer.name Optimizer.Adam.regularizer.coeff Optimizer.SGD.scope
Optimizer.SGD.lr.name Optimizer.SGD.lr.learning_rate DataLoader.Train.dataset.name
DataLoader.Train.dataset.image_root DataLoader.Train.dataset.cls_label_path DataLoader.Train.dataset.backend
DataLoader.Train.dataset.transform_ops.ResizeImage.size
DataLoader.Train.dataset.transform_ops.ResizeImage.return_numpy
DataLoader.Train.dataset.transform_ops.ResizeImage.interpolation
DataLoader.Train.dataset.transform_ops.ResizeImage.backend
DataLoader.Train.dataset.transform_ops.RandFlipImage.flip_code DataLoader.Train.dataset.transform_ops.Pad.padding
DataLoader.Train.dataset.transform_ops.RandCropImageV2.size DataLoader.Train.dataset.transform_ops.ToTensor
DataLoader.Train.dataset.transform_ops.Normalize.mean DataLoader.Train.dataset.transform_ops.Normalize.std
DataLoader.Train.dataset.transform_ops.RandomErasing.EPSILON DataLoader.Train.dataset.transform_ops.RandomErasing.sl
DataLoader.Train.dataset.transform_ops.RandomErasing.sh DataLoader.Train.dataset.transform_ops.RandomErasing.r1
DataLoader.Train.dataset.transform_ops.RandomErasing.mean DataLoader.Train.sampler.name
DataLoader.Train.sampler.batch_size DataLoader.Train.sampler.num_instances DataLoader.Train.sampler.drop_last
DataLoader.Train.sampler.shuffle DataLoader.Train.loader.num_workers DataLoader.Train.loader.use_shared_memory
DataLoader.Eval.Query.dataset.name DataLoader.Eval.Query.dataset.image_root
DataLoader.Eval.Query.dataset.cls_label_path DataLoader.Eval.Query.dataset.backend
DataLoader.Eval.Query.dataset.transform_ops.ResizeImage.size
DataLoader.Eval.Query.dataset.transform_ops.ResizeImage.return_numpy
DataLoader.Eval.Query.dataset.transform_ops.ResizeImage.interpolation
DataLoader.Eval.Query.dataset.transform_ops.ResizeImage.backend DataLoader.Eval.Query.dataset.transform_ops.ToTensor
DataLoader.Eval.Query.dataset.transform_ops.Normalize.mean DataLoader.Eval.Query.dataset.transform_ops.Normalize.std
DataLoader.Eval.Query.sampler.name DataLoader.Eval.Query.sampler.batch_size DataLoader.Eval.Query.sampler.drop_last
DataLoader.Eval.Query.sampler.shuffle DataLoader.Eval.Query.loader.num_workers
DataLoader.Eval.Query.loader.use_shared_memory DataLoader.Eval.Gallery.dataset.name
DataLoader.Eval.Gallery.dataset.image_root DataLoader.Eval.Gallery.dataset.cls_label_path
DataLoader.Eval.Gallery.dataset.backend DataLoader.Eval.Gallery.dataset.transform_ops.ResizeImage.size
DataLoader.Eval.Gallery.dataset.transform_ops.ResizeImage.return_numpy
DataLoader.Eval.Gallery.dataset.transform_ops.ResizeImage.interpolation
DataLoader.Eval.Gallery.dataset.transform_ops.ResizeImage.backend
DataLoader.Eval.Gallery.dataset.transform_ops.ToTensor DataLoader.Eval.Gallery.dataset.transform_ops.Normalize.mean
DataLoader.Eval.Gallery.dataset.transform_ops.Normalize.std DataLoader.Eval.Gallery.sampler.name
DataLoader.Eval.Gallery.sampler.batch_size DataLoader.Eval.Gallery.sampler.drop_last
DataLoader.Eval.Gallery.sampler.shuffle DataLoader.Eval.Gallery.loader.num_workers
DataLoader.Eval.Gallery.loader.use_shared_memory Metric.Eval.Recallk.topk Metric.Eval.mAP
Arch.Head.weight_attr.initializer.fan_in Arch.Head.bias_attr.initializer.name Arch.Head.bias_attr.initializer.fan_in
Optimizer.name Optimizer.lr.name Optimizer.lr.decay_epochs Optimizer.lr.values Optimizer.lr.by_epoch
Optimizer.lr.last_epoch Optimizer.regularizer.name Optimizer.regularizer.coeff Optimizer.lr.warmup_epoch
Optimizer.lr.warmup_start_lr
"""
"""Of `baseline`, `softmax_triplet` and `softmax_triplet_with_center`; places in lists are left out."""
SAMPLER_KEYS = """
DataLoader.Train.sampler.name DataLoader.Train.sampler.batch_size DataLoader.Train.sampler.sample_per_id
DataLoader.Train.sampler.drop_last DataLoader.Train.sampler.sample_method DataLoader.Train.sampler.shuffle
"""
"""Of the sampler that is put in for several devices."""
INFERENCE_KEYS = """
Global.infer_imgs Global.rec_inference_model_dir Global.batch_size Global.use_gpu Global.enable_mkldnn
Global.cpu_num_threads Global.enable_benchmark Global.use_fp16 Global.ir_optim Global.use_tensorrt Global.gpu_mem
Global.enable_profile RecPreProcess.transform_ops.ResizeImage.size
RecPreProcess.transform_ops.ResizeImage.return_numpy RecPreProcess.transform_ops.ResizeImage.interpolation
RecPreProcess.transform_ops.ResizeImage.backend RecPreProcess.transform_ops.NormalizeImage.scale
RecPreProcess.transform_ops.NormalizeImage.mean RecPreProcess.transform_ops.NormalizeImage.std
RecPreProcess.transform_ops.NormalizeImage.order RecPreProcess.transform_ops.ToCHWImage RecPostProcess
RecPreProcess.transform_ops.ToTensor RecPreProcess.transform_ops.Normalize.mean
RecPreProcess.transform_ops.Normalize.std
"""
"""Of `inference_rec.yaml`, as it comes and as the guide to ReID has it changed."""
ENGINE_KEYS = """
Global.seed Global.use_dali Global.update_freq Global.to_static Global.start_eval_epoch Global.print_mem_info
Global.log_ranks Global.sim_block_size Global.feature_normalize Global.feature_binarize
Global.uniform_output_enabled Global.train_mode Global.export_for_fd Global.use_onnx AMP.use_amp AMP.level
AMP.scale_loss AMP.use_dynamic_loss_scaling AMP.use_fp16_test AMP.use_promote EMA.decay
"""
"""That the engine reads and none of the recipes sets."""
KEYS = dict.fromkeys(f"{RECIPE_KEYS} {SAMPLER_KEYS} {INFERENCE_KEYS} {ENGINE_KEYS}".split())

CONFIG = "ppcls/configs/reid/strong_baseline/softmax_triplet_with_center.yaml"
SERVER = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/rec/reid"
COMMANDS = (
    f"python3.7 tools/train.py -c ./{CONFIG}",
    "export CUDA_VISIBLE_DEVICES=0,1,2,3",
    f'python3.7 -m paddle.distributed.launch --gpus="0,1,2,3" tools/train.py -c ./{CONFIG}',
    f'python3.7 tools/eval.py -c ./{CONFIG} -o Global.pretrained_model="./output/RecModel/latest"',
    "cd PaddleClas",
    "mkdir pretrained_models",
    "cd pretrained_models",
    f"wget {SERVER}/pretrain/softmax_triplet_with_center_pretrained.pdparams",
    f"python3.7 tools/eval.py -c {CONFIG} "
    '-o Global.pretrained_model="pretrained_models/softmax_triplet_with_center_pretrained"',
    f'python3.7 tools/export_model.py -c {CONFIG} -o Global.pretrained_model="output/RecModel/latest" '
    '-o Global.save_inference_dir="./deploy/softmax_triplet_with_center_infer"',
    "cd PaddleClas/deploy",
    f"wget {SERVER}/inference/softmax_triplet_with_center_infer.tar",
    "tar xf softmax_triplet_with_center_infer.tar",
    "cd ../",
    "cd PaddleClas/deploy/",
    "python3.7 python/predict_rec.py -c ./configs/inference_rec.yaml",
)
"""Of the guide to ReID, continued lines joined."""
DEPLOYMENT = (
    "export",
    "download",
    "Python engine",
    "C++",
    "Serving",
    "Lite",
    "ONNX",
    "predict_system.py",
    "build_gallery.py",
)
"""What the guide and the documents around it do with a trained model."""
RESEEN = typer.main.get_command(app)


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "from-paddleclas.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows(page: str) -> dict[str, str]:
    """What the tables say of each key."""
    pairs = re.findall(r"^\| (`.*`) \| (.*) \|$", page, re.MULTILINE)
    return {key: told for keys, told in pairs for key in re.findall(r"`([^`]*)`", keys)}


@pytest.mark.parametrize("key", KEYS)
def test_every_key_stands_on_the_page_with_what_takes_its_place_or_why_nothing_does(
    key: str, rows: dict[str, str]
) -> None:
    told = rows[key]
    named = [name for name in re.findall(r"`([^`]*)`", told) if is_setting(name) or name.startswith(("--", "reseen "))]

    assert named or told.startswith("gone")


def test_no_key_was_lost_from_the_lists() -> None:
    assert [len(keys.split()) for keys in (RECIPE_KEYS, SAMPLER_KEYS, INFERENCE_KEYS, ENGINE_KEYS)] == [134, 6, 25, 21]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_stands_on_the_page(command: str, page: str) -> None:
    assert command in page.splitlines()


@pytest.mark.parametrize("part", DEPLOYMENT)
def test_what_a_model_was_deployed_with_has_a_command_or_is_not_offered(part: str, page: str, repository: Path) -> None:
    (told,) = re.findall(
        rf"^\|[^|]*{re.escape(part)}[^|]*\| (.*(?:`reseen |`cpp/|not offered).*) \|$", page, re.MULTILINE
    )
    commands = [name.split()[1] for name in re.findall(r"`([^`]*)`", told) if name.startswith("reseen ")]

    assert set(commands) <= names(RESEEN)
    assert commands or "not offered" in told or (repository / "cpp" / "CMakeLists.txt").is_file()


def test_what_is_not_offered_is_indeed_not_there(page: str) -> None:
    rows = [row for row in page.splitlines() if row.startswith("|") and "not offered" in row]
    absent = [re.findall(r"there is no (?:reader for )?`([^`]*)`", row) for row in rows]

    assert len(rows) > 2
    assert all(absent)
    assert {name for each in absent for name in each} & names(RESEEN) == set()


def test_every_option_that_is_named_exists(rows: dict[str, str]) -> None:
    told = " ".join(rows.values())
    options = {name.split()[0] for name in re.findall(r"`(--[^`]*)`", told)}

    assert len(options) > 10
    assert options <= names(RESEEN)


def test_every_setting_that_is_named_exists(rows: dict[str, str]) -> None:
    named = {name for told in rows.values() for name in re.findall(r"`([^`]*)`", told)}
    parts = {name.partition(":")[0] for name in named if is_setting(name)}
    recipe = load_recipe("softmax_triplet_with_center", ["training.ema={decay: 0.9}", "model.pretrained.path=a"])

    assert len(parts) > 40
    assert [path for path in sorted(parts) if not leads_somewhere(recipe, path)] == []


def names(command: Any) -> set[str]:
    """Commands below a command, and the options of all of them."""
    found = {*getattr(command, "commands", {}), *(spelling for option in command.params for spelling in option.opts)}
    return found.union(*(names(below) for below in getattr(command, "commands", {}).values()))


def is_setting(name: str) -> bool:
    return name.partition(":")[0].partition(".")[0] in Recipe.model_fields


def leads_somewhere(recipe: Recipe, path: str) -> bool:
    """Whether a dotted path, with places in lists as numbers, leads to a setting."""
    value: object = recipe.model_dump(by_alias=True)
    for step in path.split("."):
        if isinstance(value, tuple | list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return False
    return True
