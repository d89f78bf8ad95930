"""Travel times on the road graph: a second opinion on OSRM's, and the fallback where OSRM does not run.

osmnx reads the roads once, when the region is built; the graph is kept as arrays, so answering needs scipy only.
It knows speeds and one-way streets, but neither turns nor traffic lights, so it is 20 to 30 % optimistic: the build
compares it with OSRM and keeps the factor per profile among the region's facts.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import osmium
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import KDTree

from routing.engines.roads.facts import RegionFacts, load_facts
from routing.engines.roads.great_circle import EARTH_RADIUS_M
from routing.engines.roads.osmnx_settings import osmnx_set
from routing.engines.roads.profiles import PROFILES, Profile, built_as, profile_named, usable_speed_kmh
from routing.errors import RegionError, TravelError
from routing.model.places import Location
from routing.ports import TravelTable

# Where no factor was measured.
USUAL_CALIBRATION = 1.25

_BIKE_ALLOWED_KMH = 13

_BLOCK_CELLS = 8_000_000


def graph_file(region_dir: Path, profile: str) -> Path:
    return region_dir / "road_graph" / f"{profile}.npz"


def build_road_graphs(pbf: Path, region_dir: Path) -> dict[str, int]:
    """Keep each profile's road graph as arrays, and return how many nodes each has. `pbf` is the normalised extract.

    Only the largest part in which every node reaches every other is kept. Raises RegionError when there is none.
    """
    nodes: dict[str, int] = {}
    for base in sorted({profile.base for profile in PROFILES.values()}):
        alike = [profile for profile in PROFILES.values() if profile.base == base]
        with TemporaryDirectory(prefix="road-graph-", dir=region_dir) as scratch:
            roads = Path(scratch) / "roads.osm"
            allowed = _write_roads(pbf, roads, alike)
            for profile in alike:
                if not allowed[profile.name]:
                    raise RegionError(
                        f"{pbf.name} has no road for {profile.name}. Take an extract that was not filtered by tags.",
                        code="extract_without_roads",
                    )
            # Read once: they differ in what they may use, not in how fast it is.
            graph = _read_graph(roads, alike[0])
        for profile in alike:
            nodes[profile.name] = _keep(graph, allowed[profile.name], profile, graph_file(region_dir, profile.name))
    return nodes


def _keep(graph: Any, allowed: set[int], profile: Profile, target: Path) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    number = {node: index for index, node in enumerate(graph.nodes)}
    lat = np.array([at["y"] for _, at in graph.nodes(data=True)])
    lon = np.array([at["x"] for _, at in graph.nodes(data=True)])
    # Of two roads between the same nodes the faster one counts.
    best: dict[tuple[int, int], tuple[float, float]] = {}
    for start, end, road in graph.edges(data=True):
        if road["osmid"] not in allowed:
            continue
        pair = (number[start], number[end])
        metres = float(road["length"])
        seconds = metres * 3.6 / min(float(road["speed_kph"]), profile.most_kmh)
        if pair not in best or seconds < best[pair][0]:
            best[pair] = (seconds, metres)
    edges = np.array(list(best), dtype=np.int64).reshape(-1, 2)
    weights = np.array(list(best.values()), dtype=np.float64).reshape(-1, 2)

    n = len(number)
    joined = csr_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(n, n))
    _, component = connected_components(joined, directed=True, connection="strong")
    kept = component == np.bincount(component).argmax()
    renumbered = np.cumsum(kept) - 1
    inside = kept[edges[:, 0]] & kept[edges[:, 1]]
    np.savez_compressed(
        target,
        lat=lat[kept],
        lon=lon[kept],
        start=renumbered[edges[inside, 0]],
        end=renumbered[edges[inside, 1]],
        seconds=weights[inside, 0],
        metres=weights[inside, 1],
    )
    return int(kept.sum())


class RoadGraphTravelTimes:
    """Fits TravelTimes. Safe from threads; scipy frees the interpreter's lock poorly, so large tables slow the rest.

    A place is snapped to the nearest node of the graph, not to the middle of a road.
    """

    def __init__(self, region_dir: Path, *, snapping_radius_m: float = 500.0) -> None:
        self._region_dir = region_dir
        self._read_from = region_dir.resolve()
        self._radius_m = snapping_radius_m
        self._lock = threading.Lock()
        self._graphs: dict[str, RoadGraph] = {}
        self._facts: RegionFacts | None = None

    def table(self, places: Sequence[Location], *, profile: str) -> TravelTable:
        """As TravelTable says, the diagonal 0; durations along the fastest path, distances along the same one.

        Raises TravelError.
        """
        graph, build = self._graph(profile)
        n = len(places)
        durations_s = np.full((n, n), -1, dtype=np.int64)
        distances_m = np.full((n, n), -1, dtype=np.int64)
        nodes, snapped_m = graph.snap(places, self._radius_m)
        near = np.flatnonzero(nodes >= 0)
        sources, where = np.unique(nodes[near], return_inverse=True)
        rows = max(1, _BLOCK_CELLS // max(1, graph.n))
        for first in range(0, len(sources), rows):
            block = sources[first : first + rows]
            seconds, metres = graph.travel(block, nodes[near])
            for row in range(len(block)):
                starts = near[where == first + row]
                durations_s[np.ix_(starts, near)] = seconds[row]
                distances_m[np.ix_(starts, near)] = metres[row]
        np.fill_diagonal(durations_s, 0)
        np.fill_diagonal(distances_m, 0)
        return TravelTable(
            durations_s=durations_s,
            distances_m=distances_m,
            snapped_m=snapped_m,
            engine="road graph",
            build=build,
        )

    def snap(self, places: Sequence[Location], *, profile: str) -> NDArray[np.int64]:
        """How far each place is from the nearest node, (n,); -1 beyond the radius. Raises TravelError."""
        graph, _ = self._graph(profile)
        return graph.snap(places, self._radius_m)[1]

    def path(self, places: Sequence[Location], *, profile: str) -> list[Location]:
        """The line along the roads' nodes. Raises TravelError when a place lies too far from every node."""
        graph, _ = self._graph(profile)
        if len(places) < 2:
            return list(places)
        nodes, _ = graph.snap(places, self._radius_m)
        for index, node in enumerate(nodes):
            if node < 0:
                raise TravelError(
                    f"Place {index + 1} of this route has no road within {self._radius_m:.0f} m. "
                    "Move its pin to the road.",
                    code="no_road",
                )
        line = [int(nodes[0])]
        for start, end in pairwise(nodes):
            line += graph.walk(int(start), int(end))
        return [Location(lat=float(graph.lat[node]), lon=float(graph.lon[node])) for node in line]

    def close(self) -> None:
        """Forget the graphs; the next question reads them again."""
        with self._lock:
            self._graphs.clear()

    def _graph(self, profile: str) -> tuple[RoadGraph, str]:
        """The profile's graph and its build, read again when the region was rebuilt."""
        name = profile_named(profile).name
        with self._lock:
            present = self._region_dir.resolve()
            if self._facts is None or present != self._read_from:
                self._graphs.clear()
                self._read_from = present
                try:
                    self._facts = load_facts(present)
                except RegionError as missing:
                    raise TravelError(str(missing), code="region_not_built") from missing
            name = built_as(name, self._facts.profiles)
            if name not in self._graphs:
                factor = self._facts.calibration.get(name, USUAL_CALIBRATION)
                self._graphs[name] = load_graph(present, name, factor)
            return self._graphs[name], self._facts.build


