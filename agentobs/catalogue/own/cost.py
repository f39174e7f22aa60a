"""What model calls cost, and which could not be priced."""

from __future__ import annotations

from .. import genai
from ..model import Attribute, Kind, Metric
from ..values import CostSource, UnpricedReason, values_of
from .labels import MODEL_LABELS, USD_BOUNDS

COST_USD = Attribute("agentobs.cost.usd", "double", "Cost in USD; absent where it is unknown.")
COST_SOURCE = Attribute(
    "agentobs.cost.source",
    "string",
    "Who says what it cost: the response, the user's price file, or the bundled table.",
    values=values_of(CostSource),
)
UNPRICED_REASON = Attribute(
    "agentobs.unpriced.reason",
    "string",
    "Why a call has no cost.",
    values=values_of(UnpricedReason),
)
COST = Metric("agentobs.cost.usd", Kind.COUNTER, "{USD}", "Cost of the priced model calls in USD.", MODEL_LABELS)
CALL_COST = Metric(
    "agentobs.call.cost.usd",
    Kind.HISTOGRAM,
    "{USD}",
    "Cost of one priced model call in USD.",
    (genai.PROVIDER, genai.REQUEST_MODEL),
    USD_BOUNDS,
)
UNPRICED = Metric(
    "agentobs.calls.unpriced",
    Kind.COUNTER,
    "{call}",
    "Successful model calls whose cost is unknown.",
    (genai.AGENT_NAME, genai.PROVIDER, genai.REQUEST_MODEL, UNPRICED_REASON),
)
