"""A round that is out on the road, in both databases."""

from __future__ import annotations

import pytest

from data.db import Database
from tests.evening import Driven
from tests.rounds import a_round


@pytest.fixture
def driven(database: Database) -> Driven:
    with database.writing() as connection:
        made = a_round(connection, stops=3, loaded=12, told=("08:00", "08:30"))
    return Driven(database, made)
