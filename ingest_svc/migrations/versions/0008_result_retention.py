"""Until when a result waits to be acknowledged; its session may end, and take it along, before."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty for results of replicas of the version before: those go with their session alone.
    op.add_column("stream_results", sa.Column("expire_time", sa.DateTime(timezone=True)))
    op.create_index("stream_results_expire_time", "stream_results", ["expire_time"])


def downgrade() -> None:
    op.drop_column("stream_results", "expire_time")
