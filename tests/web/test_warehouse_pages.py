"""The warehouse's pages: a scan answers with one large sentence, a wrong one is undone, a short pick is shown first."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from data import tables
from data.store import SqlStore
from routing.model.picking import PickDelivery
from tests.evening import Driven
from tests.rounds import DAY, SIX, Round, row
from tests.website import Website, a_website, form_token


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@dataclass
class Floor:
    """Van 3's trip of three stops, 12 of SKU1 each, released and on hand: D-1-1, D-1-2, D-1-3."""

    website: Website
    client: FlaskClient
    round: Round

    @property
    def trip(self) -> str:
        return f"/warehouse/trips/{self.round.shift_id}/1"

    def post(self, path: str, /, **data: object) -> TestResponse:
        place = {"shift": self.round.shift_id, "trip": 1, "csrf_token": form_token(self.client.get("/warehouse"))}
        return self.client.post(path, data=place | data)

    def scans(self, code: str, *, mode: str = "pick", page: TestResponse | None = None) -> TestResponse:
        """Types the code on the page that the scan before led to."""
        kept = {} if page is None else dict(re.findall(r'name="(at|n|event)" value="([^"]*)"', page.text))
        answer = self.post("/warehouse/scan", code=code, mode=mode, **kept)
        assert answer.status_code == 302, answer.text
        return self.client.get(answer.headers["Location"])

    def of(self, stop: int) -> PickDelivery:
        with self.website.installation.database.reading() as connection:
            return SqlStore(connection).pick_deliveries([self.round.stops[stop].delivery_id])[0]


@pytest.fixture
def floor(website: Website) -> Floor:
    made = website.a_round()
    with website.installation.database.writing() as connection:
        for table, values in (
            (tables.allocation, {"loaded": 0, "released": 12}),
            (tables.delivery, {"state": "released"}),
            (tables.product, {"barcode": "6412345678901"}),
            (tables.movement, {"from_place": "supplier", "to_place": f"depot:{made.depot_id}"}),
        ):
            connection.execute(update(table).values(values))
        connection.execute(tables.manifest.delete())
        connection.execute(tables.current_plan.insert().values(depot_id=made.depot_id, day=DAY, plan_id=made.plan_id))
    return Floor(website=website, client=website.signed_in(role="warehouse"), round=made)


def said(page: TestResponse) -> list[tuple[str, str]]:
    """(kind, sentence) of what stands large on top."""
    found = re.findall(r'class="say (\w+)".*?<p>(.*?)</p>', page.text, re.DOTALL)
    return [(kind, html.unescape(text)) for kind, text in found]


def test_the_day_lists_its_trips_with_what_is_to_pick(floor: Floor) -> None:
    page = floor.client.get("/warehouse")
    assert f'href="{floor.trip}"' in page.text
    assert re.search(r'counts">0<span class="of"> / 36 picked<', page.text)


def test_what_a_van_fetches_is_nothing_to_pick_and_nothing_on_the_van(floor: Floor) -> None:
    """The crates of the second stop are at its door: the shelf has none, and the van leaves without them."""
    key = floor.round.stops[1].delivery_id
    with floor.website.installation.database.writing() as connection:
        connection.execute(
            update(tables.delivery).where(tables.delivery.c.id == key).values(direction="collect")
        )  # fmt: skip
    assert re.search(r'counts">0<span class="of"> / 24 picked<', floor.client.get("/warehouse").text)
    for mode in ("pick", "load"):
        page = floor.client.get(floor.trip, query_string={"mode": mode}).text
        (card,) = re.findall(rf'<li class="card[^>]*id="d{key}">.*?(?=<li class="card|</ol>)', page, re.DOTALL)
        assert "to fetch" in card
        assert "12 × SKU1" in html.unescape(card)
        for word in ("Short", "Press what is missing", "Stage", "All 12", "picked"):
            assert word not in card, f"{word} of what is fetched, {mode}"
    assert 'counts">0<span class="of"> / 24 picked<' in floor.client.get(floor.trip).text
    with floor.website.installation.database.writing() as connection:
        connection.execute(update(tables.delivery).where(tables.delivery.c.id == key).values(state="loaded"))
    page = floor.client.get(floor.trip, query_string={"mode": "load"}).text
    assert "units on the van" not in page
    assert "goes along to fetch them" in page


