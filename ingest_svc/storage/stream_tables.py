"""The tables of live streams. No row holds a picture, or anything made from one that could show somebody."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ingest_svc.storage.tables import metadata

_time = sa.DateTime(timezone=True)

streams = sa.Table(
    "streams",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),  # SHA-256 of the resume token
    sa.Column("generation", sa.Integer, nullable=False),  # counts connections; only the newest may write totals
    sa.Column("create_time", _time, nullable=False),
    sa.Column("expire_time", _time, nullable=False),  # no use after this
    sa.Column("resume_until_time", _time, nullable=False),  # moves on while it is connected
    # Counts among its user's open streams until then; moves on while it is connected, and is taken back at its end.
    sa.Column("connected_until_time", _time),
    sa.Column("totals", postgresql.JSONB, nullable=False),
    # Numbers that are missing or in work, and the outcomes that the client may not have heard of.
    sa.Column("books", postgresql.JSONB, nullable=False, server_default="{}"),
    sa.Column("keyframes", postgresql.JSONB, nullable=False),
    sa.Column("options", postgresql.JSONB, nullable=False),
    sa.Index("streams_user", "user_id"),
    sa.Index("streams_resume_until", "resume_until_time"),
)

stream_results = sa.Table(
    "stream_results",
    metadata,
    sa.Column("stream_id", sa.Uuid, sa.ForeignKey("streams.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("frame_number", sa.BigInteger, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("create_time", _time, nullable=False),
    sa.Column("expire_time", _time),  # is not kept for longer, acknowledged or not
    sa.Column("payload", sa.LargeBinary, nullable=False),  # serialized StreamResult without its picture
    sa.Index("stream_results_user", "user_id"),
    sa.Index("stream_results_expire_time", "expire_time"),
)
