"""What could ride along that day, as pages and commands show it, and a release with what rides along by rule."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from data.queries.orders import depot_of
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import InvalidInput, NotFound, TravelError
from routing.model.places import Location
from routing.ports import TravelTable, TravelTimes
from routing.rules.ride_along import RideOffer
from routing.services.releasing import Releasing, release_orders
from routing.services.riding import rides
from routing.services.sending_along import ReleasedWithRides, release_with_rides
from web.plan_job import travel_in
from web.wiring import Installation


@dataclass(frozen=True, slots=True, kw_only=True)
class Along:
    """`asked`: a van passes and the terms allow it. `agreed`: it passes, but the order's own terms forbid a part.
    `nobody`: no van passes, or none that passes can take it. `more` were not priced; `wrong`: why nothing was."""

    asked: tuple[RideOffer, ...] = ()
    agreed: tuple[RideOffer, ...] = ()
    nobody: tuple[RideOffer, ...] = ()
    more: int = 0
    wrong: str = ""

    def __bool__(self) -> bool:
        return bool(self.asked or self.agreed or self.nobody or self.wrong)


NOTHING = Along()


class _WhenAsked:
    """The travel times of a depot's region, opened by the first question: on most days no part is there at all."""

    def __init__(self, installation: Installation, store: SqlStore, depot_id: int) -> None:
        self._installation, self._depot_id = installation, depot_id
        self._regions = store.depots_by_region()

    def _engine(self) -> TravelTimes:
        return travel_in(self._installation, self._regions, [self._depot_id])

    def table(self, places: Sequence[Location], *, profile: str) -> TravelTable:
        return self._engine().table(places, profile=profile)

    def path(self, places: Sequence[Location], *, profile: str) -> list[Location]:
        return self._engine().path(places, profile=profile)


def rides_on(
    installation: Installation,
    connection: Connection,
    *,
    day: str,
    depot_ids: Sequence[int],
    now: datetime,
    orders: Collection[int] | None = None,
) -> Along:
    """The parts of all these depots, measured in their region; or the sentence why nothing could be measured."""
    store = SqlStore(connection)
    offers: list[RideOffer] = []
    more = 0
    for depot_id in depot_ids:
        try:
            travel = _WhenAsked(installation, store, depot_id)
            found = rides(store, depot_id=depot_id, for_day=day, now=now, travel=travel, orders=orders)
        except (InvalidInput, NotFound, TravelError) as problem:
            # The page is about more than this: it says why, and goes on.
            return Along(wrong=str(problem))
        offers += found.offers
        more += found.more
    offers.sort(key=lambda offer: offer.ride.added.cost if offer.ride else 0)
    return Along(
        asked=tuple(each for each in offers if each.ride and not each.forbidden),
        agreed=tuple(each for each in offers if each.ride and each.forbidden),
        nobody=tuple(each for each in offers if not each.ride),
        more=more,
    )


def rides_of(installation: Installation, connection: Connection, order_id: int, *, day: str, now: datetime) -> Along:
    """The part of one order, if a part is there. Raises NotFound."""
    depot_id = depot_of(connection, order_id)
    return rides_on(installation, connection, day=day, depot_ids=[depot_id], now=now, orders={order_id})


def release_day(
    installation: Installation,
    *,
    depot_id: int,
    day: str,
    now: datetime,
    by: str,
    orders: Collection[int] | None = None,
) -> ReleasedWithRides:
    """Releases what is ready, and what rides along by rule. Where no way can be measured the goods go out all the
    same, and nothing rides along. Raises Conflict."""

    @contextmanager
    def reading() -> Iterator[SqlStore]:
        with installation.database.reading() as connection:
            yield SqlStore(connection)

    def write(work: Callable[[SqlStore], Releasing]) -> Releasing:
        return in_transaction(installation.database, work)

    def only(store: SqlStore) -> Releasing:
        return release_orders(store, depot_id=depot_id, for_day=day, now=now, by=by, orders=orders)

    with reading() as store:
        travel = _WhenAsked(installation, store, depot_id)
    try:
        return release_with_rides(
            reading, write, depot_id=depot_id, for_day=day, now=now, by=by, travel=travel, orders=orders
        )
    except (InvalidInput, NotFound, TravelError):
        return ReleasedWithRides(releasing=write(only))
