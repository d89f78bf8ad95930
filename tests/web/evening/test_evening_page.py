"""The evening's page, the papers' addresses, and their commands, on a round that was driven."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, text

from data import tables
from data.db import Database
from data.exporters.books import PROMISES, promise_rows
from data.queries.warehouse import floor, wave
from data.store import SqlStore, open_store
from routing.model.proofs import Outcome
from routing.services.closing import close_day
from tests.evening import Driven
from tests.rounds import DAY, SIX, row
from tests.website import Website, a_website, form_token
from web.cli import main

BROWSER = {"Accept": "text/html"}


@pytest.fixture
def website(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Website]:
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    with a_website(tmp_path / "home") as site:
        yield site


@pytest.fixture
def driven(website: Website) -> Driven:
    made = website.a_round(told=("08:00", "08:30"), note="Ring twice.")
    with website.installation.database.writing() as connection:
        row(connection, tables.current_plan, depot_id=made.depot_id, day=DAY, plan_id=made.plan_id, state="dispatched")
    return Driven(website.installation.database, made, website.installation.secret)


def post(client: object, path: str, **fields: object) -> object:
    token = form_token(client.get(f"/evening?day={DAY}"))  # type: ignore[attr-defined]
    return client.post(path, data={"csrf_token": token, "day": DAY, **fields})  # type: ignore[attr-defined]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


# ---------------------------------------------------------------------------- the page


def test_the_page_leads_from_an_open_stop_over_the_count_to_the_closed_day(website: Website, driven: Driven) -> None:
    driven.says(0)
    driven.says(1, Outcome.NOT_HOME)
    client = website.signed_in()
    van = f"/evening/vans/{driven.round.manifest_id}"
    page = client.get(f"/evening?day={DAY}").text
    assert "Café 14 at the corner" in page
    assert "Close van" not in page

    assert post(client, f"{van}/stops/{driven.round.stops[2].stop_id}/not-attempted").status_code == 302  # type: ignore[attr-defined]
    page = client.get(f"/evening?day={DAY}").text
    assert "24 pcs" in page

    count = f"count-{driven.round.product_id}"
    short = post(client, f"{van}/close", **{count: 20})
    assert short.status_code == 422  # type: ignore[attr-defined]
    assert "Count again; if they are gone, confirm it" in short.text  # type: ignore[attr-defined]
    assert short.text.count("Count again; if they are gone, confirm it") == 2, "at the head and beside the press"  # type: ignore[attr-defined]
    assert f'close#van-{driven.round.manifest_id}"' in short.text  # type: ignore[attr-defined]
    assert 'name="missing"' in short.text and 'value="20"' in short.text  # type: ignore[attr-defined] # noqa: PT018
    assert driven.on_van() == {driven.round.product_id: 24}

    assert post(client, f"{van}/close", **{count: 20, "missing": "1"}).status_code == 302  # type: ignore[attr-defined]
    assert driven.on_van() == {}
    with website.installation.database.reading() as connection:
        [home] = [each for each in floor(connection, day=DAY, now=website.clock.at) if each.trips]
    assert [trip.stage for trip in home.trips] == ["gone"], "what comes again another day is not picked for this van"
    assert wave(home) == ()
    assert "did not come back with the van" in client.get(f"/evening?day={DAY}").text

    assert post(client, f"/evening/depots/{driven.round.depot_id}/close").status_code == 302  # type: ignore[attr-defined]
    assert "day closed" in client.get(f"/evening?day={DAY}").text
    assert post(client, f"/evening/depots/{driven.round.depot_id}/close").status_code == 409  # type: ignore[attr-defined]


def test_what_the_ledger_does_not_expect_is_asked_once_more_and_booked(website: Website, driven: Driven) -> None:
    with website.installation.database.writing() as connection:
        other = row(connection, tables.product, number="SKU9", name="Rye bread", source="own")
    driven.says(0)
    driven.says(1)
    driven.says(2, Outcome.NOT_HOME)
    client = website.signed_in()
    van = f"/evening/vans/{driven.round.manifest_id}/close"
    page = client.get(f"/evening?day={DAY}").text
    assert f'data-all-there="van-{driven.round.manifest_id}"' in page
    assert 'data-should-be="12"' in page
    counts = {f"count-{driven.round.product_id}": 12, "also-count": "3"}
    assert "There is no SKU" in post(client, van, **counts, also="SKU99").text  # type: ignore[attr-defined]
    asked = post(client, van, **counts, also="SKU9")
    assert asked.status_code == 422  # type: ignore[attr-defined]
    assert 'name="found"' in asked.text and 'value="SKU9"' in asked.text  # type: ignore[attr-defined] # noqa: PT018
    assert post(client, van, **counts, also="SKU9", found="1").status_code == 302  # type: ignore[attr-defined]
    for _ in ("told once", "and still there"):
        assert "3 more units were there than went out" in client.get(f"/evening?day={DAY}").text
    with website.installation.database.reading() as connection:
        assert SqlStore(connection).goods_at(f"returned:{driven.round.depot_id}") == {other: 3}


def test_figures_stand_with_what_they_were_counted_from(website: Website, driven: Driven) -> None:
    driven.says(0)
    page = website.signed_in(role="viewer").get(f"/evening?day={DAY}").text
    assert "1 of 3" in page
    assert "Early is not on time" in page
    assert "Not attempted</span></button>" not in page  # a viewer changes nothing


def test_a_day_without_vans_says_what_will_be_here(website: Website, driven: Driven) -> None:
    client = website.signed_in()
    assert "No van went out" in client.get("/evening?day=2026-05-13").text
    assert client.get("/evening?day=yesterday").status_code == 422
    assert client.get("/evening/results.csv?day=2026-05-13").status_code == 404


def test_only_those_who_may_count_and_close(website: Website, driven: Driven) -> None:
    client = website.signed_in(role="salesperson")
    token = form_token(client.get("/evening"))
    for path in (f"/evening/vans/{driven.round.manifest_id}/close", f"/evening/depots/{driven.round.depot_id}/close"):
        assert client.post(path, data={"csrf_token": token, "day": DAY}).status_code == 403
    assert website.client().get("/evening", headers=BROWSER).status_code == 302


def test_a_word_instead_of_a_count_is_told_in_the_form(website: Website, driven: Driven) -> None:
    for stop in range(3):
        driven.says(stop, delivered=10, short=2)
    client = website.signed_in(role="warehouse")
    answer = post(
        client, f"/evening/vans/{driven.round.manifest_id}/close", **{f"count-{driven.round.product_id}": "six"}
    )
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert "is no count" in answer.text  # type: ignore[attr-defined]


def test_cash_that_nobody_expected_is_counted_and_asked_about(website: Website, driven: Driven) -> None:
    for stop in range(3):
        driven.says(stop)
    client = website.signed_in(role="warehouse")
    van = f"/evening/vans/{driven.round.manifest_id}"
    assert f'id="f-cash-{driven.round.manifest_id}" name="cash-EUR"' in client.get(f"/evening?day={DAY}").text
    assert post(client, f"{van}/close", **{"cash-EUR": "a lot"}).status_code == 422  # type: ignore[attr-defined]
    assert post(client, f"{van}/close", **{"cash-EUR": "12.50"}).status_code == 302  # type: ignore[attr-defined]
    assert "12.50 EUR were counted, 0.00 EUR collected" in client.get("/tasks").text


def test_papers_open_in_the_browser_and_not_for_everybody(website: Website, driven: Driven) -> None:
    shift, delivery = driven.round.shift_id, driven.round.stops[0].delivery_id
    paths = (f"/routes/{shift}/load-sheet.pdf", f"/routes/{shift}/slips.pdf", f"/deliveries/{delivery}/slip.pdf")
    client = website.signed_in(role="warehouse")
    for path in paths:
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        assert answer.data.startswith(b"%PDF-")
    viewer = website.signed_in(role="viewer")
    assert [viewer.get(path).status_code for path in paths] == [200, 403, 403]
    assert website.client().get(paths[0], headers=BROWSER).status_code == 302
    assert client.get("/routes/999/load-sheet.pdf").status_code == 404
    assert client.get("/deliveries/999/slip.pdf").status_code == 404


def test_results_are_downloaded_with_links_that_open_the_proof(website: Website, driven: Driven) -> None:
    driven.says(0)
    client = website.signed_in()
    answer = client.get(f"/evening/results.csv?day={DAY}")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="results-{DAY}.csv"'
    first = next(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    public = website.installation.public_url
    assert first["proof_link"].startswith(f"{public}/p/")
    assert "Goods-in 1" in website.client().get(first["proof_link"].removeprefix(public)).text


# ---------------------------------------------------------------------------- the commands


def test_papers_are_written_into_a_folder(website: Website, driven: Driven, tmp_path: Path) -> None:
    done = run("papers", "--day", DAY, "--to", str(tmp_path / "out"))
    assert done.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"load-sheet-{DAY}-Depot-North-Van-3.pdf",
        f"slips-{DAY}-Depot-North-Van-3.pdf",
    ]
    (tmp_path / "file").touch()
    assert run("papers", "--day", DAY, "--to", str(tmp_path / "file" / "x")).exit_code == 2


def test_the_day_is_closed_from_the_command_line_with_a_file_of_counts(
    website: Website, driven: Driven, tmp_path: Path
) -> None:
    driven.says(0)
    waiting = run("close", "--day", DAY)
    assert "D-1-2 at Café 13 at the corner and 1 more stop have no report" in waiting.output
    driven.says(1, Outcome.NOT_HOME)
    waiting = run("close", "--day", DAY)
    assert waiting.exit_code == 1
    assert "D-1-3 at Café 14 at the corner have no report" in waiting.output

    counts = tmp_path / "counts.csv"
    waiting = run("close", "--day", DAY, "--not-attempted")
    assert waiting.exit_code == 1
    assert "Van 3: count 24 pcs Oat milk 1 l (SKU1)" in waiting.output
    for content, words in (
        ("vehicle,sku,counted\nVan 9,SKU1,24\n", 'no van named "Van 9"'),
        ("vehicle,sku,counted\nVan 3,SKU1,some\n", '"some" is no count of SKU1'),
        ("vehicle,sku,counted\nVan 3,SKU1,1000001\n", "is more than a van carries"),
        (f"vehicle,sku,counted\nVan 3,SKU1,{'9' * 5000}\n", "is more than a van carries"),
        ("vehicle,sku,counted\nVan 3,SKU9,1\n", 'there is no SKU "SKU9"'),
        ("vehicle,sku\nVan 3,SKU1\n", "lacks the column counted"),
        ("vehicle,sku,counted\nVan 3,SKU1,23\n", "confirm it"),
    ):
        counts.write_text(content)
        refused = run("close", "--day", DAY, "--counts", str(counts))
        assert refused.exit_code == 2
        assert words in refused.output
    assert driven.on_van() == {driven.round.product_id: 24}

    counts.write_text("vehicle,sku,counted\nVan 3,SKU1,24\n")
    done = run("close", "--day", DAY, "--counts", str(counts), "--json")
    assert done.exit_code == 0
    document = json.loads(done.output)
    assert document["closed"][0]["result"]["kept_for_customers"] == 24
    assert document["days_closed"] == ["Depot North"]
    assert "closed already" in run("close", "--day", DAY).output

    again = run("close", "--day", DAY, "--counts", str(counts))
    assert (again.exit_code, "Van 3: counted before with the same count, unchanged." in again.output) == (0, True)
    counts.write_text("vehicle,sku,counted\nVan 3,SKU1,23\n")
    other = run("close", "--day", DAY, "--counts", str(counts))
    assert other.exit_code == 1
    assert "Van 3 was counted already on" in other.output
    assert "24 × SKU1, and this file says 23. Its rows were left out." in other.output
    assert json.loads(run("close", "--day", DAY, "--counts", str(counts), "--json").output)["unchanged"] == []


def test_what_nobody_expected_on_a_van_is_booked_from_the_command_line_once_it_is_sure(
    website: Website, driven: Driven, tmp_path: Path
) -> None:
    """24 should be there; 26 are, and 3 of a SKU that the van never carried."""
    with website.installation.database.writing() as connection:
        other = row(connection, tables.product, number="SKU7", name="Rye flour 1 kg", case_pack=6)
    driven.says(0)
    driven.says(1, Outcome.NOT_HOME)
    driven.says(2, Outcome.NOT_HOME)
    counts = tmp_path / "counts.csv"
    counts.write_text("vehicle,sku,counted\nVan 3,SKU1,26\nVan 3,SKU7,3\n")
    refused = run("close", "--day", DAY, "--counts", str(counts))
    assert refused.exit_code == 2
    assert "26 pcs of Oat milk 1 l were counted" in refused.output
    assert "Is it so, add --found." in refused.output
    assert driven.on_van() == {driven.round.product_id: 24}
    done = run("close", "--day", DAY, "--counts", str(counts), "--found")
    assert done.exit_code == 0
    assert "5 more than went out: to be inspected." in done.output
    assert driven.on_van() == {}
    with open_store(website.installation.database) as store:
        assert store.goods_at(f"returned:{driven.round.depot_id}") == {driven.round.product_id: 2, other: 3}


@pytest.mark.parametrize("command", ["papers --to x", "close", "figures"])
def test_a_day_that_is_no_day_or_has_nothing_is_refused_in_one_sentence(
    website: Website, driven: Driven, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for day, words in (("tomorrow", "is no day. Write it as"), ("2026-05-13", "on Wed 13 May 2026")):
        refused = run(*command.split(), "--day", day)
        assert refused.exit_code == 2
        assert words in refused.output
        assert "Traceback" not in refused.output


def test_figures_and_results_come_as_documents(website: Website, driven: Driven, tmp_path: Path) -> None:
    driven.says(0)
    document = json.loads(run("figures", "--day", DAY, "--json").output)
    assert document["figures"]["in_full"] == {
        "name": "In full",
        "numerator": 1,
        "denominator": 3,
        "value": 1 / 3,
        "definition": "deliveries of which every unit on the list was handed over ÷ deliveries on the lists",
    }
    assert "1 of 3 deliveries" in run("figures", "--day", DAY).output
    written = run("results", "--day", DAY, "-o", str(tmp_path / "results.csv"))
    assert written.exit_code == 0
    assert (tmp_path / "results.csv").read_bytes().startswith(b"\xef\xbb\xbforder,")
    assert run("results", "--day", DAY, "-o", str(tmp_path / "no" / "results.csv")).exit_code == 2


# ---------------------------------------------------------------------------- the order's page


@pytest.mark.parametrize(
    ("status", "problem", "headline", "event"),
    [
        (None, "", "not told: no contact takes messages", "Was to be told for Tue 12 May, 08:00–08:30; not told"),
        ("waiting", "", "is to be told", "To be told for Tue 12 May, 08:00–08:30, the message waits"),
        ("withheld", "", "not told: the message was withheld", "Was to be told for Tue 12 May, 08:00–08:30; not told"),
        ("failed", "", "not told: the message could not be sent", "Was to be told for Tue 12 May, 08:00–08:30; not"),
        ("sent", "", "told 12 May 06:", "Told for Tue 12 May, 08:00–08:30"),
    ],
)
def test_an_order_says_that_its_customer_was_told_a_window_only_when_the_message_left(
    website: Website, driven: Driven, status: str | None, problem: str, headline: str, event: str
) -> None:
    with website.installation.database.writing() as connection:
        first = connection.execute(tables.promise.select().order_by(tables.promise.c.id)).first()
        assert first is not None
        connection.execute(tables.promise.update().values(told_at=SIX))
        row(
            connection, tables.promise, order_line_id=first.order_line_id, version=2, promised_on=DAY,
            window_from="08:00", window_to="08:30", why="out today", by="test", made_at=SIX, told_at=SIX,
        )  # fmt: skip
        if status:
            row(
                connection, tables.notice, kind="out_today", subject_kind="delivery", occurrence="1",
                subject_id=driven.round.stops[0].delivery_id, recipient="goods-in@cafe.example", channel="email",
                language="en", data={"day": DAY, "window_from": "08:00", "window_to": "08:30"}, made_at=SIX,
                status=status, problem=problem, sent_at=SIX if status == "sent" else None,
            )  # fmt: skip
        order_id = (
            connection.execute(tables.order_line.select().where(tables.order_line.c.id == first.order_line_id))
            .one()
            .order_id
        )
        number = connection.scalar(select(tables.order.c.number).where(tables.order.c.id == order_id))
    six = SIX.isoformat(timespec="seconds")
    page = website.signed_in().get(f"/orders/{order_id}").text
    head = " ".join(page.split('class="told"')[1].split("</p>")[0].split())
    assert headline in head
    assert ("told 12 May" in head) is False or status == "sent"
    assert event in page
    with website.installation.database.reading() as connection:
        by_version = {
            each[PROMISES.index("version")]: each[PROMISES.index("told_at")]
            for each in promise_rows(connection)
            if each[0] == number
        }
    left = six if status == "sent" else ""
    assert by_version == {1: left, 2: left}, "the export says what the page says"


# ---------------------------------------------------------------------------- others commit meanwhile


@pytest.fixture(params=["page", "command"])
def closes_on_postgresql(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> Iterator[tuple[Website, Callable[[], int]]]:
    """Closes the day by a press or by the command; returns the status, 200 for a done command."""
    with a_website(tmp_path / "home") as site:
        database = Database(postgres_url)
        site.installation.database, sqlite = database, site.installation.database
        monkeypatch.setattr("web.cli.evening.open_installation", lambda: nullcontext(site.installation))
        client = site.signed_in()

        def press() -> int:
            with site.installation.database.reading() as connection:
                depot_id = connection.scalar(select(tables.current_plan.c.depot_id))
            status: int = post(client, f"/evening/depots/{depot_id}/close").status_code  # type: ignore[attr-defined]
            return status

        def command() -> int:
            done = run("close", "--day", DAY)
            return 200 if done.exit_code == 0 else done.exit_code

        yield site, press if request.param == "page" else command
        site.installation.database = sqlite
        database.close()


def test_closing_the_day_is_tried_again_when_it_met_another_commit(
    closes_on_postgresql: tuple[Website, Callable[[], int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    website, close = closes_on_postgresql
    made = website.a_round(told=("08:00", "08:30"))
    with website.installation.database.writing() as connection:
        row(connection, tables.current_plan, depot_id=made.depot_id, day=DAY, plan_id=made.plan_id, state="dispatched")
    driven = Driven(website.installation.database, made, website.installation.secret)
    for stop in range(3):
        driven.says(stop)
    driven.closes(None)
    tried: list[str] = []

    def meets_another(**asked: Any) -> int:
        tried.append(asked["day"])
        vans = close_day(**asked)
        if len(tried) == 1:  # PostgreSQL chooses this one to give way, after it wrote
            asked["store"].connection.execute(
                text("DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$")
            )
        return vans

    for where in ("web.dispatcher.evening", "web.cli.evening"):
        monkeypatch.setattr(f"{where}.close_day", meets_another)
    assert close() in (200, 302)
    assert len(tried) == 2
    assert [plan.state for plan in driven.rows(tables.current_plan)] == ["closed"]
    assert [each.kind for each in driven.rows(tables.event)].count("day_closed") == 1
