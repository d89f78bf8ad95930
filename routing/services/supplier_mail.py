"""Messages to suppliers: drafts of what is overdue and what to order, and the one that a person sends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from routing.errors import Conflict, InvalidInput
from routing.model.days import today_of
from routing.model.notices import Notice, NoticeKind
from routing.model.parties import Company, Supplier
from routing.rules.replenishment import Advice
from routing.rules.supplier_mail import Draft, drafts
from routing.services import replenishing
from routing.services.story import KeepsEvents

LONGEST_SUBJECT, LONGEST_TEXT = 200, 20_000


class Reader(replenishing.Reader, Protocol):
    def company(self) -> Company: ...
    def suppliers_by_id(self) -> dict[int, Supplier]: ...
    def suppliers_written_to(self) -> dict[tuple[int, str], str]: ...


class Store(Reader, KeepsEvents, Protocol):
    def add_notice(self, message: Notice, *, made_at: datetime) -> bool: ...


def supplier_drafts(store: Reader, *, now: datetime, advice: Sequence[Advice] | None = None) -> list[Draft]:
    """What could be written today: a supplier is written to once a day and kind. `advice` is that of all depots, if
    the caller has it."""
    if advice is None:
        advice = replenishing.every_depot(store, now=now)
    day = today_of(now, store.company().zone or "UTC")
    return drafts(advice, suppliers=store.suppliers_by_id(), written=store.suppliers_written_to(), day=day)


def send_to_supplier(
    store: Store,
    *,
    supplier_id: int,
    kind: NoticeKind,
    subject: str,
    text: str,
    mark: str,
    now: datetime,
    by: str,
) -> Draft:
    """Puts the message into the outbox as a person left it. `mark`: of the draft that was shown.

    Raises InvalidInput for a text that says nothing or a supplier without an address, Conflict when it was written
    already today or what it tells is no longer so.
    """
    found = [
        draft
        for draft in supplier_drafts(store, now=now)
        if draft.kind is kind and draft.supplier is not None and draft.supplier.id == supplier_id
    ]
    if not found or found[0].supplier is None:
        raise Conflict(
            "There is nothing more to write to this supplier about that. Look at the page again.", code="nothing_to_say"
        )
    draft, supplier = found[0], found[0].supplier
    name = supplier.name or supplier.number
    if draft.missing:
        raise InvalidInput(
            f"{name} has no e-mail address. Import suppliers or sources with one, then send it.", code="no_address"
        )
    subject, text = " ".join(subject.split()), text.replace("\r\n", "\n").strip()
    if not subject or not text:
        raise InvalidInput(f"The message to {name} needs a subject and a text. Write both, then send it.", code="empty")
    if len(subject) > LONGEST_SUBJECT or len(text) > LONGEST_TEXT:
        raise InvalidInput(
            f"The message to {name} is too long: at most {LONGEST_SUBJECT} letters of subject and {LONGEST_TEXT} of "
            "text. Shorten it.",
            code="too_long",
        )
    if draft.written_today:
        raise Conflict(f"{name} was written to about that today already. See Messages.", code="written_today")
    if draft.mark != mark:
        raise Conflict(
            f"What the message tells {name} has changed since it was shown. Look at it again, then send it.",
            code="shown_is_old",
        )
    if not store.add_notice(draft.notice(store.company(), subject=subject, text=text + "\n"), made_at=now):
        raise Conflict(f"{name} was written to about that today already. See Messages.", code="written_today")
    store.append_event(
        kind="supplier_written_to",
        actor=by,
        captured_at=now,
        received_at=now,
        data={
            "supplier": supplier.number, "about": kind.value, "recipient": supplier.email, "subject": subject,
            "lines": list(draft.lines),
        },
    )  # fmt: skip
    return draft
