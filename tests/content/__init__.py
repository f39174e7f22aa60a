"""Content of calls as attributes of spans."""
