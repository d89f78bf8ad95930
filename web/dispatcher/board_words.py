"""The board's own words: how far a route is, what the search does, effects and options as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from routing.rules.changes import MoveEffect
from routing.rules.driver_out import OutKind
from routing.rules.extra import Apart, Extra, Paid
from routing.rules.what_if import NOT_PLANNED
from web.dispatcher.board_view import Board, BoardRoute, Totals
from web.dispatcher.words import left_out_reason, notice_words
from web.formats import clock, distance, duration, money

__all__ = ["left_out_reason", "notice_words"]


def plan_state(board: Board) -> tuple[str, str]:
    """(which chip, its word)"""
    out = sum(route.is_out for route in board.routes)
    if board.state == "dispatched" and out < len(board.routes):
        of = len(board.routes)
        return "under_way", ngettext(
            "%(out)s of %(num)s van dispatched", "%(out)s of %(num)s vans dispatched", of, out=out
        )
    return {
        "": ("waiting", _("not planned")),
        "draft": ("ready", _("draft")),
        "dispatched": ("under_way", _("dispatched")),
        "closed": ("done", _("closed")),
    }[board.state]


def route_state(route: BoardRoute) -> tuple[str, str]:
    """(which chip, its word); of a van that goes out again, whatever is said of loading is said of one trip."""
    again = len(route.row.trips) > 1
    if route.state == "planned":
        if not route.loaded:
            return "waiting", _("not loaded")
        if again:
            return "waiting", _(
                "trip %(trip)s: %(n)s of %(of)s loaded", trip=route.trip, n=route.loaded, of=route.to_load
            )
        return "waiting", _("%(n)s of %(of)s loaded", n=route.loaded, of=route.to_load)
    return {
        "loaded": ("ready", _("trip %(n)s loaded", n=route.trip) if again else _("loaded")),
        "under_way": ("under_way", _("out")),
        "late": ("late", _("late")),
        "done": ("done", _("done")),
    }[route.state]


def stop_state(word: str) -> tuple[str, str]:
    """(which chip, its word) of `routing.rules.door_word.stop_word`, or of a stop that is late."""
    return {
        "planned": ("waiting", _("planned")),
        "loaded": ("ready", _("loaded")),
        "dispatched": ("under_way", _("on the way")),
        "under_way": ("under_way", _("at the door")),
        "late": ("late", _("late")),
        "done": ("done", _("delivered")),
        "collected": ("done", _("collected")),
        "refused": ("failed", _("refused")),
        "not_delivered": ("failed", _("not delivered")),
        "failed": ("failed", _("failed")),
    }[word]


def move_effect(effect: MoveEffect, currency: str) -> str:
    """What a move would do in one line, for beside the pointer: its price, or the first thing that it breaks."""
    if effect.plan is None:
        return effect.violations[0]
    if changes_nothing(effect):
        return _("It is there already: nothing would change.")
    price = (
        f"{minutes_change(effect.minutes)}, {metres_change(effect.distance_m)}, {cost_change(effect.cost, currency)}"
    )
    return ". ".join([price, *(each.sentence for each in effect.promises_broken[:1])])


def changes_nothing(effect: MoveEffect) -> bool:
    return effect.plan is not None and not effect.moved and effect.from_shift == effect.to_shift


def search_phase(phase: str) -> str:
    if phase.startswith("tier"):
        return _("Serving the most urgent first")
    return {
        "": _("Waits for its turn"),
        "measuring": _("Measuring the ways"),
        "cost": _("Making it cheaper"),
    }.get(phase, _("Searching"))


def cost(thousandths: int, currency: str) -> str:
    """An amount of thousandths of a minor unit, as money."""
    return money(round(thousandths / 1000), currency)


def extra(extra: Extra, currency: str) -> str:
    """ "12 min, €9.00"."""
    return f"{duration(extra.seconds)}, {cost(extra.cost, currency)}"


def overtime(extra: Extra, currency: str) -> str:
    return _("%(time)s overtime, %(cost)s", time=duration(extra.seconds), cost=cost(extra.cost, currency))


def balance(price: int, currency: str) -> str:
    return _("balance of hours %(cost)s", cost=cost(price, currency))


def balance_of_all(totals: Totals, currency: str) -> str:
    """ "€20.00, €2.00 of it uneven"."""
    said = cost(totals.balance, currency)
    return _("%(cost)s, %(part)s of it uneven", cost=said, part=cost(totals.uneven, currency))


def area(apart: Apart, currency: str) -> str:
    return _("stops %(way)s from their centre, %(cost)s", way=distance(apart.metres), cost=cost(apart.cost, currency))


def by_the_stop(paid: Paid, currency: str) -> str:
    stops = ngettext("%(num)s stop", "%(num)s stops", paid.stops)
    return _("%(stops)s for %(cost)s", stops=stops, cost=cost(paid.cost, currency))


def area_of_all(apart: Apart, currency: str) -> str:
    return f"{distance(apart.metres)}, {cost(apart.cost, currency)}"


def late(extra: Extra, currency: str) -> str:
    return _("%(time)s late, %(cost)s", time=duration(extra.seconds), cost=cost(extra.cost, currency))


def cost_change(thousandths: int, currency: str) -> str:
    return _signed(thousandths, money(abs(round(thousandths / 1000)), currency))


def minutes_change(minutes: int) -> str:
    return _signed(minutes, _("%(n)s min", n=abs(minutes)))


def duration_change(seconds: int) -> str:
    return _signed(seconds, duration(abs(seconds)))


def metres_change(metres: int) -> str:
    return _signed(metres, distance(abs(metres)))


def _signed(value: int, said: str) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{said}"


def clock_span(start: datetime, end: datetime, zone: str) -> str:
    return f"{clock(start, zone)}-{clock(end, zone)}"


def hours_words(hours: Sequence[tuple[str, str, str, str]]) -> str:
    """The receiving hours of a door: "06:00-11:00, begun by then"."""
    said = []
    for weekdays, opens, closes, kind in hours:
        meant = _("done by then") if kind == "finish_by" else _("begun by then")
        days = f"{weekdays.replace(',', ', ')} " if weekdays else ""
        said.append(f"{days}{opens}-{closes} ({meant})")
    return "; ".join(said) or _("any time")


def load_words(dimension: str, most: int, capacity: int | None) -> str:
    """ "312 of 800 kg"."""
    unit, by = {"weight_g": ("kg", 1000), "volume_cm3": ("m³", 1_000_000), "pieces": (_("pieces"), 1)}[dimension]
    digits = 1 if dimension == "volume_cm3" else 0
    carried = f"{most / by:.{digits}f}"
    return (
        f"{carried} {unit}"
        if capacity is None
        else _("%(most)s of %(capacity)s %(unit)s", most=carried, capacity=f"{capacity / by:.{digits}f}", unit=unit)
    )


def part_words(amounts: Sequence[Sequence[int]]) -> str:
    """ "110 kg + 62 kg"; pieces where nothing weighs anything."""
    weighs = any(amount[0] for amount in amounts)
    return " + ".join(
        load_words("weight_g", amount[0], None) if weighs else load_words("pieces", amount[2], None)
        for amount in amounts
    )


def scenario_words(kinds: Sequence[str]) -> str:
    """What a scenario tries, before it is worked out; no kind at all: nothing changed."""
    said = {
        "van": _("One van more"),
        "hours": _("Other hours"),
        "cut_off": _("A later cut-off"),
        "without": _("A driver less"),
    }
    return ", ".join(said[kind] for kind in kinds) or _("The same, planned again")


def standing_reason(reason: str) -> str:
    return _("new since the plan") if reason == NOT_PLANNED else left_out_reason(reason)


def cannot_use(missing: str) -> str:
    """Why a scenario can be looked at and not used."""
    if missing == "van":
        return _("To use it: there is no spare van of this kind. Hire one and import it with the fleet.")
    return _("To use it: every driver works that day or is away. Import one with the fleet.")


def option_words(kind: OutKind) -> tuple[str, str]:
    """(icon, what this way out means)"""
    return {
        OutKind.SPARE_DRIVER: ("user", _("The van goes as planned, with somebody else at the wheel.")),
        OutKind.OTHER_DRIVER: ("user", _("The goods stay on the van, and somebody else drives it.")),
        OutKind.SPREAD: ("route", _("The other vans take what fits; nobody else changes vans.")),
        OutKind.POSTPONE: ("calendar", _("Nothing of this van goes out today.")),
        OutKind.MEET: ("truck", _("Another van comes to it and takes the goods over.")),
        OutKind.OTHER_ORDER: ("route", _("The same goods on the same van; only the order of the doors changes.")),
        OutKind.LEAVE: ("calendar", _("These go on their next delivery day; the van has time for the rest.")),
        OutKind.OVERTIME: ("clock", _("Everything is brought, after the end of the shift. Ask the driver first.")),
        OutKind.FITS_IN: ("check", _("Nobody else changes vans; it goes where it costs least.")),
        OutKind.IN_ANOTHERS_TURN: ("arrow-right", _("The lowest one that would give way stays here.")),
        OutKind.SPARE_VAN: ("truck", _("A van and a driver who have nothing to do.")),
        OutKind.NEXT_DAY: ("calendar", _("It stays at the depot today.")),
        OutKind.STAYS_HERE: ("x", _("The van leaves it out; the doors behind it come earlier or as planned.")),
        OutKind.COMES_BACK: ("warehouse", _("The goods are on the van and are counted in when it is back.")),
        OutKind.FILLED: ("plus", _("Who was left out takes the time that became free.")),
        OutKind.OTHER_VAN: ("truck", _("The same driver and hours, another van; the order of the doors stays.")),
        OutKind.OTHER_VAN_LATER: ("calendar", _("What does not fit stays at the depot today.")),
        OutKind.WAITS: ("clock", _("Every door keeps its van and its turn; the van leaves when the goods are there.")),
        OutKind.LATER_VAN: ("route", _("The other doors keep their van; these change to one that leaves late enough.")),
        OutKind.BACK_TO_DEPOT: ("warehouse", _("The goods come back and wait for the next delivery day.")),
    }[kind]


def happened_words(kind: str) -> tuple[str, str, str]:
    """(icon, what happened, what it means) of what a page offers ways out of."""
    return {
        "urgent": (
            "flag",
            _("Urgent order"),
            _("Where it fits now, on vans that have not driven off. What is done or on board stays as it is."),
        ),
        "cancelled": (
            "x",
            _("Cancelled for today"),
            _("This decides about today. To end the order, cancel it where it came from."),
        ),
        "smaller": (
            "truck",
            _("Another van"),
            _("A spare van goes in its place, with the same driver and hours. What no longer fits is shown first."),
        ),
        "later": (
            "clock",
            _("Goods come later"),
            _("Every delivery of this plan that waits for the same goods is meant, none that is on a van."),
        ),
    }[kind]
