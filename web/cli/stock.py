"""`backroute import`, `receive` and `release`: goods and orders come in, what is ready goes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from data.importers import customers, fleet, inbound, orders, products, receipts, sources
from data.importers.customers import import_customers
from data.importers.fleet import import_fleet
from data.importers.inbound import import_inbound
from data.importers.orders import import_orders
from data.importers.products import import_products
from data.importers.receipts import read_receipts
from data.importers.sources import import_sources
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import FileRefused, InvalidInput
from routing.model.imports import ImportResult
from routing.model.orders import LineChange, Preview
from routing.model.stock import Receipt
from routing.services.receiving import commit_receipts, simulate_receipts
from routing.services.releasing import Releasing, release_orders, simulate_release
from web.cli.output import json_option, print_json
from web.cli.values import DAY
from web.wiring import open_installation

BY = "command line"
FURTHEST_RELEASE = 366
"""Days ahead. Goods that are released are nobody else's: a slip of the year would lock them away."""
MOST_SHOWN = 20
"""Rows of a table on a terminal; the rest is counted, `--json` has them all."""

FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group("import")
def import_group() -> None:
    """Read products, customers, orders, inbound or the fleet from a CSV or XLSX file.

    The same file again changes nothing. A faulty row leaves out its whole order and says so.
    """


