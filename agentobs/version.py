"""The version of this release, in the one place that code and packaging read."""

VERSION = "0.1.0"
