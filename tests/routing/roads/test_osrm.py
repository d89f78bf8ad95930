from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import osmium
import pytest

from routing.engines.roads.build import build_osrm
from routing.engines.roads.osrm import OsrmProcess, OsrmTravelTimes
from routing.errors import TravelError
from routing.model.places import Location

STATION_SQUARE = Location(lat=60.1711, lon=24.9432)
ESPLANADE = Location(lat=60.1676, lon=24.9450)
AT_SEA = Location(lat=60.10, lon=25.10)


def places(n: int) -> list[Location]:
    dice = random.Random(n)
    return [Location(lat=dice.uniform(60.165, 60.176), lon=dice.uniform(24.936, 24.950)) for _ in range(n)]


def test_a_table_has_whole_seconds_and_a_zero_diagonal(osrm_times, helsinki):
    table = osrm_times.table(places(40), profile="van")
    for matrix in (table.durations_s, table.distances_m):
        assert matrix.dtype == np.int64
        assert matrix.shape == (40, 40)
        assert (np.diagonal(matrix) == 0).all()
        assert (matrix[~np.eye(40, dtype=bool)] >= 0).all()
    assert table.engine == "osrm"
    assert table.build == helsinki.facts.build
    # One-way streets: there and back differ somewhere.
    assert (table.durations_s != table.durations_s.T).any()
    # Nobody drives more than 90 km/h through a city.
    assert (table.distances_m <= 25 * (table.durations_s + 10)).all()


def test_the_order_of_the_table_is_the_order_of_the_places(osrm_times):
    there = osrm_times.table([STATION_SQUARE, ESPLANADE], profile="car").durations_s
    back = osrm_times.table([ESPLANADE, STATION_SQUARE], profile="car").durations_s
    assert there[0, 1] == back[1, 0]
    assert there[1, 0] == back[0, 1]


def test_a_place_far_from_any_road_is_not_snapped_to_one(osrm_times):
    table = osrm_times.table([STATION_SQUARE, AT_SEA, ESPLANADE], profile="van")
    assert table.snapped_m[1] == -1
    assert table.durations_s[1].tolist() == [-1, 0, -1]
    assert table.durations_s[:, 1].tolist() == [-1, 0, -1]
    assert table.distances_m[1].tolist() == [-1, 0, -1]
    assert table.durations_s[0, 2] > 0
    assert 0 <= table.snapped_m[0] < 100


def test_places_that_no_road_joins_are_minus_one_apart(tmp_path: Path):
    """Two islands with a street of 150 bends each, no ferry between them."""
    pbf = tmp_path / "islands.osm.pbf"
    with osmium.SimpleWriter(str(pbf)) as writer:
        for ref in range(1, 301):
            where = (24.9 + ref % 150 / 10_000, 60.1 if ref <= 150 else 60.2)
            writer.add_node(osmium.osm.mutable.Node(id=ref, version=1, location=where))
        for way, first in ((1, 1), (2, 151)):
            street = osmium.osm.mutable.Way(
                id=way, version=1, nodes=range(first, first + 150), tags={"highway": "residential"}
            )
            writer.add_way(street)
    build_osrm(pbf, tmp_path, "car")
    at = [(24.902, 60.1), (24.904, 60.1), (24.902, 60.2), (24.904, 60.2)]
    with contextlib.closing(OsrmProcess(tmp_path, profiles=("car",), build="")) as islands:
        for n in (4, 600):  # the second is computed on two cores
            durations_s, distances_m, _ = islands.table("car", (at * n)[:n], 500.0, 60.0)
            assert (durations_s[:2, :2] >= 0).all()
            for matrix in (durations_s, distances_m):
                assert (matrix[:2, 2:4] == -1).all()
                assert (matrix[2:4, :2] == -1).all()
                assert matrix.min() == -1


@pytest.mark.parametrize("n", [0, 1, 2])
def test_small_tables_need_no_special_case(osrm_times, n):
    table = osrm_times.table(places(2)[:n], profile="van")
    assert table.durations_s.shape == (n, n)
    assert table.distances_m.shape == (n, n)
    assert table.snapped_m.shape == (n,)
    assert (table.snapped_m >= 0).all()
    assert np.diagonal(table.durations_s).tolist() == [0] * n


