"""`/metrics`: what a scrape gets, as an ASGI application, as a WSGI application, and as a page on a port of its own.

In a server of several processes (`PROMETHEUS_MULTIPROC_DIR`) every process answers for all of them, from the files that
they share; what processes left that are gone, such as the states of their breakers, is cleared first. Else the page shows
this process, with exemplars where the scraper takes OpenMetrics.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import prometheus_client
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector, CollectorRegistry

from .. import guard
from ..catalogue import METRICS, own
from . import prometheus

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_LIVE = re.compile(r"gauge_live[a-z]+_(\d+)\.db")
_OURS = frozenset(metric.prom.removesuffix("_total") for metric in METRICS)
_PLAIN = "text/plain; charset=utf-8"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Answer(NamedTuple):
    """Status, headers and body of one answer."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class _Target(Collector):
    """`target_info`, which the files of several processes do not hold."""

    def collect(self) -> Iterable[Family]:
        return prometheus.target_info(prometheus.resource_in_force())


class _Shared(Collector):
    """The files of several processes, put together."""

    def __init__(self, path: str) -> None:
        self._path = path

    def collect(self) -> Iterable[Family]:
        files = MultiProcessCollector(None, path=self._path)  # type: ignore[no-untyped-call]
        silent = _OURS if prometheus.is_silent() else frozenset()
        for family in files.collect():  # type: ignore[no-untyped-call]
            if family.name in silent:
                continue
            if family.name == own.BREAKER_STATES.prom:
                family.samples = list(_by_now(family.samples, _over(self._path)))
            yield family


def _over(path: str) -> set[str]:
    """Names of breakers that wait for their trial in every process whose file says that they are open."""
    over: set[str] = set()
    still: set[str] = set()
    now_s = time.time()
    for file in Path(path).glob(f"gauge_{prometheus.MAXIMUM}_*.db"):
        for key, value, until_s, _ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
            metric, _, labels, _ = json.loads(key)
            if metric == own.BREAKER_STATES.prom and value > 0 and labels[own.BREAKER_STATE.label] == "open":
                waits = 0 < until_s <= now_s
                (over if waits else still).add(labels[own.BREAKER_NAME.label])
    return over - still


def _by_now(samples: Iterable[Any], over: set[str]) -> Iterator[Any]:
    """The states, with breakers that idle processes left open, and whose time is over, as waiting for their trial."""
    for sample in samples:
        name, state = sample.labels[own.BREAKER_NAME.label], sample.labels[own.BREAKER_STATE.label]
        if name in over and state != "closed":
            yield sample._replace(value=1.0 if state == "half_open" else 0.0)
        else:
            yield sample


def folder() -> str | None:
    """Where the processes of a server share their metrics; `None` where each has its own."""
    return os.environ.get(FOLDER) or None


def clear_dead(path: str) -> None:
    """Remove the levels of processes that are gone; their counts stay."""
    for file in Path(path).glob("gauge_live*.db"):
        named = _LIVE.fullmatch(file.name)
        if named is not None and not _is_alive(int(named[1])):
            mark_process_dead(int(named[1]), path)  # type: ignore[no-untyped-call]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _registry(given: CollectorRegistry | None) -> Any:
    """What is to be shown now."""
    path = folder()
    if path is None:
        return given if given is not None else prometheus.registry_in_force()
    # Levels of this process that change by themselves, such as a breaker that waits for its trial, are written first.
    prometheus.refresh()
    clear_dead(path)
    shared = CollectorRegistry()
    shared.register(_Shared(path))
    shared.register(_Target())
    return shared


def answer(
    method: str, query: str, accept: str, accept_encoding: str, registry: CollectorRegistry | None = None
) -> Answer:
    """What a request gets. `query` may name metrics (`name[]=agentobs_calls_total`), as prometheus_client takes it."""
    if method not in ("GET", "HEAD"):
        return Answer("405 Method Not Allowed", [("Allow", "GET, HEAD"), ("Content-Type", _PLAIN)], b"GET, HEAD\n")
    try:
        source = _registry(registry)
        names = parse_qs(query).get("name[]")
        encode, kind = choose_encoder(accept)
        body: bytes = encode(source.restricted_registry(names) if names else source)
    except Exception as error:  # noqa: BLE001
        guard.failed("metrics.page", error)
        return Answer("500 Internal Server Error", [("Content-Type", _PLAIN)], b"collecting the metrics failed\n")
    headers = [("Content-Type", kind), ("Vary", "Accept, Accept-Encoding")]
    if gzip_accepted(accept_encoding):
        headers.append(("Content-Encoding", "gzip"))
        body = gzip.compress(body)
    headers.append(("Content-Length", str(len(body))))
    return Answer("200 OK", headers, b"" if method == "HEAD" else body)