def test_a_scanned_product_is_picked_for_whoever_is_loaded_first(floor: Floor) -> None:
    page = floor.scans("6412345678901")
    assert said(page) == [("done", "1 of 12 SKU1  ·  D-1-3 Café 14 at the corner")]
    page = floor.scans("11*", page=page)
    assert said(page) == [("info", "11 × the next product")]
    page = floor.scans("sku1", page=page)
    assert said(page) == [("done", "12 of 12 SKU1  ·  D-1-3 Café 14 at the corner: complete")]
    assert (floor.of(2).stage, floor.of(1).picked) == ("picked", 0)


def test_a_scanned_delivery_is_the_one_that_is_picked_for(floor: Floor) -> None:
    page = floor.scans("D-1-1")
    page = floor.scans("12*SKU1", page=page)
    assert (floor.of(0).picked, floor.of(2).picked) == (12, 0)
    assert said(page)[0][0] == "done"
    page = floor.scans("d-1-1", page=page)
    page = floor.scans("@A3", page=page)
    assert (floor.of(0).stage, floor.of(0).staged_place) == ("staged", "A3")
    again = floor.scans("SKU1", page=floor.scans("D-1-1"))
    assert said(again) == [("failed", "SKU1 Oat milk 1 l is complete on D-1-1.")]


def test_a_wrong_scan_is_undone(floor: Floor) -> None:
    page = floor.scans("5*SKU1")
    assert floor.of(2).picked == 5
    assert said(floor.scans("undo", page=page)) == [("info", "Undone.")]
    assert floor.of(2).picked == 0
    assert said(floor.scans("undo"))[0][0] == "failed"


def test_the_last_good_scan_can_be_undone_whatever_was_asked_or_refused_since(floor: Floor) -> None:
    page = floor.scans("5*SKU1")
    for code in ("nothing", "13*SKU1", "D-1-1", "2*", "SKU9"):
        page = floor.scans(code, page=page)
        assert ">Undo<" in page.text, code
    kept = dict(re.findall(r'name="(at|event)" value="([^"]*)"', page.text.partition('name="do" value="all"')[0]))
    answer = floor.post("/warehouse/pick", delivery=floor.round.stops[0].delivery_id, product=999, do="1", **kept)
    page = floor.client.get(answer.headers["Location"])
    assert said(page)[0][0] == "failed"
    assert said(floor.scans("undo", page=page)) == [("info", "Undone.")]
    assert floor.of(2).picked == 0


def test_a_product_of_another_delivery_on_the_van_says_whose_it_is(floor: Floor) -> None:
    with floor.website.installation.database.writing() as connection:
        other = row(connection, tables.product, number="CUP", name="Cups")
        moved = tables.order_line.c.id == floor.round.stops[1].order_line_id
        connection.execute(update(tables.order_line).where(moved).values(product_id=other))
        supply = row(
            connection, tables.supply, kind="receipt", number="R-CUP", depot_id=floor.round.depot_id, product_id=other,
            quantity=12, counted_at=SIX,
        )  # fmt: skip
        of_stop = tables.allocation.c.id == floor.round.stops[1].allocation_id
        connection.execute(update(tables.allocation).where(of_stop).values(supply_id=supply))
    (one,) = said(floor.scans("CUP", page=floor.scans("D-1-1")))
    assert one == ("failed", "CUP Cups is not in D-1-1. It is for D-1-2, stop 2, on this van.")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("4006381333931", '"4006381333931" is no product, barcode or delivery that is known here.'),
        ("", "Nothing was scanned. Scan again."),
        ("x" * 500, "This code has 500 letters: scan one code at a time."),
        ("0*SKU1", "0 is no quantity to pick: give 1 to 100000."),
        ("13*SKU1", "D-1-3 needs only 12 more of SKU1, not 13."),
        ("<script>", '"<script>" is no product, barcode or delivery that is known here.'),
        ("@" + "x" * 40, "Scan the delivery first, then its place."),
    ],
)
def test_a_scan_that_fits_nothing_says_why_in_red_and_changes_nothing(floor: Floor, code: str, sentence: str) -> None:
    page = floor.scans(code)
    assert said(page) == [("failed", sentence)]
    assert [floor.of(n).picked for n in range(3)] == [0, 0, 0]


