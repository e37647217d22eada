"""Users, their numbered changes, the log of taste events and what is derived from it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.String(64), primary_key=True),
        sa.Column("epoch", sa.Uuid, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
    )
    op.create_table(
        "changes",
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.user_id"), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "sequence"),
    )
    _create_log()
    op.create_table(
        "taste_states",
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.user_id"), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "taste_snapshots",
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.user_id"), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "sequence"),
    )


def _create_log() -> None:
    op.create_table(
        "taste_events",
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.user_id"), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.String(80), nullable=False),
        sa.Column("undoes", sa.String(80), nullable=True),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("observe_time", _TIME, nullable=False),
        sa.Column("record_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "sequence"),
        sa.UniqueConstraint("user_id", "event_id"),
        sa.UniqueConstraint("user_id", "undoes"),
    )
    op.execute(
        """
        create function refuse_update() returns trigger language plpgsql as $$
        begin
          raise exception 'the log of taste events is only appended to';
        end $$
        """
    )
    op.execute(
        "create trigger taste_events_append_only before update on taste_events"
        " for each row execute function refuse_update()"
    )


def downgrade() -> None:
    for table in ("taste_snapshots", "taste_states", "taste_events", "changes", "users"):
        op.drop_table(table)
    op.execute("drop function refuse_update()")
