"""The driver's phone and the customer's page in a real browser."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select, update

from data import tables
from data.store import open_store
from routing.model.payments import OrderAsks
from routing.rules.paying import due
from routing.services.paying import ask_at_door
from tests.conftest import PATIENCE_MS
from tests.phone import PHONE as WALKED
from tests.rounds import Round
from tests.website import Website, a_website, served

# At the first door of a round.
PHONE = WALKED | {"geolocation": {"latitude": 60.1650, "longitude": 24.9400, "accuracy": 8}}


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def address(website: Website) -> Iterator[str]:
    with served(website) as found:
        yield found


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(**PHONE)
    yield context
    context.close()


@pytest.fixture
def said(phone: BrowserContext) -> list[str]:
    """What the console said that it should not, and every request that went to another machine."""
    heard: list[str] = []
    phone.on("console", lambda message: heard.append(message.text) if message.type in ("error", "warning") else None)
    phone.on("weberror", lambda error: heard.append(str(error.error)))
    phone.on(
        "request",
        lambda request: None if "//127.0.0.1:" in request.url or "data:" in request.url else heard.append(request.url),
    )
    return heard


def rows(website: Website, table: Any) -> list[Any]:
    with website.installation.database.reading() as connection:
        return list(connection.execute(select(table).order_by(table.c.id)))


def open_route(page: Page, address: str, website: Website, this: Round) -> str:
    url = f"{address}/d/{website.link('driver', 'manifest', this.manifest_id)}"
    page.goto(url)
    expect(page.locator("html[data-ready]")).to_be_attached()
    return url


def until_it_works_offline(page: Page) -> None:
    """The worker has everything that the page needs to open without signal, after a single visit."""
    expect(page.locator("html[data-ready=offline]")).to_be_attached(timeout=15_000)


def sign(page: Page) -> None:
    box = page.locator("canvas.signature")
    box.scroll_into_view_if_needed()
    at = box.bounding_box()
    assert at is not None
    page.mouse.move(at["x"] + 20, at["y"] + 40)
    page.mouse.down()
    page.mouse.move(at["x"] + 160, at["y"] + 80, steps=8)
    page.mouse.up()


def hand_over(page: Page, *, delivered: int) -> None:
    page.get_by_role("button", name="Delivered").click()
    page.get_by_role("spinbutton").fill(str(delivered))
    if page.get_by_role("checkbox", name="Short").is_visible():
        page.get_by_role("checkbox", name="Short").check()
    page.get_by_label("Received by").fill("Goods-in 1")
    sign(page)
    page.get_by_role("button", name="Save").click()


def axe(page: Page, script: Path) -> list[str]:
    # Into the page's own world the content policy lets no text through; the file's text goes in by the debugger.
    found = page.evaluate(script.read_text() + "\n;axe.run().then((result) => result.violations)")
    return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found]


def test_ten_of_twelve_signed_without_signal_arrive_exactly_once(
    website: Website, address: str, phone: BrowserContext, said: list[str]
) -> None:
    this = website.a_round(stops=3, loaded=12)
    page = phone.new_page()
    url = open_route(page, address, website, this)
    until_it_works_offline(page)
    expect(page.get_by_role("status").filter(has_text="All sent")).to_be_visible()

    phone.set_offline(True)
    hand_over(page, delivered=10)
    expect(page.get_by_text("1 not sent")).to_be_visible()
    expect(page.get_by_role("heading", name="Café 13 at the corner")).to_be_visible()
    assert rows(website, tables.proof) == []

    # Closed and opened again without signal, nothing is forgotten.
    page.close()
    page = phone.new_page()
    page.goto(url)
    expect(page.get_by_text("1 not sent")).to_be_visible()
    expect(page.get_by_role("heading", name="Café 13 at the corner")).to_be_visible()

    offline_noise = [text for text in said if "ERR_INTERNET_DISCONNECTED" not in text]
    assert offline_noise == []
    phone.set_offline(False)
    expect(page.get_by_text("All sent")).to_be_visible()

    (proof,) = rows(website, tables.proof)
    assert (proof.outcome, proof.recipient, proof.from_address_m) == ("delivered", "Goods-in 1", 0)
    (line,) = rows(website, tables.proof_line)
    assert (line.delivered, line.short) == (10, 2)
    (file,) = rows(website, tables.file)
    assert website.installation.files.read(file.sha256).startswith(b"\x89PNG")
    (event,) = [each for each in rows(website, tables.event) if each.kind == "stop.reported"]
    assert re.fullmatch(r"[0-9a-f-]{36}", event.client_id)


def paid_at_the_door(website: Website, this: Round, *, amount: int) -> None:
    """The order of the first door is worth 12 units of 10.00 EUR and asks for this amount."""
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.order_line).values(unit_price=1000))
        connection.execute(update(tables.order).values(currency="EUR"))
        line_id = this.stops[0].order_line_id
        order_id = connection.scalar(select(tables.order_line.c.order_id).where(tables.order_line.c.id == line_id))
    with open_store(website.installation.database) as store:
        assert order_id is not None
        ask_at_door(store, order_id, amount=amount, by="user:1", now=website.clock.now())


def test_what_is_paid_at_the_door_follows_what_is_handed_over_and_is_booked_once_without_signal(
    website: Website, address: str, phone: BrowserContext, said: list[str], axe_script: Path
) -> None:
    this = website.a_round(stops=3, loaded=12)
    paid_at_the_door(website, this, amount=11250)
    page = phone.new_page()
    open_route(page, address, website, this)
    until_it_works_offline(page)
    expect(page.get_by_text("Collect €112.50")).to_be_visible()

    phone.set_offline(True)
    page.get_by_role("button", name="Delivered").click()
    amount = page.get_by_label("Collected, in EUR")
    expect(amount).to_have_value("112.50")
    page.get_by_role("spinbutton").fill("10")
    page.get_by_role("checkbox", name="Short").check()
    expect(page.get_by_text("To collect here: €93.75")).to_be_visible()
    expect(amount).to_have_value("93.75")
    page.get_by_label("Received by").fill("Goods-in 1")
    amount.fill("ninety")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Write what was collected as an amount in EUR")).to_be_visible()
    amount.fill("90,00")
    expect(page.get_by_text("€3.75 less than is due. Save it as it is: the office asks.")).to_be_visible()
    page.get_by_label("Card").check()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing to scroll sideways for"
    assert axe(page, axe_script) == []
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 not sent")).to_be_visible()
    assert rows(website, tables.cash_entry) == []

    phone.set_offline(False)
    expect(page.get_by_text("All sent")).to_be_visible()
    booked = [(each.kind, each.method, each.amount, each.currency) for each in rows(website, tables.cash_entry)]
    assert booked == [("due", "cash", 9375, "EUR"), ("collected", "card", 9000, "EUR")]
    (task,) = [each for each in rows(website, tables.task) if each.kind == "cash_difference"]
    assert "93.75 EUR were due at the door, 90.00 EUR were collected, too little" in task.sentence
    assert [text for text in said if "ERR_INTERNET_DISCONNECTED" not in text] == []


def test_part_in_cash_and_part_by_card_is_entered_without_signal_and_booked_by_method(
    website: Website, address: str, phone: BrowserContext, said: list[str], axe_script: Path
) -> None:
    this = website.a_round(stops=3, loaded=12)
    paid_at_the_door(website, this, amount=11250)
    page = phone.new_page()
    open_route(page, address, website, this)
    until_it_works_offline(page)
    phone.set_offline(True)
    page.get_by_role("button", name="Delivered").click()
    page.get_by_role("button", name="Part in another way").click()
    cash, card, other = (page.get_by_label(f"{each}, in EUR") for each in ("Cash", "Card", "Otherwise"))
    expect(cash).to_have_value("112.50")
    expect(card).to_have_value("")
    card.fill("50")
    expect(cash).to_have_value("62.50")
    page.get_by_role("spinbutton").fill("10")  # two units are short: less is due, and the cash follows
    page.get_by_role("checkbox", name="Short").check()
    expect(cash).to_have_value("43.75")
    cash.fill("40")
    expect(page.get_by_text("€3.75 less than is due. Save it as it is: the office asks.")).to_be_visible()
    page.get_by_label("Received by").fill("Goods-in 1")
    other.fill("a cheque")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Write what was collected as an amount in EUR")).to_be_visible()
    other.fill("")
    cash.fill("43,75")
    expect(page.get_by_text("than is due")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing to scroll sideways for"
    assert axe(page, axe_script) == []
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 not sent")).to_be_visible()
    phone.set_offline(False)
    expect(page.get_by_text("All sent")).to_be_visible()
    booked = [(each.kind, each.method, each.amount) for each in rows(website, tables.cash_entry)]
    assert booked == [("due", "cash", 9375), ("collected", "cash", 4375), ("collected", "card", 5000)]
    assert [each for each in rows(website, tables.task) if each.kind == "cash_difference"] == []
    assert [text for text in said if "ERR_INTERNET_DISCONNECTED" not in text] == []


def test_an_amount_that_was_typed_first_stays_and_the_rest_is_by_card(
    website: Website, address: str, phone: BrowserContext, said: list[str]
) -> None:
    this = website.a_round(stops=3, loaded=12)
    paid_at_the_door(website, this, amount=11250)
    page = phone.new_page()
    open_route(page, address, website, this)
    page.get_by_role("button", name="Delivered").click()
    page.get_by_label("Collected, in EUR").fill("60")
    page.get_by_role("button", name="Part in another way").click()
    expect(page.get_by_label("Cash, in EUR")).to_have_value("60")
    expect(page.get_by_label("Card, in EUR")).to_have_value("52.50")
    page.get_by_role("button", name="All in one way").click()
    expect(page.get_by_label("Collected, in EUR")).to_have_value("112.50")
    page.get_by_role("button", name="Part in another way").click()
    page.get_by_label("Cash, in EUR").fill("0")
    page.get_by_label("Card, in EUR").fill("")
    page.get_by_label("Received by").fill("Goods-in 1")
    with page.expect_response(lambda answer: answer.url.endswith("/reports")) as sent:
        page.get_by_role("button", name="Save").click()
    assert sent.value.ok
    assert [(each.kind, each.amount) for each in rows(website, tables.cash_entry)] == [("due", 11250)]
    (task,) = [each for each in rows(website, tables.task) if each.kind == "cash_difference"]
    assert "0.00 EUR were collected, too little" in task.sentence
    assert said == []


def test_the_phone_reckons_what_is_due_as_the_rule_does(browser: Browser) -> None:
    """Drawn amounts, worths beyond what a number of JavaScript holds, and what was brought and asked before."""
    script = (Path(__file__).parents[2] / "web/static/js/driver.js").read_text()
    reckons = "function dueOf" + script.partition("function dueOf")[2].partition("\n}\n")[0] + "\n}"
    chance, cases = random.Random(7), []
    for _ in range(400):
        worth, amount = chance.choice([0, 3, 999, 10**17]), chance.randint(1, 999_999_999)
        asks = OrderAsks(
            order_id=1, order="SO-1", currency="EUR", amount=amount, worth=worth,
            worth_before=chance.randint(0, worth), asked_before=chance.randint(0, amount),
            prices={1: chance.choice([0, 1, 77, 10**8]), 2: 1},
        )  # fmt: skip
        cases.append((asks, {1: chance.randint(0, 9), 2: chance.randint(0, 2), 3: 1}))
    sent = [
        {
            "asks": {
                "amount": str(asks.amount), "worth": str(asks.worth), "worthBefore": str(asks.worth_before),
                "askedBefore": str(asks.asked_before), "prices": {key: str(each) for key, each in asks.prices.items()},
            },
            "lines": [{"allocation_id": key, "delivered": units} for key, units in delivered.items()],
        }
        for asks, delivered in cases
    ]  # fmt: skip
    page = browser.new_page()
    answered = page.evaluate(
        f"(cases) => {{ {reckons}; return cases.map((each) => String(dueOf(each.asks, each.lines))); }}", sent
    )
    page.close()
    assert answered == [str(due(asks, delivered)) for asks, delivered in cases]


def kept_by(page: Page) -> set[str]:
    """The tokens of the links of which the phone keeps something for a time without signal."""
    return set(
        page.evaluate(
            "caches.open('backroute-pages').then((cache) => cache.keys())"
            ".then((kept) => kept.map((each) => new URL(each.url).pathname.split('/')[2]))"
        )
    )


def until_it_keeps(page: Page, urls: list[str]) -> None:
    wanted = {url.rpartition("/")[2] for url in urls}
    for _ in range(PATIENCE_MS // 50):
        if kept_by(page) == wanted:
            return
        page.wait_for_timeout(50)
    assert kept_by(page) == wanted


def test_a_phone_keeps_the_last_few_links_and_none_that_has_ended(
    website: Website, address: str, phone: BrowserContext
) -> None:
    rounds = [website.a_round(stops=1, number=str(n), name=f"Café {n}") for n in range(1, 6)]
    page = phone.new_page()
    urls = []
    for this in rounds[:4]:
        urls.append(open_route(page, address, website, this))
        until_it_works_offline(page)
    until_it_keeps(page, urls[1:])
    website.clock.at += timedelta(days=3)  # each link is for two
    urls.append(open_route(page, address, website, rounds[4]))
    until_it_works_offline(page)
    until_it_keeps(page, urls[4:])


def test_two_tabs_that_race_send_each_report_once(
    website: Website, address: str, phone: BrowserContext, said: list[str]
) -> None:
    this = website.a_round(stops=3, loaded=12)
    first = phone.new_page()
    url = open_route(first, address, website, this)
    until_it_works_offline(first)
    second = phone.new_page()
    second.goto(url)
    phone.set_offline(True)
    hand_over(first, delivered=12)
    expect(first.get_by_text("1 not sent")).to_be_visible()
    hand_over(first, delivered=12)
    expect(first.get_by_text("2 not sent")).to_be_visible()
    phone.set_offline(False)
    for page in (first, second):
        page.evaluate("dispatchEvent(new Event('online'))")
    for page in (first, second):
        expect(page.get_by_text("not sent")).to_have_count(0)
    assert [proof.outcome for proof in rows(website, tables.proof)] == ["delivered", "delivered"]


def test_a_report_that_the_office_refuses_stays_for_a_person(
    website: Website, address: str, phone: BrowserContext
) -> None:
    this = website.a_round(stops=2, loaded=12)
    page = phone.new_page()
    open_route(page, address, website, this)
    with website.installation.database.writing() as connection:  # somebody reported this door already
        connection.execute(tables.delivery.update().values(state="done"))
    page.get_by_role("button", name="Problem").click()
    page.get_by_text("Nobody there").click()
    page.get_by_role("button", name="Save").click()
    refused = page.get_by_role("alert")
    expect(refused).to_contain_text("Not accepted by the office")
    expect(refused).to_contain_text("was already reported")


def test_arrived_then_nobody_there(website: Website, address: str, phone: BrowserContext, said: list[str]) -> None:
    this = website.a_round(stops=2, loaded=12)
    page = phone.new_page()
    open_route(page, address, website, this)
    page.get_by_role("button", name="Arrived").click()
    expect(page.locator(".stop-card").get_by_text("at the door")).to_be_visible()
    page.get_by_role("button", name="Problem").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_have_text("Choose what happened.")
    page.get_by_text("Nobody there").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Café 13 at the corner")).to_be_visible()
    expect(page.get_by_text("All sent")).to_be_visible()
    assert [each.kind for each in rows(website, tables.event)] == ["stop.arrived", "stop.reported", "delivery.failed"]
    assert said == []


def test_a_refused_stop_is_called_refused_and_no_failure(website: Website, address: str, phone: BrowserContext) -> None:
    this = website.a_round(stops=3, loaded=12)
    page = phone.new_page()
    open_route(page, address, website, this)
    for problem in ("All refused", "Nobody there"):
        page.get_by_role("button", name="Problem").click()
        page.get_by_text(problem).click()
        with page.expect_response(lambda answer: answer.url.endswith("/reports")) as sent:
            page.get_by_role("button", name="Save").click()
        assert sent.value.ok
    chips = page.locator(".chip.failed")
    expect(chips).to_have_text(["refused", "failed"])
    page.reload()
    expect(chips).to_have_text(["refused", "failed"])


def test_why_units_are_missing_is_asked_and_may_be_two_things(
    website: Website, address: str, phone: BrowserContext, said: list[str]
) -> None:
    this = website.a_round(stops=2, loaded=12)
    page = phone.new_page()
    open_route(page, address, website, this)
    page.get_by_role("button", name="Delivered").click()
    page.get_by_role("spinbutton").fill("9")
    page.get_by_label("Received by").fill("Goods-in 1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("say what became of the 3 that are missing")
    page.get_by_role("checkbox", name="Damaged").check()
    page.get_by_role("checkbox", name="Refused").check()
    page.get_by_role("spinbutton", name="Damaged").fill("2")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("spinbutton", name="Refused").fill("1")
    with page.expect_response(lambda answer: answer.url.endswith("/reports")) as sent:
        page.get_by_role("button", name="Save").click()
    assert sent.value.ok
    (line,) = rows(website, tables.proof_line)
    assert (line.delivered, line.short, line.damaged, line.refused) == (9, 0, 2, 1)
    assert said == []


def test_what_is_pressed_with_a_thumb_is_at_least_48_px(website: Website, address: str, phone: BrowserContext) -> None:
    this = website.a_round(stops=2)
    page = phone.new_page()
    open_route(page, address, website, this)
    sizes = page.locator("button:visible, a.button:visible, .stop-address > a").evaluate_all(
        "nodes => nodes.map(node => [node.textContent.trim(), node.getBoundingClientRect().height])"
    )
    assert [each for each in sizes if each[1] < 48] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing to scroll sideways"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_can_be_used_by_everybody(
    website: Website, address: str, browser: Browser, axe_script: Path, scheme: Any
) -> None:
    this = website.a_round(stops=3, told=("08:00", "09:00"), note="Ring at the yard gate.")
    context = browser.new_context(**PHONE, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    open_route(page, address, website, this)
    assert axe(page, axe_script) == []
    page.get_by_role("button", name="Delivered").click()
    page.get_by_role("spinbutton").fill("10")
    assert axe(page, axe_script) == []
    for path in (f"/t/{website.link('tracking', 'delivery', this.stops[1].delivery_id)}", "/login"):
        page.goto(address + path)
        assert axe(page, axe_script) == [], path
    context.close()


def test_the_customer_reads_the_answer_first_and_the_proof_afterwards(
    website: Website, address: str, phone: BrowserContext, said: list[str]
) -> None:
    this = website.a_round(stops=3, told=("08:00", "09:00"), language="fi")
    tracking = f"{address}/t/{website.link('tracking', 'delivery', this.stops[0].delivery_id)}"
    website.clock.at = this.stops[0].arrival - timedelta(minutes=5)
    page = phone.new_page()
    page.goto(tracking)
    expect(page.get_by_role("heading", level=1)).to_have_text("Tänään klo 07:50–08:20")
    expect(page.get_by_text("Olet seuraavana.")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "fi"

    driver = phone.new_page()
    open_route(driver, address, website, this)
    hand_over(driver, delivered=10)
    expect(driver.get_by_role("heading", name="Café 13 at the corner")).to_be_visible()
    expect(driver.get_by_text("All sent")).to_be_visible()

    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Toimitettu")
    expect(page.get_by_text("Goods-in 1")).to_be_visible()
    expect(page.get_by_role("cell", name="10 pcs")).to_be_visible()
    assert page.locator("img.signature").evaluate("image => image.naturalWidth") > 100
    assert said == []


def test_a_word_from_the_customer_becomes_a_task(website: Website, address: str, phone: BrowserContext) -> None:
    this = website.a_round(stops=2)
    page = phone.new_page()
    page.goto(f"{address}/t/{website.link('tracking', 'delivery', this.stops[0].delivery_id)}")
    page.get_by_label("Your message to the dispatcher").fill("Ring at the yard gate")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you. The dispatcher has your message.")).to_be_visible()
    (task,) = rows(website, tables.task)
    assert task.sentence == "Café 12 at the corner writes: Ring at the yard gate"
