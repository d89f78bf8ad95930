"""Messages: the outbox, templates, and the links that go out in them."""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, Column, Index, String, Table, Text, UniqueConstraint

from data.tables.base import Moment, count, key, metadata, refers, version, word

notice = Table(
    "notice",  # the outbox
    metadata,
    key(),
    word("kind"),
    word("subject_kind"),
    count("subject_id"),
    word("occurrence"),
    word("recipient"),
    word("channel"),
    word("language"),
    refers("contact_id", "contact", nullable=True),
    Column("data", JSON, nullable=False),  # link ids, never tokens
    Column("not_before", Moment),
    Column("made_at", Moment, nullable=False, index=True),
    word("status", default="waiting"),  # waiting | sending | sent | failed | withheld
    count("attempts", default=0),
    Column("next_try_at", Moment),
    Column("lease_until", Moment),
    count("fence", default=0),
    Column("sent_at", Moment),
    word("reference", default=""),
    word("problem", default=""),
    UniqueConstraint("kind", "subject_kind", "subject_id", "occurrence", "recipient", "channel"),
    CheckConstraint("status IN ('waiting', 'sending', 'sent', 'failed', 'withheld')", name="status"),
    Index("ix_notice_status_next_try", "status", "next_try_at"),
)

template = Table(
    "template",
    metadata,
    key(),
    word("kind"),
    word("channel"),
    word("language"),
    Column("subject", Text, nullable=False, default="", server_default=""),
    Column("text", Text, nullable=False),
    word("by", default=""),
    version(),
    UniqueConstraint("kind", "channel", "language"),
)

link = Table(
    "link",  # HMAC(secret, link id, version) is the token; only its SHA-256 is kept
    metadata,
    key(),
    word("kind"),  # driver | tracking | proof | set_up
    word("subject_kind"),
    count("subject_id"),
    count("version", default=1),
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Column("used_at", Moment),
    UniqueConstraint("kind", "subject_kind", "subject_id", "version"),
)
