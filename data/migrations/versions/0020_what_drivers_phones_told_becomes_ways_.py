"""What drivers' phones told becomes ways that were driven."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "driven_way",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("shift_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("free_s", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name=op.f("fk_driven_way_region_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_driven_way_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_driven_way")),
    )
    with op.batch_alter_table("driven_way", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_driven_way_region_id"), ["region_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_driven_way_shift_id"), ["shift_id"], unique=False)

    with op.batch_alter_table("position", schema=None) as batch_op:
        batch_op.add_column(sa.Column("read_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("position", schema=None) as batch_op:
        batch_op.drop_column("read_at")

    with op.batch_alter_table("driven_way", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_driven_way_shift_id"))
        batch_op.drop_index(batch_op.f("ix_driven_way_region_id"))

    op.drop_table("driven_way")
