"""The one place where files that are pickles are read: as data, against a list of what they may name.

Files of `torch.save` are taken apart here and not by torch. Everything else is taken for a plain pickle of arrays, as
PaddlePaddle saves them. Nothing that a file names is imported or called.
"""

from __future__ import annotations

from pathlib import Path

from reseen.errors import WeightsError
from reseen.models.foreign.pickle_machine import PickleMachine, Rest
from reseen.models.foreign.torch_file import ARCHIVE, LEGACY, read_archive, read_legacy
from reseen.models.weights_file import MAX_BYTES

CURE = (
    "where you trust the file, open it with the software that wrote it and save its state dict alone: "
    "safetensors.torch.save_file(state_dict, 'weights.safetensors')"
)


def read_pickle(path: Path) -> object:
    """What a file of `torch.save` or `paddle.save` holds: dicts, lists, tuples, numbers, texts, tensors and `Array`s.

    Nothing that the file names is imported or called, whatever it is.

    Raises:
        WeightsError: it names something that weights do not need, is damaged, or is over `MAX_BYTES`.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(f"{size:,} bytes")
        with path.open("rb") as file:
            start = file.read(len(LEGACY))
            if start == LEGACY:
                return read_legacy(file, size)
            file.seek(0)
            if start.startswith(ARCHIVE):
                return read_archive(file, size)
            return PickleMachine().run(Rest(file, size))
    except Exception as error:  # a file made to do harm can raise anything while it is taken apart
        raise WeightsError(
            f"{path} cannot be read as data",
            expected=f"arrays and numbers, saved by torch or PaddlePaddle, in at most {MAX_BYTES:,} bytes",
            got=str(error).partition("\n")[0][:500] or type(error).__name__,
            cure=CURE,
        ) from None
