"""`backroute replenish --notices`: what to write to each supplier, and with --send into the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from rich.console import Console

from data.store import SqlStore
from data.store.again import in_transaction
from routing.model.notices import NoticeKind
from routing.services.supplier_mail import send_to_supplier, supplier_drafts
from web.cli.output import clean, print_json
from web.cli.values import BY
from web.outbox import outbound_of
from web.supplier_mail import Letter, letters
from web.wiring import Installation, open_installation

ABOUT = {NoticeKind.SUPPLIER_OVERDUE: "overdue", NoticeKind.SUPPLIER_ORDER: "order"}


def supplier_notices(name: str | None, *, send: bool, as_json: bool) -> None:
    """Prints the drafts, of the supplier of that number or name if one is given; ends with 1 when one can't go."""
    with open_installation() as here:
        now = here.clock.now()
        with here.database.reading() as connection:
            store = SqlStore(connection)
            found = [each for each in letters(store, supplier_drafts(store, now=now)) if _is_of(each, name)]
            mode = outbound_of(store).mode
        sent = {id(each) for each in found if send and each.may_go and _sent(here, each, now)}
    if as_json:
        print_json({"outbound": mode, "notices": [_document(each, sent=id(each) in sent) for each in found]})
    else:
        console = Console()
        if not found:
            console.print("Nothing is overdue from a supplier, and nothing is to be ordered.")
        for each in found:
            _print(console, each, sent=id(each) in sent)
        if sent and mode == "off":
            console.print("Messages are off: they wait in the outbox. Switch them on under Settings.")
    if any(each.draft.missing for each in found):
        click.get_current_context().exit(1)


def _is_of(letter: Letter, name: str | None) -> bool:
    supplier = letter.draft.supplier
    return name is None or (supplier is not None and name in (supplier.name, supplier.number))


def _sent(here: Installation, letter: Letter, now: datetime) -> bool:
    """A transaction for each: what one supplier was sent stays sent when the next one's message is refused."""
    supplier = letter.draft.supplier
    assert supplier is not None

    def write(store: SqlStore) -> bool:
        send_to_supplier(
            store,
            supplier_id=supplier.id,
            kind=letter.draft.kind,
            subject=letter.subject,
            text=letter.text,
            mark=letter.draft.mark,
            now=now,
            by=BY,
        )
        return True

    return in_transaction(here.database, write)


def _stands(letter: Letter, *, sent: bool) -> str:
    if sent:
        return "sent"
    return letter.draft.missing or ("written_today" if letter.draft.written_today else "draft")


def _document(letter: Letter, *, sent: bool) -> dict[str, Any]:
    """As `--json` prints it. `state`: draft, sent (into the outbox now), written_today, or what is missing: supplier
    or address."""
    draft, supplier = letter.draft, letter.draft.supplier
    return {
        "supplier": supplier.number if supplier else "",
        "name": supplier.name if supplier else "",
        "recipient": supplier.email if supplier else "",
        "language": supplier.language if supplier else "",
        "about": ABOUT[draft.kind],
        "state": _stands(letter, sent=sent),
        "written_on": draft.day if sent else draft.written_on,
        "lines": list(draft.lines),
        "subject": letter.subject,
        "text": letter.text,
    }


def _print(console: Console, letter: Letter, *, sent: bool) -> None:
    supplier = letter.draft.supplier
    name = (supplier.name or supplier.number) if supplier else "No supplier"
    state = {
        "sent": "into the outbox",
        "written_today": "written today already",
        "draft": "not sent",
        "address": "has no e-mail address: import suppliers or sources with one",
        "supplier": "is named: import inbound or products with it",
    }[_stands(letter, sent=sent)]
    to = f" <{supplier.email}>" if supplier and supplier.email else ""
    about, n = ABOUT[letter.draft.kind], len(letter.draft.lines)
    console.print(
        f"{clean(name)}{clean(to)}, {about}, {n} {'line' if n == 1 else 'lines'}: {state}",
        markup=False,
        highlight=False,
        style="bold",
        soft_wrap=True,
    )
    for line in f"Subject: {letter.subject}\n\n{letter.text}".splitlines() if letter.subject else ():
        console.print("  " + clean(line), markup=False, highlight=False, soft_wrap=True)
