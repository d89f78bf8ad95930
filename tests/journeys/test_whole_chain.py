"""The whole chain for the three people who use it, in one morning: the dispatcher's browser, the driver's phone and the
customer's page stand side by side, from the truck that came short to the slip, with a driver who falls out before and
one after the vans have left. In the end the database is asked by SQL of its own where every unit is."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import waitress
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from sqlalchemy import Row, text

from data.db import Database
from data.demo.generate import HERE as FILES
from data.queries.plans import PlanPage, RouteRow, StopRow, current_plans, plan_page
from data.tables import metadata
from tests.demo_day import DAY, built_regions
from tests.phone import PHONE, Phone, look_again
from web.app import create_app
from web.demo.calendar import START
from web.demo.home import MARK
from web.demo.prepare import prepare
from web.people import first_set_up_path
from web.security import limiter
from web.serving import background_of
from web.wiring import Installation, open_installation

HELSINKI = ZoneInfo("Europe/Helsinki")
CLOCK_SPAN = re.compile(r"\d\d[.:]\d\d.*\d\d[.:]\d\d")


# ---------------------------------------------------------------------------- the day and its server


@dataclass
class Morning:
    """The demo's Tuesday, served: what the people of this journey share."""

    installation: Installation
    address: str

    def rows(self, query: str, **values: Any) -> list[Row[Any]]:
        with self.installation.database.reading() as connection:
            return list(connection.execute(text(query), values))

    def value(self, query: str, **values: Any) -> Any:
        ((found,),) = self.rows(query, **values)
        return found

    def plan(self) -> PlanPage:
        with self.installation.database.reading() as connection:
            (plan_id,) = {each.plan_id for each in current_plans(connection, day=DAY)}
            return plan_page(connection, plan_id)

    def jump(self, to: datetime) -> None:
        self.installation.clock.jump(to=to)

    def mail_to(self, recipient: str, *, holds: str, also: str = "") -> str:
        """The text of the message that came for this recipient and says this; waits until the outbox has sent it."""
        return eventually(lambda: next((said for said in self._mail(recipient) if holds in said and also in said), ""))

    def _mail(self, recipient: str) -> Iterator[str]:
        for path in sorted(self.installation.mail_folder.glob("*.eml")):
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
            assert isinstance(message, EmailMessage)
            if recipient in str(message["To"]):
                body = message.get_body(preferencelist=("plain",))
                assert body is not None
                yield body.get_content()

    def link_in(self, said: str, kind: str) -> str:
        found = re.search(rf"{re.escape(self.address)}/{kind}/[\w-]+", said)
        assert found is not None, said
        return found[0]


def eventually[Found](look: Callable[[], Found], *, within_s: float = 120.0) -> Found:
    """What `look` finds, asked again until it is something."""
    ends, wait = time.monotonic() + within_s, threading.Event()
    while not (found := look()):
        assert time.monotonic() < ends, "It did not come in time."
        wait.wait(0.1)
    return found


@pytest.fixture(scope="module")
def prepared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tuesday 05:40 as `backroute demo` makes it: thirty days lived, nothing counted in or released yet."""
    home = tmp_path_factory.mktemp("chain")
    (home / "regions").symlink_to(built_regions(), target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BACKROUTE_DATABASE_URL", raising=False)
        with open_installation(home) as installation:
            prepare(installation, say=lambda _what, _share: None)
    return home


@pytest.fixture
def morning(prepared_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Morning]:
    """Served as `backroute serve` does: the pages, the worker, the outbox and the demo's mailbox. A copy of the
    prepared home each time: a second try would else begin in the middle of the first one's day."""
    home = tmp_path / "home"
    shutil.copytree(prepared_home, home, symlinks=True)
    monkeypatch.delenv("BACKROUTE_DATABASE_URL", raising=False)
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    monkeypatch.setenv("BACKROUTE_PUBLIC_URL", address)  # messages name it
    with listening, open_installation(home) as installation:
        app = create_app(installation)
        limiter.reset()
        server = waitress.create_server(app, sockets=[listening], threads=16)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        try:
            with background_of(installation):
                installation.clock.jump(to=START)
                yield Morning(installation=installation, address=address)
        finally:
            server.close()
            thread.join(timeout=5)


# ---------------------------------------------------------------------------- the people and their browsers


