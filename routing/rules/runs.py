"""Standing runs: which van comes to a door as a rule, and what another one costs in a plan. Pure.

How they bind is the company's word for every plan (`PlanPrices.runs`):

- *free*: not at all.
- *zones*: a door goes to one of the vehicles that stand in its zone, those that are the run of any door there.
- *sequence*: a door goes to its own run; what is left to the search is the order.

It is a price of each stop (`PlanPrices.off_run`), not a wall: a van that is full or too late gives doors away rather
than that they stay. Nothing is owed where none of these vans could come: it is not on duty that day, it does not fit
the door, or nobody was named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from routing.errors import InvalidInput
from routing.model.day import PlanPrices, SiteFacts
from routing.model.fleet import Shift
from routing.model.money import minor_digits
from routing.model.plans import Visit
from routing.rules.access import fits

FREE, ZONES, SEQUENCE = MODES = ("free", "zones", "sequence")
USUAL = {FREE: 0, ZONES: 20, SEQUENCE: 500}
"""What a stop off its run costs where nobody says a price, in units of the currency."""


class Runs:
    """The prices of these days, by shift and site.

    >>> from routing.model.day import DepotFacts
    >>> from routing.model.fleet import Vehicle
    >>> from routing.model.places import PinQuality
    >>> vans = [Vehicle(id=n, number=f"V-{n}", name=f"Van {n}", depot_id=1) for n in (1, 2, 3)]
    >>> one, two, three = shifts = tuple(
    ...     Shift(id=n, day="2026-05-12", depot_id=1, vehicle=van, starts="06:00", ends="14:00")
    ...     for n, van in enumerate(vans, 1)
    ... )
    >>> door = SiteFacts(
    ...     id=1, name="Café 1", customer="Customer 1", address="Testgatan 1", location=None,
    ...     pin_quality=PinQuality.EXACT, run="V-1", zone_runs=("V-1", "V-2"),
    ... )

    At 20.00 for a stop off its run, in its zone V-1 and V-2 are at home, by its sequence V-1 alone:

    >>> def of(mode, *on_duty):
    ...     runs = Runs(PlanPrices(runs=mode, off_run=2000), on_duty)
    ...     return [runs.price(each, door) for each in shifts]
    >>> of("free", *shifts), of("zones", *shifts), of("sequence", *shifts)
    ([0, 0, 0], [0, 0, 2000], [0, 2000, 2000])

    And on a day without V-1, V-2 stands for the zone; without both anybody comes as anybody:

    >>> of("zones", two, three), of("sequence", two, three), of("zones", three)
    ([0, 0, 2000], [0, 0, 0], [0, 0, 0])
    """

    def __init__(self, prices: PlanPrices, on_duty: Iterable[Shift]) -> None:
        self.prices = prices
        self.on_duty: dict[tuple[str, int], list[Shift]] = {}
        for shift in on_duty:
            self.on_duty.setdefault((shift.day, shift.depot_id), []).append(shift)

    def price(self, shift: Shift, site: SiteFacts) -> int:
        """What it costs (minor units) that this shift comes to the site."""
        if self.prices.runs == FREE or not self.prices.off_run:
            return 0
        named = site.zone_runs if self.prices.runs == ZONES else (site.run,) if site.run else ()
        if not named or shift.vehicle.number in named:
            return 0
        day = self.on_duty.get((shift.day, shift.depot_id), [])
        could = any(each.vehicle.number in named and fits(each, site) and each.crew >= site.crew for each in day)
        return self.prices.off_run if could else 0


def priced(visit: Visit, prices: Iterable[tuple[int, int]]) -> Visit:
    """The visit with these prices for being off its run: (shift, minor units) of the shifts that are asked about, the
    others as they were. What a stranger costs stays.

    >>> from routing.model.plans import Window
    >>> visit = Visit(
    ...     id=1, place=1, service_s=300, windows=(Window(start_s=0, end_s=900),), load=(1,), collect=(0,),
    ...     strangers=((1, 700), (2, 5000)), off_run=((2, 4000),),
    ... )
    >>> again = priced(visit, [(2, 0), (3, 2)])
    >>> again.strangers, again.off_run
    (((1, 700), (2, 1000), (3, 2000)), ((3, 2000),))
    """
    strangers, off_run = parted(visit.strangers, visit.off_run, prices)
    return replace(visit, strangers=strangers, off_run=off_run)


type Owed = tuple[tuple[int, int], ...]
"""(shift, thousandths of a minor unit), by shift, none of nothing."""


def parted(whole: Owed, part: Owed, prices: Iterable[tuple[int, int]]) -> tuple[Owed, Owed]:
    """What is owed at a door in all, and that part of it, once the part is this much (shift, minor units).

    >>> parted(((1, 700), (2, 5000)), ((2, 4000),), [(2, 1)])
    (((1, 700), (2, 2000)), ((2, 1000),))
    """
    owed, own = dict(whole), dict(part)
    for shift, price in prices:
        owed[shift] = owed.get(shift, 0) - own.get(shift, 0) + price * 1000
        own[shift] = price * 1000
    return (
        tuple((key, price) for key, price in sorted(owed.items()) if price),
        tuple((key, price) for key, price in sorted(own.items()) if price),
    )


def read_mode(text: str) -> str:
    """Raises InvalidInput for none of the three words."""
    mode = text.strip().lower()
    if mode not in MODES:
        raise InvalidInput(f'"{text.strip()[:20]}" is none of {", ".join(MODES)}. Choose one of them.', code="runs")
    return mode


def settled(mode: str, price: int, *, stood: PlanPrices, currency: str) -> tuple[str, int]:
    """How runs bind and at what price (minor units), of what a person chose: no price, or that of the choice before,
    is the usual one.

    >>> before = PlanPrices(runs="zones", off_run=2000)
    >>> settled("sequence", 2000, stood=before, currency="EUR"), settled("zones", 2500, stood=before, currency="EUR")
    (('sequence', 50000), ('zones', 2500))
    >>> settled("zones", 0, stood=before, currency="EUR"), settled("free", 2500, stood=before, currency="EUR")
    (('zones', 2000), ('free', 0))
    """
    untouched = mode != stood.runs and price == stood.off_run
    if mode == FREE or not price or untouched:
        return mode, USUAL[mode] * 10 ** minor_digits(currency)
    return mode, price
