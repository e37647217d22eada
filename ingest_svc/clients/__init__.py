"""Typed adapters to the services that ingest calls: one module per service, our values in, theirs out."""
