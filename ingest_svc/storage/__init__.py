"""Where ingest keeps things: its tables and the statements on them."""
