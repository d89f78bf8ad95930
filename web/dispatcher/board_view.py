"""What the board draws, made from the plans that hold: numbers, the timeline's bars, what was left out by reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from data.queries.plans import LeftOutRow, PlanPage, RouteRow, StopRow
from routing.rules.door_word import OVER, stop_word
from routing.rules.extra import Apart, Extra, uneven

HOUR = timedelta(hours=1)
LATE_FROM = timedelta(minutes=10)
"""A forecast this far behind the plan is called late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A piece of a van's day, x and width in hundredths of the row.

    `kind`: loading, travel, wait, service, break, reload, end.
    """

    kind: str
    x: float
    width: float
    stop_id: int = 0
    text: str = ""
    deliveries: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRoute:
    """A route with its number on this page, how far it is, and its row of the timeline. `loaded` of `to_load`: of the
    trip that is out or leaves next, number `trip`."""

    number: int
    plan_id: int
    row: RouteRow
    state: str
    trip: int
    loaded: int
    to_load: int
    done: int
    bars: tuple[Bar, ...]

    @property
    def is_out(self) -> bool:
        return self.row.manifest_id is not None

    @property
    def loads_again(self) -> bool:
        """Whether the van has done a trip and its next one waits at the depot."""
        return self.is_out and self.trip > 1 and self.loaded < self.to_load


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What was left out for one reason. `proven`: it fits nowhere, whoever else is served."""

    reason: str
    proven: bool
    rows: tuple[tuple[int, LeftOutRow], ...]
    """(plan, delivery)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    tier: int
    served: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """`peak` is the fullest van's load in percent of what it may carry; cost in thousandths of a minor unit, overtime,
    lateness (of `late_stops`), the price of balance (of which `uneven` comes of days that are not alike) and of areas
    in it."""

    served: int
    of: int
    tiers: tuple[Tier, ...]
    distance_m: int
    duty_s: int
    cost: int
    peak: int
    overtime: Extra | None
    late: Extra | None
    late_stops: int
    balance: int
    uneven: int
    area: Apart | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The timeline's hours: (x, wall clock), from its first to its last."""

    starts_at: datetime
    ends_at: datetime
    hours: tuple[tuple[float, str], ...]

    def x(self, moment: datetime) -> float:
        share = (moment - self.starts_at) / (self.ends_at - self.starts_at)
        return round(min(max(share, 0.0), 1.0) * 100, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    plans: tuple[PlanPage, ...]
    state: str
    routes: tuple[BoardRoute, ...]
    groups: tuple[Group, ...]
    totals: Totals
    scale: Scale | None

    @property
    def left_out(self) -> int:
        return sum(len(group.rows) for group in self.groups)

    @property
    def has_reloads(self) -> bool:
        return any(len(route.row.trips) > 1 for route in self.routes)

    def route(self, shift_id: int) -> BoardRoute | None:
        return next((route for route in self.routes if route.row.shift_id == shift_id), None)

    def stop(self, stop_id: int) -> tuple[BoardRoute, StopRow] | None:
        return next(
            ((route, stop) for route in self.routes for stop in route.row.stops if stop.stop_id == stop_id), None
        )


def board_of(pages: Sequence[PlanPage]) -> Board:
    """The plans of a day side by side; the routes are numbered through."""
    rows = [(page, row) for page in pages for row in page.routes]
    scale = scale_of([row for _, row in rows])
    routes = []
    before = 0
    for page in pages:
        for row in page.routes:
            routes.append(_route(row, page.plan_id, before + row.sequence, scale))
        before += max((row.sequence for row in page.routes), default=0)
    states = {current.state for page in pages for current in page.states}
    return Board(
        plans=tuple(pages),
        state=next((word for word in ("closed", "dispatched", "draft") if word in states), ""),
        routes=tuple(routes),
        groups=groups_of(pages),
        totals=totals_of(pages),
        scale=scale,
    )


def scale_of(rows: Sequence[RouteRow]) -> Scale | None:
    """From the full hour before the first van to the one after the last, on the wall of the first route's depot."""
    if not rows:
        return None
    zone = ZoneInfo(rows[0].zone)
    first = min(row.starts_at for row in rows).astimezone(zone).replace(minute=0, second=0, microsecond=0)
    last = max(row.ends_at for row in rows).astimezone(zone)
    hours = -(-(last - first) // HOUR)
    scale = Scale(starts_at=first, ends_at=first + hours * HOUR, hours=())
    marks = tuple((scale.x(first + n * HOUR), f"{first + n * HOUR:%H:%M}") for n in range(hours))
    return Scale(starts_at=scale.starts_at, ends_at=scale.ends_at, hours=marks)


def bars_of(row: RouteRow, scale: Scale) -> tuple[Bar, ...]:
    """Loading, driving, waiting, service and pauses, to scale. A pause lies over the driving or waiting around it. Of
    several trips each comes home, and the van is loaded again."""

    def bar(kind: str, start: datetime, end: datetime) -> Bar:
        x = scale.x(start)
        return Bar(kind=kind, x=x, width=round(scale.x(end) - x, 3))

    found = [bar("loading", row.starts_at, row.departs_at)]
    for before, trip in pairwise((None, *row.trips)):
        assert trip is not None
        if before is not None:
            found.append(bar("reload", before.returns_at, trip.departs_at))
        left = trip.departs_at
        for stop in (each for each in row.stops if each.trip == trip.number):
            found.append(bar("travel", left, stop.arrival))
            if stop.wait_s:
                found.append(bar("wait", stop.arrival, stop.start))
            left = stop.departure
        found.append(bar("travel", left, trip.returns_at))
    found.append(bar("end", row.returns_at, row.ends_at))
    found += [bar("break", pause.starts_at, pause.ends_at) for pause in row.breaks]
    for stop in row.stops:
        deliveries = tuple(each.delivery_id for each in stop.deliveries)
        door = bar("service", stop.start, stop.departure)
        found.append(replace(door, stop_id=stop.stop_id, text=str(stop.number), deliveries=deliveries))
    return tuple(each for each in found if each.width > 0)


def groups_of(pages: Sequence[PlanPage]) -> tuple[Group, ...]:
    """By reason; first what competed and lost, which a decision can change, then the most frequent."""
    by_reason: dict[tuple[bool, str], list[tuple[int, LeftOutRow]]] = defaultdict(list)
    for page in pages:
        for row in page.left_out:
            by_reason[row.proven, row.reasons[0] if row.reasons else "competed_out"].append((page.plan_id, row))
    ordered = sorted(by_reason.items(), key=lambda each: (each[0][1] != "competed_out", -len(each[1]), each[0][1]))
    return tuple(Group(reason=reason, proven=proven, rows=tuple(rows)) for (proven, reason), rows in ordered)


def totals_of(pages: Sequence[PlanPage]) -> Totals:
    served = Counter(
        each.tier for page in pages for row in page.routes for stop in row.stops for each in stop.deliveries
    )
    left = Counter(row.tier for page in pages for row in page.left_out)
    rows = [row for page in pages for row in page.routes]
    peaks = [round(100 * load.most / load.capacity) for row in rows for load in row.loads if load.capacity]
    return Totals(
        served=served.total(),
        of=served.total() + left.total(),
        tiers=tuple(
            Tier(tier=tier, served=served[tier], of=served[tier] + left[tier])
            for tier in sorted(served.keys() | left.keys(), reverse=True)
        ),
        distance_m=sum(row.distance_m for row in rows),
        duty_s=sum(_duty_s(row) for row in rows),
        cost=sum(row.cost for row in rows),
        peak=max(peaks, default=0),
        overtime=_sum(row.overtime for row in rows),
        late=_sum(stop.late for row in rows for stop in row.stops),
        late_stops=sum(stop.late is not None for row in rows for stop in row.stops),
        balance=sum(row.balance for row in rows),
        uneven=uneven([Extra(seconds=_duty_s(row), cost=row.balance) for row in rows]),
        area=_apart(row.area for row in rows),
    )


def _sum(extras: Iterable[Extra | None]) -> Extra | None:
    found = [each for each in extras if each is not None]
    if not found:
        return None
    return Extra(seconds=sum(each.seconds for each in found), cost=sum(each.cost for each in found))


def _apart(areas: Iterable[Apart | None]) -> Apart | None:
    found = [each for each in areas if each is not None]
    if not found:
        return None
    return Apart(metres=sum(each.metres for each in found), cost=sum(each.cost for each in found))


def _duty_s(row: RouteRow) -> int:
    return round((row.ends_at - row.starts_at).total_seconds())


def places_of(row: RouteRow, *, without: int) -> list[tuple[int, StopRow]]:
    """(position, stop): putting a delivery behind that stop gives it this position; `without` is the one that moves."""
    position = 0
    found = []
    for stop in row.stops:
        position += sum(each.delivery_id != without for each in stop.deliveries)
        if any(each.delivery_id != without for each in stop.deliveries):
            found.append((position, stop))
    return found


def _route(row: RouteRow, plan_id: int, number: int, scale: Scale | None) -> BoardRoute:
    of = {
        trip.number: [each.state for stop in row.stops if stop.trip == trip.number for each in stop.deliveries]
        for trip in row.trips
    }
    over = ("done", "failed", "unreleased")
    trip = next((n for n, states in of.items() if any(each not in over for each in states)), max(of))
    loaded = sum(state != "released" for state in of[trip])
    done = sum(word_of(stop) in OVER for stop in row.stops)
    return BoardRoute(
        number=number,
        plan_id=plan_id,
        row=row,
        state=_route_state(row, loaded, done, len(of[trip])),
        trip=trip,
        loaded=loaded,
        to_load=len(of[trip]),
        done=done,
        bars=() if scale is None else bars_of(row, scale),
    )


def _route_state(row: RouteRow, loaded: int, done: int, of: int) -> str:
    if done and done == len(row.stops):
        return "done"
    if row.manifest_id is not None:
        return "under_way"
    return "loaded" if loaded == of else "planned"


def word_of(stop: StopRow) -> str:
    """What the stop is called, as `routing.rules.door_word` has it."""
    return stop_word(
        [each.word for each in stop.deliveries],
        only_fetches=bool(stop.deliveries) and all(each.fetches for each in stop.deliveries),
    )


def live_of(board: Board, etas: Mapping[int, tuple[datetime, timedelta]]) -> dict[str, object]:
    """How far the day is, by stop: its state, when it is served by the forecast (wall clock), minutes late.

    `etas`: by stop id, the forecast and how late it is against the plan.
    """
    stops: dict[str, object] = {}
    routes: dict[str, object] = {}
    for route in board.routes:
        zone = ZoneInfo(route.row.zone)
        behind = timedelta(0)
        for stop in route.row.stops:
            state = word_of(stop)
            eta = etas.get(stop.stop_id)
            said: dict[str, object] = {"state": state}
            if eta is not None and state not in OVER:
                said["eta"] = f"{eta[0].astimezone(zone):%H:%M}"
                said["late"] = round(eta[1].total_seconds() / 60)
                if eta[1] >= LATE_FROM:
                    said["state"] = "late"
                behind = max(behind, eta[1])
            stops[str(stop.stop_id)] = said
        routes[str(route.row.shift_id)] = {
            "done": route.done,
            "of": len(route.row.stops),
            "state": "late" if behind >= LATE_FROM else route.state,
            "behind": round(behind.total_seconds() / 60),
        }
    return {"stops": stops, "routes": routes}
