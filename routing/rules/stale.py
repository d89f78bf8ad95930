"""Whether a message that waited may still go out, or says what is no longer so. Pure."""

from __future__ import annotations

from datetime import datetime

from routing.model.consents import Answer, Consent
from routing.model.days import day_words
from routing.model.notices import Notice, NoticeKind

TOO_LATE = "Too late to send:"
"""How the reason begins of what waited too long."""


TELLS_A_DAY = frozenset(
    {
        NoticeKind.DATE_GIVEN,
        NoticeKind.DATE_CHANGED,
        NoticeKind.WINDOW_SCHEDULED,
        NoticeKind.OUT_TODAY,
        NoticeKind.DRIVER_ROUTE,
    }
)
"""Messages about a day that is still to come: once it is over they are false. Others tell what was, and stay true."""


def too_late(notice: Notice, question: Consent | None, *, today: str, now: datetime) -> str:
    """Why a notice is not sent any more; "" when it may go. `today`: the recipient's ISO day. `question`: what it asks.

    A café's delivery moved to Friday 27 November, and sending was off until the 4th of December:

    >>> from datetime import UTC
    >>> from routing.model.notices import Channel
    >>> moved = Notice(
    ...     kind=NoticeKind.DATE_CHANGED, subject_kind="order", subject_id=1, occurrence="1", recipient="a@b.example",
    ...     channel=Channel.EMAIL, language="en", data={"day": "2026-11-27"},
    ... )
    >>> for day in ("2026-11-27", "2026-12-04"):
    ...     print(repr(too_late(moved, None, today=day, now=datetime(2026, 12, 4, tzinfo=UTC))))
    ''
    'Too late to send: it tells of Fri 27 Nov 2026, and that day is over.'
    """
    if question is not None:
        if question.closed_at is not None or question.answer in (Answer.OTHER_DAY, Answer.CANCEL):
            return f"{TOO_LATE} what it asks was settled meanwhile."
        if question.answer is None and question.silent_at is None and question.on_its_way:
            question = None  # it goes without its question: the day is still news
        elif question.answer is None and now >= question.due_at:
            return f"{TOO_LATE} the time to answer what it asks is over."
    day = str(notice.data.get("day") or "")
    if notice.kind in TELLS_A_DAY and day and day < today:
        return f"{TOO_LATE} it tells of {day_words(day)}, and that day is over."
    return ""
