"""What a piece of work leaves behind in memory."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable


def kept_bytes(work: Callable[[], object]) -> int:
    """The bytes that were allocated in `work` and are still in use after it, its result among them."""
    gc.collect()
    tracemalloc.start()
    try:
        result = work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        del result
