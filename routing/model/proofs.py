"""What a driver reports from the door, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from routing.errors import InvalidInput
from routing.model.payments import OrderAsks, Payment
from routing.model.places import Location


class Outcome(StrEnum):
    """How an attempt at a door ended (PRODUCT.md §5)."""

    DELIVERED = "delivered"
    THIRD_PARTY = "third_party"
    SAFE_PLACE = "safe_place"
    PICKUP_POINT = "pickup_point"
    NOT_HOME = "not_home"
    CLOSED = "closed"
    ADDRESS_NOT_FOUND = "address_not_found"
    NO_ACCESS = "no_access"
    NO_PARKING = "no_parking"
    REFUSED = "refused"
    WRONG_GOODS = "wrong_goods"
    DAMAGED = "damaged"
    MISSING = "missing"
    NO_PAPERWORK = "no_paperwork"
    NO_PAYMENT = "no_payment"
    BREAKDOWN = "breakdown"
    NOT_ATTEMPTED = "not_attempted"

    @property
    def is_handed_over(self) -> bool:
        return self in HANDED_OVER

    @property
    def counts_as_attempt(self) -> bool:
        """A stop that nobody drove to says nothing about first-attempt success and uses up no attempt."""
        return self is not Outcome.NOT_ATTEMPTED


HANDED_OVER = frozenset({Outcome.DELIVERED, Outcome.THIRD_PARTY, Outcome.SAFE_PLACE, Outcome.PICKUP_POINT})


ABOUT_THE_GOODS = frozenset(
    {
        Outcome.REFUSED,
        Outcome.WRONG_GOODS,
        Outcome.DAMAGED,
        Outcome.MISSING,
        Outcome.NO_PAPERWORK,
        Outcome.NO_PAYMENT,
    }
)
"""Said of what was brought: somebody was there, and what was to be fetched at the same door is not answered by it."""


class DoorEvent(StrEnum):
    """`loaded` is said at the depot, before the stop that begins a later trip: what that trip takes is on the van."""

    ARRIVED = "arrived"
    OUTCOME = "outcome"
    LOADED = "loaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLine:
    """What became of the units of one allocation at the door, in base units. `collected` comes back with the van."""

    allocation_id: int
    delivered: int = 0
    short: int = 0
    damaged: int = 0
    refused: int = 0
    collected: int = 0

    def __post_init__(self) -> None:
        if min(self.delivered, self.short, self.damaged, self.refused, self.collected) < 0:
            raise InvalidInput(f"Line {self.allocation_id} has a quantity below 0. Count again.")

    @property
    def is_empties(self) -> bool:
        """Fetched, and brought by none of our deliveries: it has no allocation, and goes by minus its key."""
        return self.allocation_id < 0

    @property
    def accounted(self) -> int:
        """What must equal what was loaded: collected goods were never on the van."""
        return self.delivered + self.short + self.damaged + self.refused


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """What happened to one delivery. No lines: all of it went as the outcome says. `payments`: of a correction, what
    was collected for it; None as before."""

    delivery_id: int
    outcome: Outcome
    lines: tuple[DoorLine, ...] = ()
    payments: tuple[Payment, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A signature or photo whose bytes the file store keeps already."""

    kind: str
    sha256: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFile:
    """A signature or photo as one proof has it: the same bytes (`file_id`) may stand in another proof too. `kind`:
    signature or photo."""

    link_id: int
    file_id: int
    sha256: str
    kind: str
    proof_id: int
    delivery_id: int
    delivery: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorReport:
    """One thing a driver reported about a stop. `client_id` and `sequence` are the phone's: they make it count once.

    `payload_sha256` tells the same report sent again from another one under the same name. `more_follow`: the phone
    holds later reports still, so how the route stands is not known yet.
    """

    client_id: str
    sequence: int
    payload_sha256: str
    kind: DoorEvent
    stop_id: int
    captured_at: datetime
    deliveries: tuple[DeliveryReport, ...] = ()
    recipient: str = ""
    note: str = ""
    location: Location | None = None
    accuracy_m: float | None = None
    files: tuple[KeptFile, ...] = ()
    payments: tuple[Payment, ...] = ()
    """What was collected at the door, for all deliveries there."""
    more_follow: bool = False

    def __post_init__(self) -> None:
        if not self.client_id:
            raise InvalidInput("A report needs the id that the phone gave it.")
        if self.captured_at.tzinfo is None:
            raise InvalidInput(f"{self.captured_at} has no time zone: the phone must send one.")
        if self.kind is DoorEvent.OUTCOME and not self.deliveries:
            raise InvalidInput("A report of what happened names at least one delivery.")
        if len({each.delivery_id for each in self.deliveries}) < len(self.deliveries):
            raise InvalidInput("A report of what happened names a delivery twice.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedLine:
    """The units of one allocation that are on the van for this door, in base units; below 0: empties to be fetched."""

    allocation_id: int
    order_line_id: int
    order_id: int
    product_id: int
    product: str
    unit: str
    loaded: int
    expected_on: str = ""
    """When the rest of this line is expected, ISO or ""."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorDelivery:
    """A delivery as it stands before the door opens. `told`: the window that its customer was told last; None where
    none was, as for what is only fetched. `asks`: what its orders are to be paid at the door."""

    id: int
    number: str
    direction: str
    state: str
    attempts: int
    proofs: int
    for_day: str
    lines: tuple[LoadedLine, ...]
    references: tuple[str, ...]
    told: tuple[datetime, datetime] | None = None
    asks: tuple[OrderAsks, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One stop of a manifest, with all that a report about it may touch."""

    stop_id: int
    site_id: int
    site: str
    customer_id: int
    customer: str
    location: Location | None
    zone: str
    deliveries: tuple[DoorDelivery, ...]

    @property
    def told(self) -> tuple[datetime, datetime] | None:
        """The window that the customer was told for this door; where its deliveries were told several, the first."""
        return next((each.told for each in self.deliveries if each.told is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedSpan:
    """From here to there ways take `factor` thousandths of their free time."""

    begins: datetime
    ends: datetime
    factor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """The van at the depot before its second trip (or a later one) as planned: back, loaded again in `takes`, off.

    `loaded_at`: when all that the trip takes was on the van; None while something of it waits. `driver_said`: its
    driver said so, who must have been there. `breaks`: those of the route, from and until.
    """

    back_at: datetime
    takes: timedelta
    leaves_at: datetime
    loaded_at: datetime | None = None
    driver_said: bool = False
    breaks: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def stands(self) -> timedelta:
        """For how long the van stands at the depot at least: it is loaded, and a break is taken there."""
        return self.takes + self.break_between(self.back_at, self.leaves_at)

    @property
    def waits(self) -> bool:
        """Whether the plan lets the van stand at the depot for longer than that."""
        return self.leaves_at - self.back_at > self.stands

    def break_between(self, begins: datetime, ends: datetime) -> timedelta:
        """How much of this time is break by the plan."""
        taken = (min(ends, until) - max(begins, since) for since, until in self.breaks)
        return sum((each for each in taken if each > timedelta(0)), timedelta(0))

    def is_over(self, *, earlier_open: bool) -> bool:
        """Whether the van was back for this trip. Goods that the warehouse books onto it while stops of the trip before
        are open wait for it: it still has to come."""
        return self.loaded_at is not None and (self.driver_said or not earlier_open)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTimes:
    """A stop of a route as planned, in driving order. arrival ≤ start, start + service = departure.

    `travel_s`: for how long the wheels turn on the way there; `speeds`: the slices of the day the route was timed with.
    `reload`: what comes before it at the depot, on the first stop of a trip after the first. `windows`: when service
    may begin, (from, to) both included, as far as they open before the planned start; empty where nobody knows.
    """

    stop_id: int
    site_id: int
    deliveries: tuple[int, ...] = ()
    arrival: datetime
    start: datetime
    departure: datetime
    travel_s: int = 0
    speeds: tuple[SpeedSpan, ...] = ()
    trip: int = 1
    reload: Reload | None = None
    windows: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFacts:
    """What is known to have happened at a stop; `done_at` also when it ended without a delivery."""

    arrived_at: datetime | None = None
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestInHand:
    """What the driver works from: the manifest in force, its route in driving order, and how far it got.

    `ended` are the deliveries of the route that were reported, whatever came of them; `noted` those among them of which
    the driver's word ended nothing, because another van has or takes them. `counted`: the van was counted in the
    evening, and its shift is over.
    """

    id: int
    version: int
    day: str
    zone: str
    shift_id: int
    vehicle_id: int
    vehicle: str
    depot_id: int
    driver_id: int
    plan_id: int
    departs_at: datetime
    returns_at: datetime
    stops: tuple[PlannedTimes, ...]
    facts: dict[int, StopFacts]
    ended: frozenset[int]
    noted: frozenset[int]
    counted: bool
    company: str
    phone: str
