"""Products have substitutes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "product_substitute",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("substitute_id", sa.Integer(), nullable=False),
        sa.Column("gives", sa.Integer(), server_default="1", nullable=False),
        sa.Column("replaces", sa.Integer(), server_default="1", nullable=False),
        sa.Column("preference", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("gives >= 1 AND replaces >= 1", name=op.f("ck_product_substitute_ratio")),
        sa.CheckConstraint("product_id <> substitute_id", name=op.f("ck_product_substitute_another")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_product_substitute_product_id")),
        sa.ForeignKeyConstraint(["substitute_id"], ["product.id"], name=op.f("fk_product_substitute_substitute_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_substitute")),
        sa.UniqueConstraint("product_id", "substitute_id", name=op.f("uq_product_substitute_product_id_substitute_id")),
    )
    with op.batch_alter_table("product_substitute", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_product_substitute_product_id"), ["product_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_product_substitute_substitute_id"), ["substitute_id"], unique=False)

    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("instead_of_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("instead_of_units", sa.Integer(), server_default="0", nullable=False))
        batch_op.create_index(batch_op.f("ix_order_line_instead_of_id"), ["instead_of_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_order_line_instead_of_id"))
        batch_op.drop_column("instead_of_units")
        batch_op.drop_column("instead_of_id")

    with op.batch_alter_table("product_substitute", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_product_substitute_substitute_id"))
        batch_op.drop_index(batch_op.f("ix_product_substitute_product_id"))

    op.drop_table("product_substitute")
