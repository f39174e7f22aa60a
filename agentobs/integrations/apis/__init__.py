"""The APIs that several clients speak: pure functions from bodies, answers and chunks to records."""
