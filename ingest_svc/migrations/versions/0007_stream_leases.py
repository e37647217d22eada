"""Until when a session counts as connected: how many streams a user has open, over all processes."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty for sessions of replicas of the version before: those do not count while this one is rolled out.
    op.add_column("streams", sa.Column("connected_until_time", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("streams", "connected_until_time")
