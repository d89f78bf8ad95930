"""Delay consent: what a customer was asked when a promise slipped, and what they said."""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, Column, Index, Table, UniqueConstraint

from data.tables.base import Moment, count, key, metadata, refers, version, word

delay_consent = Table(
    "delay_consent",  # one question about one delay of one order
    metadata,
    key(),
    refers("order_id", "customer_order"),
    word("day"),  # the ISO day that was told; empty: no date is known
    word("delay_case"),  # which case of routing/rules/consent.py it is
    word("silence"),  # task | accept | cancel: what no answer in the term means, as it was decided when asking
    Column("before", JSON, nullable=False),  # the order's days before an answer moved them
    Column("asked_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    word("answer", default=""),  # accept | other_day | cancel
    word("chosen", default=""),  # the day, or which goods: asked | all | a line's id | the substitute's line
    word("answered_by", default=""),  # customer | silence | user:3
    Column("answered_at", Moment),
    Column("silent_at", Moment),  # the term ended without an answer, and what that means was done
    Column("closed_at", Moment),
    word("closed_why", default=""),  # cancelled | silence | newer | settled | substituted | kept | elsewhere
    version(),
    CheckConstraint("silence IN ('task', 'accept', 'cancel')", name="silence"),
    CheckConstraint("answer IN ('', 'accept', 'other_day', 'cancel')", name="answer"),
    Index("ix_delay_consent_open", "closed_at", "due_at"),
)

delay_consent_line = Table(
    "delay_consent_line",  # the lines it is about, and the version of the promise that was put to the customer
    metadata,
    key(),
    refers("consent_id", "delay_consent"),
    refers("order_line_id", "order_line"),
    count("promise_version"),  # 0: no date could be promised
    word("was_on"),
    word("now_on", default=""),
    UniqueConstraint("consent_id", "order_line_id"),
)
