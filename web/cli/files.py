"""What the commands that read a file share: its argument, `--template`, and whether it is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from routing.errors import FileRefused

FILE = click.argument("file", type=click.Path(path_type=Path))


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


def check_file(file: Path) -> None:
    """Raises FileRefused."""
    if not file.is_file():
        raise FileRefused(f"{file} is no file. Check the path.", code="no_file")
