"""When a line can be delivered, and when that becomes a promise. Pure.

The expected day is the first on which supply, served by rank, covers the line; put away; then the next day the site
is served, if the order came before that day's cut-off; never before the day it is wanted.

    A truck with 60 comes on Thursday 05:30, put away by 06:30. SO-1 wants 48 and SO-2 wants 24, both at sites served
    on Tuesdays and Thursdays. SO-1 is expected on Thursday. SO-2 finds 12 of its 24: it has no date until the next
    inbound has one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from functools import partial
from types import MappingProxyType
from zoneinfo import ZoneInfo

from routing.model.orders import (
    AllocationPolicy,
    Book,
    Completeness,
    DeliveryDays,
    Outside,
    WaitingLine,
    WaitingOrder,
)
from routing.model.stock import Supply
from routing.rules.allocation import Outcome, ranked
from routing.rules.calendars import served_from
from routing.rules.release import Going, ReleaseLine, ReleaseOrder, days_by_terms
from routing.rules.room import Room

AT_CUSTOMERS_WISH = "at the customer's wish"
"""Why of a promise that the customer moved: not our slip."""

HAS_ITS_DATE_AGAIN = "has its date again"
"""Why of a promise that holds as before, although its customer was told that there is no date any more."""

OVERDUE_DAYS = 3
"""Days for which an overdue inbound is still expected, where no policy says otherwise: a weekend in between."""


def dependable(expected_at: datetime | None, *, now: datetime, zone: tzinfo, overdue_days: int) -> datetime | None:
    """The moment at which an inbound that is not counted in may be counted on, or None: nobody knows.

    Its own; now, when that is over; and once `overdue_days` after its day are over too, none until the supplier names
    another. A truck of Friday 27 February, waited for three days, may come on Monday; on Tuesday nobody counts on it.

        >>> from datetime import UTC
        >>> friday = datetime(2026, 2, 27, 5, 30, tzinfo=UTC)
        >>> for later in (-1, 3, 4):
        ...     now = friday + timedelta(days=later)
        ...     print(dependable(friday, now=now, zone=UTC, overdue_days=3))
        2026-02-27 05:30:00+00:00
        2026-03-02 05:30:00+00:00
        None
    """
    if expected_at is None or expected_at >= now:
        return expected_at
    day, today = expected_at.astimezone(zone).date().isoformat(), now.astimezone(zone).date()
    return None if day <= last_lapsed_day(today, overdue_days) else now


def loadable(
    expected_at: datetime | None, *, now: datetime, zone: tzinfo, overdue_days: int, put_away: timedelta
) -> datetime | None:
    """When the goods of an inbound that is not counted in can be loaded; None: nobody knows. Ledger and release ask it.

    A truck of 05:30 that is not here at 10:00 comes now at the soonest, and an hour's put-away comes after it:

    >>> from datetime import UTC
    >>> due = datetime(2026, 3, 3, 5, 30, tzinfo=UTC)
    >>> print(loadable(due, now=due.replace(hour=10, minute=0), zone=UTC, overdue_days=3, put_away=timedelta(hours=1)))
    2026-03-03 11:00:00+00:00
    """
    at = dependable(expected_at, now=now, zone=zone, overdue_days=overdue_days)
    return None if at is None else at + put_away


def last_lapsed_day(today: date, overdue_days: int) -> str:
    """The last ISO day of which nothing is counted on any more.

    >>> last_lapsed_day(date(2026, 3, 3), 3)
    '2026-02-27'
    """
    return (today - timedelta(days=overdue_days + 1)).isoformat()


def dated_from(now: datetime, *, zone: tzinfo, overdue_days: int) -> datetime:
    """What is expected at this moment or later may be counted on; what should have come before has no date any more.

    >>> from datetime import UTC
    >>> print(dated_from(datetime(2026, 3, 3, 5, 30, tzinfo=UTC), zone=UTC, overdue_days=3))
    2026-02-28 00:00:00+00:00
    """
    return day_after(last_lapsed_day(now.astimezone(zone).date(), overdue_days), zone)


def day_after(day: str, zone: tzinfo) -> datetime:
    """The first moment that does not belong to the ISO day any more."""
    midnight = datetime.fromisoformat(day) + timedelta(days=1)
    return midnight.replace(tzinfo=zone)


def first_delivery_day(
    *,
    ready_at: datetime,
    ordered_at: datetime,
    days: DeliveryDays,
    earliest: str = "",
    same_day_until: time = time(12, 0),
    has_room: Callable[[date], bool] = lambda _day: True,
) -> date | None:
    """The first day the site is served with these goods, or None within a year.

    Goods ready by `same_day_until` go that day. The cut-off is about the order: for a day D it must have come before
    the cut-off on the day before D (all wall clock at the depot). A day that has no room is skipped.

        >>> from datetime import UTC
        >>> tuesday = datetime(2026, 3, 3, 5, 30, tzinfo=UTC)
        >>> week = DeliveryDays(weekdays=frozenset({1, 3}))
        >>> first_delivery_day(ready_at=tuesday, ordered_at=tuesday - timedelta(days=1), days=week).isoformat()
        '2026-03-03'
        >>> first_delivery_day(ready_at=tuesday, ordered_at=tuesday, days=week).isoformat()
        '2026-03-05'
    """
    zone = ZoneInfo(days.zone)
    day = max(
        day_by_goods(ready_at.astimezone(zone), same_day_until), day_by_order(ordered_at.astimezone(zone), days.cut_off)
    )
    if earliest:
        day = max(day, date.fromisoformat(earliest))
    return served_from(day, days, has_room)


def day_by_goods(ready: datetime, same_day_until: time) -> date:
    """The first day on which goods that are ready then can go out; wall clock at the depot."""
    return ready.date() if ready.time() <= same_day_until else ready.date() + timedelta(days=1)


def day_by_order(ordered: datetime, cut_off: time) -> date:
    """The first day for which an order of then came before the cut-off; wall clock at the depot."""
    return ordered.date() + timedelta(days=1 if ordered.time() <= cut_off else 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """ISO days by line id, "" for unknown: the day it is `expected` on, and of what the book decides its `own` day,
    on which it could go by itself. Of a line that is `kept` the terms of its order keep back what is there of it."""

    expected: dict[int, str]
    own: dict[int, str]
    kept: frozenset[int] = frozenset()


def expected_days(
    book: Book,
    outcome: Outcome,
    *,
    days: Mapping[int, DeliveryDays],
    policy: AllocationPolicy,
    now: datetime,
    room: Room | None = None,
    promising: Mapping[int, str] | None = None,
) -> Dates:
    """The days of every line of the book that still needs something; "" where no dated supply covers it.

    `days` by site. What has been released is expected on the day it goes out for. Lines that hold nothing (beyond the
    horizon, or ship-complete and waiting) are dated by what is left over, in rank order. What was released for a day
    that is over goes by itself on the next. `room` holds the stops that are decided outside the book; whose promise for
    a day can still be kept has its stop on it, and the others are added in rank order, so that a full day is the lower
    rank's loss and breaks no promise. `promising`: the first promises that come of this very decision, an ISO day by
    order id; they have their stops as they will the next time. A line outside the book brings the day that it had, or
    the first from now on if that is over.

    SO-1 wants 5 of each of two goods: one lies there on Monday 2 March, the other comes on Thursday. In parts each has
    its own day; ship-complete both go on the latest; and nothing comes before the day it is wanted on.

        >>> from dataclasses import replace
        >>> from datetime import UTC
        >>> from routing.model.stock import SupplyKind
        >>> from routing.rules.allocation import allocate
        >>> now, policy = datetime(2026, 3, 2, 6, tzinfo=UTC), AllocationPolicy()
        >>> shelf = Supply(id=1, kind=SupplyKind.RECEIPT, number="R-1", product_id=1, quantity=5, ready_at=now)
        >>> truck = replace(shelf, id=2, kind=SupplyKind.INBOUND, product_id=2, ready_at=now + timedelta(days=3))
        >>> line = WaitingLine(id=1, number="1", product_id=1, sku="OAT", name="Oat drink", needed=5)
        >>> order = WaitingOrder(id=1, number="SO-1", customer_id=1, customer="Café 12", site_id=1, site="Café 12",
        ...                      ordered_at=now - timedelta(days=3), lines=(line, replace(line, id=2, product_id=2)))
        >>> for terms in ({}, {"completeness": Completeness.COMPLETE}, {"wanted_on": "2026-03-09"}):
        ...     book = Book(depot_id=1, supplies=(shelf, truck), orders=(replace(order, **terms),))
        ...     outcome = allocate(book, policy, today=now.date())
        ...     print(expected_days(book, outcome, days={}, policy=policy, now=now).expected)
        {1: '2026-03-02', 2: '2026-03-05'}
        {1: '2026-03-05', 2: '2026-03-05'}
        {1: '2026-03-09', 2: '2026-03-09'}
    """
    weighed = {line.id for order in book.orders if order.terms for line in order.lines}
    calendars = _Calendars(days, policy=policy, now=now, room=room or Room())
    given = _given(book, outcome, weighed, today=calendars.today)
    left = _Leftovers(book.supplies, given.claimed)
    if calendars.are_limited:
        as_many_as_come = {site_id: replace(each, stops_a_day=None) for site_id, each in days.items()}
        soonest = expected_days(book, outcome, days=as_many_as_come, policy=policy, now=now).expected
        calendars.keep_promised(book, soonest, policy, promising or {})
    outside, held, committed = book.outside, given.held, given.committed
    expected: dict[int, str] = {}
    own: dict[int, str] = {}
    kept: set[int] = set()
    for order in ranked(book.orders, policy):
        day_of = calendars.of(order)
        of_order: dict[int, str] = {}
        for line in order.lines:
            key = line.id
            if not line.needed or key in outside:
                continue
            if key not in held and key not in committed and not left.has_any(line.product_id):
                of_order[key] = ""
            else:
                of_order[key] = _own_day(line, given, left, day_of, key in weighed, now=now)
        own |= of_order
        for line in order.lines if outside else ():
            if line.id in outside:
                days_of = days.get(order.site_id, _USUAL)
                of_order[line.id] = _day_outside(book, order, line, days=days_of, policy=policy, now=now)
        if order.terms:
            by_terms = _by_terms(
                order,
                of_order,
                given.comes,
                given.committed,
                book.outside,
                day_of=day_of,
                zone=calendars.zone_of(order),
            )
            kept |= by_terms.kept
            for line_id, day in by_terms.days.items():
                goes_on = given.out_on.get(line_id, "") if line_id in given.committed else ""
                of_order[line_id] = day and max(day, goes_on)
        elif order.completeness is Completeness.COMPLETE and of_order:
            last = "" if "" in of_order.values() else max(of_order.values())
            of_order = dict.fromkeys(of_order, last)
        if calendars.are_limited and not order.held:  # it does not go: whoever does has its room
            calendars.keep(order.site_id, of_order.values())
        expected |= of_order
    return Dates(expected=expected, own=own, kept=frozenset(kept))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What the outcome gives, by line id but for `claimed`, which has the units of each supply that are not left over.

    `held`: units on a supply, and the moment at which the last of them comes, None where nobody knows it. `committed`
    ones are released, for the day of `out_on`. `comes` is when what the lines of weighed orders hold comes. `today` is
    the depot's, an ISO day.
    """

    today: str
    claimed: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    held: dict[int, tuple[int, datetime | None]] = field(default_factory=dict)
    committed: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    out_on: dict[int, str] = field(default_factory=dict)
    comes: dict[int, list[tuple[datetime, int]]] = field(default_factory=lambda: defaultdict(list))


