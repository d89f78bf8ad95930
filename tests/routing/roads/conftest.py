from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from routing.engines.roads.build import build_region
from routing.engines.roads.facts import RegionFacts
from routing.engines.roads.osrm import OsrmTravelTimes

DEMO_EXTRACT = Path(__file__).parents[3] / "data" / "demo" / "helsinki.osm.pbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltRegion:
    directory: Path
    facts: RegionFacts
    told: tuple[tuple[str, float], ...]


@pytest.fixture(scope="session")
def demo_extract() -> Path:
    return DEMO_EXTRACT


@pytest.fixture(scope="session")
def helsinki(tmp_path_factory: pytest.TempPathFactory) -> BuiltRegion:
    """The demo region, really built, once a session."""
    directory = tmp_path_factory.mktemp("regions") / "helsinki"
    told: list[tuple[str, float]] = []
    facts = build_region(
        pbf=DEMO_EXTRACT, into=directory, name="helsinki", progress=lambda step, share: told.append((step, share))
    )
    return BuiltRegion(directory=directory, facts=facts, told=tuple(told))


@pytest.fixture(scope="session")
def osrm_times(helsinki: BuiltRegion) -> Iterator[OsrmTravelTimes]:
    with OsrmTravelTimes(helsinki.directory) as travel:
        yield travel
