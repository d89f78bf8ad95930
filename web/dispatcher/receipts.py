"""Receipts: what is expected, what was counted, who goes and who waits; first shown, then committed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from data.importers.cells import A_DAY, LONGEST_SINCE_COUNTED
from data.importers.receipts import read_receipts
from data.queries.company import company_card
from data.queries.receipts import expected_inbound, inbound_by_ids, inbound_of, recent_receipts, trucks
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput
from routing.model.days import today_of
from routing.model.imports import ImportResult
from routing.model.orders import AllocationPolicy, AllocationRule, LineChange, Preview
from routing.model.stock import Receipt
from routing.rules.effect import (
    Effect,
    GivenOut,
    Worth,
    effect_of,
    given_out,
    merged,
    otherwise_given,
    worths_of,
)
from routing.services.allocating import policy_of
from routing.services.erp import refuse_if_erp
from routing.services.receiving import commit_receipt, simulate_receipt
from routing.services.telling import Hear, how_they_hear
from web.dispatcher import words
from web.dispatcher.told import done_words
from web.here import here, now
from web.incoming import FIRST_YEAR, LAST_YEAR, json_of, whole
from web.people import needs_role

receipts = Blueprint("receipts", __name__, url_prefix="/receipts")

MOST_ROWS = 2_000
MOST_UNITS = 1_000_000
LONGEST_NUMBER = 100


@receipts.get("")
@needs_role()
def page() -> ResponseReturnValue:
    return _list_page()


def _list_page(*, wrong: dict[int, str] | None = None, said: str = "") -> str:
    with here().database.reading() as connection:
        expected = trucks(expected_inbound(connection))
        counted = recent_receipts(connection)
        day = today_of(now(), company_card(connection).zone)
    return render_template(
        "dispatcher/receipts.html",
        groups=[truck.lines for truck in sorted(expected, key=lambda truck: _nearness(truck.expected_on, day))],
        counted=counted,
        today=day,
        opened=request.args.get("inbound", ""),
        wrong=wrong or {},
        said=said,
        form=request.form,
        words=words,
    )


def _nearness(expected_on: str, day: str) -> tuple[int, str]:
    """Today's trucks first, then what is overdue, then what comes later, then what has no date."""
    if expected_on == day:
        return (0, "")
    if not expected_on:
        return (3, "")
    return (1 if expected_on < day else 2, expected_on)