class MetricsApp:
    """An ASGI application that answers every path with the metrics.

    Mount it (`app.mount("/metrics", agentobs.metrics_app())`), give it to a route that takes an ASGI application, or serve
    it by itself.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._registry = registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in the lifespan of a server that serves nothing else."""
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
            return
        if scope["type"] != "http":
            raise ValueError(f"the metrics page answers http, and not {scope['type']}")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        # In a thread, because a collection may read files and ask the storages of breakers.
        status, answered, body = await asyncio.to_thread(
            answer,
            scope["method"],
            scope.get("query_string", b"").decode("latin-1"),
            headers.get("accept", ""),
            headers.get("accept-encoding", ""),
            self._registry,
        )
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answered]
        await send({"type": "http.response.start", "status": int(status[:3]), "headers": encoded})
        await send({"type": "http.response.body", "body": body})


class MetricsWSGI:
    """The same as a WSGI application."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._registry = registry

    def __call__(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        """Answer one request."""
        status, headers, body = answer(
            environ.get("REQUEST_METHOD", "GET"),
            environ.get("QUERY_STRING", ""),
            environ.get("HTTP_ACCEPT", ""),
            environ.get("HTTP_ACCEPT_ENCODING", ""),
            self._registry,
        )
        start_response(status, headers)
        return iter([body])


class Page:
    """The metrics on a port of their own, for OTEL_METRICS_EXPORTER=prometheus.

    Attributes:
        url: where it is, or would be.
        fault: why it is not served from this process, `None` while it is.
    """

    def __init__(self, host: str, port: int, registry: CollectorRegistry | None) -> None:
        self.host, self.port = host, port
        self.fault: str | None = None
        self._registry = registry
        self._server: Any = None
        self._serve()

    @property
    def url(self) -> str:
        """`http://HOST:PORT/metrics`."""
        return f"http://{self.host}:{self.port}/metrics"

    def _serve(self) -> None:
        from wsgiref.simple_server import make_server

        try:
            self._server = make_server(
                self.host,
                self.port,
                MetricsWSGI(self._registry),
                prometheus_client.exposition.ThreadingWSGIServer,
                handler_class=_handler(),
            )
        except OSError as error:
            self._server, self.fault = None, str(error)
            # Where the processes share their metrics, the one that has the port shows those of all.
            if folder() is None:
                guard.log.warning(
                    "agentobs: the metrics cannot be served on %s: %s; the program is not affected. Where several "
                    "processes serve, set PROMETHEUS_MULTIPROC_DIR, else a free OTEL_EXPORTER_PROMETHEUS_PORT",
                    self.url,
                    error,
                )
            return
        self.fault, self.port = None, self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="agentobs-metrics", daemon=True).start()

    def start_again(self) -> None:
        """In a forked child, let go of the parent's port, and take it over if the parent does not serve."""
        if self._server is not None:
            self._server.socket.close()
        self._serve()

    def close(self) -> None:
        """Stop serving."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


def _handler() -> Any:
    from wsgiref.simple_server import WSGIRequestHandler

    class Handler(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            """A scrape is not worth a line in the program's output."""

    return Handler


def metrics_app(registry: CollectorRegistry | None = None) -> MetricsApp:
    """`/metrics` as an ASGI application: right in one process, and in several that share PROMETHEUS_MULTIPROC_DIR.

    Args:
        registry: what to show, instead of the registry that the metrics of agentobs are in; not used where several
            processes share their metrics, as the files have those of all registries.
    """
    return MetricsApp(registry)


def metrics_wsgi(registry: CollectorRegistry | None = None) -> MetricsWSGI:
    """`metrics_app` as a WSGI application."""
    return MetricsWSGI(registry)
