"""Alembic revisions of the schema `profile`."""