class Watch:
    """Opens a browser for each person and hears everything that goes wrong in any of them."""

    def __init__(self, browser: Browser, address: str, axe_script: Path) -> None:
        self._browser, self._address, self._axe = browser, address, axe_script.read_text()
        self._contexts: list[BrowserContext] = []
        self.wrong: list[str] = []
        self.pages = 0

    def context(self, **options: Any) -> BrowserContext:
        context = self._browser.new_context(locale="en-GB", **options)
        context.on("console", lambda message: self._heard(message.type, message.text))
        context.on("weberror", lambda error: self.wrong.append(f"page error: {error.error}"))
        context.on("request", lambda request: self._asked(request.url))
        context.on("response", self._answered)
        self._contexts.append(context)
        return context

    def looks(self, page: Page, *, at: str = "") -> None:
        """Anybody can use the page as it stands, and nothing went wrong up to here."""
        self.pages += 1
        found = page.evaluate(self._axe + ";axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations)")
        self.wrong += [f"axe at {at or page.url}: {each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]
        assert self.wrong == []

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        assert self.wrong == []

    def _heard(self, kind: str, said: str) -> None:
        # A browser says itself that a phone without signal reached nobody.
        if kind in ("error", "warning") and "ERR_INTERNET_DISCONNECTED" not in said:
            self.wrong.append(f"console: {said}")

    def _asked(self, url: str) -> None:
        if not url.startswith((f"{self._address}/", "data:", "blob:")):
            self.wrong.append(f"request: {url}")

    def _answered(self, response: Response) -> None:
        if response.request.resource_type == "document":
            allowed = response.headers.get("content-security-policy", "")
            if "default-src 'none'" not in allowed or "unsafe" in allowed:
                self.wrong.append(f"policy of {response.url}: {allowed or 'none'}")
        if response.status >= 400:
            self.wrong.append(f"{response.status} {response.url}")


@pytest.fixture
def watch(browser: Browser, morning: Morning, axe_script: Path) -> Iterator[Watch]:
    made = Watch(browser, morning.address, axe_script)
    yield made
    made.close()


class Driver(Phone):
    """A phone that is watched, and looked at where a form is open."""

    def __init__(self, watch: Watch, link: str) -> None:
        super().__init__(watch.context(**PHONE), link)
        self.watch = watch

    def not_home(self, stop: StopRow) -> None:
        self.open(stop)
        self.press("problem")
        self.page.get_by_text(self.outcomes["not_home"], exact=True).tap()
        self.watch.looks(self.page, at="the problem form")
        self.press("save")


# ---------------------------------------------------------------------------- the journey


def test_from_the_truck_to_the_slip(morning: Morning, watch: Watch) -> None:
    desk = watch.context(viewport={"width": 1440, "height": 900}).new_page()
    sign_in_by_the_set_up_link(morning, watch, desk)
    switch_messages_on(morning, watch, desk)
    count_the_truck_in(morning, watch, desk)
    release_what_is_ready(morning, watch, desk)
    pick_an_address(morning, watch, desk)
    plan_the_day(morning, watch, desk)
    a_driver_is_out_before_loading(morning, watch, desk)
    load_and_dispatch(morning, watch, desk)

    door = a_door_for_ten_of_twelve(morning)
    before = what_stands_in_the_books(morning, door)
    morning.jump(door.route.departs_at + timedelta(minutes=1))
    driver = the_driver_opens_the_link(morning, watch, door)
    buyer = the_customer_opens_the_link(morning, watch, door)
    deliver_the_stops(morning, watch, door, driver, buyer)
    the_desk_follows(morning, watch, desk, door)
    a_driver_is_out_after_dispatch(morning, watch, desk, door)
    every_unit_is_where_the_page_says(morning, door, before)
    assert watch.pages > 20


def sign_in_by_the_set_up_link(morning: Morning, watch: Watch, desk: Page) -> None:
    path = first_set_up_path(morning.installation)
    assert path is not None
    desk.goto(morning.address + path)
    watch.looks(desk, at="set-up")
    desk.get_by_label("Your name").fill("Dispatcher 1")
    desk.get_by_label("E-mail").fill("dispatcher1@kauppatukku1.example")
    desk.get_by_label("Password").fill("a long enough password")
    desk.get_by_role("button", name="Make the account").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Tuesday 3 March")
    watch.looks(desk, at="Today at 05:40")


def switch_messages_on(morning: Morning, watch: Watch, desk: Page) -> None:
    desk.goto(f"{morning.address}/settings")
    desk.get_by_role("radio", name=re.compile("^Real")).check()
    desk.locator("form[action='/settings/outbound']").get_by_role("button", name="Save").click()
    expect(desk.get_by_text("Messages go out to customers.")).to_be_visible()
    watch.looks(desk)


def count_the_truck_in(morning: Morning, watch: Watch, desk: Page) -> None:
    desk.get_by_role("link", name="Today", exact=True).click()
    desk.get_by_role("link", name="Count in IN-2001").click()
    watch.looks(desk)
    truck = desk.locator("#IN-2001")
    truck.get_by_label("Counted P201").fill("60")
    truck.get_by_role("button", name="Show who goes and who waits").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("P201 came short: 60 of 96")
    watch.looks(desk, at="who goes, who waits")
    counted = (
        "SELECT count(*) FROM supply r JOIN supply i ON i.id = r.inbound_id"
        " WHERE r.kind = 'receipt' AND i.number = 'IN-2001'"
    )
    assert morning.value(counted) == 0, "looking changes nothing"
    shown = desk.locator("table.shown").first
    goes = shown.get_by_role("row").filter(has_text=re.compile("goes|in part")).count()
    assert shown.get_by_role("row").count() - 1 == 9, "nine orders want it"
    assert goes > 0
    desk.get_by_role("button", name="Commit").click()
    expect(desk.get_by_text(re.compile(r"^60 units counted in and given out\."))).to_be_visible()
    assert morning.value(counted) == 1
    given = (
        "SELECT sum(a.quantity) FROM allocation a JOIN supply s ON s.id = a.supply_id"
        " JOIN supply i ON i.id = s.inbound_id WHERE s.kind = 'receipt' AND i.number = 'IN-2001'"
    )
    assert morning.value(given) == 60


def release_what_is_ready(morning: Morning, watch: Watch, desk: Page) -> None:
    desk.get_by_role("link", name="Today", exact=True).click()
    desk.get_by_role("link", name=re.compile(r"Release \d+ orders")).click()
    watch.looks(desk, at="Release")
    desk.get_by_role("button", name=re.compile(r"Release all \d+ orders")).click()
    expect(desk.get_by_text(re.compile(r"\d+ orders released in \d+ deliveries\."))).to_be_visible()
    watch.looks(desk, at="released")
    assert morning.value("SELECT count(*) FROM delivery WHERE state = 'released' AND for_day = :day", day=DAY) > 90


def pick_an_address(morning: Morning, watch: Watch, desk: Page) -> None:
    desk.get_by_role("link", name="Addresses", exact=True).click()
    desk.get_by_role("button", name=re.compile(r"Look up \d+ new addresses")).click()
    expect(desk.get_by_text(re.compile(r"\d+ addresses found\."))).to_be_visible()
    watch.looks(desk, at="Addresses")
    # The first that has something to pick and whose goods wait for it.
    waiting = desk.locator(".review-list a").filter(has_text=re.compile(r"deliver(y|ies)"))
    for n in range(waiting.count()):
        waiting.nth(n).click()
        if desk.locator("#choices").count():
            break
    expect(desk.locator("#map[data-ready]")).to_be_attached()
    name = desk.locator("main h2").first.inner_text()
    watch.looks(desk, at="an address in review")
    desk.locator("#choices").get_by_role("button").first.click()
    expect(desk.get_by_role("heading", name=name)).to_have_count(0)
    assert morning.value("SELECT pin_quality FROM site WHERE name = :name", name=name) == "by_person"


def open_board(morning: Morning, desk: Page, **query: object) -> None:
    desk.goto(f"{morning.address}/plan?day={DAY}" + "".join(f"&{name}={value}" for name, value in query.items()))
    desk.wait_for_load_state("networkidle")


def plan_the_day(morning: Morning, watch: Watch, desk: Page) -> None:
    open_board(morning, desk)
    watch.looks(desk, at="the board before planning")
    desk.get_by_role("button", name="Plan the day").click()
    expect(desk.locator(".tl-stop").first).to_be_visible(timeout=300_000)
    desk.wait_for_load_state("networkidle")
    watch.looks(desk, at="the board")
    plan = morning.plan()
    assert sum(len(route.stops) for route in plan.routes) > 40
    assert len({reason for row in plan.left_out for reason in row.reasons}) >= 5


def a_driver_is_out_before_loading(morning: Morning, watch: Watch, desk: Page) -> None:
    """Nothing is on the van yet, so the others share what it had."""
    before = morning.plan()
    route = min(before.routes, key=lambda each: len(each.stops))
    open_board(morning, desk, route=route.shift_id)
    desk.get_by_role("link", name="Driver out …").click()
    expect(desk.locator(".option")).to_have_count(3, timeout=120_000)
    watch.looks(desk, at="driver out before loading")
    desk.locator(".option[data-kind=spread]").get_by_role("button", name="Do this").click()
    expect(desk.get_by_text(re.compile("^Done: The others share the deliveries"))).to_be_visible()
    after = morning.plan()
    assert after.parent_id == before.plan_id
    assert route.shift_id not in {each.shift_id for each in after.routes}
    known = {row.delivery_id for row in after.left_out} | deliveries_of(after)
    assert deliveries_of(before) <= known, "nothing drops silently"
    assert morning.value("SELECT state FROM shift WHERE id = :id", id=route.shift_id) == "out"


def deliveries_of(plan: PlanPage) -> set[int]:
    return {each.delivery_id for route in plan.routes for stop in route.stops for each in stop.deliveries}


def load_and_dispatch(morning: Morning, watch: Watch, desk: Page) -> None:
    open_board(morning, desk)
    routes = len(morning.plan().routes)
    desk.get_by_role("button", name="Load all").click()
    expect(desk.get_by_text(re.compile(r"^\d+ deliveries loaded\."))).to_be_visible()
    desk.get_by_role("link", name="Dispatch …").click()
    expect(desk.get_by_role("heading", name=f"{routes} routes go out")).to_be_visible()
    watch.looks(desk, at="the preview of the dispatch")
    assert morning.value("SELECT count(*) FROM manifest WHERE day = :day", day=DAY) == 0, "looking changes nothing"
    desk.get_by_role("button", name=f"Dispatch {routes} routes").click()
    expect(desk.get_by_text(re.compile(f"^{routes} routes are out"))).to_be_visible()
    assert morning.value("SELECT count(*) FROM manifest WHERE day = :day", day=DAY) == routes


# ---------------------------------------------------------------------------- four doors


@dataclass(frozen=True)
class Door:
    """The route that is driven, and its four doors: all delivered, ten of twelve, nobody there, without signal."""

    route: RouteRow
    whole: StopRow
    short: StopRow
    closed: StopRow
    offline: StopRow
    short_allocation: int
    short_line: int
    order_id: int
    contact: str

    @property
    def stops(self) -> tuple[StopRow, ...]:
        return self.whole, self.short, self.closed, self.offline


def a_door_for_ten_of_twelve(morning: Morning) -> Door:
    """The earliest stop, after the first of its route, with twelve of something and a customer who reads e-mail; of it
    nothing is left on the shelf, from where what comes short would be taken."""
    found = []
    twelves = (
        "SELECT dl.allocation_id, ol.id AS line_id, ol.order_id, n.recipient,"
        " (SELECT sum(s.quantity - s.quarantined) FROM supply s WHERE s.kind = 'receipt'"
        "   AND s.product_id = ol.product_id AND s.depot_id = o.depot_id)"
        " > (SELECT sum(held.quantity) FROM allocation held JOIN supply s ON s.id = held.supply_id"
        "   WHERE s.kind = 'receipt' AND s.product_id = ol.product_id AND s.depot_id = o.depot_id) AS is_left"
        " FROM delivery_line dl JOIN allocation a ON a.id = dl.allocation_id"
        " JOIN order_line ol ON ol.id = a.order_line_id"
        " JOIN customer_order o ON o.id = ol.order_id"
        " JOIN notice n ON n.subject_kind = 'delivery' AND n.subject_id = dl.delivery_id"
        " WHERE dl.delivery_id = :delivery AND dl.quantity = 12 AND a.quantity = 12 AND ol.quantity = 12"
        " AND n.kind = 'out_today' AND n.channel = 'email' ORDER BY dl.id, n.id LIMIT 1"
    )
    for route in morning.plan().routes:
        for stop in route.stops[1:]:
            if len(stop.deliveries) == 1 and len(route.stops) > 4:
                for row in morning.rows(twelves, delivery=stop.deliveries[0].delivery_id):
                    found.append((bool(row.is_left), stop.number, route.vehicle, route, stop, row))
    assert found, "No stop of this plan has twelve of something for a customer with e-mail."
    is_left, _number, _vehicle, route, short, row = min(found, key=lambda each: each[:3])
    assert not is_left, "Of everything that rides by the dozen something is left on the shelf."
    whole, *others = (stop for stop in route.stops if stop.stop_id != short.stop_id)
    return Door(
        route=route,
        whole=whole,
        short=short,
        closed=others[0],
        offline=others[1],
        short_allocation=row.allocation_id,
        short_line=row.line_id,
        order_id=row.order_id,
        contact=row.recipient,
    )


def the_driver_opens_the_link(morning: Morning, watch: Watch, door: Door) -> Driver:
    email = morning.value("SELECT email FROM driver WHERE name = :name", name=door.route.driver)
    said = morning.mail_to(email, holds="/d/")
    driver = Driver(watch, morning.link_in(said, "d"))
    assert driver.route["vehicle"] == door.route.vehicle
    assert [stop["site"] for stop in driver.route["stops"]] == [stop.site for stop in door.route.stops]
    watch.looks(driver.page, at="the driver's route")
    return driver


def the_customer_opens_the_link(morning: Morning, watch: Watch, door: Door) -> Page:
    number = morning.value("SELECT number FROM customer_order WHERE id = :id", id=door.order_id)
    page = watch.context(viewport={"width": 412, "height": 900}).new_page()
    said = morning.mail_to(door.contact, holds="/t/", also=number)
    page.goto(morning.link_in(said, "t"))
    expect(page.locator(".answer[data-stage=under_way]")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text(CLOCK_SPAN)
    away = str(door.short.number - 1) if door.short.number > 2 else "One stop|yksi pysähdys|Ett stopp"
    expect(page.locator(".below")).to_have_text(re.compile(away))
    watch.looks(page, at="the customer's page")
    return page


def deliver_the_stops(morning: Morning, watch: Watch, door: Door, driver: Driver, buyer: Page) -> None:
    phone = driver.page

    # Everything, signed, with a photo and a name.
    driver.stand_at(door.whole)
    driver.arrive(door.whole)
    driver.hand_over(door.whole, to="Goods-in 1", photo=True)
    watch.looks(phone, at="the form at the door")
    driver.press("save")
    driver.all_sent()
    look_again(buyer, "next" if door.short.number == 2 else "under_way")

    # Ten of twelve.
    driver.stand_at(door.short)
    driver.arrive(door.short)
    driver.all_sent()
    look_again(buyer, "at_the_door")
    watch.looks(buyer, at="the customer's page, at the door")
    counters = driver.hand_over(door.short, to="Goods-in 2")
    twelve = next(
        n for n, line in enumerate(driver.lines_of(door.short)) if line["allocationId"] == door.short_allocation
    )
    for _ in range(2):
        counters.nth(twelve).get_by_role("button").first.tap()
    expect(counters.nth(twelve).get_by_role("spinbutton")).to_have_value("10")
    expect(counters.nth(twelve).locator("fieldset.rest")).to_be_visible()
    counters.nth(twelve).locator("input[value=short]").check()
    watch.looks(phone, at="ten of twelve")
    driver.press("save")
    driver.all_sent()
    look_again(buyer, "delivered")
    expect(buyer.get_by_text("Goods-in 2")).to_be_visible()
    # Others' goods at this door may be ten units too.
    expect(buyer.get_by_role("row").filter(has_text=re.compile(r"10 (?:× )?\S+\s+12 (?:× )?\S+")).first).to_be_visible()
    expect(buyer.get_by_role("cell", name=re.compile("2 ")).first).to_be_visible()
    assert buyer.locator("img.signature").evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    watch.looks(buyer, at="the customer's proof")

    # Nobody there.
    driver.stand_at(door.closed)
    driver.not_home(door.closed)
    driver.all_sent()

    # Without signal: kept on the phone, shown as done, sent once when the signal is back.
    driver.stand_at(door.offline)
    driver.context.set_offline(True)
    driver.hand_over(door.offline, to="Goods-in 4", signed=False)
    driver.press("save")
    expect(phone.get_by_text(driver.words["not_sent"].replace("%1", "1"))).to_be_visible()
    kept = (
        "SELECT count(*) FROM proof p JOIN stop_delivery sd ON sd.delivery_id = p.delivery_id WHERE sd.stop_id = :stop"
    )
    watch.looks(phone, at="without signal")
    assert morning.value(kept, stop=door.offline.stop_id) == 0
    driver.context.set_offline(False)
    driver.all_sent()
    assert morning.value(kept, stop=door.offline.stop_id) == len(door.offline.deliveries)


# ---------------------------------------------------------------------------- the desk follows


def the_desk_follows(morning: Morning, watch: Watch, desk: Page, door: Door) -> None:
    open_board(morning, desk, route=door.route.shift_id)
    for stop, word in (
        (door.whole, "delivered"),
        (door.short, "delivered"),
        (door.closed, "failed"),
        (door.offline, "delivered"),
    ):
        expect(desk.locator(f'[data-live-stop="{stop.stop_id}"] .chip')).to_have_text(word)
    watch.looks(desk, at="the board while they drive")

    desk.get_by_role("link", name="Today", exact=True).click()
    expect(desk.get_by_role("link", name="Follow the day")).to_be_visible()
    row = desk.get_by_role("row").filter(has=desk.get_by_text(door.route.vehicle, exact=True))
    expect(row).to_contain_text(f"4 / {len(door.route.stops)}")
    watch.looks(desk, at="Today while they drive")

    desk.goto(f"{morning.address}/orders/{door.order_id}")
    expect(desk.get_by_text("10 delivered", exact=True)).to_be_visible()
    expect(desk.get_by_text("2 came short", exact=True)).to_be_visible()
    timeline = desk.locator(".timeline")
    for said in ("Ordered", "released for", f"Loaded onto {door.route.vehicle}", "On its way with", "handed over"):
        expect(timeline.get_by_role("listitem").filter(has_text=said).first).to_be_visible()
    watch.looks(desk, at="the order that came short")

    the_two_wait_in_their_old_place(morning, watch, desk, door)

    not_home = order_of(morning, door.closed)
    desk.goto(f"{morning.address}/orders/{not_home}")
    expect(timeline.get_by_role("listitem").filter(has_text="could not be delivered: nobody there")).to_be_visible()

    whole = order_of(morning, door.whole)
    desk.goto(f"{morning.address}/orders/{whole}")
    for image in desk.locator(".proof-thumb img").all():
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    expect(desk.locator(".proof-thumb img")).to_have_count(2)
    watch.looks(desk, at="the order with its proof")


def the_two_wait_in_their_old_place(morning: Morning, watch: Watch, desk: Page, door: Door) -> None:
    """Shown, not counted in: of the next truck this order gets its two before all of its tier that ordered later."""
    (mine,) = morning.rows(
        "SELECT o.number, o.ordered_at, c.tier, p.number AS sku, d.number AS depot FROM order_line ol"
        " JOIN customer_order o ON o.id = ol.order_id JOIN customer c ON c.id = o.customer_id"
        " JOIN product p ON p.id = ol.product_id JOIN depot d ON d.id = o.depot_id WHERE ol.id = :line",
        line=door.short_line,
    )
    desk.goto(f"{morning.address}/receipts")
    counted = f"number,inbound,depot,sku,quantity,quarantined,counted_at\nR-NEXT,,{mine.depot},{mine.sku},500,,\n"
    desk.get_by_label("Counted receipt as XLSX or CSV").set_input_files(
        {"name": "next.csv", "mimeType": "text/csv", "buffer": counted.encode()}
    )
    desk.get_by_role("button", name="Show what it does").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text(f"500 × {mine.sku} found")
    rows = desk.locator("table.shown").first.locator("tbody tr")
    numbers = rows.locator("td.head a").all_inner_texts()
    row = rows.nth(numbers.index(mine.number))
    expect(row.get_by_role("cell").nth(2)).to_have_text("2")
    expect(row.get_by_role("cell").nth(3)).to_have_text(re.compile(r"0 →\s+2"))
    later = morning.rows(
        "SELECT o.number FROM customer_order o JOIN customer c ON c.id = o.customer_id WHERE c.tier = :tier"
        " AND c.rank_rule = 'normal' AND o.ordered_at > :ordered_at",
        tier=mine.tier,
        ordered_at=mine.ordered_at,
    )
    below = set(numbers[numbers.index(mine.number) + 1 :])
    assert {each.number for each in later} & set(numbers) <= below
    watch.looks(desk, at="who gets of the next truck")


def order_of(morning: Morning, stop: StopRow) -> int:
    found: int = morning.rows(
        "SELECT ol.order_id FROM delivery_line dl JOIN allocation a ON a.id = dl.allocation_id"
        " JOIN order_line ol ON ol.id = a.order_line_id WHERE dl.delivery_id = :delivery ORDER BY dl.id",
        delivery=stop.deliveries[0].delivery_id,
    )[0].order_id
    return found


def a_driver_is_out_after_dispatch(morning: Morning, watch: Watch, desk: Page, door: Door) -> None:
    """The goods are on the van, so another driver takes the van; what was done stays done, no customer hears of it."""
    spare = "Driver 7"
    route = next(
        each
        for each in morning.plan().routes
        if each.depot_id == morning.value("SELECT depot_id FROM driver WHERE name = :name", name=spare)
        and each.shift_id != door.route.shift_id
        and len(each.stops) > 2
    )
    first, second = route.stops[:2]
    # The van runs by its plan: one that were ten minutes early would rightly tell the next doors so.
    morning.jump(max(first.start, morning.installation.clock.now()))
    email = morning.value("SELECT email FROM driver WHERE name = :name", name=route.driver)
    before = Driver(watch, morning.link_in(morning.mail_to(email, holds="/d/"), "d"))
    before.stand_at(first)
    before.hand_over(first, to="Goods-in 5", signed=False)
    before.press("save")
    before.all_sent()
    (old,) = morning.rows("SELECT id, version, content FROM manifest WHERE shift_id = :shift", shift=route.shift_id)
    told = morning.value("SELECT count(*) FROM notice WHERE kind = 'out_today'")

    open_board(morning, desk, route=route.shift_id)
    desk.get_by_role("link", name="Driver out …").click()
    card = desk.locator(".option[data-kind=other_driver]").filter(has_text=spare)
    expect(card).to_be_visible(timeout=120_000)
    expect(desk.locator(".option[data-kind=back_to_depot]")).to_be_visible()
    watch.looks(desk, at="driver out after dispatch")
    card.get_by_role("button", name="Do this").click()
    expect(desk.get_by_text(re.compile(f"^Done: {spare} takes {route.vehicle}"))).to_be_visible()
    desk.get_by_role("link", name="Dispatch …").click()
    expect(desk.get_by_role("heading", name="1 route goes out")).to_be_visible()
    desk.get_by_role("button", name="Dispatch 1 route").click()
    expect(desk.get_by_text(re.compile("^1 route is out"))).to_be_visible()

    taken = next(each for each in morning.plan().routes if each.vehicle == route.vehicle and each.driver == spare)
    assert [(stop.site_id, stop.arrival) for stop in taken.stops] == [
        (stop.site_id, stop.arrival) for stop in route.stops
    ], "no time changes"
    assert morning.value("SELECT count(*) FROM notice WHERE kind = 'out_today'") == told, "nobody is told again"

    email = morning.value("SELECT email FROM driver WHERE name = :name", name=spare)
    after = Driver(watch, morning.link_in(morning.mail_to(email, holds="/d/"), "d"))
    assert (after.route["driver"], after.route["vehicle"]) == (spare, route.vehicle)
    expect(after.page.locator(".day-progress")).to_contain_text(f"1 / {len(route.stops)}")
    watch.looks(after.page, at="the route of the driver who took over")
    after.stand_at(second)
    after.hand_over(taken.stops[1], to="Goods-in 6", signed=False)
    after.press("save")
    after.all_sent()

    (shift,) = morning.rows(
        "SELECT o.state AS old, n.state AS new, n.replaces_id FROM shift n JOIN shift o ON o.id = n.replaces_id"
        " WHERE n.id = :id",
        id=taken.shift_id,
    )
    assert (shift.old, shift.new, shift.replaces_id) == ("replaced", "planned", route.shift_id)
    lists = morning.rows(
        "SELECT id, shift_id, version, content, replaced_at FROM manifest WHERE shift_id IN (:old, :new) ORDER BY id",
        old=route.shift_id,
        new=taken.shift_id,
    )
    assert [(each.id == old.id, each.shift_id) for each in lists] == [(True, route.shift_id), (False, taken.shift_id)]
    assert lists[0].content == old.content, "what was handed over is never rewritten"
    assert lists[0].replaced_at is not None, "one list of this van is in force"
    assert lists[1].replaced_at is None

    open_board(morning, desk, route=taken.shift_id)
    expect(desk.locator(f'[data-live-stop="{taken.stops[1].stop_id}"] .chip')).to_have_text("delivered")
    watch.looks(desk, at="the board after the swap")


# ---------------------------------------------------------------------------- the books


def what_stands_in_the_books(morning: Morning, door: Door) -> dict[str, Any]:
    return {
        "orders": morning.value("SELECT count(*) FROM customer_order"),
        "lines": morning.value("SELECT count(*) FROM order_line"),
        "ordered_at": morning.value("SELECT ordered_at FROM customer_order WHERE id = :id", id=door.order_id),
        "promises": [tuple(row) for row in morning.rows("SELECT * FROM promise ORDER BY id")],
    }


def every_unit_is_where_the_page_says(morning: Morning, door: Door, before: dict[str, Any]) -> None:
    vehicle_id = morning.value("SELECT vehicle_id FROM shift WHERE id = :id", id=door.route.shift_id)
    van = f"vehicle:{vehicle_id}"
    units = (
        "SELECT a.id, a.quantity, a.allocated, a.released, a.loaded, a.delivered, a.short, a.refused, a.damaged,"
        " dl.quantity AS rides, d.id AS delivery_id, d.state, d.attempts, d.for_day, d.waits_for"
        " FROM delivery d JOIN delivery_line dl ON dl.delivery_id = d.id JOIN allocation a ON a.id = dl.allocation_id"
        " JOIN stop_delivery sd ON sd.delivery_id = d.id WHERE sd.stop_id = :stop ORDER BY a.id"
    )
    ledger = (
        "SELECT coalesce(sum(CASE WHEN to_place = :place THEN quantity WHEN from_place = :place THEN -quantity END), 0)"
        " FROM movement WHERE allocation_id = :allocation"
    )

    def at(place: str, allocation: int) -> int:
        return int(morning.value(ledger, place=place, allocation=allocation))

    for stop in (door.whole, door.offline):
        for row in morning.rows(units, stop=stop.stop_id):
            assert (row.state, row.delivered, row.loaded, row.short) == ("done", row.rides, 0, 0)
            assert (at("delivered", row.id), at(van, row.id)) == (row.rides, 0), "delivered units left the van"

    for row in morning.rows(units, stop=door.short.stop_id):
        short = 2 if row.id == door.short_allocation else 0
        assert (row.state, row.delivered, row.short, row.loaded) == ("done", row.rides - short, short, 0)
        # What was short at the door is looked for on the van in the evening.
        assert (at("delivered", row.id), at(van, row.id)) == (row.rides - short, short)

    for row in morning.rows(units, stop=door.closed.stop_id):
        assert (row.state, row.attempts) == ("failed", 1)
        assert date.fromisoformat(row.for_day) > date.fromisoformat(DAY)
        assert (row.loaded, row.delivered, row.short) == (row.rides, 0, 0), "still the customer's"
        assert at(van, row.id) == row.rides

    # The two wait as what they were: the same line of the same order, ordered when it was ordered, nothing beside it.
    assert morning.value("SELECT count(*) FROM customer_order") == before["orders"]
    assert morning.value("SELECT count(*) FROM order_line") == before["lines"]
    assert (
        morning.value("SELECT ordered_at FROM customer_order WHERE id = :id", id=door.order_id) == before["ordered_at"]
    )
    # A later truck may have units for them already: until those are released they wait all the same.
    open_units = (
        "SELECT ol.quantity - ol.cancelled - coalesce(sum(a.released + a.picked + a.loaded + a.delivered"
        " + a.refused), 0) FROM order_line ol LEFT JOIN allocation a ON a.order_line_id = ol.id WHERE ol.id = :line"
        " GROUP BY ol.id"
    )
    assert morning.value(open_units, line=door.short_line) == 2

    # Promises are only ever added, and the one that was told is the one that the customer read.
    promises = [tuple(row) for row in morning.rows("SELECT * FROM promise ORDER BY id")]
    untold = {row[0]: row[:-1] for row in before["promises"]}
    assert {row[0]: row[:-1] for row in promises if row[0] in untold} == untold
    (told,) = morning.rows(
        "SELECT p.promised_on, p.window_from, p.window_to, p.told_at FROM promise p WHERE p.order_line_id = :line"
        " ORDER BY p.version DESC LIMIT 1",
        line=door.short_line,
    )
    assert told.promised_on == DAY
    assert told.told_at is not None
    assert told.window_from < told.window_to

    # Over the whole day: of everything that went out, what the ledger has on the vans is what is loaded or came short.
    out = morning.rows(
        "SELECT a.id, a.loaded + a.short + a.refused AS should,"
        " (SELECT coalesce(sum(CASE WHEN m.to_place LIKE 'vehicle:%'"
        " THEN m.quantity ELSE -m.quantity END), 0) FROM movement m WHERE m.allocation_id = a.id"
        " AND (m.to_place LIKE 'vehicle:%' OR m.from_place LIKE 'vehicle:%')) AS is_there"
        " FROM allocation a WHERE a.id IN (SELECT dl.allocation_id FROM delivery_line dl JOIN delivery d"
        " ON d.id = dl.delivery_id JOIN stop_delivery sd ON sd.delivery_id = d.id JOIN stop s ON s.id = sd.stop_id"
        " JOIN trip t ON t.id = s.trip_id JOIN manifest f ON f.route_id = t.route_id WHERE f.day = :day)",
        day=DAY,
    )
    assert len(out) > 100
    assert [row for row in out if row.should != row.is_there] == []
    chain = morning.rows("SELECT previous_hash, hash FROM event ORDER BY id")
    assert all(this.previous_hash == last.hash for last, this in pairwise(chain))


# ---------------------------------------------------------------------------- the same day on PostgreSQL

SAME_EVERYWHERE = ("orders", "lines", "units_ordered", "units_allocated", "deliveries")
"""What no search decides."""


@pytest.mark.slow
def test_the_demo_comes_to_the_same_figures_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    empty = Database(postgres_url)  # as somebody has it who just made it: without our tables
    metadata.drop_all(empty.writer)
    empty.close()
    runs = {name: start_the_demo(tmp_path / name, url) for name, url in (("sqlite", ""), ("postgres", postgres_url))}
    found = {}
    for name, run in runs.items():
        said, _ = run.communicate(timeout=300)
        assert run.returncode == 0, said[-3000:]
        figures = json.loads((tmp_path / name / "demo" / "figures.json").read_text())
        found[name] = {each: figures[each] for each in SAME_EVERYWHERE}
        for each in ("orders", "lines", "units_ordered"):
            assert re.search(rf"{each.replace('_', ' ')} +│ +{figures[each]} ", said), each
        assert figures["deliveries_planned"] > 40
        assert figures["messages_sent"] > figures["routes"]
    assert found["postgres"] == found["sqlite"]
    assert not (tmp_path / "postgres" / "demo" / "backroute.db").exists()


def start_the_demo(home: Path, database_url: str) -> subprocess.Popen[str]:
    """`backroute demo --no-serve`, with the region that was built before."""
    (home / "demo").mkdir(parents=True)
    (home / "demo" / MARK).touch()
    (home / "demo" / "regions").symlink_to(built_regions(), target_is_directory=True)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BACKROUTE_")}
    ours = {"BACKROUTE_HOME": str(home), "COLUMNS": "140"}
    return subprocess.Popen(
        [sys.executable, "-c", "from web.cli import main; main()", "demo", "--no-serve", "--time-limit", "2"],
        cwd=FILES.parents[1],
        env=plain | ours | ({"BACKROUTE_DATABASE_URL": database_url} if database_url else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