# ---------------------------------------------------------------------------- shown first


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a count does: every line it touches by SKU, the counted SKUs first, those of other goods that moved before
    and are only told now, and the fingerprint of it all."""

    receipts: tuple[Receipt, ...]
    already: tuple[Receipt, ...]
    rule: AllocationRule
    rule_in_force: AllocationRule
    groups: tuple[tuple[str, str, tuple[LineChange, ...]], ...]
    told_now: tuple[LineChange, ...]
    hear: Hear
    effect: Effect
    worths: tuple[Worth, ...]
    broken: tuple[str, ...]
    warnings: tuple[str, ...]
    again: tuple[str, ...]
    usual: dict[int, int]
    seen: str

    @property
    def lines(self) -> tuple[LineChange, ...]:
        return tuple(line for _sku, _name, lines in self.groups for line in lines)

    @property
    def differs(self) -> bool:
        return self.rule is not self.rule_in_force

    @property
    def out(self) -> GivenOut:
        return given_out(self.lines, counted={receipt.sku for receipt in self.receipts})

    @property
    def against_the_rule(self) -> tuple[tuple[str, int], ...]:
        return otherwise_given(self.lines, self.usual) if self.differs else ()


@receipts.post("/simulate")
@needs_role("dispatcher", "warehouse")
def simulate() -> ResponseReturnValue:
    """Shows what the counted goods do. Changes nothing: a POST only because it carries a file or a list."""
    result: ImportResult | None = None
    with here().database.reading() as connection:
        refuse_if_erp(SqlStore(connection))
    if "counted" in request.form:
        counted = _from_text(request.form["counted"])
    elif request.files.get("file"):
        with here().database.reading() as connection:
            content = BytesIO(request.files["file"].read())
            counted, result = read_receipts(SqlStore(connection), content, now=now())
        if not counted:
            faults = "; ".join(_("row %(row)s: %(what)s", row=each.row, what=each.what) for each in result.errors[:3])
            return _list_page(said=_("No row of this file can be used: %(faults)s", faults=faults)), 422
    else:
        counted, wrong = _from_form()
        if wrong or not counted:
            said = "" if wrong else _("Nothing was counted. Type at least one number, 0 for goods that did not come.")
            return _list_page(wrong=wrong, said=said), 422
    return _show(counted, _rule(), result=result)


def _show(
    counted: Sequence[Receipt],
    rule: AllocationRule | None,
    *,
    result: ImportResult | None = None,
    moved_on: bool = False,
) -> str:
    shown = look_ahead(counted, rule)
    with here().database.reading() as connection:
        inbound = inbound_by_ids(connection, [each.inbound_id for each in counted if each.inbound_id is not None])
        depots = {depot.id: depot for depot in SqlStore(connection).depots()}
    return render_template(
        "dispatcher/receipt.html",
        shown=shown,
        inbound=inbound,
        case_packs={due.sku: due.case_pack for due in inbound.values()},
        depots=depots,
        counted=_as_text(counted),
        result=result,
        moved_on=moved_on,
        words=words,
    )


@receipts.post("/commit")
@needs_role("dispatcher", "warehouse")
def commit() -> ResponseReturnValue:
    """Counts in and gives out, in one transaction, if it does what was shown; else shows again what it would do now."""
    counted, rule = _from_text(request.form.get("counted", "")), _rule()
    at, by, seen = now(), current_user.actor, request.form.get("seen", "")

    def count_in(store: SqlStore) -> list[Preview]:
        """What happened; empty when all of it was counted in before."""
        previews = _counted_in(store, counted, rule, at=at, by=by, again="again" in request.form)
        if all(preview.already for preview in previews):
            return []
        if fingerprint(previews) != seen:
            raise Conflict(
                _("The day moved on since this was shown. Look at it again, then commit."), code="shown_is_old"
            )
        return previews

    try:
        previews = in_transaction(here().database, count_in)
        if not previews:
            flash(_("These goods had been counted in before. Nothing was changed."), "info")
            return redirect(url_for("receipts.page"))
    except Conflict as problem:
        if problem.code == "counted_before":
            raise
        return _show(counted, rule, moved_on=problem.code != "counted_again"), 409
    units = sum(receipt.quantity for receipt in counted)
    said = ngettext("%(num)s unit counted in and given out.", "%(num)s units counted in and given out.", units)
    flash(f"{said} {done_words(line for preview in previews for line in preview.lines)}".strip(), "done")
    for warning in dict.fromkeys(text for preview in previews for text in preview.warnings):
        flash(warning, "late")
    return redirect(url_for("receipts.page"))


def look_ahead(counted: Sequence[Receipt], rule: AllocationRule | None) -> Shown:
    """What counting these in would do, and what it would do under the policy in force if `rule` is another."""
    with here().database.reading() as connection:
        in_force = policy_of(SqlStore(connection), counted[0].depot_id, now()).rule
    rule = rule or in_force
    previews = _previews(counted, rule)
    usual: dict[int, int] = {}
    if rule is not in_force:
        usual = {
            line.line_id: line.firm_after
            for line in merged(preview.lines for preview in _previews(counted, in_force)).values()
        }
    every = merged(preview.lines for preview in previews)
    skus = [receipt.sku for receipt in counted]
    groups: dict[str, list[LineChange]] = {sku: [] for sku in dict.fromkeys(skus)}
    whole = Preview(depot_id=counted[0].depot_id, rule=rule, lines=tuple(every.values()))
    with here().database.reading() as connection:
        hear = how_they_hear(SqlStore(connection), whole.lines, now=now())
        home = company_card(connection).currency
    # Of goods that only ship-complete orders tie to these, what moves is worth a row.
    for line in whole.about(skus):
        groups.setdefault(line.sku, []).append(line)
    return Shown(
        receipts=tuple(counted),
        already=tuple(receipt for receipt, preview in zip(counted, previews, strict=True) if preview.already),
        rule=rule,
        rule_in_force=in_force,
        groups=tuple((sku, lines[0].name, tuple(lines)) for sku, lines in groups.items() if lines),
        told_now=whole.told_now(skus),
        hear=hear,
        effect=effect_of(whole.lines),
        worths=worths_of(whole.about(skus), home=home),
        broken=tuple(dict.fromkeys(number for preview in previews for number in preview.broken)),
        warnings=tuple(dict.fromkeys(text for preview in previews for text in preview.warnings)),
        again=tuple(dict.fromkeys(text for preview in previews for text in preview.again)),
        usual=usual,
        seen=fingerprint(previews),
    )


def _previews(counted: Sequence[Receipt], rule: AllocationRule) -> list[Preview]:
    """One receipt is simulated by reading alone. Several work on each other: they are committed and rolled back."""
    if len(counted) == 1:
        with here().database.reading() as connection:
            store = SqlStore(connection)
            return [simulate_receipt(store, counted[0], now=now(), policy=_policy(store, counted[0], rule))]
    with here().database.writing() as connection:
        store = SqlStore(connection)
        # Told as in earnest: who heard of the first receipt is not to be told again with the second.
        found = _counted_in(store, counted, rule, at=now(), by=current_user.actor, again=True)
        transaction = connection.get_transaction()
        assert transaction is not None
        transaction.rollback()
    return found


def _counted_in(
    store: SqlStore, counted: Sequence[Receipt], rule: AllocationRule | None, *, at: datetime, by: str, again: bool
) -> list[Preview]:
    """Counts them in one after another: none of them was there before the others."""
    previews: list[Preview] = []
    besides: set[str] = set()
    for receipt in counted:
        policy = _policy(store, receipt, rule)
        preview = commit_receipt(store, receipt, now=at, by=by, policy=policy, again=again, besides=besides)
        if not preview.already:
            besides.add(receipt.number)
        previews.append(preview)
    return previews


def fingerprint(previews: Sequence[Preview]) -> str:
    """Equal when two simulations end alike for everybody."""
    facts = [
        [preview.already, preview.rule.value, list(preview.broken)]
        + [
            [line.line_id, line.firm_after, line.provisional_after, line.new_day, line.released_lost, *_told(line)]
            for line in preview.lines
        ]
        for preview in previews
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _told(line: LineChange) -> tuple[bool, bool, bool]:
    return line.slips, line.loses, line.again


# ---------------------------------------------------------------------------- reading the forms


def _rule() -> AllocationRule | None:
    text = request.form.get("policy", "")
    if not text:
        return None
    try:
        return AllocationRule(text)
    except ValueError:
        raise InvalidInput(_("There is no policy %(name)s.", name=text[:40]), code="policy") from None


def _policy(store: SqlStore, receipt: Receipt, rule: AllocationRule | None) -> AllocationPolicy:
    in_force = policy_of(store, receipt.depot_id, now())
    return replace(in_force, rule=rule) if rule is not None else in_force


def _from_form() -> tuple[list[Receipt], dict[int, str]]:
    """The counted lines of one inbound; an empty box was not counted. Faults by inbound line."""
    moment = now()
    fields = {
        line_id: text.strip()
        for name, text in request.form.items()
        if name.startswith("count_") and (line_id := whole(name[6:])) is not None
    }
    with here().database.reading() as connection:
        lines = inbound_by_ids(connection, list(fields))
    counted, wrong = [], {}
    number = request.form.get("number", "").strip()[:LONGEST_NUMBER]
    for line_id, text in fields.items():
        if not text:
            continue
        quarantined = request.form.get(f"quarantined_{line_id}", "").strip() or "0"
        line = lines.get(line_id)
        if line is None:
            wrong[line_id] = _("This line was counted in or cancelled meanwhile.")
        elif (count := whole(text)) is None or (unsold := whole(quarantined)) is None:
            wrong[line_id] = _("Write whole numbers of base units, like 60.")
        elif count > MOST_UNITS:
            wrong[line_id] = _("More than a million: check the number.")
        elif unsold > count:
            wrong[line_id] = _("More quarantined than counted.")
        else:
            counted.append(
                Receipt(
                    number=number or f"{line.number[:80]} {moment.astimezone(ZoneInfo(line.zone)):%Y-%m-%d %H:%M:%S}",
                    depot_id=line.depot_id,
                    product_id=line.product_id,
                    sku=line.sku,
                    quantity=count,
                    quarantined=unsold,
                    counted_at=moment,
                    inbound_id=line.id,
                    more_to_come=f"more_{line_id}" in request.form,
                )
            )
    return counted, wrong


def _as_text(counted: Sequence[Receipt]) -> str:
    """The counted rows as the page carries them from the simulation to the commit."""
    rows = [
        {
            "number": each.number,
            "depot_id": each.depot_id,
            "product_id": each.product_id,
            "sku": each.sku,
            "quantity": each.quantity,
            "quarantined": each.quarantined,
            "counted_at": each.counted_at.isoformat(),
            "inbound_id": each.inbound_id,
            "more_to_come": each.more_to_come,
        }
        for each in counted
    ]
    return json.dumps(rows)


def _from_text(text: str) -> list[Receipt]:
    """Raises InvalidInput for anything but what `_as_text` wrote, about products, depots and inbound that exist."""
    unreadable = InvalidInput(_("The counted rows cannot be read. Start again from the list."), code="counted")
    try:
        rows = json_of(text)
        receipts_in = [
            Receipt(
                number=_text_of(row["number"]),
                depot_id=_whole_of(row["depot_id"]),
                product_id=_whole_of(row["product_id"]),
                sku=_text_of(row["sku"]),
                quantity=_whole_of(row["quantity"]),
                quarantined=_whole_of(row["quarantined"]),
                counted_at=datetime.fromisoformat(row["counted_at"]),
                inbound_id=None if row["inbound_id"] is None else _whole_of(row["inbound_id"]),
                more_to_come=row["more_to_come"] is True,
            )
            for row in rows
        ]
    except (ValueError, TypeError, KeyError):
        raise unreadable from None
    if not 0 < len(receipts_in) <= MOST_ROWS:
        raise unreadable
    if any(
        each.counted_at.tzinfo is None or not FIRST_YEAR <= each.counted_at.year <= LAST_YEAR for each in receipts_in
    ):
        raise unreadable
    if any(each.counted_at - now() > A_DAY for each in receipts_in):
        raise InvalidInput(
            _("Goods cannot be counted in more than a day ahead. Start again from the list."), code="counted_at"
        )
    if any(now() - each.counted_at > LONGEST_SINCE_COUNTED for each in receipts_in):
        raise InvalidInput(_("Goods cannot be counted in years later. Start again from the list."), code="counted_at")
    if any(each.quantity > MOST_UNITS for each in receipts_in):
        raise unreadable
    with here().database.reading() as connection:
        store = SqlStore(connection)
        known = store.product_ids({each.sku for each in receipts_in})
        depots = {depot.id for depot in store.depots()}
        inbound = inbound_of(connection, {each.inbound_id for each in receipts_in if each.inbound_id is not None})
    for each in receipts_in:
        if known.get(each.sku) != each.product_id or each.depot_id not in depots:
            raise unreadable
        if each.inbound_id is not None and inbound.get(each.inbound_id) != (each.product_id, each.depot_id):
            raise unreadable
    return receipts_in


def _whole_of(value: object) -> int:
    """JSON knows true, 0.7 and 1e300 too: none of them is a count or a key."""
    if type(value) is not int or value < 0:
        raise ValueError
    return value


def _text_of(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= LONGEST_NUMBER:
        raise ValueError
    return value
