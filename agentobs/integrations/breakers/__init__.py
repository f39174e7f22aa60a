"""Circuit breakers, one file per library."""
