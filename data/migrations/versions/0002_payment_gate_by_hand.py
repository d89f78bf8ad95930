"""Who passed an order's payment gate by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("customer_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("payment_why", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("payment_by", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("payment_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("customer_order", schema=None) as batch_op:
        batch_op.drop_column("payment_at")
        batch_op.drop_column("payment_by")
        batch_op.drop_column("payment_why")
