"""What a re-import means for an order that is there already. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from routing.model.imports import LineIn, OrderIn
from routing.model.money import amount

HEADER = (
    "customer_id", "site_id", "depot_id", "ordered_at", "wanted_on", "not_before", "not_after", "customer_reference",
    "erp_reference", "completeness", "min_percent", "min_value", "max_wait_days", "max_shipments", "hold_reason",
    "payment", "collect_at_door", "urgent_by", "note", "currency", "charged",
)  # fmt: skip

_NO_GOODS = frozenset({"payment", "collect_at_door", "charged"})
"""What a van does not care about: taken over even when goods are on their way."""

DECIDED_HERE = ("wanted_on", "not_before", "not_after", "hold_reason", "collect_at_door")
"""Of an order, what a customer or a person may decide otherwise than its file says."""

_AT_FIRST = frozenset({
    "number", "customer_id", "site_id", "depot_id", "ordered_at", "wanted_on", "not_before", "not_after",
    "customer_reference", "erp_reference", "completeness", "min_percent", "max_wait_days", "max_shipments",
    "hold_reason", "payment", "urgent_by", "note", "currency", "lines",
})  # fmt: skip
_LINE_AT_FIRST = frozenset({"number", "product_id", "sku", "quantity", "unit_price", "promised_on"})
"""What an order and a line could say at first. Whatever they can say since then is in the hash only where it says
something, so that old hashes stay true, without anybody having to think of it."""
_PLAIN = re.compile("[0-9]{1,9}")
_NOT_CONTENT = frozenset({"row", "source", "unsaid"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is different. `header` and `lines` hold the new values, `added` the lines that are new.

    `differences` says it for the timeline: (what, from, to). `problem` says why it cannot be taken over at all.
    `cancels`: nothing of the order is wanted any more, and why. `empties`: each of its lines was cancelled, and nothing
    says that it is over: the same order may be sent again.
    """

    header: dict[str, Any]
    lines: dict[int, dict[str, int]]
    added: tuple[str, ...] = ()
    differences: tuple[tuple[str, str, str], ...] = ()
    problem: str = ""
    cancels: str = ""
    empties: bool = False

    @property
    def moves_goods(self) -> bool:
        """Whether it matters to goods that are on their way."""
        return bool(self.lines or self.added or self.cancels or self.header.keys() - _NO_GOODS)


def numbered(skus: Sequence[str], known: Sequence[tuple[str, str, bool]]) -> list[str]:
    """The numbers of lines that a file does not number: each keeps the one that its SKU has here, also when a line
    above it was removed or the rows stand otherwise; what is new takes the next free number.

    `known`: (number, SKU, whether it is open) of the order's lines here, the oldest first. Open lines are taken before
    cancelled ones. The same file again gives the same numbers.

    >>> numbered(["OAT-1", "TEA-2"], [])
    ['1', '2']
    >>> numbered(["TEA-2", "RYE-3"], [("1", "OAT-1", True), ("2", "TEA-2", True)])
    ['2', '3']
    """
    free: dict[str, list[tuple[int, str]]] = {}
    for sku, wanted in Counter(skus).items():
        same = [(not is_open, age, number) for age, (number, its, is_open) in enumerate(known) if its == sku]
        free[sku] = sorted((age, number) for _cancelled, age, number in sorted(same)[:wanted])
    last = max((int(number) for number, _sku, _open in known if _PLAIN.fullmatch(number)), default=0)
    found = []
    for sku in skus:
        if free[sku]:
            found.append(free[sku].pop(0)[1])
        else:
            last += 1
            found.append(str(last))
    return found


def content_hash(order: OrderIn) -> str:
    """The same file content has the same hash, wherever its rows stand; what a file does not speak of is none."""
    plain = _says(order, _AT_FIRST, order.unsaid | _NOT_CONTENT)
    plain["lines"] = [_says(line, _LINE_AT_FIRST, order.unsaid) for line in order.lines]
    for name in ("min_value", "collect_at_door"):
        if name not in order.unsaid:
            plain[name] = getattr(order, name)  # saying 0 takes back what it said
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=_iso).encode()).hexdigest()


