"""A place that our vehicles do not all get to: told when its pin is set, and to whoever brings an order for it."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from data import tables
from data.store import open_store
from routing.model.places import Bounds, Location
from tests.desk import Desk, a_desk
from tests.website import Website, a_website, form_token
from web.dispatcher import addresses
from web.importing import Asked, run_import
from web.wiring import Installation

TOWN = Bounds(south=60.16, west=24.93, north=60.18, east=24.96)
YARD = {"lat": "60.1705", "lon": "24.9412", "label": "the yard"}


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    """The morning's desk, with a van and a cargo bike."""
    desk = a_desk(website)
    with website.installation.database.writing() as connection:
        for number, profile in (("VAN-1", "van"), ("BIKE-1", "cargo_bike")):
            connection.execute(
                insert(tables.vehicle).values(number=number, name=number, depot_id=desk.depot, profile=profile)
            )
    return desk


def roads_for(monkeypatch: pytest.MonkeyPatch, *profiles: str) -> None:
    """Stands in for a region whose roads reach every place for these profiles."""

    def near_roads(_self: Installation, _region: str) -> object:
        def ask(places: Sequence[Location]) -> list[Collection[str]]:
            return [frozenset(profiles)] * len(places)

        return ask

    monkeypatch.setattr(Installation, "near_roads", near_roads)
    monkeypatch.setattr(Installation, "area", lambda _self, _region: TOWN)
    monkeypatch.setattr(addresses, "_region", lambda _of_depots: ("town", ""))


def set_pin(website: Website, desk: Desk, at: dict[str, str] = YARD) -> tuple[int, str]:
    client = website.signed_in()
    token = form_token(client.get("/tasks"))
    with pytest.MonkeyPatch.context() as patch:
        # The page that follows draws a map of the region, which there is none of.
        patch.setattr(addresses, "redirect", lambda _address: "")
        patch.setattr(addresses, "_page", lambda _site_id, *, wrong: wrong)
        answer = client.post(f"/addresses/{desk.sites[4]}/pin", data={"csrf_token": token, **at})
    return answer.status_code, answer.text + client.get("/tasks").text


def test_a_pin_that_only_the_bike_gets_to_is_kept_and_said(
    website: Website, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    roads_for(monkeypatch, "cargo_bike")
    status, told = set_pin(website, desk)
    assert status == 200
    assert told.count("Only the cargo bike gets here: no road for the van lies near.") == 2, "At once, and as a task."
    with website.installation.database.reading() as connection:
        pin = connection.execute(select(tables.site).where(tables.site.c.id == desk.sites[4])).one()
    assert pin.pin_quality == "by_person"
    assert pin.pin_why.startswith("Only the cargo bike")


def test_a_pin_that_nobody_gets_to_is_refused_with_the_mend(
    website: Website, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    roads_for(monkeypatch)
    status, told = set_pin(website, desk)
    assert status == 422
    assert "No road lies near this address, so no vehicle gets there." in told
    with website.installation.database.reading() as connection:
        assert connection.scalars(select(tables.address_pin.c.id)).all() == []


def test_a_pin_outside_the_region_is_refused_though_a_road_lies_near(
    website: Website, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    roads_for(monkeypatch, "van", "cargo_bike")
    status, told = set_pin(website, desk, {**YARD, "lat": "60.1850"})
    assert status == 422
    assert "556 m outside the region" in told


def test_whoever_brings_an_order_for_such_a_place_is_told(
    website: Website, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def notes(number: str) -> list[str]:
        file = io.BytesIO(
            "order,customer,site,depot,ordered_at,sku,quantity\n"
            f"{number},C-4,S-4,NORTH,2026-05-11T08:00:00+03:00,OAT,12\n".encode()
        )
        said = {name: name for name in ("order", "customer", "site", "depot", "ordered_at", "sku", "quantity")}
        with open_store(website.installation.database) as store:
            asked = Asked(kind="orders", by="test", mapping=said)
            result, _ = run_import(store, file, asked, now=website.clock.now())
        assert (result.created, result.errors) == (1, [])
        return [note for note in result.notes if "Café 4" in note]

    assert notes("SO-90") == []
    roads_for(monkeypatch, "cargo_bike")
    set_pin(website, desk)
    assert notes("SO-91") == [
        "1 order goes to Café 4: not every vehicle of ours gets there. Its task says why and what to do."
    ]
