"""`backroute import`: products, customers, orders, stock and the fleet come in by file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from data.importers.kinds import KINDS, Kind
from data.importers.mapping import propose, shown
from data.importers.presets import PRESETS
from data.importers.shop import Preset
from data.importers.table import read_header
from data.store import SqlStore, open_store
from data.store.again import in_transaction
from data.store.imports import ColumnMapping
from routing.errors import FileRefused, InvalidInput
from routing.model.days import day_words
from routing.model.imports import ImportResult
from web.changes import hear_of
from web.cli.files import FILE, check_file, template_option
from web.cli.output import MOST_SHOWN, clean, counted, json_option, plain, print_json
from web.cli.told import print_causes, print_lines, print_told, print_worth
from web.cli.values import BY
from web.importing import Asked, import_document, orders_document, preset_of, run_import, try_on_others
from web.wiring import open_installation

MOST_NAMED = 8
"""Orders in one sentence."""
"""Rows of a table on a terminal; the rest is counted, `--json` has them all."""


@click.group("import")
def import_group() -> None:
    """Read products, customers, orders, inbound or the fleet from a CSV or XLSX file.

    The same file again changes nothing. A faulty row leaves out its whole order and says so. What a file has no column
    for stays as it is, for every kind of file; an empty cell of a column that it has empties. What is not in the file
    at all stays too, but for the lines of an order that is. A file whose columns are called otherwise is read with
    --map "their name=our name", said once and remembered for that header.
    """


dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
map_option = click.option(
    "--map",
    "said",
    multiple=True,
    metavar="THEIRS=OURS",
    help='Which column is which, as --map "Item no=sku"; repeated. Remembered for files with the same header.',
)


def _import_command(kind: Kind, help_text: str) -> None:
    others = ", ".join(name for name in kind.columns if name not in kind.needed)
    more = f"\n\nNeeded columns: {', '.join(kind.needed)}.\n\nThe others may be missing or empty: {others}."

    def run(
        file: Path,
        dry_run: bool,
        said: tuple[str, ...],
        as_json: bool,
        preset: str | None = None,
        depot: str = "",
        full: bool = kind.name != "orders",
        again: bool = False,
    ) -> None:
        if preset and said:
            raise InvalidInput("A preset knows its columns: leave out --map.", code="map")
        asked = Asked(
            kind=kind.name,
            by=BY,
            file_name=file.name,
            dry_run=dry_run,
            preset=preset or "",
            depot=depot,
            mapping=_said(said),
            same_names=True,
            again=again,
        )
        with open_installation() as here, _progress(shown=not as_json) as progress:
            now = here.clock.now()
            check_file(file)
            with file.open("rb") as opened:

                def work(store: SqlStore) -> tuple[ImportResult, ColumnMapping | None]:
                    return run_import(store, opened, asked, now=now, progress=progress)

                try:
                    if dry_run:
                        with here.database.reading() as connection:
                            result, known = work(SqlStore(connection))
                        try_on_others(here.database, opened, asked, result, now=now)
                    else:
                        result, known = in_transaction(here.database, work)
                except FileRefused as refused:
                    if preset or said or refused.code not in ("missing_column", "unknown_column"):
                        raise
                    with here.database.reading() as connection:
                        raise _how_to_map(SqlStore(connection), opened, kind, asked, file, refused) from refused
        if known is not None:
            result.notes.append(
                f"Its columns were read as {known.by} said on {day_words(known.at.date())} "
                f"(backroute import columns --forget {known.id} to say it anew)."
            )
        if as_json:
            print_json(import_document(result) if full else orders_document(result))
        else:
            _print_import(result, file)
        if result.needs_a_person:
            click.get_current_context().exit(1)

    command: Callable[..., None] = run
    for option in (json_option, map_option, dry_run_option, template_option(kind.name), FILE):
        command = option(command)
    if kind.name == "counts":
        command = click.option(
            "--again", is_flag=True, help="What the file before said too was counted anew: take it, though goods moved."
        )(command)
    if kind.name == "orders":
        command = click.option(
            "--depot",
            default="",
            help="Which depot delivers, where no column of the file says it (none of --preset does); of one, that one.",
        )(command)
        command = click.option(
            "--full",
            is_flag=True,
            help="With --json: also what it cancels, whom it delays, how they hear of it, and what was settled.",
        )(command)
        command = click.option(
            "--preset", type=click.Choice(sorted(PRESETS)), help="The file is a web shop's own export of its orders."
        )(command)
    import_group.command(kind.name, help=help_text + more)(command)


_HELP = {
    "fleet": "Depots, zones, vehicles, drivers and the shifts of a week.",
    "suppliers": "Suppliers: one row a supplier.",
    "products": "Products: one row a SKU.",
    "customers": "Customers, sites and contacts: one row a site.",
    "sites": "More sites of customers that are known: one row a site.",
    "orders": (
        "Orders: one row a line. New ones get goods and a date.\n\n--preset shopify or woocommerce reads the shop's "
        "export as it is, one row a line item: customers, sites and products that are not known are made; cancelled, "
        "refunded and fulfilled orders are not taken in; what needs no shipping is left off, its worth kept."
    ),
    "inbound": "What suppliers will bring, and when: one row a SKU.",
    "counts": "Stock counted again: one row a SKU and depot. --dry-run shows whose date changes.",
    "sources": "Who can bring a product: one row a supplier and SKU.",
    "substitutes": (
        "What may go out instead of a product: one row a pair.\n\n`gives` base units of the substitute go for "
        "`replaces` of the SKU (empty: 1 for 1); preference 1 is offered first. Whether anybody takes substitutes is "
        "the policy of that name."
    ),
    "released": "What the ERP released to go out, one row a line: where the ERP allocates.",
}
for _kind in KINDS.values():
    _import_command(_kind, _HELP[_kind.name])


def _how_to_map(
    store: SqlStore, file: BinaryIO, kind: Kind, asked: Asked, typed: Path, refused: FileRefused
) -> FileRefused:
    """What to type for a file whose columns are called otherwise: the whole command, and what nobody can guess."""
    if kind.name == "orders" and (shop := preset_of(file)):
        return FileRefused(f"This is the orders export of a web shop: import it with --preset {shop}.", code="preset")
    proposal = propose(read_header(file, kind=kind.name), kind)
    foreign = {theirs: ours for theirs, ours in proposal.columns.items() if theirs != ours}
    # Where all the others are called as ours, it is the unknown ones that have to be spoken of.
    pairs = [f"{shown(theirs)}={ours}" for theirs, ours in foreign.items()] or [f"{name}=" for name in proposal.unread]
    if not pairs:
        needed = ", ".join(kind.needed)
        return FileRefused(
            f'{refused} Are they only called otherwise: --map "their name=our name", at least for {needed}.',
            code=refused.code,
        )
    missing = [ours for ours in proposal.missing if ours not in kind.of_all]
    words = ["backroute", "import", kind.name, str(typed)]
    words += [word for pair in pairs for word in ("--map", pair)] + (["--dry-run"] if asked.dry_run else [])
    words += ["--depot", asked.depot] if asked.depot else []
    if foreign:
        sentences = [
            f"The columns of this {kind.name} file are called otherwise than ours; nothing was changed.",
            "Say once which is which, and it is remembered; as far as can be guessed:",
        ]
    else:
        sentences = [
            f"The columns of this {kind.name} file are not all known; nothing was changed.",
            'Remove or rename them, or say once that they are not read ("their name="), and it is remembered:',
        ]
    sentences.append(f"\n  {shlex.join(words)}\n")
    if missing:
        sentences.append(
            f"Needed, and nothing in the file looks like it: {', '.join(missing)}. "
            f'Add for each: --map "their name={missing[0]}".'
        )
    if "depot" in proposal.missing and not asked.depot and len(depots := sorted(store.depot_rows())) > 1:
        sentences.append(f"No column names the depot: add --depot with one of {', '.join(depots)}.")
    if foreign and proposal.unread:
        sentences.append(
            f"Not read, as nobody can guess what they are: {', '.join(name[:60] for name in proposal.unread)}."
        )
    free = [ours for ours in kind.columns if ours not in proposal.columns.values() and ours not in proposal.missing]
    if free:
        sentences.append(f"Ours that nothing was found for, and may be missing: {', '.join(free)}.")
    return FileRefused(
        "\n".join(sentences),
        code="columns",
        command=shlex.join(words),
        missing=", ".join(missing),
        unread=", ".join(proposal.unread) if foreign else "",
    )


def _said(pairs: tuple[str, ...]) -> dict[str, str]:
    """Their column → ours, as `--map` says it; "" for one that is not to be read."""
    found = {}
    for pair in pairs:
        theirs, sign, ours = pair.rpartition("=")
        if not sign or not theirs.strip():
            raise InvalidInput(f'--map "{pair[:60]}" says no column: write "their name=our name".', code="map")
        found[theirs.strip().lower()] = ours.strip().lower()
    return found


@contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal, of rows read; nothing where nobody watches."""
    console = Console(stderr=True)
    if not shown or not console.is_terminal:
        yield None
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task("Reading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


@import_group.command("columns")
@click.option("--forget", type=click.IntRange(1, 2**31 - 1), metavar="ID", help="Forget this one.")
@click.option("--preset", type=click.Choice(sorted(PRESETS)), help="What a web shop's export may call its columns.")
@json_option
def columns_command(forget: int | None, preset: str | None, as_json: bool) -> None:
    """How headers that are not ours are read: by whose word, and the way to forget one.

    With --preset: by what names the columns of that shop's orders are known, whatever their case and order.
    """
    if preset is not None:
        if forget is not None:
            raise InvalidInput("Give either --preset or --forget.", code="columns")
        _print_preset(PRESETS[preset], as_json=as_json)
        return
    with open_installation() as here, open_store(here.database) as store:
        if forget is not None:
            store.forget_mapping(forget)
        known = store.mappings()
    if as_json:
        print_json(
            {
                "columns": [
                    {"id": one.id, "kind": one.kind, "map": dict(one.columns), "by": one.by, "at": one.at}
                    for one in known
                ]
            }
        )
        return
    console = Console()
    if not known:
        console.print("No header is remembered.", highlight=False)
        return
    table = Table("ID", "Kind", "Their column = ours", "By", "On", box=None)
    for one in known:
        pairs = ", ".join(f"{theirs}={ours}" for theirs, ours in one.columns.items())
        table.add_row(str(one.id), one.kind, plain(pairs), plain(one.by), day_words(one.at.date()))
    console.print(table)


def _print_preset(preset: Preset, *, as_json: bool) -> None:
    if as_json:
        columns = [
            {"ours": ours, "theirs": list(names), "needed": ours in preset.needed}
            for ours, names in preset.called.items()
        ]
        print_json({"preset": preset.source, "columns": columns})
        return
    console = Console()
    table = Table("Ours", "Needed", f"In {preset.kind}; the first that is there counts", box=None)
    for ours, names in preset.called.items():
        other = preset.instead.get(ours)
        needed = (f"or {other}" if other else "yes") if ours in preset.needed else ""
        table.add_row(ours, needed, ", ".join(names))
    console.print(table)
    console.print("Columns of other names say nothing about a delivery and are not read.", highlight=False)


def _few(numbers: Sequence[str]) -> str:
    more = f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
    return ", ".join(clean(number)[:40] for number in numbers[:MOST_NAMED]) + more


def _print_moved(console: Console, result: ImportResult) -> None:
    """Whom a file delays though it does not name them."""
    moved = [line for line in result.moved if not line.is_told_along]
    along = [line for line in result.moved if line.is_told_along]
    if moved:
        if result.kind == "orders":
            lines = counted(len(moved), "line of an order that is", "lines of orders that are") + " not in the file"
        else:
            lines = counted(len(moved), "order line", "order lines")
        gets = "would get" if result.dry_run else "gets" if len(moved) == 1 else "get"
        console.print(f"{lines} {gets} fewer goods or a later day:", highlight=False, soft_wrap=True)
        print_lines(console, moved)
        print_worth(console, moved, currency=result.currency)
    if along:
        console.print("Moved before, told now:", highlight=False)
        print_lines(console, [replace(line, old_day=line.promised_on) for line in along])
        print_causes(console, along)
    print_told(console, result.heard, hear_of(result))
    for text in result.warnings:
        console.print(f"! {clean(text)}", markup=False, highlight=False)


def _print_import(result: ImportResult, file: Path) -> None:
    console = Console()
    would = "would be " if result.dry_run else ""
    lines = f" with {result.lines} lines" if result.kind == "orders" and result.created else ""
    settled = sum(result.settled.values())
    fulfilled = result.settled.get("fulfilled", 0)
    cancelled = f", {len(result.cancelled)} {would}cancelled ({_few(result.cancelled)})" if result.cancelled else ""
    if elsewhere := result.delivered_elsewhere:
        cancelled += f", {len(elsewhere)} {would}delivered elsewhere ({_few(elsewhere)})"
    console.print(
        f"{file.name}: {result.created} {would}new{lines}, {result.changed - result.ended} {would}changed"
        f"{cancelled}, {result.unchanged} unchanged" + (f", {fulfilled} fulfilled by the shop" if fulfilled else ""),
        highlight=False,
        markup=False,
    )
    if settled:
        reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(result.settled.items()))
        need = "order needs" if settled == 1 else "orders need"
        console.print(
            f"{settled} {need} nothing from us and {'was' if settled == 1 else 'were'} not taken in: {reasons}",
            highlight=False,
        )
    for note in result.notes[:MOST_SHOWN]:
        console.print(clean(note), markup=False, highlight=False)
    for text in result.again[:MOST_SHOWN]:
        console.print(clean(text), markup=False, highlight=False)
    if result.again:
        rest = len(result.again) - MOST_SHOWN
        others = f"... and {rest} more (--json lists them). " if rest > 0 else ""
        console.print(f"{others}Was it counted anew, import it with --again.", markup=False, highlight=False)
    _print_moved(console, result)
    if result.tasks:
        names = f": {_few(result.for_a_person)}" if result.for_a_person else ""
        console.print(
            f"{result.tasks} changed after goods were released: see Tasks{names}. Nothing of them was overwritten.",
            markup=False,
            highlight=False,
        )
    if result.errors:
        table = Table("Row", "Left out, and the mend", title=f"{len(result.errors) + result.errors_left_off} left out")
        for error in result.errors[:MOST_SHOWN]:
            table.add_row(str(error.row), plain(error.what))
        console.print(table)
        left_off = len(result.errors) + result.errors_left_off - MOST_SHOWN
        if left_off > 0:
            console.print(f"... and {left_off} more (--json lists them)", markup=False)
