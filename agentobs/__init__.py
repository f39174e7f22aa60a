"""Observability for AI agents."""
