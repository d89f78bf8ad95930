"""What can be reached from a place within a time, as an area to draw.

One search on the road graph tells how soon every road is reached, in times calibrated against OSRM. The way from a door
that stands far from its road is counted first, as plans count it; a door that is gone to is not known yet, so the area
ends on the roads. The roads reached by then are laid on a grid, and what lies between neighbouring cells is closed: the
work is bounded by the grid, however many roads there are. Where a region has no graph, it is a circle through the air,
labelled so.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from routing.engines.roads.facts import RegionFacts, load_facts
from routing.engines.roads.great_circle import DETOUR, EARTH_RADIUS_M
from routing.engines.roads.profiles import SNAPPING_RADIUS_M, built_as, no_roads, profile_named
from routing.engines.roads.road_graph import USUAL_CALIBRATION, RoadGraph, Snapped, graph_file, load_graph
from routing.errors import InvalidInput, TravelError
from routing.model.places import Bounds, Location
from routing.rules.to_the_door import seconds_to_the_door

LONGEST_MIN = 240

_CELLS_ACROSS = 160
_SMALLEST_CELL_M = 40.0
# Blocks between streets belong to the area; a park or a harbour of this size does not.
_HOLE_M2 = 60_000.0
_EDGE_M = 300.0
_GRAPHS_KEPT = 2

Ring = tuple[Location, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachableArea:
    """Where a vehicle is within the time. `polygons`: of each the outer ring first, then its holes.

    `engine` as a TravelTable's; `calibration` and `error` (a share, nine of ten within it) are 0 for the great circle.
    `road_km` counts each road once. `at_edge`: it goes on where the region ends, and nobody knows how far. `door_s`:
    how long it takes from the place to its road, within the time; 0 where that is ordinary.
    """

    profile: str
    minutes: int
    polygons: tuple[tuple[Ring, ...], ...]
    km2: float
    road_km: float
    at_edge: bool
    engine: str
    build: str
    calibration: float = 0.0
    error: float = 0.0
    door_s: int = 0


class ReachableAreas:
    """The areas of one build of a region. Safe from threads; the graphs asked for last are kept."""

    def __init__(self, region_dir: Path) -> None:
        self._region_dir = region_dir
        self._lock = threading.Lock()
        self._graphs: dict[str, RoadGraph] = {}

    def area(self, start: Location, *, minutes: int, profile: str, free_s: float | None = None) -> ReachableArea:
        """`free_s`: how much travel on free roads is done in these minutes, where traffic makes that another time.

        Raises InvalidInput for a time out of range, TravelError when no road for the profile is near, or the
        profile is unknown; RegionError when the region is none."""
        if not 1 <= minutes <= LONGEST_MIN:
            raise InvalidInput(f"Ask for 1 to {LONGEST_MIN} minutes.", code="minutes")
        within_s = minutes * 60.0 if free_s is None else free_s
        kind = profile_named(profile)
        facts = load_facts(self._region_dir)
        if kind.name in facts.without_roads:
            raise no_roads(kind.name, facts.name)
        built = built_as(kind.name, facts.profiles)
        if not graph_file(self._region_dir, built).is_file():
            return _circle(start, facts, minutes, within_s, kind.name, kind.beeline_kmh)
        calibration = facts.calibration.get(built, USUAL_CALIBRATION)
        graph = self._graph(built, calibration)
        snapped = graph.snap([start], SNAPPING_RADIUS_M)
        if snapped.chain[0] < 0:
            raise TravelError(
                f"No road for {kind.name} lies within {SNAPPING_RADIUS_M:.0f} m of that place. Choose one at a road.",
                code="no_road",
            )
        door_s = int(seconds_to_the_door(snapped.away_m, profile=kind.name)[0])
        if door_s >= within_s:
            raise TravelError(
                f"That place lies {snapped.away_m[0]:,} m from its road: a {kind.name.replace('_', ' ')} is not on it "
                f"within {minutes} min. Ask for more minutes, or choose a place at a road.",
                code="far_from_road",
            )
        lines, metres = _reached(graph, snapped, within_s - door_s)
        shape = _closed(lines, start)
        return ReachableArea(
            profile=kind.name,
            minutes=minutes,
            polygons=_polygons(shape, start),
            km2=round(shape.area / 1e6, 2),
            road_km=round(metres / 1000, 1),
            at_edge=_at_edge(lines, facts.bounds, start),
            engine="road graph",
            build=facts.build,
            calibration=calibration,
            error=facts.calibration_error.get(built, 0.0),
            door_s=door_s,
        )

    def close(self) -> None:
        """Forget the graphs; the next question reads them again."""
        with self._lock:
            self._graphs.clear()

    def _graph(self, profile: str, calibration: float) -> RoadGraph:
        with self._lock:
            graph = self._graphs.pop(profile, None) or load_graph(self._region_dir, profile, calibration)
            self._graphs[profile] = graph
            while len(self._graphs) > _GRAPHS_KEPT:
                del self._graphs[next(iter(self._graphs))]
            return graph


def _reached(graph: RoadGraph, snapped: Snapped, within_s: float) -> tuple[NDArray[np.float64], float]:
    """The stretches of road reached in time, (n, 2 ends, lat and lon), the last ones as far as the time goes; and their
    metres, a road with two directions counted once."""
    arcs, begins_s, driven_from = graph.soonest(snapped, 0)
    soon = begins_s < within_s
    arcs, begins_s, driven_from = arcs[soon], begins_s[soon], driven_from[soon]
    points = np.column_stack([graph.lat, graph.lon])
    share, length = _along(graph)
    # Each arc's stretches: as many as its chain has points, less one.
    first = np.concatenate([[0], graph.chain_end[:-1]])[graph.chain[arcs]]
    many = graph.chain_end[graph.chain[arcs]] - first - 1
    which = np.repeat(np.arange(len(arcs)), many)
    stretch = first[which] + np.arange(len(which)) - np.repeat(np.cumsum(many) - many, many)
    back = graph.back[arcs[which]]
    near, far = np.where(back, stretch + 1, stretch), np.where(back, stretch, stretch + 1)
    from_, to = np.where(back, 1 - share[near], share[near]), np.where(back, 1 - share[far], share[far])
    until = np.minimum((within_s - begins_s[which]) / np.maximum(graph.seconds[arcs[which]], 1e-9), to)
    since = np.maximum(from_, driven_from[which])
    on = until > since
    near, far, since, until, from_, to = near[on], far[on], since[on], until[on], from_[on], to[on]
    whole = np.maximum(to - from_, 1e-12)
    begin, end = ((each - from_) / whole for each in (since, until))
    ends = np.stack([points[near] + (points[far] - points[near]) * each[:, None] for each in (begin, end)], axis=1)
    driven = np.zeros((2, len(points)))
    np.maximum.at(driven, (back[on].astype(np.int64), stretch[on]), end - begin)
    return ends, float((np.minimum(driven.sum(axis=0), 1.0) * length).sum())


def _along(graph: RoadGraph) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By point: the share of its chain that lies before it, and the metres to the next point of the chain."""
    flat = graph.flat.metres(graph.lat, graph.lon)
    length = np.append(np.hypot(*np.diff(flat, axis=0).T), 0.0)
    length[graph.chain_end - 1] = 0.0
    before = np.cumsum(length) - length
    first = np.concatenate([[0], graph.chain_end[:-1]])
    chain = np.repeat(np.arange(len(first)), np.diff(graph.chain_end, prepend=0))
    whole = np.add.reduceat(length, first)
    return (before - before[first][chain]) / np.maximum(whole, 1e-9)[chain], length


