"""The page on which a customer answers a delay: no script needed, a GET changes nothing, an answer counts once."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Executable, select, update
from werkzeug.test import TestResponse

from data import tables
from data.queries.backorders import backorders
from data.store import SqlStore, open_store
from routing.model.notices import Channel, ClaimedNotice, Notice, NoticeKind
from routing.services.importing import settle
from routing.services.promising import promised_lines
from routing.services.supplying import Slip, commit_slip
from routing.services.switching import switch_allocation
from tests.delayed import LATER, Delayed, a_delay
from tests.desk import add
from tests.website import Website, a_website, form_token
from web.cli import main
from web.due import do_due
from web.messages import renderer
from web.outbox import send_due, set_outbound
from web.serving import open_demo_mailbox


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def delayed(website: Website) -> Delayed:
    return a_delay(website)


def everything(website: Website) -> list[object]:
    with website.installation.database.reading() as connection:
        return [
            (table.name, tuple(row))
            for table in tables.metadata.sorted_tables
            for row in connection.execute(select(table).order_by(table.c.id))
        ]


def test_the_message_carries_the_link_and_its_page_shows_three_buttons(website: Website, delayed: Delayed) -> None:
    with open_store(website.installation.database) as store:
        claimed = store.claim_notices(now=website.clock.at, limit=50, lease_s=60)
    asked = next(each for each in claimed if each.notice.subject_id == delayed.desk.orders[1])
    said = renderer(website.installation)(asked).text
    assert "Please answer by Friday 15 May" in said.replace("please", "Please")
    assert f"/c/{delayed.token()}" in said
    page = website.client().get(f"/c/{delayed.token()}").text
    assert "New day: Tuesday 19 May" in page
    assert [button in page for button in ("Agree to Tuesday 19 May", "Take this day", "Cancel")] == [True] * 3
    assert "Wednesday 20 May" in page


def test_reading_the_page_changes_nothing(website: Website, delayed: Delayed) -> None:
    token = delayed.token()
    before = everything(website)
    for _ in range(3):
        for query in ("", "?answer=cancel", "?answer=accept&seen=1"):
            assert website.client().get(f"/c/{token}{query}").status_code == 200
            assert website.client().head(f"/c/{token}{query}").status_code == 200
    assert everything(website) == before


@pytest.mark.parametrize(
    ("form", "answer", "said"),
    [
        ({"answer": "accept"}, "accept", "Agreed: Tuesday 19 May"),
        ({"answer": "other_day", "day": "2026-05-21"}, "other_day", "Agreed: Thursday 21 May"),
        ({"answer": "cancel", "sure": "1"}, "cancel", "Cancelled"),
    ],
)
def test_each_button_does_what_it_says_and_twice_is_once(
    website: Website, delayed: Delayed, form: dict[str, str], answer: str, said: str
) -> None:
    client, page = website.client(), f"/c/{delayed.token()}"
    tapped = {"csrf_token": form_token(client.get(page)), "seen": delayed.consent()["version"], **form}
    assert client.post(page, data=tapped).status_code == 302
    assert said in (shown := client.get(page).text)
    assert "Your reference" in shown, "whoever has two orders sees which one"
    before = delayed.consent()
    assert before["answer"] == answer
    assert client.post(page, data=tapped).status_code == 302
    assert delayed.consent() == before


def test_to_cancel_is_asked_once_back_and_only_the_second_press_cancels(website: Website, delayed: Delayed) -> None:
    client, page = website.client(), f"/c/{delayed.token()}"
    form = {"csrf_token": form_token(client.get(page)), "answer": "cancel", "seen": "1", "shown": "2026-05-19"}
    before = everything(website)
    asked = client.post(page, data=form)
    assert asked.status_code == 200
    assert "Cancel these goods?" in asked.text
    assert "12 pcs" in asked.text
    assert f'href="{page}"' in asked.text, "the way back"
    assert everything(website) == before
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', asked.text.split("<main")[-1]))
    assert client.post(page, data=fields).status_code == 302
    assert delayed.consent()["answer"] == "cancel"
    assert client.post(page, data=form).status_code == 302, "pressed again it is the same answer"


def test_a_stale_page_cannot_overrule_what_was_just_answered(website: Website, delayed: Delayed) -> None:
    client = website.client()
    delayed.say(client, answer="accept")
    answer = delayed.say(client, answer="cancel", seen=1)
    assert answer.status_code == 409
    assert "was not changed" in answer.text
    assert delayed.consent()["answer"] == "accept"
    assert delayed.say(client, answer="other_day", day="2026-05-21").status_code == 302, "with the page as it stands"


def test_whoever_waits_without_a_day_reads_that_they_may_cancel_until_the_goods_leave(
    website: Website, delayed: Delayed
) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.delay_consent).values(day=""))
        connection.execute(update(tables.delay_consent_line).values(now_on=""))
        connection.execute(update(tables.order_line).values(expected_on=""))
    client = website.client()
    assert delayed.say(client, answer="accept").status_code == 302
    page = client.get(f"/c/{delayed.token()}").text
    assert "You may cancel until the goods leave us." in page
    assert "You may change this until" not in page


def test_the_page_says_of_the_goods_the_day_that_was_chosen(website: Website, delayed: Delayed) -> None:
    client = website.client()
    assert delayed.say(client, answer="other_day", day="2026-05-21").status_code == 302
    assert "now Thu 21 May" in client.get(f"/c/{delayed.token()}").text


def test_whoever_saw_a_day_that_moved_meanwhile_is_asked_to_look_again(website: Website, delayed: Delayed) -> None:
    client, shown = website.client(), {"seen": 1, "shown": "2026-05-19"}
    with website.installation.database.writing() as connection:  # a file moves it, and nobody is told
        lines = tables.order_line.c.order_id == delayed.desk.orders[1]
        connection.execute(update(tables.order_line).where(lines).values(expected_on="2026-05-26"))
    for form in ({"answer": "accept"}, {"answer": "cancel"}, {"answer": "other_day", "day": "2026-05-27"}):
        answer = delayed.say(client, **form, **shown)
        assert (answer.status_code, "was not changed" in answer.text) == (409, True)
        assert "New day: Tuesday 26 May" in answer.text
    assert delayed.consent()["answer"] == ""
    assert delayed.say(client, answer="accept", seen=7, shown="2026-05-26").status_code == 409
    assert delayed.say(client, answer="accept", seen=1, shown="2026-05-26").status_code == 302
    assert "Agreed: Tuesday 26 May" in client.get(f"/c/{delayed.token()}").text
    query = select(tables.promise.c.promised_on, tables.promise.c.told_at.is_not(None)).order_by(tables.promise.c.id)
    with website.installation.database.reading() as connection:
        assert connection.execute(query).all()[-1] == ("2026-05-26", True)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"answer": "yes"},
        {"answer": "<script>"},
        {"answer": "other_day"},
        {"answer": "other_day", "day": "2026-05-18"},
        {"answer": "other_day", "day": "9" * 5000},
        {"answer": "cancel", "what": "99999"},
        {"answer": "cancel", "what": "-1"},
        {"answer": "cancel", "what": "<img src=x>" * 100},
    ],
)
def test_what_is_no_answer_is_refused_and_changes_nothing(
    website: Website, delayed: Delayed, form: dict[str, str]
) -> None:
    client = website.client()
    delayed.token()
    before = everything(website)
    assert delayed.say(client, **form).status_code in (400, 422)
    assert everything(website) == before


def test_where_the_erp_allocates_by_now_the_customer_is_asked_to_call(website: Website, delayed: Delayed) -> None:
    with open_store(website.installation.database) as store:
        switch_allocation(store, erp=True, now=website.clock.at, by="admin")
    client = website.client()
    token = form_token(client.get(f"/c/{delayed.token()}"))
    before = everything(website)
    for form in ({"answer": "cancel"}, {"answer": "other_day", "day": "2026-05-21"}):
        answer = client.post(f"/c/{delayed.token()}", data={"csrf_token": token, **form})
        assert answer.status_code == 409
        assert "or call us" in answer.text
        assert "ERP" not in answer.text
    assert everything(website) == before


def test_a_link_of_another_kind_an_old_one_and_a_withdrawn_one_open_nothing(website: Website, delayed: Delayed) -> None:
    client, own = website.client(), delayed.token()
    tracking = website.link("tracking", "delivery", delayed.consent()["id"])
    wrong = [tracking, own + "x", own[:-1], "x" * 5000, "..%2f..", website.link("consent", "delivery", 1)]
    assert {client.get(f"/c/{token}").status_code for token in wrong} <= {403, 404}
    assert client.get(f"/t/{own}").status_code == 403
    with open_store(website.installation.database) as store:
        store.revoke_links(
            kind="consent", subject_kind="consent", subject_id=delayed.consent()["id"], now=website.clock.at
        )
    assert client.get(f"/c/{own}").status_code == 403
    other = delayed.token(2)
    website.clock.at += timedelta(days=60)
    assert client.get(f"/c/{other}").status_code == 403


def test_the_page_speaks_the_customer_s_language(tmp_path: Path) -> None:
    for language, words in (
        ("fi", ("Uusi päivä: tiistaina 19", "Peruuta")),
        ("sv", ("Ny dag:", "Avbeställ")),
    ):
        with a_website(tmp_path / language) as website:
            delayed = a_delay(website, language=language)
            page = website.client().get(f"/c/{delayed.token()}").text
            assert all(word in page for word in words), language
            assert f'lang="{language}"' in page


def test_the_end_of_the_term_is_found_by_the_clock_once(website: Website, delayed: Delayed) -> None:
    delayed.say(website.client(), answer="accept")
    assert do_due(website.installation).terms_ended == 0
    website.clock.at += timedelta(days=4)
    assert do_due(website.installation).terms_ended == 2, "two of three did not answer"
    assert do_due(website.installation).terms_ended == 0
    page = website.signed_in(role="salesperson").get("/tasks").text
    assert page.count("who got no message from us") == 2
    assert "Please answer, or call us." in website.client().get(f"/c/{delayed.token(2)}").text
    assert delayed.say(website.client(), 2, answer="accept").status_code == 302, "late, but nobody called yet"
    assert "You may change" not in website.client().get(f"/c/{delayed.token(2)}").text


def test_an_answer_that_came_before_the_message_left_takes_its_question_along(
    website: Website, delayed: Delayed
) -> None:
    with open_store(website.installation.database) as store:
        claimed: list[ClaimedNotice] = store.claim_notices(now=website.clock.at, limit=50, lease_s=60)
    asked = next(each for each in claimed if each.notice.subject_id == delayed.desk.orders[1])
    delayed.say(website.client(), answer="cancel")
    said = renderer(website.installation)(asked).text
    assert "/c/" not in said
    assert "answer by" not in said


def test_every_message_can_be_read_as_it_goes_out_without_its_link(website: Website, delayed: Delayed) -> None:
    order, token, desk = delayed.desk.orders[1], delayed.token(), website.signed_in(role="viewer")
    table = tables.notice
    with website.installation.database.reading() as connection:
        key = connection.scalar(select(table.c.id).where(table.c.subject_id == order, table.c.kind == "date_changed"))
    read = f"/messages/{key}"
    assert f'href="{read}"' in desk.get("/messages").text
    assert f'href="{read}"' in desk.get(f"/orders/{order}").text
    with open_store(website.installation.database) as store:
        claimed = next(
            each for each in store.claim_notices(now=website.clock.at, limit=50, lease_s=60) if each.id == key
        )
    sent = renderer(website.installation)(claimed)
    page = html.unescape(desk.get(read).text)
    assert sent.subject in page
    assert sent.text.replace(token, "…").strip() in page
    assert "/c/…" in page
    assert token not in page
    assert "our supplier delivers later than agreed" in page
    delayed.say(website.client(), answer="cancel")
    with website.installation.database.writing() as connection:
        connection.execute(update(table).where(table.c.id == key).values(status="waiting"))
    assert "/c/" not in desk.get(read).text, "as it would go now"
    assert desk.get("/messages/9999").status_code == 404


def test_no_date_any_more_is_called_that_wherever_the_message_is_named(website: Website, delayed: Delayed) -> None:
    with open_store(website.installation.database) as store:
        commit_slip(store, Slip(number="IN-1", to=None), now=website.clock.at, by="test")
    desk = website.signed_in()
    assert desk.get("/messages").text.count("No date any more") == 3
    page = desk.get(f"/orders/{delayed.desk.orders[1]}").text
    assert "about no date any more waits" in page
    assert ("They wait" in page, 'id="other-day"' in page) == (True, False)
    with website.installation.database.reading() as connection:
        key = connection.scalars(select(tables.notice.c.id).order_by(tables.notice.c.id.desc())).first()
    text = desk.get(f"/messages/{key}").text
    assert ("Agree to wait or cancel here" in text, "choose another day" in text) == (True, False)
    website.clock.at += timedelta(days=4)
    do_due(website.installation)
    tasks = desk.get("/tasks").text
    assert "has no date any more. Do they wait, or cancel?" in tasks
    assert ("They wait" in tasks, "Another day" in tasks) == (True, False)
    (task, _order), *_more = task_of(website)
    form = {"csrf_token": form_token(desk.get("/tasks")), "answer": "accept", **shown_with(tasks, task)}
    assert desk.post(f"/tasks/{task}/delay", data=form).status_code == 302
    assert "Agreed: they wait until there is a day." in desk.get("/tasks").text


def test_an_order_says_of_its_question_what_became_of_the_message_and_of_the_term(
    website: Website, delayed: Delayed
) -> None:
    """Café 1 is asked until Friday 15 May; the message waits, leaves, and nobody answers."""
    desk, order = website.signed_in(), f"/orders/{delayed.desk.orders[1]}"
    page = desk.get(order).text
    assert "is to be asked about Tue 19 May" in page
    assert "Is to be asked whether the delay suits, waits to be sent" in page
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.notice).values(status="failed"))
    held = desk.get(order).text
    assert "was to be asked about Tue 19 May, but the message was withheld or failed" in held
    assert "the message has not left yet" not in held
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.notice).values(status="sent", sent_at=website.clock.at))
    page = desk.get(order).text
    assert "Asked whether the delay suits; answer by Fri 15 May" in page
    assert "No answer yet; until Fri 15 May" in page
    website.clock.at += timedelta(days=4)
    assert "The term ended on Fri 15 May without an answer; what follows is done in a moment." in desk.get(order).text
    do_due(website.installation)
    page = desk.get(order).text
    assert "The term ended on Fri 15 May without an answer: it is a task now." in page
    assert ("No answer yet" in page, "answer by Fri 15 May</" in page) == (False, False)


def test_a_term_that_ended_by_its_message_s_not_leaving_or_by_silence_says_so(
    website: Website, delayed: Delayed
) -> None:
    """Of three cafés silence means yes; only the message to the first has left."""
    desk = website.signed_in()
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.delay_consent).values(silence="accept"))
        first = tables.notice.c.subject_id == delayed.desk.orders[1]
        connection.execute(update(tables.notice).where(first).values(status="sent", sent_at=website.clock.at))
    website.clock.at += timedelta(days=4)
    do_due(website.installation)
    said = "No answer by Fri 15 May, when the term ended: taken as agreed to Tue 19 May."
    assert said in desk.get(f"/orders/{delayed.desk.orders[1]}").text
    said = "The term ended on Fri 15 May, but no message had left: silence means nothing, and the call is a task."
    assert said in desk.get(f"/orders/{delayed.desk.orders[2]}").text


def test_whom_nobody_could_ask_is_not_called_asked(website: Website, delayed: Delayed) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.contact).values(consent=False))
    with open_store(website.installation.database) as store:
        commit_slip(store, Slip(number="IN-1", to=LATER + timedelta(days=7)), now=website.clock.at, by="test")
    desk = website.signed_in()
    page = desk.get(f"/orders/{delayed.desk.orders[1]}").text
    assert "Could not be asked whether the delay suits: no contact agreed to messages" in page
    assert "Could not be asked: no contact agreed to messages. A call is a task until" in page
    newest = desk.get("/").text.split("Newest")[1]
    assert "be asked whether the delay suits: no contact" in newest or "of which nobody could be asked" in newest
    assert "Asked whether the delay suits;" not in newest, "no message ever left"
    assert "customers asked whether" not in newest


def test_many_messages_are_read_page_by_page(website: Website) -> None:
    with open_store(website.installation.database) as store:
        for each in range(60):
            notice = Notice(
                kind=NoticeKind.CANCELLED, subject_kind="order", subject_id=each, occurrence="", recipient="a@b.ex",
                channel=Channel.EMAIL, language="en",
            )  # fmt: skip
            store.add_notice(notice, made_at=website.clock.at)
    desk = website.signed_in()
    first, second = (desk.get(f"/messages?status=waiting&page={number}").text for number in (1, 2))
    assert [page.count("a@b.ex") for page in (first, second)] == [50, 10]
    assert "page 1 of 2" in first
    assert desk.get("/messages?page=x").status_code == desk.get("/messages?page=99").status_code == 200


def test_a_question_is_not_sent_once_its_term_is_over_or_it_was_settled(website: Website, delayed: Delayed) -> None:
    """Asked on 12 May about the 19th, with sending off; it is switched on when the term is over."""

    def withheld() -> dict[int, str]:
        query = select(tables.notice.c.subject_id, tables.notice.c.problem).where(tables.notice.c.status == "withheld")
        with website.installation.database.reading() as connection:
            return {row.subject_id: row.problem for row in connection.execute(query)}

    delayed.say(website.client(), answer="other_day", day="2026-05-21")
    with contextlib.ExitStack() as stack:
        mailbox = open_demo_mailbox(website.installation, stack)
        with open_store(website.installation.database) as store:
            set_outbound(store, mode="real", by="test", now=website.clock.at)
        with website.installation.database.writing() as connection:
            others = tables.notice.c.subject_id != delayed.desk.orders[1]
            later = website.clock.at + timedelta(days=4)
            connection.execute(update(tables.notice).where(others).values(not_before=later))
        send_due(website.installation)
        assert withheld() == {delayed.desk.orders[1]: "Too late to send: what it asks was settled meanwhile."}
        website.clock.at += timedelta(days=4)
        send_due(website.installation)
        over = "Too late to send: the time to answer what it asks is over."
        assert [withheld()[delayed.desk.orders[café]] for café in (2, 3)] == [over] * 2
        assert mailbox.messages() == []
    assert over in website.signed_in().get("/messages").text


def test_the_salesperson_settles_a_call_with_a_button_and_sees_their_own_first(
    website: Website, delayed: Delayed
) -> None:
    website.clock.at += timedelta(days=4)
    with website.installation.database.writing() as connection:
        first = delayed.desk.orders[1]
        mine = select(tables.order.c.customer_id).where(tables.order.c.id == first).scalar_subquery()
        connection.execute(
            update(tables.customer).where(tables.customer.c.id == mine).values(salesperson="SALESPERSON 1")
        )
    do_due(website.installation)
    client = website.signed_in(role="salesperson")
    page = client.get("/tasks").text
    assert page.index("Yours") < page.index("Call Café 1,") < page.index("Everybody else") < page.index("Call Café 2,")
    ids = {number: task for task, number in task_of(website)}
    listed = client.get("/tasks")
    token = form_token(listed)

    def press(café: int, **form: str) -> TestResponse:
        task = ids[delayed.desk.orders[café]]
        return client.post(f"/tasks/{task}/delay", data={"csrf_token": token, **shown_with(listed.text, task), **form})

    before = everything(website)
    for wrong in ({}, {"answer": "maybe"}, {"answer": "other_day", "day": "2026-05-18"}):
        assert press(1, **wrong).status_code in (400, 422)
    assert everything(website) == before
    assert "Choose of: 2026-05-19, 2026-05-20" in press(1, answer="other_day", day="x").text
    assert press(1, answer="other_day", day="2026-05-22").status_code == 302
    assert press(2, answer="accept").status_code == 302
    assert press(3, answer="cancel").status_code == 302
    assert press(3, answer="accept").status_code == 409, "done already"
    assert [delayed.consent(café)["answer"] for café in (1, 2, 3)] == ["other_day", "accept", "cancel"]
    assert {delayed.consent(café)["answered_by"] for café in (1, 2, 3)} != {"customer"}
    page = client.get(f"/orders/{delayed.desk.orders[1]}").text
    assert "Another day was chosen: Fri 22 May." in page
    assert "Agreed: Friday 22 May" in website.client().get(f"/c/{delayed.token()}").text


def test_a_call_whose_goods_went_out_meanwhile_can_still_be_ended(website: Website, delayed: Delayed) -> None:
    """Nobody can agree or cancel any more: the buttons would be refused, and the task would stay for ever."""
    website.clock.at += timedelta(days=4)
    do_due(website.installation)
    ids = {number: task for task, number in task_of(website)}
    task = ids[delayed.desk.orders[1]]
    with website.installation.database.writing() as connection:
        line = connection.execute(
            select(tables.order_line).where(tables.order_line.c.order_id == delayed.desk.orders[1])
        ).one()
        supply = add(
            connection, tables.supply, kind="receipt", number="R-7", depot_id=delayed.desk.depot,
            product_id=line.product_id, quantity=line.quantity,
        )  # fmt: skip
        add(connection, tables.allocation, supply_id=supply, order_line_id=line.id, quantity=line.quantity,
            at=website.clock.at, loaded=line.quantity)  # fmt: skip
    client = website.signed_in(role="salesperson")
    page = client.get("/tasks")
    assert f"/tasks/{task}/delay" not in page.text
    done = client.post(f"/tasks/{task}/done", data={"csrf_token": form_token(page), "outcome": "told them"})
    assert done.status_code == 302
    assert f'id="task-{task}"' not in client.get("/tasks").text


def test_a_call_settled_from_the_list_is_about_the_question_that_the_list_showed(
    website: Website, delayed: Delayed
) -> None:
    website.clock.at += timedelta(days=4)
    do_due(website.installation)
    client = website.signed_in(role="salesperson")
    listed = client.get("/tasks")
    ids = {number: task for task, number in task_of(website)}
    moved, as_shown = (ids[delayed.desk.orders[café]] for café in (1, 2))

    def press(task: int, **form: str) -> TestResponse:
        return client.post(f"/tasks/{task}/delay", data={"csrf_token": form_token(listed), **form})

    # The goods of café 1 come a week later than the list says.
    with website.installation.database.writing() as connection:
        late = update(tables.order_line).where(tables.order_line.c.order_id == delayed.desk.orders[1])
        connection.execute(late.values(expected_on="2026-05-27"))
    before = everything(website)
    answer = press(moved, answer="accept", **shown_with(listed.text, moved))
    assert (answer.status_code, "The day has moved since this was shown." in answer.text) == (409, True)
    assert press(moved, answer="accept").status_code == 409, "a form that does not say what it showed"
    assert everything(website) == before
    assert press(as_shown, answer="accept", **shown_with(listed.text, as_shown)).status_code == 302
    again = client.get("/tasks").text
    assert press(moved, answer="accept", **shown_with(again, moved)).status_code == 302
    assert delayed.consent()["answer"] == "accept"


def shown_with(page: str, task: int) -> dict[str, str]:
    """What the forms of a task on the list say of the question that was shown there."""
    form = page.split(f'action="/tasks/{task}/delay"', 1)[1].split("</form>", 1)[0]
    found = dict(re.findall(r'name="(seen|shown)" value="([^"]*)"', form))
    assert found.keys() == {"seen", "shown"}
    return found


def test_what_is_overdue_says_so_and_an_outcome_becomes_an_event(website: Website, delayed: Delayed) -> None:
    client = website.signed_in(role="salesperson")
    delayed.say(website.client(), answer="cancel")
    refund = next(task for task, _order in task_of(website, kind="refund"))
    website.clock.at += timedelta(days=20)
    page = client.get("/tasks").text
    assert "overdue since" in page
    token = form_token(client.get("/tasks"))
    client.post(f"/tasks/{refund}/done", data={"csrf_token": token, "outcome": "paid back by card"})
    assert "paid back by card" in client.get(f"/orders/{delayed.desk.orders[1]}").text


def task_of(website: Website, *, kind: str = "delay_consent") -> list[tuple[int, int]]:
    table = tables.task
    with website.installation.database.reading() as connection:
        rows = connection.execute(select(table.c.id, table.c.data).where(table.c.kind == kind)).all()
    return [(row.id, row.data.get("order", 0)) for row in rows]


def test_who_picks_up_the_phone_settles_it_on_the_order_s_page_before_the_term(
    website: Website, delayed: Delayed
) -> None:
    client, order = website.signed_in(role="salesperson"), delayed.desk.orders[1]
    page = client.get(f"/orders/{order}")
    assert "No answer yet; until Fri 15 May, then: the salesperson calls." in page.text
    token = form_token(page)

    def press(**form: object) -> TestResponse:
        seen = delayed.consent()["version"]
        return client.post(f"/orders/{order}/delay", data={"csrf_token": token, "seen": seen, **form})

    before = everything(website)
    for wrong in ({}, {"answer": "x"}, {"answer": "other_day", "day": "2026-05-18"}):
        assert press(**wrong).status_code in (400, 422)
    assert everything(website) == before
    assert press(answer="other_day", day="2026-05-22").status_code == 302
    assert "Chose Fri 22 May." in client.get(f"/orders/{order}").text
    assert press(answer="accept", seen=1).status_code == 409
    assert press(answer="cancel").status_code == 302
    assert press(answer="accept").status_code == 409
    assert "Asked about the delay" not in client.get(f"/orders/{order}").text


def test_who_was_asked_to_wait_without_a_day_reads_that_it_comes_as_promised_after_all(
    website: Website, delayed: Delayed
) -> None:
    """Promised for the 19th, then for no day: another truck brings it on the 18th."""
    at, desk = website.clock.at, delayed.desk
    with open_store(website.installation.database) as store:
        commit_slip(store, Slip(number="IN-1", to=None), now=at, by="test")
    link = f"/c/{delayed.token()}"
    assert "We have no day for these goods yet" in website.client().get(link).text
    with open_store(website.installation.database) as store:
        add(
            store.connection, tables.supply, kind="inbound", number="IN-2", depot_id=desk.depot,
            product_id=desk.products["OAT"], quantity=36, expected_at=at + timedelta(days=6),
        )  # fmt: skip
        settle(store, {desk.depot: {desk.products["OAT"]}}, now=at, by="test", tell=True, why="new inbound")
    page = website.client().get(link).text
    assert "It comes as promised: Tuesday 19 May" in page
    assert "<button" not in page.split("<main")[-1], "nothing to answer"


def test_while_the_question_is_open_every_list_says_until_when_and_the_answer_ends_it(
    website: Website, delayed: Delayed
) -> None:
    """Café 1 was promised Tuesday 12 May and is asked about Tuesday 19 May, with three days."""
    desk, client = delayed.desk, website.signed_in()
    order, list_of_all = f"/orders/{desk.orders[1]}", "/backorders"

    def asked() -> tuple[str, str]:
        with website.installation.database.reading() as connection:
            lines = promised_lines(SqlStore(connection), depot_id=desk.depot, now=website.clock.at)
            (line,) = [line for line in lines if line.order_id == desk.orders[1]]
            (waits,) = [line for line in backorders(connection) if line.order_id == desk.orders[1]]
        assert (line.promised_on, waits.promised_on) == ("2026-05-19", "2026-05-19")
        return line.answer_by, waits.answer_by

    assert asked() == ("2026-05-15", "2026-05-15")
    page = client.get(order).text
    assert "about Tue 19 May, answer by Fri 15 May" in page.split('id="asked"')[1]
    assert ">answer by Fri 15 May</div>" in page
    assert "the message has not left yet" in page
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.notice).values(status="sent", sent_at=website.clock.at))
    assert "the message has not left yet" not in client.get(order).text
    assert client.get(list_of_all).text.count(">answer by Fri 15 May<") == 3, "all three cafés are asked"
    delayed.say(website.client(), answer="accept")
    assert asked() == ("", "")
    page = client.get(order).text
    assert ('id="asked"' in page, ">answer by " in page) == (False, False)
    assert client.get(list_of_all).text.count(">answer by Fri 15 May<") == 2


def test_a_term_is_over_by_the_day_at_the_depot_not_at_the_company(
    website: Website, delayed: Delayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is due on Friday 15 May in Helsinki. There it is Saturday, at the company in New York still Friday."""
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.company).values(zone="America/New_York"))
    client, friday = website.signed_in(), datetime(2026, 5, 15, 20, 30, tzinfo=UTC)
    monkeypatch.setattr("web.cli.backorders.open_installation", lambda: contextlib.nullcontext(website.installation))
    for at, said, printed in (
        (friday, ">answer by Fri 15 May<", "2026-05-15"),
        (friday + timedelta(hours=1), "no answer, term over since Fri 15 May", "2026-05-15 (over)"),
    ):
        website.clock.at = at
        assert client.get("/backorders").text.count(said) == 3, at
        assert CliRunner().invoke(main, ["backorders"], env={"COLUMNS": "200"}).output.count(printed) == 3


