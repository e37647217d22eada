"""Whether a capture's products are ranked as for anybody."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a default, so that replicas of the version before go on taking captures in while this one is rolled out.
    op.add_column("captures", sa.Column("skip_personal_ranking", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("captures", "skip_personal_ranking")
