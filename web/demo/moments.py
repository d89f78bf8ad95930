"""What there is to see on the demo's Tuesday: each moment with its own record, where to press, and how far it is.

Which record plays which part is said by story.csv; where it stands is read from the database. Only moments that work
are here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Connection, select

from data.queries.board import waits_for_a_plan
from data.queries.order_page import OrderPage, order_page
from data.queries.plans import PlanPage, RouteRow, StopRow, current_plans, plan_page
from data.queries.receipts import expected_inbound
from data.queries.standing import standings
from data.store import SqlStore
from data.tables import depot, event, order, site, supply
from routing.errors import NotFound
from routing.model.places import SURE
from routing.rules.behind import Behind
from routing.services.lateness import late_vans
from web.along import Along
from web.demo import files
from web.demo.driving import LATE_AT, OUT_OF_TIME_AT
from web.dispatcher import ride_words

IN_REVIEW = ("typo", "no_such_number", "outside", "no_number")
"""The parts of story.csv whose addresses a person must decide, in the order in which they are told."""


OVER = ("done", "failed")
"""States of a delivery of which nothing more is driven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`see`: what there is to see. `record`: what it is about. `press`: what to do there, step by step.

    `state`: "ready" (do it now), "done", or "waiting" (something comes first, or it is over: `said` says what).
    """

    number: int
    title: str
    icon: str
    see: str
    record: str
    press: tuple[str, ...]
    href: str
    go: str
    state: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """The day as the moments need it: its plans and who plays which part."""

    connection: Connection
    day: str
    now: datetime
    since: datetime
    parts: dict[str, str]
    plans: tuple[PlanPage, ...]
    late: tuple[tuple[int, Behind, str], ...]
    """(plan, how it goes on, vehicle) of every van that is behind."""

    def order(self, part: str) -> OrderPage:
        """Raises NotFound when this is not the demo's data."""
        number = self.parts[part]
        key = self.connection.scalar(select(order.c.id).where(order.c.number == number))
        if key is None:
            raise NotFound(f"The demo has no order {number}. Start it again: backroute demo.", order=number)
        return order_page(self.connection, key, now=self.now)

    def happened(self, *kinds: str, since: datetime | None = None, until: datetime | None = None) -> bool:
        """Whether one of these events was recorded since the demo began, or between these moments."""
        query = select(event.c.id).where(event.c.kind.in_(kinds), event.c.captured_at >= (since or self.since))
        if until is not None:
            query = query.where(event.c.captured_at < until)
        return self.connection.execute(query.limit(1)).first() is not None


def moments(
    connection: Connection, *, day: str, now: datetime, since: datetime, along: Callable[[int], Along]
) -> tuple[Moment, ...]:
    """The moments in the order in which the morning has them. `since`: when the demo began; `along` says of an order
    what could ride along today."""
    held = current_plans(connection, day=day)
    plans = tuple(plan_page(connection, plan_id) for plan_id in sorted({each.plan_id for each in held}))
    found = _Day(
        connection=connection,
        day=day,
        now=now,
        since=since,
        parts={row["part"]: row["order"] for row in reversed(files.rows("story.csv"))},
        plans=plans,
        late=tuple(_late_vans(connection, plans, now)) if now >= LATE_AT else (),
    )
    return (
        _truck(found),
        _where(found),
        _addresses(found),
        _plan(found),
        _move(found),
        _sick(found),
        _part_or_wait(found, along),
        _late(found),
        _phone(found),
        _out_of_time(found),
    )


# ---------------------------------------------------------------------------- one function a moment


def _truck(day: _Day) -> Moment:
    came = files.rows("receipt_tuesday.csv")[0]
    line = next((line for line in expected_inbound(day.connection) if line.number == came["inbound"]), None)
    row = day.connection.execute(
        select(supply.c.quantity).where(supply.c.number == came["inbound"], supply.c.kind == "inbound")
    ).first()
    ordered = line.quantity if line is not None else row.quantity if row is not None else 0
    wanted = "" if line is None else ngettext("%(num)s order wants it", "%(num)s orders want it", line.orders)
    return Moment(
        number=1,
        title=_("The truck came short"),
        icon="truck",
        see=_("Fewer packs than orders: who goes and who waits is shown before anything is decided."),
        record=_(
            "%(number)s, %(sku)s: %(came)s of %(of)s came.",
            number=came["inbound"],
            sku=came["sku"],
            came=came["quantity"],
            of=ordered,
        )
        + (f" {wanted}." if wanted else ""),
        press=(
            _("Type %(count)s under Counted", count=came["quantity"]),
            _("Show who goes and who waits"),
            _("Fair share, and see it change"),
            _("Commit"),
        ),
        href=url_for("receipts.page", inbound=came["inbound"], _anchor=came["inbound"]),
        go=_("To the truck"),
        state="ready" if line is not None else "done",
        said=_("to count") if line is not None else _("counted in"),
    )


