"""A shift of the standing week may have a second break."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("shift_template", schema=None) as batch_op:
        batch_op.add_column(sa.Column("second_break_s", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("second_break_earliest", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("second_break_latest", sa.String(), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("shift_template", schema=None) as batch_op:
        batch_op.drop_column("second_break_latest")
        batch_op.drop_column("second_break_earliest")
        batch_op.drop_column("second_break_s")
