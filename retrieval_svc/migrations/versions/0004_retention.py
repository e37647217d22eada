"""How long what is only kept for others is kept: products that are gone, and rows that imports refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UP = (
    # Of what was deleted before nobody knows when: its time begins now.
    "alter table deleted_products add column delete_time timestamptz not null default now()",
    "create index deleted_products_time on deleted_products (delete_time)",
    "alter table imports add column rejections_purge_time timestamptz",
    """
    create table feed_horizon (
        only_row boolean primary key default true constraint feed_horizon_only_row check (only_row),
        forgotten_seq bigint not null default 0
    )
    """,
    "insert into feed_horizon default values",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(sa.text(statement))


def downgrade() -> None:
    op.execute(sa.text("drop table feed_horizon"))
    op.execute(sa.text("alter table imports drop column rejections_purge_time"))
    op.execute(sa.text("alter table deleted_products drop column delete_time"))
