"""The best travel times there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from routing.engines.roads.facts import load_facts
from routing.engines.roads.great_circle import GreatCircleTravelTimes
from routing.engines.roads.kept_travel import KeptTravelTimes
from routing.engines.roads.osrm import OsrmTravelTimes
from routing.engines.roads.profiles import PROFILES
from routing.errors import TravelError
from routing.model.places import Location
from routing.ports import NO_ROADS
from routing.rules.tracks import Piece

if TYPE_CHECKING:
    from routing.engines.roads.road_graph import RoadGraphTravelTimes


type Engine = KeptTravelTimes | RoadGraphTravelTimes | GreatCircleTravelTimes


def near_roads(engine: Engine, places: Sequence[Location]) -> list[frozenset[str]]:
    """The profiles for which a road lies within the snapping radius of each place; none of those for which the whole
    region has no road. Raises TravelError."""
    if not places:
        return []
    reached = {}
    for profile in PROFILES:
        try:
            reached[profile] = engine.snap(places, profile=profile) >= 0
        except TravelError as refused:
            if refused.code != NO_ROADS:
                raise
    return [frozenset(name for name, near in reached.items() if near[place]) for place in range(len(places))]


def driven_along(engine: Engine, tracks: Sequence[Piece], *, profile: str) -> list[int | None]:
    """Of each track the free seconds of the roads it was driven along; None where those cannot be told. Raises
    TravelError, also where only the second opinion answers: it follows no tracks."""
    if not isinstance(engine, KeptTravelTimes):
        raise TravelError("Tracks are laid on the roads by OSRM, and it does not run here.", code="no_osrm")
    return engine.along(tracks, profile=profile)


def travel_times(region_dir: Path | None) -> Engine:
    """OSRM where it runs, else the region's road graph, else the great circle; every table says which it is from.

    What OSRM computed is kept beside the roads. Without a region it is the great circle. Keep what you get and close
    it at the end: it holds a warm process.
    Raises RegionError when a region is named that was never built.
    """
    if region_dir is None:
        return GreatCircleTravelTimes()
    facts = load_facts(region_dir)
    osrm = OsrmTravelTimes(region_dir)
    try:
        osrm.open()
    except TravelError:
        osrm.close()
        return _second_opinion(region_dir, facts.profiles) or GreatCircleTravelTimes()
    return KeptTravelTimes(osrm, spare=lambda: _second_opinion(region_dir, facts.profiles))


def _second_opinion(region_dir: Path, profiles: Sequence[str]) -> RoadGraphTravelTimes | None:
    # Imported here because scipy is of use to the fallback only.
    from routing.engines.roads.road_graph import RoadGraphTravelTimes, graph_file

    if all(graph_file(region_dir, profile).is_file() for profile in profiles):
        return RoadGraphTravelTimes(region_dir)
    return None
