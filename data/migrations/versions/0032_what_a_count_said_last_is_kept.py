"""What a file of counts said last is kept: said again after goods moved, it is no new count."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import data.tables.base

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shelf_count",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("depot_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", data.tables.base.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_shelf_count_depot_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_shelf_count_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shelf_count")),
        sa.UniqueConstraint("depot_id", "product_id", name=op.f("uq_shelf_count_depot_id_product_id")),
    )
    with op.batch_alter_table("shelf_count", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shelf_count_depot_id"), ["depot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_shelf_count_product_id"), ["product_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("shelf_count", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shelf_count_product_id"))
        batch_op.drop_index(batch_op.f("ix_shelf_count_depot_id"))
    op.drop_table("shelf_count")