def _given(book: Book, outcome: Outcome, weighed: Collection[int], *, today: str) -> _Given:
    given = _Given(today=today)
    ready = {supply.id: supply.ready_at for supply in book.supplies}
    claimed, held = given.claimed, given.held
    for claim in outcome.claims:
        line_id, supply_id, units = claim.line_id, claim.supply_id, claim.quantity
        claimed[supply_id] += units
        moment = ready[supply_id]
        if moment is not None and line_id in weighed:
            given.comes[line_id].append((moment, units))
        if line_id in held:
            others, last = held[line_id]
            units, moment = units + others, max(last, moment) if last is not None and moment is not None else None
        held[line_id] = units, moment
    for claim in outcome.committed:
        claimed[claim.supply_id] += claim.quantity
        given.committed[claim.line_id] += claim.quantity
    for holding in book.holdings:
        if holding.gone:
            claimed[holding.supply_id] += holding.gone
        if holding.for_day:
            given.out_on[holding.line_id] = max(holding.for_day, given.out_on.get(holding.line_id, ""))
    return given


_NOTHING = (0, None)


def _own_day(
    line: WaitingLine,
    given: _Given,
    left: _Leftovers,
    day_of: Callable[[datetime], str],
    is_weighed: bool,
    *,
    now: datetime,
) -> str:
    """The day on which the line could go by itself; what it does not hold it takes of what is left over."""
    key = line.id
    units, moment = given.held.get(key, _NOTHING)
    known = moment is not None or not units
    is_out = key in given.committed
    missing = line.needed - units - (given.committed[key] if is_out else 0)
    if missing > 0:
        later = left.when(line.product_id, missing)
        if later is None:
            return ""
        if is_weighed:
            given.comes[key].append((later, missing))
        if moment is None or later > moment:
            moment = later
    if not known:
        return ""
    # The line goes when the last of its goods can, or with what of it goes out already: no plan of a day that is over
    # takes that, and the next one does.
    day = given.out_on.get(key, "") if is_out else ""
    if "" < day < given.today:
        day = day_of(now)
    if moment is None:
        return day
    by_goods = day_of(moment)
    return max(day, by_goods) if by_goods and day else by_goods


