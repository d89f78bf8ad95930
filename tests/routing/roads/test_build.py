from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import osmium
import pytest

from routing.engines.roads import needs
from routing.engines.roads.build import build_region
from routing.engines.roads.facts import load_facts
from routing.engines.roads.osrm import OsrmTravelTimes
from routing.engines.roads.reachable import ReachableAreas
from routing.engines.roads.road_graph import RoadGraphTravelTimes
from routing.engines.roads.travel import near_roads, travel_times
from routing.errors import BackrouteError, Cancelled, FileRefused, RegionError, TravelError
from routing.model.places import Location
from web.region_figures import figures_of

ROOT = Path(__file__).parents[3]


def quiet(step: str, share: float) -> None:
    pass


def extract_with(path: Path, *, tags: dict[str, str], nodes: int = 4, lat: float = 0.001) -> Path:
    """A tiny extract: one way through a few nodes, eastward from the prime meridian."""
    with osmium.SimpleWriter(str(path)) as writer:
        for ref in range(1, nodes + 1):
            writer.add_node(osmium.osm.mutable.Node(id=ref, version=1, location=(ref / 1000, lat)))
        if nodes:
            writer.add_way(osmium.osm.mutable.Way(id=1, version=1, nodes=range(1, nodes + 1), tags=tags))
    return path


@pytest.fixture
def one_road(tmp_path: Path) -> Path:
    return extract_with(tmp_path / "road.osm.pbf", tags={"highway": "residential", "name": "Only Street"})


def refused(pbf: Path, into: Path, error: type[BackrouteError] = FileRefused) -> str:
    with pytest.raises(error) as refusal:
        build_region(pbf=pbf, into=into, name="refused", progress=quiet)
    assert not into.exists()
    assert not list(into.parent.glob(".*/build-*"))
    return str(refusal.value)


def test_the_demo_region_is_known_by_its_facts(helsinki):
    facts = helsinki.facts
    assert facts.addresses == 1464
    assert facts.restrictions == 45
    assert 25 < facts.drivable_km < 32
    assert facts.clipped_ways == 421
    assert facts.dated == "2019-04-21"
    assert facts.sampled == 250
    assert facts.share_unroutable < 0.01
    assert facts.snap_median_m < 30
    assert facts.bounds.holds(Location(lat=60.17, lon=24.945))
    assert "OpenStreetMap" in facts.attribution
    assert load_facts(helsinki.directory) == facts


def test_progress_names_every_step_and_ends_at_one(helsinki):
    steps = [step for step, _ in helsinki.told]
    shares = [share for _, share in helsinki.told]
    assert steps[0] == "read the extract"
    assert steps[-1] == "ready"
    assert set(steps) - {"ready"} == set(helsinki.facts.seconds)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_normalised_extract_is_sorted_and_whole(helsinki):
    known: set[int] = set()
    order = []
    for thing in osmium.FileProcessor(str(helsinki.directory / "region.osm.pbf")):
        order.append(("nwr".index(thing.type_str()), thing.id))
        if thing.is_node():
            known.add(thing.id)
        elif thing.is_way():
            assert all(node.ref in known for node in thing.nodes)
    assert order == sorted(set(order))


def test_a_truncated_extract_is_refused(demo_extract, tmp_path):
    cut = tmp_path / "cut.osm.pbf"
    cut.write_bytes(demo_extract.read_bytes()[:300_000])
    assert "cut.osm.pbf cannot be read" in refused(cut, tmp_path / "regions" / "cut")


def test_a_file_that_is_no_extract_is_refused(tmp_path):
    letter = tmp_path / "letter.osm.pbf"
    letter.write_text("Dear customer,\nyour order is on its way.\n" * 50)
    assert "it is truncated, or no .osm.pbf" in refused(letter, tmp_path / "regions" / "letter")


def test_a_missing_file_is_refused(tmp_path):
    assert "There is no file nowhere.osm.pbf" in refused(tmp_path / "nowhere.osm.pbf", tmp_path / "regions" / "x")


def test_an_empty_extract_is_refused(tmp_path):
    empty = extract_with(tmp_path / "empty.osm.pbf", tags={}, nodes=0)
    assert "holds no map data" in refused(empty, tmp_path / "regions" / "empty")


def test_an_extract_without_roads_is_refused(tmp_path):
    river = extract_with(tmp_path / "river.osm.pbf", tags={"waterway": "river"})
    assert "has no road a car may use" in refused(river, tmp_path / "regions" / "river")


