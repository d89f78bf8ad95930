"""How fast and how right the gazetteer is on two cities it was not made for, one Danish, one American.

`make bench` prints the table. Speed is told in CPU time, because other things run beside it, with the time of one
statement of SQLite beside it as a measure of the machine; nothing is asserted about speed. What is asserted: how many
answers are right, and that no address which does not exist was ever called exact.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from routing.engines.addresses.gazetteer import Gazetteer
from routing.engines.addresses.gazetteer_build import build_gazetteer
from routing.model.places import Candidate, Located, PinQuality
from routing.rules.spelling import fold, squeezed
from tests.benchmarks.addresses import Question, mistyped, written, wrong

EXTRACTS = Path(os.environ.get("BACKROUTE_OSM", Path(__file__).parents[3] / "shared" / "osm"))
CITIES = ("copenhagen", "reisterstown")
ASKED = 5_000
MISSPELT = 1_000


def rate(work: Callable[[], object], times: int) -> float:
    """Times a second of CPU."""
    before = time.process_time()
    work()
    return times / (time.process_time() - before)


@pytest.fixture(scope="module", params=CITIES)
def city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    extract = EXTRACTS / f"{request.param}.osm.pbf"
    if not extract.is_file():
        pytest.skip(f"{extract} is not here: BACKROUTE_OSM names the folder of the extracts.")
    path = tmp_path_factory.mktemp(request.param) / "addresses.db"
    build_gazetteer(extract, path)
    return str(request.param), path


def is_right(located: Located, door: Candidate) -> bool:
    found = located.candidates[0] if located.candidates else None
    return found is not None and (found.street, found.house_number) == (door.street, door.house_number)


@pytest.mark.bench
def test_lookups_are_right_and_none_is_exact_that_should_not_be(city: tuple[str, Path]) -> None:
    name, path = city
    chance = random.Random(20)
    with Gazetteer(path) as gazetteer:
        doors = gazetteer.doors()
    sample = [chance.choice(doors) for _ in range(ASKED)]
    table = Table("", "a second of CPU", "right", title=f"{name}: {len(doors):,} addresses")
    shares: dict[int, float] = {}
    for slips, many in ((0, ASKED), (1, MISSPELT), (2, MISSPELT)):
        asked = []
        for door in sample[:many]:
            question = written(door, chance)
            if slips:
                street = mistyped(door.street, chance, slips)
                question = Question(text=f"{street} {door.house_number}, {door.postcode} {door.city}")
            asked.append(question)
        with Gazetteer(path) as cold:
            answers: list[Located] = []
            speed = rate(lambda: answers.extend(ask(cold, asked)), many)  # noqa: B023 - called at once
        shares[slips] = sum(map(is_right, answers, sample)) / many
        table.add_row(f"{slips} typos", f"{speed:,.0f}", f"{shares[slips]:.2%}")
    with Gazetteer(path) as cold:
        speed = rate(lambda: [cold.reverse(door.location) for door in sample], ASKED)
        table.add_row("reverse", f"{speed:,.0f}", "")
    with sqlite3.connect(path) as raw:
        statement = "SELECT first FROM door WHERE street_id = ? AND first = ?"
        speed = rate(lambda: [raw.execute(statement, (n % 999, n % 50)).fetchall() for n in range(ASKED)], ASKED)
        table.add_row("peer: one SQLite statement", f"{speed:,.0f}", "")
    Console().print(table)
    assert shares[0] >= 0.99
    assert shares[1] >= 0.97
    assert shares[2] >= 0.95


@pytest.mark.bench
def test_no_address_that_does_not_exist_is_exact(city: tuple[str, Path], tmp_path: Path) -> None:
    name, path = city
    (neighbour,) = (each for each in CITIES if each != name)
    build_gazetteer(EXTRACTS / f"{neighbour}.osm.pbf", tmp_path / "neighbour.db")
    with Gazetteer(tmp_path / "neighbour.db") as there:
        strangers = there.doors()
    chance = random.Random(21)
    asked: Counter[str] = Counter()
    answered: dict[str, Counter[str]] = defaultdict(Counter)
    exact: list[tuple[str, str, str]] = []
    with Gazetteer(path) as gazetteer:
        doors = gazetteer.doors()
        known: dict[tuple[str, str], set[str]] = defaultdict(set)
        for door in doors:
            known[door.street, door.house_number] |= set(door.postcode.split())
        cities = [each.city for each in doors if each.city]
        streets = {squeezed(fold(door.street)) for door in doors}
        outside = [each for each in strangers if squeezed(fold(each.street)) not in streets]
        for door in (chance.choice(doors) for _ in range(500)):
            if not door.postcode or not door.city:
                continue
            wrong_ones = [*wrong(door, known, outside, chance)]
            city = chance.choice(cities)
            if not (city.startswith(door.city) or door.city.startswith(city)):
                address = f"{door.street} {door.house_number}, {city}"
                wrong_ones.append(("another city of the region", Question(text=address)))
            for what, question in wrong_ones:
                located = gazetteer.locate(question.text, postcode=question.postcode, city=question.city)
                asked[what] += 1
                answered[what][located.quality.value] += 1
                if located.quality is PinQuality.EXACT:
                    exact.append((what, str(question), located.candidates[0].label))
    table = Table("", "asked", "answered", title=f"{name}: addresses that do not exist")
    for what, many in asked.items():
        table.add_row(
            what, f"{many:,}", ", ".join(f"{quality} {times:,}" for quality, times in answered[what].most_common())
        )
    Console().print(table)
    assert exact == []


def ask(gazetteer: Gazetteer, questions: Iterable[Question]) -> list[Located]:
    return [gazetteer.locate(each.text, postcode=each.postcode, city=each.city) for each in questions]
