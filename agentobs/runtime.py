"""`instrument()` and what it returns."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import distribution, guard, process
from .catalogue.values import Conventions
from .config import Capture, Config, ConfigError, Metrics, resolve
from .version import VERSION

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider
    from prometheus_client import CollectorRegistry

    from .integrations.installer import LibraryReport
    from .pricing import PriceBook

_CLOSE_S = 10.0


@dataclass(frozen=True, slots=True)
class Report:
    """What is observed and where signals go; `str()` of it is for people.

    Attributes:
        service: name of the service, `None` where nobody gave one.
        conventions: names in use.
        libraries: the known libraries with version, status, what was patched and what was not.
        destinations: where spans, events and metrics go.
        prices_date: date of the bundled price table.
        errors: errors of agentobs itself by stage, since the start of the process.
        notes: what else is worth knowing, such as settings that have no effect.
    """

    service: str | None
    conventions: Conventions
    capture: Capture
    libraries: tuple[LibraryReport, ...]
    destinations: dict[str, str]
    prices_date: str
    errors: dict[str, int]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [
            f"agentobs {VERSION}, service {self.service or 'unknown_service'}, "
            f"{self.conventions} names, content capture {self.capture}"
        ]
        for library in self.libraries:
            name = f"{library.name} {library.version}" if library.version else library.name
            lines.append(f"  {name}: {library.status}" + (f" ({library.note})" if library.note else ""))
            lines.extend(f"    not found: {missing}" for missing in library.missing)
        for signal, destination in self.destinations.items():
            lines.append(f"  {signal}: {destination}")
            if destination == "none yet":
                lines[-1] += "; set a provider, or OTEL_EXPORTER_OTLP_ENDPOINT, to see them"
        lines.extend(f"  note: {note}" for note in self.notes)
        lines.append(f"  prices: table of {self.prices_date}")
        lines.extend(f"  own errors in {stage}: {count}" for stage, count in sorted(self.errors.items()))
        return "\n".join(lines)


class Instrumentation:
    """The handle that `instrument()` returns; as a context manager it takes everything back at the end."""

    def __init__(self, state: process.State, given: Mapping[str, Any]) -> None:
        self._state = state
        self.given = dict(given)
        """The providers and the registry that it was given; `None` for those that it was not."""
        self.automatic = False
        """Made by `agentobs run`: it makes room when the program itself calls `instrument()` with other options."""

    @property
    def config(self) -> Config:
        """The options in force."""
        return self._state.config

    @property
    def active(self) -> bool:
        """Whether this is the instrumentation in force."""
        return process.current() is self._state

    def lacks(self, given: Mapping[str, Any]) -> bool:
        """Whether `given` names a provider or a registry that signals do not go to now."""
        emitters = self._state.emitters
        sources = {
            "tracer_provider": emitters.traces,
            "meter_provider": emitters.meters,
            "logger_provider": emitters.logs,
        }
        present = {name: source.provider for name, source in sources.items() if source is not None}
        return any(
            value is not None and value is not self.given[name] and value is not present.get(name)
            for name, value in given.items()
        )

    def report(self) -> Report:
        """Which libraries there are, in what version, what was patched, what was not and why."""
        from .integrations.installer import INSTALLER

        state = self._state
        return Report(
            state.config.service,
            state.config.conventions,
            state.config.capture,
            INSTALLER.report(),
            state.emitters.destinations(),
            state.emitters.prices.as_of,
            dict(state.errors.by_stage),
            state.emitters.notes(),
        )

    def flush(self, timeout_s: float = _CLOSE_S) -> bool:
        """Export what there is; `False` if that took longer than `timeout_s` or a provider reported that it failed."""
        from .integrations import deferred

        deferred.drain()
        return self._state.emitters.flush(timeout_s)

    def uninstrument(self, timeout_s: float = _CLOSE_S) -> None:
        """Take every patch back and export what there is; the second time does nothing.

        Providers of the program are left running; those that agentobs made are shut down.
        """
        global _handle  # noqa: PLW0603  one instrumentation for the process
        from .integrations.installer import INSTALLER

        with _lock:
            if _handle is not self:
                return
            INSTALLER.uninstall()
            _handle = None
            process.replace(None)
        atexit.unregister(self._at_exit)
        self._state.exits.unfollow_signal()
        self._state.emitters.close(timeout_s)

    def _at_exit(self) -> None:
        from .integrations import deferred

        try:
            deferred.drain()
        except Exception as error:  # noqa: BLE001
            guard.failed("exit", error)
        self._state.exits.leave()

    def __enter__(self) -> Instrumentation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.uninstrument()


_lock = threading.RLock()
_handle: Instrumentation | None = None


def price_book(path: str | None) -> PriceBook:
    """The bundled prices, with the user's file over them where there is one.

    Raises:
        PriceFileError: the file cannot be read or is malformed; the message names file, line and field.
    """
    from .pricing import PriceBook

    return PriceBook.bundled() if path is None else PriceBook.load(path)


def instrument(
    *,
    service: str | None = None,
    conventions: Conventions | None = None,
    capture: Capture | None = None,
    metrics: Metrics | None = None,
    libraries: Iterable[str] | None = None,
    prices: str | PathLike[str] | None = None,
    content_limit_bytes: int | None = None,
    exit_timeout_s: float | None = None,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    logger_provider: LoggerProvider | None = None,
    registry: CollectorRegistry | None = None,
) -> Instrumentation:
    """Observe the model clients and breakers of this process from now on.

    May be called before or after the libraries are imported and clients are made. What is not given is taken from the
    environment (`agentobs.config.OPTIONS` lists the variables), else from the defaults.

    Args:
        service: name of the service; else AGENTOBS_SERVICE, OTEL_SERVICE_NAME.
        conventions: names of the GenAI signals: `latest`, `compat` or `both`.
        capture: content on spans and events: `none`, `redacted` or `full`.
        metrics: `auto` (OpenTelemetry where it is set up, else prometheus_client), `otel`, `prometheus`, `both`, `off`.
        libraries: what to observe, of {libraries}; all by default.
        prices: a YAML or TOML file with own prices, aliases and discounts.
        content_limit_bytes: longest captured text, in UTF-8 bytes of one attribute.
        exit_timeout_s: longest time that the end of the process may wait for what is not sent yet; 2 by default, 0 sends
            nothing then.
        tracer_provider, meter_provider, logger_provider: where signals go instead of the global providers.
        registry: the prometheus_client registry instead of the default one.

    Returns:
        A handle with `report()`, `flush()` and `uninstrument()`. Called again with the same options it returns the
        same handle; with other providers or another registry, as in a notebook's cell that is run again, signals go
        there from then on, and the handle is a new one.

    Raises:
        ConfigError: an option or a variable has a value that is not allowed, or options differ from those in force.
    """
    global _handle  # noqa: PLW0603  one instrumentation for the process
    from .integrations.table import libraries as known_libraries
    from .integrations.table import processes

    config = resolve(
        {
            "service": service,
            "conventions": conventions,
            "capture": capture,
            "metrics": metrics,
            "libraries": libraries,
            "prices": prices,
            "content_limit_bytes": content_limit_bytes,
            "exit_timeout_s": exit_timeout_s,
        },
        known_libraries(),
        always=processes(),
    )
    given = {
        "tracer_provider": tracer_provider,
        "meter_provider": meter_provider,
        "logger_provider": logger_provider,
        "registry": registry,
    }
    with _lock:
        before = _handle
        if before is not None:
            differing = before.config.differences(config)
            if differing and not before.automatic:
                raise ConfigError(
                    f"instrument() is in force with other values of {', '.join(differing)}; "
                    "call agentobs.uninstrument() first"
                )
            if not differing:
                if not before.lacks(given):
                    return before
                # A notebook's cell that is run again makes new ones; what it does not name stays as it is.
                given = before.given | {name: value for name, value in given.items() if value is not None}
            before.uninstrument()
        handle = _make(config, given)
        _handle = handle
        atexit.register(handle._at_exit)
        handle._state.exits.follow_signal()
        return handle


def _make(config: Config, given: dict[str, Any]) -> Instrumentation:
    from .emit import Emitters
    from .integrations import deferred
    from .integrations.installer import INSTALLER

    distribution.warn()
    emitters = Emitters(config, VERSION, prices=price_book(config.prices), before_collect=deferred.drain, **given)
    state = process.State(config, emitters)
    process.replace(state)
    emitters.count_faults()
    INSTALLER.install(config.libraries)
    return Instrumentation(state, given)


def uninstrument() -> None:
    """Take back the last `instrument()`; does nothing where there was none."""
    handle = _handle
    if handle is not None:
        handle.uninstrument()


def _with_libraries(doc: str | None) -> str | None:
    """The docstring of `instrument` with the names that the integration table has now."""
    from .integrations.table import TABLE

    names = ", ".join(f"`{row.library}`" for row in TABLE)
    return None if doc is None else doc.replace("{libraries}", names)


instrument.__doc__ = _with_libraries(instrument.__doc__)
