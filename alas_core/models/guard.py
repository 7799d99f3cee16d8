"""Around what transformers does: its errors leave as `ModelError`, its memory is freed."""

from __future__ import annotations

import gc
import logging
import traceback
from collections.abc import Callable

import torch

from alas_core.errors import AlasError, ModelError

_LOG = logging.getLogger(__name__)


class Guard:
    """Context manager that turns what a library raises into one `ModelError`.

    A class and not a generator: a failed pass leaves its tensors in the frames of its traceback,
    and contextlib's own frame would keep that traceback as long as the error lives.

    Parameters
    ----------
    what : str
        What is being done, for the log.
    device : str
        Named when its memory is full.
    explain : callable, optional
        Makes the user's message of the library's error; without it all but full memory is left as
        it is: a defect.
    advice : callable
        What would fit, asked for after the memory of what failed was freed.
    """

    def __init__(
        self,
        what: str,
        device: str,
        explain: Callable[[BaseException], str] | None,
        advice: Callable[[], str] = lambda: "",
    ) -> None:
        self._what, self._device, self._explain = what, device, explain
        self._advice = advice

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        del trace  # this frame is kept by the error raised below, and would keep the states
        # Libraries raise what they like; the protocol promises callers `AlasError` only.
        if not isinstance(error, Exception) or isinstance(error, AlasError):
            return
        full = is_memory(error)
        if self._explain is None and not full:
            return
        # As text: a log record with the traceback would keep the tensors, too.
        _LOG.warning("%s failed:\n%s", self._what, "".join(traceback.format_exception(error)))
        message = self._explain(error) if self._explain else ""
        _drop_tracebacks(error)
        release_memory()
        if full:
            message = (
                f"the memory of {self._device} is full ({first_line(error)}); "
                f"{self._advice() or 'use shorter audio, a smaller model, or dtype bfloat16'}"
            )
        raise ModelError(message) from None


def first_line(error: BaseException) -> str:
    """The error's own words, short enough for one paragraph."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")[:240]


def is_memory(error: BaseException) -> bool:
    """Whether the error says that memory is full; on a CPU torch raises a plain RuntimeError."""
    text = str(error).lower()
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        or "can't allocate memory" in text
        or "out of memory" in text
    )


def release_memory() -> None:
    """Free what only cycles hold on an accelerator, and hand its cached blocks back."""
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        gc.collect()
        torch.mps.empty_cache()


def _drop_tracebacks(error: BaseException | None) -> None:
    while error is not None:
        error.__traceback__ = None
        error = error.__context__