def test_a_product_and_a_delivery_of_another_trip_are_refused_by_name(floor: Floor, website: Website) -> None:
    other = website.a_round(number="2", sequence=4)
    with website.installation.database.writing() as connection:
        connection.execute(tables.current_plan.insert().values(depot_id=other.depot_id, day=DAY, plan_id=other.plan_id))
    assert said(floor.scans("SKU2")) == [("failed", "SKU2 Oat milk 1 l is not on Van 3.")]
    (one,) = said(floor.scans("D-2-1"))
    assert one == ("failed", "D-2-1 for Café 12 at the corner goes with Van 4, trip 1, not with Van 3.")
    (two,) = said(floor.scans("D-2-1", mode="load"))
    assert two == ("failed", "D-2-1 for Café 12 at the corner goes with Van 4, trip 1, not with Van 3, trip 1.")


def test_a_van_is_loaded_last_stop_first_by_scanning(floor: Floor) -> None:
    for n in range(3):
        floor.post("/warehouse/pick", delivery=floor.round.stops[n].delivery_id, do="all")
    early = floor.scans("D-1-1", mode="load")
    assert said(early)[0][0] == "failed"
    assert "goes in first" in said(early)[0][1]
    assert "Load it before its turn" in early.text
    for number in ("D-1-3", "D-1-2", "D-1-1"):
        page = floor.scans(number, mode="load")
        assert said(page)[0][0] == "done"
    assert [floor.of(n).stage for n in range(3)] == ["loaded"] * 3
    heads = re.findall(r'counts">(\d+)<span class="of"> / (\d+ \w+)<', page.text)
    assert heads[0] == ("3", "3 loaded")
    undone = floor.scans("undo", mode="load", page=page)
    assert 'counts">2<span class="of"> / 3 loaded<' in undone.text
    assert said(undone) == [("info", "Undone.")]
    assert floor.of(0).stage == "picked"


def test_what_was_taken_back_is_neither_loaded_nor_to_load(floor: Floor) -> None:
    key = floor.round.stops[1].delivery_id
    with floor.website.installation.database.writing() as connection:
        connection.execute(update(tables.delivery).where(tables.delivery.c.id == key).values(state="unreleased"))
    page = floor.client.get(floor.trip, query_string={"mode": "load"})
    assert 'counts">0<span class="of"> / 2 loaded<' in page.text, "nothing is on the van"
    (card,) = re.findall(rf'<li class="card[^>]*id="d{key}">.*?(?=<li class="card|</ol>)', page.text, re.DOTALL)
    assert "taken back" in card
    assert "gone" not in card
    assert "Load" not in card
    assert said(floor.scans("D-1-2"))[0] == ("failed", "D-1-2 was taken back: put nothing of it on a van.")


