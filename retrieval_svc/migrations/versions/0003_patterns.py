"""Patterns and materials of products, to filter by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UP = (
    "alter table products add column material_keys text[] not null default '{}'",
    "alter table products add column pattern_name text not null default ''",
    "alter table products add column seen_pattern text",
    "alter table products alter column material_keys drop default",
    "alter table products alter column pattern_name drop default",
    """
    create index products_unseen on products (change_seq)
    where seen_pattern is null and pattern_name = '' and picture_id <> ''
    """,
)
# What products said before they were read by `retrieval_svc.catalog.patterns`, as it stood at this revision.
_NAMES = {
    "plain": "solid, solid color, solid colour, unpatterned, unprinted",
    "striped": "stripe, stripes, stripey, stripy, pinstripe, pinstripes, pinstriped",
    "checked": "check, checks, checkered, chequered, plaid, tartan, gingham, windowpane, houndstooth",
    "dotted": "dot, dots, polka dot, polka dots, polka-dot, polka-dots, spotted, spots",
    "floral": "flower, flowers, flowered, flowery, floral print",
    "graphic": "graphics, graphic print, logo, logos, slogan",
    "": "patterned, pattern, print, prints, printed, other, mixed, multi, various, none, n/a, unknown, -",
}
# A string list of JSON as an array of keys: trimmed, single spaces, lower case.
_MATERIALS = r"""
update products set
    pattern_name = coalesce(doc->>'pattern', ''),
    material_keys = array(
        select lower(regexp_replace(btrim(material), '\s+', ' ', 'g'))
        from jsonb_array_elements_text(doc->'materials') as material
    )
"""


def upgrade() -> None:
    for statement in (*_UP[:3], _MATERIALS, *_UP[3:]):
        op.execute(sa.text(statement))
    for name, others in _NAMES.items():
        renamed = sa.text("update products set pattern_name = :name where pattern_name = any(:others)")
        op.get_bind().execute(renamed, {"name": name, "others": [other.strip() for other in others.split(",")]})


def downgrade() -> None:
    for column in ("seen_pattern", "pattern_name", "material_keys"):
        op.execute(sa.text(f"alter table products drop column {column}"))