def said_of(order: OrderIn, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a file says of what may be decided otherwise here, to be kept beside the order: a file that says it again
    says nothing new, and what was decided stands. `before`: what was kept until now, for what this file is silent of.

    `lines`: by number the quantity and the promised day. What came without a line for it has none.
    """
    kept = before or {}
    lines = kept.get("lines", {})
    said = {
        name: kept.get(name) if name in order.unsaid else getattr(order, name)
        for name in DECIDED_HERE
        if name in kept or name not in order.unsaid
    }
    return said | {
        "lines": {
            line.number: [line.quantity, line.promised_on or _promised(lines.get(line.number))] for line in order.lines
        }
    }


def said_promised(said: Mapping[str, Any] | None, number: str) -> str:
    """The day that the file promised for a line until now; "" when it named none."""
    return _promised((said or {}).get("lines", {}).get(number))


def _promised(line: Sequence[Any] | None) -> str:
    return str(line[1]) if line else ""


def hold_beside(stands: str, by: str, before: str, new: str) -> str:
    """How a hold reads when a file says `new`, having said `before`: a person's own stays in it until a person lets go.

    >>> hold_beside("asks for another day", "desk", "", "credit check")
    'asks for another day; credit check'
    >>> hold_beside("asks for another day; credit check", "desk", "credit check", "")
    'asks for another day'
    >>> hold_beside("credit check", "import", "credit check", "")
    ''
    """
    if by in ("", "import"):
        return new
    own = stands.removesuffix(f"; {before}") if before else stands
    return f"{own}; {new}" if new else own


def _says(stated: OrderIn | LineIn, at_first: Collection[str], without: Collection[str]) -> dict[str, Any]:
    defaults = {field.name: field.default for field in fields(stated)}
    said = {name: getattr(stated, name) for name in defaults if name not in without}
    return {name: value for name, value in said.items() if name in at_first or value != defaults[name]}


def compare(existing: Mapping[str, Any], incoming: OrderIn) -> Change:
    """What changed in an order. A line that the file no longer has is cancelled.

    An order that the file does not have is never asked about: it stays, and so does what the file says nothing of, or
    nothing new: the day that its customer chose, the units that its customer cancelled. A hold that a person set is not
    lifted by a file that has none, and a payment gate that a person passed is not closed by a file that still waits for
    money; whom a person set urgent here stays so by that person's word. Where the file says another quantity, what was
    cancelled here stays so, as far as the file wants no less. A line of which the shop needs nothing more is cancelled
    as far as it waits here: what is on its way from us is what the shop calls fulfilled, and no difference.

    >>> row = {"quantity": 12, "cancelled": 0, "on_its_way": 8}
    >>> waits_here(row)
    4
    """
    if incoming.closed:
        return _closing(existing, incoming.closed)
    header: dict[str, Any] = {}
    differences: list[tuple[str, str, str]] = []
    before: Mapping[str, Any] = existing.get("said") or {}
    for name in HEADER:
        if name in incoming.unsaid:
            continue
        old, new = existing[name], getattr(incoming, name)
        if name in before and new == before[name]:
            continue
        if name == "hold_reason":
            new = hold_beside(old, existing["hold_by"], before.get(name, ""), new)
        if name == "payment" and new == "pending" and existing["payment_by"]:
            continue
        if name == "urgent_by" and old.startswith("user:"):
            continue
        if isinstance(old, str):
            old = old.replace("\r\n", "\n").replace("\r", "\n")  # a break is no change, however it was kept
        if old != new:
            header[name] = new
            said = [
                amount(each, incoming.currency) if name == "collect_at_door" else _text(each) for each in (old, new)
            ]
            differences.append((name, said[0], said[1]))
    lines: dict[int, dict[str, int]] = {}
    wanted = {line.number: line for line in incoming.lines}
    closed_or_wanted = wanted.keys() | set(incoming.closed_lines)
    origin, replaced = _substituted(existing["lines"])
    said_lines: Mapping[str, Sequence[Any]] = before.get("lines", {})
    for row in existing["lines"]:
        if row["id"] in origin:
            # The file does not know the substitute: it goes as long as the file wants the line that it came for.
            number = origin[row["id"]]
            if number not in closed_or_wanted and row["cancelled"] < row["quantity"]:
                lines[row["id"]] = {"cancelled": row["quantity"]}
                differences.append((f"{_LINE}{row['number']}", str(row["quantity"] - row["cancelled"]), "cancelled"))
            continue
        line = wanted.pop(row["number"], None)
        if line is None:
            if row["number"] in incoming.closed_lines:
                if waits_here(row):
                    lines[row["id"]] = {"cancelled": row["cancelled"] + waits_here(row)}
                    differences.append((f"{_LINE}{row['number']}", str(waits_here(row)), BY_THE_SHOP))
            elif row["cancelled"] < row["quantity"]:
                lines[row["id"]] = {"cancelled": row["quantity"]}
                differences.append((f"{_LINE}{row['number']}", str(row["quantity"] - row["cancelled"]), "cancelled"))
            continue
        if line.product_id != row["product_id"]:
            return Change(
                header={},
                lines={},
                problem=f"Line {row['number']} was {row['sku']} and is now {line.sku}: "
                "give the new article a line number of its own.",
            )
        instead = replaced.get(row["id"], 0)
        said = said_lines.get(row["number"], (None,))[0]
        if line.quantity not in (said, ordered := row["quantity"] - row["cancelled"] + instead):
            # Of what the file wants less, first what was taken off here: it has heard of that.
            off = 0 if said is None else max(0, said - ordered - max(0, said - line.quantity))
            lines.setdefault(row["id"], {}).update(quantity=line.quantity, cancelled=min(instead + off, line.quantity))
            differences.append((f"{_LINE}{row['number']}", str(ordered), str(line.quantity - off)))
        if line.unit_price != row["unit_price"] and "unit_price" not in incoming.unsaid:
            lines.setdefault(row["id"], {}).update(unit_price=line.unit_price)
            differences.append((f"{_LINE}{row['number']} price", str(row["unit_price"]), str(line.unit_price)))
    differences += [(f"{_LINE}{line.number}", "", f"{line.quantity} × {line.sku}") for line in wanted.values()]
    return Change(
        header=header,
        lines=lines,
        added=tuple(wanted),
        differences=tuple(differences),
        empties=not wanted and _emptied(existing["lines"], lines, incoming.closed_lines),
    )


def _emptied(
    rows: Iterable[Mapping[str, Any]], changed: Mapping[int, Mapping[str, int]], closed: Collection[str]
) -> bool:
    """Whether each line of the order is cancelled, and some only now. What the shop fulfilled nobody cancelled.

    >>> first = {"id": 1, "number": "1", "quantity": 12, "cancelled": 0}
    >>> both, gone = [first, first | {"id": 2, "number": "2", "cancelled": 12}], {1: {"cancelled": 12}}
    >>> _emptied(both, gone, ()), _emptied(both, {}, ()), _emptied(both, gone, ["1"])
    (True, False, False)
    """
    if not changed or any(row["number"] in closed for row in rows):
        return False
    after = [{**row, **changed.get(row["id"], {})} for row in rows]
    return all(row["cancelled"] >= row["quantity"] for row in after)


def speaks_of(order: OrderIn, differences: Collection[str]) -> bool:
    """Whether the file says something of all that a change was about, by the names of its differences. Of one that
    does not, nobody can say that it takes the change back."""
    return not any(name in order.unsaid or (name.endswith(" price") and "unit_price" in order.unsaid)
                   for name in differences)  # fmt: skip


def _substituted(rows: Iterable[Mapping[str, Any]]) -> tuple[dict[int, str], dict[int, int]]:
    """Which lines came as a substitute, with the number of the file's line that they came for; and how many units of
    each line they replaced.

    >>> lines = [{"id": 1, "number": "1", "quantity": 12, "cancelled": 10},
    ...          {"id": 2, "number": "1-S1", "quantity": 2, "cancelled": 0, "instead_of_id": 1, "instead_of_units": 10}]
    >>> _substituted(lines)
    ({2: '1'}, {1: 10})
    """
    by_id = {row["id"]: row for row in rows if "id" in row}
    origin: dict[int, str] = {}
    replaced: dict[int, int] = {}
    for row in by_id.values():
        instead_of = by_id.get(row.get("instead_of_id"))
        if instead_of is None:
            continue
        replaced[instead_of["id"]] = replaced.get(instead_of["id"], 0) + row["instead_of_units"]
        while (further := by_id.get(instead_of.get("instead_of_id"))) is not None:
            instead_of = further
        origin[row["id"]] = instead_of["number"]
    return origin, replaced


BY_THE_SHOP = "fulfilled by the shop"
"""What became of a line's units, in the differences, where the shop delivered them itself and wants the rest."""
_LINE = "line "


def of_line(what: str) -> str:
    """The number of the line that a difference is about.

    >>> of_line("line TEA-2")
    'TEA-2'
    """
    return what.removeprefix(_LINE)


FULFILLED = "fulfilled"
"""The shop delivered it by another way than ours: its goods are free, and nobody cancelled anything."""


def waits_here(line: Mapping[str, Any]) -> int:
    """The units of a line that are neither cancelled nor released, loaded or delivered."""
    return max(0, int(line["quantity"] - line["cancelled"] - line["on_its_way"]))


def _closing(existing: Mapping[str, Any], why: str) -> Change:
    """Nothing of the order is wanted any more. What the shop calls fulfilled and we have on its way is no news."""
    open_lines = [row for row in existing["lines"] if row["cancelled"] < row["quantity"]]
    if existing["cancelled_at"] is not None or (why == FULFILLED and not any(map(waits_here, open_lines))):
        return Change(header={}, lines={})
    return Change(
        header={},
        lines={row["id"]: {"cancelled": row["quantity"]} for row in open_lines},
        differences=(("order", "open", f"{why} in the shop"),),
        cancels=why,
    )


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part}" for name, part in sorted(value.items()))
    return value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in an order.")
