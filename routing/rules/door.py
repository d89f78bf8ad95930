"""What follows from what happened at a door: whose goods are where, and what comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from routing.errors import InvalidInput
from routing.model.amounts import how_many
from routing.model.orders import DeliveryDays
from routing.model.places import Location, metres_between
from routing.model.proofs import DeliveryReport, DoorDelivery, DoorLine, LoadedLine, Outcome
from routing.rules.calendars import served_from

FAR_M = 200
"""Further than this from the pin is worth a remark: parking, a yard behind the house and a poor fix lie within."""


EARLIEST = timedelta(hours=6)
"""So long before its planned departure a van may be under way: sent off early, or replanned on the road."""


MORE_EMPTIES = 24
"""Crates, kegs or pallets that a driver may bring beyond what was asked for, however few that was."""


class Next(StrEnum):
    """What comes after an attempt."""

    NOTHING = "nothing"
    NEXT_DELIVERY_DAY = "next_delivery_day"
    WAIT_FOR_CUSTOMER = "wait_for_customer"
    DECIDE = "decide"  # a person of ours decides
    BACKORDER = "backorder"  # short: waits in its old place
    REPLACE = "replace"  # damaged: written off, the line is open again
    ERP = "erp"  # the ERP allocates: it reads of it in the results and releases anew, or not


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeliveryPolicy:
    """What comes after a failed attempt, by its reason; the policies say it for a company, customer or order.

    After `max_attempts` nobody drives again before a person has decided, whatever the reason. A reason in neither set
    goes out again by itself on the next delivery day.

    >>> usual = RedeliveryPolicy()
    >>> [usual.after(Outcome.CLOSED, attempts=n).value for n in (1, 2, 3)]
    ['next_delivery_day', 'next_delivery_day', 'decide']
    >>> usual.after(Outcome.ADDRESS_NOT_FOUND, attempts=1).value
    'wait_for_customer'
    >>> [usual.after(reason, attempts=1).value for reason in (Outcome.NOT_HOME, Outcome.NO_PAYMENT, Outcome.REFUSED)]
    ['next_delivery_day', 'wait_for_customer', 'decide']
    """

    max_attempts: int = 3
    wait_for_customer: frozenset[Outcome] = frozenset({Outcome.ADDRESS_NOT_FOUND, Outcome.NO_PAYMENT})
    decide: frozenset[Outcome] = frozenset({Outcome.REFUSED, Outcome.WRONG_GOODS, Outcome.NO_PAPERWORK})

    def after(self, outcome: Outcome, *, attempts: int) -> Next:
        """What follows the attempt that failed for this reason and was the `attempts`-th."""
        if outcome in self.decide or attempts >= self.max_attempts:
            return Next.DECIDE
        return Next.WAIT_FOR_CUSTOMER if outcome in self.wait_for_customer else Next.NEXT_DELIVERY_DAY


REASONS = (
    Outcome.NOT_HOME,
    Outcome.CLOSED,
    Outcome.ADDRESS_NOT_FOUND,
    Outcome.NO_ACCESS,
    Outcome.NO_PARKING,
    Outcome.WRONG_GOODS,
    Outcome.NO_PAPERWORK,
    Outcome.NO_PAYMENT,
    Outcome.BREAKDOWN,
    Outcome.NOT_ATTEMPTED,
)
"""The failures that leave the goods on the van, so that a policy may say what follows. Refused goods are always a
decision; damaged and missing ones are replaced."""


def strictest(policies: Sequence[RedeliveryPolicy]) -> RedeliveryPolicy:
    """What holds for a delivery of several orders: the fewest attempts, and a person before the customer before nobody.

    >>> eager, careful = RedeliveryPolicy(max_attempts=5), RedeliveryPolicy(decide=frozenset({Outcome.CLOSED}))
    >>> both = strictest([eager, careful])
    >>> both.max_attempts, both.after(Outcome.CLOSED, attempts=1).value
    (3, 'decide')
    """
    if not policies:
        return RedeliveryPolicy()
    return replace(
        policies[0],
        max_attempts=min(each.max_attempts for each in policies),
        wait_for_customer=frozenset().union(*(each.wait_for_customer for each in policies)),
        decide=frozenset().union(*(each.decide for each in policies)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One delivery, settled: where each unit is, and whether the goods that stay on the van go out again.

    `stays` counts units still loaded; they remain the customer's.
    """

    delivery: DoorDelivery
    outcome: Outcome
    lines: tuple[DoorLine, ...]
    is_done: bool
    next: Next
    attempts: int
    stays: int

    @property
    def was_there(self) -> bool:
        """Whether any of its goods changed hands or were seen at the door: nobody says that of goods he does not
        have."""
        return any(line.delivered or line.damaged or line.refused or line.collected for line in self.lines)

    def total(self, state: str) -> int:
        return sum(getattr(line, state) for line in self.lines)