def test_a_count_that_is_refused_leads_back_to_its_shelf(floor: Floor) -> None:
    """The floor's tablet shows no bar of the browser: a wrong scan must not end the day."""
    shelf = f"/shelves/recount?sku=SKU1&depot={floor.round.depot_id}"
    form = {"sku": "SKU1", "depot": floor.round.depot_id, "csrf_token": form_token(floor.client.get(shelf))}
    refused = floor.client.post(
        "/shelves/recount/simulate", data={**form, "counted": "x"}, headers={"Referer": f"http://localhost{shelf}"}
    )
    assert refused.status_code == 422
    assert "is no count" in html.unescape(refused.text)
    assert f'href="{html.escape(shelf)}"' in refused.text
    assert 'href="/warehouse"' in refused.text, "the pages stay within reach"
    first = re.search(r"<main.*?<p>(.*?)</p>", refused.text, re.DOTALL)
    assert first, "the board's scripts read the first paragraph"
    assert "is no count" in first[1]


@pytest.mark.parametrize(
    "came", ["http://elsewhere.example/shelves/recount", "http://localhost/shelves/recount/simulate", ""]
)
def test_no_way_back_leads_elsewhere_or_to_what_only_a_form_can_open(floor: Floor, came: str) -> None:
    refused = floor.client.get("/shelves/recount/simulate", headers={"Referer": came} if came else {})
    assert refused.status_code == 405
    assert "arrow-left" not in refused.text
    assert 'href="/warehouse"' in refused.text


def test_a_link_that_does_not_open_looks_alike_to_who_is_signed_in(floor: Floor) -> None:
    page = floor.client.get("/t/nothing-is-called-so")
    assert page.status_code in (403, 404)
    assert 'href="/warehouse"' not in page.text


def test_what_was_not_picked_is_loaded_only_by_choice(floor: Floor) -> None:
    page = floor.scans("D-1-3", mode="load")
    assert "12 of 12 × SKU1 are missing" in said(page)[0][1]
    assert "Take the rest along unpicked" in page.text
    floor.post("/warehouse/load", delivery=floor.round.stops[2].delivery_id, mode="load", pick_rest="1")
    assert floor.of(2).stage == "loaded"


def test_a_finger_picks_puts_back_stages_and_takes_off(floor: Floor) -> None:
    key = floor.round.stops[0].delivery_id
    for do, picked in (("1", 1), ("6", 7), ("-1", 6), ("all", 12)):
        floor.post("/warehouse/pick", delivery=key, product=floor.round.product_id, do=do)
        assert floor.of(0).picked == picked
    floor.post("/warehouse/stage", delivery=key, place="Bay 2")
    assert floor.of(0).staged_place == "Bay 2"
    floor.post("/warehouse/stage", delivery=key, off="1")
    assert floor.of(0).stage == "picked"
    floor.post("/warehouse/put-back", delivery=key)
    assert floor.of(0).stage == "to_pick"
    for bad in ("soon", "0", "99999999999", "1.5"):
        assert floor.post("/warehouse/pick", delivery=key, product=floor.round.product_id, do=bad).status_code == 422


def test_a_wave_picks_one_product_for_every_trip(floor: Floor) -> None:
    page = floor.client.get(f"/warehouse/waves/{floor.round.depot_id}?day={DAY}")
    assert re.search(r'counts">36<span class="of"> pcs', page.text)
    place = {"shift": "", "trip": "", "depot": floor.round.depot_id, "day": DAY}
    answer = floor.post("/warehouse/scan", code="12*SKU1", **place)
    assert f"/warehouse/waves/{floor.round.depot_id}" in answer.headers["Location"]
    assert floor.of(2).picked == 12


