"""The words of the dispatcher's pages: states, reasons, outcomes, and what happened, as plain sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from data.queries.order_deliveries import ProofFile
from data.queries.receipts import InboundLine
from data.queries.release import ReadyParts
from data.queries.timeline import Happening
from routing.model.amounts import how_many
from routing.model.day import LostGoods, SpeedRow, VanCash
from routing.model.fleet import BIKES
from routing.model.orders import AllocationRule
from routing.model.payments import Paid
from routing.model.tasks import TaskKind
from routing.rules.figures.slips import cause_of
from routing.rules.paying import added_up
from routing.services.promising import PromisedLine
from web.formats import clock, moment, money, with_days_written
from web.formats import day as written_day


def order_state(state: str) -> tuple[str, str]:
    """(which chip, its word) of a state in which orders are counted, or of what one order is called
    (`routing.rules.standing.Stand.word`)."""
    return {
        "ready": ("ready", _("ready")),
        "released": ("ready", _("released")),
        "loaded": ("under_way", _("loaded")),
        "in_review": address_state(looked_up=True),
        "not_looked_up": address_state(looked_up=False),
        "waiting": ("waiting", _("waiting")),
        "held": ("late", _("held")),
        "later": ("waiting", _("for another day")),
        "on_the_way": ("under_way", _("on the way")),
        "delivered": ("done", _("delivered")),
        "refused": ("failed", _("refused")),
        "not_delivered": ("failed", _("not delivered")),
        "delivered_elsewhere": ("done", _("delivered elsewhere")),
        "cancelled": ("waiting", _("cancelled")),
    }[state]


def address_state(*, looked_up: bool) -> tuple[str, str]:
    """(which chip, its word) of an address without a sure place."""
    return ("late", _("address in review")) if looked_up else ("waiting", _("address not looked up yet"))


def stand_why(why: str) -> str:
    """What an order's state leaves open: how far it is, or why it stays; "" when there is nothing to add."""
    match why:
        case "" | "on_shelf" | "waits_for_stock" | "not_yet":
            # An order for another day is one that is not wanted yet.
            return ""
        case "released":
            return _("released")
        case "loaded":
            return _("loaded")
        case "on_truck":
            return _("on a truck that is not counted in")
        case _reason:
            return staying_reason(why)


def delivery_state(state: str, *, fetches: bool = False) -> tuple[str, str]:
    """Of a state, or of what one delivery is called (`data.queries.order_deliveries.DeliveryPage.word`); of one that
    `fetches`, what came of that."""
    fetching = {
        "released": ("ready", _("to fetch")),
        "loaded": ("under_way", _("on the van's list")),
        "done": ("done", _("collected")),
        "failed": ("failed", _("not collected")),
        "unreleased": ("waiting", _("cancelled")),
    }
    if fetches and state in fetching:
        return fetching[state]
    return {
        "released": ("ready", _("released")),
        "loaded": ("under_way", _("loaded")),
        "dispatched": ("under_way", _("on the way")),
        "under_way": ("under_way", _("at the door")),
        "done": ("done", _("delivered")),
        "refused": ("failed", _("refused")),
        "not_delivered": ("failed", _("not delivered")),
        "failed": ("failed", _("failed")),
        "unreleased": ("waiting", _("taken back")),
    }[state]


def stage_words(stage: str) -> tuple[str, str]:
    """How far the goods of a delivery or a trip are in the warehouse."""
    return {
        "to_pick": ("waiting", _("to pick")),
        "part_picked": ("under_way", _("being picked")),
        "picked": ("ready", _("picked")),
        "staged": ("ready", _("staged")),
        "loaded": ("done", _("loaded")),
        "gone": ("done", _("gone")),
        "taken_back": ("waiting", _("taken back")),
    }[stage]


def verdict_words(verdict: str) -> str:
    """What became of goods that were inspected."""
    return {
        "stock": _("back to stock"),
        "quarantine": _("quarantine"),
        "written_off": _("written off"),
    }.get(verdict, verdict)


def message_state(status: str) -> tuple[str, str]:
    return {
        "waiting": ("waiting", _("waiting")),
        "sending": ("under_way", _("being sent")),
        "sent": ("done", _("sent")),
        "failed": ("failed", _("failed")),
        "withheld": ("late", _("withheld")),
    }[status]


def rule_words() -> dict[str, tuple[str, str]]:
    """Name and explanation of each allocation rule."""
    return {
        "tier_then_first_ordered": (
            _("Tier, then first ordered"),
            _("Customers of a higher tier first; within a tier, who ordered first."),
        ),
        "first_ordered": (_("First ordered"), _("Who ordered first is served first, whoever it is.")),
        "promised_date": (
            _("Promised date"),
            _(
                "Who was promised the earliest day first, or wished for it since, so that few promises break. A day "
                "that we moved costs nobody their place; who has no promise yet comes after all who have one."
            ),
        ),
        "fair_share": (
            _("Fair share"),
            _(
                "Of what is on the shelf, then of each truck, everybody gets the same part of what they want, rounded "
                "down to whole packs, and what is left goes to the oldest, a pack each. What a customer keeps is "
                "a part of the share; who keeps more than that keeps it."
            ),
        ),
    }


