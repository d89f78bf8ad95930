"""Texts that say a little more than an address of ours: a letter, a sign, a second place. None of them may pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from routing.engines.addresses.gazetteer import Gazetteer
from tests.routing.addresses.towns import door, town

DOORS = [
    door("Istedgade", number, city="København V", postcode="1650", country="DK")
    for number in ("1", "2", "4 A", "10", "19", "20")
]


@pytest.fixture(scope="module")
def denmark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gazetteer]:
    with town(tmp_path_factory.mktemp("denmark"), DOORS) as gazetteer:
        yield gazetteer


@pytest.mark.parametrize(
    "number",
    ["19B, 2. tv", "19 B 2. tv", "19 B, st. th.", "19 B 4", "19 Z 21", "19 bis 21", "19x21", "19 x 21"],
)
def test_a_letter_that_does_not_exist_is_asked_about_beside_a_flat_too(denmark: Gazetteer, number: str) -> None:
    assert not denmark.locate(f"Istedgade {number}, 1650 København V").quality.goes_on


def test_a_stair_is_one_plain_letter_where_houses_have_stairs(tmp_path: Path) -> None:
    doors = [door("Fabianinkatu", "19", city="Helsinki", postcode="00100", country="FI")]
    with town(tmp_path, doors) as finland:
        for number, is_sure in (("19 B 21", True), ("19 B, 2. krs", True), ("19 bis 21", False), ("19x21", False)):
            assert finland.locate(f"Fabianinkatu {number}, 00100 Helsinki").quality.goes_on is is_sure, number
