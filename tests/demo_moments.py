"""The demo as `backroute demo` serves it, prepared once a test run and copied for each test, with its person signed in.

from tests.demo_moments import context, demo, planned   # fixtures, by importing them
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from data.importers.receipts import read_receipts
from data.queries.plans import PlanPage, current_plans, plan_page
from data.store import open_store
from routing.services.dispatching import dispatch_day
from routing.services.loading import load_route
from routing.services.receiving import commit_receipt
from routing.services.releasing import release_orders
from tests.demo_day import built_regions
from tests.website import Website, served
from web.app import create_app
from web.demo import files
from web.demo.calendar import START, TUESDAY, at
from web.demo.prepare import overnight, prepare
from web.jobs import run_job_now
from web.people import first_set_up_path
from web.plan_job import start_plan
from web.security import limiter
from web.wiring import Installation, open_installation

DAY = TUESDAY.isoformat()
PARTS = {row["part"]: row for row in reversed(files.rows("story.csv"))}
PASSWORD = "long enough to be good"


def _folder(name: str) -> Path:
    home = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    (home / "regions").symlink_to(built_regions(), target_is_directory=True)
    return home


def _copied(source: Path, home: Path) -> Path:
    for name in ("backroute.db", "secret"):
        shutil.copyfile(source / name, home / name)
    return home


@lru_cache(maxsize=1)
def opening_home() -> Path:
    """What `backroute demo` serves at 05:40."""
    home = _folder("opening")
    with open_installation(home) as installation:
        prepare(installation, say=lambda _what, _share: None)
        overnight(installation, say=lambda _what, _share: None)
    return home


@lru_cache(maxsize=1)
def planned_home() -> Path:
    """The same, with the truck counted in, everything released and a plan."""
    home = _copied(opening_home(), _folder("planned"))
    with open_installation(home) as installation:
        with open_store(installation.database) as store:
            with (files.FOLDER / "receipt_tuesday.csv").open("rb") as file:
                receipts, _ = read_receipts(store, file, now=START)
            for receipt in receipts:
                commit_receipt(store, receipt, now=START, by="demo", tell=False)
            for depot_id in store.depot_ids():
                release_orders(store, depot_id=depot_id, for_day=DAY, now=START, by="demo")
            job = start_plan(
                store, from_day=DAY, to_day=DAY, depot_ids=store.depot_ids(), by="demo", time_limit_s=3.0, seed=0
            )
        assert run_job_now(installation, job).state == "done"
    return home


@dataclass
class Demo:
    """The demo served to a browser whose person has just signed in by the printed link."""

    installation: Installation
    address: str
    page: Page

    def show(self, number: int) -> None:
        """Opens Show me and presses the button of a moment."""
        self.page.goto(f"{self.address}/show")
        self.card(number).locator(".moment-foot a").click()
        self.page.wait_for_load_state("networkidle")

    def card(self, number: int) -> Locator:
        return self.page.locator(f"#moment-{number}")

    def state(self, number: int) -> str:
        self.page.goto(f"{self.address}/show")
        return self.card(number).locator(".chip").inner_text()

    def rows(self, query: Any) -> list[Any]:
        with self.installation.database.reading() as connection:
            return list(connection.execute(query).all())

    def plan(self) -> PlanPage:
        with self.installation.database.reading() as connection:
            return plan_page(connection, current_plans(connection, day=DAY)[0].plan_id)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", reduced_motion="reduce")
    yield made
    made.close()


def _demo(home: Path, context: BrowserContext, *, now: str = "05:40") -> Iterator[Demo]:
    heard: list[str] = []
    context.on("console", lambda message: heard.append(message.text) if message.type in ("error", "warning") else None)
    context.on("weberror", lambda error: heard.append(str(error.error)))
    context.on(
        "request", lambda request: None if _is_here(request.url) else heard.append(f"asked outside: {request.url}")
    )
    with open_installation(home) as installation:
        installation.clock.jump(to=at(TUESDAY, now))
        app = create_app(installation)
        limiter.reset()
        website = Website(installation=installation, clock=installation.clock, app=app)
        with served(website) as address:
            page = context.new_page()
            sign_in(page, f"{address}{first_set_up_path(installation)}")
            yield Demo(installation=installation, address=address, page=page)
            # Before its server: what the page still asks for would fail aloud.
            page.close()
    assert heard == []


def _is_here(url: str) -> bool:
    return "//127.0.0.1:" in url or url.startswith(("data:", "blob:"))


def sign_in(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Your name").fill("Dispatcher 1")
    page.get_by_label("E-mail").fill("dispatcher1@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_text("The account is made, and you are signed in.")).to_be_visible()


@pytest.fixture
def demo(context: BrowserContext, tmp_path: Path) -> Iterator[Demo]:
    (tmp_path / "regions").symlink_to(built_regions(), target_is_directory=True)
    yield from _demo(_copied(opening_home(), tmp_path), context)


@pytest.fixture
def planned(context: BrowserContext, tmp_path: Path) -> Iterator[Demo]:
    (tmp_path / "regions").symlink_to(built_regions(), target_is_directory=True)
    yield from _demo(_copied(planned_home(), tmp_path), context)


def dispatch(installation: Installation) -> None:
    """Every van is loaded and leaves, at 05:55."""
    now = at(TUESDAY, "05:55")
    installation.clock.jump(to=now)
    with open_store(installation.database) as store:
        depots = store.depot_ids()
        for shift_id in store.routes_of_day(day=DAY, depot_ids=depots):
            load_route(store, shift_id=shift_id, by="demo", now=now)
        done = dispatch_day(store, day=DAY, depot_ids=depots, secret=installation.secret, by="demo", now=now)
    assert not done.left
