"""Photos and signatures are erased: by their term each night, or because somebody asked for it; and nothing else is."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from sqlalchemy import select, update

import web.driver
from data import tables
from data.backup import backup
from data.erasing import remove_erased
from data.health import check_files
from data.queries.papers import slip_of
from data.store import open_store
from data.store.system import verify_chain
from routing.model.tasks import TaskKind
from routing.rules.policies import PolicyRow, Scope
from routing.services.erasing import erase_files, erase_kept_long_enough, kept_long_enough, look_at
from tests.rounds import Round
from tests.website import Website, a_website
from web.cli import main
from web.due import do_due


@pytest.fixture
def website(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Website]:
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def this(website: Website) -> Round:
    """Two doors at which the same person signed with the same stroke, and one photo at the first of them."""
    made = website.a_round(stops=2, loaded=12)
    for stop in (0, 1):
        reports(website, made, stop, signature=picture("PNG"), **({"photo": picture("JPEG")} if stop == 0 else {}))
    return made


def picture(form: str, colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 20), colour).save(out, form)
    return out.getvalue()


def reports(website: Website, this: Round, number: int, **files: bytes) -> None:
    stop = this.stops[number]
    line = {"allocation_id": stop.allocation_id, "delivered": 12}
    said = {
        "client_id": f"1111111{number}-1111-4111-8111-111111111111", "sequence": number + 1, "kind": "outcome",
        "stop_id": stop.stop_id, "captured_at": website.clock.at.isoformat(), "recipient": "Goods-in 1", "note": "",
        "deliveries": [{"delivery_id": stop.delivery_id, "outcome": "delivered", "lines": [line]}],
    }  # fmt: skip
    answer = website.client().post(
        "/d/reports",
        headers={"X-Backroute-Link": website.link("driver", "manifest", this.manifest_id)},
        data={"report": json.dumps(said), **{kind: (io.BytesIO(each), kind) for kind, each in files.items()}},
    )
    assert answer.status_code == 200, answer.text


def rows(website: Website, table: Any) -> list[Any]:
    with website.installation.database.reading() as connection:
        return list(connection.execute(select(table).order_by(table.c.id)))


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def document(*words: object) -> Any:
    done = call(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def state(website: Website) -> str:
    with website.installation.database.reading() as connection:
        return check_files(connection, website.installation.files).state


def number(website: Website, this: Round, stop: int) -> str:
    (found,) = [each for each in rows(website, tables.delivery) if each.id == this.stops[stop].delivery_id]
    return str(found.number)


def keep_for(website: Website, **days: int) -> None:
    with open_store(website.installation.database) as store:
        for name, value in days.items():
            row = PolicyRow(scope=Scope.COMPANY, name=name, value=value, effective_from="2026-01-01")
            store.set_policy(row, by="test", now=website.clock.at)


def test_a_file_that_two_proofs_have_is_removed_with_the_last_of_them(website: Website, this: Round) -> None:
    installation, first, second = website.installation, number(website, this, 0), number(website, this, 1)
    signed, seen = rows(website, tables.file)
    before = document("erase", first, "--why", "asked for by phone", "--simulate")
    assert before == {
        "simulated": True, "why": "asked for by phone", "files": {"photo": 1, "signature": 1}, "deliveries": [first],
        "kept_for_others": {second: 1}, "removed": 0,
    }  # fmt: skip
    assert list(installation.files) == sorted([signed.sha256, seen.sha256])
    done = document("erase", first, "--why", "asked for by phone")
    assert done == before | {"simulated": False, "removed": 1}
    assert list(installation.files) == [signed.sha256]
    assert [bool(each.erased_at) for each in rows(website, tables.file)] == [False, True]
    assert state(website) == "ok"
    # The other door's signature is there for its own customer.
    other = website.link("proof", "delivery", this.stops[1].delivery_id)
    assert website.client().get(f"/p/{other}/files/{signed.sha256}").status_code == 200
    (event,) = [each for each in rows(website, tables.event) if each.kind == "files_erased"]
    assert (event.actor, event.delivery_id) == ("command line", this.stops[0].delivery_id)
    assert event.data["files"] == {"photo": 1, "signature": 1}
    again = call("erase", first, "--why", "asked for by phone")
    assert (again.exit_code, again.output.strip()) == (0, "Nothing was to be erased.")
    last = call("erase", second, "--kind", "signature", "--why", "asked for by phone")
    assert f"1 signature of {second} is erased." in last.output
    assert list(installation.files) == []
    with installation.database.reading() as connection:
        assert verify_chain(connection) is None


def test_the_proof_and_the_slip_say_what_was_erased_when_and_by_whom(website: Website, this: Round) -> None:
    delivery_id, first = this.stops[0].delivery_id, number(website, this, 0)
    (signed, _seen) = rows(website, tables.file)
    desk = website.signed_in()
    with open_store(website.installation.database) as store:
        files = store.files_of(delivery_id=delivery_id)
        erase_files(store, files, why="their request", by="user:1", now=website.clock.at)
    remove_erased(website.installation.database, website.installation.files)
    order_id = rows(website, tables.order)[0].id
    page = desk.get(f"/orders/{order_id}").text
    assert "Signature erased on 12 May" in page
    assert "Photo erased on 12 May" in page
    assert "by dispatcher 1" in page
    assert f"1 photo and 1 signature of {first} erased. Why: their request" in page
    own = website.link("proof", "delivery", delivery_id)
    proof = website.client().get(f"/p/{own}")
    assert proof.status_code == 200
    assert "The signature was erased on" in proof.text
    assert "The photos were erased on" in proof.text
    assert website.client().get(f"/p/{own}/files/{signed.sha256}").status_code == 404
    with website.installation.database.reading() as connection:
        slip = slip_of(connection, delivery_id)
    assert slip.signatures == ()
    assert slip.signature_erased == (website.clock.at, "dispatcher 1")
    paper = desk.get(f"/deliveries/{delivery_id}/slip.pdf")
    assert (paper.status_code, paper.data[:4]) == (200, b"%PDF")


def test_a_crash_between_the_books_and_the_disk_loses_nothing_and_is_finished(
    website: Website, this: Round, tmp_path: Path
) -> None:
    installation, delivery_id = website.installation, this.stops[0].delivery_id

    def broken_off() -> None:
        with open_store(installation.database) as store:
            erase_files(store, store.files_of(delivery_id=delivery_id), why="x", by="test", now=website.clock.at)
            raise RuntimeError  # before it was committed: nothing happened

    with pytest.raises(RuntimeError):
        broken_off()
    assert remove_erased(installation.database, installation.files) == 0
    assert len(list(installation.files)) == 2
    with open_store(installation.database) as store:
        erase_files(store, store.files_of(delivery_id=delivery_id), why="x", by="test", now=website.clock.at)
    # The process ends here, and the photo lies there still. Nobody can read it by its proof; a backup has it not.
    assert len(list(installation.files)) == 2
    assert state(website) == "warn"
    kept = backup(
        database=installation.database, files=installation.files, secret=installation.secret, into=tmp_path / "b.zip",
        now=website.clock.at,
    )  # fmt: skip
    assert (kept.files, kept.missing) == (1, ())
    do_due(installation)
    assert len(list(installation.files)) == 1
    assert state(website) == "ok"


def test_a_report_that_brings_an_erased_picture_again_keeps_it_whenever_its_bytes_are_removed(
    website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = website.installation
    this = website.a_round(stops=2, loaded=12)
    reports(website, this, 0, photo=picture("JPEG"))
    with open_store(installation.database) as store:
        files = store.files_of(delivery_id=this.stops[0].delivery_id)
        erase_files(store, files, why="x", by="test", now=website.clock.at)
    in_transaction = web.driver.in_transaction

    def with_a_sweep_before(database: Any, work: Any) -> Any:
        # The report's bytes are written, its rows are not: the night comes between.
        assert remove_erased(installation.database, installation.files) == 1
        return in_transaction(database, work)

    monkeypatch.setattr(web.driver, "in_transaction", with_a_sweep_before)
    reports(website, this, 1, photo=picture("JPEG"))
    (only,) = rows(website, tables.file)
    assert (only.erased_at, list(installation.files)) == (None, [only.sha256])
    assert remove_erased(installation.database, installation.files) == 0
    assert [bool(each.erased_at) for each in rows(website, tables.proof_file)] == [True, False]
    assert state(website) == "ok"


def test_the_night_erases_what_was_kept_long_enough_and_not_what_is_disputed(website: Website, this: Round) -> None:
    installation = website.installation
    signed, seen = rows(website, tables.file)
    start = website.clock.at
    website.clock.at = start + timedelta(days=31)
    do_due(installation)
    assert len(list(installation.files)) == 2, "without a policy everything is kept"
    keep_for(website, photos_days=30)
    with open_store(installation.database) as store:
        store.add_task(
            kind=TaskKind.DISPUTE, subject_kind="order", subject_id=rows(website, tables.order)[0].id,
            sentence="It never came.", made_at=website.clock.at,
        )  # fmt: skip
    website.clock.at = start + timedelta(days=32)
    do_due(installation)
    assert len(list(installation.files)) == 2, "the photo is what answers the dispute"
    with installation.database.writing() as connection:
        connection.execute(update(tables.task).values(done_at=website.clock.at))
    do_due(installation)
    assert len(list(installation.files)) == 2, "it looks once a day"
    website.clock.at = start + timedelta(days=33)
    do_due(installation)
    assert list(installation.files) == [signed.sha256]
    (event,) = [each for each in rows(website, tables.event) if each.kind == "files_erased"]
    assert (event.actor, event.data["why"], event.data["sha256"]) == ("job", "kept for 30 days", [seen.sha256])
    keep_for(website, signatures_days=33)
    website.clock.at = start + timedelta(days=33, hours=1)
    shown = call("erase", "--simulate")
    assert "would be erased" in shown.output or "Nothing is to be erased" in shown.output
    with open_store(installation.database) as store:
        assert erase_kept_long_enough(store, now=website.clock.at, by="test").by_kind == {"signature": 2}


def test_what_erasing_cannot_be_is_refused_in_one_sentence(website: Website, this: Round) -> None:
    first = number(website, this, 0)
    for words in (
        [first], [first, "--why", " "], [first, "--customer", "C-1", "--why", "x"], ["--why", "x"], ["--kind", "photo"],
        ["D-99", "--why", "x"], ["--customer", "Nobody", "--why", "x"], [first, "--why", "x" * 201],
    ):  # fmt: skip
        done = call("erase", *words)
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1), (words, done.output)
    assert len(list(website.installation.files)) == 2


def test_part_of_a_name_that_several_customers_have_erases_nothing(website: Website, this: Round) -> None:
    """It cannot be undone: who is meant has to be one of them."""
    names = [each.name for each in rows(website, tables.customer)]
    assert sum("Café" in name for name in names) > 1, names
    done = call("erase", "--customer", "Café", "--why", "their request")
    assert (done.exit_code, "write the number of one" in done.stderr) == (2, True), done.output
    assert len(list(website.installation.files)) == 2


def test_what_another_proof_keeps_is_counted_over_photos_and_signatures_together(website: Website) -> None:
    """The same two pictures came from the second door a day later: its proof keeps both."""
    this = website.a_round(stops=2, loaded=12)
    start = website.clock.at
    reports(website, this, 0, signature=picture("PNG"), photo=picture("JPEG"))
    website.clock.at = start + timedelta(days=1)
    reports(website, this, 1, signature=picture("PNG"), photo=picture("JPEG"))
    keep_for(website, photos_days=30, signatures_days=30)
    website.clock.at = start + timedelta(days=30, hours=12)
    with open_store(website.installation.database) as store:
        shown = look_at(store, kept_long_enough(store, now=website.clock.at))
        done = erase_kept_long_enough(store, now=website.clock.at, by="test")
    assert (done.by_kind, done.elsewhere) == (shown.by_kind, shown.elsewhere)
    assert done.elsewhere == {number(website, this, 1): 2}


def test_a_customer_s_files_are_erased_and_nobody_else_s(website: Website, this: Round) -> None:
    customers = rows(website, tables.customer)
    theirs = {each.number: each.id for each in customers}
    found = {each.id: each.customer_id for each in rows(website, tables.order)}
    first = rows(website, tables.order)[0]
    (wanted,) = [name for name, key in theirs.items() if key == first.customer_id]
    done = document("erase", "--customer", wanted, "--why", "their request")
    own = sum(each == first.customer_id for each in found.values())
    assert done["files"]["photo"] == 1
    assert len(done["deliveries"]) == own