def _closed(ends: NDArray[np.float64], start: Location) -> BaseGeometry:
    """The area along those roads, in metres east and north of the start."""
    flat = _flat(ends.reshape(-1, 2), start).reshape(-1, 2, 2)
    extent = float(np.ptp(flat, axis=(0, 1)).max()) if len(flat) else 0.0
    cell = max(_SMALLEST_CELL_M, extent / _CELLS_ACROSS)
    lengths = np.linalg.norm(flat[:, 1] - flat[:, 0], axis=1)
    pieces = np.maximum(1, np.ceil(lengths / (cell / 2)).astype(np.int64))
    which = np.repeat(np.arange(len(flat)), pieces + 1)
    step = np.arange(len(which)) - np.repeat(np.cumsum(pieces + 1) - (pieces + 1), pieces + 1)
    along = (step / pieces[which])[:, None]
    points = flat[which, 0] + (flat[which, 1] - flat[which, 0]) * along
    rows, low = _raster(np.rint(np.vstack([np.zeros((1, 2)), points]) / cell).astype(np.int64))
    at = np.argwhere(_without_small_holes(rows, _HOLE_M2 / cell**2)) + low
    # In whole cells, so that neighbours share their edges to the last digit.
    boxes = shapely.box(at[:, 0], at[:, 1], at[:, 0] + 1, at[:, 1] + 1)
    tiles = shapely.simplify(shapely.coverage_union_all(boxes), 0.75)
    area: BaseGeometry = shapely.transform(tiles, lambda corners: (corners - 0.5) * cell)
    return area


