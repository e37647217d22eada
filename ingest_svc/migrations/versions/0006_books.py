"""What must be known of single frames where a session goes on: missing ones, those in work, outcomes not heard of."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a default, so that replicas of the version before go on opening streams while this one is rolled out.
    op.add_column("streams", sa.Column("books", postgresql.JSONB, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("streams", "books")