def rank_words(rule: AllocationRule, line: PromisedLine, zone: str) -> list[str]:
    """Why a line has its place in the queue, by the rule in force: what decides first stands first."""
    ordered = _("ordered %(when)s", when=moment(line.ordered_at, zone))
    tier = _("tier %(n)s", n=line.tier)
    match rule:
        case AllocationRule.TIER_THEN_FIRST_ORDERED:
            return [tier, ordered]
        case AllocationRule.FIRST_ORDERED:
            return [ordered]
        case AllocationRule.PROMISED_DATE:
            on = line.ranks_by
            if not on:
                said = _("nothing promised, so after every promise")
            elif on == line.promised_on:
                said = _("promised %(day)s", day=written_day(on, "d MMM"))
            else:
                said = _("counts on %(day)s", day=written_day(on, "d MMM"))
            return [said, tier, ordered]
        case AllocationRule.FAIR_SHARE:
            return [
                _("its share of what it wants"),
                _("%(ordered)s, which counts for what is left over", ordered=ordered),
            ]


MAY_FIT_BY_WAY = frozenset(
    {"not_ready", "window_unreachable", "window_too_short", "shift_too_short", "driver_hours", "no_road"}
)
"""Of these a plan may say that a trip of its own fails, and not that nothing else would do: those of the road of
`routing/rules/reasons.py`."""


def left_out_reason(reason: str, *, proven: bool = True, alone: bool = True) -> str:
    """Why a plan left a delivery out. What is not proven is not said of every trip, and what stands beside other
    reasons (`alone` false) not of every van."""
    if not alone and reason in (some := _of_some_vans()):
        return some[reason]
    if not proven and reason in MAY_FIT_BY_WAY:
        return {
            "not_ready": _("goods are not ready for a trip of its own"),
            "window_unreachable": _("a trip of its own does not reach it within its hours"),
            "window_too_short": _("its hours are too short for a trip of its own"),
            "no_road": _("no road leads straight there"),
        }.get(reason, _("a trip of its own takes longer than any shift"))
    return {
        "capacity": _("too big for any van"),
        "skills": _("needs equipment or a skill that no shift has"),
        "access": _("no van fits the door"),
        "crew": _("needs more people than any shift has"),
        "closed_that_day": _("closed that day"),
        "after_cut_off": _("ordered after the cut-off"),
        "window_unreachable": _("cannot be reached within its hours"),
        "window_too_short": _("its hours are shorter than the work"),
        "shift_too_short": _("does not fit into any shift"),
        "driver_hours": _("no driver has the hours"),
        "no_road": _("no road leads there"),
        "address_in_review": _("address in review"),
        "on_hold": _("on hold"),
        "not_ready": _("goods are not ready in time"),
        "missing_weight": _("the weight of a product is missing"),
        "locked_by_you": _("kept out by you"),
        "competed_out": _("others went first"),
    }.get(reason, reason.replace("_", " "))


def _of_some_vans() -> dict[str, str]:
    """A van each fails by: together they leave none."""
    return {
        "capacity": _("too big for some vans"),
        "skills": _("some shifts lack the equipment or skill"),
        "access": _("some vans do not fit the door"),
        "crew": _("some shifts have too few people"),
        "window_unreachable": _("some vans cannot be there within its hours"),
        "shift_too_short": _("too long for some shifts"),
        "driver_hours": _("some drivers have not the hours"),
        "no_road": _("some vans have no road there"),
        "not_ready": _("goods are not ready for some shifts"),
    }


def loose_reason(reason: str) -> str:
    """Why no van has what is released."""
    return _("not planned yet") if reason == "not_planned" else left_out_reason(reason)


def is_wished(why: str) -> bool:
    """Whether a promise moved because the customer wanted it so: no slip of ours."""
    return not cause_of(why).is_ours


def staying_reason(reason: str) -> str:
    """Why an order is not released, as the head of a group."""
    return {
        "on_hold": _("On hold"),
        "payment": _("Waits for payment"),
        "customer_payment": _("Customer on payment hold"),
        "waits_for_stock": _("Waits for stock"),
        "incomplete": _("Ships complete, part is missing"),
        "line_incomplete": _("Ships whole lines, none is whole"),
        "below_min_percent": _("Below its minimum share"),
        "below_min_value": _("Below its minimum value"),
        "last_shipment": _("One shipment left, must bring the rest"),
        "no_ride": _("Part is there, and may ride along"),
        "not_yet": _("Not wanted yet"),
        "too_late": _("Wanted earlier"),
        "closed_that_day": _("Site not served that day"),
        "on_truck": _("On a truck that is not counted in: may be released already"),
    }.get(reason, reason.replace("_", " "))


def ready_words(parts: ReadyParts) -> str:
    """Where the orders stand that a release would take; "" where all of them lie on the shelf."""
    if parts.on_shelf == parts.all:
        return ""
    said = [_("%(n)s on the shelf", n=parts.on_shelf)] if parts.on_shelf else []
    if parts.on_truck:
        said.append(_("%(n)s on a truck that is not counted in", n=parts.on_truck))
    if parts.in_review:
        said.append(
            ngettext("%(num)s whose address is in review", "%(num)s whose address is in review", parts.in_review)
        )
    if parts.not_looked_up:
        said.append(
            ngettext(
                "%(num)s whose address is not looked up yet",
                "%(num)s whose addresses are not looked up yet",
                parts.not_looked_up,
            )
        )
    return ", ".join(said)


def completeness_words(completeness: str) -> str:
    return {
        "complete": _("ships complete"),
        "per_line": _("ships whole lines"),
        "partial": _("may ship in parts"),
    }.get(completeness, completeness)


