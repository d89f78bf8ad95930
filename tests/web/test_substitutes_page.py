"""Other goods instead of what is late: taken on the page of the delay, or noted by whoever is on the phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select

from data import tables
from data.store import open_store
from tests.delayed import Delayed, a_delay, with_substitute
from tests.web.test_consent_page import everything
from tests.website import Website, a_website, form_token
from web.messages import renderer


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def delayed(website: Website) -> Delayed:
    return with_substitute(a_delay(website))


def offer_on(text: str) -> str:
    return text.partition('name="offer" value="')[2].partition('"')[0]


def lines(website: Website) -> int:
    with website.installation.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(tables.order_line)) or 0


def test_reading_the_page_changes_nothing_and_a_press_takes_it_once(website: Website, delayed: Delayed) -> None:
    client, at = website.client(), f"/c/{delayed.token()}"
    csrf = form_token(client.get(at))
    before = everything(website)
    page = client.get(at).text
    assert "Barista oat drink" in page
    assert "They cost what was agreed: €24.00." in page
    assert everything(website) == before
    counted = lines(website)
    form = {"csrf_token": csrf, "answer": "substitute", "offer": offer_on(page)}
    assert [client.post(at, data=form).status_code for _ in range(2)] == [302, 302], "twice is once"
    assert "Agreed: other goods come instead" in client.get(at).text
    assert lines(website) == counted + 1


@pytest.mark.parametrize("offer", ["", "1:2:3:4:5", "x" * 5000, "1:1:12:12:200' OR 1=1"])
def test_an_offer_that_was_not_made_changes_nothing_and_shows_how_it_stands(
    website: Website, delayed: Delayed, offer: str
) -> None:
    counted, asked = lines(website), delayed.consent()
    said = delayed.say(website.client(), answer="substitute", offer=offer)
    assert said.status_code == 409
    assert "nothing was changed" in said.text
    assert (lines(website), delayed.consent()) == (counted, asked)


def test_an_offer_for_a_line_that_was_not_asked_about_is_not_taken_from_the_question_s_page(
    website: Website, delayed: Delayed
) -> None:
    client, at, counted = website.client(), f"/c/{delayed.token()}", lines(website)
    page = client.get(at)
    form = {"csrf_token": form_token(page), "answer": "substitute", "offer": offer_on(page.text)}
    with website.installation.database.writing() as connection:
        connection.execute(delete(tables.delay_consent_line))
    said = client.post(at, data=form)
    assert (said.status_code, lines(website)) == (409, counted)


@pytest.mark.parametrize(("language", "word"), [("fi", "Otan nämä tilalle"), ("sv", "Jag tar dessa i stället")])
def test_the_page_and_the_message_speak_the_customers_language(website: Website, language: str, word: str) -> None:
    delayed = with_substitute(a_delay(website, language=language))
    page = website.client().get(f"/c/{delayed.token()}").text
    assert word in page
    delayed.say(website.client(), answer="substitute", offer=offer_on(page))
    with open_store(website.installation.database) as store:
        claimed = store.claim_notices(now=website.clock.at, limit=50, lease_s=60)
    told = next(each for each in claimed if each.notice.occurrence.startswith("substitute"))
    said = renderer(website.installation)(told).text
    assert {"fi": "korvaa: 12 pcs Oat drink", "sv": "i stället för 12 pcs Oat drink"}[language] in said


def test_a_person_on_the_phone_sees_what_it_does_and_presses_it(website: Website, delayed: Delayed) -> None:
    client = website.signed_in(role="salesperson")
    at = f"/orders/{delayed.desk.orders[1]}"
    page = client.get(at)
    assert "Could go instead" in page.text
    assert "instead of 12 pcs OAT Oat drink" in page.text
    assert "The customer says yes" in page.text
    form = {"csrf_token": form_token(page), "offer": offer_on(page.text)}
    assert client.post(f"{at}/substitute", data=form).status_code == 302
    after = client.get(at).text
    assert "12 replaced" in after
    assert "12 × BARISTA go instead of 12 × OAT" in after
    assert "Could go instead" not in after
    assert client.post(f"{at}/substitute", data=form).status_code == 409


def test_nobody_is_offered_what_the_policy_does_not_allow(website: Website) -> None:
    delayed = with_substitute(a_delay(website), policy="never")
    assert "Barista" not in website.client().get(f"/c/{delayed.token()}").text
    page = website.signed_in(role="salesperson").get(f"/orders/{delayed.desk.orders[1]}").text
    assert "Could go instead" not in page


def test_where_the_erp_allocates_nothing_is_offered_and_the_pages_still_open(
    website: Website, delayed: Delayed
) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(insert(tables.setting).values(name="allocation", value={"by": "erp"}, at=website.clock.at))
    assert "Barista" not in website.client().get(f"/c/{delayed.token()}").text
    page = website.signed_in(role="salesperson").get(f"/orders/{delayed.desk.orders[1]}")
    assert page.status_code == 200
    assert "Could go instead" not in page.text
