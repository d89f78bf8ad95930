"""Change against what was dispatched: what it costs in a plan that another driver comes than who has the door on their
list. Pure.

A driver's list may name what is not on the van yet: the second trip, or what was taken off again. A plan that is made
after the list went out may give it to somebody else. The customer was told a time by then and the driver a round, so
that has a price of each stop (`PlanPrices.change`). It is no wall: rather than that anything stays, another one comes.
Nothing is owed where whose list it is cannot come, nor for what was tried at its door already.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from routing.model.day import DeliveryFacts, PlanPrices, SiteFacts
from routing.model.fleet import Shift
from routing.model.money import minor_digits
from routing.model.plans import Visit
from routing.rules.access import fits
from routing.rules.runs import parted

USUAL_CHANGE = 10
"""What it costs where nobody says a price, in units of the currency."""


def usual_change(currency: str) -> int:
    """
    >>> usual_change("EUR"), usual_change("JPY")
    (1000, 10)
    """
    usual: int = USUAL_CHANGE * 10 ** minor_digits(currency)
    return usual


class AsDispatched:
    """The prices of these days, by shift and delivery. `able`: the shifts that could still come.

    >>> from datetime import UTC, datetime
    >>> from routing.model.day import Listed
    >>> from routing.model.fleet import Driver, Vehicle
    >>> from routing.model.places import PinQuality
    >>> one, two = vans = tuple(
    ...     Shift(
    ...         id=n, day="2026-05-12", depot_id=1, starts="06:00", ends="14:00",
    ...         vehicle=Vehicle(id=n, name=f"Van {n}", depot_id=1),
    ...         driver=Driver(id=n, name=f"Driver {n}", depot_id=1),
    ...     )
    ...     for n in (1, 2)
    ... )
    >>> door = SiteFacts(
    ...     id=1, name="Café 1", customer="Customer 1", address="Testgatan 1", location=None,
    ...     pin_quality=PinQuality.EXACT,
    ... )
    >>> def of(listed=None, key=1):
    ...     return DeliveryFacts(
    ...         id=key, number=f"D-{key}", site_id=1, depot_id=1, for_day="2026-05-12",
    ...         oldest_ordered_at=datetime(2026, 5, 4, tzinfo=UTC), listed=listed,
    ...     )
    >>> first = of(Listed(driver_id=1, day="2026-05-12"))

    At 10.00, what Driver 1 has on the list costs that with Driver 2; what else goes to that door is one stop with it:

    >>> prices = AsDispatched(PlanPrices(change=1000), [first, of(key=2)], vans)
    >>> [prices.price(each, first, door) for each in vans], [prices.price(each, of(key=2), door) for each in vans]
    ([0, 1000], [0, 1000])

    Nothing without a list, nor when Driver 1 cannot come:

    >>> AsDispatched(PlanPrices(change=1000), [of()], vans).price(two, of(), door)
    0
    >>> AsDispatched(PlanPrices(change=1000), [first], [two]).price(two, first, door)
    0
    """

    def __init__(self, prices: PlanPrices, deliveries: Iterable[DeliveryFacts], able: Iterable[Shift]) -> None:
        self.change = prices.change
        self.lists: dict[int, set[tuple[int, str]]] = {}
        """By site, whose lists it is on: driver and day."""
        for each in deliveries:
            if each.listed is not None:
                self.lists.setdefault(each.site_id, set()).add((each.listed.driver_id, each.listed.day))
        self.able: dict[tuple[int, str], list[Shift]] = {}
        for shift in able:
            if shift.driver is not None:
                self.able.setdefault((shift.driver.id, shift.day), []).append(shift)

    def price(self, shift: Shift, delivery: DeliveryFacts, site: SiteFacts) -> int:
        """What it costs (minor units) that this shift brings it."""
        lists = self.lists.get(site.id, set())
        if not self.change or not lists:
            return 0
        if shift.driver is not None and (shift.driver.id, shift.day) in lists:
            return 0
        could = any(
            each.depot_id == delivery.depot_id and fits(each, site) and each.crew >= site.crew
            for listed in lists
            for each in self.able.get(listed, ())
        )
        return self.change if could else 0


def with_change(visit: Visit, prices: Iterable[tuple[int, int]]) -> Visit:
    """The visit with these prices of a change: (shift, minor units) of the shifts that are asked about, the others as
    they were. What else is owed at its door stays.

    >>> from routing.model.plans import Window
    >>> visit = Visit(
    ...     id=1, place=1, service_s=300, windows=(Window(start_s=0, end_s=900),), load=(1,), collect=(0,),
    ...     strangers=((1, 700), (2, 5000)), off_run=((2, 4000),),
    ... )
    >>> again = with_change(visit, [(1, 0), (2, 3)])
    >>> again.strangers, again.changed, again.off_run
    (((1, 700), (2, 8000)), ((2, 3000),), ((2, 4000),))
    """
    strangers, changed = parted(visit.strangers, visit.changed, prices)
    return replace(visit, strangers=strangers, changed=changed)
