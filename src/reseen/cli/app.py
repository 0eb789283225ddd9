"""The `reseen` command: its verbs, and how errors become messages and exit codes."""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import Annotated

import typer

import reseen
from reseen.cli import (
    bench,
    calibrate,
    compare,
    data,
    demo,
    doctor,
    embed,
    evaluate,
    export,
    models,
    report,
    search,
    train,
)
from reseen.cli.console import fail
from reseen.cli.unwritable import unwritable
from reseen.errors import ReseenError, UsageError

EXTRAS = {"MNN": "mnn", "nncf": "quantise", "onnx": "export", "onnxscript": "export", "openvino": "openvino"}
"""Which extra brings a library, where it is not `train`."""
INTERRUPTED = 130
"""What typer exits with, saying nothing, when Ctrl-C stops a verb that does not handle it."""

app = typer.Typer(
    name="reseen",
    help="Person re-identification: find the same person in other cameras' images.",
    epilog="First steps: reseen compare A.jpg B.jpg, or reseen demo. Every command has --help with an example.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.command()(demo.demo)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(report.report)
app.command()(export.export)
app.command()(embed.embed)
app.command()(compare.compare)
app.command()(search.search)
app.command()(bench.bench)
app.command()(calibrate.calibrate)
app.command()(doctor.doctor)


def _show_version(wanted: bool) -> bool:
    if wanted:
        print(f"reseen {reseen.__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; exit code 0 done, 1 failed, 2 unusable arguments."""
    # Before torch loads: threads that spin long while they wait for each other waste the cores when others use them.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may hold what the terminal cannot show
    try:
        _run()
    except ReseenError as error:
        rank = os.environ.get("RANK", "0")  # of several processes, the first one says all of it, the others what it is
        fail(str(error) if rank == "0" else f"process {rank}: {error.what}")
        sys.exit(error.exit_code)
    except ImportError as error:  # also of what typer itself needs, so that the doctor cannot say it
        library = (error.name or "").partition(".")[0]
        if library == "reseen":
            raise
        fail(str(_does_not_load(library, error)))
        sys.exit(UsageError.exit_code)
    except OSError as error:
        told = unwritable(error)
        if told is None:
            raise
        fail(told)
        sys.exit(1)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            fail("interrupted")
            sys.exit(1)
        if not end.code and os.environ.get("WORLD_SIZE", "1") != "1":
            _leave_at_once()
        raise


def _run() -> None:
    try:
        app()
    finally:
        sys.stdout.flush()


def _leave_at_once() -> None:
    """End one of several processes that are done, without taking the interpreter apart.

    Threads of torch.distributed outlive it otherwise, and one that asks for the interpreter then aborts the process
    ("terminate called without an active exception", about once in a hundred runs).
    """
    gc.collect()  # closes what nobody holds any more
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _does_not_load(library: str, error: ImportError) -> UsageError:
    install = f"pip install '.[{EXTRAS.get(library, 'train')}]' in a clone of reseen"
    return UsageError(
        f"{library or 'a library'} cannot be loaded",
        expected="a working installation of it",
        got=str(error),
        cure=f"{install}; if it is broken: pip install --force-reinstall {library}".strip(),
    )
