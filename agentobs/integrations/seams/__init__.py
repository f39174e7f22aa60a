"""Adapters, one for each shape of library: what is the same wherever a library has that shape."""
