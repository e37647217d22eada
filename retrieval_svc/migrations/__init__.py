"""Alembic revisions of the schema `retrieval`."""
