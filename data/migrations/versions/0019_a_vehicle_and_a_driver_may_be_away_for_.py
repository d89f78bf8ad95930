"""A vehicle and a driver may be away for some days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("driver", schema=None) as batch_op:
        batch_op.add_column(sa.Column("out_from", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("out_to", sa.String(), server_default="", nullable=False))

    with op.batch_alter_table("shift", schema=None) as batch_op:
        batch_op.add_column(sa.Column("template_id", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_shift_template_id"), ["template_id"], unique=False)

    with op.batch_alter_table("vehicle", schema=None) as batch_op:
        batch_op.add_column(sa.Column("out_from", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("out_to", sa.String(), server_default="", nullable=False))

    # Shifts of before are their standing shift's if they leave when it does, with the same van and driver.
    op.execute(
        "UPDATE shift SET template_id = (SELECT MIN(week.id) FROM shift_template week "
        "WHERE week.depot_id = shift.depot_id AND week.vehicle_id = shift.vehicle_id AND week.starts = shift.starts "
        "AND COALESCE(week.driver_id, 0) = COALESCE(shift.driver_id, 0))"
    )


def downgrade() -> None:
    with op.batch_alter_table("vehicle", schema=None) as batch_op:
        batch_op.drop_column("out_to")
        batch_op.drop_column("out_from")

    with op.batch_alter_table("shift", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shift_template_id"))
        batch_op.drop_column("template_id")

    with op.batch_alter_table("driver", schema=None) as batch_op:
        batch_op.drop_column("out_to")
        batch_op.drop_column("out_from")
