"""Empties are fetched that we never delivered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "empties_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("collected", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("collected >= 0", name=op.f("ck_empties_line_collected")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_empties_line_quantity")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_empties_line_delivery_id")),
        sa.ForeignKeyConstraint(["order_id"], ["customer_order.id"], name=op.f("fk_empties_line_order_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_empties_line_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_empties_line")),
        sa.UniqueConstraint("delivery_id", "product_id", name=op.f("uq_empties_line_delivery_id_product_id")),
    )
    with op.batch_alter_table("empties_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_empties_line_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_empties_line_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_empties_line_product_id"), ["product_id"], unique=False)

    # Not in a batch: for a default that is no plain text a batch makes the table anew, and SQLite empties it first.
    op.add_column("product", sa.Column("returnable", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.drop_column("returnable")

    with op.batch_alter_table("empties_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_empties_line_product_id"))
        batch_op.drop_index(batch_op.f("ix_empties_line_order_id"))
        batch_op.drop_index(batch_op.f("ix_empties_line_delivery_id"))

    op.drop_table("empties_line")
