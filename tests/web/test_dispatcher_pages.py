"""The dispatcher's pages: what they say, who may press what, and that nothing changes before it is committed."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from data import tables
from data.queries.messages import message_counts, message_list
from data.queries.today import figures
from data.store import open_store
from routing.model.notices import Channel, Notice, NoticeKind
from routing.model.tasks import TaskKind
from routing.rules.standing import Standing
from routing.services.receiving import commit_receipt
from routing.services.untold import untold_setting
from tests.address_region import an_address_region
from tests.delayed import a_delay
from tests.desk import HOSTILE, Desk, a_desk, counted
from tests.website import Website, a_website, form_token
from web.cli import main

PAGES = (
    "/", "/counters", "/receipts", "/release", "/addresses", "/orders", "/orders?state=all", "/search", "/tasks",
    "/messages", "/import", "/settings", "/policies",
)  # fmt: skip


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    return a_desk(website)


@pytest.fixture
def client(website: Website) -> FlaskClient:
    return website.signed_in()


def post(client: FlaskClient, at: str, page: str = "/tasks?show=done", **data: object) -> TestResponse:
    token = form_token(client.get(page))
    return client.post(at, data={"csrf_token": token, **data})


def allocated(website: Website) -> dict[int, int]:
    """Firm units by order."""
    with website.installation.database.reading() as connection:
        query = (
            select(tables.order_line.c.order_id, tables.allocation.c.allocated)
            .join(tables.order_line, tables.order_line.c.id == tables.allocation.c.order_line_id)
            .join(tables.supply, tables.supply.c.id == tables.allocation.c.supply_id)
            .where(tables.supply.c.kind == "receipt", tables.allocation.c.allocated > 0)
        )
        return {row.order_id: row.allocated for row in connection.execute(query)}


def hidden(page: TestResponse, name: str) -> str:
    """The value of the last field of this name: the form that commits stands at the end."""
    return html.unescape(re.findall(rf'name="{name}" value="([^"]*)"', page.text)[-1])


def simulate(client: FlaskClient, desk: Desk, quantity: int) -> TestResponse:
    return post(client, "/receipts/simulate", **{f"count_{desk.inbound}": str(quantity)})


def commit(client: FlaskClient, shown: TestResponse) -> TestResponse:
    fields = {name: hidden(shown, name) for name in ("counted", "seen", "policy")}
    return post(client, "/receipts/commit", **fields)


# ---------------------------------------------------------------------------- who may come in


def test_every_page_asks_who_one_is(website: Website) -> None:
    for path in PAGES:
        answer = website.client().get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/login"), path


def test_every_page_opens_before_anything_was_imported_and_on_a_working_day(
    client: FlaskClient, website: Website
) -> None:
    for path in PAGES:
        assert client.get(path).status_code == 200, path
    a_desk(website)
    for path in PAGES:
        assert client.get(path).status_code == 200, path


def test_a_viewer_sees_and_changes_nothing(website: Website, desk: Desk) -> None:
    viewer = website.signed_in(role="viewer")
    assert viewer.get("/receipts").status_code == 200
    for path in (
        "/receipts/simulate", "/receipts/commit", "/release", f"/addresses/{desk.sites[4]}/pin", "/addresses/look-up",
        "/tasks/1/done", "/messages/1/again", "/messages/1/withhold", "/settings/outbound", "/settings/company",
        "/policies/simulate", "/policies/commit",
        "/settings/people", "/import",
    ):  # fmt: skip
        assert post(viewer, path, page="/orders").status_code in (400, 403), path
        assert post(viewer, path).status_code == 403, path


def test_a_press_without_the_form_s_token_changes_nothing(client: FlaskClient, website: Website, desk: Desk) -> None:
    assert client.post("/release", data={"day": "2026-05-12", "all": "1"}).status_code == 400
    assert client.post(f"/addresses/{desk.sites[4]}/pin", data={"lat": "60.17", "lon": "24.94"}).status_code == 400
    with website.installation.database.reading() as connection:
        assert not connection.execute(select(tables.delivery)).all()


def test_only_an_administrator_switches_messages_on(website: Website, desk: Desk) -> None:
    assert post(website.signed_in(), "/settings/outbound", mode="real", daily_cap="10").status_code == 403
    admin = website.signed_in(role="admin")
    assert post(admin, "/settings/outbound", mode="test", daily_cap="10").status_code == 422
    answer = post(admin, "/settings/outbound", mode="test", daily_cap="10", test_email="test@example.com")
    assert answer.status_code == 302
    assert "test@example.com" in admin.get("/messages").text


def test_settings_say_what_waits_before_messages_are_switched_on_and_hold_the_old_ones_back(website: Website) -> None:
    """Three cafés were told of their delay on one day; on the next, a fourth message waits."""
    a_delay(website)
    website.clock.at += timedelta(days=1)
    admin, dispatcher = website.signed_in(role="admin"), website.signed_in()
    with open_store(website.installation.database) as store:
        store.add_notice(
            Notice(
                kind=NoticeKind.CANCELLED, subject_kind="order", subject_id=1, occurrence="x", recipient="a@b.example",
                channel=Channel.EMAIL, language="en",
            ),
            made_at=website.clock.at,
        )  # fmt: skip
    page = admin.get("/settings").text
    assert "4 messages wait, the oldest of" in page
    assert "Hold back the 3 older than today" in page
    assert "Hold back the" not in dispatcher.get("/settings").text
    assert post(dispatcher, "/settings/outbound/old").status_code == 403
    assert post(admin, "/settings/outbound/old").status_code == 302
    page = admin.get("/settings").text
    assert "3 messages are held back." in page
    assert "1 message waits, of" in page
    with website.installation.database.reading() as connection:
        assert message_counts(connection) == {"waiting": 1, "sending": 0, "sent": 0, "failed": 0, "withheld": 3}
        held = message_list(connection, status="withheld")
    assert {row.problem.split(":")[0] for row in held} == {"Held back under Settings"}
    post(admin, "/settings/outbound/old")
    assert "No message is older than today." in admin.get("/settings").text


def test_an_administrator_names_the_company(website: Website, desk: Desk) -> None:
    admin = website.signed_in(role="admin")
    wrong = post(admin, "/settings/company", company_name="Example", company_currency="XX", company_zone="Mars/North")
    assert wrong.status_code == 422
    assert wrong.text.count('aria-invalid="true"') == 2
    right = {"company_name": "Example 2", "company_currency": "sek", "company_zone": "Europe/Stockholm"}
    assert post(admin, "/settings/company", **right).status_code == 302
    assert "Example 2" in admin.get("/").text


# ---------------------------------------------------------------------------- today


def test_the_line_counts_each_order_once(website: Website, desk: Desk) -> None:
    """Coffee is on the shelf, but its address is in review; the oat drinks are on a truck that nobody counted."""
    with website.installation.database.reading() as connection:
        found = figures(connection, day=day_of(website), now=website.clock.at)
    assert {each: n for each, n in found.counts.items() if n} == {Standing.WAITING: 3, Standing.IN_REVIEW: 1}
    assert found.needs_you == 1
    assert [line.number for line in found.due] == ["IN-1"]


def test_today_the_menu_and_tasks_count_the_same_tasks_of_whoever_looks(website: Website, desk: Desk) -> None:
    """One for the dispatcher, one for a salesperson by name, one for nobody who signs in."""
    with open_store(website.installation.database) as store:
        for who, n in (("salesperson 1", 1), ("Somebody Else", 2)):
            store.add_task(
                kind=TaskKind.CALL_CUSTOMER, subject_kind="order", subject_id=desk.orders[n],
                sentence=f"Call Café {n}.", made_at=website.clock.at, assignee=who,
            )  # fmt: skip
    for role, theirs, others in (("dispatcher", 1, 2), ("salesperson", 1, 2), ("admin", 1, 2), ("viewer", 0, 3)):
        client = website.signed_in(role=role)
        today, tasks = client.get("/").text, client.get("/tasks").text
        assert f"<b>{theirs}</b> need" in today, role
        menu = f'<span>Tasks</span> <span class="count">{theirs}</span>'
        assert (menu in today, menu in tasks) == (theirs > 0, theirs > 0), role
        counts = [int(n) for n in re.findall(r'<div class="row"><span class=.count.>(\d+)</span>', tasks)]
        assert counts == ([theirs, others] if theirs else [others]), role


def test_an_address_in_review_is_never_released_in_silence(
    client: FlaskClient, website: Website, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKROUTE_HOME", str(website.installation.home))
    said = CliRunner().invoke(main, ["release", "--simulate"]).stdout
    assert "No van takes these until a person says where they are" in said
    assert "SO-4 Café 4" in said
    document = json.loads(CliRunner().invoke(main, ["release", "--simulate", "--json"]).stdout)
    ready = {each["order"]: each["in_review"] for each in document["depots"][0]["ready"]}
    assert ready["SO-4"] is True
    answer = post(client, "/release", day="2026-05-12", all="1")
    assert "No van takes Café 4 until somebody says where it is" in client.get(answer.headers["Location"]).text


def test_an_address_that_nobody_looked_up_is_told_apart_from_one_in_review(
    client: FlaskClient, website: Website, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKROUTE_HOME", str(website.installation.home))
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.site).where(tables.site.c.id == desk.sites[4]).values(pin_at=None))
    said = CliRunner().invoke(main, ["release", "--simulate"]).stdout
    assert "Not looked up yet: run backroute locate" in said
    assert "in review" not in said
    (ready,) = json.loads(CliRunner().invoke(main, ["release", "--simulate", "--json"]).stdout)["depots"][0]["ready"]
    assert (ready["order"], ready["in_review"], ready["not_looked_up"]) == ("SO-4", False, True)
    for path in ("/orders", f"/orders/{desk.orders[4]}", "/release"):
        page = client.get(path).text
        assert ("address not looked up yet" in page, ">address in review<" in page) == (True, False), path
    assert "<b>1</b> address not looked up yet" in client.get("/release").text
    assert "1 of them is not looked up yet." in client.get("/").text
    answer = post(client, "/release", day="2026-05-12", all="1")
    after = client.get(answer.headers["Location"]).text
    assert "The address of Café 4 is not looked up yet: press Look up under Addresses" in after
    assert "Released, but its address is not looked up yet" in client.get(f"/orders/{desk.orders[4]}").text


def test_goods_on_a_truck_that_is_not_counted_in_are_said_where_all_is_released(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    assert "3 on a truck that is not counted in" in client.get("/release").text
    answer = post(client, "/release", day="2026-05-12", all="1")
    assert "3 of them have goods on a truck that is not counted in" in client.get(answer.headers["Location"]).text


def test_an_orders_page_says_why_a_line_comes_on_its_day(client: FlaskClient, website: Website, desk: Desk) -> None:
    page = client.get(f"/orders/{desk.orders[2]}").text
    assert ("Why this day" in page, "Comes with IN-1, put away by" in page) == (True, True)
    assert "Served Mon, Tue, Wed, Thu, Fri, Sat, Sun; ordered by 23:59 for the next day." in page
    with website.installation.database.writing() as connection:
        zone = tables.zone.insert().values(
            depot_id=desk.depot, number="Z1", name="Harbour <b>", delivery_days="thu", cut_off="14:00", stops_a_day=2
        )
        key = connection.execute(zone).inserted_primary_key
        mine = tables.site.c.id == desk.sites[2]
        connection.execute(tables.site.update().where(mine).values(delivery_zone_id=key[0], delivery_days=""))
    page = client.get(f"/orders/{desk.orders[2]}").text
    assert "Zone Harbour &lt;b&gt;: served Thu; ordered by 14:00 for the next day; at most 2 stops a day." in page
    assert "Not served on Tue 12 May, Wed 13 May." in page
    assert "That was so when it was last decided" in page  # the zone was changed behind everybody's back
    coffee = client.get(f"/orders/{desk.orders[4]}").text
    assert "On the shelf (R-0): may go from Tue 12 May." in coffee


def test_the_next_press_follows_the_day(client: FlaskClient, website: Website, desk: Desk) -> None:
    assert "Count in IN-1" in client.get("/").text
    commit(client, simulate(client, desk, 36))
    assert "Release 4 orders" in client.get("/").text
    post(client, "/release", day=day_of(website), all="1")
    assert "Plan the day" in client.get("/").text


def test_a_plan_in_which_nobody_has_a_place_leaves_nothing_to_load(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    commit(client, simulate(client, desk, 36))
    post(client, "/release", day=day_of(website), all="1")
    day = day_of(website)
    with website.installation.database.writing() as connection:
        made = connection.execute(
            tables.plan.insert().values(
                from_day=day, to_day=day, depot_ids=[desk.depot], problem=b"", engine="test", cost=0,
                served_by_tier=[], why="planned", by="test", made_at=website.clock.at,
            )
        ).inserted_primary_key[0]  # fmt: skip
        connection.execute(
            tables.current_plan.insert().values(depot_id=desk.depot, day=day, plan_id=made, state="draft")
        )
    assert "Load the vans" in client.get("/").text
    with website.installation.database.writing() as connection:
        for key in connection.scalars(select(tables.delivery.c.id)).all():
            connection.execute(tables.unassigned.insert().values(plan_id=made, delivery_id=key, reasons=["no_vehicle"]))
    assert "Load the vans" not in client.get("/").text


def day_of(website: Website) -> str:
    return (website.clock.at + timedelta(hours=3)).date().isoformat()


# ---------------------------------------------------------------------------- receipts


def test_a_short_truck_is_shown_before_it_counts(client: FlaskClient, website: Website, desk: Desk) -> None:
    before = allocated(website)
    shown = simulate(client, desk, 24)
    assert shown.status_code == 200
    assert "OAT came short: 24 of 36" in shown.text
    assert allocated(website) == before
    assert commit(client, shown).status_code == 302
    assert allocated(website) == before | {desk.orders[1]: 12, desk.orders[2]: 12}


def test_who_had_moved_before_stands_apart_from_what_the_count_moves(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    """Café 4's coffee was promised for an earlier day than it is expected on, and nobody was told."""
    promised = tables.promise.c.order_line_id.in_(
        select(tables.order_line.c.id).where(tables.order_line.c.order_id == desk.orders[4])
    )
    with open_store(website.installation.database) as store:
        store.connection.execute(update(tables.promise).where(promised).values(promised_on="2026-01-02"))
        store.set_setting(
            name=untold_setting(desk.depot),
            value={str(desk.products["COFFEE"]): "inbound IN-7 is overdue"},
            by="test",
            now=website.clock.at,
        )
    shown = simulate(client, desk, 36)
    apart = shown.text.split('id="told-now"')[1]
    assert "SO-4" in apart
    assert "inbound IN-7 is overdue" in apart
    assert "SO-4" not in shown.text.split('id="told-now"')[0]
    assert "told by message" not in shown.text, "the truck moves nobody"
    assert "1 order that had moved before is told along: 1 by message, 0 by a call." in shown.text
    assert commit(client, shown).status_code == 302
    with website.installation.database.reading() as connection:
        query = select(tables.promise.c.why).where(promised).order_by(tables.promise.c.version.desc())
        assert connection.scalars(query).first() == "inbound IN-7 is overdue"


