"""`load`: opens a bundle and gives its `Embedder`."""

from __future__ import annotations

from pathlib import Path

from reseen.bundle.bundle import open_bundle
from reseen.bundle.description import Precision
from reseen.bundle.shipped import bundle_folder
from reseen.engines.choose import choose_model, device_named, engine_named, open_engine, precision_named
from reseen.engines.embedder import BATCH_SIZE, Embedder
from reseen.engines.engine import EngineOptions
from reseen.errors import UsageError
from reseen.files import require_file

MOST_THREADS = 256


def load(
    bundle: str | Path | None = None,
    *,
    engine: str = "onnxruntime",
    precision: Precision | None = None,
    batch_size: int = BATCH_SIZE,
    device: str = "auto",
    threads: int | None = None,
    gpu_memory: float | None = None,
    profile: str | Path | None = None,
) -> Embedder:
    """Load a bundle.

    Examples:
        >>> import reseen
        >>> with reseen.load(threads=1) as embedder:
        ...     print(embedder.preprocess.height, embedder.preprocess.width)
        192 96

    Args:
        bundle: its folder; None, or `default`: the one that comes with reseen, for research only.
        engine: what runs it: `onnxruntime`, `openvino` or `mnn`.
        precision: `fp32`, `fp16` or `int8`, of those that the bundle has; None: the most exact of them.
        batch_size: images that go through the model at a time.
        device: `cpu`, `cuda`, `tensorrt`, or `auto`, which takes an accelerator where the engine finds one.
        threads: of the processor that one call may use to compute, and beside them to decode; None: one for each core.
        gpu_memory: GB of an accelerator's memory to take at most.
        profile: a file to write to, when the embedder has been closed, how long each operator took.

    Raises:
        BundleError: there is no such bundle, it was changed, or has no model for this engine and precision.
        UsageError: the engine is unknown, not installed, or cannot do what is asked of it; too many threads; no place
            for the profile.
        EngineError: the engine cannot load the model.
    """
    _require_positive(batch_size=batch_size, threads=threads, gpu_memory=gpu_memory)
    if threads is not None and threads > MOST_THREADS:
        raise UsageError(
            "`threads` is too large",
            expected=f"at most {MOST_THREADS}",
            got=f"{threads}",
            cure="leave it out to use one thread per core",
        )
    place = None if profile is None else require_file(Path(profile))
    if place is not None and not place.parent.is_dir():
        raise UsageError(
            f"{profile} cannot be written",
            expected="a file in an existing folder",
            got="no such folder",
            cure="create the folder first",
        )
    chosen, opened = engine_named(engine), open_bundle(bundle_folder(bundle))
    model = choose_model(opened, chosen, None if precision is None else precision_named(precision))
    running = open_engine(chosen, opened.path(model), EngineOptions(device_named(device), threads, gpu_memory, place))
    return Embedder(opened, model, running, batch_size=batch_size, threads=threads)


def _require_positive(**numbers: float | int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number <= 0:
            raise UsageError(
                f"{name} must be positive",
                expected="a number above 0",
                got=str(number),
                cure="leave it out or raise it",
            )
