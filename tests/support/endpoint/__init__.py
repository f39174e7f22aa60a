"""The feedback endpoint in every framework and server."""
