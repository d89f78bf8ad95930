"""Whether the customer at a door has heard of the window that was promised, and if not, why. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from routing.model.notices import DOOR_IS_DONE
from routing.rules.stale import TOO_LATE


class Heard(StrEnum):
    TOLD = "told"
    AGREED = "agreed"  # the window was chosen with them: no message has to tell it
    WAITS = "waits"
    OFF = "off"  # it waits until somebody switches sending on
    LATE = "late"
    WITHHELD = "withheld"
    FAILED = "failed"
    NOBODY = "nobody"  # no contact who takes messages


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTo:
    """What became of the message to one recipient."""

    status: str
    sent_at: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowNews:
    heard: Heard
    at: datetime | None = None
    """When the first of them was told."""


def window_news(messages: Sequence[SentTo], *, agreed: bool, sending_is_off: bool) -> WindowNews:
    """Of the messages that tell one window to the people of one door, the best that became of any.

    >>> from datetime import UTC
    >>> eight = datetime(2026, 5, 12, 8, tzinfo=UTC)
    >>> def heard(*messages, agreed=False, off=False):
    ...     return window_news(messages, agreed=agreed, sending_is_off=off).heard.value
    >>> heard(SentTo(status="withheld"), SentTo(status="sent", sent_at=eight))
    'told'
    >>> heard(SentTo(status="waiting")), heard(SentTo(status="waiting"), off=True), heard(SentTo(status="failed"))
    ('waits', 'off', 'failed')
    >>> heard(SentTo(status="withheld", problem=DOOR_IS_DONE)), heard(SentTo(status="withheld", problem="By hand."))
    ('late', 'withheld')
    >>> heard(), heard(agreed=True)
    ('nobody', 'agreed')
    """
    sent = [each.sent_at for each in messages if each.status == "sent" and each.sent_at is not None]
    if sent:
        return WindowNews(heard=Heard.TOLD, at=min(sent))
    if agreed:
        return WindowNews(heard=Heard.AGREED)
    if any(each.status in ("waiting", "sending") for each in messages):
        return WindowNews(heard=Heard.OFF if sending_is_off else Heard.WAITS)
    withheld = [each.problem for each in messages if each.status == "withheld"]
    if any(problem == DOOR_IS_DONE or problem.startswith(TOO_LATE) for problem in withheld):
        return WindowNews(heard=Heard.LATE)
    if withheld:
        return WindowNews(heard=Heard.WITHHELD)
    return WindowNews(heard=Heard.FAILED if messages else Heard.NOBODY)
