"""Agent frameworks, one file per library: what to hook, and what it says of agents, tools and hand-offs."""
