"""The real clients in every call form, what they are answered, and what a program sees of each call."""
