"""The real servers that the tests talk to; README.md beside this file shows how."""

from tests.support.polling import poll

from .databases import PostgreSQL, Redis, StatementError, postgresql, redis, redis_command
from .loopback import Loopback, loopback
from .parts import find, require
from .process import Process, ServerError, fetch, free_port
from .servers import (
    Alertmanager,
    Collector,
    Prometheus,
    QueryError,
    alertmanager,
    collector,
    on_loopback,
    prometheus,
    pushgateway,
)
from .tools import amtool, chromium, otelcol, promtool

__all__ = [
    "Alertmanager",
    "Collector",
    "Loopback",
    "PostgreSQL",
    "Process",
    "Prometheus",
    "QueryError",
    "Redis",
    "ServerError",
    "StatementError",
    "alertmanager",
    "amtool",
    "chromium",
    "collector",
    "fetch",
    "find",
    "free_port",
    "loopback",
    "on_loopback",
    "otelcol",
    "poll",
    "postgresql",
    "prometheus",
    "promtool",
    "pushgateway",
    "redis",
    "redis_command",
    "require",
]
