"""What a model call costs: `PriceBook` turns provider, model and usage into USD, or says why it cannot."""

from agentobs.pricing.book import ContextWindow, PriceBook
from agentobs.pricing.documents import PriceFileError
from agentobs.pricing.names import priced_model

__all__ = ["ContextWindow", "PriceBook", "PriceFileError", "priced_model"]
