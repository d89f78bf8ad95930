"""What a region's roads answer to a person at the map: the way between two places, and what is reached in time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from data.store import SqlStore
from routing.errors import InvalidInput, TravelError
from routing.model.day import SpeedRow
from routing.model.places import Candidate, Location
from routing.rules.calendars import clock_minutes, day_of, moment, zone_of
from routing.rules.time_of_day import free_within, travel_at
from routing.rules.to_the_door import seconds_to_the_door

if TYPE_CHECKING:
    from routing.engines.roads.reachable import ReachableArea
    from web.wiring import Installation

LONGEST_TYPED = 2_000
OTHERS_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A moment at which a way begins, with the region's times by time of day."""

    at: datetime
    zone: ZoneInfo
    rows: tuple[SpeedRow, ...]

    def seconds(self, free_s: int, *, profile: str) -> int:
        """What a way of so much free travel takes then."""
        return travel_at(self.rows, free_s, self.at, zone=self.zone, profile=profile)

    def free_within(self, within_s: int, *, profile: str) -> float:
        """How much free travel is done so long after that moment."""
        return free_within(self.rows, within_s, self.at, zone=self.zone, profile=profile)


def leaving_at(installation: Installation, region: str, text: str, day: str | None = None) -> Leaving:
    """`text` is a wall-clock time of the region's depots, of that ISO day or of today. Raises InvalidInput."""
    with installation.database.reading() as connection:
        store = SqlStore(connection)
        zone, rows = zone_of(store.region_zone(region)), store.speeds_of_region(region)
    on = day_of(day) if day else installation.clock.now().astimezone(zone).date()
    return Leaving(at=moment(on, clock_minutes(text), zone), zone=zone, rows=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One vehicle's way: seconds and metres, or `why` there is none; `engine` says who measured it. `free_s`: what it
    takes on free roads. `door_s`: so many of these at most, at both ends together, lie between the road and a door that
    stands far from it."""

    profile: str
    seconds: int = 0
    free_s: int = 0
    door_s: int = 0
    metres: int = 0
    engine: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """The ways between two places by every vehicle, and the line of the chosen one. `error` as ReachableArea's."""

    ways: tuple[Way, ...]
    line: tuple[Location, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was taken for a text at the map. `why` says in a sentence what is doubtful about it, "" where it is sure;
    `others` are what else may have been meant, best first."""

    place: Candidate
    why: str = ""
    others: tuple[Candidate, ...] = ()


def find_place(installation: Installation, region: str, text: str, *, what: str) -> Taken:
    """The best place that the region's own map knows for what was typed or clicked, and how sure it is.

    Nothing is planned on it, so a doubtful one answers too, and says that it is. Raises InvalidInput.
    """
    typed = text.strip()[:LONGEST_TYPED]
    if not typed:
        raise InvalidInput(_("%(what)s is empty. Type an address, or click on the map.", what=what), code="place")
    found = installation.addresses(region).locate(typed)
    if not found.candidates:
        why = found.why or _("Nothing is known by this name. Try the street alone.")
        raise InvalidInput(f"{what}: {why}", code="place")
    best, *others = found.candidates
    if found.quality.goes_on:
        return Taken(place=best)
    # The verdict is about the text: of two that fit, each alone may be a door that is known.
    why = found.why or _("This address is not sure.")
    return Taken(place=replace(best, quality=found.quality), why=why, others=tuple(others[:OTHERS_SHOWN]))


def ways_between(
    installation: Installation,
    region: str,
    start: Location,
    end: Location,
    *,
    profile: str,
    leaving: Leaving | None = None,
) -> Ways:
    """On free roads, or at the moment of `leaving`. Raises NotFound when there is no such region."""
    engine = installation.travel(region)
    ways = []
    for name in installation.regions.facts(region).profiles:
        try:
            table = engine.table([start, end], profile=name)
        except TravelError as unanswered:
            ways.append(Way(profile=name, why=str(unanswered)))
            continue
        near = table.snapped_m.tolist()
        if min(near) < 0:
            where = _("the start") if near[0] < 0 else _("the end")
            why = _("No road for it lies near %(where)s.", where=where)
            ways.append(Way(profile=name, engine=table.engine, why=why))
        elif table.durations_s[0, 1] < 0:
            ways.append(Way(profile=name, engine=table.engine, why=_("No road joins them.")))
        else:
            free_s, metres = int(table.durations_s[0, 1]), int(table.distances_m[0, 1])
            seconds = free_s if leaving is None else leaving.seconds(free_s, profile=name)
            apart = start != end
            door_s = int(seconds_to_the_door(table.snapped_m, profile=name).sum()) if apart else 0
            ways.append(
                Way(
                    profile=name,
                    seconds=seconds,
                    free_s=free_s,
                    door_s=door_s,
                    metres=metres,
                    engine=table.engine,
                )
            )
    chosen = next((way for way in ways if way.profile == profile and not way.why), None)
    line: list[Location] = []
    if chosen is not None:
        try:
            line = engine.path([start, end], profile=profile)
        except TravelError:
            line = []  # the figures stand without it
    return Ways(ways=tuple(ways), line=tuple(line))


def reached_within(
    installation: Installation,
    region: str,
    start: Location,
    *,
    minutes: int,
    profile: str,
    leaving: Leaving | None = None,
) -> ReachableArea:
    """On free roads, or at the moment of `leaving`. Raises NotFound, InvalidInput, TravelError."""
    free_s = None if leaving is None else leaving.free_within(minutes * 60, profile=profile)
    return installation.reachable(region).area(start, minutes=minutes, profile=profile, free_s=free_s)