def test_what_no_van_carries_stands_apart_and_is_not_picked(floor: Floor) -> None:
    gone = floor.round.stops[2]
    with floor.website.installation.database.writing() as connection:
        connection.execute(tables.stop_delivery.delete().where(tables.stop_delivery.c.delivery_id == gone.delivery_id))
        connection.execute(
            update(tables.site).where(tables.site.c.id == gone.site_id).values(pin_quality="approximate")
        )
        connection.execute(update(tables.site).where(tables.site.c.id != gone.site_id).values(pin_quality="exact"))
    page = floor.client.get("/warehouse")
    apart = page.text.partition("Released, on no van yet: not picked")[2]
    assert ("D-1-3" in apart, "address in review" in apart, "D-1-2" in apart) == (True, True, False)
    assert re.search(r'counts">0<span class="of"> / 24 picked<', page.text)
    wave = floor.client.get(f"/warehouse/waves/{floor.round.depot_id}?day={DAY}")
    assert (re.search(r'counts">24<span class="of"> pcs', wave.text) is not None, "D-1-3" in wave.text) == (True, False)
    place = {"shift": "", "trip": "", "depot": floor.round.depot_id, "day": DAY}
    floor.post("/warehouse/scan", code="12*SKU1", **place)
    assert [floor.of(n).picked for n in range(3)] == [0, 12, 0]
    floor.post("/warehouse/pick", delivery=gone.delivery_id, do="all")  # picked before it fell out of the plan
    page = floor.client.get("/warehouse")
    assert "Put D-1-3 back on the shelf" in page.text
    floor.post("/warehouse/put-back", delivery=gone.delivery_id, **place)
    assert floor.of(2).picked == 0


def test_before_the_plan_the_floor_has_one_line_and_what_is_to_be_fetched_is_named_so(floor: Floor) -> None:
    with floor.website.installation.database.writing() as connection:
        connection.execute(tables.stop_delivery.delete())
        connection.execute(update(tables.site).values(pin_quality="exact"))
        mine = tables.delivery.c.id == floor.round.stops[1].delivery_id
        connection.execute(update(tables.delivery).where(mine).values(direction="collect"))
    apart = floor.client.get("/warehouse").text.partition("Released, on no van yet: not picked")[2]
    assert "3 wait for the plan of the day" in apart
    assert "not planned yet" not in apart
    assert [("to fetch" in line) for line in re.findall(r"<li>.*?</li>", apart, re.DOTALL)] == [False, True, False]


# ---------------------------------------------------------------------------- short picks and recounts


def seen(page: TestResponse) -> str:
    return html.unescape(re.findall(r'name="seen" value="([^"]*)"', page.text)[-1])


def units_on_hand(floor: Floor) -> int:
    with floor.website.installation.database.reading() as connection:
        return SqlStore(connection).goods_at(f"depot:{floor.round.depot_id}")[floor.round.product_id]


def test_a_short_pick_is_shown_first_and_committed_once(floor: Floor) -> None:
    key, product = floor.round.stops[0].delivery_id, floor.round.product_id
    line = f"/shelves/short?delivery={key}&product={product}&shift={floor.round.shift_id}&trip=1"
    asked = html.unescape(floor.client.get(line).text)
    assert "How many × SKU1 did you find for D-1-1 Café 12 at the corner?" in asked
    assert re.search(r"36</.*by the books at Depot North", asked, re.DOTALL)
    assert "the shelf counts as empty" in asked
    shown = floor.client.get(f"{line}&there=8")
    # 8 of 36 lie there: the first keeps 8, the two behind it lose all.
    assert "goes out with 8 of 12" in shown.text
    assert units_on_hand(floor) == 36
    form: dict[str, Any] = {"delivery": key, "product": product, "there": 8}
    assert floor.post("/shelves/short/commit", **form, seen="other").status_code == 409
    assert units_on_hand(floor) == 36
    assert floor.post("/shelves/short/commit", **form, seen=seen(shown)).status_code == 302
    assert units_on_hand(floor) == 8
    assert (floor.of(0).quantity, floor.of(2).state) == (8, "unreleased")
    for there in ("12", "-1", "x", "", "99999999999"):
        answer = floor.post("/shelves/short/commit", **form | {"there": there}, seen="")
        assert 400 <= answer.status_code < 500, there