def test_a_profile_without_a_road_is_left_out_and_its_vehicles_are_told(tmp_path):
    pbf = extract_with(tmp_path / "road.osm.pbf", tags={"highway": "residential", "hgv": "no", "maxheight": "2.5"})
    into = tmp_path / "regions" / "low"
    facts = build_region(pbf=pbf, into=into, name="low", progress=quiet)
    assert facts.profiles == ("car", "cargo_bike")
    assert facts.without_roads == ("van", "truck")
    assert load_facts(into) == facts
    assert set(facts.unroutable) == set(facts.calibration) == {"car", "cargo_bike"}
    here, there = Location(lat=0.001, lon=0.001), Location(lat=0.001, lon=0.004)
    with contextlib.closing(travel_times(into)) as engine:
        assert engine.table([here, there], profile="car").durations_s[0, 1] > 0
        # A car's roads do not stand in for a van that has none.
        for profile in ("van", "truck"):
            with pytest.raises(TravelError, match=f"no road that a {profile} may use"):
                engine.table([here, there], profile=profile)
        assert near_roads(engine, [here]) == [{"car", "cargo_bike"}]
    with pytest.raises(TravelError, match="no road that a truck may use"):
        RoadGraphTravelTimes(into).table([here, there], profile="truck")
    with pytest.raises(TravelError, match="no road that a van may use"):
        ReachableAreas(into).area(here, minutes=5, profile="van")
    assert ("truck", "no road in this map: no vehicle of this kind can be planned here") in figures_of(facts)


def test_a_tiny_region_with_one_road_can_be_built(one_road, tmp_path):
    facts = build_region(pbf=one_road, into=tmp_path / "regions" / "road", name="road", progress=quiet)
    assert facts.drivable_km == pytest.approx(0.3, abs=0.1)
    with OsrmTravelTimes(tmp_path / "regions" / "road") as travel:
        table = travel.table([Location(lat=0.001, lon=0.001), Location(lat=0.001, lon=0.004)], profile="van")
    assert table.durations_s[0, 1] > 0


def test_a_failed_build_leaves_the_region_in_use(one_road, tmp_path):
    into = tmp_path / "road"
    built = build_region(pbf=one_road, into=into, name="road", progress=quiet)

    def fails(pbf: Path, folder: Path) -> object:
        raise RegionError("The step failed on purpose.")

    with pytest.raises(RegionError, match="on purpose"):
        build_region(pbf=one_road, into=into, name="road", progress=quiet, extra_steps=[("broken", fails)])
    assert load_facts(into) == built
    with OsrmTravelTimes(into) as travel:
        assert travel.table([Location(lat=0.001, lon=0.001)] * 2, profile="van").build == built.build


