"""A release of the ERP may be paid at its door."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delivery_ask",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("worth", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_ask_delivery_id")),
        sa.ForeignKeyConstraint(["order_id"], ["customer_order.id"], name=op.f("fk_delivery_ask_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_ask")),
        sa.UniqueConstraint("delivery_id", "order_id", name=op.f("uq_delivery_ask_delivery_id_order_id")),
    )
    with op.batch_alter_table("delivery_ask", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_ask_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_ask_order_id"), ["order_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("delivery_ask", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_ask_order_id"))
        batch_op.drop_index(batch_op.f("ix_delivery_ask_delivery_id"))

    op.drop_table("delivery_ask")
