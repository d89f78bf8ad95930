"""What the commands share: `--json` and one way to print it, how much is shown, and in which words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from routing.model.places import Candidate

MOST_SHOWN = 20
"""Rows that a command prints of a long list; `--json` has all."""


def json_option[Command: Callable[..., Any]](command: Command) -> Command:
    """Adds `--json` as the argument `as_json`; errors are then a JSON document too."""

    def note(ctx: click.Context, _option: click.Parameter, value: bool) -> bool:
        ctx.meta["json"] = value  # meta is shared by the whole chain of commands
        return value

    return click.option(
        "--json", "as_json", is_flag=True, callback=note, help="Print one JSON document instead of text."
    )(command)


def print_json(document: Any) -> None:
    click.echo(json.dumps(document, default=_document, ensure_ascii=False, indent=2))


def candidate_document(candidate: Candidate) -> dict[str, Any]:
    """A place that was found, as every command tells it to a program."""
    return {
        "lat": candidate.location.lat,
        "lon": candidate.location.lon,
        "quality": candidate.quality.value,
        "source": candidate.source,
        "score": candidate.score,
        "label": candidate.label,
        "street": candidate.street,
        "house_number": candidate.house_number,
        "postcode": candidate.postcode,
        "city": candidate.city,
    }


def candidate_line(candidate: Candidate) -> str:
    """The same for a person at a terminal."""
    at = f"{candidate.location.lat:.6f}, {candidate.location.lon:.6f}"
    return f"{candidate.quality.value:<13} {at:<23} {clean(candidate.label)} ({candidate.source})"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 route`, `2 routes`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def short_day(day: str) -> str:
    """`3 Mar`: a terminal of 80 columns has no room for the year."""
    if not day:
        return "no date"
    when = date.fromisoformat(day)
    return f"{when.day} {when:%b}"


def clean(text: str) -> str:
    """Text of others without what a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)


def plain(text: str) -> str:
    """The same for the cell of a table, whose markup it must not be either."""
    return clean(text).replace("[", "\\[")


def _document(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON.")