def _by_terms(
    order: WaitingOrder,
    own: Mapping[int, str],
    comes: Mapping[int, Iterable[tuple[datetime, int]]],
    committed: Mapping[int, int],
    outside: Mapping[int, Outside],
    *,
    day_of: Callable[[datetime], str],
    zone: ZoneInfo,
) -> Going:
    """When the release lets each line of the order go that is not all released."""
    lines, coming = [], {}
    for line in order.lines:
        held = outside.get(line.id)
        gone = committed.get(line.id, 0) if held is None else held.committed
        if line.needed <= gone:
            continue
        lines.append(ReleaseLine(id=line.id, needed=line.needed, committed=gone, ready=0, price=line.price))
        parts = [
            (day, units)
            for moment, units in (comes.get(line.id, ()) if held is None else held.comes)
            if (day := day_of(moment))
        ]
        if held is not None and own.get(line.id):
            # What it does not hold yet comes on the day that was found when its own SKU was decided.
            parts.append((own[line.id], line.needed - gone - sum(units for _, units in parts)))
        coming[line.id] = [(day, units) for day, units in parts if units > 0]
    if not lines:
        return Going(days={})
    seen = ReleaseOrder(
        id=order.id,
        number=order.number,
        lines=tuple(lines),
        ordered_on=order.ordered_at.astimezone(zone).date().isoformat(),
        shipments=order.shipments,
    )
    return days_by_terms(
        seen,
        coming,
        order.terms,
        served_on=lambda day: day_of(datetime.combine(date.fromisoformat(day), time(0), tzinfo=zone)),
    )


