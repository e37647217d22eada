"""Live streams: sessions that outlive their connection, and results that wait to be acknowledged."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "streams",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("create_time", time, nullable=False),
        sa.Column("expire_time", time, nullable=False),
        sa.Column("resume_until_time", time, nullable=False),
        sa.Column("totals", postgresql.JSONB, nullable=False),
        sa.Column("keyframes", postgresql.JSONB, nullable=False),
        sa.Column("options", postgresql.JSONB, nullable=False),
    )
    op.create_index("streams_user", "streams", ["user_id"])
    op.create_index("streams_resume_until", "streams", ["resume_until_time"])
    op.create_table(
        "stream_results",
        sa.Column("stream_id", sa.Uuid, sa.ForeignKey("streams.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("frame_number", sa.BigInteger, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("create_time", time, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_index("stream_results_user", "stream_results", ["user_id"])


def downgrade() -> None:
    op.drop_table("stream_results")
    op.drop_table("streams")
