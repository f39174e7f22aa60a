"""How often somebody may post, in memory of a bounded size."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

_MOST_KEYS = 20_000


class RateLimit:
    """At most `amount` requests of one key in `period_s` seconds, in bursts or evenly.

    A leaky bucket (generic cell rate algorithm): one number for each key, the time at which its bucket is empty. Where
    there are too many keys the one that has been quiet for longest is forgotten.
    """

    def __init__(self, amount: int, period_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.interval_s = period_s / amount
        self.burst_s = period_s - self.interval_s
        self._clock = clock
        self._empty_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, key: str) -> float:
        """0 for a request that may be served, which is counted by that; else the seconds until one may be."""
        now = self._clock()
        with self._lock:
            ahead = max(self._empty_at.get(key, now) - now, 0.0)
            if ahead > self.burst_s:
                return ahead - self.burst_s
            self._empty_at[key] = now + ahead + self.interval_s
            self._empty_at.move_to_end(key)
            if len(self._empty_at) > _MOST_KEYS:
                self._empty_at.popitem(last=False)
        return 0.0


def network_of(address: str) -> str:
    """What counts as one sender: an IPv4 address, or the /64 network that an IPv6 host can choose addresses from."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))
