"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_api_token_token_sha256")),
    )
    op.create_table(
        "calendar",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("scope_id", sa.Integer(), server_default="0", nullable=False),
        sa.Column("weekdays", sa.String(), server_default="mon,tue,wed,thu,fri", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar")),
        sa.UniqueConstraint("scope", "scope_id", name=op.f("uq_calendar_scope_scope_id")),
    )
    op.create_table(
        "column_mapping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("header_sha256", sa.String(length=64), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_column_mapping")),
        sa.UniqueConstraint("kind", "header_sha256", name=op.f("uq_column_mapping_kind_header_sha256")),
    )
    op.create_table(
        "company",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), server_default="en", nullable=False),
        sa.Column("zone", sa.String(), server_default="UTC", nullable=False),
        sa.Column("country", sa.String(), server_default="", nullable=False),
        sa.Column("phone", sa.String(), server_default="", nullable=False),
        sa.Column("email", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), server_default="own", nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("tier", sa.Integer(), server_default="1", nullable=False),
        sa.Column("business", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("language", sa.String(), server_default="en", nullable=False),
        sa.Column("rank_rule", sa.String(), server_default="normal", nullable=False),
        sa.Column("salesperson", sa.String(), server_default="", nullable=False),
        sa.Column("payment_hold", sa.String(), server_default="", nullable=False),
        sa.Column("payment_hold_by", sa.String(), server_default="", nullable=False),
        sa.Column("payment_hold_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("rank_rule IN ('never_loses', 'normal', 'may_give_up')", name=op.f("ck_customer_rank_rule")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("source", "number", name=op.f("uq_customer_source_number")),
    )
    op.create_table(
        "file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
        sa.UniqueConstraint("sha256", name=op.f("uq_file_sha256")),
    )
    op.create_table(
        "geocode_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("address_key", sa.String(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("keep_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_geocode_answer")),
        sa.UniqueConstraint("provider", "address_key", name=op.f("uq_geocode_answer_provider_address_key")),
    )
    op.create_table(
        "idempotency",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("payload_sha256", sa.String(length=64), nullable=False),
        sa.Column("response", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency")),
        sa.UniqueConstraint("scope", "key", name=op.f("uq_idempotency_scope_key")),
    )
    op.create_table(
        "import_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), server_default="waiting", nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default="5", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by", sa.String(), server_default="", nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_job_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index("ix_job_state_not_before", ["state", "not_before"], unique=False)

    op.create_table(
        "link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sa.UniqueConstraint(
            "kind", "subject_kind", "subject_id", "version", name=op.f("uq_link_kind_subject_kind_subject_id_version")
        ),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_link_token_sha256")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), server_default="dispatcher", nullable=False),
        sa.Column("language", sa.String(), server_default="en", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("session_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "role IN ('dispatcher', 'warehouse', 'salesperson', 'viewer', 'admin')", name=op.f("ck_person_role")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
    )
    op.create_table(
        "plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("from_day", sa.String(), nullable=False),
        sa.Column("to_day", sa.String(), nullable=False),
        sa.Column("depot_ids", sa.JSON(), nullable=False),
        sa.Column("problem", sa.LargeBinary(), nullable=False),
        sa.Column("region_build", sa.String(), server_default="", nullable=False),
        sa.Column("engine", sa.String(), nullable=False),
        sa.Column("seed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("iterations", sa.Integer(), server_default="0", nullable=False),
        sa.Column("search_s", sa.Float(), server_default="0", nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("served_by_tier", sa.JSON(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["plan.id"], name=op.f("fk_plan_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
    )
    with op.batch_alter_table("plan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("scope_id", sa.Integer(), server_default="0", nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("effective_from", sa.String(), nullable=False),
        sa.Column("effective_to", sa.String(), server_default="", nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
        sa.UniqueConstraint(
            "scope", "scope_id", "name", "effective_from", name=op.f("uq_policy_scope_scope_id_name_effective_from")
        ),
    )
    op.create_table(
        "region",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("build", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("built_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_region")),
        sa.UniqueConstraint("name", name=op.f("uq_region_name")),
    )
    op.create_table(
        "setting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setting")),
        sa.UniqueConstraint("name", name=op.f("uq_setting_name")),
    )
    op.create_table(
        "supplier",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), server_default="own", nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("email", sa.String(), server_default="", nullable=False),
        sa.Column("lead_days", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier")),
        sa.UniqueConstraint("source", "number", name=op.f("uq_supplier_source_number")),
    )
    op.create_table(
        "task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("assignee", sa.String(), server_default="dispatcher", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(), server_default="", nullable=False),
        sa.Column("outcome", sa.String(), server_default="", nullable=False),
        sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint(
            "kind", "subject_kind", "subject_id", "made_at", name=op.f("uq_task_kind_subject_kind_subject_id_made_at")
        ),
    )
    op.create_table(
        "template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template")),
        sa.UniqueConstraint("kind", "channel", "language", name=op.f("uq_template_kind_channel_language")),
    )
    op.create_table(
        "webhook",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("events", sa.String(), nullable=False),
        sa.Column("secret_id", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_table(
        "calendar_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("calendar_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("open", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("why", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["calendar_id"], ["calendar.id"], name=op.f("fk_calendar_day_calendar_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_day")),
        sa.UniqueConstraint("calendar_id", "day", name=op.f("uq_calendar_day_calendar_id_day")),
    )
    with op.batch_alter_table("calendar_day", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calendar_day_calendar_id"), ["calendar_id"], unique=False)

    op.create_table(
        "depot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), server_default="own", nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), server_default="", nullable=False),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("zone", sa.String(), server_default="UTC", nullable=False),
        sa.Column("currency", sa.String(), server_default="", nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=True),
        sa.Column("put_away_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name=op.f("fk_depot_region_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_depot")),
        sa.UniqueConstraint("source", "number", name=op.f("uq_depot_source_number")),
    )
    with op.batch_alter_table("depot", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_depot_region_id"), ["region_id"], unique=False)

    op.create_table(
        "product",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), server_default="own", nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), server_default="pcs", nullable=False),
        sa.Column("case_pack", sa.Integer(), server_default="1", nullable=False),
        sa.Column("pallet_pack", sa.Integer(), server_default="0", nullable=False),
        sa.Column("weight_g", sa.Integer(), nullable=True),
        sa.Column("volume_cm3", sa.Integer(), nullable=True),
        sa.Column("pieces", sa.Integer(), server_default="1", nullable=False),
        sa.Column("price", sa.Integer(), server_default="0", nullable=False),
        sa.Column("currency", sa.String(), server_default="", nullable=False),
        sa.Column("supplier_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("case_pack >= 1", name=op.f("ck_product_case_pack")),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name=op.f("fk_product_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("source", "number", name=op.f("uq_product_source_number")),
    )
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_product_supplier_id"), ["supplier_id"], unique=False)

    op.create_table(
        "current_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("depot_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), server_default="draft", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("state IN ('draft', 'dispatched', 'closed')", name=op.f("ck_current_plan_state")),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_current_plan_depot_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_current_plan_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_current_plan")),
        sa.UniqueConstraint("depot_id", "day", name=op.f("uq_current_plan_depot_id_day")),
    )
    with op.batch_alter_table("current_plan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_current_plan_depot_id"), ["depot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_current_plan_plan_id"), ["plan_id"], unique=False)

    op.create_table(
        "driver",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), server_default="own", nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("depot_id", sa.Integer(), nullable=False),
        sa.Column("phone", sa.String(), server_default="", nullable=False),
        sa.Column("email", sa.String(), server_default="", nullable=False),
        sa.Column("language", sa.String(), server_default="en", nullable=False),
        sa.Column("skills", sa.String(), server_default="", nullable=False),
        sa.Column("licence", sa.String(), server_default="", nullable=False),
        sa.Column("rule_set", sa.String(), server_default="none", nullable=False),
        sa.Column("weekdays", sa.String(), server_default="mon,tue,wed,thu,fri", nullable=False),
        sa.Column("available", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("out_why", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_driver_depot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_driver")),
        sa.UniqueConstraint("source", "number", name=op.f("uq_driver_source_number")),
    )
    with op.batch_alter_table("driver", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_driver_depot_id"), ["depot_id"], unique=False)

    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("depot_id", sa.Integer(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("for_day", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_release_depot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
    )
    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_release_depot_id"), ["depot_id"], unique=False)

    op.create_table(
        "supply",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), server_default="own", nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("depot_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("supplier_id", sa.Integer(), nullable=True),
        sa.Column("inbound_id", sa.Integer(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received", sa.Integer(), server_default="0", nullable=False),
        sa.Column("closed_short", sa.Integer(), server_default="0", nullable=False),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("kind IN ('inbound', 'receipt')", name=op.f("ck_supply_kind")),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_supply_quantity")),
        sa.CheckConstraint("quarantined >= 0 AND quarantined <= quantity", name=op.f("ck_supply_quarantined")),
        sa.CheckConstraint("received >= 0", name=op.f("ck_supply_received")),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_supply_depot_id")),
        sa.ForeignKeyConstraint(["inbound_id"], ["supply.id"], name=op.f("fk_supply_inbound_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_supply_product_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name=op.f("fk_supply_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supply")),
        sa.UniqueConstraint(
            "source", "kind", "number", "product_id", name=op.f("uq_supply_source_kind_number_product_id")
        ),
    )
    with op.batch_alter_table("supply", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_supply_depot_id"), ["depot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_supply_inbound_id"), ["inbound_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_supply_product_id"), ["product_id"], unique=False)
        batch_op.create_index("ix_supply_sku_depot", ["product_id", "depot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_supply_supplier_id"), ["supplier_id"], unique=False)

    op.create_table(
        "vehicle",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), server_default="own", nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("depot_id", sa.Integer(), nullable=False),
        sa.Column("profile", sa.String(), server_default="car", nullable=False),
        sa.Column("weight_g", sa.Integer(), server_default="0", nullable=False),
        sa.Column("volume_cm3", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pieces", sa.Integer(), server_default="0", nullable=False),
        sa.Column("height_cm", sa.Integer(), nullable=True),
        sa.Column("length_cm", sa.Integer(), nullable=True),
        sa.Column("gross_kg", sa.Integer(), nullable=True),
        sa.Column("skills", sa.String(), server_default="", nullable=False),
        sa.Column("available", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("out_why", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_vehicle_depot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicle")),
        sa.UniqueConstraint("source", "number", name=op.f("uq_vehicle_source_number")),
    )
    with op.batch_alter_table("vehicle", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vehicle_depot_id"), ["depot_id"], unique=False)

    op.create_table(
        "zone",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("depot_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("delivery_days", sa.String(), server_default="mon,tue,wed,thu,fri", nullable=False),
        sa.Column("cut_off", sa.String(), server_default="23:59", nullable=False),
        sa.Column("postcodes", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_zone_depot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone")),
        sa.UniqueConstraint("depot_id", "number", name=op.f("uq_zone_depot_id_number")),
    )
    with op.batch_alter_table("zone", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_zone_depot_id"), ["depot_id"], unique=False)

    op.create_table(
        "shift",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("depot_id", sa.Integer(), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.Integer(), nullable=True),
        sa.Column("crew", sa.Integer(), server_default="1", nullable=False),
        sa.Column("starts", sa.String(), nullable=False),
        sa.Column("ends", sa.String(), nullable=False),
        sa.Column("loading_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("debrief_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cost_fixed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cost_per_hour", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cost_per_km", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_stops", sa.Integer(), nullable=True),
        sa.Column("max_distance_m", sa.Integer(), nullable=True),
        sa.Column("start_place", sa.String(), server_default="depot", nullable=False),
        sa.Column("end_place", sa.String(), server_default="depot", nullable=False),
        sa.Column("state", sa.String(), server_default="planned", nullable=False),
        sa.Column("why", sa.String(), server_default="", nullable=False),
        sa.Column("replaces_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_shift_depot_id")),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.id"], name=op.f("fk_shift_driver_id")),
        sa.ForeignKeyConstraint(["replaces_id"], ["shift.id"], name=op.f("fk_shift_replaces_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_shift_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
        sa.UniqueConstraint(
            "day", "vehicle_id", "driver_id", "starts", name=op.f("uq_shift_day_vehicle_id_driver_id_starts")
        ),
    )
    with op.batch_alter_table("shift", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shift_depot_id"), ["depot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_shift_driver_id"), ["driver_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_shift_replaces_id"), ["replaces_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_shift_vehicle_id"), ["vehicle_id"], unique=False)

    op.create_table(
        "shift_template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), server_default="own", nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("depot_id", sa.Integer(), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.Integer(), nullable=True),
        sa.Column("crew", sa.Integer(), server_default="1", nullable=False),
        sa.Column("weekdays", sa.String(), server_default="mon,tue,wed,thu,fri", nullable=False),
        sa.Column("starts", sa.String(), nullable=False),
        sa.Column("ends", sa.String(), nullable=False),
        sa.Column("loading_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("debrief_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cost_fixed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cost_per_hour", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cost_per_km", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_stops", sa.Integer(), nullable=True),
        sa.Column("break_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("break_earliest", sa.String(), server_default="", nullable=False),
        sa.Column("break_latest", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_shift_template_depot_id")),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.id"], name=op.f("fk_shift_template_driver_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_shift_template_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_template")),
        sa.UniqueConstraint("source", "number", name=op.f("uq_shift_template_source_number")),
    )
    with op.batch_alter_table("shift_template", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shift_template_depot_id"), ["depot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_shift_template_driver_id"), ["driver_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_shift_template_vehicle_id"), ["vehicle_id"], unique=False)

    op.create_table(
        "site",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), server_default="own", nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("postcode", sa.String(), server_default="", nullable=False),
        sa.Column("city", sa.String(), server_default="", nullable=False),
        sa.Column("country", sa.String(), server_default="", nullable=False),
        sa.Column("zone", sa.String(), server_default="", nullable=False),
        sa.Column("delivery_zone_id", sa.Integer(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("pin_quality", sa.String(), server_default="not_found", nullable=False),
        sa.Column("pin_provider", sa.String(), server_default="", nullable=False),
        sa.Column("pin_label", sa.String(), server_default="", nullable=False),
        sa.Column("pin_why", sa.String(), server_default="", nullable=False),
        sa.Column("pin_by", sa.String(), server_default="", nullable=False),
        sa.Column("pin_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pin_candidates", sa.JSON(), nullable=True),
        sa.Column("delivery_days", sa.String(), server_default="", nullable=False),
        sa.Column("service_s", sa.Integer(), server_default="300", nullable=False),
        sa.Column("service_s_per_case", sa.Integer(), server_default="0", nullable=False),
        sa.Column("parking_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_height_cm", sa.Integer(), nullable=True),
        sa.Column("max_length_cm", sa.Integer(), nullable=True),
        sa.Column("max_weight_kg", sa.Integer(), nullable=True),
        sa.Column("skills", sa.String(), server_default="", nullable=False),
        sa.Column("crew", sa.Integer(), server_default="1", nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("gate_code", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_site_customer_id")),
        sa.ForeignKeyConstraint(["delivery_zone_id"], ["zone.id"], name=op.f("fk_site_delivery_zone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("source", "number", name=op.f("uq_site_source_number")),
    )
    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_site_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_site_delivery_zone_id"), ["delivery_zone_id"], unique=False)

    op.create_table(
        "address_pin",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address_key", sa.String(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("label", sa.String(), server_default="", nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_address_pin_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_pin")),
        sa.UniqueConstraint("address_key", "site_id", name=op.f("uq_address_pin_address_key_site_id")),
    )
    with op.batch_alter_table("address_pin", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_address_pin_site_id"), ["site_id"], unique=False)

    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("language", sa.String(), server_default="", nullable=False),
        sa.Column("consent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("consent_source", sa.String(), server_default="", nullable=False),
        sa.Column("consent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quiet_from", sa.String(), server_default="21:00", nullable=False),
        sa.Column("quiet_to", sa.String(), server_default="08:00", nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_contact_customer_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_contact_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint(
            "customer_id",
            "site_id",
            "role",
            "channel",
            "address",
            name=op.f("uq_contact_customer_id_site_id_role_channel_address"),
        ),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_site_id"), ["site_id"], unique=False)

    op.create_table(
        "customer_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), server_default="own", nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("depot_id", sa.Integer(), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wanted_on", sa.String(), server_default="", nullable=False),
        sa.Column("not_before", sa.String(), server_default="", nullable=False),
        sa.Column("not_after", sa.String(), server_default="", nullable=False),
        sa.Column("customer_reference", sa.String(), server_default="", nullable=False),
        sa.Column("erp_reference", sa.String(), server_default="", nullable=False),
        sa.Column("completeness", sa.String(), server_default="partial", nullable=False),
        sa.Column("min_percent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("min_value", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_wait_days", sa.Integer(), nullable=True),
        sa.Column("max_shipments", sa.Integer(), nullable=True),
        sa.Column("routing_tier", sa.Integer(), nullable=True),
        sa.Column("urgent_by", sa.String(), server_default="", nullable=False),
        sa.Column("hold_reason", sa.String(), server_default="", nullable=False),
        sa.Column("hold_by", sa.String(), server_default="", nullable=False),
        sa.Column("hold_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("payment", sa.String(), server_default="ok", nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("content_hash", sa.String(), server_default="", nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "completeness IN ('partial', 'per_line', 'complete')", name=op.f("ck_customer_order_completeness")
        ),
        sa.CheckConstraint("payment IN ('ok', 'pending')", name=op.f("ck_customer_order_payment")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_customer_order_customer_id")),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_customer_order_depot_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_customer_order_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_order")),
        sa.UniqueConstraint("source", "number", name=op.f("uq_customer_order_source_number")),
    )
    with op.batch_alter_table("customer_order", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_customer_order_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_customer_order_depot_id"), ["depot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_customer_order_ordered_at"), ["ordered_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_customer_order_site_id"), ["site_id"], unique=False)
        batch_op.create_index("ix_order_customer_reference", ["customer_reference"], unique=False)
        batch_op.create_index("ix_order_erp_reference", ["erp_reference"], unique=False)

    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("depot_id", sa.Integer(), nullable=False),
        sa.Column("for_day", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), server_default="deliver", nullable=False),
        sa.Column("state", sa.String(), server_default="released", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tier", sa.Integer(), server_default="1", nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("oldest_ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waits_for", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("direction IN ('deliver', 'collect')", name=op.f("ck_delivery_direction")),
        sa.CheckConstraint(
            "state IN ('released', 'loaded', 'dispatched', 'under_way', 'done', 'failed', 'unreleased')",
            name=op.f("ck_delivery_state"),
        ),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_delivery_depot_id")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_delivery_release_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_delivery_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("number", name=op.f("uq_delivery_number")),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_depot_id"), ["depot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_release_id"), ["release_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_site_id"), ["site_id"], unique=False)

    op.create_table(
        "position",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("shift_id", sa.Integer(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("accuracy_m", sa.Float(), nullable=True),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_position_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position")),
    )
    with op.batch_alter_table("position", schema=None) as batch_op:
        batch_op.create_index("ix_position_shift_captured", ["shift_id", "captured_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_position_shift_id"), ["shift_id"], unique=False)

    op.create_table(
        "route",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("shift_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("breaks", sa.JSON(), nullable=False),
        sa.Column("distance_m", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_route_plan_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_route_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route")),
        sa.UniqueConstraint("plan_id", "shift_id", name=op.f("uq_route_plan_id_shift_id")),
    )
    with op.batch_alter_table("route", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_route_plan_id"), ["plan_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_route_shift_id"), ["shift_id"], unique=False)

    op.create_table(
        "shift_break",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("shift_id", sa.Integer(), nullable=False),
        sa.Column("duration_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("earliest", sa.String(), nullable=False),
        sa.Column("latest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_shift_break_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_break")),
    )
    with op.batch_alter_table("shift_break", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shift_break_shift_id"), ["shift_id"], unique=False)

    op.create_table(
        "site_window",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("weekdays", sa.String(), server_default="", nullable=False),
        sa.Column("opens", sa.String(), nullable=False),
        sa.Column("closes", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), server_default="begin_by", nullable=False),
        sa.CheckConstraint("kind IN ('begin_by', 'finish_by')", name=op.f("ck_site_window_kind")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_site_window_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_window")),
    )
    with op.batch_alter_table("site_window", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_site_window_site_id"), ["site_id"], unique=False)

    op.create_table(
        "cash_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("shift_id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("method", sa.String(), server_default="cash", nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_cash_entry_delivery_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_cash_entry_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_entry")),
    )
    with op.batch_alter_table("cash_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cash_entry_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_cash_entry_shift_id"), ["shift_id"], unique=False)

    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("delivery_id", sa.Integer(), nullable=True),
        sa.Column("shift_id", sa.Integer(), nullable=True),
        sa.Column("plan_id", sa.Integer(), nullable=True),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_event_delivery_id")),
        sa.ForeignKeyConstraint(["order_id"], ["customer_order.id"], name=op.f("fk_event_order_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_event_plan_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_event_shift_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_event_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("client_id", name=op.f("uq_event_client_id")),
        sa.UniqueConstraint("hash", name=op.f("uq_event_hash")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_captured_at"), ["captured_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_plan_id"), ["plan_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_shift_id"), ["shift_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_site_id"), ["site_id"], unique=False)

    op.create_table(
        "manifest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("route_id", sa.Integer(), nullable=False),
        sa.Column("shift_id", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.id"], name=op.f("fk_manifest_driver_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_manifest_plan_id")),
        sa.ForeignKeyConstraint(["route_id"], ["route.id"], name=op.f("fk_manifest_route_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_manifest_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manifest")),
        sa.UniqueConstraint("shift_id", "version", name=op.f("uq_manifest_shift_id_version")),
    )
    with op.batch_alter_table("manifest", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_manifest_driver_id"), ["driver_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_manifest_plan_id"), ["plan_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_manifest_route_id"), ["route_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_manifest_shift_id"), ["shift_id"], unique=False)

    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Integer(), server_default="0", nullable=False),
        sa.Column("occurrence", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reference", sa.String(), server_default="", nullable=False),
        sa.Column("problem", sa.String(), server_default="", nullable=False),
        sa.CheckConstraint(
            "status IN ('waiting', 'sending', 'sent', 'failed', 'withheld')", name=op.f("ck_notice_status")
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_notice_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint(
            "kind",
            "subject_kind",
            "subject_id",
            "occurrence",
            "recipient",
            "channel",
            name=op.f("uq_notice_kind_subject_kind_subject_id_occurrence_recipient_channel"),
        ),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_contact_id"), ["contact_id"], unique=False)
        batch_op.create_index("ix_notice_status_next_try", ["status", "next_try_at"], unique=False)

    op.create_table(
        "order_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("expected_on", sa.String(), server_default="", nullable=False),
        sa.Column("erp_reference", sa.String(), server_default="", nullable=False),
        sa.CheckConstraint("cancelled >= 0 AND cancelled <= quantity", name=op.f("ck_order_line_cancelled")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_line_quantity")),
        sa.ForeignKeyConstraint(["order_id"], ["customer_order.id"], name=op.f("fk_order_line_order_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_order_line_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        sa.UniqueConstraint("order_id", "number", name=op.f("uq_order_line_order_id_number")),
    )
    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_line_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_order_line_product_id"), ["product_id"], unique=False)

    op.create_table(
        "order_window",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("weekdays", sa.String(), server_default="", nullable=False),
        sa.Column("opens", sa.String(), nullable=False),
        sa.Column("closes", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), server_default="begin_by", nullable=False),
        sa.CheckConstraint("kind IN ('begin_by', 'finish_by')", name=op.f("ck_order_window_kind")),
        sa.ForeignKeyConstraint(["order_id"], ["customer_order.id"], name=op.f("fk_order_window_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_window")),
    )
    with op.batch_alter_table("order_window", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_window_order_id"), ["order_id"], unique=False)

    op.create_table(
        "plan_lock",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("shift_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_plan_lock_delivery_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_plan_lock_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_lock")),
        sa.UniqueConstraint("day", "delivery_id", name=op.f("uq_plan_lock_day_delivery_id")),
    )
    with op.batch_alter_table("plan_lock", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_lock_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_plan_lock_shift_id"), ["shift_id"], unique=False)

    op.create_table(
        "trip",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("route_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("departs_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("returns_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("distance_m", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["route_id"], ["route.id"], name=op.f("fk_trip_route_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trip")),
        sa.UniqueConstraint("route_id", "sequence", name=op.f("uq_trip_route_id_sequence")),
    )
    with op.batch_alter_table("trip", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trip_route_id"), ["route_id"], unique=False)

    op.create_table(
        "unassigned",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("proven", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("detail", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_unassigned_delivery_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_unassigned_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unassigned")),
        sa.UniqueConstraint("plan_id", "delivery_id", name=op.f("uq_unassigned_plan_id_delivery_id")),
    )
    with op.batch_alter_table("unassigned", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unassigned_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_unassigned_plan_id"), ["plan_id"], unique=False)

    op.create_table(
        "allocation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("supply_id", sa.Integer(), nullable=False),
        sa.Column("order_line_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("allocated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("released", sa.Integer(), server_default="0", nullable=False),
        sa.Column("picked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("loaded", sa.Integer(), server_default="0", nullable=False),
        sa.Column("delivered", sa.Integer(), server_default="0", nullable=False),
        sa.Column("short", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused", sa.Integer(), server_default="0", nullable=False),
        sa.Column("damaged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "allocated + released + picked + loaded + delivered + short + refused + damaged = quantity",
            name=op.f("ck_allocation_adds_up"),
        ),
        sa.CheckConstraint(
            "allocated >= 0 AND released >= 0 AND picked >= 0 AND loaded >= 0 AND delivered >= 0 AND short >= 0 AND refused >= 0 AND damaged >= 0",
            name=op.f("ck_allocation_states"),
        ),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_allocation_quantity")),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_line.id"], name=op.f("fk_allocation_order_line_id")),
        sa.ForeignKeyConstraint(["supply_id"], ["supply.id"], name=op.f("fk_allocation_supply_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
        sa.UniqueConstraint("supply_id", "order_line_id", name=op.f("uq_allocation_supply_id_order_line_id")),
    )
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_allocation_order_line_id"), ["order_line_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_allocation_supply_id"), ["supply_id"], unique=False)

    op.create_table(
        "promise",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_line_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("promised_on", sa.String(), nullable=False),
        sa.Column("window_from", sa.String(), server_default="", nullable=False),
        sa.Column("window_to", sa.String(), server_default="", nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_line.id"], name=op.f("fk_promise_order_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
        sa.UniqueConstraint("order_line_id", "version", name=op.f("uq_promise_order_line_id_version")),
    )
    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_promise_order_line_id"), ["order_line_id"], unique=False)

    op.create_table(
        "proof",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("manifest_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="1", nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("accuracy_m", sa.Float(), nullable=True),
        sa.Column("from_address_m", sa.Integer(), nullable=True),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_proof_delivery_id")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_proof_event_id")),
        sa.ForeignKeyConstraint(["manifest_id"], ["manifest.id"], name=op.f("fk_proof_manifest_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_proof_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proof")),
        sa.UniqueConstraint("delivery_id", "attempt", name=op.f("uq_proof_delivery_id_attempt")),
    )
    with op.batch_alter_table("proof", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proof_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proof_event_id"), ["event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proof_manifest_id"), ["manifest_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proof_site_id"), ["site_id"], unique=False)

    op.create_table(
        "stop",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trip_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("arrival", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("departure", sa.DateTime(timezone=True), nullable=False),
        sa.Column("distance_m", sa.Integer(), server_default="0", nullable=False),
        sa.Column("travel_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("load", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_stop_site_id")),
        sa.ForeignKeyConstraint(["trip_id"], ["trip.id"], name=op.f("fk_stop_trip_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop")),
        sa.UniqueConstraint("trip_id", "sequence", name=op.f("uq_stop_trip_id_sequence")),
    )
    with op.batch_alter_table("stop", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stop_site_id"), ["site_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_stop_trip_id"), ["trip_id"], unique=False)

    op.create_table(
        "delivery_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("allocation_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_delivery_line_quantity")),
        sa.ForeignKeyConstraint(["allocation_id"], ["allocation.id"], name=op.f("fk_delivery_line_allocation_id")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_line_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_line")),
        sa.UniqueConstraint("delivery_id", "allocation_id", name=op.f("uq_delivery_line_delivery_id_allocation_id")),
    )
    with op.batch_alter_table("delivery_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_line_allocation_id"), ["allocation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_line_delivery_id"), ["delivery_id"], unique=False)

    op.create_table(
        "movement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("from_place", sa.String(), nullable=False),
        sa.Column("to_place", sa.String(), nullable=False),
        sa.Column("allocation_id", sa.Integer(), nullable=True),
        sa.Column("delivery_id", sa.Integer(), nullable=True),
        sa.Column("supply_id", sa.Integer(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_movement_quantity")),
        sa.ForeignKeyConstraint(["allocation_id"], ["allocation.id"], name=op.f("fk_movement_allocation_id")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_movement_delivery_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_movement_product_id")),
        sa.ForeignKeyConstraint(["supply_id"], ["supply.id"], name=op.f("fk_movement_supply_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_movement")),
    )
    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_movement_allocation_id"), ["allocation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_movement_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_movement_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_movement_product_id"), ["product_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_movement_supply_id"), ["supply_id"], unique=False)

    op.create_table(
        "proof_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proof_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name=op.f("fk_proof_file_file_id")),
        sa.ForeignKeyConstraint(["proof_id"], ["proof.id"], name=op.f("fk_proof_file_proof_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proof_file")),
        sa.UniqueConstraint("proof_id", "file_id", "kind", name=op.f("uq_proof_file_proof_id_file_id_kind")),
    )
    with op.batch_alter_table("proof_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proof_file_file_id"), ["file_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proof_file_proof_id"), ["proof_id"], unique=False)

    op.create_table(
        "proof_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proof_id", sa.Integer(), nullable=False),
        sa.Column("allocation_id", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Integer(), server_default="0", nullable=False),
        sa.Column("short", sa.Integer(), server_default="0", nullable=False),
        sa.Column("damaged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused", sa.Integer(), server_default="0", nullable=False),
        sa.Column("collected", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "delivered >= 0 AND short >= 0 AND damaged >= 0 AND refused >= 0 AND collected >= 0",
            name=op.f("ck_proof_line_states"),
        ),
        sa.ForeignKeyConstraint(["allocation_id"], ["allocation.id"], name=op.f("fk_proof_line_allocation_id")),
        sa.ForeignKeyConstraint(["proof_id"], ["proof.id"], name=op.f("fk_proof_line_proof_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proof_line")),
        sa.UniqueConstraint("proof_id", "allocation_id", name=op.f("uq_proof_line_proof_id_allocation_id")),
    )
    with op.batch_alter_table("proof_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proof_line_allocation_id"), ["allocation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proof_line_proof_id"), ["proof_id"], unique=False)

    op.create_table(
        "stop_delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stop_id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_stop_delivery_delivery_id")),
        sa.ForeignKeyConstraint(["stop_id"], ["stop.id"], name=op.f("fk_stop_delivery_stop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop_delivery")),
        sa.UniqueConstraint("stop_id", "delivery_id", name=op.f("uq_stop_delivery_stop_id_delivery_id")),
    )
    with op.batch_alter_table("stop_delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stop_delivery_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_stop_delivery_stop_id"), ["stop_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("stop_delivery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stop_delivery_stop_id"))
        batch_op.drop_index(batch_op.f("ix_stop_delivery_delivery_id"))

    op.drop_table("stop_delivery")
    with op.batch_alter_table("proof_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_proof_line_proof_id"))
        batch_op.drop_index(batch_op.f("ix_proof_line_allocation_id"))

    op.drop_table("proof_line")
    with op.batch_alter_table("proof_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_proof_file_proof_id"))
        batch_op.drop_index(batch_op.f("ix_proof_file_file_id"))

    op.drop_table("proof_file")
    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_movement_supply_id"))
        batch_op.drop_index(batch_op.f("ix_movement_product_id"))
        batch_op.drop_index(batch_op.f("ix_movement_delivery_id"))
        batch_op.drop_index(batch_op.f("ix_movement_at"))
        batch_op.drop_index(batch_op.f("ix_movement_allocation_id"))

    op.drop_table("movement")
    with op.batch_alter_table("delivery_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_line_delivery_id"))
        batch_op.drop_index(batch_op.f("ix_delivery_line_allocation_id"))

    op.drop_table("delivery_line")
    with op.batch_alter_table("stop", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stop_trip_id"))
        batch_op.drop_index(batch_op.f("ix_stop_site_id"))

    op.drop_table("stop")
    with op.batch_alter_table("proof", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_proof_site_id"))
        batch_op.drop_index(batch_op.f("ix_proof_manifest_id"))
        batch_op.drop_index(batch_op.f("ix_proof_event_id"))
        batch_op.drop_index(batch_op.f("ix_proof_delivery_id"))

    op.drop_table("proof")
    with op.batch_alter_table("promise", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_promise_order_line_id"))

    op.drop_table("promise")
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_allocation_supply_id"))
        batch_op.drop_index(batch_op.f("ix_allocation_order_line_id"))

    op.drop_table("allocation")
    with op.batch_alter_table("unassigned", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unassigned_plan_id"))
        batch_op.drop_index(batch_op.f("ix_unassigned_delivery_id"))

    op.drop_table("unassigned")
    with op.batch_alter_table("trip", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trip_route_id"))

    op.drop_table("trip")
    with op.batch_alter_table("plan_lock", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_lock_shift_id"))
        batch_op.drop_index(batch_op.f("ix_plan_lock_delivery_id"))

    op.drop_table("plan_lock")
    with op.batch_alter_table("order_window", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_order_window_order_id"))

    op.drop_table("order_window")
    with op.batch_alter_table("order_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_order_line_product_id"))
        batch_op.drop_index(batch_op.f("ix_order_line_order_id"))

    op.drop_table("order_line")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_status_next_try")
        batch_op.drop_index(batch_op.f("ix_notice_contact_id"))

    op.drop_table("notice")
    with op.batch_alter_table("manifest", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_manifest_shift_id"))
        batch_op.drop_index(batch_op.f("ix_manifest_route_id"))
        batch_op.drop_index(batch_op.f("ix_manifest_plan_id"))
        batch_op.drop_index(batch_op.f("ix_manifest_driver_id"))

    op.drop_table("manifest")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_site_id"))
        batch_op.drop_index(batch_op.f("ix_event_shift_id"))
        batch_op.drop_index(batch_op.f("ix_event_plan_id"))
        batch_op.drop_index(batch_op.f("ix_event_order_id"))
        batch_op.drop_index(batch_op.f("ix_event_delivery_id"))
        batch_op.drop_index(batch_op.f("ix_event_captured_at"))

    op.drop_table("event")
    with op.batch_alter_table("cash_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cash_entry_shift_id"))
        batch_op.drop_index(batch_op.f("ix_cash_entry_delivery_id"))

    op.drop_table("cash_entry")
    with op.batch_alter_table("site_window", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_site_window_site_id"))

    op.drop_table("site_window")
    with op.batch_alter_table("shift_break", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shift_break_shift_id"))

    op.drop_table("shift_break")
    with op.batch_alter_table("route", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_route_shift_id"))
        batch_op.drop_index(batch_op.f("ix_route_plan_id"))

    op.drop_table("route")
    with op.batch_alter_table("position", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_position_shift_id"))
        batch_op.drop_index("ix_position_shift_captured")

    op.drop_table("position")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_site_id"))
        batch_op.drop_index(batch_op.f("ix_delivery_release_id"))
        batch_op.drop_index(batch_op.f("ix_delivery_depot_id"))

    op.drop_table("delivery")
    with op.batch_alter_table("customer_order", schema=None) as batch_op:
        batch_op.drop_index("ix_order_erp_reference")
        batch_op.drop_index("ix_order_customer_reference")
        batch_op.drop_index(batch_op.f("ix_customer_order_site_id"))
        batch_op.drop_index(batch_op.f("ix_customer_order_ordered_at"))
        batch_op.drop_index(batch_op.f("ix_customer_order_depot_id"))
        batch_op.drop_index(batch_op.f("ix_customer_order_customer_id"))

    op.drop_table("customer_order")
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_site_id"))
        batch_op.drop_index(batch_op.f("ix_contact_customer_id"))

    op.drop_table("contact")
    with op.batch_alter_table("address_pin", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_address_pin_site_id"))

    op.drop_table("address_pin")
    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_site_delivery_zone_id"))
        batch_op.drop_index(batch_op.f("ix_site_customer_id"))

    op.drop_table("site")
    with op.batch_alter_table("shift_template", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shift_template_vehicle_id"))
        batch_op.drop_index(batch_op.f("ix_shift_template_driver_id"))
        batch_op.drop_index(batch_op.f("ix_shift_template_depot_id"))

    op.drop_table("shift_template")
    with op.batch_alter_table("shift", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shift_vehicle_id"))
        batch_op.drop_index(batch_op.f("ix_shift_replaces_id"))
        batch_op.drop_index(batch_op.f("ix_shift_driver_id"))
        batch_op.drop_index(batch_op.f("ix_shift_depot_id"))

    op.drop_table("shift")
    with op.batch_alter_table("zone", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_zone_depot_id"))

    op.drop_table("zone")
    with op.batch_alter_table("vehicle", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_vehicle_depot_id"))

    op.drop_table("vehicle")
    with op.batch_alter_table("supply", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_supply_supplier_id"))
        batch_op.drop_index("ix_supply_sku_depot")
        batch_op.drop_index(batch_op.f("ix_supply_product_id"))
        batch_op.drop_index(batch_op.f("ix_supply_inbound_id"))
        batch_op.drop_index(batch_op.f("ix_supply_depot_id"))

    op.drop_table("supply")
    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_release_depot_id"))

    op.drop_table("release")
    with op.batch_alter_table("driver", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_driver_depot_id"))

    op.drop_table("driver")
    with op.batch_alter_table("current_plan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_current_plan_plan_id"))
        batch_op.drop_index(batch_op.f("ix_current_plan_depot_id"))

    op.drop_table("current_plan")
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_product_supplier_id"))

    op.drop_table("product")
    with op.batch_alter_table("depot", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_depot_region_id"))

    op.drop_table("depot")
    with op.batch_alter_table("calendar_day", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calendar_day_calendar_id"))

    op.drop_table("calendar_day")
    op.drop_table("webhook")
    op.drop_table("template")
    op.drop_table("task")
    op.drop_table("supplier")
    op.drop_table("setting")
    op.drop_table("region")
    op.drop_table("policy")
    with op.batch_alter_table("plan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_parent_id"))

    op.drop_table("plan")
    op.drop_table("person")
    op.drop_table("link")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index("ix_job_state_not_before")

    op.drop_table("job")
    op.drop_table("import_batch")
    op.drop_table("idempotency")
    op.drop_table("geocode_answer")
    op.drop_table("file")
    op.drop_table("customer")
    op.drop_table("company")
    op.drop_table("column_mapping")
    op.drop_table("calendar")
    op.drop_table("api_token")
