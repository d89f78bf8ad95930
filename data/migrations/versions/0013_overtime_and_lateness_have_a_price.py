"""Overtime and lateness have a price."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("shift", schema=None) as batch_op:
        batch_op.add_column(sa.Column("overtime_s", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("cost_per_overtime_hour", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("shift_template", schema=None) as batch_op:
        batch_op.add_column(sa.Column("overtime_s", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("cost_per_overtime_hour", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.add_column(sa.Column("late_s", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("late_per_minute", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.drop_column("late_per_minute")
        batch_op.drop_column("late_s")

    with op.batch_alter_table("shift_template", schema=None) as batch_op:
        batch_op.drop_column("cost_per_overtime_hour")
        batch_op.drop_column("overtime_s")

    with op.batch_alter_table("shift", schema=None) as batch_op:
        batch_op.drop_column("cost_per_overtime_hour")
        batch_op.drop_column("overtime_s")
