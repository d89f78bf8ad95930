"""A standing shift says all its terms: what a stop costs, how far it may drive, whether it starts and ends at its depot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("shift", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cost_per_stop", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("shift_template", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cost_per_stop", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("max_distance_m", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("start_place", sa.String(), server_default="depot", nullable=False))
        batch_op.add_column(sa.Column("end_place", sa.String(), server_default="depot", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("shift_template", schema=None) as batch_op:
        batch_op.drop_column("end_place")
        batch_op.drop_column("start_place")
        batch_op.drop_column("max_distance_m")
        batch_op.drop_column("cost_per_stop")

    with op.batch_alter_table("shift", schema=None) as batch_op:
        batch_op.drop_column("cost_per_stop")
