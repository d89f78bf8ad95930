"""The store's part for where deliveries are by the books: on which van's account, and with which route by the plans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import func, select

from data.queries.planned import PLANNED
from data.store.part import StorePart
from data.tables import (
    current_plan,
    event,
    manifest,
    movement,
    proof,
    route,
    shift,
    stop,
    stop_delivery,
    trip,
    vehicle,
)
from routing.model.carrying import Whereabouts
from routing.rules.carrying import with_another


class CarryingStore(StorePart):
    def whereabouts(self, delivery_ids: Collection[int]) -> dict[int, Whereabouts]:
        """Of each of these deliveries."""
        on_van = self.on_vans(delivery_ids)
        vans = self._vehicle_names(on_van.values())
        loaded_for = self._loaded_for(on_van)
        planned = self._planned_with(delivery_ids)
        listed = self._on_lists(planned)
        return {
            key: Whereabouts(
                vehicle_id=on_van.get(key),
                vehicle=vans.get(on_van.get(key, 0), ""),
                loaded_for=loaded_for.get(key),
                shift_id=planned[key][0] if key in planned else None,
                planned_vehicle=planned[key][1] if key in planned else "",
                listed=key in listed,
            )
            for key in delivery_ids
        }

    def with_other_vans(
        self, shift_id: int, delivery_ids: Collection[int], *, only_if_listed: bool = False
    ) -> dict[int, str]:
        """Those of these deliveries that another van has or takes than this shift's, by the name of that van."""
        vehicle_id = self.connection.execute(select(shift.c.vehicle_id).where(shift.c.id == shift_id)).scalar_one()
        turn = self.turn_of(shift_id)
        found = {
            key: with_another(where, shifts=turn, vehicle_id=vehicle_id, only_if_listed=only_if_listed)
            for key, where in self.whereabouts(delivery_ids).items()
        }
        return {key: van for key, van in found.items() if van}

    def on_vans(self, delivery_ids: Collection[int]) -> dict[int, int]:
        """The vehicle on whose account the ledger has goods of a delivery; those with none on a van are missing."""
        units: dict[tuple[int, str], int] = defaultdict(int)
        for place, sign in ((movement.c.to_place, 1), (movement.c.from_place, -1)):
            for delivery_id, where, moved in self.connection.execute(
                select(movement.c.delivery_id, place, func.sum(movement.c.quantity))
                .where(movement.c.delivery_id.in_(delivery_ids), place.like("vehicle:%"))
                .group_by(movement.c.delivery_id, place)
            ):
                units[delivery_id, where] += sign * int(moved)
        most = sorted((there, delivery_id, where) for (delivery_id, where), there in units.items() if there > 0)
        return {delivery_id: int(where.partition(":")[2]) for _there, delivery_id, where in most}

    def _vehicle_names(self, vehicle_ids: Iterable[int]) -> dict[int, str]:
        rows = self.connection.execute(select(vehicle.c.id, vehicle.c.name).where(vehicle.c.id.in_(set(vehicle_ids))))
        return {row.id: row.name for row in rows}

    def _loaded_for(self, on_van: dict[int, int]) -> dict[int, int]:
        """The shift for which each was loaded last, where its goods are on that shift's van still."""
        rows = self.connection.execute(
            select(event.c.delivery_id, event.c.shift_id, shift.c.vehicle_id)
            .join(shift, shift.c.id == event.c.shift_id)
            .where(event.c.delivery_id.in_(list(on_van)), event.c.kind == "loaded")
            .order_by(event.c.id)
        )
        last = {row.delivery_id: row for row in rows}
        return {key: row.shift_id for key, row in last.items() if row.vehicle_id == on_van[key]}

    def _planned_with(self, delivery_ids: Collection[int]) -> dict[int, tuple[int, str]]:
        """Shift and van that take each by the newest day whose plan has it; not once that van was counted."""
        rows = self.connection.execute(
            select(stop_delivery.c.delivery_id, route.c.shift_id, vehicle.c.name)
            .select_from(PLANNED)
            .where(stop_delivery.c.delivery_id.in_(delivery_ids), shift.c.state != "closed")
            .order_by(current_plan.c.day)
        )
        return {row.delivery_id: (row.shift_id, row.name) for row in rows}

    def _on_lists(self, planned: dict[int, tuple[int, str]]) -> set[int]:
        """Those that the list in force of their route has."""
        shifts = {shift_id for shift_id, _van in planned.values()}
        rows = self.connection.execute(
            select(manifest.c.shift_id, stop_delivery.c.delivery_id)
            .join(trip, trip.c.route_id == manifest.c.route_id)
            .join(stop, stop.c.trip_id == trip.c.id)
            .join(stop_delivery, stop_delivery.c.stop_id == stop.c.id)
            .where(
                manifest.c.shift_id.in_(shifts),
                manifest.c.replaced_at.is_(None),
                stop_delivery.c.delivery_id.in_(list(planned)),
            )
        )
        return {row.delivery_id for row in rows if planned[row.delivery_id][0] == row.shift_id}

    # ------------------------------------------------------------------ what was said of them

    def noted(self, shift_ids: Collection[int], delivery_ids: Collection[int]) -> dict[int, datetime]:
        """When a driver of these shifts said last what ended nothing, because another van has or takes the goods."""
        rows = self.connection.execute(
            select(event.c.delivery_id, func.max(event.c.captured_at).label("at"))
            .where(
                event.c.kind == "delivery.noted",
                event.c.shift_id.in_(shift_ids),
                event.c.delivery_id.in_(delivery_ids),
            )
            .group_by(event.c.delivery_id)
        )
        return {row.delivery_id: row.at for row in rows}

    def ended_elsewhere(self, shift_ids: Collection[int], delivery_ids: Collection[int]) -> set[int]:
        """Those of these deliveries that were reported, but never on one of these shifts."""
        rows = self.connection.execute(
            select(proof.c.delivery_id, manifest.c.shift_id)
            .join(manifest, manifest.c.id == proof.c.manifest_id)
            .where(proof.c.delivery_id.in_(delivery_ids))
        ).all()
        ours = {row.delivery_id for row in rows if row.shift_id in shift_ids}
        return {row.delivery_id for row in rows} - ours
