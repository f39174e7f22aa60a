"""`retry()`: the program makes an attempt again."""

from __future__ import annotations

from ..catalogue import own
from ..catalogue.values import RetryLayer
from ..records.fallbacks import Retry
from .arguments import emit, one_of


def retry(cause: str | BaseException, *, layer: RetryLayer = "app") -> None:
    """Note that an attempt is made again: `except openai.RateLimitError as error: agentobs.retry(error)`.

    For retries that no observed library shows, such as a loop in the program itself; those of the clients are counted
    without a word. It counts for the current run.

    Args:
        cause: what the failed attempt got: its exception, or a word for it, of a small number of words (an HTTP status,
            `timeout`, `connection`, `invalid_output`, ...); it is a metric label.
        layer: who retries: app (the program), framework, or sdk (a client library).

    Raises:
        ValueError: a layer that is not allowed, or an empty cause.
    """
    one_of("layer", layer, own.RETRY_LAYER.values)
    if not isinstance(cause, (str, BaseException)) or cause == "":
        raise ValueError(f"cause={cause!r} is not allowed; allowed is an exception or a text that is not empty")
    emit("retry", lambda emitters: emitters.retries.emit(Retry(_text_of(cause), layer)))


def _text_of(cause: str | BaseException) -> str:
    if isinstance(cause, str):
        return cause
    from ..integrations.errors import cause_of_error

    return cause_of_error(cause)
