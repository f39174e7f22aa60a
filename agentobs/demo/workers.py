"""The workers: threads with the support agent and asyncio tasks with the billing agent, each with its own share.

A worker does its tasks one after the other, so what its breaker sees depends on the seed alone.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack

from .billing import Billing
from .desk import Desk, Tally, breaker
from .support import Support
from .tasks import BILLING_KINDS, SUPPORT_KINDS, Task, task
from .visitors import Visitors

THREADS = 2
COROUTINES = 2
WORKERS = THREADS + COROUTINES


class Workforce:
    """Does `count` tasks, `rate` of them a second (or as fast as it can, where that is slower)."""

    def __init__(self, *, seed: int, count: int, rate: float, reset_s: float) -> None:
        self.tally = Tally()
        self._visitors = Visitors()
        self._base_url = ""
        self._seed = seed
        self._count = count
        self._rate = rate
        self._reset_s = reset_s
        self._started_s = 0.0
        self._stop = threading.Event()

    def stop(self) -> None:
        """Let every worker end its task and go home."""
        self._stop.set()

    def run(self, base_url: str) -> None:
        """Do the tasks with the provider at `base_url`; raises what a worker raises that no agent is meant to raise."""
        self._base_url = base_url
        self._started_s = time.monotonic()
        try:
            with self._visitors, ThreadPoolExecutor(THREADS + 1, thread_name_prefix="demo-worker") as pool:
                works = [pool.submit(self._support, number) for number in range(THREADS)]
                works.append(pool.submit(asyncio.run, self._billing()))
                for work in works:
                    work.result()
        finally:
            self._stop.set()

    def tasks(self, worker: int) -> list[Task]:
        """The share of one worker."""
        kinds = SUPPORT_KINDS if worker < THREADS else BILLING_KINDS
        return [task(self._seed, index, kinds) for index in range(worker, self._count, WORKERS)]

    def _wait_s(self, due: Task) -> float:
        return max(0.0, self._started_s + due.index / self._rate - time.monotonic())

    def _support(self, worker: int) -> None:
        from anthropic import Anthropic
        from openai import OpenAI

        with ExitStack() as stack:
            clock = [0.0]
            desk = Desk(
                stack.enter_context(OpenAI(base_url=self._base_url + "/v1", api_key="demo")),
                stack.enter_context(Anthropic(base_url=self._base_url, api_key="demo")),
                breaker(f"openai {worker + 1}", clock, reset_s=self._reset_s),
                self.tally,
                self._visitors,
            )
            support = Support(desk)
            for due in self.tasks(worker):
                if self._stop.wait(self._wait_s(due)):
                    return
                clock[0] = due.index / self._rate
                support.handle(due)

    async def _billing(self) -> None:
        from anthropic import AsyncAnthropic
        from openai import AsyncOpenAI

        async with AsyncExitStack() as stack:
            openai = await stack.enter_async_context(AsyncOpenAI(base_url=self._base_url + "/v1", api_key="demo"))
            anthropic = await stack.enter_async_context(AsyncAnthropic(base_url=self._base_url, api_key="demo"))

            async def work(worker: int) -> None:
                clock = [0.0]
                guard = breaker(f"anthropic {worker - THREADS + 1}", clock, reset_s=self._reset_s)
                billing = Billing(Desk(openai, anthropic, guard, self.tally, self._visitors))
                for due in self.tasks(worker):
                    await asyncio.sleep(self._wait_s(due))
                    if self._stop.is_set():
                        return
                    clock[0] = due.index / self._rate
                    await billing.handle(due)

            await asyncio.gather(*(work(worker) for worker in range(THREADS, WORKERS)))