def load_graph(region_dir: Path, profile: str, calibration: float) -> RoadGraph:
    """Raises TravelError when the region has no such graph."""
    try:
        with np.load(graph_file(region_dir, profile)) as kept:
            arrays = {name: kept[name] for name in ("lat", "lon", "start", "end", "seconds", "metres")}
    except (OSError, ValueError, KeyError) as broken:
        raise TravelError(
            f'The road graph of region "{region_dir.name}" for {profile} cannot be read. Build the region again.',
            code="dataset_unreadable",
        ) from broken
    n = len(arrays["lat"])
    order = np.lexsort((arrays["end"], arrays["start"]))
    start, end = arrays["start"][order].astype(np.int64), arrays["end"][order].astype(np.int64)
    # Dijkstra on a sparse matrix takes a stored 0 for no road.
    seconds = np.maximum(arrays["seconds"][order] * calibration, 1e-3)
    lat, lon = arrays["lat"], arrays["lon"]
    flat = _Flat(middle_lat=float(lat.mean()))
    return RoadGraph(
        n=n,
        lat=lat,
        lon=lon,
        roads=csr_array((seconds, (start, end)), shape=(n, n)),
        pair=start * n + end,
        metres=arrays["metres"][order],
        flat=flat,
        tree=KDTree(flat.metres(lat, lon)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flat:
    """The region laid flat: metres east and north, good enough to find what is near."""

    middle_lat: float

    def metres(self, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
        degree = EARTH_RADIUS_M * np.pi / 180
        return np.column_stack([lon * degree * np.cos(np.radians(self.middle_lat)), lat * degree])


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadGraph:
    """A region's roads for one profile: `roads` in seconds; `pair` (start × n + end, sorted) and `metres` by road."""

    n: int
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    roads: csr_array
    pair: NDArray[np.int64]
    metres: NDArray[np.float64]
    flat: _Flat
    tree: KDTree

    def snap(self, places: Sequence[Location], radius_m: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The nearest node of each place and how far it is, both -1 beyond the radius."""
        if not places:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        lat = np.array([place.lat for place in places])
        lon = np.array([place.lon for place in places])
        away, node = self.tree.query(self.flat.metres(lat, lon))
        near = away <= radius_m
        return np.where(near, node, -1).astype(np.int64), np.where(near, np.rint(away), -1).astype(np.int64)

    def travel(
        self, sources: NDArray[np.int64], targets: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Seconds and metres from each source to each target, -1 where there is no way."""
        seconds, before = dijkstra(self.roads, indices=sources, return_predecessors=True)
        reached = np.isfinite(seconds[:, targets])
        metres = np.zeros((len(sources), len(targets)))
        for row in range(len(sources)):
            metres[row] = self._metres_back(before[row])[targets]
        return (
            np.where(reached, np.rint(np.where(reached, seconds[:, targets], 0)), -1).astype(np.int64),
            np.where(reached, np.rint(metres), -1).astype(np.int64),
        )

    def walk(self, start: int, end: int) -> list[int]:
        """The nodes after `start` up to `end` on the fastest way."""
        _, before = dijkstra(self.roads, indices=start, return_predecessors=True)
        back = [end]
        while back[-1] != start:
            previous = int(before[back[-1]])
            if previous < 0:
                raise TravelError(
                    "No road joins two of the places that follow each other. Check the pins of this route.",
                    code="no_road",
                )
            back.append(previous)
        return back[-2::-1]

    def _metres_back(self, before: NDArray[np.int32]) -> NDArray[np.float64]:
        """Metres from each node back to the source along the tree of predecessors.

        The way back is doubled each round: after k rounds a node knows the metres of its first 2^k roads.
        """
        here = np.arange(self.n)
        has_road = before >= 0
        jump = np.where(has_road, before, here).astype(np.int64)
        metres = np.zeros(self.n)
        road = np.searchsorted(self.pair, jump[has_road] * self.n + here[has_road])
        metres[has_road] = self.metres[road]
        while True:
            further = jump[jump]
            if np.array_equal(further, jump):
                return metres
            metres += metres[jump]
            jump = further


def _write_roads(pbf: Path, into: Path, alike: Sequence[Profile]) -> dict[str, set[int]]:
    """The roads that any of the profiles may use, and their nodes, as OSM XML, which is what osmnx reads. Returns the
    ways that each may use."""
    allowed: dict[str, set[int]] = {profile.name: set() for profile in alike}
    kind = alike[0]
    with osmium.BackReferenceWriter(str(into), ref_src=str(pbf), overwrite=True) as writer:
        for way in osmium.FileProcessor(str(pbf), osmium.osm.WAY):
            if not isinstance(way, osmium.osm.Way):
                continue
            users = [profile.name for profile in alike if usable_speed_kmh(way.tags, profile) is not None]
            if not users:
                continue
            for user in users:
                allowed[user].add(way.id)
            tags = {key: way.tags[key] for key in ("highway", "junction", "oneway", "name") if key in way.tags}
            if kind.oneway_tag in way.tags:
                tags["oneway"] = way.tags[kind.oneway_tag]
            # What cars may drive says nothing about a bike, but where bikes are let onto a footway they ride.
            if kind.has_motor and "maxspeed" in way.tags:
                tags["maxspeed"] = way.tags["maxspeed"]
            elif not kind.has_motor and way.tags.get("bicycle") in ("yes", "designated"):
                tags["maxspeed"] = str(_BIKE_ALLOWED_KMH)
            writer.add_way(osmium.osm.mutable.Way(id=way.id, version=1, nodes=way.nodes, tags=tags))
    return allowed


def _read_graph(roads: Path, profile: Profile) -> Any:
    # Imported here because it takes seconds and a hundred megabytes, and only a build needs it.
    import osmnx

    plain = {
        "all_oneway": False,
        "bidirectional_network_types": [],
        "log_console": False,
        "log_file": False,
        "useful_tags_node": [],
        "useful_tags_way": ["highway", "junction", "maxspeed", "name", "oneway"],
    }
    with osmnx_set(osmnx.settings, plain):
        graph = osmnx.graph_from_xml(roads, simplify=False, retain_all=True)
        return osmnx.add_edge_speeds(graph, hwy_speeds=profile.speeds, fallback=20)
