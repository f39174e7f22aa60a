"""`python -m agentobs`, the same as the command `agentobs`."""

from agentobs.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
