"""Jobs, idempotency, imports and policies."""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, Column, Index, String, Table, Text, UniqueConstraint

from data.tables.base import Moment, count, key, metadata, version, word

job = Table(
    "job",  # the durable truth of work in the background; the broker only says "look"
    metadata,
    key(),
    word("kind"),
    Column("data", JSON, nullable=False),
    word("state", default="waiting"),  # waiting | running | done | failed | cancelled
    Column("progress", JSON, nullable=False),
    Column("result", JSON),
    Column("problem", Text, nullable=False, default="", server_default=""),
    count("attempts", default=0),
    count("max_attempts", default=5),
    Column("not_before", Moment),
    Column("lease_until", Moment),
    count("fence", default=0),
    Column("published_at", Moment),
    Column("cancel_asked_at", Moment),
    word("by", default=""),
    Column("made_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    CheckConstraint("state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name="state"),
    Index("ix_job_state_not_before", "state", "not_before"),
)

idempotency = Table(
    "idempotency",  # phones, API and imports share it
    metadata,
    key(),
    word("scope"),
    word("key"),
    Column("payload_sha256", String(64), nullable=False),
    Column("response", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("scope", "key"),
)

import_batch = Table(
    "import_batch",
    metadata,
    key(),
    word("kind"),
    word("file_name"),
    Column("sha256", String(64), nullable=False),
    Column("counts", JSON, nullable=False),
    word("by"),
    Column("at", Moment, nullable=False),
)

column_mapping = Table(
    "column_mapping",
    metadata,
    key(),
    word("kind"),
    Column("header_sha256", String(64), nullable=False),
    Column("mapping", JSON, nullable=False),
    word("by"),
    Column("at", Moment, nullable=False),
    UniqueConstraint("kind", "header_sha256"),
)

policy = Table(
    "policy",  # allocation and messages, scoped, with effective dates
    metadata,
    key(),
    word("scope"),  # company | customer | order
    count("scope_id", default=0),
    word("name"),
    Column("value", JSON, nullable=False),
    word("effective_from"),
    word("effective_to", default=""),
    word("by"),
    Column("at", Moment, nullable=False),
    version(),
    UniqueConstraint("scope", "scope_id", "name", "effective_from"),
)
