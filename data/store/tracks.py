"""The store's part for tracks: where phones were, the ways that were read from it, and when both are forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from data.store.speeds import SpeedStore
from data.tables import depot, driven_way, position, region, shift, vehicle
from routing.model.places import Location
from routing.rules.learnt_speeds import DrivenLeg
from routing.rules.tracks import Fix, Stay
from routing.services.tracks import Track


class TrackStore(SpeedStore):
    def tracks_to_read(self, *, before: datetime) -> list[int]:
        """Shifts whose phone told something that was not read, and nothing since `before`."""
        rows = (
            select(position.c.shift_id)
            .where(position.c.read_at.is_(None))
            .group_by(position.c.shift_id)
            .having(func.max(position.c.captured_at) < before)
            .order_by(position.c.shift_id)
        )
        return list(self.connection.scalars(rows))

    def track(self, shift_id: int) -> Track | None:
        """What was not read yet; None for a depot without a region, and when there is nothing."""
        drives = self.connection.execute(
            select(shift.c.day, vehicle.c.profile, region.c.name)
            .join(vehicle, vehicle.c.id == shift.c.vehicle_id)
            .join(depot, depot.c.id == shift.c.depot_id)
            .join(region, region.c.id == depot.c.region_id)
            .where(shift.c.id == shift_id)
        ).first()
        rows = self.connection.execute(
            select(position)
            .where(position.c.shift_id == shift_id, position.c.read_at.is_(None))
            .order_by(position.c.captured_at, position.c.id)
        ).all()
        if drives is None or not rows:
            return None
        return Track(
            region=drives.name,
            day=drives.day,
            profile=drives.profile,
            fixes=tuple(
                Fix(at=row.captured_at, location=Location(lat=row.lat, lon=row.lon), accuracy_m=row.accuracy_m)
                for row in rows
            ),
            stays=self._stays(shift_id),
            last_id=max(row.id for row in rows),
        )

    def _stays(self, shift_id: int) -> tuple[Stay, ...]:
        """At each door from the report of the arrival to the last report there, as far as there are any."""
        arrived, left = self._arrivals(shift_id), self._departures(shift_id)
        return tuple(
            (min(moments), max(moments))
            for each in sorted(arrived.keys() | left.keys())
            if (moments := [of[each] for of in (arrived, left) if each in of])
        )

    def keep_driven_ways(self, shift_id: int, ways: Sequence[DrivenLeg], *, last_id: int, now: datetime) -> bool:
        """Keeps what was read of a track, once: False when somebody else read it meanwhile, and nothing was kept."""
        read = self.connection.execute(
            update(position)
            .where(position.c.shift_id == shift_id, position.c.id <= last_id, position.c.read_at.is_(None))
            .values(read_at=now)
        )
        if not read.rowcount:
            return False
        region_id = self.connection.scalar(
            select(depot.c.region_id).join(shift, shift.c.depot_id == depot.c.id).where(shift.c.id == shift_id)
        )
        if ways:
            self.connection.execute(
                insert(driven_way),
                [
                    {
                        "region_id": region_id,
                        "shift_id": shift_id,
                        "day": way.day,
                        "profile": way.profile,
                        "left_at": way.left_at,
                        "arrived_at": way.arrived_at,
                        "free_s": way.free_s,
                    }
                    for way in ways
                ],
            )
        return True

    def forget_positions(self, *, before: datetime) -> int:
        """Deletes where phones were before then, read or not; how many."""
        return self.connection.execute(delete(position).where(position.c.captured_at < before)).rowcount

    def forget_driven_ways(self, *, before_day: str) -> None:
        self.connection.execute(delete(driven_way).where(driven_way.c.day < before_day))