def quality_words(quality: str) -> str:
    """How sure a pin is."""
    return {
        "exact": _("door found"),
        "interpolated": _("between two known doors"),
        "by_person": _("set by a person"),
        "street": _("only the street"),
        "approximate": _("only roughly"),
        "ambiguous": _("several places fit"),
        "outside": _("outside the area"),
        "duplicate": _("same place twice"),
        "not_found": _("not found"),
    }.get(quality, quality)


def profile_words(profile: str) -> str:
    """How a vehicle travels."""
    return {
        "car": _("car"),
        "van": _("van"),
        "truck": _("truck"),
        "cargo_bike": _("cargo bike"),
        "bike": _("bike"),
        "bicycle": _("bicycle"),
    }.get(profile, profile.replace("_", " "))


def holds_for(row: SpeedRow, rows: Iterable[SpeedRow]) -> str:
    """Which vehicles a slice of the day is for: while one of its own holds, a vehicle does not go by those for all."""
    if row.profile:
        return profile_words(row.profile)
    own = sorted({each.profile for each in rows if each.profile} - set(BIKES))
    if not own:
        return _("all but bikes")
    return _("all but bikes; %(own)s first by its own", own=", ".join(map(profile_words, own)))


def engine_words(engine: str) -> str:
    """Who measured a way, so that nobody takes a guess for a measurement."""
    return {
        "osrm": _("OSRM"),
        "road graph": _("road graph, calibrated"),
        "great circle": _("through the air, no roads"),
    }.get(engine, engine)


def outcome_words(outcome: str, *, fetches: bool = False) -> str:
    """What happened at the door; of a delivery that `fetches`, nothing was handed over there."""
    if fetches and outcome == "delivered":
        return _("collected")
    return every_outcome_words().get(outcome, outcome.replace("_", " "))


def waits_for(whom: str) -> str:
    """What keeps goods that were not handed over from going out again by themselves, as a sentence; "" for nothing."""
    return {
        "": "",
        "customer": _("Waits for the customer to name a day."),
        "decision": _("Waits for a decision: credit, cancel or deliver again."),
        "erp": _("Waits for what the ERP says."),
    }.get(whom) or (_("Waits for: %(what)s.", what=whom) if whom else "")


def every_outcome_words() -> dict[str, str]:
    """Every way in which an attempt ends, by its value."""
    return {
        "delivered": _("handed over"),
        "third_party": _("left with somebody else"),
        "safe_place": _("left in a safe place"),
        "pickup_point": _("left at a pickup point"),
        "not_home": _("nobody there"),
        "closed": _("premises closed"),
        "address_not_found": _("address not found"),
        "no_access": _("no access"),
        "no_parking": _("no parking"),
        "refused": _("refused"),
        "wrong_goods": _("wrong goods"),
        "damaged": _("damaged"),
        "missing": _("missing from the van"),
        "no_paperwork": _("paperwork missing"),
        "no_payment": _("no payment"),
        "breakdown": _("breakdown"),
        "not_attempted": _("not attempted"),
    }


def notice_words(kind: str) -> str:
    """What a message is about."""
    return {
        "date_given": _("the first date"),
        "date_changed": _("a new date"),
        "window_scheduled": _("the time window"),
        "out_today": _("out today"),
        "failed": _("it was not delivered"),
        "delivered": _("delivered"),
        "driver_route": _("the driver's route"),
        "cancelled": _("cancelled"),
        "credited": _("credited"),
        "backorder_list": _("the list of backorders"),
        "supplier_overdue": _("what is overdue from a supplier"),
        "supplier_order": _("an order to a supplier"),
    }.get(kind, kind.replace("_", " "))


def message_about(kind: str, data: Mapping[str, Any]) -> str:
    """What one message is about: of a day that was lost it does not say that there is a new one."""
    if kind == "date_changed" and not data.get("day"):
        return _("no date any more")
    return notice_words(kind)


def task_kind_words() -> dict[TaskKind, str]:
    """Every kind of task in a word or two."""
    return {
        TaskKind.ADDRESS_IN_REVIEW: _("Address"),
        TaskKind.ADDRESS_SOME_VEHICLES: _("Not for every vehicle"),
        TaskKind.SHIP_COMPLETE_BROKEN: _("Ship complete"),
        TaskKind.NO_DATE: _("No date"),
        TaskKind.CALL_CUSTOMER: _("Call"),
        TaskKind.ORDER_CHANGED_AFTER_RELEASE: _("Order changed"),
        TaskKind.DOOR_DECISION: _("Decide"),
        TaskKind.REDELIVERY: _("Deliver again"),
        TaskKind.MEET: _("Meet"),
        TaskKind.GOODS_BACK: _("Goods back"),
        TaskKind.TRIP_NOT_LOADED: _("Not loaded"),
        TaskKind.OLD_LIST: _("Old list"),
        TaskKind.REPORT_REFUSED: _("On the phone"),
        TaskKind.DELAY_CONSENT: _("Delay"),
        TaskKind.REFUND: _("Refund"),
        TaskKind.PUT_BACK: _("Put back"),
        TaskKind.EMPTY_DELIVERY: _("Empty delivery"),
        TaskKind.MISSING_GOODS: _("Missing goods"),
        TaskKind.SUPPLY_OVERDUE: _("Overdue"),
        TaskKind.CASH_DIFFERENCE: _("Cash"),
        TaskKind.DISPUTE: _("Disputed"),
        TaskKind.CUSTOMER_MESSAGE: _("Customer writes"),
        TaskKind.SENDER_STUCK: _("Messages stuck"),
    }


