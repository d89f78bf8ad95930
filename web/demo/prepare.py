"""Brings the demo to Tuesday, 05:40: the region built, the files imported, thirty days lived, stock on the shelves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from data.importers.customers import import_customers
from data.importers.fleet import import_fleet
from data.importers.inbound import import_inbound
from data.importers.orders import import_orders
from data.importers.products import import_products
from data.importers.receipts import read_receipts
from data.importers.suppliers import import_suppliers
from data.store import SqlStore, open_store
from data.tables import depot, region
from routing.engines.roads.facts import RegionFacts
from routing.errors import NotFound
from routing.model.imports import ImportResult
from routing.model.orders import RideRule
from routing.rules.policies import PolicyRow, Scope
from routing.services.collecting import collect_goods
from routing.services.locating import locate_sites
from routing.services.overdue import give_up_dates, overdue_due
from routing.services.receiving import commit_receipt
from routing.services.untold import keep_lost_untold
from web.clock import wall_clock
from web.demo import files
from web.demo.calendar import BEFORE_ALL, MONDAY, START, at
from web.demo.history import Replay, promise, stood_since_ordered
from web.outbox import set_outbound
from web.wiring import Installation

REGION = "helsinki"
BY = "demo"
MESSAGES_A_DAY = 500
COMPANY = {
    "name": "Kauppatukku 1",
    "currency": "EUR",
    "locale": "en",
    "zone": "Europe/Helsinki",
    "country": "FI",
    "phone": "+358 99 555 9000",
    "email": "office@kauppatukku1.example",
}

type Say = Callable[[str, float], None]
"""Hears what is being done and how much of it, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was brought in, in the order in which it came."""

    region: RegionFacts
    imports: tuple[ImportResult, ...]
    past_deliveries: int


def prepare(installation: Installation, *, say: Say) -> Prepared:
    facts = _region(installation, say)
    imports = _standing_data(installation, facts)
    wanted = {row["site"] for row in files.rows("orders_history.csv")}
    with open_store(installation.database) as store:
        of_history = [row["id"] for row in store.sites(wanted).values()]
    _locate(installation, say, now=at(BEFORE_ALL, "13:00"), site_ids=of_history)
    say("Living the last thirty days again", 0.0)
    replay = Replay(installation, travel=installation.travel(REGION), secret=installation.secret)
    replay.run(progress=lambda done, of: say("Living the last thirty days again", done / of))
    _collections(installation)
    imports += _open_orders(installation)
    with open_store(installation.database) as store:
        store.withhold_waiting(why="of the time before the demo began", now=START)
    installation.clock.jump(to=START)
    return Prepared(region=facts, imports=imports, past_deliveries=replay.deliveries)


def overnight(installation: Installation, *, say: Say) -> None:
    """What the night does before somebody sits down at 05:40: addresses are looked up, messages go to the mailbox."""
    _locate(installation, say, now=START)
    with open_store(installation.database) as store:
        for depot_id in overdue_due(store, now=START):
            give_up_dates(store, depot_id, now=START, tell=False)
        for depot_id in store.depot_ids():
            # The salespeople called on Monday already: the day does not begin with calls of the past.
            keep_lost_untold(store, depot_id, {}, by=BY, now=START)
        set_outbound(store, mode="real", by=BY, now=START, daily_cap=MESSAGES_A_DAY)


def _region(installation: Installation, say: Say) -> RegionFacts:
    try:
        facts = installation.regions.facts(REGION)
        say("Region of the last time", 1.0)
    except NotFound:
        facts = installation.regions.add(
            REGION, files.PBF, lambda step, share: say(f"Building the region: {step}", share)
        )
    return facts


def _standing_data(installation: Installation, facts: RegionFacts) -> tuple[ImportResult, ...]:
    now = at(BEFORE_ALL, "12:00")
    with open_store(installation.database) as store:
        store.set_company(**COMPANY)
        region_id = store.connection.execute(
            region.insert()
            .values(name=REGION, build=facts.build, facts={}, built_at=wall_clock())
            .returning(region.c.id)
        ).scalar_one()
        found = []
        for kind, take in (
            ("fleet", import_fleet),
            ("suppliers", import_suppliers),
            ("products", import_products),
            ("customers", import_customers),
            ("inbound", import_inbound),
        ):
            name = f"{kind}.csv"
            with (files.FOLDER / name).open("rb") as file:
                found.append(take(store, file, now=now, by=BY, file_name=name))
        store.connection.execute(depot.update().values(region_id=region_id))
        store.ensure_shifts("2026-03-03", "2026-03-17")
    return tuple(found)


def _locate(installation: Installation, say: Say, *, now: datetime, site_ids: Sequence[int] | None = None) -> None:
    say("Finding addresses", 0.0)
    locate_sites(
        lambda: open_store(installation.database),
        finder=installation.addresses(REGION),
        now=now,
        site_ids=site_ids,
        progress=lambda done, of: say("Finding addresses", done / max(of, 1)),
    )


def _open_orders(installation: Installation) -> tuple[ImportResult, ...]:
    """The orders that are open on Tuesday, with the promises that slipped before, and the stock of Monday evening."""
    monday_evening = at(MONDAY, "17:30")
    with open_store(installation.database) as store:
        with (files.FOLDER / "orders.csv").open("rb") as file:
            result = import_orders(store, file, now=monday_evening, by=BY, file_name="orders.csv")
        slipped = {row["order"] for row in files.rows("orders.csv")}
        for event in files.rows("history.csv"):
            if event["event"] == "promise" and event["order"] in slipped:
                promise(store, event)
        receive(store, "receipt_opening.csv")
        _wait_for_the_rest(store, now=monday_evening)
    with open_store(installation.database) as store:
        stood_since_ordered(store)
    return (result,)


def _collections(installation: Installation) -> None:
    """Empty crates that customers asked on Monday, before the cut-off, to have fetched: a van that stops there anyway
    takes them along."""
    with open_store(installation.database) as store:
        for row in files.rows("collections.csv"):
            collect_goods(
                store,
                site_id=store.sites([row["site"]])[row["site"]]["id"],
                product_id=store.product_ids([row["sku"]])[row["sku"]],
                quantity=int(row["quantity"]),
                why=row["why"],
                day=row["day"],
                now=at(MONDAY, "15:30"),
                by=BY,
            )


def _wait_for_the_rest(store: SqlStore, *, now: datetime) -> None:
    """The customer of the order of which only a part is there wants all at once: a part goes only if a person sends it
    along."""
    number = next(row["order"] for row in files.rows("story.csv") if row["part"] == "near")
    customer_id = store.customer_of(store.order_ids([number])[number])
    row = PolicyRow(
        scope=Scope.CUSTOMER,
        scope_id=customer_id,
        name="ride_along",
        value=RideRule.NEVER.value,
        effective_from=MONDAY.isoformat(),
    )
    store.set_policy(row, by=BY, now=now)


def receive(store: SqlStore, name: str) -> None:
    with (files.FOLDER / name).open("rb") as file:
        receipts, _ = read_receipts(store, file, now=START)
    for receipt in receipts:
        commit_receipt(store, receipt, now=receipt.counted_at, by=BY, tell=False)
