"""What programs run in: servers and pools, whose processes end in ways of their own, and threads."""
