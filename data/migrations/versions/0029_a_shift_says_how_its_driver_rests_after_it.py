"""A shift says how its driver rests after it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("shift", "shift_template"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("rest_after", sa.String(), server_default="full", nullable=False))


def downgrade() -> None:
    for table in ("shift_template", "shift"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("rest_after")
