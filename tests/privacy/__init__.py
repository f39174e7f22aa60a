"""What may leave the process, and in what form."""