def _where(day: _Day) -> Moment:
    found = day.order("po")
    reference = found.row.customer_reference
    return Moment(
        number=2,
        title=_("Where is my order?"),
        icon="search",
        see=_("Ordered, promised, slipped and why, told when; once it is planned, which van, which stop and when."),
        record=_("%(reference)s, which is our %(number)s.", reference=reference, number=found.row.number),
        press=(_("Type %(reference)s into the search on any page", reference=reference), _("Read the first line")),
        href=url_for("search.page", q=reference),
        go=_("Ask for %(reference)s", reference=reference),
        state="ready",
        said=_("any time"),
    )


def _addresses(day: _Day) -> Moment:
    query = (
        select(site.c.id, site.c.name, site.c.pin_quality, order.c.number)
        .join(order, order.c.site_id == site.c.id)
        .where(order.c.number.in_([day.parts[part] for part in IN_REVIEW]))
    )
    by_order = {row.number: row for row in day.connection.execute(query)}
    rows = [by_order[day.parts[part]] for part in IN_REVIEW if day.parts[part] in by_order]
    left = [row for row in rows if row.pin_quality not in SURE]
    return Moment(
        number=3,
        title=_("Addresses"),
        icon="map-pin",
        see=_(
            "A typo, a number that does not exist, one outside the area, one without a number. A Swedish street name "
            "needs nobody. What you pick is remembered for that site."
        ),
        record="; ".join(row.name for row in (left or rows)) + ".",
        press=(_("This one, beside the right place"), _("The next comes by itself")),
        href=url_for("addresses.one", site_id=left[0].id) if left else url_for("addresses.page"),
        go=_("To the first"),
        state="ready" if left else "done",
        said=ngettext("%(num)s to decide", "%(num)s to decide", len(left)) if left else _("decided"),
    )


def _plan(day: _Day) -> Moment:
    depots = list(day.connection.scalars(select(depot.c.id)))
    waits = waits_for_a_plan(day.connection, day=day.day, depot_ids=depots, plan_ids=[p.plan_id for p in day.plans])
    releasable = 0 if day.plans else standings(day.connection, day=day.day, now=day.now).release.all
    out = [row for plan in day.plans for row in plan.left_out]
    reasons = len({reason for row in out for reason in row.reasons})
    href, go = url_for("board.page", day=day.day), _("To the board")
    if day.plans:
        state, said = "done", _("planned")
        record = _(
            "%(served)s deliveries on %(vans)s routes; %(out)s left out, for %(reasons)s different reasons.",
            served=sum(plan.served for plan in day.plans),
            vans=sum(len(plan.routes) for plan in day.plans),
            out=len(out),
            reasons=reasons,
        )
    elif releasable:
        href, go = url_for("release.page", day=day.day), _("Release first")
        state, said = "waiting", _("release first")
        record = ngettext("%(num)s order can be released.", "%(num)s orders can be released.", releasable)
    elif waits:
        state, said = "ready", _("to plan")
        record = ngettext("%(num)s delivery waits for a route.", "%(num)s deliveries wait for a route.", len(waits))
    else:
        state, said = "waiting", _("nothing to plan")
        record = _("Nothing is released for this day.")
    return Moment(
        number=4,
        title=_("Plan"),
        icon="route",
        see=_("Useful in ten seconds, and more work than fits: what is left out says why, each in its own words."),
        record=record,
        press=(_("Plan the day"), _("Do this, beside what would bring more"), _("Open a reason under Left out")),
        href=href,
        go=go,
        state=state,
        said=said,
    )


def _move(day: _Day) -> Moment:
    found = day.order("low_arch")
    deliveries = {each.id for each in found.deliveries}
    href, go = url_for("board.page", day=day.day), _("To the board")
    state, said = "waiting", _("plan first")
    record = _("%(site)s behind a low arch. It is on no route yet.", site=found.row.site)
    for plan in day.plans:
        for route, stop in _stops(plan):
            if deliveries & {each.delivery_id for each in stop.deliveries}:
                on_van = all(each.state != "released" for each in stop.deliveries)
                state, said = ("waiting", _("its goods are on the van")) if on_van else ("ready", _("to try"))
                href = url_for("board.page", day=day.day, stop=stop.stop_id)
                go = _("To the stop")
                record = _("%(site)s, %(van)s, stop %(stop)s.", site=stop.site, van=route.vehicle, stop=stop.number)
        for row in plan.left_out:
            if row.delivery_id in deliveries:
                state, said = "ready", _("to try")
                href = url_for("board.page", day=day.day, left=row.delivery_id)
                record = _("%(site)s, left out so far.", site=row.site)
    if state == "ready" and day.happened("plan_changed"):
        state, said = "done", _("a stop was moved")
    return Moment(
        number=5,
        title=_("Drag a stop"),
        icon="pencil",
        see=_(
            "Before anything moves: how many minutes more, which hours it breaks, which van is too high for the arch."
        ),
        record=record,
        press=(
            _("Put it on: Van 2, Show the effect"),
            _("Or drag it in the timeline, onto another van or place; let go when you like what it says"),
            _("Undo"),
        ),
        href=href,
        go=go,
        state=state,
        said=said,
    )


