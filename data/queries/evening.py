"""The end of a day: per van what is still open, what should be on it, its cash, and what was counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from data.queries.door_words import door_words
from data.store import SqlStore
from data.tables import current_plan, depot, event, manifest, route, user
from routing.errors import NotFound
from routing.model.day import LostGoods, VanCash, VanGoods, VanOfDay
from routing.services.closing import still_open


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStop:
    """A stop with deliveries of which nobody has said how they ended."""

    stop_id: int
    number: int
    site: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What the count of a van gave, base units; `cash_off` in minor units by currency. `by` is a person's name.

    `goods` by product and `cash` by currency are what was counted; None of a count that was made before it was kept.
    """

    at: datetime
    by: str
    kept_for_customers: int
    returned: int
    lost: int
    found: int
    """Units beyond what went out, which wait to be inspected: part of `returned`."""
    missing: tuple[str, ...]
    cash_off: Mapping[str, int]
    lost_goods: tuple[LostGoods, ...]
    goods: Mapping[int, int] | None
    cash: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A delivery of which the driver said how it ended: `word` as `routing.rules.door_word` calls it."""

    delivery_id: int
    number: str
    site: str
    word: str
    fetches: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EveningVan:
    """One van. `goods` is what the ledger says is on it; `counted` None while nobody has counted it."""

    van: VanOfDay
    sequence: int
    stops: int
    open_stops: tuple[OpenStop, ...]
    reported: tuple[Reported, ...]
    goods: tuple[VanGoods, ...]
    cash: tuple[VanCash, ...]
    counted: Counted | None

    @property
    def needs_a_count(self) -> bool:
        return bool(self.goods or any(each.must_be_counted for each in self.cash))


@dataclass(frozen=True, slots=True, kw_only=True)
class EveningDepot:
    """`plan` is "" when the day has no plan here, else draft, dispatched or closed."""

    id: int
    name: str
    zone: str
    plan: str
    vans: tuple[EveningVan, ...]

    @property
    def is_ready_to_close(self) -> bool:
        return self.plan == "dispatched" and all(each.van.closed for each in self.vans)


def evening(connection: Connection, *, day: str, depot_id: int | None = None) -> tuple[EveningDepot, ...]:
    """Every depot, or one, with the vans that it sent out that day. Raises NotFound for an unknown depot."""
    query = select(depot.c.id, depot.c.name, depot.c.zone).order_by(depot.c.number)
    if depot_id is not None:
        query = query.where(depot.c.id == depot_id)
    homes = connection.execute(query).all()
    if depot_id is not None and not homes:
        raise NotFound(f"There is no depot {depot_id}.", depot=depot_id)
    states = {
        row.depot_id: row.state
        for row in connection.execute(
            select(current_plan.c.depot_id, current_plan.c.state).where(current_plan.c.day == day)
        )
    }
    store = SqlStore(connection)
    return tuple(
        EveningDepot(
            id=home.id,
            name=home.name,
            zone=home.zone,
            plan=states.get(home.id, ""),
            vans=_vans(store, store.vans_of_day(day=day, depot_id=home.id)),
        )
        for home in homes
    )


def _vans(store: SqlStore, vans: Sequence[VanOfDay]) -> tuple[EveningVan, ...]:
    sequences = {
        row.id: row.sequence
        for row in store.connection.execute(
            select(manifest.c.id, route.c.sequence)
            .join(route, route.c.id == manifest.c.route_id)
            .where(manifest.c.id.in_([each.manifest_id for each in vans]))
        )
    }
    found = []
    for van in vans:
        inforce = store.manifest_in_hand(van.manifest_id)
        stops = inforce.stops
        doors = store.doors(van.manifest_id, [each.stop_id for each in stops])
        at_doors = [each for door in doors.values() for each in door.deliveries]
        still = set() if van.closed else {each.id for each in still_open(store, inforce, at_doors)}
        over = {} if van.closed else {each.id: each.state for each in at_doors if each.state in ("done", "failed")}
        said = door_words(store.connection, over)
        found.append(
            EveningVan(
                van=van,
                sequence=sequences[van.manifest_id],
                stops=len(stops),
                open_stops=tuple(
                    OpenStop(stop_id=each.stop_id, number=number, site=doors[each.stop_id].site, numbers=numbers)
                    for number, each in enumerate(stops, 1)
                    if (
                        numbers := tuple(
                            delivery.number for delivery in doors[each.stop_id].deliveries if delivery.id in still
                        )
                    )
                ),
                reported=tuple(
                    Reported(
                        delivery_id=delivery.id,
                        number=delivery.number,
                        site=door.site,
                        word=said[delivery.id],
                        fetches=delivery.direction == "collect",
                    )
                    for door in doors.values()
                    for delivery in door.deliveries
                    if delivery.id in said
                ),
                # What a closed van carries now is of another day.
                goods=() if van.closed else store.goods_on_van(van.manifest_id),
                cash=store.cash_of_shift(van.shift_id),
                counted=_counted(store.connection, van.shift_id) if van.closed else None,
            )
        )
    return tuple(found)


def _counted(connection: Connection, shift_id: int) -> Counted | None:
    row = connection.execute(
        select(event.c.data, event.c.captured_at, event.c.actor)
        .where(event.c.shift_id == shift_id, event.c.kind == "van_closed")
        .order_by(event.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    data: Mapping[str, Any] = row.data
    names = {f"user:{each.id}": each.name or each.email for each in connection.execute(select(user))}
    return Counted(
        at=row.captured_at,
        by=names.get(row.actor, row.actor),
        kept_for_customers=data["kept_for_customers"],
        returned=data["returned"],
        lost=data["lost"],
        found=data.get("found", 0),
        missing=tuple(data.get("missing", ())),
        cash_off=data.get("cash_off", {}),
        lost_goods=tuple(LostGoods(**each) for each in data.get("lost_goods", ())),
        goods={int(key): units for key, units in data["counted"].items()} if "counted" in data else None,
        cash=data.get("cash", {}),
    )
