"""What the driver's page shows: the route in driving order, and how far it got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from data.queries.door_words import door_words
from data.queries.window_news import news_of_windows
from data.store.proofs import ProofStore
from data.tables import contact, depot, driver, proof, region, route, shift, site, site_window, vehicle
from routing.model.fleet import BIKES
from routing.model.payments import OrderAsks
from routing.model.proofs import Door, ManifestInHand, PlannedTimes
from routing.rules.calendars import weekday
from routing.rules.door import most_collected
from routing.rules.problem import ENDED
from routing.rules.progress import Eta, forecast
from routing.rules.told_door import WindowNews


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverLine:
    allocation_id: int
    product: str
    unit: str
    loaded: int
    most: int
    """What may be counted of it: as much as is on the van, or may be fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverDelivery:
    id: int
    number: str
    references: tuple[str, ...]
    direction: str
    state: str
    attempt: int
    lines: tuple[DriverLine, ...]
    asks: tuple[OrderAsks, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DepotStep:
    """Back to the depot and loaded again, before the first stop of a later trip: by the forecast, or as planned once it
    is over. `is_loaded`: all that the trip takes is on the van, and the van was there for it."""

    back_at: datetime
    leaves_at: datetime
    is_loaded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """When the van is at the door, and when the hand-over begins: later, where the door is not open yet."""

    arrival: datetime
    start: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverStop:
    """`state` is waiting, under_way, done or failed; `outcome` the word of the last report, "" before there is one.

    `told`: the window that is promised; `news`: whether the customer has heard of it.
    `hours`: the site's opening hours that day as (opens, closes, kind), wall clock; where this vehicle may drive there
    in some hours only, those too, as "motor_hours".
    """

    stop_id: int
    number: int
    site: str
    address: str
    lat: float | None
    lon: float | None
    note: str
    gate_code: str
    phone: str
    hours: tuple[tuple[str, str, str], ...]
    told: tuple[datetime, datetime] | None
    planned: Moments
    eta: Moments | None
    service: timedelta
    state: str
    outcome: str
    deliveries: tuple[DriverDelivery, ...]
    trip: int = 1
    depot_step: DepotStep | None = None
    news: WindowNews | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverRoute:
    manifest_id: int
    version: int
    day: str
    zone: str
    driver: str
    language: str
    vehicle: str
    sequence: int
    region: str
    returns_at: datetime
    ends_at_depot: bool
    depot: str
    depot_address: str
    depot_place: tuple[float, float] | None
    stops: tuple[DriverStop, ...]


def driver_route(connection: Connection, manifest_id: int, *, now: datetime) -> DriverRoute:
    """The manifest in force of this manifest's shift. Raises NotFound."""
    store = ProofStore(connection)
    manifest = store.manifest_in_hand(manifest_id)
    doors = store.doors(manifest.id, [stop.stop_id for stop in manifest.stops])
    etas = {
        eta.stop_id: eta for eta in forecast(manifest.stops, manifest.facts, departs_at=manifest.departs_at, now=now)
    }
    sites = _sites(connection, [door.site_id for door in doors.values()])
    hours = _hours(connection, list(sites), date.fromisoformat(manifest.day))
    phones = _phones(connection, list(sites))
    outcomes = _outcomes(connection, manifest)
    news = news_of_windows(connection, doors.values())
    states = {each.id: each.state for door in doors.values() for each in door.deliveries}
    words = door_words(connection, states)
    first_open = min(
        (stop.trip for stop in manifest.stops if any(states[key] not in ENDED for key in stop.deliveries)), default=1
    )
    row = connection.execute(
        select(
            driver.c.name.label("driver"),
            driver.c.language,
            vehicle.c.name.label("vehicle"),
            vehicle.c.profile,
            depot.c.name.label("depot"),
            depot.c.address.label("depot_address"),
            depot.c.lat,
            depot.c.lon,
            region.c.name.label("region"),
            route.c.sequence,
            shift.c.end_place,
        )
        .select_from(shift)
        .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
        .join(depot, depot.c.id == shift.c.depot_id)
        .join(driver, driver.c.id == manifest.driver_id)
        .join(route, (route.c.plan_id == manifest.plan_id) & (route.c.shift_id == shift.c.id))
        .outerjoin(region, region.c.id == depot.c.region_id)
        .where(shift.c.id == manifest.shift_id)
    ).one()
    return DriverRoute(
        manifest_id=manifest.id,
        version=manifest.version,
        day=manifest.day,
        zone=manifest.zone,
        driver=row.driver,
        language=row.language,
        vehicle=row.vehicle,
        sequence=row.sequence,
        region=row.region or "",
        returns_at=manifest.returns_at,
        ends_at_depot=row.end_place == "depot",
        depot=row.depot,
        depot_address=row.depot_address,
        depot_place=None if row.lat is None or row.lon is None else (row.lat, row.lon),
        stops=tuple(
            DriverStop(
                stop_id=planned.stop_id,
                number=number,
                site=doors[planned.stop_id].site,
                address=sites[planned.site_id]["address"],
                lat=sites[planned.site_id]["lat"],
                lon=sites[planned.site_id]["lon"],
                note=sites[planned.site_id]["notes"],
                gate_code=sites[planned.site_id]["gate_code"],
                phone=phones.get(planned.site_id, ""),
                hours=(*hours.get(planned.site_id, ()), *_motor_hours(sites[planned.site_id], row.profile)),
                told=doors[planned.stop_id].told,
                news=news.get(planned.stop_id),
                planned=Moments(arrival=planned.arrival, start=planned.start),
                eta=_eta(etas.get(planned.stop_id)),
                service=planned.departure - planned.start,
                state=_state(manifest, planned.stop_id, doors[planned.stop_id], words),
                outcome=next((outcomes[each] for each in planned.deliveries if each in outcomes), ""),
                deliveries=_deliveries(doors[planned.stop_id]),
                trip=planned.trip,
                depot_step=_depot_step(planned, etas.get(planned.stop_id), earlier_open=planned.trip > first_open),
            )
            for number, planned in enumerate(manifest.stops, 1)
        ),
    )


def _eta(eta: Eta | None) -> Moments | None:
    return None if eta is None else Moments(arrival=eta.arrival, start=eta.start)


def _depot_step(planned: PlannedTimes, eta: Eta | None, *, earlier_open: bool) -> DepotStep | None:
    if planned.reload is None:
        return None
    back_at, leaves_at = (eta and eta.reload) or (planned.reload.back_at, planned.reload.leaves_at)
    is_loaded = planned.reload.is_over(earlier_open=earlier_open)
    return DepotStep(back_at=back_at, leaves_at=leaves_at, is_loaded=is_loaded)


def _state(manifest: ManifestInHand, stop_id: int, door: Door, words: dict[int, str]) -> str:
    facts = manifest.facts.get(stop_id)
    if facts is not None and facts.done_at is not None:
        return "done" if any(words[each.id] == "done" for each in door.deliveries) else "failed"
    return "under_way" if facts is not None else "waiting"


def _deliveries(door: Door) -> tuple[DriverDelivery, ...]:
    return tuple(
        DriverDelivery(
            id=each.id,
            number=each.number,
            references=each.references,
            direction=each.direction,
            state=each.state,
            attempt=each.attempts + 1,
            lines=tuple(
                DriverLine(
                    allocation_id=line.allocation_id,
                    product=line.product,
                    unit=line.unit,
                    loaded=line.loaded,
                    most=most_collected(line) if each.direction == "collect" else line.loaded,
                )
                for line in each.lines
            ),
            asks=each.asks,
        )
        for each in door.deliveries
        if each.state != "unreleased"
    )


def _sites(connection: Connection, site_ids: list[int]) -> dict[int, dict[str, Any]]:
    rows = connection.execute(
        select(
            site.c.id,
            site.c.address,
            site.c.postcode,
            site.c.city,
            site.c.lat,
            site.c.lon,
            site.c.notes,
            site.c.gate_code,
            site.c.motor_hours,
        ).where(site.c.id.in_(site_ids))
    )
    found = {}
    for row in rows:
        town = " ".join(part for part in (row.postcode, row.city) if part)
        found[row.id] = {**row._asdict(), "address": ", ".join(part for part in (row.address, town) if part)}
    return found


def _motor_hours(door: Mapping[str, Any], profile: str) -> list[tuple[str, str, str]]:
    """Those that bind this vehicle, if any."""
    said = [] if profile in BIKES else list(filter(None, door["motor_hours"].split(";")))
    pairs = (each.split("-") for each in said)
    return [(opens, closes, "motor_hours") for opens, closes in pairs]


def _hours(connection: Connection, site_ids: list[int], day: date) -> dict[int, list[tuple[str, str, str]]]:
    found: dict[int, list[tuple[str, str, str]]] = {}
    for row in connection.execute(
        select(site_window).where(site_window.c.site_id.in_(site_ids)).order_by(site_window.c.opens)
    ):
        if not row.weekdays or weekday(day) in row.weekdays:
            found.setdefault(row.site_id, []).append((row.opens, row.closes, row.kind))
    return found


def _phones(connection: Connection, site_ids: list[int]) -> dict[int, str]:
    """The number of somebody at the door, where one takes messages by phone."""
    rows = connection.execute(
        select(contact.c.site_id, contact.c.address)
        .where(contact.c.site_id.in_(site_ids), contact.c.channel == "sms")
        .order_by(contact.c.role.desc(), contact.c.id.desc())
    )
    return {row.site_id: row.address for row in rows}


def _outcomes(connection: Connection, manifest: ManifestInHand) -> dict[int, str]:
    rows = connection.execute(
        select(proof.c.delivery_id, proof.c.outcome)
        .where(proof.c.delivery_id.in_(manifest.ended))
        .order_by(proof.c.attempt)
    )
    return {row.delivery_id: row.outcome for row in rows}