def _sick(day: _Day) -> Moment:
    chosen = _route_with_a_spare(day)
    if day.happened("driver_out"):
        state, said = "done", _("decided")
    elif chosen is None:
        state, said = "waiting", _("plan first") if not day.plans else _("no spare driver is left")
    else:
        state, said = "ready", _("to decide")
    if chosen is None:
        record, href, go = (
            _("Who drives what is decided by the plan."),
            url_for("board.page", day=day.day),
            _("To the board"),
        )
    else:
        plan_id, route = chosen
        record = ngettext(
            "%(driver)s with %(van)s, %(num)s stop.", "%(driver)s with %(van)s, %(num)s stops.", len(route.stops),
            driver=route.driver, van=route.vehicle,
        )  # fmt: skip
        href = url_for("board.driver_out", plan_id=plan_id, shift_id=route.shift_id)
        go = _("%(driver)s is out", driver=route.driver)
    return Moment(
        number=6,
        title=_("A driver is sick at 05:55"),
        icon="user",
        see=_(
            "A spare driver takes the van, the others share its stops, or they wait a day: side by side, with who "
            "would be told. Once the van is loaded the goods stay on it, and another driver takes it."
        ),
        record=record,
        press=(_("Compare the ways out"), _("Do this")),
        href=href,
        go=go,
        state=state,
        said=said,
    )


def _part_or_wait(day: _Day, along: Callable[[int], Along]) -> Moment:
    found = day.order("near")
    row = found.row
    offer = next(iter(along(row.id).asked), None)
    href, go = url_for("release.page", day=day.day, _anchor="along"), _("To the question")
    press: tuple[str, ...] = ()
    if row.delivered or any(each.state != "unreleased" for each in found.deliveries):
        state, said = "done", _("sent along")
        href, go = url_for("orders.one", order_id=row.id), _("To the order")
        record = _("%(number)s, %(site)s: a part of it is on its way.", number=row.number, site=row.site)
    elif offer is None:
        state, said = "waiting", _("no van passes")
        record = _("%(number)s, %(site)s.", number=row.number, site=row.site)
    elif not day.plans:
        state, said = "waiting", _("plan first")
        record = f"{row.number}, {row.site}. {ride_words.headline(offer)}."
        href, go = url_for("board.page", day=day.day), _("To the board")
        press = (_("Plan the day"),)
    else:
        state, said = "ready", _("to decide")
        record = f"{row.number}, {row.site}. {ride_words.headline(offer)}."
        # The words of the button that stands there, as dispatcher/_rides.html writes it.
        if offer.ride is not None and offer.ride.van:
            press = (_("Send %(n)s along with %(van)s", n=offer.units, van=offer.ride.van),)
        else:
            press = (_("Release %(n)s to ride along", n=offer.units),)
    return Moment(
        number=7,
        title=_("Ship part or wait?"),
        icon="package-check",
        see=_(
            "Part of an order is there and a van passes its door: what shipping it now or waiting for the rest costs, "
            "in minutes, kilometres, money and days."
        ),
        record=record,
        press=press,
        href=href,
        go=go,
        state=state,
        said=said,
    )


