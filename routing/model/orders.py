"""Orders as allocation and release see them, and the policy in force."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from routing.errors import InvalidInput
from routing.model.stock import Holding, Supply


class Completeness(StrEnum):
    PARTIAL = "partial"
    PER_LINE = "per_line"
    COMPLETE = "complete"


class RideRule(StrEnum):
    """What happens to a part of an order that may ship while the rest is missing.

    ALONE ships it, even if a van goes there for it alone. NEXT_DOOR ships it when a van stops at that door or next
    door, SAME_DOOR only at that door. NEVER keeps it until the rest is there, or a person sends it along.
    """

    ALONE = "alone"
    NEXT_DOOR = "next_door"
    SAME_DOOR = "same_door"
    NEVER = "never"


RIDE_MINUTES = 10
"""What a part may cost a van on its way, in minutes of duty, where no policy says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """How an order may ship, each term by the name of its policy. `min_percent` of what is open, `min_value` in minor
    units, waits and shipments at most, whether a part rides along and what that may cost the van, in minutes."""

    completeness: Completeness = Completeness.PARTIAL
    min_percent: int = 0
    min_value: int = 0
    max_wait_days: int | None = None
    max_shipments: int | None = None
    ride_along: RideRule = RideRule.ALONE
    ride_along_max_minutes: int = RIDE_MINUTES

    @property
    def weigh_parts(self) -> bool:
        """Whether a part that is there may have to wait for the rest of its order, by more than that the order ships
        complete: then its lines are not simply due on their own days, or all on the latest."""
        return bool(
            self.min_percent
            or self.min_value
            or self.max_shipments is not None
            or self.ride_along is not RideRule.ALONE
            or (self.completeness is Completeness.COMPLETE and self.max_wait_days is not None)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsFrom:
    """The terms of an order from an ISO day on; "" from now on."""

    day: str = ""
    terms: OrderTerms


class RankRule(StrEnum):
    """What a customer's unreleased units are worth when somebody with a better rank wants them.

    NEVER_LOSES keeps firm and provisional units, NORMAL keeps firm ones, MAY_GIVE_UP keeps none.
    """

    NEVER_LOSES = "never_loses"
    NORMAL = "normal"
    MAY_GIVE_UP = "may_give_up"


class AllocationRule(StrEnum):
    """Who comes first (`rules.allocation.rank_of`). The value is what the policy row holds."""

    TIER_THEN_FIRST_ORDERED = "tier_then_first_ordered"
    FIRST_ORDERED = "first_ordered"
    PROMISED_DATE = "promised_date"
    FAIR_SHARE = "fair_share"

    @property
    def asks_for_promises(self) -> bool:
        """Whether an order ranks by the day that it was promised first, of whatever SKU that is."""
        return self is AllocationRule.PROMISED_DATE


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationPolicy:
    """The company's policy in force.

    An order that may not go before `horizon_days` from today locks no stock now. A new date becomes a promise when
    it is at least `threshold_days` later than the promise in force; an earlier date becomes one only when
    `earlier_days` is set and reached. Goods ready by `same_day_until` (wall clock at the depot) still go out that day.
    """

    rule: AllocationRule = AllocationRule.TIER_THEN_FIRST_ORDERED
    horizon_days: int = 14
    threshold_days: int = 1
    earlier_days: int | None = None
    same_day_until: time = time(12, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingLine:
    """A line with something still to leave the depot. `needed` = ordered − cancelled − loaded, delivered or refused.

    Refused units are settled by a decision: redelivering moves them back, so they are not needed a second time.
    `price` is per base unit in minor units. `promised_on`, `expected_on` and `own_day` are ISO days or "". `own_day` is
    when the line could go by itself: in a ship-complete order everything is expected on the latest of its lines' own.
    """

    id: int
    number: str
    product_id: int
    sku: str
    name: str
    unit: str = "pcs"
    needed: int
    price: int = 0
    case_pack: int = 1
    promised_on: str = ""
    promise_version: int = 0
    expected_on: str = ""
    own_day: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingOrder:
    """An order with its waiting lines. Of one that ships complete, or whose terms weigh its parts, all of them; of
    others those of the SKUs asked for."""

    id: int
    number: str
    customer_id: int
    customer: str
    site_id: int
    site: str
    tier: int = 1
    rank_rule: RankRule = RankRule.NORMAL
    ordered_at: datetime
    wanted_on: str = ""
    not_before: str = ""
    completeness: Completeness = Completeness.PARTIAL
    currency: str = ""
    references: tuple[str, ...] = ()
    salesperson: str = ""
    promised_first: str = ""
    """The ISO day that its customer counts on, where the rule ranks by it: the promise that was made first, or what the
    customer wished for since; "" otherwise. What we moved ourselves costs nobody their place."""
    terms: tuple[TermsFrom, ...] = ()
    """By day, where a part of it may have to wait for the rest by its terms, or they change; else empty."""
    shipments: int = 0
    """The deliveries it has had or has under way, where its terms count them."""
    held: bool = False
    """It, its customer or its payment is on hold: it keeps its claim, and nobody is told a day until it is let go."""
    lines: tuple[WaitingLine, ...]

    @property
    def earliest_day(self) -> str:
        """The first ISO day it may be delivered on; "" for as soon as possible."""
        return max(self.wanted_on, self.not_before)

    @property
    def promised_on(self) -> str:
        """The day that it ranks by where the rule asks for it, whichever of its SKUs are looked at; "" when no promise
        was made."""
        return self.promised_first or min((line.promised_on for line in self.lines if line.promised_on), default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a line of an order that goes together holds of a SKU that the book does not decide. Base units.

    `firm` of stock and `provisional` of inbound add up to what it holds; `committed` of it is released or picked.
    `comes`: what is not, by the moment at which it can be loaded; read only where the terms of the order weigh parts.
    """

    firm: int = 0
    provisional: int = 0
    committed: int = 0
    comes: tuple[tuple[datetime, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The ATP ledger of some SKUs at one depot: all supply, all waiting orders, and who holds what.

    `outside`, by line id, are lines whose SKUs are not in it, of orders that ship complete or whose terms weigh their
    parts: they are taken as they stand.
    """

    depot_id: int
    supplies: tuple[Supply, ...] = ()
    orders: tuple[WaitingOrder, ...] = ()
    holdings: tuple[Holding, ...] = ()
    outside: Mapping[int, Outside] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDays:
    """When a site is served: weekdays (0 = Monday), exceptions by date, and the cut-off on the day before.

    `zone` is the depot's time zone by its IANA name. `zone_id` is the delivery zone, which takes at most `stops_a_day`
    sites on one day (None: as many as come).
    """

    weekdays: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    closed: frozenset[date] = frozenset()
    opened: frozenset[date] = frozenset()
    cut_off: time = time(23, 59)
    zone_cut_off: str = ""
    """The same as the zone names it, HH:MM; "" where none does, and then a plan of the same day takes an order too."""
    zone: str = "UTC"
    zone_id: int | None = None
    stops_a_day: int | None = None

    def serves(self, day: date) -> bool:
        return day not in self.closed and (day.weekday() in self.weekdays or day in self.opened)


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def weekdays(text: str) -> frozenset[int]:
    """`mon,wed` as {0, 2}. Raises InvalidInput for a day that is none of mon tue wed thu fri sat sun."""
    days = [part.strip().lower() for part in text.replace(";", ",").split(",") if part.strip()]
    unknown = [day for day in days if day not in WEEKDAYS]
    if unknown:
        raise InvalidInput(f'"{unknown[0][:20]}" is no weekday: write mon, tue, wed, thu, fri, sat or sun.')
    return frozenset(WEEKDAYS.index(day) for day in days)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """What a receipt, a recount or another policy does to one line. Quantities in base units, days ISO or "".

    `old_day` and `new_day` are the day it is expected on, before and after; `promised_on` is what the customer was
    told.
    """

    order_id: int
    order: str
    customer: str
    site: str
    line_id: int
    product_id: int
    sku: str
    name: str
    complete: bool
    needed: int
    firm_before: int
    firm_after: int
    provisional_before: int
    provisional_after: int
    promised_on: str
    old_day: str
    new_day: str
    price: int
    currency: str
    slips: bool = False
    """The promise in force breaks: a new one is made and the customer is told."""
    loses: bool = False
    """It was promised a day and has none any more: that slips too, and is counted and told when it is known."""
    again: bool = False
    """Its customer was told that it has no date any more; it has one, and the customer is told."""
    sooner: bool = False
    """It is promised an earlier day than before, and its customer hears of it."""
    released_lost: int = 0
    """Units that were already released and are not there."""
    torn: bool = False
    """Its order ships whole lines, and by that loss only a part of it would go."""
    never_loses: bool = False
    """Its customer keeps what it was given, whoever comes first: why it may stand above the order of the policy."""
    held_before: bool = False
    held_back: bool = False
    """What lies on the shelf for it did not go before, does not go after it: its order ships complete, or in whole
    lines, and something is missing, or its terms have the rest come first."""
    on_hold: bool = False
    """Its order is on hold, or waits for payment: `new_day` is the one when it is let go, and nobody is told it."""
    moved_by: str = ""
    """What moved it before, when nobody was told; "" when what is shown here does."""
    customer_id: int = 0
    site_id: int = 0

    @property
    def waits(self) -> int:
        """Units without stock after it."""
        return self.needed - self.firm_after

    @property
    def goes(self) -> int:
        """Units that go out once this is done. What lies on the shelf and waits for the rest of its order does not."""
        return 0 if self.held_back else self.firm_after

    @property
    def went(self) -> int:
        """Units that went out before it."""
        return 0 if self.held_before else self.firm_before

    @property
    def stays(self) -> int:
        """Units that do not go: without stock, or on the shelf and waiting for the rest of their order."""
        return self.needed - self.goes

    @property
    def value_going(self) -> int:
        return self.goes * self.price

    @property
    def changed(self) -> bool:
        return (
            self.firm_before != self.firm_after
            or self.provisional_before != self.provisional_after
            or self.old_day != self.new_day
        )

    @property
    def concerns(self) -> bool:
        """Something of it moves, or its customer hears of something."""
        return self.changed or self.is_told or self.sooner

    @property
    def is_told(self) -> bool:
        """Its customer hears of it: a later date, none any more, or one again. A first date is told besides."""
        return self.slips or self.loses or self.again

    @property
    def gets_first(self) -> bool:
        """It is promised a day for the first time. That is a message, and never a call."""
        return bool(not self.promised_on and self.new_day and not self.on_hold)

    @property
    def is_heard(self) -> bool:
        """Its customer hears of something, be it only of an earlier day or the first one."""
        return self.is_told or self.sooner or self.gets_first

    @property
    def suffers(self) -> bool:
        """It loses goods of the shelf or a day, or its customer hears of something."""
        later = bool(self.old_day) and (not self.new_day or self.new_day > self.old_day)
        return later or self.firm_after < self.firm_before or self.is_told

    @property
    def is_told_along(self) -> bool:
        """It is told now of what had moved before, when nobody was told: not what is shown here moves it."""
        return self.is_told and bool(self.moved_by)

    @property
    def breaks(self) -> bool:
        """The promise in force breaks by this. What has no date, or had moved before, had broken before."""
        if not self.promised_on or self.moved_by or self.on_hold:
            return False
        if self.loses:
            return True
        if self.slips:
            return bool(self.old_day)
        return bool(self.old_day and not self.new_day and self.waits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What will happen, before it does. `lines` in rank order: all of the SKUs that it is about, and of others what
    moves; `broken` names ship-complete orders that fall apart."""

    depot_id: int
    rule: AllocationRule
    lines: tuple[LineChange, ...]
    broken: tuple[str, ...] = ()
    already: bool = False
    """The receipt had been counted in before: nothing changes."""
    warnings: tuple[str, ...] = field(default=())
    rests: tuple[str, ...] = field(default=())
    """A sentence for every inbound of which less was counted than was expected: whether the rest will still come."""
    again: tuple[str, ...] = field(default=())
    """A sentence for every inbound that was counted in before and of which more is counted now than was to come."""

    def about(self, skus: Collection[str]) -> tuple[LineChange, ...]:
        """The lines that somebody who counts these SKUs has to see: all of theirs, and of other goods what moves or
        slips by it."""
        return tuple(line for line in self.lines if line.sku in skus or (not line.moved_by and line.concerns))

    def told_now(self, skus: Collection[str]) -> tuple[LineChange, ...]:
        """Lines of other goods that had moved before, when nobody was told: counting these only takes them along."""
        return tuple(line for line in self.lines if line.sku not in skus and line.moved_by and line.concerns)

    @property
    def goes(self) -> tuple[LineChange, ...]:
        return tuple(line for line in self.lines if line.firm_after)

    @property
    def changed(self) -> tuple[LineChange, ...]:
        return tuple(line for line in self.lines if line.changed)

    @property
    def concerned(self) -> tuple[LineChange, ...]:
        """What moves, and what is told of what moved before."""
        return tuple(line for line in self.lines if line.concerns)
