"""Each real server starts, answers a real request, and is gone afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from . import (
    Process,
    QueryError,
    ServerError,
    StatementError,
    alertmanager,
    amtool,
    chromium,
    collector,
    fetch,
    find,
    loopback,
    on_loopback,
    otelcol,
    parts,
    poll,
    postgresql,
    prometheus,
    promtool,
    redis,
    redis_command,
)

SCRAPE = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs:
  - job_name: demo
    static_configs: [{{targets: ["{address}"]}}]
"""
RULES = """
groups:
  - name: demo
    rules:
      - alert: DemoHigh
        expr: demo_value > 40
        labels: {severity: warning}
"""
PIPELINE = """
receivers:
  otlp:
    protocols:
      grpc: {endpoint: 0.0.0.0:4317}
      http: {endpoint: 0.0.0.0:4318}
exporters:
  prometheus: {endpoint: "0.0.0.0:8889"}
  file: {path: "${env:SPANS_FILE}", flush_interval: 100ms}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [file]}
    metrics: {receivers: [otlp], exporters: [prometheus]}
"""


@contextmanager
def meter_provider(endpoint: str) -> Iterator[MeterProvider]:
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=endpoint), export_interval_millis=3_600_000)
    provider = MeterProvider([reader], resource=Resource({"service.name": "demo"}), shutdown_on_exit=False)
    try:
        yield provider
    finally:
        provider.shutdown()


def send_calls(endpoint: str, count: int) -> None:
    with meter_provider(endpoint) as provider:
        provider.get_meter("tests").create_counter("demo.calls", unit="{call}").add(count)


def send_span(endpoint: str, name: str) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    provider.get_tracer("tests").start_span(name).end()
    provider.shutdown()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yml"
    path.write_text(RULES)
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_prometheus_scrapes_queries_and_evaluates_rules(version: int, rules: Path) -> None:
    with (
        loopback("demo_value 42\n") as target,
        prometheus(version, SCRAPE.format(address=target.address), [rules]) as server,
    ):
        [sample] = poll(lambda: server.query("demo_value"), "the scraped sample")
        assert sample["metric"]["job"] == "demo"
        at, value = sample["value"]
        assert value == "42"
        assert server.query("demo_value", at=at - 3600) == []
        assert server.query_range("demo_value", at, at + 1, step_s=1)[0]["values"][0] == [at, "42"]
        assert [t["health"] for t in server.targets()] == ["up"]
        [alert] = poll(server.alerts, "the firing alert")
        assert (alert["state"], alert["labels"]["alertname"]) == ("firing", "DemoHigh")
        server.reload(SCRAPE.format(address="127.0.0.1:1"))
        poll(lambda: [t["health"] for t in server.targets()] == ["down"], "the target of the new config")
        with pytest.raises(QueryError, match="parse error"):
            server.query("demo_value{")
    assert not server.process.running


def test_prometheus_3_takes_otlp() -> None:
    with prometheus(3) as server:
        send_calls(f"{server.url}/api/v1/otlp/v1/metrics", 3)
        [sample] = poll(lambda: server.query("demo_calls_total"), "the pushed sample")
        assert sample["metric"]["job"] == "demo"
        assert sample["value"][1] == "3"


def test_prometheus_2_has_no_otlp_receiver() -> None:
    with prometheus(2) as server, pytest.raises(QueryError, match="404"):
        server.api("otlp/v1/metrics")


@pytest.mark.parametrize("version", [2, 3])
def test_promtool_judges_rules(version: int, rules: Path, tmp_path: Path) -> None:
    assert promtool(version, "check", "rules", rules).returncode == 0
    broken = tmp_path / "broken.yml"
    broken.write_text(RULES.replace("> 40", "> >"))
    assert promtool(version, "check", "rules", broken).returncode != 0


@pytest.mark.parametrize("distribution", ["contrib", "core"])
def test_collector_takes_otlp_and_hands_it_on(distribution: str, tmp_path: Path) -> None:
    spans = tmp_path / "spans.jsonl"
    env = {"SPANS_FILE": str(spans)}
    with collector(PIPELINE, env, distribution) as server:
        send_calls(f"{server.otlp_http}/v1/metrics", 3)
        poll(lambda: "demo_calls_total{" in server.metrics(), "the metric on the prometheus exporter")
        send_span(f"{server.otlp_http}/v1/traces", "before")
        poll(lambda: spans.exists() and '"before"' in spans.read_text(), "the span in the file")
        assert "otelcol_receiver_accepted_spans" in server.metrics(8888)

        server.kill()
        assert not server.process.running
        server.start()
        send_span(f"{server.otlp_http}/v1/traces", "after")
        poll(lambda: '"after"' in spans.read_text(), "the span of the restarted collector")
        assert server.stop() == 0


