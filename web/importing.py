"""Importing a file, as the command, the page and the job do it: the kind, the preset or mapping, what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, BinaryIO

from data.db import Database
from data.importers.depots import chosen_depot
from data.importers.kinds import KINDS, Kind
from data.importers.mapping import Header, as_in, look_at, remember, with_same_names
from data.importers.presets import PRESETS
from data.importers.shop import import_shop_orders
from data.importers.spreadsheet import refuse_if_only_named_so
from data.importers.table import Reading, read_header
from data.queries.addresses import OutOfReach, last_order, places_out_of_reach
from data.queries.company import company_card
from data.store import SqlStore
from data.store.again import tried
from data.store.imports import ColumnMapping
from routing.errors import FileRefused
from routing.model.imports import MOST_ERRORS, ImportResult
from routing.services.telling import how_they_hear
from web.changes import moved_document

MOVES = {"orders": "orders", "inbound": "rows", "counts": "rows", "customers": "sites", "sites": "sites"}
"""Files that move dates of orders they do not name, and what of them is new or changed."""
MOST_TRIED = 5_000
"""New and changed orders or rows of a file whose effect on others a dry run says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants of a file. `mapping`: their column (lower case) → ours, when it was said now.

    With `same_names` columns that are called as ours are read too, though nobody spoke of them. `depot` delivers the
    orders of a file that has no column for it, as a shop's export never has; of one depot, that one. `again`: what a
    file of counts says as the one before it was counted anew.
    """

    kind: str
    by: str
    file_name: str = ""
    dry_run: bool = False
    preset: str = ""
    depot: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    same_names: bool = False
    again: bool = False


def run_import(
    store: SqlStore,
    file: BinaryIO,
    asked: Asked,
    *,
    now: datetime,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ImportResult, ColumnMapping | None]:
    """Imports, and remembers a mapping that was said. With the result: the mapping of before by which it was read.

    Raises FileRefused, InvalidInput: nothing was changed.
    """
    facts: dict[str, Any] = {
        "now": now, "by": asked.by, "dry_run": asked.dry_run, "file_name": asked.file_name,
    }  # fmt: skip
    refuse_if_only_named_so(file, asked.file_name, asked.kind)
    if asked.kind == "orders":
        facts["tell_others"] = True
    if asked.kind == "counts":
        facts["again"] = asked.again
    if asked.preset:
        reading = Reading(progress=progress)
        result = import_shop_orders(
            store, file, preset=PRESETS[asked.preset], depot=asked.depot, reading=reading, **facts
        )
        say_how_they_hear(store, result, now=now)
        return result, None
    kind = KINDS[asked.kind]
    header = look_at(store, file, kind)
    before = last_order(store.connection)
    known = None
    mapping = as_in(header, asked.mapping)
    if mapping and asked.same_names:
        mapping = with_same_names(header, kind, mapping)
    elif not mapping and not header.ours and header.known is not None:
        known, mapping = header.known, dict(header.known.columns)
    reading = Reading(mapping=mapping, fixed=_fixed(store, kind, header, mapping, asked.depot), progress=progress)
    result = kind.work(store, file, reading=reading, **facts)
    result.notes += [_off_road(place) for place in places_out_of_reach(store.connection, after_order=before)]
    say_how_they_hear(store, result, now=now)
    if asked.mapping and not asked.dry_run:
        remember(store, header, kind, mapping, by=asked.by, now=now)
    return result, known


def say_how_they_hear(store: SqlStore, result: ImportResult, *, now: datetime) -> None:
    """Of what a file did to others: by the contacts and policies as they are now."""
    result.currency = company_card(store.connection).currency
    hear = how_they_hear(store, result.heard, now=now)
    result.heard_by = dict.fromkeys(hear.message, "message") | dict.fromkeys(hear.call, "call")
    result.answer_by = {**hear.asked, **hear.call_by}


def try_on_others(database: Database, file: BinaryIO, asked: Asked, result: ImportResult, *, now: datetime) -> None:
    """Puts into the `result` of a dry run what the file would do to orders that are not in it.

    It is imported in earnest and rolled back: what is said is what would happen. That holds up whoever writes, so of a
    big file only the import itself says it.
    """
    if result.kind not in MOVES or not (result.created or result.changed):
        return
    if result.created + result.changed > MOST_TRIED:
        result.notes.append(
            f"Whom it delays is not said of more than {MOST_TRIED} new and changed {MOVES[result.kind]} at once: the "
            "import itself says it. Split the file to see it before."
        )
        return

    def take(store: SqlStore) -> ImportResult:
        file.seek(0)
        return run_import(store, file, replace(asked, dry_run=False), now=now)[0]

    done = tried(database, take)
    result.moved, result.besides, result.warnings = done.moved, done.besides, done.warnings
    if result.kind == "counts":
        # Its dry run shows each SKU by itself.
        result.notes = done.notes
    result.heard_by, result.answer_by = done.heard_by, done.answer_by


def _fixed(store: SqlStore, kind: Kind, header: Header, mapping: Mapping[str, str], depot: str) -> Mapping[str, str]:
    """The depot of every row, where no column says it. Raises FileRefused, InvalidInput."""
    if "depot" not in kind.of_all:
        return {}
    theirs = next((theirs for theirs, ours in mapping.items() if ours == "depot"), "")
    if not mapping and "depot" in header.names:
        theirs = "depot"
    if theirs:
        if depot:
            raise FileRefused(
                f'The file says the depot of each order, in its column "{theirs[:40]}": leave out --depot.',
                code="depot",
            )
        return {}
    # A header that lacks more than the depot is refused for that.
    lacks = set(kind.needed) - set(kind.of_all) - set(mapping.values())
    readable = header.ours or (mapping and not lacks)
    return {"depot": chosen_depot(store, depot)["number"]} if depot or readable else {}


def _off_road(place: OutOfReach) -> str:
    """What whoever brings an order should know at once, not when the van is to leave."""
    orders = "1 order goes" if place.orders == 1 else f"{place.orders} orders go"
    gets = "not every vehicle of ours gets there" if place.some else "no vehicle of ours gets there"
    return f"{orders} to {place.name}: {gets}. Its task says why and what to do."


def preset_of(file: BinaryIO) -> str:
    """The shop whose export of orders this is; "" when it is none's. Raises FileRefused."""
    header = read_header(file, kind="orders")
    for name, preset in PRESETS.items():
        try:
            preset.mapping(header)
        except FileRefused:
            continue
        return name
    return ""