def settle(report: DeliveryReport, delivery: DoorDelivery, policy: RedeliveryPolicy) -> Settled:
    """Accounts for every unit that was loaded. Raises InvalidInput when the counts do not add up."""
    lines = _lines(report, delivery)
    outcome = report.outcome
    attempts = delivery.attempts + (1 if outcome.counts_as_attempt else 0)
    on_van = sum(each.loaded for each in delivery.lines) if delivery.direction == "deliver" else 0
    stays = on_van - sum(line.accounted for line in lines)
    if outcome.is_handed_over or (lines and stays == 0):
        after = _after_counting(lines)
        return Settled(
            delivery=delivery, outcome=outcome, lines=lines, is_done=True, next=after, attempts=attempts, stays=0
        )
    return Settled(
        delivery=delivery,
        outcome=outcome,
        lines=lines,
        is_done=False,
        next=policy.after(outcome, attempts=attempts),
        attempts=attempts,
        stays=stays,
    )


def _lines(report: DeliveryReport, delivery: DoorDelivery) -> tuple[DoorLine, ...]:
    loaded = {each.allocation_id: each for each in delivery.lines}
    if not report.lines:
        whole = _whole_state(report.outcome, delivery.direction)
        if whole is None:  # nobody there: everything stays on the van
            return ()
        return tuple(DoorLine(allocation_id=key, **{whole: each.loaded}) for key, each in loaded.items())
    counted = {line.allocation_id: line for line in report.lines}
    if len(counted) != len(report.lines) or counted.keys() != loaded.keys():
        raise InvalidInput(
            f"The report on {delivery.number} does not name each of its {len(loaded)} lines once. "
            "Load the route again and count anew.",
            code="door_lines",
        )
    for key, each in loaded.items():
        if delivery.direction == "deliver":
            _check_count(delivery, each, counted[key])
        elif counted[key].accounted:
            raise InvalidInput(f"{delivery.number} is a collection: count what was collected.", code="door_count")
        _check_collected(delivery, each, counted[key])
    if (
        report.outcome.is_handed_over
        and delivery.direction == "deliver"
        and not any(line.delivered or line.collected for line in counted.values())
    ):
        raise InvalidInput(
            f"Nothing of {delivery.number} was handed over, but the outcome says so. Choose what happened instead.",
            code="door_outcome",
        )
    _check_outcome(report.outcome, delivery, counted)
    return tuple(counted[key] for key in loaded)


def _check_outcome(outcome: Outcome, delivery: DoorDelivery, counted: Mapping[int, DoorLine]) -> None:
    """What is said to have gone wrong cannot have, when nothing is missing: the customer would be told so."""
    if outcome.is_handed_over:
        return
    gave, verb = ("delivered", "handed over") if delivery.direction == "deliver" else ("collected", "collected")
    given = [(getattr(counted[each.allocation_id], gave), each.loaded) for each in delivery.lines]
    if any(units for units, _asked in given) and all(units >= asked for units, asked in given):
        raise InvalidInput(
            f"All of {delivery.number} was {verb}, but the outcome says: {outcome.value.replace('_', ' ')}. "
            "Choose what happened instead, or count again.",
            code="door_outcome",
        )


def _check_count(delivery: DoorDelivery, loaded: LoadedLine, line: DoorLine) -> None:
    if line.accounted == loaded.loaded:
        return
    parts = [
        f"{quantity} {word}"
        for quantity, word in (
            (line.delivered, "delivered"),
            (line.short, "short"),
            (line.damaged, "damaged"),
            (line.refused, "refused"),
        )
        if quantity
    ]
    said = " and ".join(parts) or "nothing"
    raise InvalidInput(
        f"{delivery.number}, {loaded.product}: {how_many(loaded.loaded, loaded.unit)} were loaded, but {said} make "
        f"{line.accounted}. Count again: together they must make {loaded.loaded}.",
        code="door_count",
        allocation=loaded.allocation_id,
        loaded=loaded.loaded,
        accounted=line.accounted,
    )


