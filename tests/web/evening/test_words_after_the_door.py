"""What a door left behind is told alike to the desk and to the customer: on the order, on its page and by message."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from data import tables
from data.queries.today import routes_of
from data.store import SqlStore, open_store
from routing.model.proofs import Outcome
from routing.services.deciding import Decision, decide_door
from tests.evening import EVENING, Driven
from tests.rounds import DAY, row, with_its_problem
from tests.website import Website, a_website


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as site:
        yield site


@pytest.fixture
def driven(website: Website) -> Driven:
    return a_day(website)


def a_day(website: Website, **values: Any) -> Driven:
    made = website.a_round(told=("08:00", "08:30"), **values)
    with website.installation.database.writing() as connection:
        row(connection, tables.current_plan, depot_id=made.depot_id, day=DAY, plan_id=made.plan_id, state="dispatched")
    return Driven(website.installation.database, made, website.installation.secret)


def order_page(website: Website, driven: Driven, stop: int = 0, *, role: str = "dispatcher") -> str:
    line, orders = tables.order_line, driven.round.stops[stop].order_line_id
    with website.installation.database.reading() as connection:
        order_id = connection.scalars(select(line.c.order_id).where(line.c.id == orders)).one()
    return " ".join(website.signed_in(role=role).get(f"/orders/{order_id}").text.split())


def customer_page(website: Website, driven: Driven, stop: int = 0, *, kind: str = "tracking") -> str:
    token = website.link(kind, "delivery", driven.round.stops[stop].delivery_id)
    return " ".join(website.client().get(f"/{kind[0]}/{token}").text.split())


@pytest.mark.parametrize(
    ("language", "headline", "below", "step"),
    [
        ("en", "The goods were not accepted", "We will call you to agree on what next.", "Delivered"),
        ("fi", "Tavaraa ei otettu vastaan", "Soitamme sinulle ja sovimme jatkosta.", "Toimitettu"),
        ("sv", "Varorna togs inte emot", "Vi ringer dig och kommer överens om fortsättningen.", "Levererat"),
    ],
)
def test_goods_that_were_refused_were_not_delivered_on_the_customers_page(
    website: Website, language: str, headline: str, below: str, step: str
) -> None:
    driven = a_day(website, language=language)
    driven.says(0, Outcome.REFUSED)
    shown = customer_page(website, driven)
    assert f"<h1>{headline}</h1>" in shown
    assert below in shown
    assert 'class="steps"' not in shown, "nothing was delivered, so nothing is ticked"
    assert f"<h1>{step}</h1>" not in shown


@pytest.mark.parametrize(
    ("counts", "word"),
    [
        ({"delivered": 10, "refused": 2}, "done"),
        ({"refused": 12}, "refused"),
        ({"damaged": 10, "short": 2}, "not_delivered"),
    ],
)
def test_board_release_and_phone_have_one_word_for_a_door(
    website: Website, driven: Driven, counts: dict[str, int], word: str
) -> None:
    with website.installation.database.writing() as connection:
        with_its_problem(connection, driven.round)
    outcome = {"done": Outcome.DELIVERED, "refused": Outcome.REFUSED, "not_delivered": Outcome.DAMAGED}[word]
    driven.says(0, outcome, **counts)
    driven.says(1, Outcome.NOT_HOME)
    client, stops = website.signed_in(), driven.round.stops
    live = client.get(f"/plan/live?day={DAY}").get_json()
    assert [live["stops"][str(each.stop_id)]["state"] for each in stops[:2]] == [word, "failed"]
    assert live["routes"][str(driven.round.shift_id)]["done"] == 2
    said = {"done": "delivered", "refused": "refused", "not_delivered": "not delivered"}[word]
    chip = "done" if word == "done" else "failed"
    assert f'data-state="{word}"' in (page := client.get(f"/plan?day={DAY}").text)
    assert said in page.partition(f'<span data-state="{word}">')[2].partition("</template>")[0][:300]
    released = " ".join(client.get(f"/release?day={DAY}").text.split())
    assert f'<span class="chip {chip}">' in released
    link = website.link("driver", "manifest", driven.round.manifest_id)
    first = website.client().get(f"/d/{link}/route.json").json["stops"][0]  # type: ignore[index]
    assert first["state"] == ("done" if word == "done" else "failed")


def test_an_order_whose_goods_were_refused_says_so_and_that_a_decision_waits(website: Website, driven: Driven) -> None:
    driven.says(0, Outcome.REFUSED)
    shown = order_page(website, driven)
    assert "Refused at the door on Tue 12 May at 08:05: a decision waits, credit, cancel or deliver again." in shown
    assert "Delivered on" not in shown
    assert "chip done" not in shown.split('class="timeline"')[0]
    assert "D-1-1 was refused at the door." in shown


def test_an_order_of_which_a_part_was_refused_names_both(website: Website, driven: Driven) -> None:
    driven.says(0, delivered=10, refused=2)
    shown = order_page(website, driven)
    assert "Delivered on Tue 12 May at 08:05." in shown
    assert "2 of 12 units were refused: a decision waits, credit, cancel or deliver again." in shown


def test_a_customer_who_refused_everything_hears_what_comes_next(driven: Driven) -> None:
    driven.says(0, Outcome.REFUSED)
    told = [each for each in driven.rows(tables.notice) if each.kind != "out_today"]
    assert {each.kind for each in told} == {"failed"}
    assert told[0].data["goods"] == [{"quantity": 12, "unit": "pcs", "name": "Oat milk 1 l"}]
    assert told[0].data["why"] == "the goods were not accepted"


def test_the_page_of_a_failed_try_names_the_new_day_and_takes_the_customers_word(
    website: Website, driven: Driven
) -> None:
    driven.says(0, Outcome.NOT_HOME)
    shown = customer_page(website, driven)
    assert "We come again on Wednesday 13 May." in shown
    assert "Your message to the dispatcher" in shown
    (failed, *_) = [each for each in driven.rows(tables.notice) if each.kind == "failed"]
    with website.installation.database.reading() as connection:
        assert SqlStore(connection).link_address(link_id=failed.data["link_id"], secret=driven.secret)[0] == "tracking"
    assert failed.data["next"] == [{"what": "next_delivery_day", "day": "2026-05-13", "references": ["PO-1-1"]}]


def test_a_rest_without_a_day_says_so_and_what_was_refused_is_named(driven: Driven) -> None:
    driven.says(0, delivered=9, damaged=2, refused=1)
    (told, *_) = [each for each in driven.rows(tables.notice) if each.kind == "delivered"]
    assert told.data["waiting"] == [{"quantity": 2, "unit": "pcs", "name": "Oat milk 1 l", "no_day": True}]
    assert told.data["refused"] == [{"quantity": 1, "unit": "pcs", "name": "Oat milk 1 l"}]


def test_a_newer_time_replaces_the_one_that_still_waits_and_a_finished_stop_announces_nothing(driven: Driven) -> None:
    driven.says(0, minutes=60)
    said = {each.status: each for each in driven.rows(tables.notice) if _announces(driven, each, stop=2)}
    assert set(said) == {"waiting"}
    driven.says(1, minutes=100)
    waits = [each for each in driven.rows(tables.notice) if _announces(driven, each, stop=2)]
    assert [each.status for each in waits if each.recipient.startswith("goods_in")] == ["withheld", "waiting"]
    assert waits[0].problem == "A newer time was told instead."
    driven.says(2, minutes=110)
    last = [each for each in driven.rows(tables.notice) if _announces(driven, each, stop=2)]
    assert {each.status for each in last} == {"withheld"}
    assert last[-1].problem == "The van was there before this could be sent."


def _announces(driven: Driven, each: Any, *, stop: int) -> bool:
    return each.kind == "out_today" and each.subject_id == driven.round.stops[stop].delivery_id


def test_an_order_that_was_not_handed_over_says_when_it_comes_again_and_where_its_goods_are(
    website: Website, driven: Driven
) -> None:
    driven.says(0, Outcome.NOT_HOME)
    shown = order_page(website, driven)
    assert "It goes out again on Wed 13 May. Its goods are still on Van 3, which is not counted yet." in shown
    driven.says(1)
    driven.says(2)
    assert "slipped to Wed 13 May: the try failed: nobody was there" in shown
    assert "customer not told" not in shown
    assert '<span class="chip under_way">' not in shown.split('class="timeline"')[0]
    driven.closes(12)
    shown = order_page(website, driven, role="admin")
    assert "Released for Wed 13 May, not in a route yet. The try on Tue 12 May failed: nobody there." in shown
    assert "stop 1 of 3" not in shown, "that was the van of the day that failed"


@pytest.mark.parametrize(
    ("outcome", "waits"),
    [
        (Outcome.ADDRESS_NOT_FOUND, "Waits for the customer to name a day."),
        (Outcome.WRONG_GOODS, "Waits for a decision: credit, cancel or deliver again."),
    ],
)
def test_what_waits_for_a_word_is_in_no_route_and_on_no_day_once_its_van_is_counted(
    website: Website, driven: Driven, outcome: Outcome, waits: str
) -> None:
    driven.says(0, outcome)
    assert f"{waits} Its goods are still on Van 3, which is not counted yet." in order_page(website, driven)
    driven.says(1)
    driven.says(2)
    driven.closes(12)
    shown = order_page(website, driven, role="admin")
    assert f"{waits} The try on Tue 12 May failed: " in shown
    assert "stop 1 of 3" not in shown, "that was the van of the day that failed"
    assert "Meant for" not in shown, "no day is known before somebody names one"
    theirs = customer_page(website, driven)
    assert "We will call you to agree on what next." in theirs
    assert "Planned for" not in theirs


def test_where_nobody_went_no_page_tells_of_a_door(website: Website, driven: Driven) -> None:
    driven.says(0, Outcome.NOT_ATTEMPTED)
    shown = order_page(website, driven)
    assert "Nobody went there on Tue 12 May." in shown
    assert "Nobody went to Café 12 at the corner." in shown
    assert "Reported from the door" not in shown
    assert "could not be delivered" not in shown
    proof = customer_page(website, driven, kind="proof")
    assert "<h1>We did not get to you</h1>" in proof
    (told, *_) = [each for each in driven.rows(tables.notice) if each.kind == "failed"]
    assert told.data["not_attempted"] is True


def test_refused_goods_that_are_delivered_again_did_not_come_short(website: Website, driven: Driven) -> None:
    driven.says(0, Outcome.REFUSED)
    (task,) = driven.rows(tables.task)
    with open_store(driven.database) as store:
        decide_door(store=store, task_id=task.id, decision=Decision.REDELIVER, now=EVENING, by="user:1")
    shown = order_page(website, driven)
    assert "12 refused, to be delivered again" in shown
    assert "12 came short" not in shown


def test_dates_are_written_as_finns_write_them(website: Website) -> None:
    driven = a_day(website, language="fi")
    driven.says(0, Outcome.NOT_HOME)
    assert "13. toukokuuta" in customer_page(website, driven)


def test_a_route_whose_van_was_counted_keeps_its_stops_done_on_the_first_page(website: Website, driven: Driven) -> None:
    driven.says(0, Outcome.NOT_HOME)
    driven.says(1)
    driven.says(2)
    with website.installation.database.reading() as connection:
        (before,) = routes_of(connection, day=DAY)
    driven.closes(12)
    with website.installation.database.reading() as connection:
        (after,) = routes_of(connection, day=DAY)
    assert (after.stops, after.done, after.failed, after.next_site) == (3, 2, 1, "")
    assert after == before, "what came back goes out another day, and not with this van"


def test_the_board_keeps_a_counted_van_done_and_the_stop_that_failed_failed(website: Website, driven: Driven) -> None:
    with website.installation.database.writing() as connection:
        with_its_problem(connection, driven.round)
    driven.says(0, Outcome.NOT_HOME)
    driven.says(1)
    driven.says(2)
    driven.closes(12)
    live = website.signed_in().get(f"/plan/live?day={DAY}").get_json()
    assert live["routes"][str(driven.round.shift_id)]["done"] == 3
    assert [live["stops"][str(each.stop_id)]["state"] for each in driven.round.stops] == ["failed", "done", "done"]


def test_what_was_tried_for_nothing_and_is_not_ours_any_more_says_what_happened_at_the_door(
    website: Website, driven: Driven
) -> None:
    """Where the ERP allocates, what came back is its own once the van is counted."""
    driven.says(2, Outcome.NOT_HOME)
    for stop in (0, 1):
        driven.says(stop)
    driven.closes(12)
    with driven.database.writing() as connection:
        line = tables.order_line
        key = driven.round.stops[2].order_line_id
        connection.execute(update(line).where(line.c.id == key).values(cancelled=line.c.quantity))
    shown = order_page(website, driven, 2)
    assert "Cancelled. The try on Tue 12 May failed: nobody there." in shown
