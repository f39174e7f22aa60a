"""What stands before and behind the packs: programs, senders and backends."""
