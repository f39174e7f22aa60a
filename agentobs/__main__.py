"""`python -m agentobs`, the same as the command `agentobs`."""

from agentobs_otel import main

if __name__ == "__main__":
    raise SystemExit(main())
