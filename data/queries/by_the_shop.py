"""What a web shop delivered itself, line by line. A line keeps only that units were taken off; the event says why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, select

from data.tables import event
from routing.rules.imports import BY_THE_SHOP, of_line
from routing.services.importing import CHANGED


def units_by_the_shop(connection: Connection, order_ids: Collection[int]) -> dict[tuple[int, str], int]:
    """By order and number of the line: the base units that the shop fulfilled while the order went on."""
    found: dict[tuple[int, str], int] = defaultdict(int)
    query = select(event.c.order_id, event.c.data).where(event.c.order_id.in_(order_ids), event.c.kind == CHANGED)
    for row in connection.execute(query):
        for what, units, became in row.data.get("differences", ()):
            if became == BY_THE_SHOP:
                found[row.order_id, of_line(what)] += int(units)
    return found
