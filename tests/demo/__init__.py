"""Tests of the demo: the built-in provider, the agent, and the comparison of what was served with what was seen."""