def _check_collected(delivery: DoorDelivery, loaded: LoadedLine, line: DoorLine) -> None:
    """At a delivery a customer hands back what was just handed over; more of it is a collection of its own."""
    most = line.delivered if delivery.direction == "deliver" else most_collected(loaded)
    if line.collected <= most:
        return
    said = (
        f"{how_many(loaded.loaded, loaded.unit)} were to be fetched"
        if delivery.direction == "collect"
        else f"{how_many(line.delivered, loaded.unit)} were handed over"
    )
    raise InvalidInput(
        f"{delivery.number}, {loaded.product}: {said}, but {line.collected} are said to be collected. "
        f"Count again: at most {most}. Is there more, ask the office for another collection.",
        code="door_count",
        allocation=loaded.allocation_id,
        loaded=loaded.loaded,
        collected=line.collected,
    )


def most_collected(line: LoadedLine) -> int:
    """How many units a driver may take of a line that is fetched.

    Of goods that we brought, what was asked for. Empties nobody counted beforehand: a customer may hand over twice as
    many, and `MORE_EMPTIES` more in any case.

    >>> crates = LoadedLine(
    ...     allocation_id=-1, order_line_id=0, order_id=0, product_id=1, product="Crate", unit="piece", loaded=6
    ... )
    >>> most_collected(crates), most_collected(replace(crates, loaded=100)), most_collected(
    ...     replace(crates, allocation_id=17)
    ... )
    (30, 200, 6)
    """
    if line.allocation_id > 0:
        return line.loaded
    return line.loaded + max(line.loaded, MORE_EMPTIES)


def _whole_state(outcome: Outcome, direction: str) -> str | None:
    """Where all units go when the driver counted nothing: None when they stay where they are."""
    if outcome.is_handed_over:
        return "delivered" if direction == "deliver" else "collected"
    if direction == "collect":
        return None
    return {Outcome.REFUSED: "refused", Outcome.DAMAGED: "damaged", Outcome.MISSING: "short"}.get(outcome)


def _after_counting(lines: tuple[DoorLine, ...]) -> Next:
    """A refusal needs a decision, so it comes before what settles itself.

    Of 6 on the van 5 are handed over and one is short, damaged or refused; then one short and one refused:

    >>> for counted in ({"short": 1}, {"damaged": 1}, {"refused": 1}, {"short": 1, "refused": 1}):
    ...     line = DoorLine(allocation_id=1, delivered=6 - sum(counted.values()), **counted)
    ...     print(*counted, _after_counting((line,)).value)
    short backorder
    damaged replace
    refused decide
    short refused decide
    """
    if any(line.refused for line in lines):
        return Next.DECIDE
    if any(line.damaged for line in lines):
        return Next.REPLACE
    if any(line.short for line in lines):
        return Next.BACKORDER
    return Next.NOTHING


def spread_counts(
    delivery: DoorDelivery, before: Sequence[DoorLine], missed: Mapping[str, Mapping[int, int]]
) -> tuple[DoorLine, ...]:
    """The lines of a delivery of which so many units of a product were `short`, `damaged` or `refused`, the first line
    of that product first; all others were delivered. `before`: what was collected stays. Raises InvalidInput for more
    than was on the van.

    >>> line = dict(order_line_id=0, order_id=0, product="Oat milk", unit="piece", product_id=7)
    >>> one = DoorDelivery(
    ...     id=1, number="D-1", direction="deliver", state="done", attempts=0, proofs=0, for_day="", references=(),
    ...     lines=(LoadedLine(allocation_id=1, loaded=4, **line), LoadedLine(allocation_id=2, loaded=6, **line)),
    ... )
    >>> counted = spread_counts(one, (), {"short": {7: 5}, "refused": {7: 1}})
    >>> [(each.delivered, each.short, each.refused) for each in counted]
    [(0, 4, 0), (4, 1, 1)]
    """
    collected = {each.allocation_id: each.collected for each in before}
    left = {(state, product): units for state, of in missed.items() for product, units in of.items()}
    lines = []
    for each in delivery.lines:
        rest, counts = each.loaded, {}
        for state in ("short", "damaged", "refused"):
            taken = min(rest, left.get((state, each.product_id), 0))
            if taken:
                counts[state] = taken
                left[state, each.product_id] -= taken
                rest -= taken
        back = min(rest, collected.get(each.allocation_id, 0))
        lines.append(DoorLine(allocation_id=each.allocation_id, delivered=rest, collected=back, **counts))
    if any(left.values()):
        raise InvalidInput(f"{delivery.number} did not have so many units on the van. Count again.", code="door_count")
    return tuple(lines)


