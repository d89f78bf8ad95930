"""The figures of a past day can be counted."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "line_stand",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_line_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), server_default="1", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("until_day", sa.String(), server_default="9999-12-31", nullable=False),
        sa.Column("ordered", sa.Integer(), server_default="0", nullable=False),
        sa.Column("open", sa.Integer(), server_default="0", nullable=False),
        sa.Column("backordered", sa.Integer(), server_default="0", nullable=False),
        sa.Column("covered", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "covered >= 0 AND covered <= backordered AND backordered <= open AND open <= ordered",
            name=op.f("ck_line_stand_adds_up"),
        ),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_line.id"], name=op.f("fk_line_stand_order_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_stand")),
        sa.UniqueConstraint("order_line_id", "sequence", name=op.f("uq_line_stand_order_line_id_sequence")),
    )
    with op.batch_alter_table("line_stand", schema=None) as batch_op:
        batch_op.create_index("ix_line_stand_day", ["day"], unique=False)
        batch_op.create_index(batch_op.f("ix_line_stand_order_line_id"), ["order_line_id"], unique=False)
        batch_op.create_index(
            "ix_line_stand_until",
            ["until_day", "day"],
            unique=False,
            sqlite_where=sa.text("open > 0"),
            postgresql_where=sa.text("open > 0"),
        )

    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index("ix_event_kind_captured_at", ["kind", "captured_at"], unique=False)

    with op.batch_alter_table("manifest", schema=None) as batch_op:
        batch_op.create_index("ix_manifest_day", ["day"], unique=False)

    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.create_index("ix_promise_made_at", ["made_at"], unique=False)
        batch_op.create_index("ix_promise_promised_on", ["promised_on"], unique=False)

    with op.batch_alter_table("proof", schema=None) as batch_op:
        batch_op.create_index("ix_proof_captured_at", ["captured_at"], unique=False)
    _as_they_stand_now()


def _as_they_stand_now() -> None:
    """The lines that are open today. How they stood before is not known, nor how they stood when they came in:
    they begin at 2, because 1 is how a line stood when it came in."""
    now = datetime.now(UTC)
    moment = now.replace(tzinfo=None) if op.get_bind().dialect.name == "sqlite" else now
    op.get_bind().execute(
        sa.text(
            """
            INSERT INTO line_stand (order_line_id, sequence, at, day, until_day, ordered, open, backordered, covered)
            SELECT id, 2, :at, :day, '9999-12-31', ordered, open, short,
                   CASE WHEN dated < short THEN dated ELSE short END
            FROM (
                SELECT id, ordered, open, dated, CASE WHEN on_shelf < open THEN open - on_shelf ELSE 0 END AS short
                FROM (
                    SELECT line.id, line.quantity - line.cancelled AS ordered,
                           line.quantity - line.cancelled - COALESCE(SUM(a.delivered + a.refused), 0) AS open,
                           COALESCE(SUM(CASE WHEN s.kind = 'receipt' THEN a.allocated + a.released + a.picked + a.loaded
                                             ELSE a.loaded END), 0) AS on_shelf,
                           COALESCE(SUM(CASE WHEN s.kind = 'inbound' AND s.expected_at IS NOT NULL
                                             THEN a.allocated + a.released + a.picked ELSE 0 END), 0) AS dated
                    FROM order_line AS line
                    JOIN customer_order AS o ON o.id = line.order_id
                    LEFT JOIN allocation AS a ON a.order_line_id = line.id
                    LEFT JOIN supply AS s ON s.id = a.supply_id
                    WHERE o.cancelled_at IS NULL
                    GROUP BY line.id, line.quantity, line.cancelled
                ) AS counted
                WHERE open > 0
            ) AS standing
            """
        ).bindparams(sa.bindparam("at", moment, sa.DateTime(timezone=True)), day=now.date().isoformat())
    )


def downgrade() -> None:
    with op.batch_alter_table("proof", schema=None) as batch_op:
        batch_op.drop_index("ix_proof_captured_at")

    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.drop_index("ix_promise_promised_on")
        batch_op.drop_index("ix_promise_made_at")

    with op.batch_alter_table("manifest", schema=None) as batch_op:
        batch_op.drop_index("ix_manifest_day")

    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index("ix_event_kind_captured_at")

    with op.batch_alter_table("line_stand", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_line_stand_until", sqlite_where=sa.text("open > 0"), postgresql_where=sa.text("open > 0")
        )
        batch_op.drop_index(batch_op.f("ix_line_stand_order_line_id"))
        batch_op.drop_index("ix_line_stand_day")

    op.drop_table("line_stand")
