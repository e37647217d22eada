"""What the profile has yet to be told of captures that succeeded while it was away."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pending_sightings",
        sa.Column("capture_id", sa.Uuid, sa.ForeignKey("captures.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("job_id", sa.BigInteger),
    )
    op.create_index("pending_sightings_user", "pending_sightings", ["user_id"])


def downgrade() -> None:
    raise NotImplementedError("what waits would be lost; let the profile be told first")
