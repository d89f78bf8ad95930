from collections.abc import Iterator
from pathlib import Path

import pytest

from routing.engines.addresses.gazetteer import Gazetteer
from routing.engines.addresses.gazetteer_build import build_gazetteer

EXTRACT = Path("data/demo/helsinki.osm.pbf")


@pytest.fixture(scope="session")
def gazetteer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("addresses") / "gazetteer.sqlite"
    build_gazetteer(EXTRACT, path)
    return path


@pytest.fixture
def gazetteer(gazetteer_file: Path) -> Iterator[Gazetteer]:
    with Gazetteer(gazetteer_file) as gazetteer:
        yield gazetteer