def test_a_short_pick_of_a_delivery_with_other_goods_is_committed_as_it_was_shown(floor: Floor) -> None:
    """Those other goods are locked with it, and what nobody touches of them is no change."""
    key, product = floor.round.stops[0].delivery_id, floor.round.product_id
    with floor.website.installation.database.writing() as connection:
        other = row(connection, tables.product, number="CUP", name="Cups")
        supply = row(
            connection, tables.supply, kind="receipt", number="R-CUP", depot_id=floor.round.depot_id, product_id=other,
            quantity=4, counted_at=SIX,
        )  # fmt: skip
        order = connection.scalar(select(tables.order.c.id).where(tables.order.c.number == "SO-1-1"))
        line = row(
            connection, tables.order_line, order_id=order, number="2", product_id=other, quantity=4, expected_on=DAY
        )
        units = row(connection, tables.allocation, supply_id=supply, order_line_id=line, quantity=4, released=4, at=SIX)
        row(connection, tables.delivery_line, delivery_id=key, allocation_id=units, quantity=4)
        row(
            connection, tables.movement, at=SIX, product_id=other, quantity=4, from_place="supplier",
            to_place=f"depot:{floor.round.depot_id}", supply_id=supply, why="received", by="test",
        )  # fmt: skip
    floor.post("/warehouse/pick", delivery=key, product=product, do="10")
    for there in (9, 8):  # of those that were picked: they go back first
        shown = floor.client.get(f"/shelves/short?delivery={key}&product={product}&there={there}")
        assert "CUP" not in shown.text.partition("This is what will happen")[2]
        form: dict[str, Any] = {"delivery": key, "product": product, "there": there}
        answer = floor.post("/shelves/short/commit", **form, seen=seen(shown))
        assert answer.status_code == 302, answer.text
        assert floor.of(0).line_of(product).picked == there  # type: ignore[union-attr]
    assert floor.of(0).line_of(other).quantity == 4  # type: ignore[union-attr]


def test_a_recount_is_shown_first_and_committed_only_as_shown(floor: Floor) -> None:
    page = floor.client.get(f"/shelves/recount?sku=6412345678901&depot={floor.round.depot_id}")
    assert "SKU1" in page.text
    form: dict[str, Any] = {"sku": "SKU1", "depot": floor.round.depot_id, "counted": 30}
    shown = floor.post("/shelves/recount/simulate", **form)
    assert "was released with 6" in shown.text
    assert re.search(r"12 →</span> <b>6</b>", shown.text), "what lay there for it before, and after"
    assert units_on_hand(floor) == 36
    assert floor.post("/shelves/recount/commit", **form, seen="other").status_code == 409
    assert floor.post("/shelves/recount/commit", **form, seen=seen(shown)).status_code == 302
    assert units_on_hand(floor) == 30
    for counted in ("-1", "x", "", "2147483647", "2147483648", "99999999999999999999"):
        answer = floor.post("/shelves/recount/simulate", **form | {"counted": counted})
        assert answer.status_code == 422, counted
    assert floor.client.get("/shelves/recount?sku=nothing").status_code == 404
    assert units_on_hand(floor) == 30


def test_a_viewer_and_a_salesperson_have_no_warehouse(website: Website) -> None:
    for role in ("viewer", "salesperson"):
        client = website.signed_in(role=role)
        assert client.get("/warehouse").status_code == 403
        assert "/warehouse" not in client.get("/orders").text


def test_events_of_the_warehouse_are_told_in_plain_words(floor: Floor) -> None:
    floor.scans("12*SKU1")
    floor.scans("@A3", page=floor.scans("D-1-3"))
    with floor.website.installation.database.reading() as connection:
        order = connection.scalar(select(tables.order.c.id).where(tables.order.c.number == "SO-1-3"))
    text = floor.client.get(f"/orders/{order}").text
    assert "12 units picked: 12 of 12." in text
    assert "Waits at A3 to be loaded." in text


# ---------------------------------------------------------------------------- after the door


