"""Pins: found, remembered, or asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import select

from data import tables
from data.db import Database
from data.queries.addresses import last_order, places_out_of_reach
from data.store import open_store
from routing.errors import InvalidInput
from routing.model.places import Bounds, Candidate, Located, Location, PinQuality
from routing.services import locating
from routing.services.locating import LocatedAll, choose_pin, locate_sites

HERE = Location(lat=60.1685, lon=24.9455)
THERE = Location(lat=60.17, lon=24.95)


class Finder:
    """Answers from a table: a stand-in for a gazetteer. Checks that no transaction is open while it is asked."""

    def __init__(self, database: Database, answers: dict[str, Located]) -> None:
        self.database, self.answers, self.asked = database, answers, []  # type: tuple[Any, Any, list[str]]

    def locate(self, address: str, *, postcode: str = "", city: str = "") -> Located:
        with self.database.writing():  # would wait for ever behind an open transaction
            self.asked.append(address)
        return self.answers.get(address, Located(quality=PinQuality.NOT_FOUND, candidates=(), why="Not known."))

    def reverse(self, location: Location) -> Located:
        raise AssertionError("not asked")


def sure(label: str) -> Located:
    return Located(quality=PinQuality.EXACT, candidates=(candidate(label, PinQuality.EXACT),))


def candidate(label: str, quality: PinQuality) -> Candidate:
    return Candidate(
        location=HERE, label=label, street=label, house_number="1", quality=quality, score=90.0, source="gazetteer"
    )


DOUBT = Located(
    quality=PinQuality.APPROXIMATE,
    candidates=(candidate("Testgatan 99", PinQuality.APPROXIMATE),),
    why="Number 9999 is not known on Testgatan.",
)


@pytest.fixture
def locate(database: Database, kit: Any) -> Callable[..., tuple[LocatedAll, Finder]]:
    def run(answers: dict[str, Located], **options: Any) -> tuple[LocatedAll, Finder]:
        finder = Finder(database, answers)
        return locate_sites(lambda: open_store(database), finder=finder, now=kit.NOW, **options), finder

    return run


def unpinned(day: Any, address: str) -> int:
    key: int = day.site(address=address, lat=None, lon=None, pin_quality="not_found", pin_at=None)
    return key


def site_row(database: Database, key: int) -> Any:
    with database.reading() as connection:
        return connection.execute(select(tables.site).where(tables.site.c.id == key)).one()


def test_a_sure_address_gets_its_pin_and_a_doubtful_one_a_task_with_its_candidates(
    day: Any, database: Database, locate: Any
) -> None:
    clear, unclear = unpinned(day, "Testgatan 1"), unpinned(day, "Testgatan 9999")
    result, _ = locate({"Testgatan 1": sure("Testgatan 1"), "Testgatan 9999": DOUBT})
    assert (result.found, len(result.doubtful), result.waiting) == (1, 1, 0)
    second, _ = locate({})
    assert (second.found, len(second.doubtful), second.waiting) == (0, 0, 1), "a person is needed still"
    assert site_row(database, clear).pin_quality == "exact"
    row = site_row(database, unclear)
    assert (row.pin_quality, row.pin_candidates[0]["label"]) == ("approximate", "Testgatan 99")
    with database.reading() as connection:
        task = connection.execute(select(tables.task)).one()
    assert (task.kind, task.subject_id, task.done_at) == ("address_in_review", unclear, None)
    assert "Number 9999 is not known" in task.sentence


def test_an_address_no_road_reaches_is_told_at_once(day: Any, database: Database, kit: Any, locate: Any) -> None:
    island, street = unpinned(day, "Island 1"), unpinned(day, "Testgatan 1")
    remembered = unpinned(day, "Rock 2")
    with open_store(database) as store:
        choose_pin(store, site_id=remembered, location=THERE, label="the rock", by="Dispatcher 1", now=kit.NOW)
    again = unpinned(day, "rock 2")
    asked: list[Location] = []

    def near_roads(places: Sequence[Location]) -> list[set[str]]:
        asked.extend(places)
        return [{"van"} if place == HERE and number > 0 else set() for number, place in enumerate(places)]

    answers = {"Island 1": sure("Island 1"), "Testgatan 1": sure("Testgatan 1")}
    result, _ = locate(answers, near_roads=near_roads)
    assert (result.found, result.remembered) == (1, 0)
    assert [(want.id, why.partition(".")[0]) for want, why in result.doubtful] == [
        (island, "No road lies near this address, so no vehicle gets there"),
        (again, "No road lies near this address, so no vehicle gets there"),
    ]
    assert asked == [HERE, HERE, THERE]
    assert site_row(database, island).pin_quality == "approximate"
    assert site_row(database, street).pin_quality == "exact"
    with database.reading() as connection:
        assert set(connection.execute(select(tables.task.c.subject_id)).scalars()) == {island, again}
        assert places_out_of_reach(connection, after_order=0) == []  # no order goes there yet
    goods = {"depot_id": day.depot(), "product_id": day.product()}
    day.delivery(site_id=island, **goods)
    with database.reading() as connection:
        first = last_order(connection)
    day.delivery(site_id=island, **goods)
    with database.reading() as connection:
        for after, orders in ((0, 2), (first, 1)):
            (told,) = places_out_of_reach(connection, after_order=after)
            assert (told.some, told.orders) == (False, orders)


def test_a_yard_that_only_bikes_get_to_goes_on_and_a_person_is_told(
    day: Any, database: Database, kit: Any, locate: Any
) -> None:
    depot = day.depot()
    day.vehicle(depot_id=depot, profile="van")
    day.vehicle(depot_id=depot, profile="bike")
    yard = unpinned(day, "Yard 3")
    result, _ = locate({"Yard 3": sure("Yard 3")}, near_roads=lambda places: [{"cargo_bike"}] * len(places))
    assert (result.found, result.doubtful) == (1, ())
    ((want, why),) = result.some
    assert (want.id, why.partition(".")[0]) == (yard, "Only the cargo bike gets here: no road for the van lies near")
    row = site_row(database, yard)
    assert (row.pin_quality, row.pin_why) == ("exact", why)
    with database.reading() as connection:
        task = connection.execute(select(tables.task)).one()
    assert (task.kind, task.subject_id, task.done_at) == ("address_some_vehicles", yard, None)
    # The pin is moved to the street: everybody gets there, and nobody has to be told.
    with open_store(database) as store:
        said = choose_pin(
            store, site_id=yard, location=THERE, label="the street", by="Dispatcher 1", now=kit.NOW,
            near={"van", "cargo_bike"},
        )  # fmt: skip
    assert said == site_row(database, yard).pin_why == ""
    with database.reading() as connection:
        assert connection.execute(select(tables.task.c.outcome)).scalar_one() == "the street"


def test_a_pin_dragged_to_where_none_of_our_vehicles_gets_is_refused_at_once(
    day: Any, database: Database, kit: Any
) -> None:
    day.vehicle(depot_id=day.depot(), profile="truck")
    site = unpinned(day, "Yard 3")
    with open_store(database) as store, pytest.raises(InvalidInput, match=r"No road for our vehicles \(truck\)"):
        choose_pin(
            store, site_id=site, location=THERE, label="here", by="Dispatcher 1", now=kit.NOW, near={"cargo_bike"}
        )
    assert site_row(database, site).pin_quality == "not_found"


def test_a_pin_outside_the_region_is_refused_though_a_road_lies_near(day: Any, database: Database, kit: Any) -> None:
    site = unpinned(day, "Yard 3")
    near = {"van", "car"}
    for metres, refused in ((30, False), (300, True)):
        area = Bounds(south=THERE.lat + metres / 111_195, west=THERE.lon - 1, north=THERE.lat + 1, east=THERE.lon + 1)
        with open_store(database) as store:
            if refused:
                with pytest.raises(InvalidInput, match="300 m outside the region"):
                    choose_pin(
                        store, site_id=site, location=THERE, label="here", by="D", now=kit.NOW, near=near, area=area
                    )
            else:
                choose_pin(store, site_id=site, location=THERE, label="here", by="D", now=kit.NOW, near=near, area=area)


def test_what_waits_for_a_person_is_not_looked_up_again_unless_asked(day: Any, locate: Any) -> None:
    unpinned(day, "Testgatan 9999")
    locate({"Testgatan 9999": DOUBT})
    assert locate({})[1].asked == []
    assert locate({"Testgatan 9999": DOUBT}, again=True)[1].asked == ["Testgatan 9999"]


def test_a_chosen_pin_closes_the_task_and_is_remembered_for_that_address(
    day: Any, database: Database, kit: Any, locate: Any
) -> None:
    first = unpinned(day, "Testgatan 9999")
    locate({"Testgatan 9999": DOUBT})
    with open_store(database) as store:
        choose_pin(store, site_id=first, location=THERE, label="the yard", by="Dispatcher 1", now=kit.NOW)
    row = site_row(database, first)
    assert (row.lat, row.pin_quality, row.pin_by) == (THERE.lat, "by_person", "Dispatcher 1")
    with database.reading() as connection:
        assert connection.execute(select(tables.task.c.outcome)).scalar_one() == "the yard"
    # The same address in another spelling, for another customer: nobody is asked twice.
    second = unpinned(day, "TESTGATAN  9999")
    result, finder = locate({})
    assert (result.remembered, finder.asked) == (1, [])
    assert site_row(database, second).lat == THERE.lat


def test_one_address_of_many_sites_is_looked_up_once(day: Any, locate: Any) -> None:
    for _ in range(3):
        unpinned(day, "Testgatan 1")
    result, finder = locate({"Testgatan 1": sure("Testgatan 1")})
    assert (result.found, finder.asked) == (3, ["Testgatan 1"])


def test_a_depot_is_located_too(day: Any, database: Database, locate: Any) -> None:
    key = day.depot(address="Testgatan 1", lat=None, lon=None)
    locate({"Testgatan 1": sure("Testgatan 1")})
    with database.reading() as connection:
        assert connection.execute(select(tables.depot.c.lat).where(tables.depot.c.id == key)).scalar_one() == HERE.lat


def test_a_door_that_the_customer_has_already_is_asked_about_and_kept_once_confirmed(
    day: Any, database: Database, kit: Any, locate: Any
) -> None:
    first = unpinned(day, "Testgatan 1")
    with database.writing() as connection:
        customer = connection.execute(select(tables.site.c.customer_id).where(tables.site.c.id == first)).scalar_one()
    twin = day.site(
        customer_id=customer, address="testgatan 1", lat=None, lon=None, pin_quality="not_found", pin_at=None
    )
    flat = day.site(
        customer_id=customer, address="Testgatan 1, Apt 4", lat=None, lon=None, pin_quality="not_found", pin_at=None
    )
    stranger = unpinned(day, "Testgatan  1")
    found = sure("Testgatan 1")
    answers = {text: found for text in ("Testgatan 1", "testgatan 1", "Testgatan 1, Apt 4", "Testgatan  1")}
    result, _ = locate(answers)
    assert [want.id for want, _ in result.doubtful] == [twin]
    row = site_row(database, twin)
    assert (row.pin_quality, row.lat) == ("duplicate", HERE.lat)
    assert "of the same customer is at Testgatan 1 too" in row.pin_why
    assert [site_row(database, key).pin_quality for key in (first, flat, stranger)] == ["exact"] * 3
    with open_store(database) as store:
        choose_pin(store, site_id=twin, location=HERE, label="Testgatan 1", by="Dispatcher 1", now=kit.NOW)
    locate(answers, again=True)
    assert site_row(database, twin).pin_quality == "by_person"


class Stumbling(Finder):
    """Raises for some addresses."""

    def __init__(self, database: Database, answers: dict[str, Located], raises: dict[str, Exception]) -> None:
        super().__init__(database, answers)
        self.raises = raises

    def locate(self, address: str, *, postcode: str = "", city: str = "") -> Located:
        if address in self.raises:
            raise self.raises[address]
        return super().locate(address, postcode=postcode, city=city)


def test_an_address_that_the_finder_stumbles_over_becomes_a_task_and_the_others_their_pins(
    day: Any, database: Database, kit: Any
) -> None:
    before, odd, after = (unpinned(day, text) for text in ("Testgatan 1", "http://[Testgatan", "Testgatan 2"))
    finder = Stumbling(
        database,
        {text: sure(text) for text in ("Testgatan 1", "Testgatan 2")},
        {"http://[Testgatan": ValueError("Invalid IPv6 URL")},
    )
    result = locate_sites(lambda: open_store(database), finder=finder, now=kit.NOW)
    assert (result.found, [want.id for want, _ in result.doubtful]) == (2, [odd])
    assert [site_row(database, key).pin_quality for key in (before, odd, after)] == ["exact", "not_found", "exact"]
    with database.reading() as connection:
        task = connection.execute(select(tables.task)).one()
    assert (task.kind, task.subject_id) == ("address_in_review", odd)
    assert "could not be looked up. Correct it, or set the pin." in task.sentence


def test_what_ends_a_run_leaves_the_pins_of_the_portions_before_it(
    day: Any, database: Database, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locating, "AT_ONCE", 1)
    before, last = unpinned(day, "Testgatan 1"), unpinned(day, "Testgatan 2")
    finder = Stumbling(database, {"Testgatan 1": sure("Testgatan 1")}, {"Testgatan 2": OSError("The file is gone")})
    with pytest.raises(OSError, match="gone"):
        locate_sites(lambda: open_store(database), finder=finder, now=kit.NOW)
    assert [site_row(database, key).pin_quality for key in (before, last)] == ["exact", "not_found"]
    with database.reading() as connection:
        assert connection.execute(select(tables.task)).all() == []


def test_an_address_is_looked_up_in_the_region_of_the_depot_that_serves_it(
    day: Any, database: Database, kit: Any
) -> None:
    """By its newest order, else by its delivery zone; what no depot serves is looked up where none is named."""
    first, second = (
        day.add(tables.region, name=name, build="one", facts={}, built_at=kit.NOW) for name in ("first", "second")
    )
    depots = [day.depot(region_id=first), day.depot(region_id=second)]
    zoned, ordered, unserved = (unpinned(day, "Testgatan 1") for _ in range(3))
    with open_store(database) as store:
        zones = [
            store.save_zone(None, {"depot_id": depot, "number": f"Z{n}", "name": f"Zone {n}"})
            for n, depot in enumerate(depots)
        ]
        customer = store.connection.scalar(select(tables.site.c.customer_id).where(tables.site.c.id == ordered))
    with database.writing() as connection:
        of_zone = tables.site.update().where(tables.site.c.id.in_([zoned, ordered]))
        connection.execute(of_zone.values(delivery_zone_id=zones[0]))
    day.add(
        tables.order, number="SO-9", customer_id=customer, site_id=ordered, depot_id=depots[1], ordered_at=kit.NOW,
        currency="EUR",
    )  # fmt: skip
    answers = {"Testgatan 1": sure("Testgatan 1")}
    finders = {name: Finder(database, answers) for name in ("", "first", "second")}
    asked: dict[str, list[int]] = {"first": [], "second": []}

    def of_region(name: str) -> tuple[Finder, Callable[[Sequence[Location]], list[set[str]]]]:
        def near_roads(places: Sequence[Location]) -> list[set[str]]:
            asked[name].append(len(places))
            return [{"van"} for _ in places]

        return finders[name], near_roads

    result = locate_sites(lambda: open_store(database), finder=finders[""], now=kit.NOW, of_region=of_region)
    assert {name: finder.asked for name, finder in finders.items()} == {name: ["Testgatan 1"] for name in finders}
    assert asked == {"first": [1], "second": [1]}
    assert result.found == 3
    with open_store(database) as store:
        assert store.regions_of_sites([zoned, ordered, unserved]) == {zoned: "first", ordered: "second"}


def two_regions(day: Any, kit: Any) -> tuple[int, int]:
    boxes = {
        "first": {"south": 55.6, "west": 12.5, "north": 55.7, "east": 12.6},
        "second": {"south": 60.1, "west": 24.9, "north": 60.2, "east": 25.0},
    }
    first, second = (
        day.add(tables.region, name=name, build="one", facts={"bounds": box}, built_at=kit.NOW)
        for name, box in boxes.items()
    )
    return first, second


def located_in_two(database: Database, kit: Any, *known: str) -> tuple[LocatedAll, dict[str, Finder]]:
    """Looks up what wants a pin; the regions `known` know Testgatan 1 and 2 exactly."""
    answers = {text: sure(text) for text in ("Testgatan 1", "Testgatan 2")}
    finders = {name: Finder(database, answers if name in known else {}) for name in ("first", "second")}
    result = locate_sites(
        lambda: open_store(database),
        finder=finders["first"],
        now=kit.NOW,
        of_region=lambda name: (finders[name], lambda places: [{"van"} for _ in places]),
        regions=["first", "second"],
    )
    return result, finders


def test_a_depot_known_by_its_address_alone_is_found_in_whichever_region_knows_it_and_so_is_what_it_serves(
    day: Any, database: Database, kit: Any
) -> None:
    _first, second = two_regions(day, kit)
    depot = day.depot(address="Testgatan 1", lat=None, lon=None)
    site = unpinned(day, "Testgatan 2")
    with open_store(database) as store:
        zone = store.save_zone(None, {"depot_id": depot, "number": "Z", "name": "Zone"})
    with database.writing() as connection:
        connection.execute(tables.site.update().values(delivery_zone_id=zone))
    result, finders = located_in_two(database, kit, "second")
    assert (result.found, result.doubtful) == (2, ())
    with database.reading() as connection:
        row = connection.execute(select(tables.depot)).one()
    assert (row.lat, row.region_id) == (HERE.lat, second)
    assert site_row(database, site).pin_quality == "exact"
    assert {name: finder.asked for name, finder in finders.items()} == {
        "first": ["Testgatan 1"],
        "second": ["Testgatan 1", "Testgatan 2"],
    }


def test_a_depot_whose_address_several_regions_know_is_asked_about_and_each_is_named(
    day: Any, database: Database, kit: Any
) -> None:
    two_regions(day, kit)
    depot = day.depot(address="Testgatan 1", lat=None, lon=None)
    result, _ = located_in_two(database, kit, "first", "second")
    ((want, why),) = result.doubtful
    assert want.id == depot
    assert why == (
        "Several regions know this address: first (Testgatan 1), second (Testgatan 1). "
        "Write its town with it, or its coordinates."
    )
    with database.reading() as connection:
        assert connection.execute(select(tables.depot.c.lat)).scalar_one() is None


def test_a_depot_that_no_region_knows_is_asked_about_with_the_surest_answer(
    day: Any, database: Database, kit: Any
) -> None:
    two_regions(day, kit)
    day.depot(address="Testgatan 9", lat=None, lon=None)
    result, _ = located_in_two(database, kit)
    assert [why for _want, why in result.doubtful] == ["Not known."]