def test_a_lone_place_without_a_road_says_so(osrm_times):
    assert osrm_times.table([AT_SEA], profile="van").snapped_m.tolist() == [-1]


def test_a_table_made_in_blocks_equals_one_made_at_once(osrm_times, helsinki, monkeypatch):
    from routing.engines.roads import osrm_worker

    engine = osrm_worker.open_engine(helsinki.directory, "car")
    coordinates = [(place.lon, place.lat) for place in places(30)]
    everywhere = np.arange(30)
    ((_, *whole),) = osrm_worker.blocks(engine, coordinates, 500.0, everywhere, everywhere)
    monkeypatch.setattr(osrm_worker, "_BLOCK_PAIRS", 100)
    parts = list(osrm_worker.blocks(engine, coordinates, 500.0, everywhere, everywhere))
    assert len(parts) == 10
    for matrix in (0, 1):
        assert np.array_equal(whole[matrix], np.concatenate([part[1 + matrix] for part in parts]))


def test_a_table_that_two_cores_compute_is_what_one_says(osrm_times):
    everybody = [*places(600), AT_SEA]
    large = osrm_times.on_roads(everybody, profile="van")
    everywhere = np.arange(601)
    for rows in (everywhere[:250], everywhere[250:500], everywhere[500:]):
        durations_s, distances_m, snapped_m, _ = osrm_times.part(everybody, rows, everywhere, profile="van")
        there = ~np.equal.outer(rows, everywhere)
        assert np.array_equal(durations_s[there], large.durations_s[rows][there])
        assert np.array_equal(distances_m[there], large.distances_m[rows][there])
        assert np.array_equal(snapped_m, large.snapped_m)


def test_what_the_other_core_is_refused_is_refused_and_the_next_answer_is_the_next_questions(helsinki):
    from routing.engines.roads.osrm_worker import Beside, blocks, open_engine

    engine = open_engine(helsinki.directory, "car")
    ours, theirs = Pipe()
    beside = Beside({"car": engine}, theirs)
    everywhere = np.arange(600)
    at = [(place.lon, place.lat) for place in places(600)]
    with pytest.raises(RuntimeError, match=r"^NoSegment"):
        list(blocks(engine, [*at[:-1], (25.1, 60.1)], 500.0, everywhere, everywhere, beside=(beside, "car")))
    two = list(blocks(engine, at, 500.0, everywhere, everywhere, beside=(beside, "car")))
    assert [len(rows) for rows, *_ in two] == [300, 300]
    ((_, *alone),) = blocks(engine, at, 500.0, everywhere, everywhere)
    for matrix in (0, 1):
        assert np.array_equal(alone[matrix], np.concatenate([block[1 + matrix] for block in two]))
    # It ends when nobody asks any more.
    copy = beside._pid
    del beside
    assert os.waitpid(copy, 0) == (copy, 0)
    ours.close()


def test_a_part_of_a_table_is_what_the_whole_says_there(osrm_times):
    everybody = [*places(12), AT_SEA]
    whole = osrm_times.on_roads(everybody, profile="van")
    sources, targets = np.array([3, 12, 5]), np.array([7, 0, 12, 3])
    durations_s, distances_m, snapped_m, build = osrm_times.part(everybody, sources, targets, profile="van")
    there = ~np.equal.outer(sources, targets)
    assert np.array_equal(durations_s[there], whole.durations_s[np.ix_(sources, targets)][there])
    assert np.array_equal(distances_m[there], whole.distances_m[np.ix_(sources, targets)][there])
    assert snapped_m[12] == -1
    assert build == whole.build


def test_the_line_follows_the_roads_between_its_places(osrm_times):
    line = osrm_times.path([STATION_SQUARE, ESPLANADE], profile="van")
    assert len(line) > 5
    assert line[0].lat == pytest.approx(STATION_SQUARE.lat, abs=1e-3)
    assert line[-1].lon == pytest.approx(ESPLANADE.lon, abs=1e-3)
    assert osrm_times.path([STATION_SQUARE], profile="van") == [STATION_SQUARE]
    assert osrm_times.path([], profile="van") == []