def spread_fetched(delivery: DoorDelivery, fetched: Mapping[int, int]) -> tuple[DoorLine, ...]:
    """The lines of a collection of which so many units of a product came along, the first line of that product first;
    of all others as many as were asked for. Raises InvalidInput for more than a driver may bring.

    >>> line = dict(order_line_id=0, order_id=0, product="Crate", unit="piece", product_id=7)
    >>> one = DoorDelivery(
    ...     id=1, number="D-1", direction="collect", state="done", attempts=0, proofs=0, for_day="", references=(),
    ...     lines=(LoadedLine(allocation_id=1, loaded=4, **line), LoadedLine(allocation_id=-2, loaded=6, **line)),
    ... )
    >>> [each.collected for fetched in ({7: 5}, {7: 12}, {}) for each in spread_fetched(one, fetched)]
    [4, 1, 4, 8, 4, 6]
    """
    left = dict(fetched)
    lines = []
    for n, each in enumerate(delivery.lines):
        units = each.loaded
        if each.product_id in fetched:
            # What customers give beyond what was asked for comes with the last line of it.
            is_last = all(other.product_id != each.product_id for other in delivery.lines[n + 1 :])
            units = min(left[each.product_id], most_collected(each) if is_last else each.loaded)
            left[each.product_id] -= units
        lines.append(DoorLine(allocation_id=each.allocation_id, collected=units))
    if any(left.values()):
        raise InvalidInput(
            f"So many units are not fetched with {delivery.number}. Count again, or ask for another collection.",
            code="door_count",
        )
    return tuple(lines)


def for_the_erp(settled: Settled) -> Settled:
    """The same where the ERP allocates: whatever comes next is its decision, not ours."""
    return settled if settled.next is Next.NOTHING else replace(settled, next=Next.ERP)


def first_day_after(day: str, days: DeliveryDays, has_room: Callable[[date], bool] = lambda _day: True) -> str:
    """The next ISO day on which the site is served and that has room; empty when there is none within a year."""
    found = served_from(date.fromisoformat(day) + timedelta(days=1), days, has_room)
    return found.isoformat() if found else ""


def metres_from_address(at: Location | None, address: Location | None) -> int | None:
    """How far from the pin the driver stood; None when either is not known."""
    if at is None or address is None:
        return None
    return round(metres_between(at, address))


def clock_is_behind(captured_at: datetime, *, departs_at: datetime) -> bool:
    """Whether a phone's clock says a time at which nothing can have happened: `EARLIEST` before the van leaves.

    >>> eight = datetime(2026, 5, 12, 8)
    >>> [clock_is_behind(eight - timedelta(hours=n), departs_at=eight) for n in (1, 6, 7)]
    [False, False, True]
    """
    return captured_at < departs_at - EARLIEST


def is_far(from_address_m: int | None, accuracy_m: float | None) -> bool:
    """Whether that is worth a remark, the phone's own uncertainty granted. It never blocks."""
    return from_address_m is not None and from_address_m - (accuracy_m or 0) > FAR_M


# ---------------------------------------------------------------------------- words for the customer

