"""Retry libraries, one file per library."""
