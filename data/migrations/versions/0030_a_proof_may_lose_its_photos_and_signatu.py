"""A proof may lose its photos and signatures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("proof_file", schema=None) as batch_op:
        batch_op.add_column(sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("erased_by", sa.String(), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("proof_file", schema=None) as batch_op:
        batch_op.drop_column("erased_by")
        batch_op.drop_column("erased_at")
