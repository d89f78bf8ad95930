"""Why what is open does not go out on a day: grouped as the headline counts it, so that each number is the same."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from flask_babel import gettext as _

from data.queries.standing import Standings
from routing.rules.standing import ON_TRUCK, Standing
from web.dispatcher.words import order_state, staying_reason

STAYS = (Standing.WAITING, Standing.HELD, Standing.LATER)
GOES = (Standing.READY, Standing.IN_REVIEW, Standing.ON_THE_WAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staying:
    order_id: int
    order: str
    customer: str
    sentence: str = ""
    """Where the head of the group does not say it all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    words: str
    orders: tuple[Staying, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stays:
    """Orders with one standing: `count` is the headline's number, of which the groups are the parts; `elsewhere` of
    them no release looks at, because all of it is released for a later day. Of the `rest` the headline counts no
    order: they are counted by what goes."""

    words: str
    count: int
    whys: tuple[Why, ...]
    elsewhere: int = 0
    rest: bool = False


def staying(found: Standings) -> list[Stays]:
    """The standings that stay, those that wait for goods first; then the rest of what goes in part."""
    groups: dict[Standing, dict[str, list[Staying]]] = {each: defaultdict(list) for each in STAYS}
    rests: dict[str, list[Staying]] = defaultdict(list)
    for releasing in found.releases:
        for order in releasing.ready:
            if found.of[order.order_id].why == ON_TRUCK:
                groups[Standing.WAITING][ON_TRUCK].append(
                    Staying(order_id=order.order_id, order=order.order, customer=order.customer)
                )
        for each in releasing.stays:
            stand = found.of[each.order_id]
            plain = len(each.reasons) == 1 and each.reasons[0].value in _SAID_BY_THE_HEAD
            row = Staying(
                order_id=each.order_id,
                order=each.order,
                customer=each.customer,
                sentence="" if plain else each.sentence,
            )
            if stand.standing in GOES:
                rests[each.reasons[0].value].append(row)
            else:
                groups[stand.standing][stand.why].append(row)
    counts = found.counts
    shown = [
        Stays(
            words=order_state(standing)[1],
            count=counts[standing],
            whys=_sorted(whys),
            elsewhere=counts[standing] - sum(map(len, whys.values())),
        )
        for standing, whys in groups.items()
        if counts[standing]
    ]
    if rests:
        count = sum(map(len, rests.values()))
        shown.append(Stays(words=_("the rest of what goes in part"), count=count, whys=_sorted(rests), rest=True))
    return shown


_SAID_BY_THE_HEAD = ("waits_for_stock", "incomplete", "line_incomplete", "payment", "last_shipment")


def _sorted(whys: dict[str, list[Staying]]) -> tuple[Why, ...]:
    most_first = sorted(whys.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return tuple(Why(words=staying_reason(why), orders=tuple(orders)) for why, orders in most_first)