def test_goods_that_came_or_were_cancelled_meanwhile_are_not_said_to_be_on_their_way(
    website: Website, delayed: Delayed
) -> None:
    """A file cancels the order, or the line alone; the goods were delivered; the shop delivered the line itself."""
    client, page, order_id = website.client(), f"/c/{delayed.token()}", delayed.desk.orders[1]
    orders, lines = tables.order, tables.order_line

    def shows() -> str:
        text = client.get(page).text
        assert "Agree to" not in text
        assert "on their way" not in text
        return html.unescape(re.search(r"<h1>(.*?)</h1>", text)[1])  # type: ignore[index]

    def write(*changes: Executable) -> None:
        with website.installation.database.writing() as connection:
            for each in changes:
                connection.execute(each)

    of_it = lines.c.order_id == order_id
    write(update(orders).where(orders.c.id == order_id).values(cancelled_at=website.clock.at))
    assert shows() == "Cancelled"
    write(
        update(orders).where(orders.c.id == order_id).values(cancelled_at=None),
        update(lines).where(of_it).values(cancelled=lines.c.quantity),
    )
    assert shows() == "Cancelled"
    with open_store(website.installation.database) as store:
        number = store.connection.scalar(select(lines.c.number).where(of_it))
        at = website.clock.at
        said = {"differences": [(f"line {number}", "12", "fulfilled by the shop")]}
        store.append_event(
            kind="order_changed", actor="test", captured_at=at, received_at=at, order_id=order_id, data=said
        )
    assert shows() == "These goods have come already, another way"
    write(update(lines).where(of_it).values(cancelled=0))
    with open_store(website.installation.database) as store:
        line = store.connection.execute(select(lines).where(of_it)).one()
        supply = add(
            store.connection, tables.supply, kind="receipt", number="R-7", depot_id=delayed.desk.depot,
            product_id=line.product_id, quantity=line.quantity,
        )  # fmt: skip
        add(store.connection, tables.allocation, supply_id=supply, order_line_id=line.id, quantity=line.quantity,
            at=at, delivered=line.quantity)  # fmt: skip
    assert shows() == "These goods have come already"
