"""A report from a door may be corrected."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "corrected_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proof_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("outcome_before", sa.String(), nullable=False),
        sa.Column("outcome_after", sa.String(), nullable=False),
        sa.Column("recipient_before", sa.String(), server_default="", nullable=False),
        sa.Column("counts_before", sa.JSON(), nullable=False),
        sa.Column("counts_after", sa.JSON(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_corrected_report_event_id")),
        sa.ForeignKeyConstraint(["proof_id"], ["proof.id"], name=op.f("fk_corrected_report_proof_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrected_report")),
    )
    with op.batch_alter_table("corrected_report", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_corrected_report_event_id"), ["event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_corrected_report_proof_id"), ["proof_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("corrected_report", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_corrected_report_proof_id"))
        batch_op.drop_index(batch_op.f("ix_corrected_report_event_id"))

    op.drop_table("corrected_report")
