"""Keeping feedback: a table in SQLite or PostgreSQL, and a spool on this machine for the time in which it is out of reach.

Who may import whom: `rows` and `errors` <- `schema` <- `database` <- `sqlite`, `postgresql` <- `store` <- `outbox`;
`rows`, `errors` <- `spool` <- `outbox`.
"""

from __future__ import annotations