def task_words(kind: str) -> str:
    """What a task is, in a word or two; of a kind that is none any more the name of it."""
    known = {each.value: words for each, words in task_kind_words().items()}
    return known.get(kind, kind.replace("_", " ").capitalize())


def silence_words(silence: str, *, waits: bool = False) -> str:
    """What no answer to a delay means. `waits`: there is no new day."""
    if waits and silence == "accept":
        return _("that they wait is taken as agreed")
    return {
        "task": _("the salesperson calls"),
        "accept": _("the new day is accepted"),
        "cancel": _("the goods are cancelled"),
    }.get(silence, silence)


def answer_words(answer: str, *, waits: bool = False) -> str:
    """What was settled about a delay. `waits`: there is no new day."""
    if waits and answer == "accept":
        return _("Agreed: they wait until there is a day.")
    return {
        "accept": _("Agreed: the new day stands."),
        "other_day": _("Moved to the day the customer chose."),
        "cancel": _("Cancelled: the goods went to who waits next, and the refund is a task."),
    }[answer]


def reference_words(matched: str) -> str:
    """By what the search found it."""
    return {
        "order": _("order number"),
        "customer_reference": _("customer's reference"),
        "erp_reference": _("ERP reference"),
        "delivery": _("delivery"),
        "customer": _("customer"),
        "site": _("site"),
        "sku": _("product"),
        "phone": _("phone or contact"),
    }[matched]


def charged_words() -> dict[str, str]:
    """What a shop charged, in the order of a bill."""
    return {
        "subtotal": _("goods"),
        "discount": _("discount"),
        "shipping": _("shipping"),
        "taxes": _("taxes"),
        "duties": _("duties"),
        "total": _("total"),
        "refunded": _("refunded"),
        "outstanding": _("outstanding"),
    }


def actor_words(who: str) -> str:
    """Who did it: a person's name, or the part of Backroute that did."""
    return {
        "import": _("an import"),
        "job": _("Backroute"),
        "customer": _("the customer"),
        "silence": _("no answer"),
        "demo": _("the demo"),
        "": "",
    }.get(who, who)


def erased_words(file: ProofFile, zone: str) -> str:
    """Of a photo or signature that its proof no longer has."""
    assert file.erased_at is not None
    on, who = moment(file.erased_at, zone), actor_words(file.erased_by)
    if file.kind == "signature":
        return _("Signature erased on %(when)s by %(who)s", when=on, who=who)
    return _("Photo erased on %(when)s by %(who)s", when=on, who=who)


def lost_goods(lost: Iterable[LostGoods]) -> str:
    """2 pcs Oat milk 1 l (OAT-1), €5.00; what has no price stands without."""
    return "; ".join(
        f"{how_many(each.quantity, each.unit)} {each.name} ({each.sku})"
        + (f", {money(each.worth, each.currency)}" if each.worth and each.currency else "")
        for each in lost
    )


# ---------------------------------------------------------------------------- what happened


def summary(one: Happening) -> str:
    """One plain sentence for what one press did to many."""
    match one.kind:
        case "received":
            return _("%(n)s lines counted in.", n=one.alike)
        case "released":
            return _("%(n)s orders released.", n=one.alike)
        case "unreleased":
            return _("%(n)s orders taken back.", n=one.alike)
        case "collection_asked":
            return _("%(n)s collections asked for.", n=one.alike)
        case "collection_cancelled":
            return _("%(n)s collections cancelled.", n=one.alike)
        case "loaded":
            return _("%(n)s deliveries loaded.", n=one.alike)
        case "dispatched":
            return _("%(n)s deliveries left the depot.", n=one.alike)
        case "order_received":
            return _("%(n)s orders came in.", n=one.alike)
        case "fleet_changed":
            return _("%(n)s changes of the fleet.", n=one.alike)
        case "consent_asked":
            return _many_asked(one.alike, str(one.data.get("message", "sent")))
        case _:
            return f"{one.alike} × {one.kind.replace('_', ' ').replace('.', ' ')}."


def _many_asked(n: int, message: str) -> str:
    match message:
        case "none":
            return _(
                "%(n)s delays of which nobody could be asked: no contact agreed to messages; calls are tasks.", n=n
            )
        case "sent":
            return _("%(n)s customers asked whether the delay suits.", n=n)
        case "held":
            return _("%(n)s questions whether the delay suits were held back.", n=n)
    return _("%(n)s questions whether the delay suits wait to be sent.", n=n)


def truck_due(line: InboundLine, today: str) -> str:
    """When a truck is expected, in the same words on every page: today 05:30, Wed 4 Mar, overdue since 2 Mar."""
    on = line.expected_on
    if not on:
        return _("no date")
    if on < today:
        return _("overdue since %(day)s", day=written_day(on, "d MMM"))
    return _("today %(time)s", time=clock(line.expected_at, line.zone)) if on == today else written_day(on, "EEE d MMM")


def sentence(one: Happening) -> str:
    """One plain sentence. A kind that is not known here is still told, by its own words: nothing is left out."""
    if isinstance(why := one.data.get("why"), str):
        one = replace(one, data={**one.data, "why": with_days_written(why)})
    for room in (_of_the_order, _of_the_goods, _of_the_plan, _of_the_door, _of_the_house):
        if said := room(one):
            return said
    said = one.kind.replace("_", " ").replace(".", " ").capitalize()
    why = one.data.get("why") or one.data.get("sentence") or ""
    return f"{said}: {why}." if why else f"{said}."


