"""Which article numbers an import has met, so that a catalogue of any size can be checked for repeated ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Unlogged: the rows live as long as their import runs, and an import does not survive a crash of the database.
_TABLE = """
create unlogged table import_rows (
    import_id text not null references imports on delete cascade,
    product_id text not null,
    row_number bigint not null,
    primary key (import_id, product_id)
)
"""


def upgrade() -> None:
    op.execute(sa.text(_TABLE))


def downgrade() -> None:
    op.execute(sa.text("drop table import_rows"))
