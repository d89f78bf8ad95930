"""Notices: messages that were decided, and what is handed to a sender."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


class NoticeKind(StrEnum):
    """What a message tells: of each there is a rule that decides to send it, and a text in every language."""

    DATE_GIVEN = "date_given"
    DATE_CHANGED = "date_changed"
    WINDOW_SCHEDULED = "window_scheduled"
    OUT_TODAY = "out_today"
    FAILED = "failed"
    DELIVERED = "delivered"
    DRIVER_ROUTE = "driver_route"
    CANCELLED = "cancelled"
    CREDITED = "credited"
    BACKORDER_LIST = "backorder_list"
    SUPPLIER_OVERDUE = "supplier_overdue"
    SUPPLIER_ORDER = "supplier_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One decided message: unique by (kind, subject, occurrence, recipient, channel), so a crash cannot double it.

    `data` holds what the template needs, link ids instead of links: a token is made only when rendering.
    """

    kind: NoticeKind
    subject_kind: str
    subject_id: int
    occurrence: str
    recipient: str
    channel: Channel
    language: str
    data: dict[str, object] = field(default_factory=dict)
    not_before: datetime | None = None
    contact_id: int | None = None


NEWER_TIME = "A newer time was told instead."
"""Why a notice that announced a door is withheld: told once more, it may go out after all."""


DOOR_IS_DONE = "The van was there before this could be sent."
ANNOUNCEMENTS = (NoticeKind.OUT_TODAY, NoticeKind.WINDOW_SCHEDULED)
"""What tells a door when the van comes."""


class Reason(StrEnum):
    """A notice's `why`, written out in the recipient's language."""

    SUPPLIER_LATE = "supplier_late"
    SUPPLIER_CANCELLED = "supplier_cancelled"
    FEWER_CAME = "fewer_came"
    COUNTED_ANEW = "counted_anew"
    AT_THE_DOOR = "at_the_door"
    CLOSED_DAY = "closed_day"
    NOT_SENT = "not_sent"
    """The goods are here, and do not go out on the day that was told."""
    WAS_HELD = "was_held"
    """The order was on hold, or waited for its payment, and may go now."""
    NOT_ENOUGH = "not_enough"
    """What is there does not yet reach for every order: the neutral one."""


def goods_line(
    *, quantity: int, unit: str, name: str, expected_on: str = "", instead_of: str = "", undated: bool = False
) -> dict[str, object]:
    """One line of a notice's `goods` or `waiting`: the template's language decides how it is written.

    `undated`: it was promised a day and has none any more.
    """
    line: dict[str, object] = {"quantity": quantity, "unit": unit, "name": name}
    more: dict[str, object] = {"expected_on": expected_on, "instead_of": instead_of, "undated": undated}
    return line | {name: value for name, value in more.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A rendered notice, ready to hand over. `key` goes along so that a gateway that knows keys sends once."""

    key: str
    channel: Channel
    recipient: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedNotice:
    """A notice taken out of the outbox, for the time of a lease: only who knows the latest `fence` may record.

    `attempts` counts this one. `maybe_sent`: an earlier try ended without a word, so the message may be out already.
    """

    id: int
    fence: int
    attempts: int
    notice: Notice
    maybe_sent: bool = False

    @property
    def key(self) -> str:
        return f"notice-{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A door for one person: what it opens and until when. The token itself is made only when rendering."""

    id: int
    kind: str
    subject_kind: str
    subject_id: int
    version: int
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
