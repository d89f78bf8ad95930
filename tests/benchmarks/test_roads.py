"""How fast regions and travel times are, beside OSRM's own call in the same run.

`make bench` prints the table; nothing is asserted about speed. `BACKROUTE_OSM` names a folder of extracts
(copenhagen.osm.pbf; usually ../shared/osm); without one the demo's district is measured, where a fixed cost outweighs
the work. CPU seconds say more than the clock on a machine that does other things.
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import numpy as np
import osrm
import pytest
from rich.console import Console
from rich.table import Table

from data.demo.generate import EXTRACT
from data.regions import Regions
from routing.engines.roads.kept_travel import KeptTravelTimes
from routing.engines.roads.osrm import SNAPPING_RADIUS_M, OsrmTravelTimes
from routing.engines.roads.osrm_worker import open_engine
from routing.engines.roads.road_graph import load_graph
from routing.model.places import Location

pytestmark = pytest.mark.bench

ROUNDS = 5


@pytest.fixture(scope="module")
def extract() -> Path:
    folder = Path(os.environ.get("BACKROUTE_OSM", Path(__file__).parents[3] / "shared" / "osm"))
    city = folder / "copenhagen.osm.pbf"
    return city if city.is_file() else EXTRACT


@pytest.fixture(scope="module")
def built(extract: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The region's folder, after its build was told on the console."""
    regions = Regions(tmp_path_factory.mktemp("bench"))
    before, started = os.times(), time.monotonic()
    facts = regions.add("city", extract, lambda _step, _share: None)
    wall_s, after = time.monotonic() - started, os.times()
    cpu_s = sum(after[:4]) - sum(before[:4])
    peak = [resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    shown = Table("build of", "steps", "CPU s", "clock s", "peak MiB, us", "peak MiB, a program")
    shown.add_row(extract.name, str(len(facts.seconds)), f"{cpu_s:.1f}", f"{wall_s:.1f}", str(peak[0]), str(peak[1]))
    Console().print(shown)
    return regions.directory("city")


def places(folder: Path, n: int) -> list[Location]:
    graph = load_graph(folder, "van", 1.0)
    chosen = np.random.default_rng(n).choice(graph.n, n, replace=graph.n < n)
    return [Location(lat=float(graph.lat[at]), lon=float(graph.lon[at])) for at in chosen]


def test_a_table_beside_osrms_own_call(built: Path) -> None:
    """The peer is one call in this process and the plainest way from its answer to two arrays of numpy."""
    everybody = places(built, 1000)
    engine = open_engine(built, "van")
    question = osrm.TableParameters(
        coordinates=[(place.lon, place.lat) for place in everybody],
        radiuses=[SNAPPING_RADIUS_M] * len(everybody),
        annotations=["duration", "distance"],
        generate_hints=False,
    )
    bare, plain, ours = [], [], []
    with OsrmTravelTimes(built) as travel:
        travel.table(everybody[:2], profile="van")
        for _ in range(ROUNDS):
            started = time.perf_counter()
            answer = engine.Table(question)
            bare.append(time.perf_counter() - started)
            theirs = [np.array(answer[name], dtype=np.float64) for name in ("durations", "distances")]
            plain.append(time.perf_counter() - started)
            started = time.perf_counter()
            table = travel.table(everybody, profile="van")
            ours.append(time.perf_counter() - started)
        on_roads = travel.on_roads(everybody, profile="van")
    off_diagonal = ~np.eye(len(everybody), dtype=bool)
    assert (np.abs(theirs[0] - on_roads.durations_s)[off_diagonal & (on_roads.durations_s >= 0)] <= 1).all()
    # Ours adds the ways to doors that stand far from their road, and is timed with them.
    assert (table.durations_s >= on_roads.durations_s).all()
    shown = Table("1,000 × 1,000, best of 5", "seconds", "ours ÷ it")
    for name, seconds in (("OSRM's call, no arrays", bare), ("OSRM's call, to numpy", plain), ("ours", ours)):
        shown.add_row(name, f"{min(seconds):.2f}", f"{min(ours) / min(seconds):.2f}")
    Console().print(shown)


def test_twenty_sites_more_than_yesterday(built: Path) -> None:
    """Yesterday's thousand are kept; today's table asks OSRM for the two strips only."""
    everybody = places(built, 1020)
    chosen = np.random.default_rng(3).permutation(1020)
    rows: list[tuple[str, float, float]] = []
    with OsrmTravelTimes(built) as osrm:
        travel = KeptTravelTimes(osrm)
        osrm.table(everybody[:2], profile="car")
        for what, table, asked in (
            ("1,000 sites, all new", travel, everybody[:1000]),
            ("1,020 sites, 20 new", travel, [everybody[at] for at in chosen]),
            ("1,020 sites, none new", travel, everybody),
            ("1,020 sites by OSRM", osrm, everybody),
        ):
            before, started = time.process_time(), time.perf_counter()
            table.table(asked, profile="car")
            rows.append((what, time.perf_counter() - started, time.process_time() - before))
    shown = Table("kept tables", "clock s", "of it our CPU s")
    for what, clock_s, cpu_s in rows:
        shown.add_row(what, f"{clock_s:.2f}", f"{cpu_s:.2f}")
    Console().print(shown)


def test_five_thousand_places_in_bounded_memory(built: Path) -> None:
    everybody = places(built, 5000)
    with OsrmTravelTimes(built) as travel:
        travel.open()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        started = time.monotonic()
        table = travel.table(everybody, profile="van")
        took_s = time.monotonic() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        assert travel._worker is not None
        status = Path(f"/proc/{travel._worker._process.pid}/status").read_text()
    theirs = next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    assert table.durations_s.shape == (5000, 5000)
    shown = Table("5,000 × 5,000", "clock s", "the matrices, MiB", "our peak over before, MiB", "OSRM's process, MiB")
    matrices = (table.durations_s.nbytes + table.distances_m.nbytes) // 2**20
    shown.add_row("", f"{took_s:.1f}", str(matrices), str(peak - before), str(theirs))
    Console().print(shown)
