"""A report from a door is put right: what it said, what it will change, and then the change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.importers.counts import minor_units
from data.queries.corrections import corrections_of
from data.store import SqlStore
from data.store.again import in_transaction, tried
from routing.errors import BackrouteError, Conflict, InvalidInput
from routing.model.corrections import Corrected
from routing.model.payments import Payment, PayMethod
from routing.model.proofs import DeliveryReport, DoorDelivery, DoorLine, Outcome
from routing.rules.door import most_collected
from routing.rules.paying import added_up
from routing.rules.saying_why import LONGEST_WHY
from routing.services.correcting import Correctable, correct_report, report_to_correct
from web.dispatcher import words
from web.here import here, now
from web.incoming import whole
from web.people import needs_role

correcting = Blueprint("correcting", __name__, url_prefix="/deliveries")

_OF_GOODS = ("delivered", "short", "damaged", "refused")
_OF_A_COLLECTION = ("collected",)


@correcting.get("/<int:delivery_id>/report")
@needs_role("dispatcher")
def page(delivery_id: int) -> ResponseReturnValue:
    return _page(delivery_id, typed={})


@correcting.post("/<int:delivery_id>/report/look")
@needs_role("dispatcher")
def look(delivery_id: int) -> ResponseReturnValue:
    """What the correction would do: it is done, looked at, and not kept."""
    return _look(delivery_id)


def _look(delivery_id: int) -> ResponseReturnValue:
    try:
        shown = tried(here().database, lambda store: _correct(store, delivery_id))
    except (InvalidInput, Conflict) as problem:
        return _page(delivery_id, typed=request.form, wrong=problem)
    return _page(delivery_id, typed=request.form, shown=shown)


@correcting.post("/<int:delivery_id>/report")
@needs_role("dispatcher")
def correct(delivery_id: int) -> ResponseReturnValue:
    """Only what was looked at is done: a form that was changed since shows what it would change now."""
    if request.form.get("shown") != _said(request.form):
        return _look(delivery_id)
    try:
        done = in_transaction(here().database, lambda store: _correct(store, delivery_id))
    except (InvalidInput, Conflict) as problem:
        return _page(delivery_id, typed=request.form, wrong=problem)
    flash(
        _(
            "%(delivery)s for %(site)s is corrected: %(outcome)s.",
            delivery=done.delivery,
            site=done.site,
            outcome=words.outcome_words(done.after, fetches=done.fetches),
        ),
        "done",
    )
    return redirect(url_for("correcting.page", delivery_id=delivery_id))


def _correct(store: SqlStore, delivery_id: int) -> Corrected:
    return correct_report(
        store=store,
        report=_read(store, delivery_id),
        why=request.form.get("why", ""),
        recipient=request.form.get("recipient", "").strip(),
        seen=whole(request.form.get("seen", "")),
        now=now(),
        by=current_user.actor,
        secret=here().secret,
    )


def _said(form: Mapping[str, str]) -> str:
    """What the form says of the door, in a word to compare."""
    counts = {*_OF_GOODS, *_OF_A_COLLECTION}
    asks = [
        f"{name}={text.strip()}"
        for name, text in sorted(form.items())
        if name in ("outcome", "recipient") or name.split("-")[0] in {*counts, "paid"}
    ]
    return hashlib.sha256("&".join(asks).encode()).hexdigest()[:16]


def _read(store: SqlStore, delivery_id: int) -> DeliveryReport:
    """The form. Counts are of what was handed over; of any other outcome all of it went as that says."""
    form = request.form
    try:
        outcome = Outcome(form.get("outcome", ""))
    except ValueError:
        raise InvalidInput(_("Choose what happened at the door."), code="outcome") from None
    found = report_to_correct(store, delivery_id)
    payments = _payments(found)
    if not outcome.is_handed_over:
        return DeliveryReport(delivery_id=delivery_id, outcome=outcome, payments=payments)
    names = _counted(found.delivery)
    before = {line.allocation_id: line for line in found.report.lines}
    lines = []
    for line in found.delivery.lines:
        counts = {name: _count(form, name, line.allocation_id, line.product) for name in names}
        if "collected" not in counts:  # what was handed back at a delivery stays as it was said
            kept = before.get(line.allocation_id)
            counts["collected"] = min(kept.collected, counts["delivered"]) if kept else 0
        lines.append(DoorLine(allocation_id=line.allocation_id, **counts))
    return DeliveryReport(delivery_id=delivery_id, outcome=outcome, lines=tuple(lines), payments=payments)


def _payments(found: Correctable) -> tuple[Payment, ...] | None:
    """What the form says was collected, by currency and method; None where it asks for none."""
    tills = _tills(found)
    if not tills:
        return None
    payments = []
    for currency, method, _amount in tills:
        text = request.form.get(f"paid-{currency}-{method}", "").strip() or "0"
        amount = minor_units(text, currency)
        if amount is None:
            raise InvalidInput(_('"%(text)s" is no amount: write it like 112.50.', text=text[:20]), code="payment")
        payments.append(Payment(currency=currency, amount=amount, method=method))
    return tuple(payments)


def _tills(found: Correctable) -> list[tuple[str, PayMethod, int]]:
    """(currency, method, what was collected) of all that may have been collected with this delivery."""
    collected = added_up(found.report.paid)
    currencies = sorted({each.currency for each in found.delivery.asks} | collected.keys())
    return [
        (currency, method, collected.get(currency, (0, {}))[1].get(method, 0))
        for currency in currencies
        for method in PayMethod
    ]


def _counted(delivery: DoorDelivery) -> tuple[str, ...]:
    """What a form asks of each line: of a collection, what was fetched."""
    return _OF_GOODS if delivery.direction == "deliver" else _OF_A_COLLECTION


def _outcomes(*, fetches: bool) -> list[tuple[Outcome, str]]:
    """What may be chosen: what is fetched is left with nobody and nowhere, and is missing from no van."""
    never = {Outcome.THIRD_PARTY, Outcome.SAFE_PLACE, Outcome.PICKUP_POINT, Outcome.MISSING} if fetches else set()
    return [(each, words.outcome_words(each, fetches=fetches)) for each in Outcome if each not in never]


def _count(form: Mapping[str, str], name: str, allocation_id: int, product: str) -> int:
    text = form.get(f"{name}-{allocation_id}", "").strip() or "0"
    count = whole(text)
    if count is None:
        raise InvalidInput(
            _(
                '%(product)s: "%(text)s" is no count. Write a whole number of 0 or more.',
                product=product,
                text=text[:20],
            ),
            code="count",
        )
    return count


def _page(
    delivery_id: int,
    *,
    typed: Mapping[str, str],
    shown: Corrected | None = None,
    wrong: BackrouteError | None = None,
) -> ResponseReturnValue:
    with here().database.reading() as connection:
        store = SqlStore(connection)
        refused = ""
        found: Correctable | None = None
        report = store.last_report(delivery_id)
        try:
            found = report_to_correct(store, delivery_id)
        except (InvalidInput, Conflict) as problem:
            refused = str(problem)
        number = store.delivery_numbers([delivery_id])[delivery_id]
        history = corrections_of(connection, [report.proof_id]).get(report.proof_id, ())
        orders = store.orders_of_delivery(delivery_id)
    if wrong is not None and str(wrong) == refused:
        wrong = None
    fetches = found is not None and found.delivery.direction != "deliver"
    html = render_template(
        "dispatcher/correct.html",
        delivery_id=delivery_id,
        number=number,
        found=found,
        report=report,
        before={line.allocation_id: line for line in report.lines},
        refused=refused,
        wrong=wrong,
        shown=shown,
        said=_said(typed),
        typed=typed,
        history=history,
        order_id=orders[0] if orders else None,
        fetches=fetches,
        counts=_OF_A_COLLECTION if fetches else _OF_GOODS,
        tills=_tills(found) if found else [],
        outcomes=_outcomes(fetches=fetches),
        outcome_words=partial(words.outcome_words, fetches=fetches),
        most_collected=most_collected,
        words=words,
        longest=LONGEST_WHY,
    )
    return html, 409 if isinstance(wrong, Conflict) else 422 if wrong else 200