def test_a_build_killed_in_the_middle_leaves_the_region_in_use_and_the_next_one_sweeps(one_road, tmp_path):
    into = tmp_path / "road"
    built = build_region(pbf=one_road, into=into, name="road", progress=quiet)
    script = (
        "import sys, time; from pathlib import Path\n"
        "from routing.engines.roads.build import build_region\n"
        "def hang(pbf, folder): print('hanging', flush=True); time.sleep(60)\n"
        "build_region(pbf=Path(sys.argv[1]), into=Path(sys.argv[2]), name='road', "
        "progress=lambda step, share: None, extra_steps=[('hang', hang)])\n"
    )
    builder = subprocess.Popen(
        [sys.executable, "-c", script, str(one_road), str(into)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    with builder:
        assert builder.stdout is not None
        assert builder.stdout.readline() == b"hanging\n"
        with pytest.raises(RegionError, match="being built already"):
            build_region(pbf=one_road, into=into, name="road", progress=quiet)
        builder.send_signal(signal.SIGKILL)

    assert load_facts(into) == built
    assert len(list((tmp_path / ".road.builds").glob("build-*"))) == 2
    build_region(pbf=one_road, into=into, name="road", progress=quiet, extra_steps=[("count", lambda *_: 7)])
    assert load_facts(into).extra == {"count": 7}
    assert len(list((tmp_path / ".road.builds").glob("build-*"))) == 1


def test_a_region_is_whole_at_every_moment_of_a_rebuild(one_road, tmp_path):
    into = tmp_path / "road"
    build_region(pbf=one_road, into=into, name="road", progress=quiet)
    done = threading.Event()
    seen = 0
    broken: list[str] = []

    def watch() -> None:
        nonlocal seen
        while not done.is_set():
            if not (into / "region.json").exists():
                broken.append("gone")
            seen += 1
            time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        build_region(pbf=one_road, into=into, name="road", progress=quiet)
    finally:
        done.set()
        watcher.join()
    assert broken == []
    assert seen > 10


def test_a_running_engine_takes_up_a_rebuilt_region(one_road, tmp_path):
    into = tmp_path / "region"
    elsewhere = extract_with(tmp_path / "elsewhere.osm.pbf", tags={"highway": "residential"}, lat=2)
    build_region(pbf=one_road, into=into, name="region", progress=quiet)
    with OsrmTravelTimes(into) as travel:
        corner = [Location(lat=0.001, lon=0.001), Location(lat=0.001, lon=0.004)]
        assert travel.table(corner, profile="van").durations_s[0, 1] > 0
        new = build_region(pbf=elsewhere, into=into, name="region", progress=quiet)
        after = travel.table(corner, profile="van")
    assert after.build == new.build
    assert after.snapped_m.tolist() == [-1, -1]


def test_facts_that_cannot_be_read_say_which_region(tmp_path):
    (tmp_path / "region.json").write_text(json.dumps({"name": "half"}))
    with pytest.raises(RegionError, match=f'region "{tmp_path.name}" cannot be read'):
        load_facts(tmp_path)


STEPS = (
    "read the extract", "roads for car", "roads for van", "roads for truck", "roads for cargo_bike", "road graph",
    "basemap", "addresses", "check the roads",
)  # fmt: skip

# Builds as `region add` does, and kills itself when it is told the step begins.
DYING = """
import os, signal, sys
from pathlib import Path
from routing.engines.roads import needs
from routing.engines.roads.build import build_region

def told(step, share):
    if step == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

build_region(pbf=Path(sys.argv[1]), into=Path(sys.argv[2]), name="road", progress=told,
             extra_steps=[("addresses", lambda pbf, folder: 7)])
"""


def killed_at(step: str, pbf: Path, into: Path) -> int:
    return subprocess.run(
        [sys.executable, "-c", DYING, str(pbf), str(into), step],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    ).returncode


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS[1:])
def test_a_build_killed_at_any_step_leaves_the_region_in_use_and_goes_on_there(one_road, tmp_path, step):
    into = tmp_path / "road"
    built = build_region(pbf=extract_with(tmp_path / "a.osm.pbf", tags={"highway": "service"}), into=into, name="road",
                         progress=quiet)  # fmt: skip
    assert killed_at(step, one_road, into) == -signal.SIGKILL
    assert load_facts(into) == built
    goes_on_with(step, one_road, into)


def test_a_build_killed_in_the_middle_goes_on_there(one_road, tmp_path):
    into = tmp_path / "road"
    assert killed_at("basemap", one_road, into) == -signal.SIGKILL
    assert not into.exists()
    goes_on_with("basemap", one_road, into)


DYING_BEFORE_THE_SWAP = """
import os, signal, sys
from pathlib import Path
from routing.engines.roads import build

build._swap = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
build.build_region(pbf=Path(sys.argv[1]), into=Path(sys.argv[2]), name="road", progress=lambda *_: None)
"""


def test_a_whole_build_killed_before_it_is_put_in_use_is_only_put_in_use(one_road, tmp_path, monkeypatch):
    into = tmp_path / "road"
    died = subprocess.run(
        [sys.executable, "-c", DYING_BEFORE_THE_SWAP, str(one_road), str(into)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    assert not into.exists()
    (whole,) = into.parent.glob(".road.builds/build-*")
    made = load_facts(whole)
    for step in ("read_apart", "build_osrm", "build_road_graphs", "build_basemap", "check_roads"):
        monkeypatch.setattr(f"routing.engines.roads.build.{step}", lambda *_: pytest.fail("This was done already."))
    assert build_region(pbf=one_road, into=into, name="road", progress=quiet).seconds == made.seconds
    assert into.resolve() == whole.resolve()
    assert not list(into.parent.glob(".road.builds/*/unfinished.json"))


def test_a_build_killed_just_after_it_was_put_in_use_is_not_taken_for_a_half_one(one_road, tmp_path, monkeypatch):
    into = tmp_path / "road"
    build_region(pbf=one_road, into=into, name="road", progress=quiet)
    note = {"build": load_facts(into).build, "done": {}}
    (into / "unfinished.json").write_text(json.dumps(note))
    in_use = into.resolve()
    build_region(pbf=one_road, into=into, name="road", progress=quiet)
    assert into.resolve() != in_use
    assert not in_use.exists()


def goes_on_with(step: str, pbf: Path, into: Path) -> None:
    """Everything before the step is not done again, and the build ends as whole as one that was never killed."""
    noted = json.loads(next(into.parent.glob(".road.builds/build-*/unfinished.json")).read_text())
    # The roads are made beside the rest, and are waited for before the last step.
    ours = [each for each in STEPS if not each.startswith("roads for")]
    if step in ours:
        assert [each for each in noted["done"] if each in ours] == ours[: ours.index(step)]
    assert "check the roads" not in noted["done"]
    assert step != "check the roads" or {*noted["done"]} == {*STEPS} - {step}
    facts = build_region(pbf=pbf, into=into, name="road", progress=quiet, extra_steps=[("addresses", lambda *_: 7)])
    assert {name: facts.seconds[name] for name in noted["done"]} == {
        name: done["seconds"] for name, done in noted["done"].items()
    }
    assert {*facts.seconds} == {*STEPS}
    assert facts.addresses == 7
    assert not list(into.parent.glob(".road.builds/*/unfinished.json"))
    assert len(list(into.parent.glob(".road.builds/build-*"))) == 1
    with OsrmTravelTimes(into) as travel:
        ends = [Location(lat=0.001, lon=0.001), Location(lat=0.001, lon=0.004)]
        for profile in ("car", "van", "truck", "cargo_bike"):
            assert travel.table(ends, profile=profile).durations_s[0, 1] > 0


def test_a_killed_build_of_another_extract_is_begun_anew(one_road, tmp_path):
    into = tmp_path / "road"
    assert killed_at("road graph", one_road, into) == -signal.SIGKILL
    other = extract_with(tmp_path / "other.osm.pbf", tags={"highway": "residential"}, nodes=6)
    told: list[str] = []
    build_region(pbf=other, into=into, name="road", progress=lambda step, _share: told.append(step))
    assert load_facts(into).drivable_km > 0.5
    assert len(list(into.parent.glob(".road.builds/build-*"))) == 1


def test_a_build_that_is_stopped_by_a_person_goes_on_later(one_road, tmp_path):
    into = tmp_path / "road"

    def stop(step: str, share: float) -> None:
        if step == "basemap":
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        build_region(pbf=one_road, into=into, name="road", progress=stop)
    (unfinished,) = into.parent.glob(".road.builds/build-*")
    build_region(pbf=one_road, into=into, name="road", progress=quiet)
    assert into.resolve() == unfinished.resolve()


def test_a_full_disk_leaves_the_region_in_use_and_nothing_behind(one_road, demo_extract, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("This machine lets nobody mount a small disk.")
    try:
        with pytest.MonkeyPatch.context() as patch:
            # Other programs fill a disk after we looked.
            patch.setattr("routing.engines.roads.build.refuse_too_little", lambda *_: None)
            built = build_region(pbf=one_road, into=small / "road", name="road", progress=quiet)
            before = sorted(small.rglob("*"))
            with pytest.raises(RegionError):
                build_region(pbf=demo_extract, into=small / "road", name="road", progress=quiet)
        assert load_facts(small / "road") == built
        assert sorted(small.rglob("*")) == before
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_a_build_that_would_not_fit_is_refused_before_it_begins(one_road, tmp_path, monkeypatch):
    monkeypatch.setattr(needs, "free_memory_mib", lambda: 100)
    assert re.search(
        r"needs about 450 MiB of memory and 100 MiB are free\. Close", refused(one_road, tmp_path / "r", RegionError)
    )
    monkeypatch.setattr(needs, "free_memory_mib", lambda: None)
    monkeypatch.setattr(needs.shutil, "disk_usage", lambda _at: SimpleNamespace(free=5 * 2**20))
    assert re.search(
        r"needs about 8 MiB of disk and 5 MiB are free\. Make room", refused(one_road, tmp_path / "r", RegionError)
    )


@pytest.mark.parametrize(
    ("limit", "used", "free"),
    [("max", "1", 2048), (str(600 * 2**20), str(400 * 2**20), 300), (str(9000 * 2**20), str(2**20), 2048)],
)
def test_free_memory_is_what_the_machine_and_its_container_leave(tmp_path, limit, used, free):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 4194304 kB\nMemAvailable: 2097152 kB\n")
    group = tmp_path / "sys" / "fs" / "cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text(limit)
    (group / "memory.current").write_text(used)
    (group / "memory.stat").write_text(f"anon 1\nfile {100 * 2**20}\n")
    assert needs.free_memory_mib(tmp_path) == free