def refuse_one(floor: Floor) -> int:
    """The driver of the round reports that the first door refused 4 of 12; the task's key."""
    with floor.website.installation.database.writing() as connection:
        connection.execute(update(tables.allocation).values(loaded=12, released=0))
        connection.execute(update(tables.delivery).values(state="dispatched"))
        connection.execute(
            tables.manifest.insert().values(
                id=floor.round.manifest_id, plan_id=floor.round.plan_id, route_id=floor.round.route_id,
                shift_id=floor.round.shift_id, driver_id=floor.round.driver_id, day=DAY, content={},
                dispatched_at=floor.website.clock.at, by="test",
            )
        )  # fmt: skip
    Driven(floor.website.installation.database, floor.round).says(0, delivered=8, refused=4)
    with floor.website.installation.database.reading() as connection:
        return int(connection.scalar(select(tables.task.c.id).where(tables.task.c.kind == "door_decision")) or 0)


def test_a_refusal_is_decided_by_a_button_on_the_tasks(floor: Floor) -> None:
    task = refuse_one(floor)
    desk = floor.website.signed_in()
    page = desk.get("/tasks")
    assert f"/tasks/{task}/decide" in page.text
    token = form_token(page)
    for bad in ({}, {"decision": "burn"}, {"decision": "redeliver", "for_day": "soon"}):
        assert desk.post(f"/tasks/{task}/decide", data={"csrf_token": token, **bad}).status_code == 422, bad
    answer = desk.post(f"/tasks/{task}/decide", data={"csrf_token": token, "decision": "credit"})
    assert answer.headers["Location"] == "/tasks"
    assert "4 refused units of D-1-1 are credited." in desk.get("/tasks").text
    assert f"/tasks/{task}/decide" not in desk.get("/tasks").text


def test_a_refusal_is_decided_where_its_order_says_that_a_decision_waits(floor: Floor) -> None:
    task = refuse_one(floor)
    desk = floor.website.signed_in()
    with floor.website.installation.database.reading() as connection:
        order = connection.scalar(select(tables.order.c.id).where(tables.order.c.number == "SO-1-1"))
    page = desk.get(f"/orders/{order}")
    assert f"/tasks/{task}/decide" in page.text
    form = {"csrf_token": form_token(page), "order": order, "decision": "credit"}
    assert desk.post(f"/tasks/{task}/decide", data=form).headers["Location"] == f"/orders/{order}"
    after = desk.get(f"/orders/{order}").text
    assert "4 refused units of D-1-1 are credited." in after
    assert f"/tasks/{task}/decide" not in after
    assert f"/tasks/{task}/decide" not in floor.website.signed_in(role="viewer").get(f"/orders/{order}").text


def test_what_came_back_is_inspected_on_a_page(floor: Floor) -> None:
    with floor.website.installation.database.writing() as connection:
        connection.execute(
            tables.movement.insert().values(
                at=floor.website.clock.at, product_id=floor.round.product_id, quantity=6, why="came back", by="test",
                from_place=f"vehicle:{floor.round.vehicle_id}", to_place=f"returned:{floor.round.depot_id}",
            )
        )  # fmt: skip
    page = floor.client.get("/shelves/returns").text
    assert "Oat milk 1 l" in page
    assert 'name="seen" value="6"' in page
    form = {"depot": floor.round.depot_id, "product": floor.round.product_id, "place": "returned"}
    for bad in ({}, {"quantity": "0", "verdict": "stock"}, {"quantity": "2", "verdict": "eat"}):
        assert floor.post("/shelves/returns", **form, **bad).status_code == 422, bad
    assert floor.post("/shelves/returns", **form, quantity="7", verdict="stock").status_code == 409
    form["seen"] = 6
    assert floor.post("/shelves/returns", **form, quantity="2", verdict="stock").status_code == 302
    assert floor.post("/shelves/returns", **form, quantity="2", verdict="stock").status_code == 409  # pressed twice
    form["seen"] = 4
    assert floor.post("/shelves/returns", **form, quantity="4", verdict="stock").status_code == 302
    assert "Nothing to inspect" in floor.client.get("/shelves/returns").text
    assert units_on_hand(floor) == 42
