"""Prometheus, Alertmanager and the collector, each a context manager.

They start on free loopback ports with data of their own and are stopped at the end of the block. A part that is not
installed skips the test (see parts.require). A server that does not come up raises ServerError, with the tail of its
log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from .parts import require
from .process import Process, answers, fetch, free_port, running, temporary_folder
from .tools import COLLECTORS


class QueryError(RuntimeError):
    """Prometheus or Alertmanager refused a request; the message is its own."""


def _get(port: int, path: str, **params: Any) -> Any:
    query = urlencode({name: value for name, value in params.items() if value is not None}, doseq=True)
    status, body = fetch(port, f"{path}?{query}" if query else path)
    if status != 200:
        raise QueryError(f"{path}: {status} {body.decode(errors='replace')}")
    return json.loads(body)


class Prometheus:
    """A running Prometheus and its HTTP API."""

    def __init__(self, process: Process, port: int, rules: Sequence[Path]) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.config_path = process.folder / "prometheus.yml"
        self._rules = rules

    def query(self, expr: str, at: float | None = None) -> Any:
        """The `result` of an instant query (for a vector a list of {metric, value}), at a Unix time or now."""
        return self.api("query", query=expr, time=at)["result"]

    def query_range(self, expr: str, start: float, end: float, step_s: float) -> Any:
        """The `result` of a range query: a list of {metric, values}."""
        return self.api("query_range", query=expr, start=start, end=end, step=step_s)["result"]

    def targets(self) -> list[dict[str, Any]]:
        """Active scrape targets, with `health`, `lastError` and `labels`."""
        active: list[dict[str, Any]] = self.api("targets", state="active")["activeTargets"]
        return active

    def alerts(self) -> list[dict[str, Any]]:
        """Pending and firing alerts, with `state`, `labels` and `annotations`."""
        alerts: list[dict[str, Any]] = self.api("alerts")["alerts"]
        return alerts

    def api(self, path: str, **params: Any) -> Any:
        """The `data` of any GET below /api/v1, for example `api("query_exemplars", query=..., start=..., end=...)`.

        Raises:
            QueryError: Prometheus refused, for example because the expression does not parse.
        """
        return _get(self.port, f"/api/v1/{path}", **params)["data"]

    def configure(self, config: str) -> None:
        """Write the config file; the rule files given at the start are added to it."""
        if self._rules:
            if re.search(r"^rule_files:", config, re.MULTILINE):
                raise ValueError("the config names rule_files itself: leave out `rules`, or the lines in the config")
            config += "\nrule_files:\n" + "".join(f"  - {json.dumps(str(path.resolve()))}\n" for path in self._rules)
        self.config_path.write_text(config)

    def reload(self, config: str | None = None) -> None:
        """Read rules and config again, the latter replaced if given.

        Raises:
            QueryError: Prometheus did not accept them and goes on with the old ones.
        """
        if config is not None:
            self.configure(config)
        status, body = fetch(self.port, "/-/reload", method="POST")
        if status != 200:
            raise QueryError(f"reload: {status} {body.decode(errors='replace')}")


@contextmanager
def prometheus(
    version: int, config: str = "", rules: Sequence[Path] = (), flags: Sequence[str] = ()
) -> Iterator[Prometheus]:
    """Run Prometheus 2 or 3. The latter takes OTLP at `{url}/api/v1/otlp/v1/metrics`."""
    program = require(f"prometheus{version}")
    with temporary_folder(f"prometheus{version}") as folder:
        port = free_port()
        argv: list[str | Path] = [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-lifecycle",
            *(["--web.enable-otlp-receiver"] if version >= 3 else []),
            *flags,
        ]
        process = Process(argv, folder, lambda _: answers(port, "/-/ready"))
        server = Prometheus(process, port, rules)
        server.configure(config)
        with running(process):
            yield server


class Alertmanager:
    """A running Alertmanager and its HTTP API."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self.url = f"http://{self.address}"

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts it holds, with `status`, `labels`, `annotations` and `receivers`."""
        alerts: list[dict[str, Any]] = _get(self.port, "/api/v2/alerts")
        return alerts

    def post(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Hand it alerts ({labels, annotations?, startsAt?, endsAt?}) as Prometheus would."""
        headers = {"content-type": "application/json"}
        status, body = fetch(self.port, "/api/v2/alerts", "POST", json.dumps(list(alerts)), headers=headers)
        if status != 200:
            raise QueryError(f"post alerts: {status} {body.decode(errors='replace')}")


