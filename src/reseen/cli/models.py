"""`reseen models`: known models, and weights from elsewhere."""

from __future__ import annotations

import os
import shlex
import urllib.request
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.bundle.shipped import DEFAULT, bundle_folder
from reseen.cli.console import StageBars, fold, give, say
from reseen.cli.options import JsonOption, OverrideOption
from reseen.errors import UsageError
from reseen.files import make_folder

if TYPE_CHECKING:
    from reseen.bundle.bundle import Bundle
    from reseen.catalogue.entry import Entry
    from reseen.catalogue.store import Kept, Store
    from reseen.models.foreign.import_weights import Imported
    from reseen.recipe.schema import Recipe

app = typer.Typer(help="List and pull known models, import other projects' weights.", no_args_is_help=True)
LISTED = ("what", "figures", "size", "licence", "here")
INDENT = 12
WEIGHTS = ".safetensors"
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A name from `reseen models list`.")]


class Project(StrEnum):
    """The keys of `models.foreign.import_weights.SOURCES`, and networks of any project as ONNX or OpenVINO files."""

    TORCHREID = "torchreid"
    FASTREID = "fastreid"
    PADDLECLAS = "paddleclas"
    STRONG_BASELINE = "reid-strong-baseline"
    TORCHVISION = "torchvision"
    EFFICIENTNET_LITE = "efficientnet-lite"
    ONNX = "onnx"
    OPENVINO = "openvino"


GRAPHS = (Project.ONNX, Project.OPENVINO)
"""Whole networks, which need no code of reseen's."""


@app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """List the known models.

    With size, published figures, licence, and whether the file is on this machine.

    Example: reseen models list
    """
    from reseen.catalogue.known import ENTRIES

    store = _store()
    known = [(_shipped(), None), *((entry, store.find(entry)) for entry in ENTRIES)]
    if as_json:
        give({"models": [_facts(entry, kept) for entry, kept in known]})
        return
    for entry, kept in known:
        facts = _in_words(entry, kept)
        give("\n".join([entry.name, *(fold(f"  {fact}", facts[fact], INDENT + 2) for fact in LISTED)]))


@app.command()
def show(name: NameArgument, as_json: JsonOption = False) -> None:
    """Show a known model, and a command that uses it.

    Example: reseen models show resnet50_imagenet
    """
    from reseen.catalogue.known import find_entry

    entry = _shipped() if name == DEFAULT else find_entry(name)
    kept = None if name == DEFAULT else _store().find(entry)
    if as_json:
        give(_facts(entry, kept))
        return
    give("\n".join(fold(fact, text, INDENT) for fact, text in _in_words(entry, kept).items()))
    # In one piece, so that it can be copied.
    give(f"{'to use it':<{INDENT}}{_command(entry, kept)}")


@app.command()
def pull(name: NameArgument, as_json: JsonOption = False) -> None:
    """Download a known model's file and check it.

    An interrupted download resumes. Files are kept in RESEEN_HOME (default: ~/.cache/reseen). RESEEN_OFFLINE=1 forbids
    downloads.

    Example: reseen models pull resnet50_imagenet
    """
    from reseen.catalogue.known import find_entry

    entry = find_entry(name)
    say(f"licence: {entry.licence}")
    with StageBars() as bars:
        kept = _store().pull(entry, progress=lambda there, total: bars("fetching", there, total or there))
    say(f"checked by {kept.record.checked_by}")
    say(f"to use it: {_command(entry, kept)}")
    give({"path": str(kept.path), **kept.record.model_dump()} if as_json else str(kept.path))


@app.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A checkpoint, or an ONNX or OpenVINO file.")],
    project: Annotated[Project, typer.Option("--from", help="The project that saved it.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", metavar="PATH", help="A .safetensors file for weights, or the folder of a new bundle."
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="RECIPE",
            help="Recipe with the same network: a name or a YAML file. For ONNX and OpenVINO, only its preprocess counts; without it an OpenVINO file takes pixels of 0 to 255.",  # noqa: E501
        ),
    ] = None,
    feature: Annotated[
        str | None, typer.Option("--feature", metavar="NAME", help="Which output of an ONNX file is the feature.")
    ] = None,
    bgr: Annotated[bool, typer.Option("--bgr", help="The ONNX or OpenVINO file takes BGR images.")] = False,
    override: OverrideOption = None,
    as_json: JsonOption = False,
) -> None:
    """Convert another project's checkpoint to weights or a bundle.

    Pickles are read as data: no code in the file is run.

    Example: reseen models import model.pth.tar --from torchreid --model osnet_x1_0 --output osnet.safetensors -o model.neck=none -o model.head.bias=true
    """  # noqa: E501 - an example is one line
    _check_graph_options(project, feature=feature, bgr=bgr)
    recipe = _recipe(project, model, override)
    if recipe is None or project in GRAPHS:
        bundle = _imported_graph(file, project, recipe, output, feature=feature, bgr=bgr)
        give(bundle.description.model_dump(mode="json") if as_json else str(output))
        return
    imported = _imported(file, project, recipe, output)
    for line in _told(imported):
        say(line)
    changes = "".join(f" -o {change}" for change in override or [])
    say(f"to use it: reseen {_use(imported, f'{model}{changes}', output)}")
    result = {"output": str(output), **asdict(imported)}
    give(result if as_json else str(output))


def _check_graph_options(project: Project, *, feature: str | None, bgr: bool) -> None:
    """`--feature` is for ONNX files, which may have several outputs; `--bgr` for those of OpenVINO as well."""
    if (feature is not None and project is not Project.ONNX) or (bgr and project not in GRAPHS):
        raise UsageError(
            "--feature is for ONNX files, --bgr for those and for OpenVINO's",
            expected="--from onnx, or --from openvino, with them",
            got=f"--from {project}",
            cure="leave them out",
        )


