"""speeds.csv: a region's table of slices of the day, one row a slice. It takes the old table's place."""

from __future__ import annotations

from typing import BinaryIO

from data.importers.table import read_table
from routing.errors import InvalidInput
from routing.model.day import SpeedRow
from routing.model.fleet import PROFILE_NAMES, SAID
from routing.model.orders import WEEKDAYS

COLUMNS = ("weekdays", "from", "to", "percent", "profile")
MOST_ROWS = 500


def read_speeds(file: BinaryIO) -> tuple[SpeedRow, ...]:
    """The rows of a CSV or XLSX. Raises FileRefused for a file that cannot be read, InvalidInput for a row."""
    rows: list[SpeedRow] = []
    for row in read_table(file, kind="speeds", columns=COLUMNS, needed=COLUMNS[:4]):
        if row.fault:
            raise InvalidInput(f"Row {row.number}: {row.fault}.")
        if len(rows) >= MOST_ROWS:
            raise InvalidInput(f"The file has more than {MOST_ROWS} slices of the day. Leave out what says the same.")
        cells = row.cells
        try:
            percent = int(cells["percent"].removesuffix("%").strip())
        except ValueError:
            raise InvalidInput(
                f'Row {row.number}: percent is "{cells["percent"][:20]}". Write a whole number, like 130 for three '
                "tenths longer."
            ) from None
        rows.append(
            SpeedRow(
                weekdays=weekdays_of(cells["weekdays"]),
                begins=clock_of(cells["from"]),
                ends=clock_of(cells["to"]),
                percent=percent,
                profile=_profile(cells.get("profile", ""), row.number),
            )
        )
    return tuple(rows)


def _profile(text: str, row: int) -> str:
    """A kind of vehicle that a fleet file may name; nothing, all, is all but bikes."""
    said = text.strip().lower()
    if said in ("", "all"):
        return ""
    if said not in SAID:
        raise InvalidInput(
            f'Row {row}: "{said[:20]}" is no kind of vehicle. Write {", ".join(PROFILE_NAMES)}, '
            "or nothing: all but bikes."
        )
    return said


def weekdays_of(text: str) -> tuple[str, ...]:
    """As a person writes them: mon,tue or mon-fri, in the order of the week; nothing, or all seven, is any day.

    >>> weekdays_of("fri, mon-wed"), weekdays_of(""), weekdays_of("mon-sun")
    (('mon', 'tue', 'wed', 'fri'), (), ())
    """
    named: set[str] = set()
    for part in filter(None, (part.strip().lower() for part in text.replace(";", ",").split(","))):
        first, _, last = (each.strip() for each in part.partition("-"))
        for each in (first, last or first):
            if each not in WEEKDAYS:
                raise InvalidInput(f'"{each[:20]}" is no weekday. Write {", ".join(WEEKDAYS)}, or nothing for any day.')
        begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        if end < begin:
            raise InvalidInput(f'"{part[:20]}" runs backwards: name the two parts, like sat,sun,mon.')
        named.update(WEEKDAYS[begin : end + 1])
    return () if len(named) == len(WEEKDAYS) else tuple(each for each in WEEKDAYS if each in named)


def clock_of(text: str) -> str:
    """07:00 of 7:00; anything else as it stands, for the rule to refuse."""
    return text.strip().zfill(5)[:20]