def test_a_truck_that_brought_more_says_so_before_and_after_it_is_counted_in(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    said = "counts 48 × OAT of IN-1, 12 more than the 36 still to come. Look at the count again; a recount mends it."
    shown = simulate(client, desk, 48)
    assert said in shown.text
    done = commit(client, shown)
    assert said in client.get(done.headers["Location"]).text


def test_a_truck_that_was_counted_in_before_is_taken_in_again_only_with_a_tick(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    """Two people count IN-1: the second is told when, by whom and how much, and a plain Commit takes nothing in."""
    first, second = simulate(client, desk, 36), simulate(client, desk, 36)
    (written,) = json.loads(hidden(second, "counted"))
    twice = json.dumps([written | {"number": "IN-1 again"}])
    assert 'name="again"' not in first.text
    assert commit(client, first).status_code == 302
    after = allocated(website)
    shown = post(client, "/receipts/simulate", counted=twice)
    said = re.search(r"IN-1 was counted in before: 36 × OAT as IN-1 [^<]* on [^<]*\.", shown.text)
    assert said is not None
    assert "36 × OAT came again" in shown.text
    assert " by dispatcher 1. Now 36 are counted, and nothing more was to come." in said[0]
    refused = commit(client, shown)
    assert refused.status_code == 409
    assert said[0] in refused.text
    assert re.search(r'<input type="checkbox"[^>]* name="again" [^>]*required', refused.text)
    assert allocated(website) == after
    fields = {name: hidden(refused, name) for name in ("counted", "seen", "policy")}
    assert post(client, "/receipts/commit", again="1", **fields).status_code == 302
    with website.installation.database.reading() as connection:
        numbers = connection.scalars(select(tables.supply.c.number).where(tables.supply.c.kind == "receipt")).all()
    assert "IN-1 again" in numbers


def test_two_rows_of_one_inbound_in_one_file_are_one_count(client: FlaskClient, desk: Desk) -> None:
    file = "number,inbound,depot,sku,quantity,more_to_come\nR-1,IN-1,NORTH,OAT,12,yes\nR-2,IN-1,NORTH,OAT,30,no\n"
    shown = post(client, "/receipts/simulate", file=(io.BytesIO(file.encode()), "counted.csv"))
    assert 'name="again"' not in shown.text
    assert commit(client, shown).status_code == 302


def test_another_policy_is_shown_and_holds_for_these_goods(client: FlaskClient, website: Website, desk: Desk) -> None:
    shown = simulate(client, desk, 18)
    other = post(client, "/receipts/simulate", counted=hidden(shown, "counted"), policy="first_ordered")
    assert 'value="first_ordered" title' in other.text
    assert commit(client, other).status_code == 302
    with website.installation.database.reading() as connection:
        assert not connection.execute(select(tables.policy)).all()


def test_a_world_that_moved_on_is_told_and_nothing_is_counted(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    shown = simulate(client, desk, 24)
    with open_store(website.installation.database) as store:
        found = counted("R-found", desk.depot, desk.products["OAT"], "OAT", 12, website.clock.at)
        commit_receipt(store, found, now=website.clock.at, by="test", tell=False)
    answer = commit(client, shown)
    assert answer.status_code == 409
    assert "The day moved on since you looked" in answer.text
    with website.installation.database.reading() as connection:
        numbers = connection.scalars(select(tables.supply.c.number).where(tables.supply.c.kind == "receipt")).all()
    assert sorted(numbers) == ["R-0", "R-found"]
    assert commit(client, answer).status_code == 302


def test_committing_twice_counts_once(client: FlaskClient, website: Website, desk: Desk) -> None:
    shown = simulate(client, desk, 24)
    commit(client, shown)
    after = allocated(website)
    assert "had been counted in before" in client.get(commit(client, shown).headers["Location"]).text
    assert allocated(website) == after


def test_several_counted_lines_are_shown_together_and_change_nothing(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    at = website.clock.at.isoformat()
    file = (
        "number,inbound,depot,sku,quantity,quarantined,counted_at\n"
        f"R-1,IN-1,NORTH,OAT,12,0,{at}\nR-1,,NORTH,COFFEE,5,5,{at}\nR-2,,NORTH,TEA,1,0,{at}\n"
    )
    before = allocated(website)
    shown = post(client, "/receipts/simulate", file=(io.BytesIO(file.encode()), "counted.csv"))
    assert shown.status_code == 200
    assert "2 counted lines" in shown.text
    assert "there is no product" in shown.text
    assert allocated(website) == before
    assert commit(client, shown).status_code == 302
    assert allocated(website)[desk.orders[1]] == 12


def test_what_is_no_count_is_marked_at_its_box(client: FlaskClient, desk: Desk) -> None:
    for typed in ("twelve", "-3", "1.5", "9999999999"):
        answer = post(client, "/receipts/simulate", **{f"count_{desk.inbound}": typed})
        assert answer.status_code == 422, typed
        assert 'aria-invalid="true"' in answer.text, typed


def test_counted_rows_that_this_page_did_not_write_are_refused(client: FlaskClient, desk: Desk) -> None:
    for text in ("", "[]", "{}", '[{"number": "R"}]', "[1]", "not json"):
        assert post(client, "/receipts/commit", counted=text).status_code == 422, text


def test_counted_rows_are_whole_numbers_and_texts_that_can_be_kept(client: FlaskClient, desk: Desk) -> None:
    written = json.loads(hidden(simulate(client, desk, 36), "counted"))
    tampered: list[tuple[str, object]] = [
        ("inbound_id", 1e300), ("inbound_id", True), ("number", ""), ("number", " "), ("number", "9" * 100_000),
        ("number", ["R"]), ("quantity", 0.7), ("quantity", True), ("quantity", "36"), ("quantity", -1),
        ("quarantined", 0.5), ("depot_id", 1.0), ("sku", ["OAT"]), ("counted_at", 7),
    ]  # fmt: skip
    token = form_token(client.get("/receipts"))
    for name, value in tampered:
        for page in ("simulate", "commit"):
            form = {"csrf_token": token, "counted": json.dumps([written[0] | {name: value}])}
            answer = client.post(f"/receipts/{page}", data=form)
            assert (answer.status_code, "cannot be read" in answer.text) == (422, True), (name, str(value)[:20], page)


@pytest.mark.parametrize("page", ["simulate", "commit"])
@pytest.mark.parametrize(("year", "said"), [(2199, "more than a day ahead"), (2001, "counted in years later")])
def test_goods_are_not_counted_in_on_a_day_to_come_or_years_later(
    client: FlaskClient, desk: Desk, page: str, year: int, said: str
) -> None:
    (written,) = json.loads(hidden(simulate(client, desk, 36), "counted"))
    other = json.dumps([written | {"counted_at": f"{year}-01-01T08:00:00+00:00"}])
    answer = post(client, f"/receipts/{page}", counted=other)
    assert (answer.status_code, said in answer.text) == (422, True)


def test_counted_rows_of_an_inbound_that_does_not_exist_are_refused(client: FlaskClient, desk: Desk) -> None:
    counted = hidden(simulate(client, desk, 36), "counted")
    for missing in (99_999, -1):
        (row,) = json.loads(counted)
        forged = json.dumps([row | {"inbound_id": missing}])
        for page in ("simulate", "commit"):
            assert post(client, f"/receipts/{page}", counted=forged).status_code == 422, page


# ---------------------------------------------------------------------------- release


def test_released_is_what_was_chosen_and_it_can_be_taken_back(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    commit(client, simulate(client, desk, 36))
    day = day_of(website)
    post(client, "/release", day=day, order=str(desk.orders[1]))
    with website.installation.database.reading() as connection:
        deliveries = connection.execute(select(tables.delivery)).all()
    assert [delivery.site_id for delivery in deliveries] == [desk.sites[1]]
    shown = client.get(f"/release/{deliveries[0].id}/back").text
    assert "Nothing has changed yet" in shown
    assert "It is in no route" in shown
    assert "Nobody has been told" in shown
    post(client, f"/release/{deliveries[0].id}/back", day=day)
    with website.installation.database.reading() as connection:
        assert connection.scalars(select(tables.delivery.c.state)).all() == ["unreleased"]
    again = post(client, f"/release/{deliveries[0].id}/back", day=day)
    assert (again.status_code, "was taken back already" in again.text) == (409, True)
    assert "Unload it first" not in again.text


def test_what_is_loaded_is_not_taken_back(client: FlaskClient, website: Website, desk: Desk) -> None:
    commit(client, simulate(client, desk, 36))
    day = day_of(website)
    post(client, "/release", day=day, order=str(desk.orders[1]))
    with website.installation.database.writing() as connection:
        delivery_id = connection.scalar(select(tables.delivery.c.id))
        connection.execute(tables.delivery.update().values(state="loaded"))
    shown = client.get(f"/release/{delivery_id}/back").text
    assert "Unload it first" in shown
    for done in ("They wait on the shelf", "it can no longer be loaded", "Take it back"):
        assert done not in shown, "it says only why not, and nothing of what does not happen"
    answer = post(client, f"/release/{delivery_id}/back", day=day)
    assert answer.status_code == 409
    assert "Unload it first" in answer.text
    assert client.get("/release/99999/back").status_code == 404


def test_releasing_nothing_says_so(client: FlaskClient, website: Website, desk: Desk) -> None:
    answer = post(client, "/release", day=day_of(website))
    assert answer.status_code == 422
    assert "No order was chosen" in answer.text


def test_a_day_that_is_none_is_refused_in_words(client: FlaskClient, desk: Desk) -> None:
    answer = client.get("/release?day=tomorrow")
    assert answer.status_code == 422
    assert "tomorrow is no day" in answer.text


# ---------------------------------------------------------------------------- addresses


def test_a_picked_place_is_remembered_and_the_task_is_done(client: FlaskClient, website: Website, desk: Desk) -> None:
    page = client.get("/addresses")
    assert "Read as Testgatan. Confirm it." in page.text
    post(client, f"/addresses/{desk.sites[4]}/pin", lat="60.1705", lon="24.9412", label="Testgatan 1")
    with website.installation.database.reading() as connection:
        site = connection.execute(select(tables.site).where(tables.site.c.id == desk.sites[4])).one()
        pins = connection.scalars(select(tables.address_pin.c.site_id)).all()
        task = connection.execute(select(tables.task)).one()
    assert (site.pin_quality, site.lat, site.pin_label) == ("by_person", 60.1705, "Testgatan 1")
    assert pins == [desk.sites[4]]
    assert task.done_at is not None
    assert "Every address has its pin" in client.get("/addresses").text


def test_a_place_that_is_none_is_refused(client: FlaskClient, desk: Desk) -> None:
    for lat in ("", "north", "95", "nan"):
        refused = post(client, f"/addresses/{desk.sites[4]}/pin", lat=lat, lon="24.912345")
        assert refused.status_code == 422, lat
        assert 'value="24.912345"' in refused.text, "what was typed stays, beside what is wrong with it"
        assert 'id="choices"' in refused.text or 'name="q"' in refused.text


def test_a_new_text_is_judged_by_its_own_postcode_and_not_by_the_sites_old_one(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    an_address_region(website.installation.home)
    with website.installation.database.writing() as connection:
        connection.execute(tables.site.update().values(postcode="99990", city="Tampere"))

    def looked(**fields: str) -> tuple[bool, str]:
        page = client.get(f"/addresses/{desk.sites[4]}", query_string=fields).text
        choices = re.search(r'<ol class="choices-list".*?</ol>', page, re.DOTALL)
        return bool(choices) and 'chip done">door found' in choices[0], page  # type: ignore[index]

    door = "Fabianinkatu 29"
    assert looked(q=door)[0] is False, "The site's own place is what is known while the text names none."
    found, page = looked(q=f"{door}, 00100 Helsinki")
    assert found
    # What counted stands in its fields, for the person to see and to change.
    assert 'name="postcode" value="00100"' in page
    assert 'name="city" value="Helsinki"' in page
    was = {"was_postcode": "99990", "was_city": "Tampere"}
    assert looked(q=f"{door}, 00100 Helsinki", postcode="99990", city="Tampere", **was)[0]
    assert looked(q=f"{door}, Helsinki", postcode="99990", city="Tampere", **was)[0]
    # What a person wrote into the fields counts, also against the text.
    assert looked(q=door, postcode="00100", city="Helsinki", **was)[0]
    assert looked(q=door, postcode="", city="", **was)[0]
    assert looked(q=f"{door}, 00100 Helsinki", postcode="00130", city="Helsinki", **was)[0] is False
    for hostile in ("x" * 5_000, "'<script>"):
        page = client.get(f"/addresses/{desk.sites[4]}", query_string={"q": door, "postcode": hostile, "city": hostile})
        assert page.status_code == 200
        assert "'<script>" not in page.text


def test_the_start_of_an_address_is_completed_from_the_region_and_from_nothing_without_one(
    client: FlaskClient, website: Website
) -> None:
    assert client.get("/addresses/suggest?q=fab").json == {"suggestions": [], "why": ""}
    an_address_region(website.installation.home)
    streets = client.get("/addresses/suggest?q=fab").json["suggestions"]
    assert streets[0] == {"label": "Fabianinkatu, Helsinki", "value": "Fabianinkatu", "is_street": True}
    doors = client.get("/addresses/suggest?q=Aleksanterinkatu 1").json["suggestions"]
    assert doors
    assert not any(each["is_street"] for each in doors)
    for hostile in ("", "%00", "x" * 5_000, "' OR 1=1 --", "<script>", "*"):
        assert client.get("/addresses/suggest", query_string={"q": hostile}).status_code == 200


# ---------------------------------------------------------------------------- orders, search, tasks, files


def test_a_whole_reference_leads_straight_to_its_order(client: FlaskClient, desk: Desk) -> None:
    for typed in ("SO-2", "so-2", "PO-702", "ERP-902", " po-702 "):
        answer = client.get("/search", query_string={"q": typed})
        assert answer.headers["Location"] == f"/orders/{desk.orders[2]}", typed


def test_a_part_of_a_reference_lists_what_fits(client: FlaskClient, desk: Desk) -> None:
    for typed in ("Café 2", "caf", "099 555 0002", "+358995550002", "oat", "Testgatan", "70"):
        assert "SO-2" in client.get("/search", query_string={"q": typed}).text, typed


def test_a_search_that_finds_nothing_says_what_it_looks_for(client: FlaskClient, desk: Desk) -> None:
    for typed in ("%", "__", "' OR 1=1 --", "nothing like it", "x" * 500):
        answer = client.get("/search", query_string={"q": typed})
        assert answer.status_code == 200, typed
        assert "SO-2" not in answer.text, typed


def test_where_is_my_order_is_answered_first(client: FlaskClient, website: Website, desk: Desk) -> None:
    page = client.get(f"/orders/{desk.orders[3]}").text
    assert "Waits for stock; expected today." in page
    commit(client, simulate(client, desk, 24))
    page = client.get(f"/orders/{desk.orders[3]}").text
    assert "there is no date" in page
    page = client.get(f"/orders/{desk.orders[1]}").text
    assert "Everything is on the shelf; it waits to be released." in page
    assert "OAT: 12 on the shelf for it" in page
    post(client, "/release", day=day_of(website), order=str(desk.orders[1]))
    assert "Released for today, not in a route yet." in client.get(f"/orders/{desk.orders[1]}").text


def test_an_order_of_which_a_part_can_go_says_so_before_the_rest(client: FlaskClient, desk: Desk) -> None:
    commit(client, simulate(client, desk, 18))
    page = client.get(f"/orders/{desk.orders[2]}").text
    assert "6 of 12 units can go now. The rest waits for stock." in page


def test_an_order_s_page_says_at_its_head_whose_it_is_and_asks_for_empties_last(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    """Who reads it on a phone knows whom they speak of before a form comes that is seldom needed."""
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.product).values(returnable=True))
    page = client.get(f"/orders/{desk.orders[1]}").text
    head = page.split('class="card where"')[1].split("</section>")[0]
    assert ">Café 1</span>" in head
    assert page.index("About it") < page.index("Fetch goods back")


def test_text_from_outside_is_never_run(client: FlaskClient, desk: Desk) -> None:
    for path in (f"/orders/{desk.orders[3]}", "/orders", "/release", "/search?q=SO", f"/search?q={HOSTILE}"):
        page = client.get(path).text
        assert HOSTILE not in page, path
    assert "&lt;img src=x" in client.get(f"/orders/{desk.orders[3]}").text


def test_an_order_that_is_not_there_is_said(client: FlaskClient, desk: Desk) -> None:
    answer = client.get("/orders/999")
    assert answer.status_code == 404
    assert "There is no order 999" in answer.text


def test_a_task_is_done_with_what_came_of_it(client: FlaskClient, website: Website, desk: Desk) -> None:
    with website.installation.database.reading() as connection:
        task_id = connection.scalar(select(tables.task.c.id))
    assert post(client, f"/tasks/{task_id}/done", outcome=" ").status_code == 422
    assert post(client, f"/tasks/{task_id}/done", outcome="called, it is number 3").status_code == 302
    assert "called, it is number 3" in client.get("/tasks?show=done").text
    assert post(client, f"/tasks/{task_id}/done", outcome="again").status_code == 409


def test_a_file_is_tried_before_it_is_taken(client: FlaskClient, website: Website, desk: Desk) -> None:
    header = client.get("/import/products.csv").text.strip()
    file = f"{header}\nTEA,Green tea,bag,6,,100,,1,3.50,EUR,,,\n,No number,bag,6,,100,,1,3.50,EUR,,,\n".encode()
    tried = post(client, "/import", kind="products", file=(io.BytesIO(file), "tea.csv"), **{"try": "1"})
    assert "Dry run of tea.csv: nothing was changed." in tried.text
    assert "Left out, and why" in tried.text
    assert products(website) == {"OAT", "COFFEE"}
    post(client, "/import", kind="products", file=(io.BytesIO(file), "tea.csv"))
    assert products(website) == {"OAT", "COFFEE", "TEA"}


def test_a_file_that_is_none_changes_nothing(client: FlaskClient, website: Website, desk: Desk) -> None:
    answer = post(client, "/import", kind="products", file=(io.BytesIO(b"\xff\xfe\x00rubbish"), "x.csv"))
    assert answer.status_code == 422
    assert "Nothing was changed." in answer.text


def products(website: Website) -> set[str]:
    with website.installation.database.reading() as connection:
        return set(connection.scalars(select(tables.product.c.number)))


def test_tasks_are_narrowed_to_a_kind_with_how_many_there_are(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    with open_store(website.installation.database) as store:
        for n in (1, 2):
            store.add_task(
                kind=TaskKind.CALL_CUSTOMER, subject_kind="order", subject_id=desk.orders[n],
                sentence=f"Call Café {n}.", made_at=website.clock.at,
            )  # fmt: skip
        store.add_task(
            kind=TaskKind.CASH_DIFFERENCE, subject_kind="shift", subject_id=1, sentence="2.00 EUR are missing.",
            made_at=website.clock.at,
        )  # fmt: skip
    kinds = client.get("/tasks").text.split('id="kinds"')[1].split("</nav>")[0]
    assert re.findall(r">([A-Z][a-z ]+) <span class=\"quiet\">(\d+)<", kinds) == [
        ("All", "4"), ("Call", "2"), ("Address", "1"), ("Cash", "1"),
    ]  # fmt: skip
    cash = client.get("/tasks?kind=cash_difference").text
    assert ("2.00 EUR are missing." in cash, "Call Café 1." in cash) == (True, False)
    assert "Call Café 1." in client.get("/tasks?kind=nothing").text, "a kind that is none narrows nothing"