_USUAL = DeliveryDays()


class _Calendars:
    """On which day goods that are ready at a moment go out. Sites share their calendars, and orders wait for the same
    few trucks: each question is worked out once."""

    def __init__(
        self, days: Mapping[int, DeliveryDays], *, policy: AllocationPolicy, now: datetime, room: Room
    ) -> None:
        self._days, self._now, self._room, self._same_day_until = days, now, room, policy.same_day_until
        self.are_limited = any(each.stops_a_day is not None for each in days.values())
        """Whether any site has to share the stops of a day with others."""
        # All sites of a book are served by one depot.
        self.today = now.astimezone(ZoneInfo(next(iter(days.values()), _USUAL).zone)).date().isoformat()
        self._served: dict[DeliveryDays, dict[date, str]] = {}
        self._of_site: dict[int, tuple[DeliveryDays, dict[date, str]]] = {}
        self._zones: dict[str, tuple[ZoneInfo, dict[datetime, date]]] = {}

    def of(self, order: WaitingOrder) -> Callable[[datetime], str]:
        """Asked for a moment, the ISO day on which the order's site can have what is ready then; "" for none."""
        days, served = self._site(order.site_id)
        zone, by_goods = self._zone(days.zone)
        by_order: date | None = None

        def day_of(ready_at: datetime) -> str:
            nonlocal by_order
            if by_order is None:
                by_order = day_by_order(order.ordered_at.astimezone(zone), days.cut_off)
                if order.earliest_day:
                    by_order = max(by_order, date.fromisoformat(order.earliest_day))
            day = by_goods.get(ready_at)
            if day is None:
                day = by_goods[ready_at] = day_by_goods(max(ready_at, self._now).astimezone(zone), self._same_day_until)
            day = max(day, by_order)
            if days.stops_a_day is not None:  # who comes first takes the room: the same question has another answer
                found = served_from(day, days, partial(self._room.takes, order.site_id, days))
                return found.isoformat() if found else ""
            if day not in served:
                found = served_from(day, days)
                served[day] = found.isoformat() if found else ""
            return served[day]

        return day_of

    def zone_of(self, order: WaitingOrder) -> ZoneInfo:
        days, _ = self._site(order.site_id)
        return self._zone(days.zone)[0]

    def keep_promised(
        self, book: Book, soonest: Mapping[int, str], policy: AllocationPolicy, promising: Mapping[int, str]
    ) -> None:
        """Whose promise can still be kept has its stop on that day, the better rank first as far as there is room.
        `soonest`: by line, the day it could go if every day had room."""
        for order in ranked(book.orders, policy):
            days, _ = self._site(order.site_id)
            for line in order.lines if days.stops_a_day is not None and not order.held else ():
                promised_on = line.promised_on or promising.get(order.id, "")
                if "" < soonest.get(line.id, "") <= promised_on:
                    self._room.keep_promised(order.site_id, days, promised_on)

    def keep(self, site_id: int, expected: Iterable[str]) -> None:
        """These days of the site are taken."""
        days, _ = self._site(site_id)
        if days.stops_a_day is not None:
            for day in expected:
                self._room.keep(site_id, days, day)

    def _site(self, site_id: int) -> tuple[DeliveryDays, dict[date, str]]:
        if site_id not in self._of_site:
            days = self._days.get(site_id, _USUAL)
            self._of_site[site_id] = (days, self._served.setdefault(days, {}))
        return self._of_site[site_id]

    def _zone(self, name: str) -> tuple[ZoneInfo, dict[datetime, date]]:
        if name not in self._zones:
            self._zones[name] = (ZoneInfo(name), {})
        return self._zones[name]


