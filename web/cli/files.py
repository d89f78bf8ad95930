"""What the commands that read a file share: its argument, `--template` and `--columns`, and whether it is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from data.importers.columns import columns_of
from routing.errors import FileRefused

FILE = click.argument("file", type=click.Path(path_type=Path))


Option = Callable[[Callable[..., Any]], Callable[..., Any]]


def template_options(kind: str) -> tuple[Option, Option]:
    """`--template` prints the header and ends, `--columns` what each column means; see `columns_of`."""

    def print_header(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
        if asked:
            click.echo(",".join(each.name for each in columns_of(kind)))
            # Beside the header, not in it: what is printed is made a file.
            needed = ", ".join(each.name for each in columns_of(kind) if each.needed)
            click.echo(
                f"Needed: {needed}. The others may be missing or empty; --columns says what each means.", err=True
            )
            ctx.exit()

    def print_columns(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
        if asked:
            table = Table("Column", "", "Means", box=None)
            for each in columns_of(kind):
                table.add_row(
                    each.name, "needed" if each.needed else "", each.words.replace("`", "").replace("[", "\\[")
                )
            Console().print(table)
            ctx.exit()

    told: dict[str, Any] = {"is_flag": True, "is_eager": True, "expose_value": False}
    return (
        click.option("--template", callback=print_header, help="Print a header row with every column.", **told),
        click.option("--columns", callback=print_columns, help="Print what each column means.", **told),
    )


def template_option(kind: str) -> Option:
    """Both of them as one decorator."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in template_options(kind):
            command = option(command)
        return command

    return add


def check_file(file: Path) -> None:
    """Raises FileRefused."""
    if not file.is_file():
        raise FileRefused(f"{file} is no file. Check the path.", code="no_file")
