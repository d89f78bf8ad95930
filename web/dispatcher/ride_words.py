"""Ship part or wait, in words: what passes, what each way costs, and which term stands against it."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext

from routing.rules.ride_along import Added, RideOffer, StopCost
from web.dispatcher.board_words import cost_change, metres_change, minutes_change
from web.dispatcher.policy_words import ride_words
from web.dispatcher.words import staying_reason
from web.formats import day as written_day
from web.formats import distance, duration, money


def headline(offer: RideOffer) -> str:
    """The whole question in one line: "Van 3 passes 40 m away: 8 of 12 now for +2 min, or complete on Thursday"."""
    assert offer.ride is not None
    return _(
        "%(passes)s: %(units)s of %(of)s now for %(minutes)s, or %(wait)s",
        passes=passes(offer),
        units=offer.units,
        of=offer.of,
        minutes=minutes_change(_minutes(offer.ride.added)),
        wait=complete_on(offer),
    )


def passes(offer: RideOffer) -> str:
    assert offer.ride is not None
    van = offer.ride.van or _("A van")
    if offer.ride.beside_m == 0:
        return _("%(van)s stops at this door", van=van)
    return _("%(van)s passes %(metres)s away", van=van, metres=_apart(offer.ride.beside_m))


def complete_on(offer: RideOffer) -> str:
    if not offer.whole_on:
        return _("complete on a day that nobody knows yet")
    if offer.whole_on == offer.day:
        return _("complete later today")
    return _("complete on %(day)s", day=written_day(offer.whole_on, "EEEE d MMMM"))


def whole_day(offer: RideOffer) -> str:
    if not offer.whole_on:
        return _("No date for the rest yet")
    return _("Later today") if offer.whole_on == offer.day else written_day(offer.whole_on, "EEEE d MMMM")


def where(offer: RideOffer) -> str:
    """Beside which door, as the way is known."""
    assert offer.ride is not None
    if offer.ride.beside_m == 0:
        return _("at the same door") if offer.plan_id is not None else _("with what goes to this door anyway")
    return _("beside %(door)s, %(metres)s away", door=offer.ride.beside, metres=_apart(offer.ride.beside_m))


def added(what: Added, currency: str) -> str:
    """Minutes, kilometres and money more (or less), in that order."""
    return ", ".join(
        (minutes_change(_minutes(what)), metres_change(round(what.distance_m, -1)), cost_change(what.cost, currency))
    )


def stop(what: StopCost, currency: str) -> str:
    return ", ".join(
        (
            duration(what.added.duty_s),
            distance(what.added.distance_m),
            money(round(what.added.cost / 1000), currency),
        )
    )


def basis(what: StopCost) -> str:
    """How the cost of a second stop was estimated."""
    if not what.stops:
        return _("a trip of its own from the depot and back: nothing is planned yet")
    if what.of_zone:
        return ngettext(
            "as the %(num)s stop of this zone in the plan",
            "the middle of what the %(num)s stops of this zone add in the plan",
            what.stops,
        )
    return ngettext(
        "as the %(num)s stop of the depot in the plan",
        "the middle of what the %(num)s stops of the depot add in the plan",
        what.stops,
    )


def verdict(offer: RideOffer, currency: str) -> str:
    """What the choice comes to: so much more, so many days sooner."""
    assert offer.ride is not None
    costs = cost_change(offer.ride.added.cost, currency)
    if offer.days_sooner is None:
        return _("Now costs %(money)s more; without it nobody knows when they come.", money=costs.lstrip("+"))
    if not offer.days_sooner:
        return _("Now costs %(money)s more.", money=costs.lstrip("+"))
    return ngettext(
        "Now costs %(money)s more and brings %(units)s of them %(num)s day sooner.",
        "Now costs %(money)s more and brings %(units)s of them %(num)s days sooner.",
        offer.days_sooner,
        money=costs.lstrip("+"),
        units=offer.units,
    )


def rule(offer: RideOffer) -> str:
    """What the policy in force will do by itself."""
    said = ride_words()[offer.rule.value]
    if offer.rule.value in ("next_door", "same_door"):
        said += ngettext(", for %(num)s min at most", ", for %(num)s min at most", offer.max_minutes)
    return said


def forbidden(offer: RideOffer) -> str:
    return staying_reason(offer.forbidden.value) if offer.forbidden else ""


def went(offer: RideOffer) -> str:
    """What was done with it."""
    assert offer.ride is not None
    if offer.ride.van:
        return _(
            "%(van)s takes %(units)s of %(order)s along, %(minutes)s",
            van=offer.ride.van,
            units=offer.units,
            order=offer.order,
            minutes=minutes_change(_minutes(offer.ride.added)),
        )
    return _(
        "%(units)s of %(order)s are released, to ride along %(where)s",
        units=offer.units,
        order=offer.order,
        where=where(offer),
    )


def _minutes(what: Added) -> int:
    return round(what.duty_s / 60)


def _apart(metres: int) -> str:
    return f"{metres} m"
