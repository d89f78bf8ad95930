"""`backroute papers`, `close`, `figures` and `results`: paper in the morning; count and figures in the evening."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data.exporters.papers import load_sheet_pdf, slips_pdf
from data.exporters.results import result_document, write_results
from data.exporters.sheets import FORMATS
from data.importers.counts import VanCount, read_counts
from data.queries.company import company_card
from data.queries.day_figures import DEFINITIONS, DayFigures, day_figures
from data.queries.evening import Counted, EveningDepot, EveningVan, evening
from data.queries.papers import load_sheet, routes_with_papers, slips_of_route
from data.queries.results import LineResult, day_results, period_results
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import FileRefused, InvalidInput, NotFound
from routing.model.amounts import how_many
from routing.model.day import LostGoods, VanCash
from routing.model.days import day_words
from routing.model.money import amount
from routing.rules.figures.words import why_no_door_counts
from routing.services.closing import VanClosed, close_day, close_van, not_attempted
from web.cli.figures import show_period
from web.cli.files import template_option
from web.cli.output import counted, json_option, print_json
from web.cli.values import BY, DAY, the_day
from web.dispatcher.papers import file_name
from web.palette import route_colour, route_ink
from web.wiring import open_installation

MOST_DIFFERENCES = 5

day_option = click.option("--day", type=DAY, metavar="DAY", help="The day, as 2026-05-12; left out: today.")


@click.command("papers")
@day_option
@click.option(
    "--to", "folder", type=click.Path(path_type=Path), required=True, help="The folder to write into; made if missing."
)
@json_option
def papers_command(day: str | None, folder: Path, as_json: bool) -> None:
    """Write the load sheet and the delivery slips of every route of a day, as PDF."""
    written: list[Path] = []
    with open_installation() as here, here.database.reading() as connection:
        made_at = here.clock.now()
        routes = routes_with_papers(connection, day=the_day(here, day))
        _make(folder)
        for shift_id, vehicle in routes:
            sheet = load_sheet(connection, shift_id)
            colour, ink = route_colour(sheet.sequence), route_ink(sheet.sequence)
            # The depot's name keeps apart what two depots call Van 1.
            name = file_name(f"{sheet.day}-{sheet.depot}-{vehicle}")
            slips = slips_of_route(connection, shift_id)
            for kind, content in (
                ("load-sheet", load_sheet_pdf(sheet, colour=colour, ink=ink, made_at=made_at)),
                ("slips", slips_pdf(slips, read_file=here.files.read, made_at=made_at)),
            ):
                path = folder / f"{kind}-{name}.pdf"
                if path in written:
                    path = folder / f"{kind}-{name}-{shift_id}.pdf"
                path.write_bytes(content)
                written.append(path)
    if as_json:
        print_json({"written": written})
    else:
        click.echo(f"{counted(len(written), 'paper')} of {counted(len(routes), 'route')} in {folder}")


@click.command("close")
@day_option
@click.option(
    "--counts", type=click.Path(path_type=Path), help="What was counted: a CSV file of vehicle, sku, counted."
)
@click.option("--not-attempted", "nobody_went", is_flag=True, help="Record that nobody went to the stops still open.")
@click.option("--missing", is_flag=True, help="Goods of failed deliveries that were not counted are really gone.")
@click.option("--found", is_flag=True, help="More was counted than went out, and it is really there.")
@template_option("vans")
@json_option
def close_command(
    day: str | None, counts: Path | None, nobody_went: bool, missing: bool, found: bool, as_json: bool
) -> None:
    """Count the vans of a day, and close the day at each depot whose vans are all counted.

    A van that by the ledger carries nothing and collected nothing needs no count. All is booked, or, when a count is
    refused, nothing. Of a van that was counted before, the same count again changes nothing, and another one is said
    and left out. Exit code 1 then, and when a van stays open: each with what it waits for.
    """
    with open_installation() as here, ExitStack() as files:
        now = here.clock.now()
        file = files.enter_context(_opened(counts)) if counts is not None else None
        today = the_day(here, day)

        def close(store: SqlStore) -> _Evening:
            done = _Evening()
            homes = _went_out(store, today)
            if nobody_went:
                for each in (each for home in homes for each in home.vans):
                    for stop in each.open_stops:
                        not_attempted(
                            store=store, manifest_id=each.van.manifest_id, stop_id=stop.stop_id, now=now, by=BY,
                            secret=here.secret,
                        )  # fmt: skip
                homes = _went_out(store, today)
            given = _given(store, homes, file)
            done.unchanged, done.otherwise = _counted_before(store, today, homes, given)
            for home in homes:
                _close_vans(store, home, given, done, missing=missing, found=found, now=now)
                if home.plan == "dispatched" and all(
                    van.closed for van in store.vans_of_day(day=today, depot_id=home.id)
                ):
                    close_day(store=store, day=today, depot_id=home.id, now=now, by=BY)
                    done.days.append(home.name)
            return done

        done = in_transaction(here.database, close)
    if as_json:
        vans = [{"vehicle": vehicle, "result": result, "cash": cash} for vehicle, result, cash in done.vans]
        print_json(
            {"day": today, "closed": vans, "days_closed": done.days, "waits": done.waits, "unchanged": done.unchanged,
             "counted_otherwise": done.otherwise}
        )  # fmt: skip
    else:
        _print_evening(done, today)
    if done.waits or done.otherwise:
        click.get_current_context().exit(1)


@dataclass(slots=True)
class _Evening:
    """What closing did: the `vans` that were counted now with their tills, what each open one `waits` for, the depots
    whose `days` it closed; vans counted before with the same count, and with another one, in a sentence."""

    vans: list[tuple[str, VanClosed, tuple[VanCash, ...]]] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)


def _close_vans(
    store: SqlStore,
    home: EveningDepot,
    given: dict[int, VanCount],
    done: _Evening,
    *,
    missing: bool,
    found: bool,
    now: datetime,
) -> None:
    """Counts the open vans of a depot, or says what they wait for."""
    for each in home.vans:
        if each.van.closed:
            continue
        why = _waits_for(each, given)
        if why:
            done.waits.append(why)
            continue
        count = given.get(each.van.vehicle_id, VanCount())
        try:
            result = close_van(
                store=store, manifest_id=each.van.manifest_id, counted=count.goods, cash=count.cash,
                missing_is_sure=missing, found_is_sure=found, now=now, by=BY,
            )  # fmt: skip
        except InvalidInput as wrong:
            raise _with_its_option(each.van.vehicle, wrong) from None
        done.vans.append((each.van.vehicle, result, each.cash))


def _print_evening(done: _Evening, day: str) -> None:
    for vehicle, result, cash in done.vans:
        click.echo(
            f"{vehicle}: {result.kept_for_customers} back for their customers, {result.returned} returned, "
            f"{result.lost} lost."
        )
        if result.found:
            click.echo(f"  {result.found} more than went out: to be inspected.")
        if result.lost_goods:
            click.echo(f"  Lost: {'; '.join(_lost_words(each) for each in result.lost_goods)}.")
        for sentence in result.missing:
            click.echo(f"  {sentence}")
        for till in cash:
            click.echo(f"  {_till_words(till)}")
        for currency, off in result.cash_off:
            click.echo(f"  The cash is {amount(abs(off), currency)} {'over' if off > 0 else 'short'}.")
    for vehicle in done.unchanged:
        click.echo(f"{vehicle}: counted before with the same count, unchanged.")
    for sentence in done.otherwise:
        click.echo(f"! {sentence}")
    for sentence in done.waits:
        click.echo(f"Stays open: {sentence}")
    for name in done.days:
        click.echo(f"{name}: {day_words(day)} is closed.")
    if not (done.vans or done.waits or done.days or done.unchanged or done.otherwise):
        click.echo(f"{day_words(day)} was closed already. Nothing changed.")


@click.command("figures")
@day_option
@click.option(
    "--from", "first", type=DAY, metavar="DAY", help="The first day of a period; its figures instead of a day's."
)
@click.option("--to", "last", type=DAY, metavar="DAY", help="The last day of the period; left out: today.")
@click.option("--depot", metavar="NUMBER", default="", help="Of one depot; only with --from.")
@click.option("--customer", metavar="NUMBER", default="", help="Of one customer; only with --from.")
@json_option
def figures_command(
    day: str | None, first: str | None, last: str | None, depot: str, customer: str, as_json: bool
) -> None:
    """Show the figures of a day or of a period, each with what it was counted from.

    Of a period: backorders, promises, deliveries, suppliers. A unit is backordered while it is on no shelf for its
    line. Ordered 10 with 4 on the shelf: 6 of 10 units, 1 of 1 line.
    """
    if first is None and (last or depot or customer):
        raise click.UsageError("--to, --depot and --customer belong to a period: give its first day with --from.")
    if first is not None and day is not None:
        raise click.UsageError("Give either --day or --from.")
    if first is not None:
        with open_installation() as here:
            end = the_day(here, last)
            show_period(here, first=first, last=end, depot=depot, customer=customer, as_json=as_json)
        return
    with open_installation() as here, here.database.reading() as connection:
        found = day_figures(connection, day=the_day(here, day))
        currency = company_card(connection).currency
    if as_json:
        print_json(_as_document(found, currency))
    else:
        _show_figures(found, currency)


@click.command("results")
@day_option
@click.option("--from", "from_day", metavar="DAY", type=DAY, help="The first day of a period.")
@click.option("--to", "to_day", metavar="DAY", type=DAY, help="Its last day; the same day if left out.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write; left out: standard output.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), help="By the file's ending if left out, or CSV.")
@json_option
def results_command(
    day: str | None,
    from_day: str | None,
    to_day: str | None,
    output: Path | None,
    format_: str | None,
    as_json: bool,
) -> None:
    """Write what became of every order line of a day or a period, with the ERP's references, as CSV or XLSX.

    With --json the lines themselves, by the names of the columns, amounts as text; with -o what the file has. Of a day
    on which nothing was dispatched it says so on standard error and writes the header alone.
    """
    if as_json and format_ and output is None:
        raise InvalidInput("--json prints the lines itself: leave out --format, or name a file with -o.", code="format")
    if (day and (from_day or to_day)) or (to_day and not from_day):
        raise InvalidInput("Name one day with --day, or a period with --from and --to.", code="day")
    if from_day and to_day and to_day < from_day:
        raise InvalidInput(
            f"The period would end on {to_day}, before it begins on {from_day}. Swap the two.", code="day"
        )
    format_ = format_ or ("xlsx" if output is not None and output.suffix.lower() == ".xlsx" else "csv")
    spool = io.BytesIO()
    with open_installation() as here, here.database.reading() as connection:
        store = SqlStore(connection)

        def address_of(link_id: int) -> str:
            return here.address(f"/p/{store.link_token(link_id=link_id, secret=here.secret)}")

        rows: Iterable[LineResult]
        today = the_day(here, None)
        try:
            if from_day:
                rows = period_results(
                    connection, from_day=from_day, to_day=to_day or from_day, today=today, address_of=address_of
                )
            else:
                rows = day_results(connection, day=the_day(here, day), today=today, address_of=address_of)
        except NotFound as nothing:  # no failure: a job that runs every night meets a Sunday
            click.echo(str(nothing), err=True)
            rows = ()
        if as_json and output is None:
            print_json({"lines": [result_document(each) for each in rows]})
            return
        count = write_results(spool, rows, format=format_, mark=output is not None)
    if output is None:
        sys.stdout.buffer.write(spool.getvalue())
        return
    try:
        output.write_bytes(spool.getvalue())
    except OSError as problem:
        raise InvalidInput(f"{output} cannot be written: {problem.strerror}. Name another file: -o FILE.csv") from None
    if as_json:
        print_json({"rows": count, "file": str(output), "format": format_})
    else:
        click.echo(f"{count} lines in {output}")


# ---------------------------------------------------------------------------- what they share


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise InvalidInput(f"The folder {folder} cannot be made: {problem.strerror}. Name another: --to") from None


def _opened(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as problem:
        raise FileRefused(f"{path} cannot be read: {problem.strerror}.", code="unreadable") from None


def _with_its_option(vehicle: str, wrong: InvalidInput) -> InvalidInput:
    """What a page asks with a box to tick, a command asks with an option."""
    option = {"found_goods": "--found", "missing_goods": "--missing"}.get(wrong.code)
    said = f"{vehicle}: {wrong}" + (f" Is it so, add {option}." if option else "")
    return InvalidInput(said, code=wrong.code)


def _went_out(store: SqlStore, day: str) -> tuple[EveningDepot, ...]:
    homes = tuple(home for home in evening(store.connection, day=day) if home.vans)
    if not homes:
        raise NotFound(f"No van went out on {day_words(day)}, so there is nothing to close.", day=day)
    return homes


def _given(store: SqlStore, homes: Sequence[EveningDepot], file: Any) -> dict[int, VanCount]:
    """The counts by vehicle. Raises FileRefused, also when a vehicle went out twice: whose goods would they be?"""
    if file is None:
        return {}
    out = [each.van for home in homes for each in home.vans]
    still_open = [van for van in out if not van.closed]
    numbers = {row["id"]: number for number, row in store.vehicle_rows().items()}
    vehicles = {name: van.vehicle_id for van in out for name in (van.vehicle, numbers.get(van.vehicle_id, ""))}
    # Every SKU there is: what nobody expected on a van may be there all the same.
    given = read_counts(file, vehicles=vehicles, products=store.every_product_id())
    for van in still_open:
        if van.vehicle_id in given and sum(each.vehicle_id == van.vehicle_id for each in still_open) > 1:
            raise FileRefused(f"{van.vehicle} went out twice and both are open. Count it on the page, shift by shift.")
    return given


def _counted_before(
    store: SqlStore, day: str, homes: Sequence[EveningDepot], given: dict[int, VanCount]
) -> tuple[list[str], list[str]]:
    """Of the vans of `given` that were counted before and are not out again: those whose count is the same, and a
    sentence for each that was counted otherwise."""
    vans = [each for home in homes for each in home.vans]
    still_open = {each.van.vehicle_id for each in vans if not each.van.closed}
    skus = {key: sku for sku, key in store.every_product_id().items()}
    unchanged, otherwise = [], []
    for vehicle_id, count in given.items():
        if vehicle_id in still_open:
            continue
        mine = [each for each in vans if each.van.vehicle_id == vehicle_id and each.counted is not None]
        differs = [_differences(each.counted, count, skus) for each in mine if each.counted is not None]
        vehicle = next(each.van.vehicle for each in vans if each.van.vehicle_id == vehicle_id)
        if not all(differs):
            unchanged.append(vehicle)
            continue
        how = f": {'; '.join(differs[-1][:MOST_DIFFERENCES])}" if differs else ""
        otherwise.append(
            f"{vehicle} was counted already on {day_words(day)}{how}. Its rows were left out. A mistake is mended by a "
            "recount of the shelf: backroute recount."
        )
    return unchanged, otherwise


def _differences(before: Counted, count: VanCount, skus: Mapping[int, str]) -> list[str]:
    """What this file says otherwise than the count before; empty when it says the same of all that it names."""
    if before.goods is None:
        return ["what was counted then was not kept"]
    found = [
        f"{before.goods.get(key, 0)} × {skus.get(key, '?')}, and this file says {units}"
        for key, units in count.goods.items()
        if before.goods.get(key, 0) != units
    ]
    found += [
        f"{amount(before.cash.get(currency, 0), currency)} in cash, and this file says {amount(cash, currency)}"
        for currency, cash in count.cash.items()
        if before.cash.get(currency, 0) != cash
    ]
    return found


def _lost_words(each: LostGoods) -> str:
    worth = f", {amount(each.worth, each.currency)}" if each.worth and each.currency else ""
    return f"{how_many(each.quantity, each.unit)} {each.name} ({each.sku}){worth}"


def _till_words(till: VanCash) -> str:
    """What was due at the doors of a van, and by which method it was collected."""
    paid = {"cash": till.collected, "card": till.card, "other": till.other}
    by = ", ".join(f"{amount(each, till.currency)} {name}" for name, each in paid.items() if each) or "nothing"
    return f"Due at the doors {amount(till.due, till.currency)}, collected {by}."


def _waits_for(each: EveningVan, given: dict[int, VanCount]) -> str:
    if each.open_stops:
        first = each.open_stops[0]
        others = len(each.open_stops) - 1
        more = f" and {others} more stop{'s' if others > 1 else ''}" if others else ""
        return (
            f"{each.van.vehicle}: {', '.join(first.numbers)} at {first.site}{more} have no report. "
            "Report them, or use --not-attempted."
        )
    if each.needs_a_count and each.van.vehicle_id not in given:
        expected = [f"{how_many(goods.quantity, goods.unit)} {goods.name} ({goods.sku})" for goods in each.goods]
        expected += [f"{amount(cash.collected, cash.currency)} cash" for cash in each.cash if cash.must_be_counted]
        return f"{each.van.vehicle}: count {', '.join(expected)}. Give the counts with --counts FILE.csv."
    return ""


def _as_document(found: DayFigures, currency: str) -> dict[str, Any]:
    return {
        "day": found.day,
        "routes": found.routes,
        "deliveries": found.deliveries,
        "open": found.open,
        "untold": found.untold,
        "customer_caused": found.customer_caused,
        "figures": {
            key: {
                "name": name,
                "numerator": found.ratios[key].numerator,
                "denominator": found.ratios[key].denominator,
                "value": found.ratios[key].value,
                "definition": definition,
            }
            for key, (name, definition) in DEFINITIONS.items()
        },
        "currency": currency,
        "planned_s": {
            "drive": found.planned_drive_s,
            "service": found.planned_service_s,
            "wait": found.planned_wait_s,
        },
        "at_doors": found.at_doors,
        "between_doors": found.between_doors,
        "peaks": found.peaks,
        "left_out": found.left_out,
    }


PERCENT = ("otif", "in_full", "on_time", "first_attempt", "left_out")


def _show_figures(found: DayFigures, currency: str) -> None:
    console = Console()
    deliveries = counted(found.deliveries, "delivery", "deliveries")
    title = f"{day_words(found.day)}: {deliveries} on {counted(found.routes, 'route')}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Figure")
    table.add_column("", justify="right")
    table.add_column("Counted from")
    for key, (name, _definition) in DEFINITIONS.items():
        table.add_row(name, *_ratio_cells(key, found, currency))
    for name, compared in (("At the doors", found.at_doors), ("Between doors", found.between_doors)):
        if compared.known:
            table.add_row(
                name, f"{_minutes(compared.actual_s)}",
                f"planned {_minutes(compared.planned_s)}; known of {compared.known} of {compared.of}",
            )  # fmt: skip
    table.add_row(
        "Planned", _minutes(found.planned_drive_s),
        f"driving; {_minutes(found.planned_service_s)} at doors, {_minutes(found.planned_wait_s)} waiting",
    )  # fmt: skip
    for peak in found.peaks:
        word = peak.dimension.partition("_")[0]
        table.add_row(
            escape(f"Fullest {peak.vehicle}, trip {peak.trip}"), f"{peak.value * 100:.0f} %", f"of its {word}"
        )
    console.print(table)
    notes = [
        f"{found.open} not reported yet" if found.open else "",
        f"{found.untold} told no window, or by messages that never left" if found.untold else "",
        f"{found.customer_caused} missed through the customer" if found.customer_caused else "",
        *(f"left out, {reason.replace('_', ' ')}: {count}" for reason, count in found.left_out.items()),
    ]
    for note in filter(None, notes):
        console.print(note, highlight=False)


def _ratio_cells(key: str, found: DayFigures, currency: str) -> tuple[str, str]:
    ratio = found.ratios[key]
    n, of = ratio.numerator, ratio.denominator
    if ratio.value is None:
        why = why_no_door_counts(key, found.ratios, deliveries=found.deliveries)
        return "-", why or "nothing to count yet"
    if key in PERCENT:
        return f"{ratio.value * 100:.0f} %", f"{n:.0f} of {of:.0f} deliveries"
    if key == "stops_per_hour":
        return f"{ratio.value:.1f}", f"{n:.0f} doors in {of:.1f} h"
    if key == "km_per_stop":
        return f"{ratio.value:.2f} km", f"{n:.1f} km, {of:.0f} stops"
    return amount(ratio.value, currency), f"{amount(n, currency)}, {of:.0f} doors"


def _minutes(seconds: int) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d}" if hours else f"{minutes} min"
