"""How fast the promise is: 100,000 open lines over 5,000 SKUs, beside a plain pandas version of the same allocation.

`make bench` prints the table; nothing is asserted about speed. On a machine that does other things the CPU seconds tell
more than the clock. The pandas version knows the plain rule only: who ranks first takes first, stock before trucks by
date. No ship-complete, no kept units, no delivery days, no promises. It is several times as fast, and most of that is
what it leaves out: a ship-complete order is served whole or not at all, which no sum down a column says.
"""

from __future__ import annotations

import io
import resource
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, insert, select, text, update

from data import tables
from data.db import Database
from data.importers import inbound
from data.importers.inbound import import_inbound
from data.store import SqlStore, open_store
from routing.services.allocating import horizon_setting
from routing.services.horizon import move_horizon
from routing.services.importing import settle
from routing.services.promising import promised_lines
from routing.services.receiving import commit_receipts, simulate_receipts
from tests.benchmarks.ledger import NOW, Ledger, write_ledger

LINES, SKUS = 100_000, 5_000


def by_pandas(connection: Connection) -> pd.DataFrame:
    """Every line with the units it gets and the moment its last unit is there (NaT: never)."""
    lines = pd.read_sql(
        text(
            "SELECT l.id, l.product_id, o.depot_id, l.quantity - l.cancelled AS needed, c.tier, o.ordered_at, "
            "o.id AS oid FROM order_line l JOIN customer_order o ON o.id = l.order_id "
            "JOIN customer c ON c.id = o.customer_id"
        ),
        connection,
    )
    supply = pd.read_sql(
        text(
            "SELECT id, product_id, depot_id, quantity - received - closed_short - quarantined AS units, "
            "COALESCE(counted_at, expected_at) AS at, kind = 'receipt' AS here FROM supply"
        ),
        connection,
    )
    pool = ["depot_id", "product_id"]
    lines = lines.sort_values([*pool, "tier", "ordered_at", "oid"], ascending=[True, True, False, True, True])
    lines["until"] = lines.groupby(pool)["needed"].cumsum()
    supply = supply.sort_values([*pool, "here", "at"], ascending=[True, True, False, True])
    supply["until"] = supply.groupby(pool)["units"].cumsum()
    total = supply.groupby(pool)["units"].sum().rename("total")
    lines = lines.join(total, on=pool).fillna({"total": 0})
    lines["units"] = np.clip(lines["total"] - (lines["until"] - lines["needed"]), 0, lines["needed"])
    both = pd.merge_asof(
        lines.sort_values("until"), supply.sort_values("until")[[*pool, "until", "at"]], on="until", by=pool,
        direction="forward",
    )  # fmt: skip
    return both


@pytest.mark.bench
@pytest.mark.parametrize(("depots", "everybody_complete"), [(1, False), (2, False), (1, True)])
def test_a_hundred_thousand_lines(sqlite_template: Path, tmp_path: Path, depots: int, everybody_complete: bool) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "ledger.db")
    database = Database(f"sqlite:///{tmp_path / 'ledger.db'}")
    with database.writing() as connection:
        ledger = write_ledger(connection, lines=LINES, skus=SKUS, depots=depots)
        if everybody_complete:
            connection.execute(
                insert(tables.policy).values(
                    scope="company", scope_id=0, name="completeness", value="complete", effective_from="2026-01-01",
                    by="bench", at=NOW,
                )
            )  # fmt: skip
    rows: list[tuple[str, float, float, str]] = []

    def measured(what: str, work: Callable[[], Any], target: str = "") -> Any:
        clock, cpu = time.perf_counter(), time.process_time()
        answer = work()
        rows.append((what, time.perf_counter() - clock, time.process_time() - cpu, target))
        return answer

    receipts = ledger.receipt("R-NEW", 200)
    measured("100,000 new lines settled, as after an import", lambda: _settle(database, ledger))
    preview = measured("a receipt of 200 SKUs simulated", lambda: _read(database, _simulate(receipts)), "2")
    assert preview.changed
    simulated = rows[-1]
    measured("the same receipt committed", lambda: _commit(database, receipts), "2")
    measured("a supplier's file of 20 inbound lines", lambda: _inbound(database, ledger))
    few = _wanted_on_the_last_day(database)
    measured(f"the horizon reaches {few} orders", lambda: _horizon(database))
    lines = measured("all promises recomputed", lambda: _read(database, _promises(ledger)), "10")
    assert len(lines) == LINES
    ours = rows[-1]
    with database.reading() as connection:
        plain = measured("pandas: the plain rule", lambda: by_pandas(connection))
    assert len(plain) == LINES
    database.close()
    table = Table("", "Seconds", "CPU seconds", "Target")
    for what, clock, cpu, target in rows:
        table.add_row(what, f"{clock:.1f}", f"{cpu:.1f}", target)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    words = f"{depots} depot(s){', everybody ships complete' if everybody_complete else ''}: {len(preview.lines):,} "
    Console().print(
        table,
        words
        + f"lines tied to the receipt; peak {peak:.2f} GiB (target 1); pandas takes {rows[-1][2] / ours[2]:.2f} of our "
        f"CPU time for all promises, {rows[-1][2] / simulated[2]:.2f} of it for the receipt simulated.",
    )


def _settle(database: Database, ledger: Ledger) -> None:
    pools = {depot: set(ledger.products) for depot in ledger.depots}
    with open_store(database) as store:
        settle(store, pools, now=NOW, by="bench", tell=False, why="new orders")
        for depot in ledger.depots:  # which the first minute of the day does
            store.set_setting(name=horizon_setting(depot), value="2026-05-26", by="bench", now=NOW)


def _simulate(receipts: Any) -> Callable[[SqlStore], Any]:
    return lambda store: simulate_receipts(store, receipts, now=NOW)


def _commit(database: Database, receipts: Any) -> None:
    with open_store(database) as store:
        commit_receipts(store, receipts, now=NOW, by="bench")


def _inbound(database: Database, ledger: Ledger) -> None:
    rows = [",".join(inbound.COLUMNS)]
    rows += [f"PO-NEW-{n},,D1,P{key:05d},240,2026-05-15" for n, key in enumerate(ledger.products[100:120])]
    with open_store(database) as store:
        result = import_inbound(store, io.BytesIO("\n".join(rows).encode()), now=NOW, by="bench", tell=False)
    assert (result.created, result.errors) == (20, [])


def _wanted_on_the_last_day(database: Database) -> int:
    """Thirty orders that nobody has asked for yet, as yesterday left them. Returns how many."""
    days = {"ordered_at": NOW - timedelta(days=20), "wanted_on": "2026-05-26"}
    far = tables.order.c.wanted_on == "2026-07-01"
    with database.writing() as connection:
        keys = connection.scalars(select(tables.order.c.id).where(far).order_by(tables.order.c.id).limit(30)).all()
        connection.execute(update(tables.order).where(tables.order.c.id.in_(keys)).values(days))
    return len(keys)


def _horizon(database: Database) -> None:
    with open_store(database) as store:
        store.set_setting(name=horizon_setting(1), value="2026-05-25", by="bench", now=NOW)
        move_horizon(store, 1, now=NOW)


def _promises(ledger: Ledger) -> Callable[[SqlStore], Any]:
    return lambda store: [line for depot in ledger.depots for line in promised_lines(store, depot_id=depot, now=NOW)]


def _read(database: Database, work: Callable[[SqlStore], Any]) -> Any:
    with database.reading() as connection:
        return work(SqlStore(connection))
