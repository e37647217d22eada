"""The vector index: one protocol, two engines, built from PostgreSQL."""
