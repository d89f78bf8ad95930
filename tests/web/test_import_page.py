"""The import page: a header is explained once, a shop is recognised, a big file can be stopped before it changes."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from openpyxl import Workbook
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from data import tables
from data.importers import orders
from data.store import SqlStore, open_store
from routing.services.receiving import commit_receipt
from tests.desk import HOSTILE, Desk, a_desk, counted
from tests.shop_export import as_export, many, order
from tests.website import Website, a_website, form_token
from web import import_job
from web.jobs import run_job

FOREIGN = "Item No;Descr;Weight;Vendor\nTEA;Green tea;100;SUP-9\n"


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    return a_desk(website)


@pytest.fixture
def client(website: Website, desk: Desk) -> FlaskClient:
    return website.signed_in()


def send(client: FlaskClient, content: str | bytes, name: str = "file.csv", **data: str) -> TestResponse:
    content = content.encode() if isinstance(content, str) else content
    return post(client, "/import", file=(io.BytesIO(content), name), **data)


def post(client: FlaskClient, at: str, **data: object) -> TestResponse:
    return client.post(at, data={"csrf_token": form_token(client.get("/import")), **data})


def kept(page: TestResponse) -> str:
    found = re.search(r'name="kept" value="([0-9a-f]{64})"', page.text)
    assert found is not None
    return found[1]


def number_of(website: Website, table: str) -> int:
    with website.installation.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(tables.metadata.tables[table])) or 0


MAPPED = {"kind": "products", "mapped": "1", "map-sku": "item no", "map-name": "descr", "map-weight_g": "weight"}


def test_a_foreign_header_is_asked_about_once_and_remembered(client: FlaskClient, website: Website) -> None:
    asked = send(client, FOREIGN, "erp.csv", kind="products")
    assert "Which column of erp.csv is which?" in asked.text
    assert re.search(r'<select[^>]*name="map-sku"[^>]*>.*?value="item no" selected', asked.text, re.S)
    assert re.search(r'<select[^>]*name="map-name"[^>]*required', asked.text)
    assert "descr (Green tea)" in asked.text
    assert number_of(website, "product") == 2
    tried = post(client, "/import", kept=kept(asked), file_name="erp.csv", **MAPPED, **{"try": "1"})
    assert "Dry run of erp.csv" in tried.text
    assert number_of(website, "column_mapping") == 0
    post(client, "/import", kept=kept(tried), file_name="erp.csv", **MAPPED)
    assert (number_of(website, "product"), number_of(website, "column_mapping")) == (3, 1)
    at_once = send(client, FOREIGN.replace("TEA", "RICE"), "next.csv", kind="products", **{"try": "1"})
    assert "Its columns were read as it was said before" in at_once.text
    assert "said by dispatcher 1" in at_once.text
    assert post(client, "/import/columns/1/forget").status_code == 302
    assert post(client, "/import/columns/1/forget").status_code == 404
    assert "Which column" in send(client, FOREIGN, kind="products").text


def test_the_page_names_what_it_cannot_match_and_what_is_needed(client: FlaskClient) -> None:
    asked = send(client, "Item No;Colour;Sort\nTEA;green;A\n", kind="products")
    assert "Not read, as nobody can guess what they are: colour, sort." in asked.text
    assert "nothing in the file looks like it: name." in asked.text
    assert "fetched back empty" in asked.text, "what each of our columns means stands there"
    whole = send(client, FOREIGN, kind="products")
    assert "Not read" not in whole.text
    assert "nothing in the file looks like" not in whole.text


def test_a_name_that_breaks_over_lines_is_found_as_a_form_sends_it(client: FlaskClient, website: Website) -> None:
    book, out = Workbook(), io.BytesIO()
    assert book.active is not None
    for row in (("Item\nNo", "Descr"), ("TEA", "Green tea")):
        book.active.append(row)
    book.save(out)
    asked = send(client, out.getvalue(), "erp.xlsx", kind="products")
    post(client, "/import", kept=kept(asked), kind="products", mapped="1",
         **{"map-sku": "item\r\nno", "map-name": "descr"})  # fmt: skip
    assert number_of(website, "product") == 3


def test_what_a_mapped_file_has_no_column_for_stays(client: FlaskClient, website: Website) -> None:
    first = send(client, FOREIGN.replace("TEA", "OAT"), kind="products")
    post(client, "/import", kept=kept(first), **MAPPED)
    with website.installation.database.reading() as connection:
        oat = SqlStore(connection).products(["OAT"])["OAT"]
    assert (oat["name"], oat["weight_g"], oat["case_pack"], oat["price"]) == ("Green tea", 100, 12, 200)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"map-name": ""}, "Nobody said which column of the products file is name"),
        ({"map-name": "item no"}, "chosen twice"),
        ({"map-name": "nowhere"}, "no column &#34;nowhere&#34;"),
        ({"map-name": HOSTILE}, "no column"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(
    client: FlaskClient, website: Website, changed: dict[str, str], said: str
) -> None:
    asked = send(client, FOREIGN, kind="products")
    answer = post(client, "/import", kept=kept(asked), **MAPPED | changed)
    assert answer.status_code == 422
    assert said in answer.text
    assert HOSTILE not in answer.text
    assert (number_of(website, "product"), number_of(website, "column_mapping")) == (2, 0)


def test_a_kept_file_is_named_by_its_hash_and_nothing_else(client: FlaskClient) -> None:
    for name in ("../secret", "0" * 64, "/etc/passwd", "x"):
        assert post(client, "/import", kept=name, kind="products").status_code == 404


def test_a_shop_s_export_is_recognised(client: FlaskClient, website: Website) -> None:
    tried = send(client, as_export([order(1001), order(1002, Financial_Status="voided")]), kind="orders", **{"try": ""})
    assert "Read as the orders export of Shopify." in tried.text
    assert "1 voided" in tried.text
    before = number_of(website, "customer_order")
    post(client, "/import", kept=kept(tried), kind="orders", file_name="orders_export.csv")
    assert number_of(website, "customer_order") == before + 1
    with website.installation.database.reading() as connection:
        order_id = connection.scalar(select(tables.order.c.id).where(tables.order.c.number == "#1001"))
    page = client.get(f"/orders/{order_id}").text
    assert re.search(r"discount\s+€?2[.,]50", page)
    assert "SPRING" in page


def test_the_page_names_what_a_shop_s_export_cancels(client: FlaskClient) -> None:
    send(client, as_export([order(1001), order(1002)]), kind="orders")
    gone = as_export([order(1001), order(1002, Cancelled_at="2024-05-02 08:00:00 +0000")])
    tried = send(client, gone, kind="orders", **{"try": "1"})
    assert "Cancelled: #1002" in tried.text
    post(client, "/import", kept=kept(tried), kind="orders", file_name="orders_export.csv")
    shown = client.get("/import").text
    assert "0 new, 0 changed, 1 as before." in shown
    assert "Cancelled: #1002." in shown


def test_of_several_depots_the_page_asks_which(client: FlaskClient, website: Website) -> None:
    with open_store(website.installation.database) as store:
        store.save_depot(None, {"number": "SOUTH", "name": "Depot South", "zone": "Europe/Helsinki"})
    asked = send(client, as_export([order(1001)]), kind="orders")
    assert "which depot delivers them?" in asked.text
    tried = post(client, "/import", kept=kept(asked), kind="orders", depot="SOUTH", **{"try": "1"})
    assert "Every row can be used." in tried.text


def test_a_file_without_a_depot_column_gets_its_depot_from_a_select_also_the_next_time(
    client: FlaskClient, website: Website
) -> None:
    with open_store(website.installation.database) as store:
        store.save_depot(None, {"number": "SOUTH", "name": "Depot South", "zone": "Europe/Helsinki"})
    content = "No,Account,Ship To,Date,Item,Qty\nSO-91,C-1,S-1,2026-05-08,OAT,3\n"
    asked = send(client, content, "erp.csv", kind="orders")
    assert re.search(r'<select[^>]*name="map-depot"[^>]*>.*?value="=SOUTH"[^>]*>every order: Depot South', asked.text)
    pairs = {"order": "no", "customer": "account", "site": "ship to", "ordered_at": "date", "sku": "item",
             "quantity": "qty"}  # fmt: skip
    said = {"kind": "orders", "mapped": "1"} | {f"map-{ours}": theirs for ours, theirs in pairs.items()}
    tried = post(client, "/import", kept=kept(asked), **said, **{"map-depot": "=SOUTH", "try": "1"})
    assert "Every row can be used." in tried.text
    assert re.search(r'name="depot" value="SOUTH"', tried.text)
    post(client, "/import", kept=kept(tried), depot="SOUTH", **said)
    again = send(client, content.replace("SO-91", "SO-92"), "next.csv", kind="orders")
    assert "next.csv names no depot: which one delivers its orders?" in again.text
    post(client, "/import", kept=kept(again), kind="orders", depot="NORTH")
    with website.installation.database.reading() as connection:
        found = connection.execute(
            select(tables.order.c.number, tables.depot.c.number)
            .join(tables.depot, tables.depot.c.id == tables.order.c.depot_id)
            .where(tables.order.c.number.in_(["SO-91", "SO-92"]))
        ).all()
    assert sorted(map(tuple, found)) == [("SO-91", "SOUTH"), ("SO-92", "NORTH")]


# ---------------------------------------------------------------------------- a big file


@pytest.fixture
def big(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr("web.dispatcher.imports.BIG_BYTES", 10_000)
    return many(40)[0]


def started(answer: TestResponse) -> int:
    assert answer.status_code == 302
    return int(answer.headers["Location"].rpartition("/")[2])


def test_a_big_file_is_tried_and_taken_in_the_background(client: FlaskClient, website: Website, big: bytes) -> None:
    job_id = started(send(client, big, "shop.csv", kind="orders", **{"try": "1"}))
    waiting = client.get(f"/import/jobs/{job_id}")
    assert "Waiting for a worker." in waiting.text
    assert "Cancel" in waiting.text
    before = number_of(website, "customer_order")
    run_job(website.installation, job_id)
    assert number_of(website, "customer_order") == before
    assert client.get(f"/import/jobs/{job_id}", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    tried = client.get(f"/import/jobs/{job_id}")
    assert "Dry run of shop.csv" in tried.text
    taking = started(post(client, "/import", kept=kept(tried), kind="orders", file_name="shop.csv"))
    run_job(website.installation, taking)
    assert number_of(website, "customer_order") == before + 36
    assert "shop.csv was imported." in client.get(f"/import/jobs/{taking}").text
    assert not list(website.installation.uploads.folder.iterdir())


def test_a_big_file_that_was_sent_twice_is_taken_in_once(client: FlaskClient, website: Website, big: bytes) -> None:
    """Two tabs: what one job reads the other does not write anew, and what is done says so."""
    first = started(send(client, big, "shop.csv", kind="orders"))
    (path,) = website.installation.uploads.folder.iterdir()
    with path.open("rb") as reading:
        second = started(send(client, big, "shop.csv", kind="orders"))
        assert path.stat().st_ino == os.fstat(reading.fileno()).st_ino
        assert reading.read() == big
    before = number_of(website, "customer_order")
    run_job(website.installation, first)
    run_job(website.installation, second)
    assert number_of(website, "customer_order") == before + 36
    assert "That file is not here any more." in client.get(f"/import/jobs/{second}").text


def test_a_big_import_that_is_stopped_changes_nothing(
    client: FlaskClient, website: Website, big: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = started(send(client, big, kind="orders"))
    before = number_of(website, "customer_order")

    def stopped_while_reading(*values: object, **named: object) -> object:
        with open_store(website.installation.database) as store:
            store.cancel_job(job_id=job_id, now=website.clock.at)
        for _ in range(200):  # until the job's own thread has seen it
            named["progress"](1, 2)  # type: ignore[operator]
        raise AssertionError("it went on")

    def asked_at_once(installation: object, data: object, progress: object, cancelled: object) -> object:
        return import_job.import_job(installation, data, lambda _: None, lambda: True)  # type: ignore[arg-type]

    monkeypatch.setattr(import_job, "run_import", stopped_while_reading)
    run_job(website.installation, job_id, kinds={"import": asked_at_once})
    assert "was stopped. Nothing was changed." in client.get(f"/import/jobs/{job_id}").text
    assert number_of(website, "customer_order") == before


def test_a_big_file_that_is_refused_says_why(client: FlaskClient, website: Website, big: bytes) -> None:
    job_id = started(send(client, big + b'"never closed', kind="orders"))
    run_job(website.installation, job_id)
    assert "never closed. Nothing was changed." in client.get(f"/import/jobs/{job_id}").text
    assert client.get("/import/jobs/99").status_code == 404
    assert post(client, f"/import/jobs/{job_id}/stop").status_code == 302


def test_the_terms_of_an_order_may_name_a_smallest_worth(client: FlaskClient, website: Website) -> None:
    header = ",".join(orders.COLUMNS)
    row = dict.fromkeys(orders.COLUMNS, "") | {
        "order": "SO-9", "customer": "C-1", "site": "S-1", "depot": "NORTH", "ordered_at": "2026-05-08", "sku": "OAT",
        "quantity": "2", "currency": "EUR", "min_value": "12.50",
    }  # fmt: skip
    send(client, f"{header}\n{','.join(row.values())}\n", kind="orders")
    with website.installation.database.reading() as connection:
        assert connection.scalar(select(tables.order.c.min_value).where(tables.order.c.number == "SO-9")) == 1250


def test_whom_orders_take_goods_from_is_shown_before_and_said_after(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    """Café 3 waits for the last 12 oat drinks of a truck; Café 1 comes before it, by its tier."""
    row = {"order": "SO-50", "customer": "C-1", "site": "S-1", "depot": "NORTH", "ordered_at": "2026-05-11",
           "sku": "OAT", "quantity": "12"}  # fmt: skip
    file = ",".join(orders.COLUMNS) + "\n" + ",".join(row.get(name, "") for name in orders.COLUMNS) + "\n"
    tried = send(client, file, "urgent.csv", kind="orders", **{"try": "1"})
    shown = tried.text.split('id="moved"')[1]
    assert "SO-3" in shown
    assert "told by message" in shown
    assert (number_of(website, "customer_order"), number_of(website, "notice")) == (4, 0)
    done = client.post(
        "/import",
        data={"csrf_token": form_token(client.get("/import")), "kind": "orders", "kept": kept(tried),
              "file_name": "urgent.csv"},
        follow_redirects=True,
    )  # fmt: skip
    assert "Takes goods or days from orders that are not in it: SO-3." in done.text
    assert number_of(website, "notice") == 1


def test_a_file_of_orders_shows_who_is_asked_and_until_when(client: FlaskClient, website: Website, desk: Desk) -> None:
    """The same of a private Café 3, which loses its date: it has three days from Tuesday 12 May."""
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.customer).values(business=False))
    row = {"order": "SO-50", "customer": "C-1", "site": "S-1", "depot": "NORTH", "ordered_at": "2026-05-11",
           "sku": "OAT", "quantity": "12"}  # fmt: skip
    file = ",".join(orders.COLUMNS) + "\n" + ",".join(row.get(name, "") for name in orders.COLUMNS) + "\n"
    shown = send(client, file, "urgent.csv", kind="orders", **{"try": "1"}).text.split('id="moved"')[1]
    assert "no date: asked by message" in shown
    assert "1 asked (answer by Fri 15 May), 0 told by message, 0 by a call" in shown


def test_whom_a_supplier_s_later_truck_delays_is_shown_before_and_they_are_asked_or_told_with_it(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    """IN-1 has all the oat drinks of Cafés 1 to 3 and comes a week later; Café 1 is a private customer."""
    with website.installation.database.writing() as connection:
        private = connection.scalar(select(tables.order.c.customer_id).where(tables.order.c.id == desk.orders[1]))
        connection.execute(update(tables.customer).values(business=tables.customer.c.id != private))
    file = "number,depot,sku,quantity,expected_at\nIN-1,NORTH,OAT,36,2026-05-19 06:00\n"
    tried = send(client, file, "late.csv", kind="inbound", **{"try": "1"})
    shown = tried.text.split('id="moved"')[1]
    assert "1 asked (answer by Fri 15 May), 2 told by message, 0 by a call" in shown
    assert "Orders that it delays" in tried.text
    assert (number_of(website, "notice"), number_of(website, "delay_consent")) == (0, 0)
    done = client.post(
        "/import",
        data={"csrf_token": form_token(client.get("/import")), "kind": "inbound", "kept": kept(tried),
              "file_name": "late.csv"},
        follow_redirects=True,
    )  # fmt: skip
    assert "Takes goods or days from orders: SO-1, SO-2, SO-3." in done.text
    assert (number_of(website, "notice"), number_of(website, "delay_consent")) == (3, 1)


def test_who_hears_of_a_first_day_by_a_supplier_s_truck_is_said_before(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    """Café 2 wants 12 more oat drinks than are on their way; another truck brings them."""
    row = {"order": "SO-50", "customer": "C-2", "site": "S-2", "depot": "NORTH", "ordered_at": "2026-05-11",
           "sku": "OAT", "quantity": "12"}  # fmt: skip
    file = ",".join(orders.COLUMNS) + "\n" + ",".join(row.get(name, "") for name in orders.COLUMNS) + "\n"
    assert 'id="told-besides"' not in send(client, file, "more.csv", kind="orders").text
    truck = "number,depot,sku,quantity,expected_at\nIN-2,NORTH,OAT,36,2026-05-19 06:00\n"
    tried = send(client, truck, "truck.csv", kind="inbound", **{"try": "1"})
    shown = tried.text.split('id="told-besides"')[1]
    assert "1 order is promised its first day, by message." in shown
    assert number_of(website, "notice") == 0
    send(client, truck, "truck.csv", kind="inbound")
    assert number_of(website, "notice") == 1


def test_the_same_counts_again_are_named_and_taken_only_when_said_to_be_new(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    file = "sku,counted\nCOFFEE,10\n"
    send(client, file, kind="counts")
    with open_store(website.installation.database) as store:
        at = website.installation.clock.now()
        commit_receipt(store, counted("R-7", desk.depot, desk.products["COFFEE"], "COFFEE", 7, at), now=at, by="test")

    def here() -> int:
        with open_store(website.installation.database) as store:
            return sum(shelf.here for shelf in store.shelves(desk.depot, desk.products["COFFEE"]))

    said = "COFFEE at NORTH: unchanged, 10 was counted before, on "
    assert said in client.get(send(client, file, kind="counts").location).text
    tried = send(client, file, kind="counts", **{"try": "1"})
    assert said in tried.text.split('id="again"')[1]
    assert here() == 17
    anew = post(client, "/import", kind="counts", kept=kept(tried), file_name="file.csv", again="1", **{"try": "1"})
    assert 'id="again"' not in anew.text
    assert '<input type="hidden" name="again" value="1">' in anew.text
    assert here() == 17
    post(client, "/import", kind="counts", kept=kept(anew), file_name="file.csv", again="1")
    assert here() == 10
