"""The warehouse picks, stages and scans."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("staged_place", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("staged_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("delivery_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("picked", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.add_column(sa.Column("barcode", sa.String(), server_default="", nullable=False))
        batch_op.create_index("ix_product_barcode", ["barcode"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.drop_index("ix_product_barcode")
        batch_op.drop_column("barcode")

    with op.batch_alter_table("delivery_line", schema=None) as batch_op:
        batch_op.drop_column("picked")

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_column("staged_at")
        batch_op.drop_column("staged_place")
