"""Shelves that turn out otherwise: counted again, picked short, filled with what came back. Shown, then committed."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from data.queries.shelves import ShelfCard, came_back, shelf_card
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput, NotFound
from routing.model.orders import Preview
from routing.model.parties import Depot
from routing.services.inspecting import Verdict, inspect_goods
from routing.services.shorting import Short, commit_short_pick, simulate_short_pick
from routing.services.supplying import commit_shelf_count, simulate_shelf_count
from web.dispatcher import words
from web.dispatcher.receipts import fingerprint
from web.dispatcher.supply import shown_changes
from web.dispatcher.told import done_words
from web.here import here, now
from web.incoming import day_of, row_id, whole
from web.people import needs_role

shelves = Blueprint("shelves", __name__, url_prefix="/shelves")

MOVED_ON = "shown_is_old"


# ---------------------------------------------------------------------------- counted again


@shelves.get("/recount")
@needs_role("dispatcher", "warehouse")
def recount() -> ResponseReturnValue:
    """The form; with a SKU also what the books say lies there."""
    sku = request.args.get("sku", "").strip()[:100]
    with here().database.reading() as connection:
        depots = SqlStore(connection).depots()
        depot = _depot(depots, request.args.get("depot", type=row_id))
        card = shelf_card(connection, depot_id=depot.id, code=sku) if sku and depot else None
    unknown = bool(sku and depot and card is None)
    page = render_template(
        "dispatcher/recount.html", depots=depots, depot=depot, sku=sku, card=card, unknown=unknown, shown=None
    )
    return page, 404 if unknown else 200


@shelves.post("/recount/simulate")
@needs_role("dispatcher", "warehouse")
def simulate_recount() -> ResponseReturnValue:
    """Shows who loses and who gains. Changes nothing: a POST only because it comes from a form."""
    return _show_recount(*_counted())


@shelves.post("/recount/commit")
@needs_role("dispatcher", "warehouse")
def commit_recount() -> ResponseReturnValue:
    depot, card, counted = _counted()
    at, by, seen = now(), current_user.actor, request.form.get("seen", "")

    def write(store: SqlStore) -> Preview:
        preview = commit_shelf_count(
            store, depot_id=depot.id, product_id=card.product_id, sku=card.sku, counted=counted, now=at, by=by
        )
        _refuse_another(preview, seen)
        return preview

    try:
        preview = in_transaction(here().database, write)
    except Conflict:
        return _show_recount(depot, card, counted, moved_on=True), 409
    said = _("%(n)s × %(sku)s counted at %(depot)s.", n=counted, sku=card.sku, depot=depot.name)
    flash(f"{said} {done_words(preview.lines)}".strip(), "done")
    return redirect(url_for("shelves.recount", sku=card.sku, depot=depot.id))


def _show_recount(depot: Depot, card: ShelfCard, counted: int, *, moved_on: bool = False) -> str:
    with here().database.reading() as connection:
        store = SqlStore(connection)
        preview = simulate_shelf_count(
            store, depot_id=depot.id, product_id=card.product_id, sku=card.sku, counted=counted, now=now()
        )
        depots = store.depots()
    return render_template(
        "dispatcher/recount.html", depots=depots, depot=depot, sku=card.sku, card=card, unknown=False,
        shown=preview, counted=counted, moved_on=moved_on, **shown_changes([preview]),
    )  # fmt: skip


def _counted() -> tuple[Depot, ShelfCard, int]:
    """What the form says. Raises InvalidInput with the sentence for a count that is none, NotFound for no product."""
    sku, text = request.form.get("sku", "").strip()[:100], request.form.get("counted", "")
    with here().database.reading() as connection:
        depot = _depot(SqlStore(connection).depots(), request.form.get("depot", type=row_id))
        if depot is None:
            raise InvalidInput(_("Name the depot where it was counted."), code="depot")
        card = shelf_card(connection, depot_id=depot.id, code=sku)
    if card is None:
        raise NotFound(_('There is no product "%(sku)s". Scan it again.', sku=sku[:40]), code="sku")
    counted = whole(text)
    if counted is None:
        raise InvalidInput(
            _('"%(text)s" is no count: write a whole number of base units from 0 on, like 60.', text=text[:20]),
            code="count",
        )
    return depot, card, counted


def _depot(depots: list[Depot], chosen: int | None) -> Depot | None:
    """The one that was named; where there is only one, it need not be."""
    if chosen is None and len(depots) == 1:
        return depots[0]
    return next((depot for depot in depots if depot.id == chosen), None)


# ---------------------------------------------------------------------------- picked short


@shelves.get("/short")
@needs_role("dispatcher", "warehouse")
def short() -> ResponseReturnValue:
    """How many are there? The form for one SKU of one delivery; with a number it shows who goes without."""
    delivery_id, product_id = request.args.get("delivery", type=row_id), request.args.get("product", type=row_id)
    text = request.args.get("there", "")
    if delivery_id is None or product_id is None:
        raise InvalidInput(_("Start from the line that is short."), code="no_line")
    return _show_short(delivery_id, product_id, _there(text) if text else None)


@shelves.post("/short/commit")
@needs_role("dispatcher", "warehouse")
def commit_short() -> ResponseReturnValue:
    delivery_id, product_id = request.form.get("delivery", type=row_id), request.form.get("product", type=row_id)
    if delivery_id is None or product_id is None:
        raise InvalidInput(_("Start from the line that is short."), code="no_line")
    there, at, by, seen = _there(request.form.get("there", "")), now(), current_user.actor, request.form.get("seen", "")

    def write(store: SqlStore) -> Short:
        done = commit_short_pick(store, delivery_id=delivery_id, product_id=product_id, there=there, now=at, by=by)
        _refuse_another(done.preview, seen)
        return done

    try:
        done = in_transaction(here().database, write)
    except Conflict as problem:
        if problem.code != MOVED_ON:
            raise
        return _show_short(delivery_id, product_id, there, moved_on=True), 409
    if done.covered:
        said = _(
            "%(number)s keeps its %(n)s × %(sku)s: orders of a lower rank cover it.",
            number=done.delivery.number, n=done.left, sku=done.sku,
        )  # fmt: skip
    else:
        said = _(
            "%(number)s goes out with %(n)s of %(of)s × %(sku)s.",
            number=done.delivery.number, n=done.left, of=done.wanted, sku=done.sku,
        )  # fmt: skip
    flash(f"{said} {done_words(done.preview.lines)}".strip(), "done")
    if done.emptied:
        flash(_("Left the plan without goods: %(numbers)s.", numbers=", ".join(done.emptied)), "late")
    for sentence in done.tasks:
        flash(sentence, "late")
    return redirect(_back(request.form))


def _show_short(delivery_id: int, product_id: int, there: int | None, *, moved_on: bool = False) -> str:
    with here().database.reading() as connection:
        store = SqlStore(connection)
        delivery = next(iter(store.pick_deliveries([delivery_id])), None)
        if delivery is None:
            raise NotFound(_("There is no delivery %(id)s.", id=delivery_id))
        line = delivery.line_of(product_id)
        if line is None:
            raise NotFound(_("This product is not in %(number)s any more.", number=delivery.number))
        shown = (
            None
            if there is None
            else simulate_short_pick(store, delivery_id=delivery_id, product_id=product_id, there=there, now=now())
        )
        card, depot = shelf_card(connection, depot_id=delivery.depot_id, code=line.sku), store.depot(delivery.depot_id)
    values = request.form if request.method == "POST" else request.args
    kept = {name: values[name] for name in ("shift", "trip", "mode", "depot", "day") if values.get(name)}
    return render_template(
        "dispatcher/short.html", delivery=delivery, line=line, shown=shown, there=there, moved_on=moved_on, kept=kept,
        card=card, depot=depot, back=_back(values), words=words, **(shown_changes([shown.preview]) if shown else {}),
    )  # fmt: skip


def _there(text: str) -> int:
    found = whole(text)
    if found is None:
        raise InvalidInput(
            _('"%(text)s" is no count: write how many are there, 0 for none.', text=text[:20]), code="count"
        )
    return found


def _back(values: MultiDict[str, str]) -> str:
    """To the page of the warehouse that the short pick was reported from."""
    shift, trip = values.get("shift", type=row_id), values.get("trip", type=row_id)
    depot, day = values.get("depot", type=row_id), values.get("day", "")
    if shift and trip:
        mode = "load" if values.get("mode") == "load" else "pick"
        return url_for("warehouse.one_trip", shift_id=shift, trip=trip, mode=mode)
    if depot:
        return url_for("warehouse.one_wave", depot_id=depot, day=day_of(day) if day else None)
    return url_for("warehouse.page")


# ---------------------------------------------------------------------------- what came back


@shelves.get("/returns")
@needs_role("dispatcher", "warehouse")
def returns() -> ResponseReturnValue:
    """What came back or is in quarantine, and waits for a person who looks at it."""
    with here().database.reading() as connection:
        rows = came_back(connection)
    return render_template("dispatcher/returns.html", rows=rows, words=words)


@shelves.post("/returns")
@needs_role("dispatcher", "warehouse")
def inspect() -> ResponseReturnValue:
    """So many of them are good, go to quarantine, or are written off. Only what is good can be promised again."""
    depot_id, product_id = request.form.get("depot", type=row_id), request.form.get("product", type=row_id)
    quantity = whole(request.form.get("quantity", ""))
    if depot_id is None or product_id is None or quantity is None:
        raise InvalidInput(_("Say how many were looked at: a whole number from 1 on."), code="quantity")
    try:
        verdict = Verdict(request.form.get("verdict", ""))
    except ValueError:
        raise InvalidInput(
            _("Choose what becomes of them: stock, quarantine or written off."), code="verdict"
        ) from None
    preview = in_transaction(
        here().database,
        lambda store: inspect_goods(
            store,
            depot_id=depot_id,
            product_id=product_id,
            place=request.form.get("place", ""),
            quantity=quantity,
            verdict=verdict,
            now=now(),
            by=current_user.actor,
            seen=request.form.get("seen", type=row_id),
        ),
    )
    said = _("%(n)s inspected: %(verdict)s.", n=quantity, verdict=words.verdict_words(verdict.value))
    if preview is not None:
        given = len({line.order_id for line in preview.lines if line.firm_after > line.firm_before})
        if given:
            said += " " + ngettext("%(num)s order gets some of them.", "%(num)s orders get some of them.", given)
    flash(said, "done")
    return redirect(url_for("shelves.returns"))


# ---------------------------------------------------------------------------- what they share


def _refuse_another(preview: Preview, seen: str) -> None:
    if fingerprint([preview]) != seen:
        raise Conflict(_("The day moved on since this was shown. Look at it again, then commit."), code=MOVED_ON)
