"""An import that broke can go on, also when the database restarted meanwhile: its article numbers are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.text("alter table import_rows set logged"))


def downgrade() -> None:
    op.execute(sa.text("alter table import_rows set unlogged"))
