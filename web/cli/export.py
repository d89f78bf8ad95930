"""`backroute export`: everything that is in, out again as CSV or XLSX."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from pathlib import Path

import click

from data.exporters.kinds import KINDS, export
from data.exporters.sheets import FORMATS
from routing.errors import InvalidInput
from web.cli.output import json_option, print_json
from web.wiring import open_installation


@click.command("export")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write; left out: standard output.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), help="By the file's ending if left out, or CSV.")
@json_option
def export_command(kind: str, output: Path | None, format_: str | None, as_json: bool) -> None:
    """Write all products, customers, orders ... that are here, as CSV or XLSX.

    What `backroute import` takes comes out in exactly its columns, and changes nothing when it goes in again. A text
    that a spreadsheet would run as a formula gets an apostrophe in front in a CSV; our import takes it off again.
    """
    format_ = format_ or ("xlsx" if output is not None and output.suffix.lower() == ".xlsx" else "csv")
    if as_json and output is None:
        raise InvalidInput("With --json the table itself needs a file: -o FILE.", code="no_output")
    if output is not None:
        rows = _into(output, kind, format_)
        if as_json:
            print_json({"kind": kind, "rows": rows, "file": str(output), "format": format_})
        else:
            click.echo(f"{rows} rows in {output}")
        return
    # By way of a file: a table that breaks off in the middle must not look like a whole one.
    with tempfile.TemporaryFile() as spool:
        with open_installation() as here, here.database.reading() as connection:
            export(connection, kind, spool, format=format_, mark=False)
        spool.seek(0)
        while chunk := spool.read(1 << 20):
            sys.stdout.buffer.write(chunk)


def _into(output: Path, kind: str, format_: str) -> int:
    """Beside the file first: what was there stays until the new one is whole."""
    aside = output.with_name(f".{output.name}.{secrets.token_hex(4)}")
    try:
        with aside.open("xb") as file, open_installation() as here, here.database.reading() as connection:
            rows = export(connection, kind, file, format=format_)
        os.replace(aside, output)
    except OSError as problem:
        raise InvalidInput(f"{output} cannot be written: {problem.strerror}. Name another file: -o FILE") from None
    finally:
        aside.unlink(missing_ok=True)
    return rows
