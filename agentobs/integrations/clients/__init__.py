"""Clients of model providers, one file per library: what to patch or hook, and what its answers say."""
