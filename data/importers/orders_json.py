"""Orders as JSON of an API: the fields are the columns of orders.csv, an order holds its lines.

Types are held to strictly, unknown fields are named, and what remains is judged by the very rules of the file. A fault
of an order leaves out that order; its `row` is `position × LINES + line`, which `place` takes apart again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from data.importers.orders import COLUMNS, Known
from data.importers.table import CONTROL, Row, with_plain_breaks
from data.store import SqlStore
from routing.model.imports import ImportResult, OrderIn

LINES = 1_000
"""At most in one order."""
LONGEST = 4_000

OF_A_LINE = ("line", "sku", "quantity", "unit_price", "promised_on")
OF_AN_ORDER = tuple(name for name in COLUMNS if name not in (*OF_A_LINE, "source"))
WHOLE = frozenset({"quantity", "min_percent", "max_wait_days", "max_shipments"})
MONEY = frozenset({"unit_price", "min_value", "collect_at_door"})


def place(row: int) -> tuple[int, int]:
    """(position of the order, position of the line), both from 0."""
    return divmod(row, LINES)


def read_orders(
    store: SqlStore, documents: Sequence[Any], result: ImportResult, *, now: datetime
) -> Iterator[tuple[int, OrderIn | Mapping[str, Any]]]:
    """(position, the order) of those that can be used, in their order; every fault is noted in `result`.

    An order with `"cancelled": true` comes as its own document: it has nothing else to be judged.
    """
    groups = [_rows(position, document, result) for position, document in enumerate(documents)]
    numbers = [_number(document) for document in documents]
    known = Known(store, [row for group in groups if group for row in group], now=now)
    for position, (document, rows) in enumerate(zip(documents, groups, strict=True)):
        number = numbers[position]
        if number and numbers.count(number) > 1:
            if rows is not None:
                first = numbers.index(number)
                result.left_out(
                    position * LINES,
                    f"Order {number[:60]} was left out: it stands in this call at {first} and again. Send it once.",
                )
        elif rows is None:
            continue
        elif not rows:
            yield position, document
        elif (order := known.order(rows, result)) is not None:
            yield position, order


def _number(document: Any) -> str:
    number = document.get("order") if isinstance(document, dict) else None
    return number.strip() if isinstance(number, str) else ""


def _rows(position: int, document: Any, result: ImportResult) -> list[Row] | None:
    """The order as rows of the file; empty for a cancellation; None, and why, when its form is wrong."""
    faults: list[tuple[int, str]] = []
    head: dict[str, str] = {}
    lines: list[Any] = []
    if not isinstance(document, dict):
        faults.append((0, "it must be an object"))
    elif document.get("cancelled") is True:
        other = sorted(set(document) - {"order", "cancelled"})
        if not _number(document):
            faults.append((0, "field order must be the number of the order, as text"))
        elif other:
            faults.append((0, f"a cancelled order has no other fields; remove {_named(other)}"))
        else:
            return []
    else:
        head = _cells(document, (*OF_AN_ORDER, "lines", "cancelled"), 0, faults, but=("lines", "cancelled"))
        sent: Any = document.get("lines")
        if document.get("cancelled", False) is not False:
            faults.append((0, "field cancelled must be true or false"))
        if not isinstance(sent, list) or not sent:
            faults.append((0, 'field lines must be a list of at least one line; to cancel, send "cancelled": true'))
        elif len(sent) >= LINES:
            faults.append((0, f"it has {len(sent)} lines, and {LINES - 1} are taken at most: split the order"))
        else:
            lines = sent
    rows = []
    for index, line in enumerate(lines):
        if not isinstance(line, dict):
            faults.append((index, "a line must be an object"))
            continue
        cells = dict.fromkeys(COLUMNS, "") | head | _cells(line, OF_A_LINE, index, faults)
        rows.append(Row(number=position * LINES + index, cells=cells, part="field"))
    if not faults:
        return rows
    name = _number(document)[:60] or f"at {position}"
    for index in sorted({index for index, _what in faults})[:20]:
        said = "; ".join([what for at, what in faults if at == index][:5])
        result.left_out(position * LINES + index, f"Order {name} was left out; {said}.")
    return None


def _cells(
    document: Mapping[str, Any],
    names: Collection[str],
    index: int,
    faults: list[tuple[int, str]],
    *,
    but: Collection[str] = (),
) -> dict[str, str]:
    unknown = sorted(set(document) - set(names))
    if unknown:
        faults.append((index, f"unknown {_named(unknown)}; known are {', '.join(names)}"))
    cells = {}
    for name in names:
        if name in but:
            continue
        value = document.get(name)
        if value is None:
            cells[name] = ""
        elif name in WHOLE:
            if isinstance(value, bool) or not isinstance(value, int):
                faults.append((index, f"field {name} must be a whole number"))
            else:
                cells[name] = str(value)
        elif name in MONEY and isinstance(value, int | float) and not isinstance(value, bool):
            cells[name] = f"{value:.10g}"
        elif not isinstance(value, str):
            faults.append((index, f"field {name} must be text"))
        elif len(value) > LONGEST:
            faults.append((index, f"field {name} has {len(value)} characters, at most {LONGEST} are kept"))
        elif CONTROL.search(value):
            faults.append((index, f"field {name} has a control character, which no spreadsheet keeps: remove it"))
        else:
            cells[name] = with_plain_breaks(value.strip())
    return cells


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:5]) + (" ..." if len(names) > 5 else "")
    return f"field {shown}" if len(names) == 1 else f"fields {shown}"
