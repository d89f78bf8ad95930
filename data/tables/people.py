"""People and programs that come in, and the settings of the installation."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, String, Table, true

from data.tables.base import Moment, count, key, metadata, version, word

user = Table(
    "person",  # USER is a word of SQL
    metadata,
    key(),
    Column("email", String, nullable=False, unique=True),
    word("name"),
    word("password_hash"),
    word("role", default="dispatcher"),
    word("language", default="en"),
    Column("active", Boolean, nullable=False, default=True, server_default=true()),
    count("session_version", default=1),  # raised to end every session of this person
    Column("made_at", Moment, nullable=False),
    Column("last_seen_at", Moment),
    version(),
    CheckConstraint("role IN ('dispatcher', 'warehouse', 'salesperson', 'viewer', 'admin')", name="role"),
)

api_token = Table(
    "api_token",
    metadata,
    key(),
    word("name"),
    Column("token_sha256", String(64), nullable=False, unique=True),
    word("scopes"),
    word("by"),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("last_used_at", Moment),
)

webhook = Table(
    "webhook",
    metadata,
    key(),
    word("url"),
    word("events"),
    word("secret_id"),
    Column("active", Boolean, nullable=False, default=True, server_default=true()),
    Column("made_at", Moment, nullable=False),
)

setting = Table(
    "setting",  # one row a word: outbound, demo_clock, secret ...
    metadata,
    key(),
    Column("name", String, nullable=False, unique=True),
    Column("value", JSON, nullable=False),
    word("by", default=""),
    Column("at", Moment, nullable=False),
    version(),
)