def template_option(columns: Sequence[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds `--template`: prints the header and ends."""

    def print_header(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
        if asked:
            click.echo(",".join(columns))
            ctx.exit()

    return click.option(
        "--template",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=print_header,
        help="Print the header row that the file must have.",
    )


def _import_command(kind: str, work: Callable[..., ImportResult], columns: Sequence[str], help_text: str) -> None:
    @import_group.command(kind, help=help_text)
    @FILE
    @template_option(columns)
    @click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
    @json_option
    def command(file: Path, dry_run: bool, as_json: bool) -> None:
        with open_installation() as here:
            now = here.clock.now()
            _check_file(file)
            with file.open("rb") as opened:

                def read(store: SqlStore) -> ImportResult:
                    return work(store, opened, now=now, by=BY, dry_run=dry_run, file_name=file.name)

                if dry_run:
                    with here.database.reading() as connection:
                        result = read(SqlStore(connection))
                else:
                    result = in_transaction(here.database, read)
        if as_json:
            print_json(import_document(result))
        else:
            _print_import(result, file)
        if result.needs_a_person:
            click.get_current_context().exit(1)


_import_command("products", import_products, products.COLUMNS, "Products: one row a SKU.")
_import_command("customers", import_customers, customers.COLUMNS, "Customers, sites and contacts: one row a site.")
_import_command("orders", import_orders, orders.COLUMNS, "Orders: one row a line. New ones get goods and a date.")
_import_command("inbound", import_inbound, inbound.COLUMNS, "What suppliers will bring, and when: one row a SKU.")
_import_command("sources", import_sources, sources.COLUMNS, "Who can bring a product: one row a supplier and SKU.")
_import_command("fleet", import_fleet, fleet.COLUMNS, "Depots, zones, vehicles, drivers and the shifts of a week.")


def import_document(result: ImportResult) -> dict[str, Any]:
    """What `--json` prints of an import."""
    counts: dict[str, Any]
    if result.kind == "orders":
        counts = {"orders": result.created, "lines": result.lines}
    else:
        counts = {"created": result.created}
    return counts | {
        "changed": result.changed,
        "unchanged": result.unchanged,
        "tasks": result.tasks,
        "errors": [{"row": error.row, "what": error.what} for error in result.errors],
        "errors_left_off": result.errors_left_off,
        "dry_run": result.dry_run,
    }


def _print_import(result: ImportResult, file: Path) -> None:
    console = Console()
    would = "would be " if result.dry_run else ""
    lines = f" with {result.lines} lines" if result.kind == "orders" and result.created else ""
    console.print(
        f"{file.name}: {result.created} {would}new{lines}, {result.changed} {would}changed, "
        f"{result.unchanged} unchanged",
        highlight=False,
        markup=False,
    )
    if result.tasks:
        console.print(
            f"{result.tasks} changed after goods were released: see Tasks. Nothing of them was overwritten.",
            highlight=False,
        )
    if result.errors:
        table = Table("Row", "Left out, and the mend", title=f"{len(result.errors) + result.errors_left_off} left out")
        for error in result.errors[:MOST_SHOWN]:
            table.add_row(str(error.row), _plain(error.what))
        console.print(table)
        more = len(result.errors) + result.errors_left_off - MOST_SHOWN
        if more > 0:
            console.print(f"... and {more} more (--json lists them)", markup=False)


# ---------------------------------------------------------------------------- receive


@click.command("receive")
@FILE
@template_option(receipts.COLUMNS)
@click.option("--simulate", is_flag=True, help="Show who goes and who waits, and change nothing.")
@json_option
def receive_command(file: Path, simulate: bool, as_json: bool) -> None:
    """Count in what arrived: give it to the orders that wait, make new promises, tell whom they concern."""
    with open_installation() as here:
        now = here.clock.now()
        _check_file(file)
        with file.open("rb") as opened, here.database.reading() as connection:
            arrived, result = read_receipts(SqlStore(connection), opened, now=now)
        by_depot: dict[int, list[Receipt]] = {}
        for receipt in arrived:
            by_depot.setdefault(receipt.depot_id, []).append(receipt)
        counted: list[tuple[list[Receipt], Preview]] = []
        for together in by_depot.values():
            if simulate:
                with here.database.reading() as connection:
                    preview = simulate_receipts(SqlStore(connection), together, now=now)
            else:
                preview = in_transaction(here.database, _counting_in(together, now))
            counted.append((together, preview))
    if as_json:
        print_json(_receive_document(counted, result, simulate=simulate))
    else:
        for together, preview in counted:
            _print_receive(together, preview)
        console = Console()
        for error in result.errors[:MOST_SHOWN]:
            console.print(f"Row {error.row}: {_clean(error.what)}", markup=False, highlight=False)
        if simulate:
            console.print("Nothing was changed. Run it without --simulate to count it in.", highlight=False)
    if result.needs_a_person or any(preview.warnings for _, preview in counted):
        click.get_current_context().exit(1)


def _counting_in(receipts: list[Receipt], now: datetime) -> Callable[[SqlStore], Preview]:
    return lambda store: commit_receipts(store, receipts, now=now, by=BY)


def _receive_document(
    counted: list[tuple[list[Receipt], Preview]], result: ImportResult, *, simulate: bool
) -> dict[str, Any]:
    return {
        "simulated": simulate,
        "receipts": [
            {"number": receipt.number, "sku": receipt.sku, "quantity": receipt.quantity,
             "quarantined": receipt.quarantined, "already": preview.already}
            for together, preview in counted
            for receipt in together
        ],
        "lines": [_line_document(line) for _, preview in counted for line in preview.changed],
        "policy": [preview.rule.value for _, preview in counted],
        "broken": [number for _, preview in counted for number in preview.broken],
        "warnings": [warning for _, preview in counted for warning in preview.warnings],
        "errors": [{"row": error.row, "what": error.what} for error in result.errors],
    }  # fmt: skip


def _line_document(line: LineChange) -> dict[str, Any]:
    return {
        "order": line.order,
        "customer": line.customer,
        "sku": line.sku,
        "needed": line.needed,
        "goes": line.firm_after,
        "went_before": line.firm_before,
        "provisional": line.provisional_after,
        "waits": line.waits,
        "old_day": line.old_day,
        "new_day": line.new_day,
        "promised_on": line.promised_on,
        "slips": line.slips,
        "value": line.value_firm,
        "currency": line.currency,
    }


def _print_receive(receipts: list[Receipt], preview: Preview) -> None:
    console = Console()
    numbers = ", ".join(dict.fromkeys(receipt.number for receipt in receipts[:MOST_SHOWN]))
    units = sum(receipt.quantity for receipt in receipts)
    quarantined = sum(receipt.quarantined for receipt in receipts)
    goods = f"{units} × {receipts[0].sku}" if len(receipts) == 1 else f"{units} units of {len(receipts)} articles"
    title = _clean(f"{numbers}: {goods}" + (f", {quarantined} quarantined" if quarantined else ""))
    if preview.already:
        console.print(f"{title}: counted in before, nothing changes", markup=False, highlight=False)
        return
    arrived = {receipt.product_id for receipt in receipts}
    lines = [line for line in preview.lines if line.product_id in arrived or line.changed]
    if not lines:
        console.print(f"{title}: nobody waits for it", markup=False, highlight=False)
        return
    table = Table(title=_plain(title), title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("Order", no_wrap=True, min_width=7)
    table.add_column("Customer", no_wrap=True, overflow="ellipsis", max_width=18)
    table.add_column("SKU", no_wrap=True)
    for word in ("Wants", "Goes", "Waits"):
        table.add_column(word, justify="right", no_wrap=True)
    for word in ("Was", "Now", "Promise"):
        table.add_column(word, no_wrap=True)
    for line in lines[:MOST_SHOWN]:
        table.add_row(
            _plain(line.order),
            _plain(line.customer),
            _plain(line.sku),
            str(line.needed),
            str(line.firm_after) if line.firm_after else "–",
            str(line.waits) if line.waits else "–",
            _short_day(line.promised_on or line.old_day),
            _short_day(line.new_day),
            _kept(line),
        )
    console.print(table)
    if len(lines) > MOST_SHOWN:
        console.print(f"... and {len(lines) - MOST_SHOWN} more lines (--json lists them)", markup=False)
    for warning in preview.warnings:
        console.print(f"! {_clean(warning)}", markup=False, highlight=False)


def _kept(line: LineChange) -> str:
    """What becomes of the promise in force: a line without any date keeps none."""
    if not line.promised_on:
        return ""
    return "breaks" if line.slips or not line.new_day else "kept"


def _short_day(day: str) -> str:
    """`3 Mar`: a terminal of 80 columns has no room for the year."""
    if not day:
        return "no date"
    when = date.fromisoformat(day)
    return f"{when.day} {when:%b}"


# ---------------------------------------------------------------------------- release


@click.command("release")
@click.option("--day", type=DAY, metavar="DAY", help="The day they go out, as 2026-05-12; today if not given.")
@click.option("--depot", "depot_number", help="Only this depot; every depot if not given.")
@click.option("--simulate", is_flag=True, help="Show what would go and what stays, and change nothing.")
@json_option
def release_command(day: str | None, depot_number: str | None, simulate: bool, as_json: bool) -> None:
    """Release what is ready for a day: one delivery a site. What stays says why."""
    done: list[tuple[str, Releasing]] = []
    with open_installation() as here:
        now = here.clock.now()
        with here.database.reading() as connection:
            depots = SqlStore(connection).depots()
        chosen = [depot for depot in depots if depot_number in (None, depot.number)]
        if not chosen:
            known = ", ".join(depot.number for depot in depots) or "none; import the fleet first"
            raise InvalidInput(f'There is no depot "{depot_number or ""}". Known are: {known}.', code="depot")
        for depot in chosen:
            for_day = _day(day, now, depot.zone)
            if simulate:
                with here.database.reading() as connection:
                    found = simulate_release(SqlStore(connection), depot_id=depot.id, for_day=for_day, now=now)
            else:
                found = in_transaction(here.database, _releasing(depot.id, for_day, now))
            done.append((depot.name, found))
    if as_json:
        print_json({"simulated": simulate, "depots": [_release_document(name, found) for name, found in done]})
        return
    for name, found in done:
        _print_release(name, found, simulate=simulate)


def _releasing(depot_id: int, for_day: str, now: datetime) -> Callable[[SqlStore], Releasing]:
    return lambda store: release_orders(store, depot_id=depot_id, for_day=for_day, now=now, by=BY)


def _day(day: str | None, now: datetime, zone: str) -> str:
    today = now.astimezone(ZoneInfo(zone)).date()
    if day is None:
        return today.isoformat()
    if not today <= date.fromisoformat(day) <= today + timedelta(days=FURTHEST_RELEASE):
        raise InvalidInput(
            f"Nothing is released for {day}: it is {today} at the depot. Name today or a day of the next year.",
            code="day",
        )
    return day


def _release_document(name: str, found: Releasing) -> dict[str, Any]:
    return {
        "depot": name,
        "day": found.for_day,
        "ready": [
            {
                "order": order.order,
                "customer": order.customer,
                "site": order.site,
                "units": order.quantity,
                "of": order.open_units,
                "value": order.value,
            }
            for order in found.ready
        ],
        "deliveries": [number for _, number in found.deliveries],
        "stays": [
            {"order": order.order, "reasons": [reason.value for reason in order.reasons], "sentence": order.sentence}
            for order in found.stays
        ],
    }


def _print_release(name: str, found: Releasing, *, simulate: bool) -> None:
    console = Console()
    made = f"{found.sites} deliveries {'would be made' if simulate else 'made'}"
    console.print(
        f"{name}, {found.for_day}: {len(found.ready)} orders ready, {len(found.stays)} stay; {made}",
        markup=False,
        highlight=False,
    )
    if found.stays:
        reasons = Counter(reason for order in found.stays for reason in order.reasons)
        console.print(
            ", ".join(f"{count} {reason.value.replace('_', ' ')}" for reason, count in reasons.most_common()),
            markup=False,
            highlight=False,
        )
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("Order", no_wrap=True)
        table.add_column("Customer", no_wrap=True, overflow="ellipsis", max_width=28)
        table.add_column("Why it stays")
        for order in found.stays[:MOST_SHOWN]:
            table.add_row(
                _plain(order.order),
                _plain(order.customer),
                _plain(order.sentence.removeprefix(f"Order {order.order} stays: ")),
            )
        console.print(table)
        if len(found.stays) > MOST_SHOWN:
            console.print(f"... and {len(found.stays) - MOST_SHOWN} more (--json lists them)", markup=False)


# ---------------------------------------------------------------------------- shared


def _check_file(file: Path) -> None:
    if not file.is_file():
        raise FileRefused(f"{file} is no file. Check the path.", code="no_file")


def _clean(text: str) -> str:
    """Text of others without what a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)


def _plain(text: str) -> str:
    """The same for the cell of a table, whose markup it must not be either."""
    return _clean(text).replace("[", "\\[")