def _raster(cells: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """The grid with these cells set and a free edge around, and the cell at its corner."""
    low = cells.min(axis=0) - 2
    grid = np.zeros(cells.max(axis=0) - low + 3, dtype=bool)
    grid[tuple((cells - low).T)] = True
    return grid, low


def _without_small_holes(grid: NDArray[np.bool_], fewest: float) -> NDArray[np.bool_]:
    closed = ndimage.binary_closing(grid, structure=np.ones((3, 3)))
    holes, _ = ndimage.label(~closed)
    size = np.bincount(holes.ravel())
    filled: NDArray[np.bool_] = closed | ((holes > 0) & (size[holes] < fewest))
    return filled


def _circle(
    start: Location, facts: RegionFacts, minutes: int, within_s: float, profile: str, kmh: float
) -> ReachableArea:
    metres = kmh / 3.6 * within_s / DETOUR
    shape = shapely.buffer(shapely.Point(0, 0), metres, quad_segs=16)
    return ReachableArea(
        profile=profile,
        minutes=minutes,
        polygons=_polygons(shape, start),
        km2=round(shape.area / 1e6, 2),
        road_km=0.0,
        at_edge=False,
        engine="great circle",
        build=facts.build,
    )


def _at_edge(ends: NDArray[np.float64], bounds: Bounds, start: Location) -> bool:
    if not len(ends):
        return False
    low, high = _flat(np.array([[bounds.south, bounds.west], [bounds.north, bounds.east]]), start)
    reached = _flat(ends[:, 1], start)
    return bool((reached.min(axis=0) < low + _EDGE_M).any() or (reached.max(axis=0) > high - _EDGE_M).any())


def _polygons(shape: BaseGeometry, start: Location) -> tuple[tuple[Ring, ...], ...]:
    return tuple(
        tuple(_ring(_rounded(shapely.get_coordinates(ring)), start) for ring in shapely.get_rings(part))
        for part in shapely.get_parts(shape)
    )


def _rounded(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ring with its corners cut off (Chaikin): the steps of the grid are no shape of a town."""
    here, after = ring[:-1], ring[1:]
    cut = np.stack([0.75 * here + 0.25 * after, 0.25 * here + 0.75 * after], axis=1).reshape(-1, 2)
    return np.vstack([cut, cut[:1]])


def _ring(flat: NDArray[np.float64], start: Location) -> Ring:
    degree = EARTH_RADIUS_M * np.pi / 180
    lat = start.lat + flat[:, 1] / degree
    lon = start.lon + flat[:, 0] / (degree * np.cos(np.radians(start.lat)))
    return tuple(Location(lat=round(float(y), 6), lon=round(float(x), 6)) for y, x in zip(lat, lon, strict=True))


def _flat(places: NDArray[np.float64], start: Location) -> NDArray[np.float64]:
    """(lat, lon) in degrees to metres east and north of the start: right enough for a city."""
    degree = EARTH_RADIUS_M * np.pi / 180
    east = (places[:, 1] - start.lon) * degree * np.cos(np.radians(start.lat))
    return np.column_stack([east, (places[:, 0] - start.lat) * degree])
