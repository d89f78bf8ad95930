"""A region with the demo's addresses and nothing else: roads take longer to build, and no address needs them."""

from __future__ import annotations

from pathlib import Path

from data.regions import ADDRESSES_FILE
from routing.engines.addresses.gazetteer_build import build_gazetteer
from routing.engines.roads.facts import RegionFacts, save_facts
from routing.model.places import Bounds

EXTRACT = Path("data/demo/helsinki.osm.pbf")


def an_address_region(home: Path) -> None:
    """Puts the region "helsinki" into the installation at `home`."""
    folder = home / "regions" / "helsinki"
    folder.mkdir(parents=True)
    facts = RegionFacts(
        name="helsinki",
        build="a build",
        bounds=Bounds(south=60.16, west=24.93, north=60.18, east=24.96),
        addresses=build_gazetteer(EXTRACT, folder / ADDRESSES_FILE),
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
