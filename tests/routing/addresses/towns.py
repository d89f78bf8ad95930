"""Small towns of other countries, as OpenStreetMap writes them: enough doors to check by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import osmium

from routing.engines.addresses.gazetteer import Gazetteer
from routing.engines.addresses.gazetteer_build import build_gazetteer

type Tags = Mapping[str, str]


def town(folder: Path, doors: Sequence[Tags], *, places: Sequence[Tags] = (), roads: Sequence[Tags] = ()) -> Gazetteer:
    """A gazetteer of these doors, 100 m apart from each other on one line; the places lie at its beginning, and the
    roads run from its first point to its second."""
    pbf = folder / "town.osm.pbf"
    pbf.unlink(missing_ok=True)
    header = osmium.io.Header()
    with osmium.SimpleWriter(str(pbf), header=header) as writer:
        for number, tags in enumerate([*places, *doors], 1):
            at = (10.0 + 0.0015 * number, 50.0)
            writer.add_node(osmium.osm.mutable.Node(id=number, location=at, tags=dict(tags), version=1))
        for number, tags in enumerate(roads, 1):
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=[1, 2], tags=dict(tags), version=1))
    build_gazetteer(pbf, folder / "addresses.db")
    return Gazetteer(folder / "addresses.db")


def door(street: str, number: str, **others: str) -> dict[str, str]:
    """door("Main Street", "5", city="Town") carries addr:street, addr:housenumber and addr:city."""
    tags = {"addr:street": street, "addr:housenumber": number} if street else {"addr:housenumber": number}
    return tags | {f"addr:{key}": value for key, value in others.items()}