def _day_outside(
    book: Book, order: WaitingOrder, line: WaitingLine, *, days: DeliveryDays, policy: AllocationPolicy, now: datetime
) -> str:
    if not line.own_day or book.outside[line.id].committed >= line.needed:
        return line.own_day
    from_now = first_delivery_day(
        ready_at=now,
        ordered_at=order.ordered_at,
        days=days,
        earliest=order.earliest_day,
        same_day_until=policy.same_day_until,
    )
    return max(line.own_day, from_now.isoformat()) if from_now else ""


class _Leftovers:
    """Supply that nobody holds, handed out by date to those who wait for it in rank order."""

    def __init__(self, supplies: Iterable[Supply], claimed: Mapping[int, int]) -> None:
        heaps: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
        for supply in supplies:
            units = supply.quantity - claimed.get(supply.id, 0)
            if units > 0 and supply.ready_at is not None:
                heaps[supply.product_id].append((supply.ready_at, units))
        self._heaps = {product_id: _Heap(iter(sorted(heap))) for product_id, heap in heaps.items()}

    def has_any(self, product_id: int) -> bool:
        """Whether anything may be left of it; once somebody asked for more than there is, nothing is."""
        return product_id in self._heaps

    def when(self, product_id: int, units: int) -> datetime | None:
        """The first moment at which everybody asked about so far, and these units too, are covered."""
        heap = self._heaps.get(product_id)
        if heap is None:
            return None
        heap.over -= units
        while heap.over < 0:
            comes = next(heap.coming, None)
            if comes is None:
                del self._heaps[product_id]
                return None
            heap.moment, more = comes
            heap.over += more
        return heap.moment


class _Heap:
    """What nobody holds of one product, walked as far as it was asked for: at `moment` so many units are `over`."""

    __slots__ = ("coming", "moment", "over")

    def __init__(self, coming: Iterator[tuple[datetime, int]]) -> None:
        self.coming, self.over = coming, 0
        self.moment: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPromise:
    """A promise row to insert. `first`: none was made before. `slip`: later than the one in force, `sooner`: earlier.
    `again`: its customer was told that there is no date any more, and there is one. A window, where one was agreed, is
    the wall clock of the door."""

    line_id: int
    version: int
    promised_on: str
    why: str
    first: bool
    slip: bool
    again: bool = False
    sooner: bool = False
    window_from: str = ""
    window_to: str = ""


