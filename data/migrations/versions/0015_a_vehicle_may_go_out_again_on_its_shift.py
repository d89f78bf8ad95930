"""A vehicle may go out again on its shift."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("vehicle", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reload_minutes", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("most_trips", sa.Integer(), server_default="1", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("vehicle", schema=None) as batch_op:
        batch_op.drop_column("most_trips")
        batch_op.drop_column("reload_minutes")
