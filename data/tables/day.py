"""The day of delivery: manifests, proofs, cash, tasks, files, and the chain of events."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from data.tables.base import Moment, count, key, metadata, refers, version, word

manifest = Table(
    "manifest",  # the frozen list a driver takes
    metadata,
    key(),
    refers("plan_id", "plan"),
    refers("route_id", "route"),
    refers("shift_id", "shift"),
    refers("driver_id", "driver"),
    word("day"),
    count("version", default=1),  # a change after dispatch is a new manifest of the same shift
    Column("content", JSON, nullable=False),
    Column("dispatched_at", Moment, nullable=False),
    word("by"),
    Column("replaced_at", Moment),
    UniqueConstraint("shift_id", "version"),
    Index("ix_manifest_day", "day"),
)

event = Table(
    "event",  # append-only and hash-chained: who, when, from, to, why
    metadata,
    key(),
    Column("client_id", String, unique=True),  # made by the phone; None for our own
    count("sequence", default=None, nullable=True),  # the phone's own order
    word("kind"),
    word("actor"),
    refers("order_id", "customer_order", nullable=True),
    refers("delivery_id", "delivery", nullable=True),
    refers("shift_id", "shift", nullable=True),
    refers("plan_id", "plan", nullable=True),
    refers("site_id", "site", nullable=True),
    Column("data", JSON, nullable=False),
    Column("captured_at", Moment, nullable=False, index=True),
    Column("received_at", Moment, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Index("ix_event_kind_captured_at", "kind", "captured_at"),
)

proof = Table(
    "proof",  # what happened at the door to one delivery, one row an attempt
    metadata,
    key(),
    refers("event_id", "event"),
    refers("delivery_id", "delivery"),
    refers("manifest_id", "manifest"),
    refers("site_id", "site"),
    count("attempt", default=1),
    word("outcome"),
    word("recipient", default=""),
    Column("note", Text, nullable=False, default="", server_default=""),
    Column("lat", Float),
    Column("lon", Float),
    Column("accuracy_m", Float),
    count("from_address_m", default=None, nullable=True),
    Column("captured_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    UniqueConstraint("delivery_id", "attempt"),
    Index("ix_proof_captured_at", "captured_at"),
    Index("ix_proof_outcome", "outcome"),
)

proof_line = Table(
    "proof_line",
    metadata,
    key(),
    refers("proof_id", "proof"),
    refers("allocation_id", "allocation"),
    count("delivered"),
    count("short"),
    count("damaged"),
    count("refused"),
    count("collected"),
    UniqueConstraint("proof_id", "allocation_id"),
    CheckConstraint(
        "delivered >= 0 AND short >= 0 AND damaged >= 0 AND refused >= 0 AND collected >= 0", name="states"
    ),
    Index("ix_proof_line_refused", "proof_id", sqlite_where=text("refused > 0"), postgresql_where=text("refused > 0")),
)

corrected_report = Table(
    "corrected_report",  # what a proof said before somebody put it right, and what it says since
    metadata,
    key(),
    refers("proof_id", "proof"),
    refers("event_id", "event"),
    word("outcome_before"),
    word("outcome_after"),
    word("recipient_before", default=""),
    Column("counts_before", JSON, nullable=False),  # by allocation id: what of it was delivered, short ...
    Column("counts_after", JSON, nullable=False),
    Column("paid_before", JSON(none_as_null=True)),  # what was due and collected; None: nothing of it was
    Column("paid_after", JSON(none_as_null=True)),
    Column("why", Text, nullable=False),
    word("by"),
    Column("at", Moment, nullable=False),
)

file = Table(
    "file",  # content-addressed
    metadata,
    key(),
    Column("sha256", String(64), nullable=False, unique=True),
    word("media_type"),
    Column("size", Integer, nullable=False),
    Column("stored_at", Moment, nullable=False),
    Column("erased_at", Moment),
)

proof_file = Table(
    "proof_file",
    metadata,
    key(),
    refers("proof_id", "proof"),
    refers("file_id", "file"),
    word("kind"),  # signature | photo
    # The same bytes may stand in another proof, so that it is this proof that no longer has them.
    Column("erased_at", Moment),
    word("erased_by", default=""),
    UniqueConstraint("proof_id", "file_id", "kind"),
)

cash_entry = Table(
    "cash_entry",
    metadata,
    key(),
    refers("shift_id", "shift"),
    refers("delivery_id", "delivery", nullable=True),
    # No foreign keys: SQLite would make the table anew.
    Column("order_id", Integer, index=True),
    Column("proof_id", Integer, index=True),
    word("kind"),  # due | collected | counted
    word("method", default="cash"),  # cash | card | other
    Column("amount", Integer, nullable=False),
    word("currency"),
    Column("at", Moment, nullable=False),
    word("by"),
)

position = Table(
    "position",  # only within a shift
    metadata,
    key(),
    refers("shift_id", "shift"),
    Column("lat", Float, nullable=False),
    Column("lon", Float, nullable=False),
    Column("accuracy_m", Float),
    Column("captured_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("read_at", Moment),  # when the track was laid on the roads
    Index("ix_position_shift_captured", "shift_id", "captured_at"),
)

driven_way = Table(
    "driven_way",  # a piece of a track: how long it took, not where it was
    metadata,
    key(),
    refers("region_id", "region"),
    refers("shift_id", "shift"),
    word("day"),
    word("profile"),
    Column("left_at", Moment, nullable=False),
    Column("arrived_at", Moment, nullable=False),
    Column("free_s", Integer, nullable=False),
)

task = Table(
    "task",  # something a person must do
    metadata,
    key(),
    word("kind"),
    word("assignee", default="dispatcher"),
    Column("due_at", Moment),
    word("subject_kind"),
    count("subject_id", default=0),
    Column("sentence", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("done_at", Moment),
    word("done_by", default=""),
    word("outcome", default=""),
    Column("urgent", Boolean, nullable=False, default=False, server_default=false()),
    version(),
    UniqueConstraint("kind", "subject_kind", "subject_id", "made_at"),
)
