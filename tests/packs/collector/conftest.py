"""The collector configs as they are generated, started on loopback with backends of the tests behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentobs.packs.collector import CollectorOptions, files
from tests.support.packs.backend import Backend
from tests.support.stack import Collector, collector

FAST = {
    "AGENTOBS_DECISION_WAIT": "2s",
    "AGENTOBS_DECISION_WAIT_AFTER_ROOT": "1s",
    "AGENTOBS_SAMPLE_PERCENT": "0",
    "AGENTOBS_SPAN_METRICS_INTERVAL": "1s",
}
"""The sampler decides soon, and keeps nothing but what a policy names."""


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """The generated files by option `content` and name."""
    result: dict[str, dict[str, Path]] = {}
    for content in ("redact", "drop"):
        folder = tmp_path_factory.mktemp(content)
        result[content] = {}
        for name, text in files(CollectorOptions(content=content)).items():
            result[content][name] = folder / name
            result[content][name].write_text(text)
    return result


class Configs:
    """Starts the generated configs."""

    def __init__(self, written: dict[str, dict[str, Path]], folder: Path) -> None:
        self.written = written
        self.folder = folder

    @contextmanager
    def gateway(self, backend: Backend, content: str = "redact", **env: str) -> Iterator[Collector]:
        """A gateway that sends everything to the backend."""
        settings = {
            **FAST,
            "AGENTOBS_QUEUE_DIR": str(self.folder / "gateway"),
            "AGENTOBS_TRACES_ENDPOINT": backend.url,
            "AGENTOBS_LOGS_ENDPOINT": backend.url,
            "AGENTOBS_METRICS_ENDPOINT": backend.url,
            **env,
        }
        with collector([self.written[content]["gateway.yaml"]], env=settings) as server:
            yield server

    @contextmanager
    def agent(
        self, gateway: str, content: str = "redact", *, persistent: bool = False, **env: str
    ) -> Iterator[Collector]:
        """An agent that sends everything to the OTLP/HTTP address; the core distribution unless it is persistent."""
        names = ["agent.yaml", "agent-queue.yaml"] if persistent else ["agent.yaml"]
        settings = {"AGENTOBS_GATEWAY_ENDPOINT": gateway, "AGENTOBS_QUEUE_DIR": str(self.folder / "agent"), **env}
        paths = [self.written[content][name] for name in names]
        with collector(paths, env=settings, distribution="contrib" if persistent else "core") as server:
            yield server


@pytest.fixture
def configs(written: dict[str, dict[str, Path]], tmp_path: Path) -> Configs:
    return Configs(written, tmp_path)
