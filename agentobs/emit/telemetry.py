"""What agentobs tells of itself."""

from __future__ import annotations

from ..catalogue import own
from ..config import Config
from .sinks import Instruments


class TelemetryEmitter:
    """Counts processes, errors and losses."""

    def __init__(self, instruments: Instruments, config: Config, version: str, prices_date: str) -> None:
        self._instruments = instruments
        self._info = {
            own.VERSION: version,
            own.CONVENTIONS: config.conventions,
            own.PRICES_DATE: prices_date,
        }
        self.start_again()

    def start_again(self) -> None:
        """This process runs agentobs, also where it is a forked child of one that does."""
        self._instruments.add(own.INFO, self._info)

    def error(self, stage: str) -> None:
        """Count an error of agentobs itself."""
        self._instruments.add(own.INTERNAL_ERRORS, {own.STAGE: stage})

    def dropped(self, reason: str, amount: int = 1) -> None:
        """Count telemetry, or stored feedback, that was lost."""
        self._instruments.add(own.DROPPED, {own.DROP_REASON: reason}, amount)

    def close(self) -> None:
        """This process runs agentobs no longer."""
        self._instruments.add(own.INFO, self._info, -1)
