"""Programs in processes of their own, and the collector that they send to."""