def _of_the_order(one: Happening) -> str:
    """What was ordered, promised, paid for and agreed. "" for what is of another room."""
    data = one.data
    match one.kind:
        case "ordered":
            reference = data.get("reference")
            return _("Ordered, as %(reference)s.", reference=reference) if reference else _("Ordered.")
        case "promised":
            return _promised(data)
        case "told":
            return _told(data)
        case "order_received":
            return _("%(order)s came in.", order=data.get("order", ""))
        case "order_changed":
            return _("Changed in the order file.")
        case "collect_at_door_set":
            before, after = (money(data.get(name, 0), str(data.get("currency"))) for name in ("from", "to"))
            return _("To be paid at the door: %(after)s, not %(before)s.", before=before, after=after)
        case "order_cancelled":
            return _("Cancelled in the order file.")
        case "order_delivered_elsewhere":
            return _("Delivered elsewhere: the shop fulfilled it itself. Its goods are free for others.")
        case "order_changed_after_release":
            return _("Changed in the order file after it was released.")
        case "promise_lost":
            return _(
                "Promised for %(day)s, and no day is known any more: %(why)s.",
                day=_day(min((line["promised"] for line in data.get("lines", ())), default="")),
                why=data.get("why", ""),
            )
        case "slot_agreed":
            opens, closes = data.get("window") or ("", "")
            return _("Agreed on %(day)s, %(from)s-%(to)s.", day=_day(data.get("day")), to=closes, **{"from": opens})
        case "held":
            return _("Put on hold: %(why)s.", why=data.get("why"))
        case "hold_lifted":
            return _with_why(_("No longer on hold."), data)
        case "payment_held":
            return _("The customer was put on payment hold: %(why)s.", why=data.get("why"))
        case "payment_hold_lifted":
            return _with_why(_("The customer is no longer on payment hold."), data)
        case "payment_passed":
            return _("Passed the payment gate: %(why)s.", why=data.get("why"))
        case "payment_awaited":
            return _("Waits for payment again.")
        case "consent_asked":
            return _consent_asked(data)
        case "consent_accept":
            return _("The delay was agreed to.")
        case "consent_other_day":
            return _("Another day was chosen: %(day)s.", day=_day(data.get("chosen")))
        case "consent_cancel":
            return _("Cancelled because of the delay.")
        case "consent_silent":
            return _(
                "No answer about the delay: %(means)s.",
                means=silence_words(str(data.get("means")), waits=_undated(data)),
            )
        case "substituted":
            return _(
                "%(given)s × %(substitute)s go instead of %(units)s × %(sku)s, on %(day)s.",
                given=data.get("given"),
                substitute=data.get("substitute"),
                units=data.get("units"),
                sku=data.get("sku"),
                day=_day(data.get("day")),
            )
    return ""


def _of_the_goods(one: Happening) -> str:
    """What lies, comes, is given out, picked and loaded. "" for what is of another room."""
    data = one.data
    match one.kind:
        case "received":
            said = _(
                "%(quantity)s × %(sku)s counted in as %(receipt)s.",
                quantity=data.get("quantity"),
                sku=data.get("sku"),
                receipt=data.get("receipt"),
            )
            quarantined = data.get("quarantined")
            return f"{said} {_('%(n)s of them quarantined.', n=quarantined)}" if quarantined else said
        case "recounted":
            before, after = (*data.get("quantity", ()), "?", "?")[:2]
            return _(
                "%(receipt)s recounted: %(after)s instead of %(before)s.",
                receipt=data.get("receipt") or data.get("sku"),
                before=before,
                after=after,
            )
        case "allocated":
            return _allocated(data)
        case "goods_missing":
            return _("%(n)s units of it were released and are not there.", n=data.get("quantity"))
        case "released" if data.get("shared"):
            return _(
                "%(units)s of %(of)s units of this order released for %(day)s, with others in %(delivery)s "
                "(%(all)s units).",
                units=data.get("units"),
                of=data.get("of"),
                day=_day(data.get("for_day")),
                delivery=data.get("delivery"),
                all=data.get("shared"),
            )
        case "released":
            return _(
                "%(units)s of %(of)s units released for %(day)s as %(delivery)s.",
                units=data.get("units"),
                of=data.get("of"),
                day=_day(data.get("for_day")),
                delivery=data.get("delivery"),
            )
        case "rides_along":
            return _rides_along(data)
        case "unreleased":
            return _with_why(_("%(delivery)s taken back.", delivery=data.get("delivery")), data)
        case "picked" | "put_back":
            said = (
                _("%(n)s units picked", n=data.get("units"))
                if one.kind == "picked"
                else _("%(n)s units put back on the shelf", n=data.get("units"))
            )
            return _("%(said)s: %(picked)s of %(of)s.", said=said, picked=data.get("picked"), of=data.get("of"))
        case "staged":
            return _("Waits at %(place)s to be loaded.", place=data.get("place"))
        case "unstaged":
            return _("Taken off %(place)s.", place=data.get("place"))
        case "short_pick":
            return _(
                "%(there)s of %(of)s × %(sku)s were there.",
                there=data.get("there"), of=data.get("of"), sku=data.get("sku"),
            )  # fmt: skip
        case "inspected":
            return _(
                "%(n)s × %(sku)s inspected: %(outcome)s.",
                n=data.get("quantity"), sku=data.get("sku"), outcome=data.get("outcome"),
            )  # fmt: skip
        case "loaded":
            return _("Loaded onto %(vehicle)s.", vehicle=one.vehicle) if one.vehicle else _("Loaded.")
        case "unloaded":
            return _("Taken off the van again.")
        case "inbound_slipped":
            return _("Inbound %(number)s comes on %(day)s.", number=data.get("inbound"), day=_day(data.get("to")))
        case "inbound_cancelled":
            return _("Inbound %(number)s will not come.", number=data.get("inbound"))
    return ""


