"""Whether a message that waited may still go out, or says what is no longer so. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


TELLS_A_DATE = frozenset({NoticeKind.DATE_GIVEN, NoticeKind.DATE_CHANGED})
_SAYS_ANEW = TELLS_A_DATE | {NoticeKind.CANCELLED}


def replaced_by(notice: Notice, newer: Sequence[Notice]) -> str:
    """Why a date is not told any more that a later message to the same person tells otherwise; "" when none does.

    `newer`: what was decided later about the same order for the same recipient. It must name all goods of this one:
    what it leaves unsaid is still news. Oat milk moved to Friday, then to Monday; the flour stays on Friday:

    >>> from routing.model.notices import Channel, goods_line
    >>> def moved(day, *goods):
    ...     return Notice(
    ...         kind=NoticeKind.DATE_CHANGED, subject_kind="order", subject_id=1, occurrence=day,
    ...         recipient="a@b.example", channel=Channel.EMAIL, language="en",
    ...         data={"day": day, "goods": [goods_line(quantity=6, unit="pcs", name=name) for name in goods]},
    ...     )
    >>> replaced_by(moved("2026-11-27", "Oat milk"), [moved("2026-11-30", "Oat milk")])
    'A newer message tells Mon 30 Nov 2026 instead.'
    >>> replaced_by(moved("2026-11-27", "Oat milk", "Flour"), [moved("2026-11-30", "Oat milk")])
    ''
    """
    if notice.kind not in TELLS_A_DATE:
        return ""
    for each in reversed(newer):
        if each.kind in _SAYS_ANEW and _goods(notice) and _goods(notice) <= _goods(each):
            if each.kind is NoticeKind.CANCELLED:
                return "A newer message tells that it is cancelled."
            day = str(each.data.get("day") or "")
            return f"A newer message tells {day_words(day)} instead." if day else "A newer message tells of no day."
    return ""


def _goods(notice: Notice) -> set[str]:
    named = [*_lines(notice, "goods"), *_lines(notice, "waiting")]
    return {str(line.get("name")) for line in named if isinstance(line, Mapping)}


def _lines(notice: Notice, name: str) -> Sequence[object]:
    lines = notice.data.get(name)
    return lines if isinstance(lines, list | tuple) else ()


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