_WHY: Mapping[str, Mapping[Outcome, str]] = {
    "en": {
        Outcome.NOT_HOME: "nobody was there",
        Outcome.CLOSED: "the door was closed",
        Outcome.ADDRESS_NOT_FOUND: "we did not find the address",
        Outcome.NO_ACCESS: "we could not get to the door",
        Outcome.NO_PARKING: "there was nowhere to stop",
        Outcome.REFUSED: "the goods were not accepted",
        Outcome.WRONG_GOODS: "the goods were the wrong ones",
        Outcome.DAMAGED: "the goods were damaged",
        Outcome.MISSING: "the goods were not on the van",
        Outcome.NO_PAPERWORK: "papers were missing",
        Outcome.NO_PAYMENT: "the payment was missing",
        Outcome.BREAKDOWN: "our van broke down",
        Outcome.NOT_ATTEMPTED: "we did not get to you",
    },
    "fi": {
        Outcome.NOT_HOME: "paikalla ei ollut ketään",
        Outcome.CLOSED: "ovi oli kiinni",
        Outcome.ADDRESS_NOT_FOUND: "emme löytäneet osoitetta",
        Outcome.NO_ACCESS: "emme päässeet ovelle",
        Outcome.NO_PARKING: "pysähtymispaikkaa ei ollut",
        Outcome.REFUSED: "tavaraa ei otettu vastaan",
        Outcome.WRONG_GOODS: "tavara oli väärää",
        Outcome.DAMAGED: "tavara oli vaurioitunut",
        Outcome.MISSING: "tavaraa ei ollut autossa",
        Outcome.NO_PAPERWORK: "asiakirjat puuttuivat",
        Outcome.NO_PAYMENT: "maksu puuttui",
        Outcome.BREAKDOWN: "automme rikkoutui",
        Outcome.NOT_ATTEMPTED: "emme ehtineet luoksenne",
    },
    "sv": {
        Outcome.NOT_HOME: "ingen var på plats",
        Outcome.CLOSED: "dörren var stängd",
        Outcome.ADDRESS_NOT_FOUND: "vi hittade inte adressen",
        Outcome.NO_ACCESS: "vi kom inte fram till dörren",
        Outcome.NO_PARKING: "det fanns ingen plats att stanna",
        Outcome.REFUSED: "varorna togs inte emot",
        Outcome.WRONG_GOODS: "det var fel varor",
        Outcome.DAMAGED: "varorna var skadade",
        Outcome.MISSING: "varorna fanns inte i bilen",
        Outcome.NO_PAPERWORK: "handlingar saknades",
        Outcome.NO_PAYMENT: "betalningen saknades",
        Outcome.BREAKDOWN: "vår bil gick sönder",
        Outcome.NOT_ATTEMPTED: "vi hann inte fram till er",
    },
}


_BECAUSE = {Outcome.NOT_ATTEMPTED: "not attempted", Outcome.BREAKDOWN: "breakdown"}
"""How the reason of a later day begins where the door had no part in it."""


def tried_why(outcome: Outcome) -> str:
    """Why of a promise that moved because a van came, or did not come, for nothing.

    >>> tried_why(Outcome.NOT_HOME), tried_why(Outcome.BREAKDOWN)
    ('the try failed: nobody was there', 'breakdown: our van broke down')
    """
    return f"{_BECAUSE.get(outcome, 'the try failed')}: {why_in('en', outcome)}"


def why_in(language: str, outcome: Outcome) -> str:
    """Why it was not handed over, as part of a sentence to the customer; empty for an outcome that was."""
    return _WHY.get(language, _WHY["en"]).get(outcome, "")


def whys_in(language: str, reasons: Iterable[tuple[Outcome, Iterable[str]]]) -> str:
    """Why the deliveries of one stop were not handed over, as `why_in`; of each its outcome and whose it is. Where they
    differ, each reason stands with its references.

    >>> whys_in("en", [(Outcome.NOT_HOME, ["SO-1"]), (Outcome.NOT_HOME, ["SO-2"])])
    'nobody was there'
    >>> whys_in("en", [(Outcome.NOT_HOME, ["SO-3", "SO-1"]), (Outcome.NO_PAYMENT, ["SO-2"])])
    'SO-1, SO-3: nobody was there; SO-2: the payment was missing'
    """
    whose: dict[str, set[str]] = {}
    for outcome, references in reasons:
        whose.setdefault(why_in(language, outcome), set()).update(references)
    if len(whose) < 2:
        return "".join(whose)
    return "; ".join(f"{', '.join(sorted(references))}: {why}" for why, references in whose.items())
