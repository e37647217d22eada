"""The tables of ingest. Migrations make them; this is how statements name them.

Every table with rows about a user has a column `user_id`: erasure and export go by it (`ingest_svc.privacy.erase`), so
that a new table cannot be forgotten. Jobs live in procrastinate's own tables in the same schema; their arguments hold a
capture's id and nothing else.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

metadata = sa.MetaData()

_time = sa.DateTime(timezone=True)

captures = sa.Table(
    "captures",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("progress_percent", sa.SmallInteger, nullable=False),
    sa.Column("request_id", sa.Text),
    sa.Column("request_digest", sa.LargeBinary, nullable=False),
    sa.Column("create_time", _time, nullable=False),
    sa.Column("start_time", _time),
    sa.Column("update_time", _time, nullable=False),
    sa.Column("end_time", _time),
    sa.Column("capture_time", _time),
    sa.Column("crop_box", postgresql.ARRAY(sa.Double), nullable=False),  # x_min, y_min, x_max, y_max
    sa.Column("width_px", sa.Integer, nullable=False),
    sa.Column("height_px", sa.Integer, nullable=False),
    sa.Column("face_boxes", postgresql.ARRAY(sa.Double), nullable=False),  # x0, y0, x1, y1 of each
    sa.Column("object_key", sa.Text, nullable=False),
    sa.Column("max_matches", sa.SmallInteger, nullable=False),
    sa.Column("skip_taste", sa.Boolean, nullable=False),
    sa.Column("skip_personal_ranking", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("attempt_count", sa.Integer, nullable=False, default=0),
    sa.Column("version", sa.BigInteger, nullable=False, default=1),
    sa.Column("sighting_sent", sa.Boolean, nullable=False, default=False),
    sa.Column("delete_requested", sa.Boolean, nullable=False, default=False),
    sa.Column("degraded_parts", postgresql.ARRAY(sa.Text), nullable=False),
    sa.Column("summary", sa.LargeBinary, nullable=False),  # what lists show: `detail` without masks and matches
    sa.Column("detail", sa.LargeBinary, nullable=False),  # serialized Capture with `models` and the result
    sa.Column("error", sa.LargeBinary, nullable=False),  # serialized google.rpc.Status
    sa.Column("job_id", sa.BigInteger),
)

# What the profile has yet to be told of captures that succeeded while it was away.
pending_sightings = sa.Table(
    "pending_sightings",
    metadata,
    sa.Column("capture_id", sa.Uuid, sa.ForeignKey("captures.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("create_time", _time, nullable=False),
    sa.Column("request", sa.LargeBinary, nullable=False),  # serialized vitrine.profile.v1.RecordSightingRequest
    sa.Column("job_id", sa.BigInteger),
    sa.Index("pending_sightings_user", "user_id"),
)

erasure_receipts = sa.Table(
    "erasure_receipts",
    metadata,
    sa.Column("receipt_id", sa.Uuid, primary_key=True),
    sa.Column("start_time", _time, nullable=False),
    sa.Column("end_time", _time, nullable=False),
    sa.Column("erased", postgresql.JSONB, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
)

# Procrastinate's own table, as far as our statements need it.
jobs = sa.Table(
    "procrastinate_jobs",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("status", sa.Text),
    sa.Column("args", postgresql.JSONB),
)
