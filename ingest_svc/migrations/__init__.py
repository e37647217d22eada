"""Alembic revisions of ingest's schema, in `versions/`; `mesh.database.Database.migrate` runs them."""