def _of_the_plan(one: Happening) -> str:
    """What was planned, and how the vans went. "" for what is of another room."""
    data = one.data
    match one.kind:
        case "pin_chosen":
            return _("Pin of %(name)s set: %(label)s.", name=data.get("name"), label=data.get("label"))
        case "who_comes_changed":
            return _who_comes(data)
        case "planned":
            return _("The day was planned.")
        case "plan_changed":
            return _("The plan was changed.")
        case "plan_undone":
            return _("A change of the plan was undone.")
        case "postponed":
            return _postponed(data)
        case "files_erased":
            return _with_why(
                _("%(what)s of %(delivery)s erased.", what=_files_of(data), delivery=data.get("delivery")), data
            )
        case "set_urgent":
            return _(
                "%(delivery)s set urgent: %(why)s. %(option)s.",
                delivery=data.get("delivery"),
                why=str(data.get("why", "")).rstrip("."),
                option=data.get("option"),
            )
        case "delivery_split":
            return _(
                "%(delivery)s was too big for any van: split into %(parts)s.",
                delivery=data.get("delivery"),
                parts=", ".join(str(each) for each in data.get("parts", ())),
            )
        case "delivery_locked":
            return _("Fixed by hand in the plan.")
        case "delivery_unlocked":
            return _("Free again for the plan.")
        case "driver_out":
            return _("Driver out on %(vehicle)s.", vehicle=one.vehicle or "?")
        case "dispatched":
            said = _("On its way with %(vehicle)s", vehicle=data.get("vehicle") or one.vehicle or "?")
            return f"{said}, {_('stop %(n)s', n=data['stop'])}." if data.get("stop") else f"{said}."
        case "route_dispatched":
            return _(
                "%(vehicle)s left with %(stops)s stops.",
                vehicle=data.get("vehicle") or one.vehicle or "?",
                stops=data.get("stops", "?"),
            )
        case "driver_link_renewed":
            return _("The driver's link of %(vehicle)s was replaced.", vehicle=one.vehicle or "?")
        case "van_closed":
            return _("What %(vehicle)s brought back was counted.", vehicle=one.vehicle or "?")
        case "trip.loaded":
            return _("%(vehicle)s is loaded for trip %(n)s.", vehicle=one.vehicle or "?", n=data.get("trip"))
    return ""


def _who_comes(data: Mapping[str, Any]) -> str:
    named = {
        "known_to": _("drivers who know it"),
        "vehicles": _("vehicles that may come"),
        "run": _("its standing run"),
    }
    said = [
        _("%(what)s %(after)s, not %(before)s", what=word, after=_listed(data[name][1]), before=_listed(data[name][0]))
        for name, word in named.items()
        if name in data
    ]
    return _("Who comes to %(name)s was changed: %(what)s.", name=data.get("name"), what="; ".join(said))


def _listed(numbers: str) -> str:
    return ", ".join(filter(None, numbers.split(";"))) or _("none")


def _files_of(data: Mapping[str, Any]) -> str:
    counts = data.get("files", {})
    said = {
        "photo": ngettext("%(num)s photo", "%(num)s photos", counts.get("photo", 0)),
        "signature": ngettext("%(num)s signature", "%(num)s signatures", counts.get("signature", 0)),
    }
    return (
        _("%(one)s and %(other)s", one=said["photo"], other=said["signature"])
        if len(counts) > 1
        else "".join(said.get(kind, kind) for kind in counts)
    )


def _with_why(said: str, data: Mapping[str, Any]) -> str:
    why = data.get("why")
    return f"{said} {_('Why: %(why)s', why=why)}" if why else said