@contextmanager
def alertmanager(config: str, flags: Sequence[str] = ()) -> Iterator[Alertmanager]:
    """Run an Alertmanager that belongs to no cluster."""
    program = require("alertmanager")
    with temporary_folder("alertmanager") as folder:
        port = free_port()
        (folder / "alertmanager.yml").write_text(config)
        argv: list[str | Path] = [
            program,
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            *flags,
        ]
        process = Process(argv, folder, lambda _: answers(port, "/-/ready"))
        with running(process):
            yield Alertmanager(process, port)


@contextmanager
def pushgateway() -> Iterator[str]:
    """Run a Pushgateway; gives its address, `127.0.0.1:PORT`."""
    program = require("pushgateway")
    with temporary_folder("pushgateway") as folder:
        port = free_port()
        argv = [program, f"--web.listen-address=127.0.0.1:{port}"]
        with running(Process(argv, folder, lambda _: answers(port, "/-/ready"))):
            yield f"127.0.0.1:{port}"


COLLECTOR_PORTS = (1777, 4317, 4318, 8888, 8889, 9464, 13133, 55679)
"""Ports that collector configs listen on by habit; `collector` gives each a free one."""

_PORT = "|".join(map(str, COLLECTOR_PORTS))
_LISTENS = re.compile(rf"(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::\]):({_PORT})\b")
_BARE_PORT = re.compile(rf"(?<=[\s-])({_PORT})(?=\s|}}|$)")


class Collector:
    """A running collector.

    Attributes:
        ports: the port it really uses, by the port that the config asks for.
        folder: its working folder; relative paths in the config are below it.
    """

    def __init__(self, process: Process, ports: Mapping[int, int]) -> None:
        self.process = process
        self.ports = ports
        self.folder = process.folder
        self.stop = process.stop
        self.kill = process.kill
        self.restart = process.restart
        self.start = process.start

    @property
    def otlp_http(self) -> str:
        """Base address of the OTLP/HTTP receiver, as OTEL_EXPORTER_OTLP_ENDPOINT wants it."""
        return f"http://127.0.0.1:{self.ports[4318]}"

    @property
    def otlp_grpc(self) -> str:
        """Address of the OTLP/gRPC receiver."""
        return f"http://127.0.0.1:{self.ports[4317]}"

    def metrics(self, port: int = 8889) -> str:
        """What the prometheus exporter on that port of the config shows; 8888 is the collector's own telemetry."""
        status, body = fetch(self.ports[port], "/metrics")
        if status != 200:
            raise QueryError(f"/metrics on {port}: {status} {body.decode(errors='replace')}")
        return body.decode()


def on_loopback(config: str, ports: Mapping[int, int]) -> str:
    """The config text with its habitual ports replaced, on 127.0.0.1 only.

    Replaced are listeners on all addresses or on this machine, and ports that stand alone (`port: 8888`,
    `${env:PORT:-4318}`). An address of another machine (`gateway:4317`) stays as it is: set it by the environment.
    """
    config = _LISTENS.sub(lambda found: f"127.0.0.1:{ports[int(found[1])]}", config)
    return _BARE_PORT.sub(lambda found: str(ports[int(found[1])]), config)


@contextmanager
def collector(
    config: str | Sequence[Path],
    env: Mapping[str, str] | None = None,
    distribution: str = "contrib",
    args: Sequence[str] = (),
) -> Iterator[Collector]:
    """Run a collector.

    Args:
        config: the text of a config, or the files of one, merged in this order; see `on_loopback` for what is changed.
        env: added to its environment; `{4318}` in a value becomes the real port.
        distribution: "contrib" or "core".
        args: further arguments.
    """
    program = require(*COLLECTORS[distribution])
    texts = [config] if isinstance(config, str) else [path.read_text() for path in config]
    with temporary_folder("collector") as folder:
        ports = {port: free_port() for port in COLLECTOR_PORTS}
        if not any(re.search(r"^\s+telemetry:", text, re.MULTILINE) for text in texts):
            # Without a word about it the collector shows its own metrics on port 8888, wherever it runs.
            texts.append(OWN_TELEMETRY)
        argv: list[str | Path] = [program]
        for number, text in enumerate(texts):
            path = folder / f"config{number}.yaml"
            path.write_text(on_loopback(text, ports))
            argv.append(f"--config={path}")
        process = Process(
            [*argv, *args],
            folder,
            lambda server: "Everything is ready" in server.log() or answers(ports[13133], "/"),
            env={name: _filled(value, ports) for name, value in (env or {}).items()},
        )
        with running(process):
            yield Collector(process, ports)


def _filled(value: str, ports: Mapping[int, int]) -> str:
    return re.sub(r"\{(\d+)\}", lambda found: str(ports[int(found[1])]), value)


OWN_TELEMETRY = """
service:
  telemetry:
    metrics:
      readers:
        - pull: {exporter: {prometheus: {host: 127.0.0.1, port: 8888}}}
"""
