"""An order may be paid at the door."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("cash_entry", schema=None) as batch_op:
        batch_op.add_column(sa.Column("order_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("proof_id", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_cash_entry_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cash_entry_proof_id"), ["proof_id"], unique=False)

    with op.batch_alter_table("corrected_report", schema=None) as batch_op:
        batch_op.add_column(sa.Column("paid_before", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("paid_after", sa.JSON(none_as_null=True), nullable=True))

    with op.batch_alter_table("customer_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("collect_at_door", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("collect_worth", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("customer_order", schema=None) as batch_op:
        batch_op.drop_column("collect_worth")
        batch_op.drop_column("collect_at_door")

    with op.batch_alter_table("corrected_report", schema=None) as batch_op:
        batch_op.drop_column("paid_after")
        batch_op.drop_column("paid_before")

    with op.batch_alter_table("cash_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cash_entry_proof_id"))
        batch_op.drop_index(batch_op.f("ix_cash_entry_order_id"))
        batch_op.drop_column("proof_id")
        batch_op.drop_column("order_id")
