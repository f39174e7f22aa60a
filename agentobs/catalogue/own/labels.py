"""What several subjects share: the labels of a model call, and bucket bounds."""

from __future__ import annotations

from .. import genai

MODEL_LABELS = (
    genai.AGENT_NAME,
    genai.OPERATION,
    genai.PROVIDER,
    genai.REQUEST_MODEL,
    genai.RESPONSE_MODEL,
)
USD_BOUNDS = (0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
SCORE_BOUNDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
