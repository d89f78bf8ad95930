"""The figures read whole indexes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("line_stand", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_line_stand_day"))
        batch_op.create_index("ix_line_stand_day", ["day", "until_day", "open", "backordered"], unique=False)
        batch_op.drop_index(batch_op.f("ix_line_stand_until"), sqlite_where=sa.text("open > 0"))
        batch_op.create_index(
            "ix_line_stand_until",
            ["until_day", "day", "order_line_id", "open", "backordered", "covered"],
            unique=False,
            sqlite_where=sa.text("open > 0"),
            postgresql_where=sa.text("open > 0"),
        )

    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_movement_product_id"))
        batch_op.create_index(
            "ix_movement_of_product", ["product_id", "at", "from_place", "to_place", "quantity"], unique=False
        )

    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_promise_order_line_id"))
        batch_op.create_index(
            "ix_promise_of_line", ["order_line_id", "version", "made_at", "promised_on", "why"], unique=False
        )
        batch_op.create_index("ix_promise_why", ["why"], unique=False)

    with op.batch_alter_table("proof", schema=None) as batch_op:
        batch_op.create_index("ix_proof_outcome", ["outcome"], unique=False)

    with op.batch_alter_table("proof_line", schema=None) as batch_op:
        batch_op.create_index(
            "ix_proof_line_refused",
            ["proof_id"],
            unique=False,
            sqlite_where=sa.text("refused > 0"),
            postgresql_where=sa.text("refused > 0"),
        )


def downgrade() -> None:
    with op.batch_alter_table("proof_line", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_proof_line_refused", sqlite_where=sa.text("refused > 0"), postgresql_where=sa.text("refused > 0")
        )

    with op.batch_alter_table("proof", schema=None) as batch_op:
        batch_op.drop_index("ix_proof_outcome")

    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.drop_index("ix_promise_why")
        batch_op.drop_index("ix_promise_of_line")
        batch_op.create_index(batch_op.f("ix_promise_order_line_id"), ["order_line_id"], unique=False)

    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.drop_index("ix_movement_of_product")
        batch_op.create_index(batch_op.f("ix_movement_product_id"), ["product_id"], unique=False)

    with op.batch_alter_table("line_stand", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_line_stand_until", sqlite_where=sa.text("open > 0"), postgresql_where=sa.text("open > 0")
        )
        batch_op.create_index(
            "ix_line_stand_until",
            ["until_day", "day"],
            unique=False,
            sqlite_where=sa.text("open > 0"),
            postgresql_where=sa.text("open > 0"),
        )
        batch_op.drop_index("ix_line_stand_day")
        batch_op.create_index(batch_op.f("ix_line_stand_day"), ["day"], unique=False)
