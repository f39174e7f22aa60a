"""Names that agentobs adds where the GenAI conventions have none, one file per subject.

All of them live under `agentobs.`, never under `gen_ai.`, so that a later convention cannot collide with them.
"""

from __future__ import annotations

from .agents import *
from .breakers import *
from .calls import *
from .cost import *
from .decisions import *
from .fallbacks import *
from .feedback import *
from .retries import *
from .spans import ANNOTATIONS, EXTRAS
from .telemetry import *

__all__ = ["ANNOTATIONS", "EXTRAS"]