def test_a_line_through_a_place_without_a_road_names_the_place(osrm_times):
    with pytest.raises(TravelError, match=r"Place 2 of this route has no road within 500 m\. Move its pin"):
        osrm_times.path([STATION_SQUARE, AT_SEA], profile="van")


def test_a_cargo_bike_does_not_drive_like_a_van(osrm_times):
    by_bike = osrm_times.table(places(20), profile="cargo_bike")
    by_van = osrm_times.table(places(20), profile="van")
    assert (by_bike.durations_s != by_van.durations_s).any()


def test_an_unknown_profile_is_refused_with_the_known_ones(osrm_times):
    with pytest.raises(
        TravelError, match=r'no profile "hovercraft".*one of: bicycle, bike, car, cargo_bike, truck, van'
    ):
        osrm_times.table(places(2), profile="hovercraft")


def test_a_folder_without_a_region_is_refused(tmp_path: Path):
    with OsrmTravelTimes(tmp_path / "nowhere") as travel, pytest.raises(TravelError, match="Build it again"):
        travel.table(places(2), profile="van")


def test_a_killed_worker_is_started_anew(helsinki):
    with OsrmTravelTimes(helsinki.directory) as travel:
        before = travel.table(places(5), profile="van")
        os.kill(travel._worker._process.pid, signal.SIGKILL)
        after = travel.table(places(5), profile="van") if _dead(travel) else None
        assert after is not None
        assert np.array_equal(before.durations_s, after.durations_s)


def test_a_worker_that_dies_during_a_question_raises_and_nothing_hangs(helsinki):
    with OsrmTravelTimes(helsinki.directory) as travel:
        travel.table(places(2), profile="van")
        # A stopped process keeps the question unanswered until it is killed.
        os.kill(travel._worker._process.pid, signal.SIGSTOP)
        killer = threading.Timer(0.3, os.kill, (travel._worker._process.pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(TravelError, match=r"ended \(code -9\).*Try again"):
            travel.table(places(5), profile="van")
        assert travel.table(places(5), profile="van").engine == "osrm"


def test_a_worker_that_hangs_is_stopped_at_the_limit(helsinki):
    with OsrmTravelTimes(helsinki.directory, time_limit_s=0.3) as travel:
        travel.table(places(2), profile="van")
        stuck = travel._worker._process
        os.kill(stuck.pid, signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(TravelError, match="did not answer within"):
            travel.table(places(5), profile="van")
        assert time.monotonic() - started < 5
        assert stuck.poll() is not None


def test_closing_ends_the_worker(helsinki):
    travel = OsrmTravelTimes(helsinki.directory)
    travel.table(places(2), profile="van")
    process = travel._worker._process
    travel.close()
    travel.close()
    assert process.poll() is not None


def test_many_threads_get_their_own_answers(osrm_times):
    expected = {n: osrm_times.table(places(n), profile="van").durations_s for n in range(2, 10)}
    wrong: list[int] = []

    def ask(n: int) -> None:
        for _ in range(5):
            if not np.array_equal(osrm_times.table(places(n), profile="van").durations_s, expected[n]):
                wrong.append(n)

    threads = [threading.Thread(target=ask, args=(n,)) for n in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert wrong == []
    assert not any(thread.is_alive() for thread in threads)


def test_the_worker_ends_when_its_parent_is_killed(helsinki):
    script = (
        "import sys, time; from pathlib import Path\n"
        "from routing.engines.roads.osrm import OsrmTravelTimes\n"
        "travel = OsrmTravelTimes(Path(sys.argv[1])); travel.open()\n"
        "print(travel._worker._process.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(helsinki.directory)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    with parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 5
    while _runs(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(worker)


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        # A zombie waits only for somebody to ask how it ended.
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _dead(travel: OsrmTravelTimes) -> bool:
    travel._worker._process.wait(timeout=5)
    return not travel._worker.alive()
