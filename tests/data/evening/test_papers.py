"""The papers, read back from the PDF: the order of loading, what a slip says, and what no paper may say."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from pypdf import PdfReader

from data import tables
from data.db import Database
from data.exporters.papers import load_sheet_pdf, slips_pdf
from data.queries.papers import load_sheet, slip_of, slips_of_route
from data.store import open_store
from routing.errors import NotFound
from routing.model.proofs import Outcome
from routing.services.erasing import erase_files
from tests.evening import Driven
from tests.rounds import DAY, Round, a_round, row

NOW = datetime(2026, 5, 12, 4, 0, tzinfo=UTC)
GATE_CODE = "4711-GATE"


@pytest.fixture
def driven(database: Database) -> Driven:
    with database.writing() as connection:
        made = a_round(connection, stops=3, loaded=15, note="Ring at the back.", gate_code=GATE_CODE)
        _in_force(connection, made)
    return Driven(database, made)


def _in_force(connection: object, made: Round) -> None:
    row(connection, tables.current_plan, depot_id=made.depot_id, day=DAY, plan_id=made.plan_id, state="dispatched")  # type: ignore[arg-type]


def text_of(content: bytes) -> list[str]:
    """The words of each page, as a reader sees them."""
    pages = PdfReader(io.BytesIO(content)).pages
    return [re.sub(r"\s+", " ", page.extract_text()) for page in pages]


def sheet_of(driven: Driven, language: str = "en") -> str:
    with driven.database.reading() as connection:
        sheet = load_sheet(connection, driven.round.shift_id)
    return " ".join(text_of(load_sheet_pdf(sheet, colour="#0067a3", ink="#ffffff", made_at=NOW, language=language)))


def slips(driven: Driven, read_file: object = None) -> list[str]:
    with driven.database.reading() as connection:
        found = slips_of_route(connection, driven.round.shift_id)
    return text_of(slips_pdf(found, read_file=read_file or (lambda _sha256: b""), made_at=NOW))  # type: ignore[arg-type]


def test_the_load_sheet_begins_with_the_last_stop(driven: Driven) -> None:
    text = sheet_of(driven)
    places = [text.index(f"Café {12 + n} at the corner") for n in (2, 1, 0)]
    assert places == sorted(places)
    assert "2 cases + 3 loose Oat milk 1 l (SKU1) 15 pcs 15.8 kg" in text
    assert "3 stops · 6 cases + 9 loose, 47.2 kg" in text
    assert "Ring at the back." in text


def test_where_the_van_waits_for_the_door_the_start_is_shown_and_the_arrival_beside_it(driven: Driven) -> None:
    first = driven.round.stops[0]
    with driven.database.writing() as connection:
        at = connection.execute(tables.stop.select().where(tables.stop.c.id == first.stop_id)).one()
        assert at.start == at.arrival
        connection.execute(
            tables.stop.update()
            .where(tables.stop.c.id == first.stop_id)
            .values(arrival=at.start - timedelta(minutes=25))
        )
    assert re.search(r"08:00 \(arrive 07:35, wait\) · ", sheet_of(driven))
    assert "(saavu 07:35, odota)" in sheet_of(driven, "fi")
    assert "(kom 07:35, vänta)" in sheet_of(driven, "sv")


def test_each_trip_is_loaded_for_itself_and_each_with_its_last_stop_first(driven: Driven) -> None:
    with driven.database.writing() as connection:
        second = row(
            connection, tables.trip, route_id=driven.round.route_id, sequence=2,
            departs_at=driven.round.stops[2].arrival, returns_at=driven.round.stops[2].arrival,
        )  # fmt: skip
        connection.execute(
            tables.stop.update()
            .where(tables.stop.c.id == driven.round.stops[2].stop_id)
            .values(trip_id=second, sequence=1)
        )
    text = sheet_of(driven)
    order = [
        text.index(words) for words in ("Trip 1 of 2", "Café 13", "Café 12", "Trip 2 of 2, leaves 08:40", "Café 14")
    ]
    assert order == sorted(order)


def test_an_unknown_weight_is_said_and_a_long_list_goes_on_over_the_page(driven: Driven) -> None:
    with driven.database.writing() as connection:
        connection.execute(tables.product.update().values(weight_g=None))
    with driven.database.reading() as connection:
        sheet = load_sheet(connection, driven.round.shift_id)
    assert "3 lines without a weight" in sheet_of(driven)
    (trip,) = sheet.trips
    many = type(trip)(number=1, departs_at=trip.departs_at, stops=trip.stops * 12)
    longer = type(sheet)(**{name: getattr(sheet, name) for name in type(sheet).__slots__} | {"trips": (many,)})
    pages = text_of(load_sheet_pdf(longer, colour="#0067a3", ink="#ffffff", made_at=NOW))
    assert len(pages) > 2
    assert sum(page.count("15 pcs") for page in pages) == 36


def test_a_slip_before_the_door_is_there_to_be_signed(driven: Driven) -> None:
    first, *_rest = slips(driven)
    for words in ("Delivery slip D-1-1", "Café 12 at the corner", "Order SO-1-1", "Your reference: PO-1-1", "15 pcs",
                  "Backroute Wholesale", "Received by", "Signature"):  # fmt: skip
        assert words in first
    assert len([first, *_rest]) == 3


def test_no_paper_carries_a_gate_code_and_no_slip_our_notes(driven: Driven) -> None:
    driven.says(0)
    everything = " ".join([sheet_of(driven), *slips(driven)])
    assert GATE_CODE not in everything
    assert "4711" not in everything
    assert all("Ring at the back" not in page for page in slips(driven))


def test_a_slip_after_the_door_says_what_was_handed_over_with_the_signature(driven: Driven) -> None:
    drawn = io.BytesIO()
    Image.new("RGB", (60, 20), "white").save(drawn, format="PNG")
    driven.says(0, delivered=12, short=2, refused=1)
    with driven.database.writing() as connection:
        (proof,) = connection.execute(tables.proof.select()).all()
        file_id = row(connection, tables.file, sha256="a" * 64, media_type="image/png", size=1, stored_at=NOW)
        row(connection, tables.proof_file, proof_id=proof.id, file_id=file_id, kind="signature")
    asked: list[str] = []

    def read_file(sha256: str) -> bytes:
        asked.append(sha256)
        return drawn.getvalue()

    text = slips(driven, read_file)[0]
    assert "Received by Goods-in 1 Tuesday 12 May 2026 08:05" in text
    assert "2 missing: still on order · 1 refused" in text
    assert "15 pcs 12 pcs" in text
    assert asked == ["a" * 64]


def test_a_slip_whose_signature_was_erased_says_so_and_asks_for_no_file(driven: Driven) -> None:
    driven.says(0)
    with driven.database.writing() as connection:
        (proof,) = connection.execute(tables.proof.select()).all()
        file_id = row(connection, tables.file, sha256="a" * 64, media_type="image/png", size=1, stored_at=NOW)
        row(connection, tables.proof_file, proof_id=proof.id, file_id=file_id, kind="signature")
    with open_store(driven.database) as store:
        assert store.kept_too_long({"signature": proof.received_at}) == []
        (old,) = store.kept_too_long({"photo": NOW, "signature": proof.received_at + timedelta(days=1)})
        assert (old.sha256, old.delivery_id) == ("a" * 64, proof.delivery_id)
        done = erase_files(
            store, store.files_of(delivery_id=proof.delivery_id), why="their request", by="Dispatcher 1", now=NOW
        )
        assert done.by_kind == {"signature": 1}
        assert store.erased_files() == ["a" * 64]
        assert store.locks_erased("a" * 64)
        again = erase_files(store, done.files, why="their request", by="Dispatcher 2", now=NOW)
        assert (again.files, again.elsewhere) == ((), {})
        # The same picture comes again, with another proof: it is kept again.
        store.save_file(sha256="a" * 64, media_type="image/png", size=1, now=NOW)
        assert not store.locks_erased("a" * 64)

    def read_file(sha256: str) -> bytes:
        raise AssertionError(sha256)

    text = slips(driven, read_file)[0]
    assert "Received by Goods-in 1" in text
    assert "Signature erased on Tuesday 12 May 2026 by Dispatcher 1" in text


def test_a_slip_of_a_door_that_stayed_shut_says_so_in_the_customers_language(driven: Driven) -> None:
    with driven.database.writing() as connection:
        connection.execute(tables.customer.update().values(language="fi", name="Kahvila Ääkkönen Łódź Жук"))
    driven.says(0, Outcome.CLOSED)
    text = slips(driven)[0]
    assert "Lähete D-1-1" in text
    assert "Kahvila Ääkkönen Łódź Жук" in text
    assert "Ei toimitettu: ovi oli kiinni" in text


def test_one_slip_is_found_by_its_delivery_and_an_unknown_one_says_so(driven: Driven) -> None:
    with driven.database.reading() as connection:
        assert slip_of(connection, driven.round.stops[1].delivery_id).number == "D-1-2"
        with pytest.raises(NotFound, match="There is no delivery 999"):
            slip_of(connection, 999)
        with pytest.raises(NotFound, match="has no route"):
            load_sheet(connection, 999)
