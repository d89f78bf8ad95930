"""Zones have room, products several suppliers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "product_supplier",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("supplier_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_product_supplier_product_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name=op.f("fk_product_supplier_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_supplier")),
        sa.UniqueConstraint("product_id", "supplier_id", name=op.f("uq_product_supplier_product_id_supplier_id")),
    )
    with op.batch_alter_table("product_supplier", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_product_supplier_product_id"), ["product_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_product_supplier_supplier_id"), ["supplier_id"], unique=False)

    with op.batch_alter_table("company", schema=None) as batch_op:
        batch_op.add_column(sa.Column("subdivision", sa.String(), server_default="", nullable=False))

    with op.batch_alter_table("supplier", schema=None) as batch_op:
        batch_op.add_column(sa.Column("language", sa.String(), server_default="en", nullable=False))

    with op.batch_alter_table("zone", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stops_a_day", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("zone", schema=None) as batch_op:
        batch_op.drop_column("stops_a_day")

    with op.batch_alter_table("supplier", schema=None) as batch_op:
        batch_op.drop_column("language")

    with op.batch_alter_table("company", schema=None) as batch_op:
        batch_op.drop_column("subdivision")

    with op.batch_alter_table("product_supplier", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_product_supplier_supplier_id"))
        batch_op.drop_index(batch_op.f("ix_product_supplier_product_id"))

    op.drop_table("product_supplier")
