"""A region with addresses and nothing else: roads take longer to build, and no address needs them."""

from __future__ import annotations

from pathlib import Path

from data.regions import ADDRESSES_FILE
from routing.engines.addresses.gazetteer_build import build_gazetteer
from routing.engines.roads.facts import RegionFacts, save_facts
from routing.model.places import Bounds

EXTRACT = Path("data/demo/helsinki.osm.pbf")


DISTRICT = Bounds(south=60.16, west=24.93, north=60.18, east=24.96)


def an_address_region(
    home: Path, *, name: str = "helsinki", extract: Path = EXTRACT, bounds: Bounds = DISTRICT
) -> None:
    """Puts a region into the installation at `home`: the demo's unless another extract is given."""
    folder = home / "regions" / name
    folder.mkdir(parents=True)
    facts = RegionFacts(
        name=name,
        build="a build",
        bounds=bounds,
        addresses=build_gazetteer(extract, folder / ADDRESSES_FILE),
        restrictions=0,
        drivable_km=0.0,
        sampled=0,
        share_unroutable=0.0,
        snap_median_m=0.0,
        snap_p95_m=0.0,
        profiles=("car",),
        calibration={"car": 1.25},
        clipped_ways=0,
        extra={},
        seconds={},
        mebibytes=1.0,
    )
    save_facts(facts, folder)
