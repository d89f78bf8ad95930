"""What is known about a day before it is planned: the deliveries, the doors, the shifts, and what a person decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from routing.model.fleet import Shift
from routing.model.places import Location, PinQuality
from routing.model.plans import Plan, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class WallWindow:
    """Recurring hours of a door. `weekdays` as "mon", empty: every delivery day. `kind`: begin_by or finish_by.

    `closes` before `opens` lies on the next day.
    """

    weekdays: tuple[str, ...] = ()
    opens: str
    closes: str
    kind: str = "begin_by"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedRow:
    """A slice of the day in a region: on these weekdays (empty: any) from `begins` to `ends` on the wall clock a way
    takes `percent` of its free travel time: 130 is three tenths longer.

    `ends` before `begins` lies on the next day. `profile`: for vehicles that drive so only, instead of the rows for
    all; empty: for all motor vehicles that have no rows of their own. `learnt`: from what was driven, not written by a
    person.
    """

    weekdays: tuple[str, ...] = ()
    begins: str
    ends: str
    percent: int
    profile: str = ""
    learnt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarFacts:
    """The working days of a scope (company, depot, zone, site) and its exceptions: (day, open, why)."""

    scope: str
    scope_id: int
    weekdays: tuple[str, ...]
    days: tuple[tuple[str, bool, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DepotFacts:
    """Where routes start. `zone` is the IANA name by which its shifts are read."""

    id: int
    name: str
    zone: str
    location: Location | None
    address: str = ""
    region_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """A door as planning sees it. `zone` may be empty (the depot's); `cut_off` too (none). `late_s`: so long after its
    hours goods are still taken, at `late_per_minute` (minor units). `known_to`: numbers of the drivers who know it;
    another costs `stranger_price`. Empty: everybody knows it. `vehicles`: numbers of those that may come;
    empty: any. `motor_hours`: motor vehicles come and are gone within these (a pedestrian street), bikes come whenever
    the door is open; empty: they may always. `run`: number of the vehicle that comes as a rule; `zone_runs`: those of
    its zone."""

    id: int
    name: str
    customer: str
    address: str
    location: Location | None
    pin_quality: PinQuality
    pin_why: str = ""
    looked_up: bool = True
    zone: str = ""
    delivery_zone_id: int | None = None
    delivery_days: tuple[str, ...] = ()
    cut_off: str = ""
    service_s: int = 300
    service_s_per_case: int = 0
    parking_s: int = 0
    late_s: int = 0
    late_per_minute: int = 0
    known_to: tuple[str, ...] = ()
    stranger_price: int = 0
    vehicles: tuple[str, ...] = ()
    run: str = ""
    zone_runs: tuple[str, ...] = ()
    motor_hours: tuple[WallWindow, ...] = ()
    max_height_cm: int | None = None
    max_length_cm: int | None = None
    max_weight_kg: int | None = None
    skills: tuple[str, ...] = ()
    crew: int = 1
    windows: tuple[WallWindow, ...] = ()
    payment_hold: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One line of a delivery: base units of a product. `weight_g` per unit, None when nobody knows it."""

    order_id: int
    product: str
    quantity: int
    case_pack: int = 1
    weight_g: int | None
    volume_cm3: int | None = None
    pieces: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """What an order says about when and whether its goods may go. Days are ISO text, empty: no limit."""

    id: int
    number: str
    not_before: str = ""
    not_after: str = ""
    hold_reason: str = ""
    payment: str = "ok"
    windows: tuple[WallWindow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """What the customer was told last: a day, and a window in the site's wall clock where one was given."""

    day: str
    window_from: str = ""
    window_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """It was dispatched with this driver on this day and is not on the van: a later trip, or taken off again."""

    driver_id: int
    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFacts:
    """One delivery that may go out, with everything that decides whether and when. `listed`: whose list it is on."""

    id: int
    number: str
    site_id: int
    depot_id: int
    for_day: str
    direction: str = "deliver"
    state: str = "released"
    attempts: int = 0
    tier: int = 1
    ready_at: datetime | None = None
    oldest_ordered_at: datetime
    waits_for: str = ""
    goods: tuple[Goods, ...] = ()
    orders: tuple[OrderFacts, ...] = ()
    promised: Promised | None = None
    listed: Listed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFacts:
    """A person's decision about a delivery. `shift_id` None: it stays out."""

    delivery_id: int
    shift_id: int | None
    position: int | None = None
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Riding:
    """Goods that are on a van already: the current plan's shift and place in its order, and the delivery's state.
    `trip` counts within the shift from 0, `position` over all its trips."""

    delivery_id: int
    shift_id: int
    position: int
    state: str
    trip: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """A driver under rules for their hours had a route on the day before: its duty was over at `until`; `is_reduced`:
    with a reduced rest after it."""

    driver_id: int
    until: datetime
    is_reduced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPrices:
    """What the company lets every plan count besides, in minor units; 0: it does not count. `balance`: what one more
    hour costs a van for each hour that its day has already; `area`: a km that a stop lies from its route's centre;
    `off_run`: a stop of a van that is not on its standing run, where `runs` says how those bind: "free" (not at all),
    "zones" or "sequence" (routing/rules/runs.py). `change`: a stop that is on another driver's list
    (routing/rules/as_dispatched.py)."""

    balance: int = 0
    area: int = 0
    runs: str = "free"
    off_run: int = 0
    change: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFacts:
    """Everything a plan of these days and depots stands on, read in one moment. Tuples only, sorted by id: its text
    is the same wherever it is read, so that a fingerprint of it can be compared."""

    from_day: str
    to_day: str
    depots: tuple[DepotFacts, ...]
    sites: tuple[SiteFacts, ...]
    deliveries: tuple[DeliveryFacts, ...]
    shifts: tuple[Shift, ...]
    locks: tuple[LockFacts, ...] = ()
    riding: tuple[Riding, ...] = ()
    calendars: tuple[CalendarFacts, ...] = ()
    speeds: tuple[SpeedRow, ...] = ()
    prices: PlanPrices = PlanPrices()
    worked: tuple[Worked, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentPlan:
    """Which plan of a depot and day holds, and how far it is: draft, dispatched or closed."""

    depot_id: int
    day: str
    plan_id: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan as it was stored, with the problem it answers."""

    id: int
    parent_id: int | None
    from_day: str
    to_day: str
    depot_ids: tuple[int, ...]
    plan: Plan
    problem: Problem
    why: str
    by: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Units of one allocation that a delivery takes along."""

    delivery_id: int
    allocation_id: int
    product_id: int
    product: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSheet:
    """One line on a driver's list."""

    allocation_id: int
    product_id: int
    product_number: str
    name: str
    unit: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySheet:
    """One delivery on a driver's list. `references` are the orders' numbers, the customer's and the ERP's own."""

    delivery_id: int
    number: str
    direction: str
    attempt: int
    references: tuple[str, ...]
    note: str
    lines: tuple[LineSheet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSheet:
    """Whom the driver may call."""

    name: str
    role: str
    channel: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSheet:
    """One door on a driver's list. `hours` as written: "mon/tue 08:00-11:00 begin_by"."""

    stop_id: int
    trip: int
    sequence: int
    site_id: int
    site: str
    customer_id: int
    customer: str
    zone: str
    address: str
    lat: float | None
    lon: float | None
    notes: str
    gate_code: str
    arrival: datetime
    start: datetime
    departure: datetime
    hours: tuple[str, ...]
    contacts: tuple[ContactSheet, ...]
    deliveries: tuple[DeliverySheet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSheet:
    """A shift's route in the current plan, as its driver will get it. `driver_id` is None while nobody is named."""

    route_id: int
    plan_id: int
    shift_id: int
    day: str
    depot_id: int
    depot: str
    depot_address: str
    zone: str
    vehicle_id: int
    vehicle: str
    driver_id: int | None
    driver: str
    driver_email: str
    driver_phone: str
    driver_language: str
    starts_at: datetime
    departs_at: datetime
    returns_at: datetime
    ends_at: datetime
    stops: tuple[StopSheet, ...]
    states: tuple[tuple[int, str], ...]
    """(delivery, state), in order: not part of what is frozen."""

    @property
    def delivery_ids(self) -> tuple[int, ...]:
        return tuple(each.delivery_id for stop in self.stops for each in stop.deliveries)

    @property
    def trips(self) -> tuple[int, ...]:
        """The numbers of its trips, from 1 up."""
        return tuple(sorted({stop.trip for stop in self.stops})) or (1,)

    def of_trip(self, trip: int) -> tuple[int, ...]:
        """The deliveries of that trip, in driving order."""
        return tuple(each.delivery_id for stop in self.stops if stop.trip == trip for each in stop.deliveries)

    def trip_of(self, delivery_id: int) -> int:
        """0 when it does not ride here."""
        return next(
            (stop.trip for stop in self.stops for each in stop.deliveries if each.delivery_id == delivery_id), 0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldManifest:
    """The list in force that a driver holds: `first_id` is the shift's first, which the driver's link opens. `rides`:
    (delivery, trip), in driving order."""

    id: int
    first_id: int
    version: int
    rides: tuple[tuple[int, int], ...]

    @property
    def delivery_ids(self) -> tuple[int, ...]:
        return tuple(key for key, _trip in self.rides)

    def is_of(self, sheet: RouteSheet) -> bool:
        """Whether this list says what the route in the current plan says."""
        return self.rides == tuple((each.delivery_id, stop.trip) for stop in sheet.stops for each in stop.deliveries)


@dataclass(frozen=True, slots=True, kw_only=True)
class VanOfDay:
    """A dispatched shift of a day: its manifest in force, and whether the van was counted in the evening."""

    manifest_id: int
    shift_id: int
    vehicle_id: int
    vehicle: str
    driver: str
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VanGoods:
    """What the ledger says is still on a van of one product, base units. `for_customers` of it is of failed
    deliveries and stays promised."""

    product_id: int
    sku: str
    name: str
    unit: str
    quantity: int
    for_customers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeliveredUnits:
    """Units of a failed delivery that should be on the van still, promised to one order line. `tier` and `ordered_at`
    say whose claim is older."""

    delivery_id: int
    number: str
    site: str
    allocation_id: int
    product_id: int
    quantity: int
    tier: int
    ordered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidUnits:
    """Units that should be on the van still though no failed delivery claims them: damaged or refused at a door, and of
    the `quantity` beyond those, collected there or not found when they were to be handed over. `allocation_id` is None
    for empties."""

    delivery_id: int
    allocation_id: int | None
    product_id: int
    quantity: int
    damaged: int
    refused: int


LOST_AFTER_THE_DOOR = "missing after the door"
"""Why of a movement: a door called the units short, damaged or refused, and the count of the van did not find them.
Their delivery's lines still say them, unlike what is lost of a delivery that nobody took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostGoods:
    """Base units of one product that a van's count did not find. `worth` in minor units, by the price of their orders,
    else of the product; 0 where neither has one."""

    sku: str
    name: str
    unit: str
    quantity: int
    worth: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VanCash:
    """Cash of one van's turn in one currency, minor units: what was due at its doors, what was collected there in cash,
    which is what the till holds, and what was counted of it in the evening (None: not yet). `card` and `other` were
    paid too, and lie in no till."""

    currency: str
    due: int
    collected: int
    counted: int | None
    card: int = 0
    other: int = 0

    @property
    def must_be_counted(self) -> bool:
        """Whether money may be in the till: some was collected, or not all that was due is accounted for."""
        return self.collected > 0 or self.due > self.card + self.other