def _recipe(project: Project, model: str | None, override: list[str] | None) -> Recipe | None:
    """The recipe that was named; an OpenVINO file needs none."""
    from reseen.recipe.load import load_recipe

    if model is not None:
        return load_recipe(model, override or [])
    if project is not Project.OPENVINO or override:
        raise UsageError(
            f"--from {project} needs a recipe" if project is not Project.OPENVINO else "-o changes a recipe",
            expected="--model RECIPE",
            got="none",
            cure="name a shipped recipe, or a YAML file",
        )
    return None


def _imported_graph(
    file: Path, project: Project, recipe: Recipe | None, output: Path, *, feature: str | None, bgr: bool
) -> Bundle:
    if recipe is not None and project is Project.ONNX:
        from reseen.exporting.import_model import import_onnx

        return import_onnx(file, recipe.preprocess, output, name=file.stem, output=feature, bgr=bgr)
    try:
        from reseen.exporting.import_openvino import import_openvino
    except ImportError as error:
        raise UsageError(
            "what reads OpenVINO's files is not installed",
            expected="the library openvino",
            got=str(error),
            cure="pip install openvino",
        ) from error
    preprocess = None if recipe is None else recipe.preprocess
    return import_openvino(file, output, name=file.stem, preprocess=preprocess, bgr=bgr)


def _imported(file: Path, project: Project, recipe: Recipe, output: Path) -> Imported:
    if output.suffix == WEIGHTS:
        from reseen.models.foreign.import_weights import import_weights

        make_folder(output.absolute().parent)
        return import_weights(file, project, recipe, output)
    from reseen.exporting.import_model import import_weights_as_bundle

    return import_weights_as_bundle(file, project, recipe, output)


def _use(imported: Imported, recipe: str, output: Path) -> str:
    """The command that comes next."""
    if imported.to_start_from:
        return f"train -c {recipe} -o model.pretrained.path={output} --output DIR --data PATH"
    if output.suffix == WEIGHTS:
        return f"evaluate -c {recipe} --weights {output} --data PATH"
    return f"evaluate --bundle {output} --data PATH"


def _told(imported: Imported) -> list[str]:
    """How many entries were taken, why the others were not, and what else there is to know."""
    reasons: dict[str, list[str]] = {}
    for name, reason in imported.dropped.items():
        reasons.setdefault(reason, []).append(name)
    dropped = [f"dropped: {', '.join(names)}: {reason}" for reason, names in reasons.items()]
    return [f"{len(imported.loaded)} entries taken, {len(imported.dropped)} dropped", *dropped, *imported.notes]


def _shipped() -> Entry:
    """The model that comes with reseen, as its bundle tells it."""
    from reseen.bundle.bundle import open_bundle
    from reseen.catalogue.entry import Entry

    bundle = open_bundle(bundle_folder(None))
    told = bundle.description
    file = told.files[told.models[0].files[0]]
    data = told.training_data
    return Entry(
        name=DEFAULT,
        what=f"the model that comes with reseen: {told.feature_size} numbers, {told.preprocess.height}×"
        f"{told.preprocess.width} pixels; used where no --bundle is named",
        licence="not stated" if data is None else data.licence,
        trained_on="not stated" if data is None else data.name,
        stated_by="its README.md",
        use="reseen compare A.jpg B.jpg",
        figures={
            name: round(100 * value, 1)
            for figures in told.metrics.values()
            for name, value in figures.items()
            if name in ("recall1", "mAP")
        },
        path=str(bundle.path(told.models[0])),
        bytes=file.bytes,
        sha256=file.sha256,
    )


def _store() -> Store:
    from reseen.catalogue.store import Store

    home = os.environ.get("RESEEN_HOME") or "~/.cache/reseen"
    try:
        folder = Path(home).expanduser()
    except RuntimeError:
        raise UsageError(
            f"no home folder for {home}",
            expected="RESEEN_HOME, or a user with a home folder",
            got=home,
            cure="set RESEEN_HOME to a folder",
        ) from None
    offline = os.environ.get("RESEEN_OFFLINE", "0") not in ("", "0")
    return Store(folder, offline=offline, proxies=urllib.request.getproxies())


def _facts(entry: Entry, kept: Kept | None) -> dict[str, object]:
    pulled = None if kept is None else {"path": str(kept.path), **kept.record.model_dump()}
    return {**entry.to_dict(), "pulled": pulled}


def _in_words(entry: Entry, kept: Kept | None) -> dict[str, str]:
    """What a person wants to know, by what it is about."""
    whole = "reseen" if entry.name == DEFAULT else "the sources"
    here = f"comes with {whole}: {entry.path}" if entry.url is None else "not pulled"
    return {
        "name": entry.name,
        "what": entry.what,
        "figures": entry.figures_in_words,
        "size": entry.size_in_words,
        "licence": entry.licence,
        "trained on": entry.trained_on,
        "stated by": entry.stated_by,
        **({} if entry.url is None else {"address": entry.url}),
        "checked by": entry.checked_by,
        **(
            {}
            if kept is None and entry.sha256 is None
            else {"SHA-256": kept.record.sha256 if kept else str(entry.sha256)}
        ),
        "here": here if kept is None else str(kept.path),
    }


def _command(entry: Entry, kept: Kept | None) -> str:
    """One that uses the model's file."""
    path = entry.path if kept is None else str(kept.path)
    return entry.use if path is None else entry.use.replace("FILE", shlex.quote(path))
