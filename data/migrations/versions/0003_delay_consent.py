"""Delay consent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delay_consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("delay_case", sa.String(), nullable=False),
        sa.Column("silence", sa.String(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(), server_default="", nullable=False),
        sa.Column("chosen", sa.String(), server_default="", nullable=False),
        sa.Column("answered_by", sa.String(), server_default="", nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("silent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_why", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("answer IN ('', 'accept', 'other_day', 'cancel')", name=op.f("ck_delay_consent_answer")),
        sa.CheckConstraint("silence IN ('task', 'accept', 'cancel')", name=op.f("ck_delay_consent_silence")),
        sa.ForeignKeyConstraint(["order_id"], ["customer_order.id"], name=op.f("fk_delay_consent_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delay_consent")),
    )
    with op.batch_alter_table("delay_consent", schema=None) as batch_op:
        batch_op.create_index("ix_delay_consent_open", ["closed_at", "due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_delay_consent_order_id"), ["order_id"], unique=False)

    op.create_table(
        "delay_consent_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("consent_id", sa.Integer(), nullable=False),
        sa.Column("order_line_id", sa.Integer(), nullable=False),
        sa.Column("promise_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("was_on", sa.String(), nullable=False),
        sa.Column("now_on", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["consent_id"], ["delay_consent.id"], name=op.f("fk_delay_consent_line_consent_id")),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_line.id"], name=op.f("fk_delay_consent_line_order_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delay_consent_line")),
        sa.UniqueConstraint("consent_id", "order_line_id", name=op.f("uq_delay_consent_line_consent_id_order_line_id")),
    )
    with op.batch_alter_table("delay_consent_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delay_consent_line_consent_id"), ["consent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delay_consent_line_order_line_id"), ["order_line_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("delay_consent_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delay_consent_line_order_line_id"))
        batch_op.drop_index(batch_op.f("ix_delay_consent_line_consent_id"))

    op.drop_table("delay_consent_line")
    with op.batch_alter_table("delay_consent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delay_consent_order_id"))
        batch_op.drop_index("ix_delay_consent_open")

    op.drop_table("delay_consent")
