from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.regions import ADDRESSES_FILE, Regions
from routing.engines.addresses.gazetteer import Gazetteer
from routing.engines.roads.facts import BASEMAP_FILE, RegionFacts
from routing.errors import FileRefused, InvalidInput, NotFound, RegionError

DEMO_EXTRACT = Path(__file__).parents[2] / "data" / "demo" / "helsinki.osm.pbf"


def quiet(step: str, share: float) -> None:
    pass


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Regions]:
    """An installation with the demo region, really built."""
    regions = Regions(tmp_path_factory.mktemp("home") / "regions")
    regions.add("helsinki", DEMO_EXTRACT, quiet)
    return regions


def test_a_built_region_has_roads_addresses_and_a_map(regions):
    directory = regions.directory("helsinki")
    assert (directory / BASEMAP_FILE).is_file()
    assert (directory / "osrm" / "cargo_bike" / "region.osrm.hsgr").is_file()
    with Gazetteer(directory / ADDRESSES_FILE) as gazetteer:
        assert gazetteer.coverage.bounds == regions.facts("helsinki").bounds
        # A door with three shops is one address.
        assert regions.facts("helsinki").addresses == len(gazetteer.doors()) > 500


def test_each_step_of_a_build_is_timed(regions):
    seconds = regions.facts("helsinki").seconds
    assert next(iter(seconds)) == "read the extract"
    assert "addresses" in seconds
    assert regions.facts("helsinki").mebibytes < 10


def test_regions_are_listed_with_their_facts(regions):
    (only,) = regions.list()
    assert isinstance(only, RegionFacts)
    assert only.name == "helsinki"
    assert regions.default() == only


def test_an_unknown_region_is_refused_with_the_known_ones(regions):
    with pytest.raises(NotFound, match=r'no region "espoo"; there is helsinki\. Build it: backroute region add'):
        regions.directory("espoo")


@pytest.mark.parametrize("name", ["", "..", "../etc", "a/b", ".hidden", "Helsinki", "hel sinki", "x" * 64, "a\n"])
def test_a_name_that_is_no_plain_folder_is_refused(tmp_path, name):
    regions = Regions(tmp_path / "regions")
    with pytest.raises(InvalidInput, match="cannot name a region"):
        regions.add(name, DEMO_EXTRACT, quiet)
    with pytest.raises(NotFound):
        regions.directory(name)
    assert not (tmp_path / "regions").exists()


def test_a_refused_name_comes_with_one_that_works(tmp_path):
    with pytest.raises(InvalidInput, match='For example "r-o-de-janeiro"'):
        Regions(tmp_path).add("Río de Janeiro", DEMO_EXTRACT, quiet)


def test_without_regions_there_is_no_default(tmp_path):
    regions = Regions(tmp_path / "none")
    assert regions.list() == ()
    with pytest.raises(NotFound, match="There is no region yet"):
        regions.default()


def test_a_failed_build_adds_no_region(tmp_path):
    letter = tmp_path / "letter.osm.pbf"
    letter.write_text("Dear customer")
    regions = Regions(tmp_path / "regions")
    with pytest.raises(FileRefused, match=r"no \.osm\.pbf"):
        regions.add("letter", letter, quiet)
    assert regions.list() == ()
    with pytest.raises(NotFound):
        regions.default()


def test_the_default_can_be_chosen(regions):
    with pytest.raises(NotFound):
        regions.make_default("espoo")
    regions.make_default("helsinki")
    assert regions.default().name == "helsinki"


@pytest.mark.parametrize(
    "forged",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"name": 5}',
        lambda facts: {**facts, "bounds": {"south": "x", "west": None, "north": 1, "east": 2}},
        lambda facts: {**facts, "drivable_km": "many"},
        lambda facts: {**facts, "calibration": 5},
        lambda facts: {**facts, "profiles": [7]},
        lambda facts: {**facts, "bounds": {"south": 91, "west": 0, "north": 92, "east": 1}},
    ],
)
def test_a_broken_region_is_named_and_the_others_are_listed(regions, tmp_path, forged):
    home = tmp_path / "regions"
    whole = regions.directory("helsinki") / "region.json"
    for name in ("broken", "healthy"):
        (home / name).mkdir(parents=True)
        shutil.copy(whole, home / name / "region.json")
    text = forged if isinstance(forged, str) else json.dumps(forged(json.loads(whole.read_text(encoding="utf-8"))))
    (home / "broken" / "region.json").write_text(text, encoding="utf-8")
    (home / ".default").write_text("healthy", encoding="utf-8")
    both = Regions(home)
    assert len(both.list()) == 1
    assert list(both.broken()) == ["broken"]
    assert 'region "broken" cannot be read' in both.broken()["broken"]
    assert both.default() == both.list()[0]
    with pytest.raises(RegionError, match="Build the region again"):
        both.facts("broken")