def wished_promises(orders: Iterable[WaitingOrder], days: Mapping[int, DeliveryDays]) -> list[NewPromise]:
    """What customers moved: an order that is wanted later than it was promised is promised for the first day from then
    on that its site is served (`days` by site), whether or not anything covers it yet. That is no slip of ours; what
    comes later than the wish is.

    Promised for Tuesday the 3rd and moved to Sunday the 8th, it is promised for Monday the 9th:

        >>> line = WaitingLine(id=1, number="1", product_id=1, sku="OAT", name="Oat drink", needed=5,
        ...                    promised_on="2026-03-03", promise_version=1)
        >>> order = WaitingOrder(id=1, number="SO-1", customer_id=1, customer="Café 12", site_id=1, site="Café 12",
        ...                      ordered_at=datetime(2026, 3, 1, 9), lines=(line,), wanted_on="2026-03-08")
        >>> for each in wished_promises([order], {1: DeliveryDays(weekdays=frozenset(range(5)))}):
        ...     print(each.version, each.promised_on, each.why, each.slip)
        2 2026-03-09 at the customer's wish False
    """
    made = []
    for order in orders:
        wanted = order.earliest_day
        if not wanted:
            continue
        moved = [line for line in order.lines if line.promised_on and line.promised_on < wanted]
        if not moved:
            continue
        served = served_from(date.fromisoformat(wanted), days.get(order.site_id, _USUAL))
        made += [
            NewPromise(
                line_id=line.id,
                version=line.promise_version + 1,
                promised_on=served.isoformat() if served else wanted,
                why=AT_CUSTOMERS_WISH,
                first=False,
                slip=False,
            )
            for line in moved
        ]
    return made


def with_promises(book: Book, promises: Collection[NewPromise]) -> Book:
    """The book with these promises in force, which customers moved: who ranks by a promise ranks by these."""
    made = {promise.line_id: promise for promise in promises}
    return replace(
        book,
        orders=tuple(
            replace(
                order,
                promised_first=order.promised_first
                and min(made[line.id].promised_on for line in order.lines if line.id in made),
                lines=tuple(
                    replace(line, promised_on=made[line.id].promised_on, promise_version=made[line.id].version)
                    if line.id in made
                    else line
                    for line in order.lines
                ),
            )
            if any(line.id in made for line in order.lines)
            else order
            for order in book.orders
        ),
    )


def with_held(book: Book, order_ids: Collection[int], *, held: bool) -> Book:
    """The book with these orders on hold, or let go."""
    if not order_ids:
        return book
    return replace(
        book,
        orders=tuple(replace(order, held=held) if order.id in order_ids else order for order in book.orders),
    )


def new_promises(
    orders: Iterable[WaitingOrder],
    expected: Mapping[int, str],
    *,
    policy: AllocationPolicy,
    why: str,
    told_lost: Collection[int] = (),
    not_before: Mapping[int, str] = MappingProxyType({}),
) -> list[NewPromise]:
    """Which lines get a new promise. A line whose expected day is unknown gets none: there is no date to tell. Nor does
    an order that is held: its day is told when it is let go.
    `not_before`: by order id, the ISO day before which none of its lines is promised for the first time.

    `told_lost`: lines whose customers were told that there is no date any more. They hear of one whatever the
    threshold says: promised for the 5th, without a date, expected on the 4th now is promised for the 5th again.
    """
    made = []
    for order in orders:
        if order.held:
            continue
        for line in order.lines:
            day = expected.get(line.id, "")
            if not day:
                continue
            if not line.promised_on:
                made.append(
                    NewPromise(
                        line_id=line.id,
                        version=line.promise_version + 1,
                        promised_on=max(day, not_before.get(order.id, "")),
                        why="first date",
                        first=True,
                        slip=False,
                    )
                )
                continue
            moves, again = is_new_date(line.promised_on, day, policy), line.id in told_lost
            if moves or again:
                on = day if moves else max(day, line.promised_on)
                made.append(
                    NewPromise(
                        line_id=line.id,
                        version=line.promise_version + 1,
                        promised_on=on,
                        why=why if on != line.promised_on else HAS_ITS_DATE_AGAIN,
                        first=False,
                        slip=on > line.promised_on,
                        again=again,
                        sooner=on < line.promised_on,
                    )
                )
    return made


def is_new_date(promised_on: str, expected_on: str, policy: AllocationPolicy) -> bool:
    """Whether the difference is past the policy's threshold. Both ISO days, neither "".

    >>> is_new_date("2026-03-05", "2026-03-06", AllocationPolicy())
    True
    >>> is_new_date("2026-03-05", "2026-03-04", AllocationPolicy())
    False

    With a threshold of three days two later are none; with one of two days for earlier ones, two earlier are:

    >>> policy = AllocationPolicy(threshold_days=3, earlier_days=2)
    >>> [is_new_date("2026-03-05", day, policy) for day in ("2026-03-07", "2026-03-08", "2026-03-04", "2026-03-03")]
    [False, True, False, True]
    """
    later = (date.fromisoformat(expected_on) - date.fromisoformat(promised_on)).days
    if later > 0:
        return later >= max(1, policy.threshold_days)
    return later < 0 and policy.earlier_days is not None and -later >= max(1, policy.earlier_days)
