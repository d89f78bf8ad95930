"""What a file said last is kept beside what holds here, so that saying it again changes nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("customer_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("said", sa.JSON(none_as_null=True), nullable=True))
    with op.batch_alter_table("supply", schema=None) as batch_op:
        batch_op.add_column(sa.Column("said", sa.JSON(none_as_null=True), nullable=True))
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("payment_hold_said", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.drop_column("payment_hold_said")
    with op.batch_alter_table("supply", schema=None) as batch_op:
        batch_op.drop_column("said")
    with op.batch_alter_table("customer_order", schema=None) as batch_op:
        batch_op.drop_column("said")
