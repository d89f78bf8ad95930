"""Ways take longer at some times of the day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "speed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("weekdays", sa.String(), server_default="", nullable=False),
        sa.Column("begins", sa.String(), nullable=False),
        sa.Column("ends", sa.String(), nullable=False),
        sa.Column("percent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("profile", sa.String(), server_default="", nullable=False),
        sa.Column("source", sa.String(), server_default="written", nullable=False),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name=op.f("fk_speed_region_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_speed")),
        sa.UniqueConstraint("region_id", "sequence", name=op.f("uq_speed_region_id_sequence")),
    )
    with op.batch_alter_table("speed", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_speed_region_id"), ["region_id"], unique=False)

    with op.batch_alter_table("plan", schema=None) as batch_op:
        batch_op.add_column(sa.Column("speeds", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("plan", schema=None) as batch_op:
        batch_op.drop_column("speeds")

    with op.batch_alter_table("speed", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_speed_region_id"))

    op.drop_table("speed")
