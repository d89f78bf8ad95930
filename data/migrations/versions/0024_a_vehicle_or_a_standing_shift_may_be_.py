"""A vehicle or a standing shift may be gone from a day on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("shift_template", schema=None) as batch_op:
        batch_op.add_column(sa.Column("gone_from", sa.String(), server_default="", nullable=False))

    with op.batch_alter_table("vehicle", schema=None) as batch_op:
        batch_op.add_column(sa.Column("gone_from", sa.String(), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("vehicle", schema=None) as batch_op:
        batch_op.drop_column("gone_from")

    with op.batch_alter_table("shift_template", schema=None) as batch_op:
        batch_op.drop_column("gone_from")
