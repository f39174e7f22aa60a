"""`agentobs demo`: a real agent, a built-in provider that misbehaves, and the proof that all of it was seen."""
