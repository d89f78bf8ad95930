"""Orders: the list, and one order with the answer to "where is it?" first."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.importers.counts import minor_units
from data.queries.calendars import zone_of_order
from data.queries.calls import Call, call_about
from data.queries.company import company_card
from data.queries.empties import returnable_products
from data.queries.messages import question_state, still_unsent
from data.queries.order_deliveries import DeliveryPage, proof_file_of
from data.queries.order_page import OrderPage, order_page
from data.queries.orders import OPEN_STATES, SORTS, STATES, order_counts, order_list
from data.queries.standing import standings
from data.queries.tasks import open_decisions
from data.queries.timeline import order_timeline
from data.queries.window_news import news_of_promises
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput
from routing.model.consents import Answer
from routing.model.days import today_of
from routing.model.places import SURE
from routing.rules.consent import Reply
from routing.rules.standing import NOT_LOOKED_UP, Standing
from routing.services.collecting import Fetching, cancel_collection, collect_goods
from routing.services.consenting import answer as settle_delay
from routing.services.consenting import offered
from routing.services.explaining import explain_dates
from routing.services.holding import hold_order, hold_payment, pass_payment
from routing.services.paying import ask_at_door
from routing.services.substituting import proposals, take
from web.along import NOTHING, rides_of
from web.dispatcher import date_words, ride_words, words
from web.dispatcher.calendars import weekday_words
from web.formats import clock
from web.formats import day as written_day
from web.here import here, now
from web.incoming import day_of, whole
from web.people import needs_role

orders = Blueprint("orders", __name__, url_prefix="/orders")

SHOWN = 400
SHOWN_FILES = ("image/jpeg", "image/png", "image/webp")


@orders.get("")
@needs_role()
def page() -> ResponseReturnValue:
    state = request.args.get("state", "open")
    sort = request.args.get("sort", "promised")
    if state not in (*STATES, "open", "all") or sort not in SORTS:
        abort(404)
    text = request.args.get("q", "").strip()[:100]
    states = {"open": OPEN_STATES, "all": ()}.get(state, (state,))
    with here().database.reading() as connection:
        today = today_of(now(), company_card(connection).zone)
        stands = standings(connection, day=today, now=now()).of
        rows = order_list(connection, stands=stands, states=states, text=text, sort=sort, today=today, limit=SHOWN + 1)
        counts = order_counts(connection, stands=stands)
    return render_template(
        "dispatcher/orders.html",
        rows=rows[:SHOWN],
        more=len(rows) > SHOWN,
        shown=SHOWN,
        counts=counts,
        open_count=sum(counts[each] for each in OPEN_STATES),
        today=today,
        state=state,
        sort=sort,
        text=text,
        words=words,
    )


@orders.get("/<int:order_id>")
@needs_role()
def one(order_id: int) -> ResponseReturnValue:
    with here().database.reading() as connection:
        found = order_page(connection, order_id, now=now())
        empties = returnable_products(connection)
        timeline = order_timeline(connection, order_id)
        decisions = open_decisions(connection, [each.id for each in found.deliveries])
        call = call_about(connection, order_id)
        store = SqlStore(connection)
        depot_id, zone = zone_of_order(connection, order_id)
        dated = explain_dates(store, depot_id=depot_id, order_id=order_id, now=now())
        delay = store.delay_of(order_id)
        told_at = found.latest.told_at if found.latest else None
        question = question_state(connection, order_id=order_id, consent_id=delay.id) if delay else ""
        unsent = told_at is not None and still_unsent(connection, order_id=order_id, made_at=told_at)
        news = news_of_promises(connection, [order_id])[order_id].get(found.latest.key) if found.latest else None
        days = offered(store, delay, now=now()) if delay else ()
        instead = proposals(store, order_id, now=now()) if not found.row.is_over else []
        today = today_of(now(), found.zone)
        may_ride = not found.row.is_over and found.row.state != "held" and found.row.firm
        along = rides_of(here(), connection, order_id, day=today, now=now()) if may_ride else NOTHING
    return render_template(
        "dispatcher/order.html",
        order=found,
        empties=empties,
        dated=dated,
        door_days=date_words.served_words(dated, zone, weekday_words()) if dated else "",
        date_steps=date_words.steps,
        answer=answer(found),
        timeline=timeline,
        call=call if call and _is_about(call, found) else None,
        decisions=decisions,
        words=words,
        along=along,
        day=today,
        ride_words=ride_words,
        delay=delay,
        unsent=unsent,
        news=news,
        question=question,
        term_over=delay is not None and now() >= delay.due_at,
        proposals=instead,
        offered=[(each, written_day(each, "EEE d MMM")) for each in days if delay and each != delay.stands_on],
        last_day=(delay.due_at - timedelta(seconds=1)).astimezone(ZoneInfo(delay.zone)).date() if delay else None,
    )


def _is_about(call: Call, order: OrderPage) -> bool:
    """Whether a call is about the delay as it stands: one that was done before the promise in force was made is not."""
    latest = order.latest
    return call.done_at is None or latest is None or call.done_at >= latest.made_at


@orders.post("/<int:order_id>/delay")
@needs_role("dispatcher", "salesperson")
def settle(order_id: int) -> ResponseReturnValue:
    """What the customer said about a delay, to whoever picked up the phone."""
    said = request.form.get("answer", "")
    if said not in list(Answer):
        raise InvalidInput(_("Say what the customer said: agreed, another day, or cancelled."), code="answer")
    seen = whole(request.form.get("seen", "")) or 0
    shown = request.form["shown"][:20] if "shown" in request.form else None
    reply = Reply(answer=Answer(said), day=request.form.get("day", "")[:20], seen=seen, shown=shown)
    by, at = current_user.actor, now()

    def write(store: SqlStore) -> None:
        asked = store.delay_of(order_id)
        if asked is None:
            raise Conflict(_("Nothing is asked about this order any more. Look at it again."), code="consent_closed")
        settle_delay(store, asked.id, reply, now=at, by=by)

    in_transaction(here().database, write)
    flash(words.answer_words(said, waits=shown == ""), "done")
    return redirect(url_for("orders.one", order_id=order_id))


@orders.post("/<int:order_id>/substitute")
@needs_role("dispatcher", "salesperson")
def substitute(order_id: int) -> ResponseReturnValue:
    """Sends a substitute: the customer said yes on the phone, or takes them by policy. Only the offer that was seen."""
    key = request.form.get("offer", "")[:80]
    by, at = current_user.actor, now()
    in_transaction(here().database, lambda store: take(store, order_id, key=key, now=at, by=by))
    flash(_("It goes instead, and the customer is told."), "done")
    return redirect(url_for("orders.one", order_id=order_id))


@orders.post("/<int:order_id>/hold")
@needs_role("dispatcher", "salesperson")
def hold(order_id: int) -> ResponseReturnValue:
    """Holds the order, or with `what=payment` everything of its customer; `lift` lets it go. Each with a reason."""
    reason, payment = " ".join(request.form.get("reason", "").split()), request.form.get("what") == "payment"
    lift = "lift" in request.form
    if not reason:
        said = (
            _("Say why: who finds it in the story will ask.")
            if lift
            else _("Say why: who finds the order on hold will ask.")
        )
        raise InvalidInput(said, code="reason")
    work = hold_payment if payment else hold_order

    def write(store: SqlStore) -> bool:
        held, why = ("", reason) if lift else (reason, "")
        return work(store, order_id, reason=held, why=why, by=current_user.actor, now=now())

    if in_transaction(here().database, write):
        said = _("It may go again.") if lift else _("On hold: it keeps its goods and its place, and is not released.")
        flash(said, "done")
    return redirect(url_for("orders.one", order_id=order_id))


@orders.post("/<int:order_id>/payment")
@needs_role("dispatcher", "salesperson")
def payment(order_id: int) -> ResponseReturnValue:
    """Lets this order go before its money is here, with a reason; with `again` it waits for payment once more."""
    reason, again = " ".join(request.form.get("reason", "").split()), "again" in request.form
    if not reason and not again:
        raise InvalidInput(_("Say why it may go before it is paid: who looks for the money will ask."), code="reason")

    def write(store: SqlStore) -> bool:
        return pass_payment(store, order_id, reason="" if again else reason, by=current_user.actor, now=now())

    if in_transaction(here().database, write):
        said = _("It waits for payment again.") if again else _("Passed: it may be released before it is paid.")
        flash(said, "done")
    return redirect(url_for("orders.one", order_id=order_id))


@orders.post("/<int:order_id>/pay")
@needs_role("dispatcher", "salesperson")
def pay(order_id: int) -> ResponseReturnValue:
    """What the driver collects when all of this order is handed over; empty or 0: nothing."""
    text = request.form.get("amount", "").strip()[:40]

    def write(store: SqlStore) -> bool:
        currency = store.asks_at_door(order_id)[1]
        amount = minor_units(text, currency) if text else 0
        if amount is None:
            raise InvalidInput(_('"%(text)s" is no amount: write it like 112.50.', text=text[:20]), code="amount")
        return ask_at_door(store, order_id, amount=amount, by=current_user.actor, now=now())

    if in_transaction(here().database, write):
        flash(_("The driver collects it at the door.") if text else _("Nothing is collected at the door."), "done")
    return redirect(url_for("orders.one", order_id=order_id))


@orders.post("/<int:order_id>/collect")
@needs_role("dispatcher", "salesperson")
def collect(order_id: int) -> ResponseReturnValue:
    """Goods of this order are fetched back, or empties that came by none of our deliveries."""
    quantity = whole(request.form.get("quantity", ""))
    if quantity is None or quantity < 1:
        raise InvalidInput(_("Say how many units are to be fetched: 1 or more."), code="quantity")
    text, why = request.form.get("day", "").strip(), request.form.get("why", "")
    day, at, by = day_of(text) if text else "", now(), current_user.actor
    with here().database.reading() as connection:
        found = order_page(connection, order_id, now=at)
        given_back = {f"empties-{key}": key for key, _sku, _name in returnable_products(connection)}
    chosen = request.form.get("line", "")
    line = next((each for each in found.lines if each.id == whole(chosen)), None)
    if line is None and chosen not in given_back:
        raise InvalidInput(_("Choose which goods of this order are to be fetched."), code="line")

    def write(store: SqlStore) -> Fetching:
        product_id = given_back[chosen] if line is None else store.product_ids([line.sku])[line.sku]
        return collect_goods(
            store,
            site_id=found.site_id,
            product_id=product_id,
            quantity=quantity,
            why=why,
            day=day,
            now=at,
            by=by,
            order_id=order_id,
        )

    made = in_transaction(here().database, write)
    flash(_("%(delivery)s fetches it, from %(day)s.", delivery=made.number, day=written_day(made.day, "d MMM")), "done")
    return redirect(url_for("orders.one", order_id=order_id))


@orders.post("/<int:order_id>/collections/<int:delivery_id>/cancel")
@needs_role("dispatcher", "salesperson")
def cancel(order_id: int, delivery_id: int) -> ResponseReturnValue:
    """Until a van has it on its list, with a reason."""
    at, by, why = now(), current_user.actor, request.form.get("why", "")
    number = in_transaction(
        here().database, lambda store: cancel_collection(store, delivery_id, now=at, by=by, why=why, order_id=order_id)
    )
    flash(_("%(delivery)s is cancelled: nothing is fetched.", delivery=number), "done")
    return redirect(url_for("orders.one", order_id=order_id))


@orders.get("/proofs/<int:proof_id>/<int:file_id>")
@needs_role("dispatcher", "salesperson", "warehouse")
def proof_file(proof_id: int, file_id: int) -> ResponseReturnValue:
    """A photo or signature of a proof."""
    with here().database.reading() as connection:
        sha256, media_type = proof_file_of(connection, proof_id, file_id)
    if media_type not in SHOWN_FILES:
        abort(404)
    shown = send_file(BytesIO(here().files.read(sha256)), mimetype=media_type)
    shown.headers["Cache-Control"] = "no-store"  # Flask's own "no-cache" would leave it on the disk
    return shown


def answer(order: OrderPage) -> str:
    """Where is it, in one or two sentences: what somebody on the phone wants to hear."""
    row = order.row
    if row.state == "cancelled":
        # Where the ERP allocates, what was tried for nothing is its own again: the try is what is asked about.
        return " ".join(filter(None, (_("Cancelled."), _last_failure(order))))
    if row.state == "delivered_elsewhere":
        return _("Delivered elsewhere: the shop fulfilled it itself.")
    under_way = [each for each in order.deliveries if each.is_planned and not each.is_collection]
    parts = []
    if row.word == "refused":
        return _refused(order)
    if row.state == "delivered":
        done = [proof for each in order.deliveries if not each.is_collection for proof in each.proofs]
        if done:
            last = max(done, key=lambda proof: proof.captured_at)
            local = last.captured_at.astimezone(ZoneInfo(order.zone))
            parts.append(
                _(
                    "Delivered on %(day)s at %(time)s.",
                    day=written_day(local.date(), "EEE d MMM"),
                    time=f"{local:%H:%M}",
                )
            )
            if last.recipient:
                parts.append(_("Received by %(name)s.", name=last.recipient))
        else:
            parts.append(_("Delivered."))
        refused = sum(line.refused for line in order.lines)
        if refused:
            said = _("%(n)s of %(of)s units were refused", n=refused, of=row.ordered)
            parts.append(f"{said}{_what_next(order)}")
        return " ".join(parts)
    for each in under_way[:2]:
        parts.append(_placed(order, each))
    if not under_way:
        parts.append(_not_placed(order))
    failed = _last_failure(order)
    if failed:
        parts.append(failed)
    if row.delivered:
        parts.append(_("%(n)s of %(of)s units were delivered before.", n=row.delivered, of=row.ordered))
    return " ".join(parts)


def _refused(order: OrderPage) -> str:
    """Of an order of which everything was refused."""
    tries = [proof for each in order.deliveries if not each.is_collection for proof in each.proofs if proof.refused]
    if not tries:
        return _("Refused at the door") + _what_next(order)
    local = max(each.captured_at for each in tries).astimezone(ZoneInfo(order.zone))
    day, time = written_day(local.date(), "EEE d MMM"), f"{local:%H:%M}"
    return _("Refused at the door on %(day)s at %(time)s", day=day, time=time) + _what_next(order)


def _what_next(order: OrderPage) -> str:
    """How a sentence about refused goods ends: whether a person has still to decide about them."""
    if any(each.asks_decision for each in order.deliveries):
        return _(": a decision waits, credit, cancel or deliver again.")
    return "."


def _placed(order: OrderPage, each: DeliveryPage) -> str:
    placed = each.placed
    assert placed is not None
    said = _(
        "%(vehicle)s, stop %(stop)s of %(of)s, %(day)s %(window)s.",
        vehicle=placed.vehicle,
        stop=placed.stop,
        of=placed.of,
        day=_near_day(placed.day, order.zone),
        window=_window(order, placed.day, placed.start),
    )
    if placed.plan_state == "draft":
        said += " " + _("That is the plan; the van has not left.")
    return said


def _last_failure(order: OrderPage) -> str:
    """What went wrong at the door the last time, as long as nothing was handed over since."""
    tries = [proof for each in order.deliveries if not each.is_collection for proof in each.proofs]
    last = max(tries, key=lambda proof: proof.captured_at, default=None)
    if last is None or last.delivered:
        return ""
    local = last.captured_at.astimezone(ZoneInfo(order.zone))
    if last.outcome == "not_attempted":
        return _("Nobody went there on %(day)s.", day=written_day(local.date(), "EEE d MMM"))
    return _(
        "The try on %(day)s failed: %(why)s.",
        day=written_day(local.date(), "EEE d MMM"),
        why=words.outcome_words(last.outcome),
    )


def _not_placed(order: OrderPage) -> str:
    row = order.row
    failed = next((each for each in order.deliveries if each.state == "failed" and not each.is_collection), None)
    if failed is not None:
        return _comes_again(failed)
    if row.released:
        back = [each for each in order.deliveries if each.state == "released" and not each.is_collection]
        waits = next((words.waits_for(each.waits_for) for each in back if each.waits_for), "")
        day = min((each.for_day for each in back if not each.waits_for), default="")
        if waits and not day:
            return waits
        if order.pin_quality not in SURE:
            if row.word == NOT_LOOKED_UP:
                return _("Released, but its address is not looked up yet: press Look up under Addresses.")
            return _("Released, but its address is in review: it cannot be planned.")
        return _("Released for %(day)s, not in a route yet.", day=_near_day(day, order.zone)) if day else _("Released.")
    if row.hold:
        return _("On hold: %(why)s.", why=row.hold)
    if row.state == Standing.ON_THE_WAY:
        return _("Its goods are on a van.")
    if row.firm >= row.open:
        if row.state == Standing.LATER and not row.undated and row.expected_on >= today_of(now(), order.zone):
            day = _near_day(row.expected_on, order.zone)
            return _("Everything is on the shelf; it can go %(day)s.", day=day)
        return _("Everything is on the shelf; it waits to be released.")
    expected = "" if row.undated else row.expected_on
    if row.state == Standing.READY and row.firm:
        goes = _("%(n)s of %(of)s units can go now.", n=row.firm, of=row.open)
        if not expected:
            return goes + " " + _("The rest waits for stock.")
        return goes + " " + _("The rest is expected %(day)s.", day=_near_day(expected, order.zone))
    if expected and expected < today_of(now(), order.zone):
        said = _("Waits for stock. The day it was expected is over; its new date is not known yet.")
    elif expected and row.state == Standing.LATER and row.wanted_on and expected > max(row.wanted_on, order.not_before):
        said = _(
            "Wanted on %(wanted)s; waits for stock, expected %(day)s.",
            wanted=_near_day(row.wanted_on, order.zone),
            day=_near_day(expected, order.zone),
        )
    elif expected and row.state == Standing.LATER:
        said = _("Not wanted yet; expected %(day)s.", day=_near_day(expected, order.zone))
    elif expected:
        said = _("Waits for stock; expected %(day)s.", day=_near_day(expected, order.zone))
    elif row.undated:
        said = _("Waits for stock, and for %(n)s of its lines there is no date.", n=row.undated)
    else:
        said = _("Waits for stock.")
    if row.firm:
        said += " " + _("%(n)s of %(of)s units are on the shelf.", n=row.firm, of=row.open)
    return said


def _comes_again(each: DeliveryPage) -> str:
    """Of goods that were not handed over and have not been counted back yet: what comes next, and where they are."""
    said = words.waits_for(each.waits_for)
    said = said or _("It goes out again on %(day)s.", day=written_day(each.for_day, "EEE d MMM"))
    if each.placed is None:
        return f"{said} {_('Its goods are still on the van, which is not counted yet.')}"
    where = _("Its goods are still on %(vehicle)s, which is not counted yet.", vehicle=each.placed.vehicle)
    return f"{said} {where}"


def _window(order: OrderPage, day: str, start: datetime) -> str:
    """The window the customer was told, else when the plan has it."""
    latest = order.latest
    if latest is not None and latest.window_from and latest.promised_on == day:
        return f"{latest.window_from}–{latest.window_to}"
    return _("about %(time)s", time=clock(start, order.zone))


def _near_day(day: str, zone: str) -> str:
    if day == today_of(now(), zone):
        return _("today")
    return written_day(day, "EEE d MMM")