def test_collector_reads_several_files_and_ports_in_the_environment(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(PIPELINE.replace("0.0.0.0:8889", "${env:SHOW}"))
    second.write_text("processors: {batch: }\nservice: {pipelines: {metrics: {processors: [batch]}}}\n")
    env = {"SPANS_FILE": str(tmp_path / "spans.jsonl"), "SHOW": "127.0.0.1:{8889}"}
    with collector([first, second], env) as server:
        send_calls(f"{server.otlp_http}/v1/metrics", 1)
        poll(lambda: "demo_calls_total{" in server.metrics(), "the metric on the port of the environment")


def test_core_collector_refuses_contrib_parts(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        PIPELINE.replace("service:", "processors: {redaction: {allow_all_keys: true}}\nservice:").replace(
            "traces: {receivers: [otlp],", "traces: {receivers: [otlp], processors: [redaction],"
        )
    )
    env = {"SPANS_FILE": str(tmp_path / "spans.jsonl")}
    assert otelcol("validate", f"--config={config}", env=env).returncode == 0
    refused = otelcol("validate", f"--config={config}", distribution="core", env=env)
    assert refused.returncode != 0
    assert "redaction" in refused.stderr


def test_only_own_listeners_get_other_ports() -> None:
    ports = {4317: 50001, 4318: 50002, 8888: 50003}
    for before, after in [
        ("endpoint: 0.0.0.0:4317", "endpoint: 127.0.0.1:50001"),
        ('endpoint: "[::]:4318"', 'endpoint: "127.0.0.1:50002"'),
        ("endpoint: ${env:LISTEN:-localhost:4318}", "endpoint: ${env:LISTEN:-127.0.0.1:50002}"),
        ("endpoint: 127.0.0.1:${env:PORT:-4318}", "endpoint: 127.0.0.1:${env:PORT:-50002}"),
        ("port: 8888", "port: 50003"),
        ("endpoint: gateway:4317", "endpoint: gateway:4317"),
        ("limit: 43170", "limit: 43170"),
    ]:
        assert on_loopback(before, ports) == after


def test_alertmanager_delivers_to_a_webhook(tmp_path: Path) -> None:
    with loopback() as hook:
        config = f"""
route: {{receiver: hook, group_wait: 0s}}
receivers: [{{name: hook, webhook_configs: [{{url: "{hook.url}"}}]}}]
"""
        (tmp_path / "am.yml").write_text(config)
        assert amtool("check-config", tmp_path / "am.yml").returncode == 0
        with alertmanager(config) as server:
            server.post([{"labels": {"alertname": "DemoHigh"}, "annotations": {"summary": "high"}}])
            [message] = poll(hook.json, "the message on the webhook")
            assert message["status"] == "firing"
            assert message["alerts"][0]["annotations"] == {"summary": "high"}
            assert [a["labels"] for a in server.alerts()] == [{"alertname": "DemoHigh"}]


def test_redis_answers() -> None:
    with redis() as server:
        assert redis_command(server.port, "PING") == b"+PONG\r\n"
        redis_command(server.port, "SET k v")
        assert redis_command(server.port, "GET k") == b"$1\r\nv\r\n"
    assert redis_command(server.port, "PING") == b""


def test_postgresql_answers() -> None:
    with postgresql() as server:
        assert server.psql("SELECT 1") == "1"
        server.psql("CREATE TABLE t (n int); INSERT INTO t VALUES (7)")
        server.process.restart()
        assert server.psql("SELECT n FROM t") == "7"
        with pytest.raises(StatementError, match="nowhere"):
            server.psql("SELECT * FROM nowhere")


def test_chromium_runs_the_scripts_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p id=out></p><script>document.getElementById('out').textContent = 6 * 7</script>")
    done = chromium("--dump-dom", page.as_uri())
    assert '<p id="out">42</p>' in done.stdout, done.stderr


def test_a_server_that_does_not_come_up_shows_the_end_of_its_log() -> None:
    with pytest.raises(ServerError, match="no_such_key"), prometheus(3, "no_such_key: 1"):
        pass


def test_a_program_that_never_gets_ready_is_stopped(tmp_path: Path) -> None:
    process = Process([sys.executable, "-c", "import signal; signal.pause()"], tmp_path, lambda _: False)
    with pytest.raises(ServerError, match=r"not ready within 0\.2 s"):
        process.start(deadline_s=0.2)
    assert not process.running


class TestMissingPart:
    @pytest.fixture(autouse=True)
    def empty_cache(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("AGENTOBS_STACK", str(tmp_path))
        monkeypatch.delenv("AGENTOBS_REQUIRE_STACK", raising=False)

    def test_skips_with_the_cure(self) -> None:
        assert find("redis") is None
        with pytest.raises(pytest.skip.Exception, match="run tests/support/stack/install redis"), redis():
            pass

    def test_fails_where_the_stack_is_required(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AGENTOBS_REQUIRE_STACK", "1")
        with pytest.raises(pytest.fail.Exception, match="run tests/support/stack/install redis"), redis():
            pass

    def test_another_version_is_missing_too(self, tmp_path: Path) -> None:
        (tmp_path / "redis").mkdir()
        (tmp_path / "redis/PIN").write_text("6.2")
        assert parts.why_missing("redis") == f"redis 6.2 is installed and the tests want {parts.pins()['redis']}"

    def test_unknown_part_names_the_allowed_ones(self) -> None:
        with pytest.raises(ValueError, match="unknown part 'mysql'; there are: prometheus2, "):
            find("mysql")


class TestInstall:
    script = Path(__file__).with_name("install")

    def run(self, cache: Path, *wanted: str, **env: str) -> subprocess.CompletedProcess[str]:
        # A PATH with the shell's own tools and neither dpkg nor Go: a machine on which nothing is to be had.
        tools = cache / "tools"
        tools.mkdir(exist_ok=True)
        for tool in ("bash", "dirname", "mkdir", "mktemp", "rm", "cat", "cksum", "chmod", "tail", "mv"):
            (tools / tool).unlink(missing_ok=True)
            found = subprocess.run(["which", tool], capture_output=True, text=True, check=True).stdout.strip()
            (tools / tool).symlink_to(found)
        return subprocess.run(
            [self.script, *wanted],
            env={"PATH": str(tools), "AGENTOBS_STACK": str(cache / "stack"), **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def test_says_what_cannot_be_had_and_goes_on(self, tmp_path: Path) -> None:
        done = self.run(tmp_path, "redis", "prometheus3")
        assert done.returncode == 0, done.stderr
        [first, second] = done.stdout.splitlines()
        assert "missing no Debian packages on this machine" in first
        assert "missing no Go toolchain on this machine" in second

    def test_fails_where_the_stack_is_required(self, tmp_path: Path) -> None:
        done = self.run(tmp_path, "redis", AGENTOBS_REQUIRE_STACK="1")
        assert done.returncode == 1
        assert "1 of 1 parts are missing" in done.stderr

    def test_unknown_part_names_the_allowed_ones(self, tmp_path: Path) -> None:
        done = self.run(tmp_path, "mysql")
        assert done.returncode == 2
        assert "unknown part 'mysql'; there are: prometheus2 pushgateway redis" in done.stderr

    def test_manifests_and_pins_name_one_version(self) -> None:
        for part, manifest in (("collector", "collector-contrib.yaml"), ("collector-core", "collector-core.yaml")):
            text = self.script.with_name(manifest).read_text()
            assert f"version: {parts.pins()[part]}\n" in text

    def test_every_program_that_the_tests_look_for_is_installed_by_name(self) -> None:
        for part, programs in parts.PROGRAMS.items():
            if find(part):
                assert sorted(p.name for p in (parts.folder() / part / "bin").iterdir()) == sorted(programs)


def test_loopback_keeps_what_it_was_sent() -> None:
    with loopback(lambda: "page") as server:
        assert fetch(server.port, "/") == (200, b"page")
        fetch(server.port, "/hook", "POST", json.dumps({"a": 1}))
        assert server.json() == [{"a": 1}]
