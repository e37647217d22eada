"""The tables of the schema `profile`.

`taste_events` is the truth and only ever appended to (a trigger refuses updates). `taste_states` and
`taste_snapshots` are derived from it and can be computed again; `changes` numbers everything that happened to a
user, for those who watch.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

METADATA = sa.MetaData()
_TIME = TIMESTAMP(timezone=True)
# One spelling for sources, kinds and ids: text with a limit is a check, not a promise that something fits.
_USER = sa.String(64)
_EVENT = sa.String(80)


def _user_column() -> sa.Column[str]:
    return sa.Column("user_id", _USER, sa.ForeignKey("users.user_id"), nullable=False)


users = sa.Table(
    "users",
    METADATA,
    sa.Column("user_id", _USER, primary_key=True),
    sa.Column("epoch", sa.Uuid, nullable=False, comment="A new one when an erased user comes back."),
    sa.Column("sequence", sa.BigInteger, nullable=False, comment="Number of the user's last change."),
    sa.Column("settings", sa.Text, nullable=False, comment="Canonical JSON, see owner/settings.py."),
    sa.Column("create_time", _TIME, nullable=False),
    sa.Column("update_time", _TIME, nullable=False),
)

changes = sa.Table(
    "changes",
    METADATA,
    _user_column(),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False, comment="TASTE or SETTINGS."),
    sa.Column("create_time", _TIME, nullable=False),
    sa.PrimaryKeyConstraint("user_id", "sequence"),
)

taste_events = sa.Table(
    "taste_events",
    METADATA,
    _user_column(),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("event_id", _EVENT, nullable=False),
    sa.Column("undoes", _EVENT, nullable=True, comment="The sighting that this takes back; null for a sighting."),
    sa.Column("source", sa.String(200), nullable=False, comment="Resource name of the capture or stream."),
    sa.Column("fingerprint", sa.String(64), nullable=False, comment="SHA-256 of source and content."),
    sa.Column("content", sa.Text, nullable=False, comment="Canonical JSON, see taste/evidence.py."),
    sa.Column("change", sa.Text, nullable=False, comment="What it did, as it was told then."),
    sa.Column("observe_time", _TIME, nullable=False),
    sa.Column("record_time", _TIME, nullable=False),
    sa.PrimaryKeyConstraint("user_id", "sequence"),
    sa.UniqueConstraint("user_id", "event_id"),
    sa.UniqueConstraint("user_id", "undoes"),
)

taste_states = sa.Table(
    "taste_states",
    METADATA,
    sa.Column("user_id", _USER, sa.ForeignKey("users.user_id"), primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False, comment="Number of the last taste event in it."),
    sa.Column("update_time", _TIME, nullable=False),
    sa.Column("state", sa.Text, nullable=False, comment="Canonical JSON, see taste/state.py."),
)

taste_snapshots = sa.Table(
    "taste_snapshots",
    METADATA,
    _user_column(),
    sa.Column("sequence", sa.BigInteger, nullable=False, comment="It holds all events up to this number."),
    sa.Column("state", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("user_id", "sequence"),
)