def _of_the_door(one: Happening) -> str:
    """What became of it at the door, and after it. "" for what is of another room."""
    data = one.data
    match one.kind:
        case "collection_asked":
            return _(
                "%(units)s × %(sku)s are to be fetched from %(day)s as %(delivery)s: %(why)s.",
                units=data.get("units"),
                sku=data.get("sku"),
                day=_day(data.get("for_day")),
                delivery=data.get("delivery"),
                why=data.get("why"),
            )
        case "collection_cancelled":
            return _with_why(_("%(delivery)s is not fetched any more.", delivery=data.get("delivery")), data)
        case "decided":
            return _("Decided after the door: %(outcome)s.", outcome=data.get("outcome"))
        case "disputed":
            why = data.get("why")
            said = _("The customer says that it never came")
            return f"{said}: {why}." if why else f"{said}."
        case "stop.arrived":
            return _("%(vehicle)s arrived at %(site)s.", vehicle=one.vehicle or "?", site=one.site or "?")
        case "stop.reported" if _nobody_went(data):
            return _("Nobody went to %(site)s.", site=one.site or "?")
        case "stop.reported":
            return _("Reported from the door of %(site)s.", site=one.site or "?")
        case "report.corrected":
            return _(
                "The report of %(delivery)s was corrected from “%(before)s” to “%(after)s”: %(why)s.",
                delivery=one.delivery,
                before=outcome_words(str(data.get("before", {}).get("outcome")), fetches=one.fetches),
                after=outcome_words(str(data.get("after", {}).get("outcome")), fetches=one.fetches),
                why=str(data.get("why", "")).rstrip("."),
            ) + _paid_in(data)
        case "delivery.done" if data.get("outcome") == "refused":
            return _("%(delivery)s was refused at the door.", delivery=one.delivery) + _paid_in(data)
        case "delivery.done":
            outcome = outcome_words(str(data.get("outcome")), fetches=one.fetches)
            return _("%(delivery)s: %(outcome)s.", delivery=one.delivery, outcome=outcome) + _paid_in(data)
        case "delivery.failed" if data.get("outcome") == "not_attempted" and one.fetches:
            return _("%(delivery)s was not collected: nobody went there.", delivery=one.delivery)
        case "delivery.failed" if data.get("outcome") == "not_attempted":
            return _("%(delivery)s was not brought: nobody went there.", delivery=one.delivery)
        case "delivery.failed":
            outcome = outcome_words(str(data.get("outcome")))
            if one.fetches:
                return _("%(delivery)s could not be collected: %(outcome)s.", delivery=one.delivery, outcome=outcome)
            return _("%(delivery)s could not be delivered: %(outcome)s.", delivery=one.delivery, outcome=outcome)
        case "delivery.noted":
            said = _(
                "%(vehicle)s said of %(delivery)s, which it does not carry: %(outcome)s.",
                vehicle=one.vehicle or "?",
                delivery=one.delivery,
                outcome=outcome_words(str(data.get("outcome")), fetches=one.fetches),
            )
            return said + " " + _("It goes with %(van)s.", van=data["goes_with"]) if data.get("goes_with") else said
    return ""


def pay_method_words(method: str) -> str:
    return {"cash": _("in cash"), "card": _("by card"), "other": _("otherwise")}.get(method, method)


def paid_words(paid: Iterable[Paid]) -> str:
    """What was due with a report and what was collected: "Due 112.50 EUR, collected 112.50 EUR in cash."."""
    return " ".join(_due_and_collected(currency, due, methods) for currency, (due, methods) in added_up(paid).items())


def _paid_in(data: Mapping[str, Any]) -> str:
    """The same of an event, after its sentence."""
    said = [
        _due_and_collected(str(each.get("currency")), int(each.get("due", 0)), each.get("collected", {}))
        for each in data.get("paid", ())
    ]
    return "".join(f" {each}" for each in said)


def _due_and_collected(currency: str, due: int, methods: Mapping[Any, int]) -> str:
    given = [f"{money(amount, currency)} {pay_method_words(str(method))}" for method, amount in methods.items()]
    return _(
        "Due at the door %(due)s, collected %(collected)s.",
        due=money(due, currency),
        collected=", ".join(given) or _("nothing"),
    )


def till_words(cash: VanCash) -> str:
    """What was due on a van's route, by which method it was collected, and what the till should hold."""
    paid = {"card": cash.card, "other": cash.other}
    said = _(
        "Due %(due)s, collected %(collected)s in cash.",
        due=money(cash.due, cash.currency),
        collected=money(cash.collected, cash.currency),
    )
    others = [f"{money(amount, cash.currency)} {pay_method_words(name)}" for name, amount in paid.items() if amount]
    if others:
        said += " " + _("Also %(others)s: the till should hold the cash only.", others=", ".join(others))
    return said


def _of_the_house(one: Happening) -> str:
    """What was decided for more than one order. "" for what is of another room."""
    data = one.data
    match one.kind:
        case "day_closed":
            return _("The day was closed.")
        case "outbound_switched":
            return _("Messages to customers switched: %(mode)s.", mode=data.get("why"))
        case "allocation_switched":
            return _("The ERP allocates from now on.") if data.get("to") == "erp" else _("We allocate from now on.")
        case "token_added":
            return _("API token %(name)s was made.", name=data.get("token"))
        case "token_revoked":
            return _("API token %(name)s was revoked.", name=data.get("token"))
        case "policy_changed" | "policy_ended" if "name" in data:
            said = _("Policy %(name)s", name=str(data["name"]).replace("_", " "))
            return f"{said}: {_('ended') if one.kind == 'policy_ended' else data.get('value')}."
        case "policy_changed":
            return _("Who comes first: %(policy)s.", policy=data.get("why"))
        case "fleet_changed":
            return _fleet(data)
        case "task_done":
            about, outcome = task_words(str(data.get("about"))), data.get("outcome")
            return _("Task done (%(about)s): %(outcome)s.", about=about, outcome=outcome)
    return ""


def _nobody_went(data: Mapping[str, Any]) -> bool:
    said = [*data.get("deliveries", ()), *data.get("noted", ())]
    return bool(said) and all(each.get("outcome") == "not_attempted" for each in said)


def _postponed(data: Mapping[str, Any]) -> str:
    why = {
        "urgent": _("No van had room"),
        "cancelled": _("Cancelled for today"),
        "smaller": _("A smaller van went out"),
        "later": _("The goods come later"),
    }.get(str(data.get("why")), "")
    if not data.get("day"):
        return _("%(why)s: it waits for another day.", why=why)
    return _("%(why)s: it goes on %(day)s.", why=why, day=_day(data.get("day")))


