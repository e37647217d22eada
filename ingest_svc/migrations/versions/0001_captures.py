"""Captures, receipts of erasure, and procrastinate's job tables.

The job tables come from the installed procrastinate, whose minor version is pinned in pyproject.toml: an upgrade of it
is a revision of its own that runs the files that came since (`procrastinate/sql/migrations`).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _jobs()
    _captures()
    _receipts()


def _jobs() -> None:
    # Many statements in one text: without parameters psycopg sends it as it is.
    connection = op.get_bind().execution_options(no_parameters=True)
    connection.exec_driver_sql(SchemaManager.get_schema())


def _captures() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "captures",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("progress_percent", sa.SmallInteger, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("create_time", time, nullable=False),
        sa.Column("start_time", time),
        sa.Column("update_time", time, nullable=False),
        sa.Column("end_time", time),
        sa.Column("capture_time", time),
        sa.Column("crop_box", postgresql.ARRAY(sa.Double), nullable=False),
        sa.Column("width_px", sa.Integer, nullable=False),
        sa.Column("height_px", sa.Integer, nullable=False),
        sa.Column("face_boxes", postgresql.ARRAY(sa.Double), nullable=False),
        sa.Column("object_key", sa.Text, nullable=False),
        sa.Column("max_matches", sa.SmallInteger, nullable=False),
        sa.Column("skip_taste", sa.Boolean, nullable=False),
        sa.Column("attempt_count", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("sighting_sent", sa.Boolean, nullable=False),
        sa.Column("delete_requested", sa.Boolean, nullable=False),
        sa.Column("degraded_parts", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("summary", sa.LargeBinary, nullable=False),
        sa.Column("detail", sa.LargeBinary, nullable=False),
        sa.Column("error", sa.LargeBinary, nullable=False),
        sa.Column("job_id", sa.BigInteger),
        sa.CheckConstraint(
            "state in ('queued', 'processing', 'succeeded', 'failed', 'cancelled')", name="captures_state"
        ),
        sa.CheckConstraint(
            "(end_time is not null) = (state in ('succeeded', 'failed', 'cancelled'))", name="captures_end"
        ),
    )
    op.create_index("captures_newest", "captures", ["user_id", sa.text("id desc")])
    op.create_index(
        "captures_request",
        "captures",
        ["user_id", "request_id"],
        unique=True,
        postgresql_where=sa.text("request_id is not null"),
    )
    # Few rows are unfinished at any time: limits, recovery and the queue's depth read this small index only.
    op.create_index(
        "captures_open",
        "captures",
        ["user_id", "update_time"],
        postgresql_where=sa.text("state in ('queued', 'processing')"),
    )


def _receipts() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "erasure_receipts",
        sa.Column("receipt_id", sa.Uuid, primary_key=True),
        sa.Column("start_time", time, nullable=False),
        sa.Column("end_time", time, nullable=False),
        sa.Column("erased", postgresql.JSONB, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("captures are not thrown away by a downgrade; restore a backup")