def _late(day: _Day) -> Moment:
    href, go = url_for("board.page", day=day.day), _("To the board")
    record, state, said = _not_out(day, jump=_("jump to 11:20 first"), until=LATE_AT)
    late = [each for each in day.late if each[1].broken] or list(day.late)
    if late and day.now < OUT_OF_TIME_AT:
        plan_id, behind, vehicle = max(late, key=lambda each: len(each[1].broken))
        href, go = url_for("board.late", plan_id=plan_id, shift_id=behind.shift_id), _("To %(van)s", van=vehicle)
        state, said = "ready", _("to decide")
        record = _("%(van)s is %(n)s min behind.", van=vehicle, n=behind.late_s // 60) + " "
        record += ngettext("%(num)s promise will break.", "%(num)s promises will break.", len(behind.broken))
    if day.happened("van_late", until=OUT_OF_TIME_AT):
        state, said = "done", _("decided")
    elif day.now >= OUT_OF_TIME_AT:
        said = _("it is past 16:00")
    return Moment(
        number=8,
        title=_("11:20, a van is behind"),
        icon="clock",
        see=_(
            "Which promises will break and when, the ways out with their price, and who would be told. Everybody else "
            "stays untold."
        ),
        record=record,
        press=(_("Dispatch"), _("Jump to 11:20 in the bar"), _("Compare the ways out"), _("Do this")),
        href=href,
        go=go,
        state=state,
        said=said,
    )


def _phone(day: _Day) -> Moment:
    out = [route for plan in day.plans for route in plan.routes if route.manifest_id is not None]
    going = [route for route in out if any(one.state not in OVER for stop in route.stops for one in stop.deliveries)]
    href, go = url_for("board.page", day=day.day), _("To the board")
    record, state, said = _not_out(day, jump="", until=day.now)
    if going:
        route = going[0]
        href, go = url_for("board.page", day=day.day, route=route.shift_id), _("To %(van)s", van=route.vehicle)
        state, said = "ready", _("any time")
        record = _("%(driver)s with %(van)s; the link is beside the route.", driver=route.driver, van=route.vehicle)
    elif out:
        said = _("every van is done")
    return Moment(
        number=9,
        title=_("Phone beside board"),
        icon="refresh-cw",
        see=_(
            "Without signal the driver's page goes on, keeps what it has not sent, and sends it once the network is "
            "back: the board, the customer's page and the stock move. What was short waits in its old place."
        ),
        record=record,
        press=(
            _("Open the driver's page"),
            _("Switch the network off"),
            _("Deliver a part and have it signed"),
            _("Switch it on again"),
        ),
        href=href,
        go=go,
        state=state,
        said=said,
    )


def _out_of_time(day: _Day) -> Moment:
    href, go = url_for("board.page", day=day.day), _("To the board")
    record, state, said = _not_out(day, jump=_("jump to 16:00 first"), until=OUT_OF_TIME_AT)
    late = [each for each in day.late if each[1].is_out_of_time]
    if day.now >= OUT_OF_TIME_AT:
        href, go = url_for("evening.page", day=day.day), _("To the evening")
        if late:
            plan_id, behind, vehicle = late[-1]
            href, go = url_for("board.late", plan_id=plan_id, shift_id=behind.shift_id), _("To %(van)s", van=vehicle)
            state, said = "ready", _("to decide")
            record = _("%(van)s cannot finish: %(n)s doors are left.", van=vehicle, n=len(behind.ranked))
        elif day.happened("van_late", since=OUT_OF_TIME_AT):
            state, said = "done", _("decided")
    return Moment(
        number=10,
        title=_("16:00, and it cannot finish"),
        icon="calendar",
        see=_(
            "Which stops to leave, ranked by promise, tier and tomorrow's route; then the evening: every van counted, "
            "the day closed."
        ),
        record=record,
        press=(_("Jump to 16:00 in the bar"), _("Read the ranking"), _("Do this"), _("Evening")),
        href=href,
        go=go,
        state=state,
        said=said,
    )


def _not_out(day: _Day, *, jump: str, until: datetime) -> tuple[str, str, str]:
    """(record, state, said) while there is nothing to decide."""
    out = [route for plan in day.plans for route in plan.routes if route.manifest_id is not None]
    if not day.plans:
        return _("Who drives what is decided by the plan."), "waiting", _("plan first")
    if not out:
        return _("No van is out yet."), "waiting", _("dispatch first")
    record = ngettext("%(num)s van is out.", "%(num)s vans are out.", len(out))
    return record, "waiting", jump if day.now < until else _("all on time")


def _late_vans(connection: Connection, plans: Sequence[PlanPage], now: datetime) -> Iterator[tuple[int, Behind, str]]:
    for plan in plans:
        for each in late_vans(SqlStore(connection), plan_id=plan.plan_id, now=now, with_options=False):
            if each.behind is not None:
                yield plan.plan_id, each.behind, each.shift.vehicle.name


def _route_with_a_spare(day: _Day) -> tuple[int, RouteRow] | None:
    """The first route that is not over, of a depot where somebody could step in."""
    store = SqlStore(day.connection)
    for plan in day.plans:
        for route in plan.routes:
            over = all(each.state in ("done", "failed") for stop in route.stops for each in stop.deliveries)
            if route.driver and not over and store.spare_drivers(day=day.day, depot_id=route.depot_id):
                return plan.plan_id, route
    return None


def _stops(plan: PlanPage) -> Sequence[tuple[RouteRow, StopRow]]:
    return [(route, stop) for route in plan.routes for stop in route.stops]
