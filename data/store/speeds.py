"""The store's part for time of day: a region's table of slices, and the legs that vans have driven there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, pairwise
from typing import Any

from sqlalchemy import delete, func, insert, select

from data.mapping.plans import problem_from_bytes
from data.store.part import StorePart
from data.tables import (
    company,
    depot,
    driven_way,
    event,
    manifest,
    plan,
    proof,
    region,
    route,
    shift,
    speed,
    stop,
    stop_delivery,
    trip,
    vehicle,
)
from routing.errors import InvalidInput, NotFound
from routing.model.day import SpeedRow
from routing.model.orders import WEEKDAYS, weekdays
from routing.model.plans import Problem
from routing.rules.learnt_speeds import DrivenLeg
from routing.rules.tracks import not_tracked


class SpeedStore(StorePart):
    def speeds_of_depot(self, depot_id: int) -> tuple[SpeedRow, ...]:
        """The table of the region whose roads the depot drives on; empty without a region."""
        return self._speeds(select(depot.c.region_id).where(depot.c.id == depot_id).scalar_subquery())

    def speeds_of_region(self, name: str) -> tuple[SpeedRow, ...]:
        """In the order in which they were written; empty for a region that nobody built here."""
        return self._speeds(select(region.c.id).where(region.c.name == name).scalar_subquery())

    def _speeds(self, region_id: object) -> tuple[SpeedRow, ...]:
        rows = self.connection.execute(select(speed).where(speed.c.region_id == region_id).order_by(speed.c.sequence))
        return tuple(
            SpeedRow(
                weekdays=tuple(name for n, name in enumerate(WEEKDAYS) if n in (weekdays(row.weekdays) or ())),
                begins=row.begins,
                ends=row.ends,
                percent=row.percent,
                profile=row.profile,
                learnt=row.source == "learnt",
            )
            for row in rows
        )

    def set_speeds(self, name: str, rows: Sequence[SpeedRow]) -> None:
        """The whole table of a region anew. Raises NotFound."""
        region_id = self.connection.scalar(select(region.c.id).where(region.c.name == name).with_for_update())
        if region_id is None:
            raise NotFound(
                f'There is no region "{name[:60]}" in this database. Build it: backroute region add.', region=name
            )
        self.connection.execute(delete(speed).where(speed.c.region_id == region_id))
        if rows:
            self.connection.execute(
                insert(speed),
                [
                    {
                        "region_id": region_id,
                        "sequence": n,
                        "weekdays": ",".join(row.weekdays),
                        "begins": row.begins,
                        "ends": row.ends,
                        "percent": row.percent,
                        "profile": row.profile,
                        "source": "learnt" if row.learnt else "written",
                    }
                    for n, row in enumerate(rows)
                ],
            )

    def region_zone(self, name: str) -> str:
        """The zone of the first depot that drives there, else the company's."""
        zone = self.connection.scalar(
            select(depot.c.zone)
            .join(region, region.c.id == depot.c.region_id)
            .where(region.c.name == name)
            .order_by(depot.c.id)
            .limit(1)
        )
        return zone or self.connection.scalar(select(company.c.zone).limit(1)) or "UTC"

    def fleet_of_region(self, name: str) -> dict[str, int]:
        """How many vehicles of each profile there are at the depots on its roads; without those that are out of
        service."""
        rows = self.connection.execute(
            select(vehicle.c.profile, func.count())
            .join(depot, depot.c.id == vehicle.c.depot_id)
            .join(region, region.c.id == depot.c.region_id)
            .where(region.c.name == name, vehicle.c.available)
            .group_by(vehicle.c.profile)
            .order_by(vehicle.c.profile)
        )
        return {profile: many for profile, many in rows}

    def driven_legs(self, name: str, *, since: str) -> tuple[DrivenLeg, ...]:
        """The ways from door to door that vans of this region have driven from that day on: left when the last delivery
        of a door was reported, there when the driver said so. Left out is what began beside a planned break. Where
        their phones told the way, its pieces take the place of these."""
        in_force = (
            select(func.max(manifest.c.id).label("id"))
            .join(shift, shift.c.id == manifest.c.shift_id)
            .join(depot, depot.c.id == shift.c.depot_id)
            .join(region, region.c.id == depot.c.region_id)
            .where(region.c.name == name, manifest.c.day >= since)
            .group_by(manifest.c.shift_id)
            .subquery()
        )
        routes = self.connection.execute(
            select(
                manifest.c.shift_id,
                manifest.c.day,
                route.c.id,
                route.c.plan_id,
                route.c.breaks,
                vehicle.c.profile,
                shift.c.vehicle_id,
            )
            .join(in_force, in_force.c.id == manifest.c.id)
            .join(route, route.c.id == manifest.c.route_id)
            .join(shift, shift.c.id == manifest.c.shift_id)
            .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
            .order_by(route.c.plan_id, manifest.c.shift_id)
        ).all()
        legs: list[DrivenLeg] = []
        tracked = self._driven_ways(name, since)
        known: tuple[int, Problem | None] = (0, None)
        for row in routes:
            if known[0] != row.plan_id:
                known = row.plan_id, self._problem_of(row.plan_id)
            if known[1] is not None:
                legs += not_tracked(tuple(self._legs_of(row, known[1])), tracked.get(row.shift_id, ()))
        return (*legs, *chain.from_iterable(tracked.values()))

    def _driven_ways(self, name: str, since: str) -> dict[int, list[DrivenLeg]]:
        """What was read of tracks, by shift."""
        found: defaultdict[int, list[DrivenLeg]] = defaultdict(list)
        for row in self.connection.execute(
            select(driven_way, shift.c.vehicle_id)
            .join(shift, shift.c.id == driven_way.c.shift_id)
            .join(region, region.c.id == driven_way.c.region_id)
            .where(region.c.name == name, driven_way.c.day >= since)
            .order_by(driven_way.c.shift_id, driven_way.c.left_at, driven_way.c.id)
        ):
            found[row.shift_id].append(
                DrivenLeg(
                    day=row.day,
                    left_at=row.left_at,
                    arrived_at=row.arrived_at,
                    free_s=row.free_s,
                    profile=row.profile,
                    tracked=True,
                    vehicle=row.vehicle_id,
                )
            )
        return dict(found)

    def _problem_of(self, plan_id: int) -> Problem | None:
        """None when it is damaged: then nothing is learnt from it."""
        blob = self.connection.scalar(select(plan.c.problem).where(plan.c.id == plan_id))
        try:
            return None if blob is None else problem_from_bytes(blob)
        except InvalidInput:
            return None

    def _legs_of(self, row: Any, problem: Problem) -> Iterator[DrivenLeg]:
        arrived, left = self._arrivals(row.shift_id), self._departures(row.shift_id)
        place_of = {place.site_id: place.index for place in problem.places}
        offer = next((each for each in problem.shifts if each.id == row.shift_id), None)
        travel = problem.travel.get(row.profile)
        if offer is None or travel is None:
            return
        at_breaks = {each["after_stop"] for each in row.breaks}
        doors = []
        for n, (site_id, deliveries) in enumerate(self._doors_of(row.id).values(), 1):
            here = [arrived[each] for each in deliveries if each in arrived]
            away = [left[each] for each in deliveries if each in left]
            if here and len(away) == len(deliveries) and site_id in place_of:
                doors.append((min(here), max(away), place_of[site_id], n in at_breaks))
        for (_, away_at, start, rests), (here_at, _, end, _) in pairwise(sorted(doors)):
            free_s = int(travel.durations_s[start, end])
            if rests or start == end or free_s < 0:
                continue
            yield DrivenLeg(
                day=row.day,
                left_at=away_at,
                arrived_at=here_at,
                free_s=-int(-free_s // offer.speed_factor),
                profile=row.profile,
                vehicle=row.vehicle_id,
            )

    def _arrivals(self, shift_id: int) -> dict[int, datetime]:
        found: dict[int, datetime] = {}
        for row in self.connection.execute(
            select(event.c.data, event.c.captured_at)
            .where(event.c.shift_id == shift_id, event.c.kind == "stop.arrived")
            .order_by(event.c.id)
        ):
            for delivery_id in row.data["deliveries"]:
                found.setdefault(delivery_id, row.captured_at)
        return found

    def _departures(self, shift_id: int) -> dict[int, datetime]:
        rows = self.connection.execute(
            select(proof.c.delivery_id, func.max(proof.c.captured_at).label("at"))
            .join(manifest, manifest.c.id == proof.c.manifest_id)
            .where(manifest.c.shift_id == shift_id)
            .group_by(proof.c.delivery_id)
        )
        return {row.delivery_id: row.at for row in rows}

    def _doors_of(self, route_id: int) -> dict[int, tuple[int, list[int]]]:
        """(site, deliveries) by stop, in driving order."""
        doors: dict[int, tuple[int, list[int]]] = {}
        of: defaultdict[int, list[int]] = defaultdict(list)
        for row in self.connection.execute(
            select(stop.c.id, stop.c.site_id, stop_delivery.c.delivery_id)
            .join(trip, trip.c.id == stop.c.trip_id)
            .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
            .where(trip.c.route_id == route_id)
            .order_by(trip.c.sequence, stop.c.sequence, stop_delivery.c.sequence)
        ):
            of[row.id].append(row.delivery_id)
            doors[row.id] = row.site_id, of[row.id]
        return doors
