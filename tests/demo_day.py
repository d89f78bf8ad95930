"""The demo's Tuesday, 05:40: imported, released, located, on a real region; prepared once and copied for each test.

from tests.demo_day import demo_home, demo_installation   # fixtures, by importing them
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select, update

from data import tables
from data.demo.generate import EXTRACT, HERE
from data.importers.customers import import_customers
from data.importers.fleet import import_fleet
from data.importers.inbound import import_inbound
from data.importers.orders import import_orders
from data.importers.products import import_products
from data.importers.receipts import read_receipts
from data.queries.plans import PlanPage, current_plans, plan_page
from data.regions import Regions
from data.store import SqlStore, open_store
from routing.services.locating import locate_sites
from routing.services.receiving import commit_receipt
from routing.services.releasing import release_orders
from tests.website import SetClock, Website, form_token
from web.app import create_app
from web.jobs import run_job_now
from web.people import hash_password
from web.plan_job import start_plan
from web.security import limiter
from web.wiring import Installation, open_installation

DAY = "2026-03-03"
OPENING = datetime(2026, 3, 3, 5, 40, tzinfo=ZoneInfo("Europe/Helsinki"))
REGION = "helsinki"
PASSWORD = "a long enough password"


@lru_cache(maxsize=1)
def built_regions() -> Path:
    """The folder of regions with the demo's in it; built once a test run, nobody writes into it."""
    folder = Path(tempfile.mkdtemp(prefix="demo-regions-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Regions(folder).add(REGION, EXTRACT, lambda _step, _share: None)
    return folder


def prepare(home: Path) -> None:
    """Fills an empty folder with an installation that stands at Tuesday 05:40, everything released and located."""
    (home / "regions").symlink_to(built_regions(), target_is_directory=True)
    with open_installation(home) as installation:
        facts = installation.regions.facts(REGION)
        with open_store(installation.database) as store:
            store.connection.execute(
                insert(tables.company).values(
                    name="Kauppatukku 1",
                    currency="EUR",
                    locale="en",
                    zone="Europe/Helsinki",
                    country="FI",
                    phone="+358995550001",
                )
            )
            region_id = store.save_region(name=REGION, build=facts.build, facts={}, built_at=OPENING)
            for role in ("dispatcher", "viewer", "warehouse"):
                store.add_account(
                    email=f"{role}@kauppatukku1.example",
                    name=f"{role.title()} 1",
                    role=role,
                    password_hash=hash_password(PASSWORD),
                    made_at=OPENING,
                )
        installation.clock.jump(to=OPENING, running=False)
        with open_store(installation.database) as store:
            for name, read in (
                ("products", import_products),
                ("fleet", import_fleet),
                ("customers", import_customers),
                ("orders", import_orders),
                ("inbound", import_inbound),
            ):
                with (HERE / f"{name}.csv").open("rb") as file:
                    result = read(store, file, now=OPENING, by="demo")
                assert not result.errors, (name, result.errors[:3])
            # The file says "no" for no hold; as a reason that would hold everybody.
            store.connection.execute(
                update(tables.customer).where(tables.customer.c.payment_hold == "no").values(payment_hold="")
            )
            for depot in store.depot_rows().values():
                store.save_depot(depot["id"], {"region_id": region_id})
            for name in ("receipt_opening", "receipt_tuesday"):
                with (HERE / f"{name}.csv").open("rb") as file:
                    receipts, _ = read_receipts(store, file, now=OPENING)
                for receipt in receipts:
                    commit_receipt(store, receipt, now=OPENING, by="demo", tell=False)

        def opened() -> AbstractContextManager[SqlStore]:
            return open_store(installation.database)

        locate_sites(opened, finder=installation.addresses(REGION), now=OPENING)
        with open_store(installation.database) as store:
            for depot_id in store.depot_ids():
                release_orders(store, depot_id=depot_id, for_day=DAY, now=OPENING, by="demo")


@lru_cache(maxsize=1)
def prepared_demo_home() -> Path:
    """One folder a test run; nobody writes into it."""
    home = Path(tempfile.mkdtemp(prefix="demo-day-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    prepare(home)
    return home


def copy_home(source: Path, to: Path) -> Path:
    """The database and secret copied; the region is only linked to, nobody changes it."""
    to.mkdir(parents=True, exist_ok=True)
    for name in ("backroute.db", "secret"):
        shutil.copyfile(source / name, to / name)
    (to / "regions").symlink_to((source / "regions").resolve(), target_is_directory=True)
    return to


@lru_cache(maxsize=1)
def planned_demo_home() -> Path:
    """The same day with a plan of all depots; made once a test run, nobody writes into it."""
    home = Path(tempfile.mkdtemp(prefix="demo-planned-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    copy_home(prepared_demo_home(), home)
    with open_installation(home) as installation:
        with open_store(installation.database) as store:
            job_id = start_plan(
                store,
                from_day=DAY,
                to_day=DAY,
                depot_ids=store.depot_ids(),
                by="test",
                time_limit_s=2.0,
                seed=0,
            )
        job = run_job_now(installation, job_id)
    assert job.state == "done", job.problem
    return home


@contextmanager
def website_at(home: Path) -> Iterator[Website]:
    """The pages of a copied home; the clock stands at the opening until the test sets it."""
    with open_installation(home) as installation:
        clock = SetClock(OPENING)
        installation.clock = clock  # type: ignore[assignment]
        app = create_app(installation)
        limiter.reset()
        yield Website(installation=installation, clock=clock, app=app)


def current(website: Website) -> PlanPage:
    """The day's plan in force, as the board reads it."""
    with website.installation.database.reading() as connection:
        return plan_page(connection, current_plans(connection, day=DAY)[0].plan_id)


def plans(website: Website) -> int:
    """How many versions of plans are kept."""
    with website.installation.database.reading() as connection:
        return int(connection.scalar(select(func.count()).select_from(tables.plan)) or 0)


def sign_in(website: Website, role: str = "dispatcher") -> FlaskClient:
    client = website.client()
    answer = client.post(
        "/login",
        data={
            "csrf_token": form_token(client.get("/login")),
            "email": f"{role}@kauppatukku1.example",
            "password": PASSWORD,
        },
    )
    assert answer.status_code == 302
    return client


@pytest.fixture
def demo_website(demo_home: Path) -> Iterator[Website]:
    """Tuesday 05:40, released, not planned yet."""
    with website_at(demo_home) as website:
        yield website


@pytest.fixture
def planned_website(tmp_path: Path) -> Iterator[Website]:
    """Tuesday 05:40 with its plan."""
    with website_at(copy_home(planned_demo_home(), tmp_path / "home")) as website:
        yield website


@pytest.fixture
def demo_home(tmp_path: Path) -> Path:
    return copy_home(prepared_demo_home(), tmp_path / "home")


@pytest.fixture
def demo_installation(demo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """The demo's Tuesday, standing at 05:40."""
    monkeypatch.delenv("BACKROUTE_DATABASE_URL", raising=False)
    with open_installation(demo_home) as installation:
        yield installation
