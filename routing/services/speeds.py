"""Time of day: a person writes a region's table, or takes over what was learnt from the ways that were driven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from routing.errors import Conflict
from routing.model.day import SpeedRow
from routing.rules.calendars import zone_of
from routing.rules.learnt_speeds import LOOKS_BACK_DAYS, DrivenLeg, LearntSlice, applied, learnt
from routing.rules.time_of_day import check_table
from routing.services.story import KeepsEvents


class ReadsSpeeds(Protocol):
    def speeds_of_region(self, name: str) -> tuple[SpeedRow, ...]: ...

    def driven_legs(self, name: str, *, since: str) -> tuple[DrivenLeg, ...]: ...

    def fleet_of_region(self, name: str) -> dict[str, int]: ...

    def region_zone(self, name: str) -> str: ...


class WritesSpeeds(ReadsSpeeds, KeepsEvents, Protocol):
    def set_speeds(self, name: str, rows: Sequence[SpeedRow]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What was learnt of a region's slices, beside the table as it was then. `tracked`: how many of the legs are pieces
    of tracks."""

    table: tuple[SpeedRow, ...]
    slices: tuple[LearntSlice, ...]
    legs: int
    tracked: int
    since: str

    @property
    def worth_taking(self) -> bool:
        return applied(self.table, self.slices) != self.table


def propose_speeds(store: ReadsSpeeds, *, region: str, now: datetime) -> Proposal:
    """Learns from the last 90 days. Writes nothing."""
    zone = zone_of(store.region_zone(region))
    since = (now.astimezone(zone).date() - timedelta(days=LOOKS_BACK_DAYS)).isoformat()
    table, legs = store.speeds_of_region(region), store.driven_legs(region, since=since)
    tracked = sum(leg.tracked for leg in legs)
    slices = learnt(table, legs, zone=zone, fleet=store.fleet_of_region(region))
    return Proposal(table=table, slices=slices, legs=len(legs), tracked=tracked, since=since)


def take_learnt(store: WritesSpeeds, *, region: str, by: str, now: datetime) -> tuple[SpeedRow, ...]:
    """The table with what was learnt. Raises Conflict when that changes nothing, NotFound."""
    proposal = propose_speeds(store, region=region, now=now)
    rows = applied(proposal.table, proposal.slices)
    if rows == proposal.table:
        raise Conflict(
            f"From {proposal.legs} legs since {proposal.since} nothing was learnt that is not in the table already.",
            code="nothing_learnt",
        )
    return write_speeds(store, region=region, rows=rows, by=by, now=now)


def write_speeds(
    store: WritesSpeeds, *, region: str, rows: Sequence[SpeedRow], by: str, now: datetime
) -> tuple[SpeedRow, ...]:
    """The whole table anew, with an event that says what it was; plans that stand keep their times. Raises
    InvalidInput, NotFound."""
    check_table(rows)
    before = store.speeds_of_region(region)
    if tuple(rows) != before:
        store.set_speeds(region, rows)
        store.append_event(
            kind="speeds_written",
            actor=by,
            captured_at=now,
            received_at=now,
            data={"region": region, "before": [_plain(row) for row in before], "after": [_plain(row) for row in rows]},
        )
    return tuple(rows)


def _plain(row: SpeedRow) -> list[object]:
    return [",".join(row.weekdays), row.begins, row.ends, row.percent, row.profile, "learnt" if row.learnt else ""]
