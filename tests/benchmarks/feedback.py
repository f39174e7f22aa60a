"""What the feedback endpoint bears: sustained posts on the loopback interface, its memory, and the host's route meanwhile.

    python tests/benchmarks/feedback.py [--seconds 10] [--connections 16]

A real uvicorn with one worker runs a host application that the endpoint stands in front of; this process posts. Prints
posts per second with the median and the 99th percentile of their latency, without a store and with SQLite, the memory of
the server before and after, and the latency of the host's own route: idle, beside posts that are all taken, and beside a
flood from one address that the default limits turn away. Not a test: it asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from agentobs.endpoint import tokens
from agentobs.endpoint.contract import DEFAULT_NAMES
from agentobs.records.feedback import Rated
from tests.support.endpoint.serving import SERVERS
from tests.support.endpoint.twins import SECRET
from tests.support.stack import Process, free_port
from tests.support.stack.process import answers, running, temporary_folder

UNLIMITED = {"per_token": 10**9, "per_address": 10**9}
TOKENS = 2_000


@contextmanager
def server(options: dict[str, Any]) -> Any:
    with temporary_folder("benchmark") as folder:
        port = free_port()
        argv = [
            sys.executable,
            *(part.format(app="tests.support.endpoint.apps:asgi", port=port) for part in SERVERS["uvicorn"]),
        ]
        env = {
            "FEEDBACK_OPTIONS": json.dumps({"secret": SECRET, **options}),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        process = Process(argv, folder, lambda _: answers(port, "/"), env=env)
        with running(process):
            yield process, port


def memory_mib(process: Process, field: str) -> float:
    """A field of the server's memory in MiB: VmRSS now, VmHWM at most."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024


def bodies() -> Callable[[], bytes]:
    """Ratings of many answers, each with an id of its own until the answer has all that it may have, then changes."""
    signer = tokens.signer_of((SECRET,))
    made = [
        signer.mint(
            Rated(f"{n:032x}", f"{n:016x}", True, None, "support", "gpt-4.1-mini", "full"), DEFAULT_NAMES, 86_400
        )
        for n in range(1, TOKENS + 1)
    ]
    numbers = itertools.count()

    def body() -> bytes:
        number = next(numbers)
        said = {
            "token": made[number % TOKENS],
            "value": number // 7 % 2,
            "comment": f"number {number}, not what I asked for",
            "id": str(number // TOKENS % 20),
        }
        return json.dumps(said).encode()

    return body


async def asks(
    port: int, request: Callable[[], bytes], until_s: float, pause_s: float = 0.0
) -> list[tuple[int, float]]:
    """Status and latency in seconds of requests made one after the other on one connection."""
    found, connection = [], None
    while time.perf_counter() < until_s:
        if connection is None:
            connection = await asyncio.open_connection("127.0.0.1", port)
        reader, writer = connection
        started_s = time.perf_counter()
        writer.write(request())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        found.append((int(head[9:12]), time.perf_counter() - started_s))
        if b"connection: close" in head.lower():
            writer.close()
            connection = None
        if pause_s:
            await asyncio.sleep(pause_s)
    if connection is not None:
        connection[1].close()
    return found


def post(body: Callable[[], bytes]) -> Callable[[], bytes]:
    def request() -> bytes:
        content = body()
        head = (
            f"POST /feedback HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content

    return request


def get() -> bytes:
    return b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def said(results: list[tuple[int, float]], seconds: float) -> str:
    latencies = sorted(latency * 1000 for _, latency in results)
    share = statistics.quantiles(latencies, n=100)
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(Counter(s for s, _ in results).items()))
    return f"{len(results) / seconds:7.0f}/s   p50 {share[49]:6.2f} ms   p99 {share[98]:6.2f} ms   ({statuses})"


async def load(port: int, seconds: float, connections: int) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Results of posts and of the host's own route, asked every 10 ms beside them."""
    until_s, request = time.perf_counter() + seconds, post(bodies())
    host = asks(port, get, until_s, 0.01)
    own, *posted = await asyncio.gather(host, *(asks(port, request, until_s) for _ in range(connections)))
    return list(itertools.chain.from_iterable(posted)), own


def measure(title: str, options: dict[str, Any], seconds: float, connections: int) -> None:
    with server(options) as (process, port):
        before = memory_mib(process, "VmRSS")
        idle = asyncio.run(asks(port, get, time.perf_counter() + 1, 0.01))
        posted, own = asyncio.run(load(port, seconds, connections))
        sys.stdout.write(
            f"{title}\n  posts        {said(posted, seconds)}\n  host, beside {said(own, seconds)}\n"
            f"  host, idle   {said(idle, 1)}\n"
            f"  memory       {before:.0f} MiB before, {memory_mib(process, 'VmRSS'):.0f} after, "
            f"{memory_mib(process, 'VmHWM'):.0f} at most\n"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=16)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for title, options in (
            ("no store, no limits", UNLIMITED),
            ("SQLite, no limits", {**UNLIMITED, "store": f"sqlite:///{folder}/feedback.db"}),
            ("a flood from one address, default limits", {}),
        ):
            measure(title, options, arguments.seconds, arguments.connections)


if __name__ == "__main__":
    main()
