from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import osmium
import pytest

from routing.engines.roads.build import build_region
from routing.engines.roads.facts import load_facts
from routing.engines.roads.osrm import OsrmTravelTimes
from routing.errors import RegionError
from routing.model.places import Location

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


def refused(pbf: Path, into: Path) -> str:
    with pytest.raises(RegionError) as refusal:
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
