"""An index for deletions that stopped half-way: every worker looks for them every few seconds."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("captures_half_deleted", "captures", ["update_time"], postgresql_where=sa.text("delete_requested"))


def downgrade() -> None:
    op.drop_index("captures_half_deleted", "captures")
