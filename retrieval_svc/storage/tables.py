"""The tables of the schema `retrieval`; `retrieval_svc/migrations` makes them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData()

# Numbers the changes of the catalogue. Writers hold a lock while they draw from it, so that a higher number never
# becomes visible before a lower one; the index follows the catalogue by remembering the last number that it applied.
change_seq = sa.Sequence("change_seq", metadata=metadata)

products = sa.Table(
    "products",
    metadata,
    sa.Column("product_id", sa.Text, primary_key=True),
    sa.Column("doc", pg.JSONB, nullable=False),
    sa.Column("etag", sa.Text, nullable=False),
    sa.Column("brand_key", sa.Text, nullable=False),
    sa.Column("category_key", sa.Text, nullable=False),
    sa.Column("bucket", sa.SmallInteger, nullable=False),
    sa.Column("gender", sa.SmallInteger, nullable=False),
    sa.Column("color_keys", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("size_keys", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("tag_keys", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("material_keys", pg.ARRAY(sa.Text), nullable=False),
    # The pattern that the shop states, by its name; empty when it says nothing certain.
    sa.Column("pattern_name", sa.Text, nullable=False),
    # The pattern that vision saw in the picture: empty when it was not sure, null when it was not asked yet.
    sa.Column("seen_pattern", sa.Text, nullable=True),
    sa.Column("availability", sa.SmallInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("amount", sa.Numeric(18, 9), nullable=False),
    # The picture that search compares; empty when there is none.
    sa.Column("picture_id", sa.Text, nullable=False),
    sa.Column("change_seq", sa.BigInteger, nullable=False, unique=True),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("update_time", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
sa.Index("products_brand", products.c.brand_key)
sa.Index("products_category", products.c.category_key)
sa.Index(
    "products_unseen",
    products.c.change_seq,
    postgresql_where=sa.text("seen_pattern is null and pattern_name = '' and picture_id <> ''"),
)

# Products that are gone, for indexes that still hold them; forgotten after a while (`retrieval_svc.storage.retention`).
deleted_products = sa.Table(
    "deleted_products",
    metadata,
    sa.Column("product_id", sa.Text, primary_key=True),
    sa.Column("change_seq", sa.BigInteger, nullable=False, unique=True),
    sa.Column("delete_time", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
sa.Index("deleted_products_time", deleted_products.c.delete_time)

# One row: the number of the last change that was forgotten. An index that has not come so far cannot follow any more.
feed_horizon = sa.Table(
    "feed_horizon",
    metadata,
    sa.Column("only_row", sa.Boolean, primary_key=True, server_default=sa.true()),
    sa.Column("forgotten_seq", sa.BigInteger, nullable=False, server_default="0"),
    sa.CheckConstraint("only_row", name="feed_horizon_only_row"),
)

# Which of our pictures a product uses; a picture that no product uses is removed from the object store.
product_pictures = sa.Table(
    "product_pictures",
    metadata,
    sa.Column("product_id", sa.Text, sa.ForeignKey("products.product_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("image_id", sa.Text, primary_key=True),
)
sa.Index("product_pictures_image", product_pictures.c.image_id)

# One vector per product and model. A row without a vector says why the model could not make one.
product_vectors = sa.Table(
    "product_vectors",
    metadata,
    sa.Column("product_id", sa.Text, sa.ForeignKey("products.product_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("picture_id", sa.Text, nullable=False),
    # float32, little-endian, L2-normalised.
    sa.Column("vector", sa.LargeBinary, nullable=True),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
)

brands = sa.Table(
    "brands",
    metadata,
    sa.Column("brand_key", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("score", sa.Double, nullable=False),
    sa.CheckConstraint("score >= 0 and score <= 1", name="brands_score"),
)

currency_rates = sa.Table(
    "currency_rates",
    metadata,
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("date", sa.Date, primary_key=True),
    sa.Column("units_per_euro", sa.Numeric(20, 8), nullable=False),
    sa.Column("source", sa.Text, nullable=False, server_default=""),
    sa.CheckConstraint("units_per_euro > 0", name="currency_rates_positive"),
)

imports = sa.Table(
    "imports",
    metadata,
    sa.Column("import_id", sa.Text, primary_key=True),
    sa.Column("state", sa.SmallInteger, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    sa.Column("total_row_count", sa.BigInteger, nullable=False),
    sa.Column("row_count", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("created_count", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("updated_count", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("unchanged_count", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("rejected_count", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("pending_vector_count", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("update_time", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("end_time", sa.DateTime(timezone=True), nullable=True),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    # When its refused rows were forgotten; null while they are there.
    sa.Column("rejections_purge_time", sa.DateTime(timezone=True), nullable=True),
)

import_rejections = sa.Table(
    "import_rejections",
    metadata,
    sa.Column("import_id", sa.Text, sa.ForeignKey("imports.import_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("ordinal", sa.BigInteger, primary_key=True),
    sa.Column("row_number", sa.BigInteger, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
)

# Which row of an import stored an article number, while it runs or may go on; in the database, since a catalogue may be
# of any size.
import_rows = sa.Table(
    "import_rows",
    metadata,
    sa.Column("import_id", sa.Text, sa.ForeignKey("imports.import_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("product_id", sa.Text, primary_key=True),
    sa.Column("row_number", sa.BigInteger, nullable=False),
)

# One row: the model whose vectors the index holds, and the one that takes over once every product has its vector.
index_models = sa.Table(
    "index_models",
    metadata,
    sa.Column("only_row", sa.Boolean, primary_key=True, server_default=sa.true()),
    sa.Column("active_model", sa.Text, nullable=False),
    sa.Column("active_dimension", sa.Integer, nullable=False),
    sa.Column("next_model", sa.Text, nullable=False, server_default=""),
    sa.Column("next_dimension", sa.Integer, nullable=False, server_default="0"),
    sa.CheckConstraint("only_row", name="index_models_only_row"),
)

# Every generation of an index that was built, in this or another process.
index_generations = sa.Table(
    "index_generations",
    metadata,
    sa.Column("generation", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("dimension", sa.Integer, nullable=False),
    sa.Column("product_count", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("begin_time", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("end_time", sa.DateTime(timezone=True), nullable=True),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    # What a collection on a server needs to be followed by any replica; an edge shard keeps this in a file beside it.
    sa.Column("applied_seq", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("state", pg.JSONB, nullable=True),
)
