"""Every error that reseen raises on purpose.

A `ReseenError` says four things: *what* went wrong, what was *expected*, what was *got*, and the *cure*.
Command-line exit codes follow from the class: `UsageError` and its children are 2 (the arguments cannot be used),
everything else is 1 (the work failed).
"""

from __future__ import annotations


class ReseenError(Exception):
    """Base of all errors raised by reseen.

    Examples:
        >>> import reseen
        >>> try:
        ...     reseen.load("no/such/bundle")
        ... except reseen.ReseenError as error:
        ...     print(type(error).__name__, error.exit_code)
        BundleError 2

    Args:
        what: one sentence saying what went wrong, naming the file, key or value at fault.
        expected: what would have been right.
        got: what was found instead.
        cure: what the user can do about it.
    """

    exit_code = 1

    def __init__(
        self, what: str, *, expected: str | None = None, got: str | None = None, cure: str | None = None
    ) -> None:
        self.what = what
        self.expected = expected
        self.got = got
        self.cure = cure
        super().__init__(str(self))

    def __str__(self) -> str:
        details = (("expected", self.expected), ("got", self.got), ("cure", self.cure))
        return "\n".join([self.what, *(f"  {name}: {text}" for name, text in details if text is not None)])


class UsageError(ReseenError):
    """Arguments, paths or settings that cannot be used."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe or an override that is not valid."""


class DatasetError(UsageError):
    """A dataset that cannot be read, or that cannot serve what was asked of it."""


class FeaturesError(UsageError):
    """Stored features that cannot be evaluated."""


class WeightsError(UsageError):
    """Weights that are missing, unreadable or made for another model."""


class BundleError(UsageError):
    """A bundle that is missing, damaged, or was not made for what is asked of it."""


class CheckpointError(UsageError):
    """A training state that cannot be resumed."""


class RunError(UsageError):
    """A folder that does not hold the run, or what is asked of the run."""


class ImageError(ReseenError):
    """An image that cannot be read, or that is over the limits."""

    @property
    def short(self) -> str:
        """What is wrong, in one line."""
        return f"{self.what}: {self.got}"


class StorageError(ReseenError):
    """Something could not be written: disk full, read-only, no permission."""


class DownloadError(ReseenError):
    """A file that could not be fetched, or that is not the one it should be."""


class TrainingError(ReseenError):
    """Training cannot go on (for example: the loss is not finite)."""


class ExportError(ReseenError):
    """A model cannot be exported, or what came out does not agree with it."""


class EngineError(ReseenError):
    """An engine cannot load a model, or failed while it ran one."""


class Interrupted(ReseenError):
    """The user asked to stop; what was done so far is saved."""
