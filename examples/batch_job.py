"""A batch job, as cron starts it: its figures go to a Pushgateway at its end, and add up over its runs.

export PROMETHEUS_MULTIPROC_DIR=/var/lib/nightly-report PUSHGATEWAY=localhost:9091
python -m examples.batch_job
"""

from __future__ import annotations

import os

import openai
from prometheus_client import CollectorRegistry, multiprocess, push_to_gateway, values

import agentobs

JOB = "nightly-report"


def work() -> None:
    with agentobs.agent("reporter"):
        openai.OpenAI().chat.completions.create(
            model="gpt-4.1-mini", messages=[{"role": "user", "content": "Sum up the day."}]
        )


def main() -> None:
    # One file for all runs instead of one for each process: counters go on where the last run ended.
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: JOB)
    # The levels of a run that was killed are not those of this one.
    multiprocess.mark_process_dead(JOB)
    with agentobs.instrument(service=JOB, metrics="prometheus"):
        work()
    # After the block: `agentobs_info` is 0 now, an orderly goodbye.
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    push_to_gateway(os.environ["PUSHGATEWAY"], job=JOB, registry=registry)


if __name__ == "__main__":
    main()
