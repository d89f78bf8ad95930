"""Travel times on the road graph: a second opinion on OSRM's, and the fallback where OSRM does not run.

The graph is made when the region is built, from the same map by other hands (`road_read`, `road_network`): it knows
barriers, who may go where, one-way streets, forbidden turns and what turning costs. Answering needs scipy and shapely.
What is left between the two is measured by the build and kept per profile among the region's facts.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from routing.engines.roads.facts import RegionFacts, load_facts
from routing.engines.roads.great_circle import EARTH_RADIUS_M
from routing.engines.roads.profiles import PROFILES, SNAPPING_RADIUS_M, built_as, no_roads, profile_named
from routing.errors import RegionError, TravelError
from routing.model.places import Location
from routing.ports import TravelTable
from routing.rules.to_the_door import to_the_doors

# Where no factor was measured.
USUAL_CALIBRATION = 1.0

_BLOCK_CELLS = 4_000_000

# Two doors across a one-way street: whoever stands at one has no need to drive round the block for a step back. OSRM
# counts in tenths of a second.
_SAME_POINT_S = 0.1


def graph_file(region_dir: Path, profile: str) -> Path:
    return region_dir / "road_graph" / f"{profile}.npz"


def build_road_graphs(pbf: Path, region_dir: Path) -> dict[str, int]:
    """Keep each profile's road graph as arrays, and return how many arcs each has: 0 without a road for it.

    `pbf` is the normalised extract.
    """
    # Imported here because only a build reads maps.
    from routing.engines.roads.road_network import save_network
    from routing.engines.roads.road_read import read_roads

    roads = read_roads(pbf, region_dir)
    return {name: save_network(roads, profile, graph_file(region_dir, name)) for name, profile in PROFILES.items()}


class RoadGraphTravelTimes:
    """Fits TravelTimes. Safe from threads; scipy frees the interpreter's lock poorly, so large tables slow the rest.

    A place is snapped to the nearest point of a road on which a trip may begin.
    """

    def __init__(self, region_dir: Path, *, snapping_radius_m: float = SNAPPING_RADIUS_M) -> None:
        self._region_dir = region_dir
        self._read_from = region_dir.resolve()
        self._radius_m = snapping_radius_m
        self._lock = threading.Lock()
        self._graphs: dict[str, RoadGraph] = {}
        self._facts: RegionFacts | None = None

    def table(self, places: Sequence[Location], *, profile: str) -> TravelTable:
        """As TravelTable says, to the doors, the diagonal 0; durations along the fastest path, distances along it too.

        Raises TravelError.
        """
        graph, build = self._graph(profile)
        durations_s, distances_m, snapped_m = graph.table(places, self._radius_m)
        np.fill_diagonal(durations_s, 0)
        np.fill_diagonal(distances_m, 0)
        table = TravelTable(
            durations_s=durations_s,
            distances_m=distances_m,
            snapped_m=snapped_m,
            engine="road graph",
            build=build,
        )
        return to_the_doors(table, places, profile=profile)

    def snap(self, places: Sequence[Location], *, profile: str) -> NDArray[np.int64]:
        """How far each place is from its road in metres, (n,); -1 beyond the radius. Raises TravelError."""
        graph, _ = self._graph(profile)
        return graph.snap(places, self._radius_m).away_m

    def path(self, places: Sequence[Location], *, profile: str) -> list[Location]:
        """The line along the roads. Raises TravelError when a place lies too far from every road, or no road joins two
        that follow each other."""
        graph, _ = self._graph(profile)
        if len(places) < 2:
            return list(places)
        snapped = graph.snap(places, self._radius_m)
        for index, chain in enumerate(snapped.chain):
            if chain < 0:
                raise TravelError(
                    f"Place {index + 1} of this route has no road within {self._radius_m:.0f} m. "
                    "Move its pin to the road.",
                    code="no_road",
                )
        line: list[Location] = []
        for start, end in pairwise(range(len(places))):
            line += graph.line(snapped, start, end)
        return line

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
            if name in self._facts.without_roads:
                raise no_roads(name, self._region_dir.name)
            name = built_as(name, self._facts.profiles)
            if name not in self._graphs:
                factor = self._facts.calibration.get(name, USUAL_CALIBRATION)
                self._graphs[name] = load_graph(present, name, factor)
            return self._graphs[name], self._facts.build


def load_graph(region_dir: Path, profile: str, calibration: float) -> RoadGraph:
    """Raises TravelError when the region has no such graph."""
    try:
        with np.load(graph_file(region_dir, profile)) as kept:
            arrays = {name: kept[name] for name in kept.files}
        return _graph_of(arrays, calibration)
    except (OSError, ValueError, KeyError) as broken:
        raise TravelError(
            f'The road graph of region "{region_dir.name}" for {profile} cannot be read. Build the region again.',
            code="dataset_unreadable",
        ) from broken


def _graph_of(kept: dict[str, NDArray[Any]], calibration: float) -> RoadGraph:
    n = len(kept["chain"])
    order = np.lexsort((kept["turn_to"], kept["turn_from"]))
    start, end = kept["turn_from"][order], kept["turn_to"][order]
    # A step is an arc and the turn at its end. Dijkstra on a sparse matrix takes a stored 0 for no road.
    choice = np.maximum(kept["choice"][start] + kept["turn_choice"][order], 1e-3)
    lat, lon = kept["lat"], kept["lon"]
    flat = _Flat(middle_lat=float(lat.mean()) if len(lat) else 0.0)
    chains = len(kept["chain_end"])
    chain_of = np.repeat(np.arange(chains), np.diff(kept["chain_end"], prepend=0))
    lines = shapely.linestrings(flat.metres(lat, lon), indices=chain_of) if n else np.zeros(0, dtype=object)
    arc_on = _arcs_on(kept["back"].astype(np.int64), kept["chain"], chains)
    ends_here = np.zeros(chains, dtype=bool)
    ends_here[kept["chain"][kept["ends_here"]]] = True
    beginnings = np.flatnonzero(ends_here)
    return RoadGraph(
        n=len(lat),
        lat=lat,
        lon=lon,
        chain_end=kept["chain_end"],
        chain=kept["chain"],
        back=kept["back"],
        arc_on=arc_on,
        seconds=kept["seconds"] * calibration,
        choice=kept["choice"],
        metres=kept["metres"],
        steps=csr_array((choice, (start, end)), shape=(n, n)),
        step=start * n + end,
        step_seconds=(kept["seconds"][start] + kept["turn_seconds"][order]) * calibration,
        flat=flat,
        lines=lines,
        beginnings=beginnings,
        tree=shapely.STRtree(lines[beginnings]),
    )


def _arcs_on(back: NDArray[np.int64], chain: NDArray[np.int64], chains: int) -> NDArray[np.int64]:
    """By chain: its arc along the nodes, the one against them, and then the copies of both; -1 for none."""
    side = back * chains + chain
    firsts = np.unique(side, return_index=True)[1]
    first = np.zeros(len(side), dtype=bool)
    first[firsts] = True
    copies = np.flatnonzero(~first)
    place = np.array(
        [2 + np.count_nonzero(chain[copies[:at]] == chain[arc]) for at, arc in enumerate(copies)], np.int64
    )
    arc_on = np.full((int(place.max(initial=1)) + 1, chains), -1, dtype=np.int64)
    arc_on[back[firsts], chain[firsts]] = firsts
    arc_on[place, chain[copies]] = copies
    return arc_on


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flat:
    """The region laid flat: metres east and north, good enough to find what is near."""

    middle_lat: float

    def metres(self, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
        degree = EARTH_RADIUS_M * np.pi / 180
        return np.column_stack([lon * degree * np.cos(np.radians(self.middle_lat)), lat * degree])

    def location(self, point: shapely.Point) -> Location:
        degree = EARTH_RADIUS_M * np.pi / 180
        return Location(lat=point.y / degree, lon=point.x / degree / float(np.cos(np.radians(self.middle_lat))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapped:
    """The road of each place: its chain (-1: none in reach), how much of it lies before the place (0 to 1), metres."""

    chain: NDArray[np.int64]
    before: NDArray[np.float64]
    away_m: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadGraph:
    """A region's roads for one profile.

    A chain is a road between two junctions, drawn by the points `lat`, `lon` up to its `chain_end`; an arc is a chain
    in one direction: `chain`, `back`, `seconds`, `metres` and `choice` (what it counts when ways are chosen) by arc,
    `arc_on[back, chain]` its number or -1; below these two rows its copies, driven by those who came along a row of
    roads behind which a turn is forbidden. `steps[i, j]` leads from the beginning of arc i to that of arc j; `step`
    (i × arcs + j, sorted) and `step_seconds` beside it. A trip may begin and end on the chains `beginnings`.
    """

    n: int
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    chain_end: NDArray[np.int64]
    chain: NDArray[np.int64]
    back: NDArray[np.bool_]
    arc_on: NDArray[np.int64]
    seconds: NDArray[np.float64]
    choice: NDArray[np.float64]
    metres: NDArray[np.float64]
    steps: csr_array
    step: NDArray[np.int64]
    step_seconds: NDArray[np.float64]
    flat: _Flat
    lines: NDArray[np.object_]
    beginnings: NDArray[np.int64]
    tree: shapely.STRtree

    def snap(self, places: Sequence[Location], radius_m: float) -> Snapped:
        lat = np.array([place.lat for place in places], dtype=np.float64)
        lon = np.array([place.lon for place in places], dtype=np.float64)
        points = shapely.points(self.flat.metres(lat, lon)) if places else np.zeros(0, dtype=object)
        chain = np.full(len(places), -1, dtype=np.int64)
        before = np.zeros(len(places))
        away_m = np.full(len(places), -1, dtype=np.int64)
        (place, found), away = self.tree.query_nearest(
            points, max_distance=radius_m, return_distance=True, all_matches=False
        )
        chain[place] = self.beginnings[found]
        before[place] = shapely.line_locate_point(self.lines[chain[place]], points[place], normalized=True)
        away_m[place] = np.rint(away)
        return Snapped(chain=chain, before=before, away_m=away_m)

    def table(
        self, places: Sequence[Location], radius_m: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Seconds and metres between the places, (n, n), -1 where there is no way; how far each is from its road."""
        n = len(places)
        durations_s = np.full((n, n), -1, dtype=np.int64)
        distances_m = np.full((n, n), -1, dtype=np.int64)
        snapped = self.snap(places, radius_m)
        near = np.flatnonzero(snapped.chain >= 0)
        rows = max(1, _BLOCK_CELLS // max(1, len(self.chain)))
        for first in range(0, len(near), rows):
            some = near[first : first + rows]
            seconds, metres = self._travel(snapped, some, near)
            durations_s[np.ix_(some, near)] = seconds
            distances_m[np.ix_(some, near)] = metres
        return durations_s, distances_m, snapped.away_m

    def soonest(self, snapped: Snapped, at: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """What is driven from a place: arcs, the second at which one would begin each (below 0 for those one sets out
        on), and the share of it (0 to 1) from which it is driven."""
        choice, before = self._reach(snapped, np.array([at]))
        seconds, _ = self._back_to(snapped, at, before[0])
        reached = np.flatnonzero(np.isfinite(choice[0]))
        ends = self._ends(snapped, at)
        return (
            np.concatenate([reached, [arc for arc, _ in ends]]).astype(np.int64),
            np.concatenate([seconds[reached], [-share * float(self.seconds[arc]) for arc, share in ends]]),
            np.concatenate([np.zeros(len(reached)), [share for _, share in ends]]),
        )

    def line(self, snapped: Snapped, start: int, end: int) -> list[Location]:
        """The points on the way from a place to another, its own and the other's point on the road included."""
        places = np.array([start])
        choice, before = self._reach(snapped, places)
        arc, _ = self._best(snapped, choice, start, np.array([end]), row=0)
        ends = [self._on_road(snapped, at) for at in (start, end)]
        if arc[0] == -2:
            raise TravelError(
                "No road joins two of the places that follow each other. Check the pins of this route.", code="no_road"
            )
        here, there = float(snapped.before[start]), float(snapped.before[end])
        if arc[0] == -1:
            return [ends[0], *self._points(int(snapped.chain[start]), here, there), ends[1]]
        passed = [int(arc[0])]
        while int(before[0, passed[-1]]) < len(self.chain):
            passed.append(int(before[0, passed[-1]]))
        line = [ends[0]]
        first = self._leaving(snapped, start, passed[-1])
        line += self._points(int(self.chain[first]), here, float(not self.back[first]))
        for each in reversed(passed[1:]):
            line += self._points(int(self.chain[each]), float(self.back[each]), float(not self.back[each]))
        line += self._points(int(self.chain[passed[0]]), float(self.back[passed[0]]), there)
        return [*line, ends[1]]

    # ------------------------------------------------------------------ ways

    def _ends(self, snapped: Snapped, at: int) -> list[tuple[int, float]]:
        """The arcs on which a place lies, and the share of each that lies before it."""
        chain, before = int(snapped.chain[at]), float(snapped.before[at])
        both = ((int(self.arc_on[0, chain]), before), (int(self.arc_on[1, chain]), 1 - before))
        return [(arc, share) for arc, share in both if arc >= 0]

    def _reach(self, snapped: Snapped, places: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """From each of some places: what it counts to the beginning of each arc, and the arc before; (places, arcs).

        Each place is a node of its own behind the arcs, from which the rest of its road leads to the next arcs.
        """
        n, extra = len(self.chain), len(places)
        steps = self.steps
        indices, data, counts = [steps.indices], [steps.data], []
        for place in places.tolist():
            nearest: dict[int, float] = {}
            for arc, share in self._ends(snapped, place):
                row = slice(steps.indptr[arc], steps.indptr[arc + 1])
                for to, cost in zip(steps.indices[row].tolist(), steps.data[row].tolist(), strict=True):
                    rest = max(cost - share * float(self.choice[arc]), 1e-3)
                    nearest[to] = min(nearest.get(to, rest), rest)
            following = sorted(nearest)
            indices.append(np.array(following, dtype=steps.indices.dtype))
            data.append(np.array([nearest[to] for to in following]))
            counts.append(len(following))
        indptr = np.concatenate([steps.indptr, steps.indptr[-1] + np.cumsum(counts)]).astype(steps.indptr.dtype)
        with_places = csr_array((np.concatenate(data), np.concatenate(indices), indptr), shape=(n + extra, n + extra))
        choice, before = dijkstra(with_places, indices=np.arange(n, n + extra), return_predecessors=True)
        return choice[:, :n], before

    def _travel(
        self, snapped: Snapped, sources: NDArray[np.int64], targets: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Seconds and metres from each source to each target, -1 where there is no way."""
        choice, before = self._reach(snapped, sources)
        durations = np.full((len(sources), len(targets)), -1, dtype=np.int64)
        distances = np.full((len(sources), len(targets)), -1, dtype=np.int64)
        for row, source in enumerate(sources.tolist()):
            arc, direct = self._best(snapped, choice, source, targets, row=row)
            seconds, metres = self._back_to(snapped, source, before[row])
            there = np.flatnonzero(arc >= 0)
            share = np.where(self.back[arc[there]], 1 - snapped.before[targets[there]], snapped.before[targets[there]])
            durations[row, there] = np.rint(seconds[arc[there]] + share * self.seconds[arc[there]])
            distances[row, there] = np.rint(metres[arc[there]] + share * self.metres[arc[there]])
            same = np.flatnonzero(arc == -1)
            durations[row, same] = np.rint(direct[0, same])
            distances[row, same] = np.rint(direct[1, same])
        return durations, distances

    def _best(
        self, snapped: Snapped, choice: NDArray[np.float64], source: int, targets: NDArray[np.int64], *, row: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """By target: the arc on which one arrives, -1 when one never leaves the road, -2 when there is no way; and the
        seconds and metres of those that stay on it."""
        least = np.full(len(targets), np.inf)
        best = np.full(len(targets), -2, dtype=np.int64)
        direct = np.zeros((2, len(targets)))
        share: Any
        for arc_on in self.arc_on:
            arc = arc_on[snapped.chain[targets]]
            share = np.where(self.back[arc], 1 - snapped.before[targets], snapped.before[targets])
            counts = np.where(arc >= 0, choice[row, arc] + share * self.choice[arc], np.inf)
            better = counts < least
            least[better], best[better] = counts[better], arc[better]
        for arc, share in self._ends(snapped, source):
            there = snapped.before[targets] if not self.back[arc] else 1 - snapped.before[targets]
            here = snapped.chain[targets] == snapped.chain[source]
            stays = here & ((there - share) * self.seconds[arc] >= -_SAME_POINT_S)
            on = np.maximum(there - share, 0.0)
            better = stays & (on * self.choice[arc] < least)
            best[better] = -1
            least[better] = on[better] * self.choice[arc]
            direct[0, better] = on[better] * self.seconds[arc]
            direct[1, better] = on[better] * self.metres[arc]
        return best, direct

    def _back_to(
        self, snapped: Snapped, source: int, before: NDArray[np.int32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Seconds and metres from a place to the beginning of each arc, along the tree of arcs before.

        The way back is doubled each round: after k rounds an arc knows its first 2^k steps.
        """
        n = len(self.chain)
        before = before[:n]
        seconds, metres = np.zeros(n), np.zeros(n)
        inner = np.flatnonzero((before >= 0) & (before < n))
        jump = np.arange(n)
        jump[inner] = before[inner]
        step = np.searchsorted(self.step, jump[inner] * n + inner)
        seconds[inner] = self.step_seconds[step]
        metres[inner] = self.metres[jump[inner]]
        while True:
            further = jump[jump]
            if np.array_equal(further, jump):
                break
            # The first arc of a way stands for itself and counts nothing yet.
            seconds += seconds[jump]
            metres += metres[jump]
            jump = further
        first = np.zeros((2, n))
        for to in np.flatnonzero(before >= n).tolist():
            arc = self._leaving(snapped, source, to)
            share = dict(self._ends(snapped, source))[arc]
            at = np.searchsorted(self.step, arc * n + to)
            first[:, to] = self.step_seconds[at] - share * self.seconds[arc], (1 - share) * self.metres[arc]
        return seconds + first[0, jump], metres + first[1, jump]

    def _leaving(self, snapped: Snapped, source: int, to: int) -> int:
        """The arc of the place from which one goes on to another."""
        n = len(self.chain)
        counted = []
        for arc, share in self._ends(snapped, source):
            at = int(np.searchsorted(self.step, arc * n + to))
            if at < len(self.step) and self.step[at] == arc * n + to:
                counted.append((float(self.steps.data[at]) - share * float(self.choice[arc]), arc))
        return min(counted)[1]

    # ------------------------------------------------------------------ lines

    def _on_road(self, snapped: Snapped, at: int) -> Location:
        line = self.lines[int(snapped.chain[at])]
        return self.flat.location(shapely.line_interpolate_point(line, float(snapped.before[at]), normalized=True))

    def _points(self, chain: int, start: float, end: float) -> list[Location]:
        """The points of a chain between two shares of it (0 to 1), in the direction from `start` to `end`."""
        first = int(self.chain_end[chain - 1]) if chain else 0
        lat, lon = self.lat[first : self.chain_end[chain]], self.lon[first : self.chain_end[chain]]
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(self.flat.metres(lat, lon), axis=0).T))])
        low, high = min(start, end) * along[-1], max(start, end) * along[-1]
        inside = np.flatnonzero((along >= low) & (along <= high))
        return [Location(lat=float(lat[at]), lon=float(lon[at])) for at in (inside if start <= end else inside[::-1])]
