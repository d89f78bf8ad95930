"""Every order line keeps the day on which it could go by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("own_day", sa.String(), server_default="", nullable=False))
    # Until it is decided again, a line of a ship-complete order goes no sooner than its order.
    op.execute("UPDATE order_line SET own_day = expected_on")


def downgrade() -> None:
    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.drop_column("own_day")