def orders_document(result: ImportResult) -> dict[str, Any]:
    """What `import orders --json` prints, no more and no less: what was created, changed and there before, and every
    row whose order was left out, also because a person has to decide about it."""
    errors = [{"row": error.row, "what": error.what} for error in result.errors]
    errors += [
        {
            "row": row,
            "what": f"Order {number} changed after goods were released: see Tasks. Nothing of it was overwritten.",
        }
        for row, number in zip(result.rows_for_a_person, result.for_a_person, strict=True)
    ]
    if result.errors_left_off:
        more = f"{result.errors_left_off} more orders were left out. Mend those above and import the file again."
        errors.append({"row": result.errors[-1].row, "what": more})
    return {
        "orders": result.created,
        "lines": result.lines,
        "changed": result.changed,
        "unchanged": result.unchanged,
        "errors": errors,
    }


def import_document(result: ImportResult) -> dict[str, Any]:
    """All that became of a file, as JSON: what `--json` prints, of orders with `--full`, and a job keeps."""
    counts: dict[str, Any]
    if result.kind == "orders":
        # Of a shop's orders, those that it had delivered itself and that were not taken in, the first time as ever.
        counts = {
            "orders": result.created,
            "lines": result.lines,
            "fulfilled": result.settled.get("fulfilled", 0),
        }
    else:
        counts = {"created": result.created}
    return counts | {
        "changed": result.changed,
        "unchanged": result.unchanged,
        "tasks": result.tasks,
        "cancelled": result.cancelled,
        "delivered_elsewhere": result.delivered_elsewhere,
        "for_a_person": result.for_a_person,
        "errors": [{"row": error.row, "what": error.what} for error in result.errors],
        "errors_left_off": result.errors_left_off,
        "dry_run": result.dry_run,
        "settled": result.settled,
        "notes": result.notes,
        "made": {kind: len(numbers) for kind, numbers in result.made.items()},
        "made_products": sorted(result.made.get("products", ()))[:MOST_ERRORS],
        **({"again": result.again} if result.kind == "counts" else {}),
        **(moved_document(result) if result.kind in MOVES else {}),
    }
