"""inbound.csv: what is expected from suppliers, one row a SKU of a purchase order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

from data.importers.batch import MOST_WARNINGS, note_import
from data.importers.cells import Cells, batches, changed_values
from data.importers.table import AS_OURS, Reading, Row, read_table
from data.store import SqlStore
from routing.model.imports import ImportResult
from routing.services.importing import Pools, settle_changed
from routing.services.overdue import ask_about, came_or_named

COLUMNS = ("number", "supplier", "depot", "sku", "quantity", "expected_at")
NEEDED = ("number", "depot", "sku", "quantity")


def import_inbound(
    store: SqlStore,
    file: BinaryIO,
    *,
    now: datetime,
    by: str,
    dry_run: bool = False,
    file_name: str = "",
    tell: bool = True,
    reading: Reading = AS_OURS,
) -> ImportResult:
    """Adds and changes what is expected, then allocates it. A quantity of 0 means that it will not come.

    A slip past the promise threshold makes new promises, and those customers are told (`tell`). `result.moved` has the
    lines that lose goods or a day by it. Raises FileRefused.
    """
    result = ImportResult(kind="inbound", dry_run=dry_run)
    depots = store.depot_rows()
    if not dry_run:
        for depot_id in sorted(int(row["id"]) for row in depots.values()):
            store.lock_depot(depot_id)
    taken = _File(store=store, depots=depots, result=result, now=now, by=by)
    for rows in batches(read_table(file, kind="inbound", columns=COLUMNS, needed=NEEDED, reading=reading), 500):
        _take(taken, rows)
    settled = settle_changed(store, taken.pools, now=now, by=by, tell=tell, why="a supplier's date or quantity changed")
    result.moved, result.besides = settled.lines, settled.besides
    result.warnings = settled.warnings[:MOST_WARNINGS]
    note_import(store, result, file, file_name=file_name, now=now, by=by)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file on its way in. `seen`: in which row each SKU of each number stands; `pools`: what is allocated again."""

    store: SqlStore
    depots: Mapping[str, dict[str, Any]]
    result: ImportResult
    now: datetime
    by: str
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    pools: Pools = field(default_factory=Pools)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a row says. `old`: the inbound as it stands, None for a new one; `depot`, `product_id`: None where there are
    none of that name."""

    number: str
    sku: str
    depot: dict[str, Any] | None
    product_id: int | None
    quantity: int
    expected_at: datetime | None
    supplier: str
    old: dict[str, Any] | None

    @property
    def counted(self) -> int:
        """Units that need not come any more: they were counted in, or given up."""
        return self.old["received"] + self.old["closed_short"] if self.old else 0

    @property
    def is_off(self) -> bool:
        return self.quantity == 0

    @property
    def was_off(self) -> bool:
        return self.old is not None and self.old["cancelled_at"] is not None

    @property
    def said_before(self) -> Mapping[str, Any]:
        """What the file said of it last; empty where that is not known."""
        return (self.old["said"] or {}) if self.old else {}

    def kept(self) -> dict[str, Any]:
        """What is remembered of this row: a file that says it again says nothing new."""
        at = self.expected_at
        return {"quantity": self.quantity, "expected_at": at.astimezone(UTC).isoformat() if at is not None else None}

    @property
    def says_nothing_new(self) -> bool:
        """Whether a slip or a cancellation that came since stands: the file only says once more what it said."""
        return self.said_before == self.kept()

    @property
    def is_as_before(self) -> bool:
        """Whether it says of the quantity what the books do: of what is cancelled its file has 0, and the books still
        know what was ordered."""
        if self.old is None:
            return False
        return (self.was_off and self.is_off) or self.quantity == self.old["quantity"]

    def answers(self, now: datetime) -> bool:
        """Whether nobody has to ask the supplier any more. Only a day to come answers when the goods come: the old one
        again, or another that is over, does not."""
        return self.is_off or self.quantity <= self.counted or (self.expected_at is not None and self.expected_at > now)


def _take(file: _File, rows: Sequence[Row]) -> None:
    """Some rows: what changed of them is written, and who asks the supplier about it is told."""
    store, dry_run = file.store, file.result.dry_run
    skus = store.product_ids({row.cells.get("sku", "") for row in rows})
    existing = store.inbounds({row.cells.get("number", "") for row in rows})
    stood = {} if dry_run else store.inbound_supplies([row["id"] for row in existing.values()], now=file.now)
    pools = Pools()
    named: list[int] = []
    stale: list[int] = []
    for row in rows:
        cells = Cells(row)
        said = _read(file, cells, skus, existing)
        _find_fault(file, cells, said)
        if cells.report(file.result, f"{said.sku} of inbound {said.number}"):
            continue
        if said.depot is None or said.product_id is None:
            continue
        file.seen[said.number, said.sku] = row.number
        values = _changes(file.result, cells, said)
        if dry_run:
            continue
        if values is None:
            if said.old is not None and said.said_before != said.kept():
                store.keep_inbound_said(said.old["id"], said.kept())
            continue
        supplier = (said.old["supplier"] or "") if said.old and cells.lacks("supplier") else said.supplier
        # Who brings it decides nothing: only what comes, and when, is given out anew and answers when it comes.
        moves = bool(values) or (said.was_off != said.is_off and not said.says_nothing_new)
        values["supplier_id"] = store.supplier_id(supplier)
        values["said"] = said.kept()
        if moves:
            values["cancelled_at"] = file.now if said.is_off else None
        supply_id = store.save_inbound(said.old["id"] if said.old else None, values)
        if not moves:
            continue
        (named if said.answers(file.now) else stale).append(supply_id)
        pools.products[said.depot["id"]].add(said.product_id)
        pools.supplies[said.depot["id"]][supply_id] = stood.get(supply_id)
    came_or_named(store, named, outcome="the supplier's file", by=file.by, now=file.now)
    ask_about(store, stale, now=file.now)
    file.pools.add(pools)


def _read(
    file: _File, cells: Cells, skus: Mapping[str, int], existing: Mapping[tuple[str, int], dict[str, Any]]
) -> _Said:
    number = cells.text("number", needed=True, longest=100)
    sku = cells.text("sku", needed=True, longest=100)
    depot = file.depots.get(cells.text("depot", needed=True, longest=100))
    product_id = skus.get(sku)
    if depot is None and (named := cells.row.cells.get("depot")):
        cells.wrong("depot", f'there is no depot "{named[:40]}": import the fleet first')
    if product_id is None and sku:
        cells.wrong("sku", f'there is no product "{sku[:40]}": import the products first')
    quantity = cells.whole("quantity", needed=True)
    expected_at = cells.expected("expected_at", depot["zone"] if depot else "UTC", now=file.now)
    supplier = cells.text("supplier", longest=100)
    old = existing.get((number, product_id)) if product_id else None
    return _Said(
        number=number,
        sku=sku,
        depot=depot,
        product_id=product_id,
        quantity=quantity,
        expected_at=_stated(old) if old is not None and cells.lacks("expected_at") else expected_at,
        supplier=supplier,
        old=old,
    )


def _stated(old: Mapping[str, Any]) -> datetime | None:
    """The day that the file named last, for one without a column for it; that of the books where none is known."""
    if not old["said"]:
        found: datetime | None = old["expected_at"]
        return found
    text = old["said"]["expected_at"]
    return datetime.fromisoformat(text) if text else None


def _find_fault(file: _File, cells: Cells, said: _Said) -> None:
    """What the cells alone do not show, but the rows before and the books."""
    if row := file.seen.get((said.number, said.sku)):
        cells.wrong("sku", f"{said.sku} of {said.number} stands in row {row} already: add them up")
    if said.old is not None and said.depot is not None and said.old["depot_id"] != said.depot["id"]:
        cells.wrong("depot", f"{said.number} was expected at another depot: give it a number of its own")
    # The file again after more came than was ordered is no fault: it says what was ordered, as before.
    if said.quantity < said.counted and not said.is_as_before and not cells.faults:
        cells.wrong("quantity", f"{said.quantity} is less than the {said.counted} that were already counted in")


def _changes(result: ImportResult, cells: Cells, said: _Said) -> dict[str, object] | None:
    """What is to be written of it, and counted in the result; None where it stands so already."""
    values: dict[str, object] = {"quantity": said.quantity, "expected_at": said.expected_at}
    if said.old is None:
        assert said.depot is not None
        result.created += 1
        return values | {"number": said.number, "depot_id": said.depot["id"], "product_id": said.product_id}
    if said.is_as_before:
        del values["quantity"]
    if said.said_before.get("expected_at") == said.kept()["expected_at"] and said.said_before:
        del values["expected_at"]  # a slip that came since is newer
    values = changed_values(said.old, values, cells=cells)
    same_supplier = cells.lacks("supplier") or (said.old["supplier"] or "") == said.supplier
    as_it_was = said.says_nothing_new or said.was_off == said.is_off
    if not values and same_supplier and as_it_was:
        result.unchanged += 1
        return None
    result.changed += 1
    return values
