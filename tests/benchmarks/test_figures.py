"""How fast the figures of a period are, on the past of a large company, beside one plain pass over the same rows.

`make bench` prints the table; nothing is asserted about speed, only that both count the same. On a machine that does
other things the CPU seconds tell more than the clock. The plain pass reads every stand, promise and delivered unit once
into Python and counts three figures; ours counts them all.
"""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, text

from data.db import Database
from data.queries.period_figures import period_figures
from routing.rules.figures.figure import Ratio
from tests.benchmarks.past import LAST, NOW, write_past


def plainly(connection: Connection, *, first: date, last: date) -> dict[str, Any]:
    """Units of the stock at the last day's end and of each day's, and the fill rate by each line's first promise. The
    lines of the past were never cancelled, and only what is told at dispatch is promised by another cause."""
    days = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
    stock = {day: [0, 0] for day in days}
    for day, until, still_open, backordered in connection.execute(
        text("SELECT day, until_day, open, backordered FROM line_stand WHERE open > 0")
    ):
        for each in days:
            if day <= each < until:
                stock[each][0] += backordered
                stock[each][1] += still_open
    due: dict[int, str] = {}
    for line_id, why, promised_on in connection.execute(
        text("SELECT order_line_id, why, promised_on FROM promise ORDER BY version")
    ):
        if line_id not in due or "customer asked" in why:
            due[line_id] = promised_on
    came: dict[int, int] = defaultdict(int)
    for line_id, units, day in connection.execute(
        text(
            "SELECT a.order_line_id, l.delivered, m.day FROM proof_line l JOIN proof p ON p.id = l.proof_id "
            "JOIN manifest m ON m.id = p.manifest_id JOIN allocation a ON a.id = l.allocation_id"
        )
    ):
        if day <= due[line_id]:
            came[line_id] += units
    filled = wanted = 0
    for line_id, quantity in connection.execute(text("SELECT id, quantity FROM order_line")):
        if days[0] <= due[line_id] <= days[-1]:
            wanted += quantity
            filled += min(quantity, came[line_id])
    return {"stock": [tuple(stock[day]) for day in days], "fill": Ratio(numerator=filled, denominator=wanted)}


@pytest.mark.bench
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_month_of_a_large_company(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    if kind == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copyfile(template, tmp_path / "past.db")
        database = Database(f"sqlite:///{tmp_path / 'past.db'}")
    else:
        database = Database(request.getfixturevalue("postgres_url"))
    with database.writing() as connection:
        write_past(connection)
    rows: list[tuple[str, float, float]] = []

    def measured(what: str, work: Callable[[Connection], Any]) -> Any:
        clock, cpu = time.perf_counter(), time.process_time()
        with database.reading() as connection:
            answer = work(connection)
        rows.append((what, time.perf_counter() - clock, time.process_time() - cpu))
        return answer

    first = LAST - timedelta(days=29)
    ours = measured("30 days, every figure", lambda c: period_figures(c, first=first, last=LAST, now=NOW))
    before = ours.period.before
    measured("the 30 days before", lambda c: period_figures(c, first=before.first, last=before.last, now=NOW))
    plain = measured("one plain pass, three figures", lambda c: plainly(c, first=first, last=LAST))
    database.close()
    assert [(each.numerator, each.denominator) for each in ours.stock_by_step] == plain["stock"]
    assert ours.promises.fill == plain["fill"]
    table = Table("", "Seconds", "CPU seconds")
    for what, clock, cpu in rows:
        table.add_row(what, f"{clock:.1f}", f"{cpu:.1f}")
    Console().print(
        table,
        f"{kind}: 180,000 lines, 1,000,000 events, {ours.deliveries:,} deliveries in the 30 days; the plain pass takes "
        f"{rows[2][1] / rows[0][1]:.2f} of our time for all figures.",
    )
