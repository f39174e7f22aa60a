"""One request and its answer, right or wrong, and the note of it in the ledger."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Protocol

from .answer import Answer, Json, Question
from .faults import Fault, Faults
from .ledger import Attempt, Call, Ending, Ledger
from .tariff import UNREPORTED, Tokens
from .wire import Wire

_STATUS = {
    Fault.RATE_LIMIT: (429, "Rate limit reached. Please try again later."),
    Fault.SERVER_ERROR: (500, "The server had an error while processing your request."),
    Fault.OVERLOADED: (529, "Overloaded"),
}
_STREAM_ENDING = {Fault.CUT: Ending.CUT, Fault.STREAM_ERROR: Ending.ERROR, Fault.STALL: Ending.ABANDONED}


class Connection(Protocol):
    """The client's connection. Writing raises `OSError` where the client has left."""

    def begin(self, status: int, headers: dict[str, str]) -> None:
        """Send the status line and the headers."""

    def write(self, data: bytes) -> None:
        """Send a part of the body."""

    def client_left(self, patience_s: float) -> bool:
        """Wait for the client to close the connection; false where it did not in time."""

    def hang_up(self) -> None:
        """Close the connection at once."""


def send_json(connection: Connection, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
    """Send a whole answer."""
    data = json.dumps(body).encode()
    known = {"content-type": "application/json", "content-length": str(len(data))}
    connection.begin(status, {**known, **(headers or {})})
    connection.write(data)


@dataclass(slots=True)
class Exchange:
    """Every ending is recorded before the last byte of it is sent, so that no client is ahead of the ledger."""

    connection: Connection
    wire: Wire
    question: Question
    answer: Answer
    ledger: Ledger
    faults: Faults
    call: Call

    def serve(self, number: int, fault: Fault | None) -> None:
        """Answer attempt `number` of the call (0 is the first), with the fault that the plan gives it."""
        if fault is Fault.DROP:
            self._record(number, None, Ending.DROPPED)
            self.connection.hang_up()
            return
        if fault in _STATUS:
            self._fail(number, *_STATUS[fault])
            return
        if fault is Fault.SLOW:
            time.sleep(self.faults.slow_s)
        if self.question.streamed:
            self._stream(number, fault)
            return
        body, tokens = self.wire.reply(self.question, self.answer, usage=fault is not Fault.NULL_USAGE)
        self._record(number, 200, Ending.COMPLETE, tokens)
        send_json(self.connection, 200, body)

    def _fail(self, number: int, status: int, message: str) -> None:
        if status == 529 and self.wire.provider == "openai":
            status = 503
        self._record(number, status, Ending.ERROR)
        wait_ms = self.faults.retry_after_ms
        headers = {"retry-after-ms": str(wait_ms), "retry-after": str(max(1, wait_ms // 1000))}
        send_json(self.connection, status, self.wire.error(status, message), headers)

    def _stream(self, number: int, fault: Fault | None) -> None:
        frames = self.wire.stream(self.question, self.answer, usage=fault is not Fault.NULL_USAGE)
        ending = _STREAM_ENDING.get(fault, Ending.COMPLETE) if fault else Ending.COMPLETE
        if ending is not Ending.COMPLETE:
            frames = frames[: len(frames) // 2]
        known = frames[-1].known
        chunks = [_chunk(frame.data) for frame in frames]
        if fault is Fault.STREAM_ERROR:
            chunks.append(_chunk(self.wire.stream_error(self.question, self.answer)))
        if ending in (Ending.COMPLETE, Ending.ERROR):
            # The end goes out with the last event: a client that has read that one may leave.
            chunks[-1] += b"0\r\n\r\n"
        self.connection.begin(200, {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"})
        told = UNREPORTED
        if ending is Ending.ABANDONED:
            self._record(number, 200, ending, known)
        try:
            for frame, chunk in zip(frames, chunks[:-1], strict=False):
                self.connection.write(chunk)
                told = frame.known
            if ending is not Ending.ABANDONED:
                self._record(number, 200, ending, known)
            self.connection.write(chunks[-1])
            if ending is Ending.ABANDONED and not self.connection.client_left(self.faults.stall_s):
                self._record(number, 200, Ending.CUT, known)
        except OSError:
            self._record(number, 200, Ending.ABANDONED, told)
        if ending not in (Ending.COMPLETE, Ending.ERROR):
            self.connection.hang_up()

    def _record(self, number: int, status: int | None, ending: Ending, tokens: Tokens = UNREPORTED) -> None:
        self.ledger.record(self.call, Attempt(number, status, ending, tokens))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