def _rides_along(data: Mapping[str, Any]) -> str:
    said = _(
        "%(units)s of %(of)s units ride along beside %(door)s",
        units=data.get("units"),
        of=data.get("of"),
        door=data.get("beside"),
    )
    if data.get("van"):
        said += _(", with %(van)s", van=data["van"])
    said += _(", +%(n)s min", n=data.get("minutes"))
    return f"{said} ({_('by the rule in force')})." if data.get("by_rule") else f"{said}."


def _promised(data: Mapping[str, Any]) -> str:
    lines = len(data.get("lines", ()))
    day = _day(data.get("day"))
    if data.get("moved") == "same":
        window = data.get("window")
        said = _told_for(f"{day}, {window}" if window else day, str(data.get("heard", "")))
        return f"{said} ({data['why']})." if data.get("why") else f"{said}."
    if data.get("moved") == "first":
        return ngettext("Promised for %(day)s.", "%(num)s lines promised for %(day)s.", lines, day=day)
    said = ngettext("Promise moved to %(day)s", "Promise of %(num)s lines moved to %(day)s", lines, day=day)
    why = data.get("why")
    return f"{said}: {why}." if why else f"{said}."


def _told_for(when: str, heard: str) -> str:
    match heard:
        case "told" | "agreed" | "":
            return _("Told for %(when)s", when=when)
        case "waits":
            return _("To be told for %(when)s, the message waits to be sent", when=when)
        case "off":
            return _("To be told for %(when)s, the message waits: sending is off", when=when)
    return _("Was to be told for %(when)s; %(why)s", when=when, why=not_told(heard))


def not_told(heard: str) -> str:
    """Why the customer never heard of a promise that was made to be told; "" where they did, or still may."""
    return {
        "late": _("not told: the message would have come too late"),
        "withheld": _("not told: the message was withheld"),
        "failed": _("not told: the message could not be sent"),
        "nobody": _("not told: no contact takes messages"),
    }.get(heard, "")


def _consent_asked(data: Mapping[str, Any]) -> str:
    """By what became of its message; without any nobody there could be asked."""
    about = {
        "day": _day(data.get("due_on")),
        "means": silence_words(str(data.get("silence")), waits=data.get("day") == ""),
    }
    match data.get("message", "sent"):
        case "none":
            return _(
                "Could not be asked whether the delay suits: no contact agreed to messages; a call was made a task."
            )
        case "sent":
            return _("Asked whether the delay suits; answer by %(day)s, no answer: %(means)s.", **about)
        case "held":
            return _("Was to be asked whether the delay suits, by %(day)s; the message was held back.", **about)
    return _(
        "Is to be asked whether the delay suits, waits to be sent; answer by %(day)s, no answer: %(means)s.",
        **about,
    )


def _undated(data: Mapping[str, Any]) -> bool:
    return any(not line.get("now") for line in data.get("lines", ()))


def _told(data: Mapping[str, Any]) -> str:
    about = message_about(str(data.get("about")), data)
    to = {"about": about, "recipient": data.get("recipient")}
    match data.get("status"):
        case "sent":
            return _("Told %(recipient)s: %(about)s.", **to)
        case "failed":
            said = _("Message to %(recipient)s about %(about)s failed", **to)
        case "withheld":
            said = _("Message to %(recipient)s about %(about)s was held back", **to)
        case _:
            return _("Message to %(recipient)s about %(about)s waits to be sent.", **to)
    return f"{said}: {data['problem']}" if data.get("problem") else f"{said}."


def _allocated(data: Mapping[str, Any]) -> str:
    parts = []
    for line in data.get("lines", ()):
        sku = line.get("sku", "")
        firm = line.get("firm")
        if isinstance(firm, list | tuple) and len(firm) == 2 and firm[0] != firm[1]:
            parts.append(
                _("%(sku)s: %(after)s on the shelf for it (before %(before)s)", sku=sku, before=firm[0], after=firm[1])
            )
            continue
        days = line.get("day") or line.get("expected")
        if isinstance(days, list | tuple) and len(days) == 2 and days[0] != days[1]:
            if not days[1]:
                parts.append(_("%(sku)s: no date", sku=sku))
            else:
                parts.append(_("%(sku)s: expected %(day)s", sku=sku, day=_day(days[1])))
    why = data.get("why", "")
    said = "; ".join(parts[:4]) or _("Goods given out again")
    if len(parts) > 4:
        said += " " + _("and %(n)s more lines", n=len(parts) - 4)
    return f"{said} ({why})." if why else f"{said}."


def _fleet(data: Mapping[str, Any]) -> str:
    """Van 1 changed: weight 500 → 600, out from – → 2026-03-04."""
    called = {"vehicle": _("Vehicle"), "driver": _("Driver"), "shift": _("Standing shift")}.get(data["what"], "")
    if data.get("new"):
        return _("%(what)s %(name)s is new.", what=called, name=data.get("name"))
    changes = data.get("changes", [])
    said = ", ".join(
        f"{str(name).removesuffix('_id').replace('_', ' ')} {'–' if old in ('', None) else old} → "
        f"{'–' if new in ('', None) else new}"
        for name, old, new in changes[:4]
    )
    more = _(" and %(n)s more", n=len(changes) - 4) if len(changes) > 4 else ""
    return f"{called} {data.get('name')}: {said}{more}."


def _day(value: Any) -> str:
    return written_day(str(value), "EEE d MMM") if value else "?"
