"""Reads the cells of a row as numbers, days, moments and words; collects what is wrong instead of stopping at it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from data.importers.table import Row
from routing.errors import InvalidInput
from routing.model.days import FURTHEST
from routing.model.imports import ImportResult
from routing.model.money import in_units, minor_digits
from routing.model.orders import WEEKDAYS, weekdays

MOST = 100_000_000
"""The largest quantity or measure. Sums of it stay far inside what a database column holds."""

LONGEST_NOTE = 19_000
"""Characters of an order's note: what a shop's export may bring fits into one cell when it comes out again."""

A_DAY = timedelta(days=1)
LONGEST_SINCE_COUNTED = timedelta(days=731)
"""No goods are counted in that were counted two years ago: a slip of the hand, or an empty date of another program."""
FIRST_YEAR, LAST_YEAR = 1990, 2100
"""Years that a file may name."""

_WHOLE = re.compile(r"[+-]?[0-9]+")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00")


class Cells:
    """The cells of one row. Every method answers a value that fits, and notes what does not."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.faults: list[str] = [row.fault] if row.fault else []

    def wrong(self, column: str, what: str) -> None:
        self.faults.append(f"{self.row.part} {self.row.names.get(column, column)[:40]}: {what}")

    def lacks(self, column: str) -> bool:
        """Whether the file has no such column at all: then it says nothing about it, and what is known stays."""
        return column not in (self.row.cells if self.row.named is None else self.row.named)

    def must(self, column: str) -> bool:
        """Whether the cell must be filled of what is there already: a file without the column leaves what is known."""
        return self.row.named is None or column in self.row.named

    def asks_for(self, columns: Iterable[str]) -> None:
        """What is new needs them all."""
        for column in columns:
            if not self.must(column):
                self.wrong(column, "is missing and must be filled of what is new")

    def report(self, result: ImportResult, thing: str) -> bool:
        """Notes the row as left out if anything was wrong with it; answers whether it was."""
        if self.faults:
            result.left_out(self.row.number, f"{thing} was left out; {'; '.join(self.faults[:5])}.")
        return bool(self.faults)

    def text(self, column: str, *, needed: bool = False, longest: int = 500) -> str:
        cell = self.row.cells.get(column, "")
        if needed and not cell:
            self.wrong(column, "is empty and must be filled")
        if len(cell) > longest:
            self.wrong(column, f"has {len(cell)} characters, at most {longest} are kept: shorten it")
        return cell

    def word(self, column: str, choices: Collection[str], *, default: str) -> str:
        cell = self.row.cells.get(column, "").lower()
        if not cell:
            return default
        if cell not in choices:
            self.wrong(column, f'"{_short(cell)}" is not one of {", ".join(choices)}')
            return default
        return cell

    def yes(self, column: str, *, default: bool) -> bool:
        word = self.word(column, ("yes", "no", "true", "false", "1", "0"), default="yes" if default else "no")
        return word in ("yes", "true", "1")

    def whole(self, column: str, *, default: int = 0, least: int = 0, most: int = MOST, needed: bool = False) -> int:
        found = self.whole_or_none(column, least=least, most=most, needed=needed)
        return default if found is None else found

    def whole_or_none(
        self, column: str, *, least: int = 0, most: int = MOST, needed: bool = False, sign: str = ""
    ) -> int | None:
        """`sign` may follow the number."""
        cell = self.row.cells.get(column, "")
        if sign:
            cell = cell.removesuffix(sign).rstrip()
        if not cell:
            if needed:
                self.wrong(column, "is empty and must be a whole number")
            return None
        if not _WHOLE.fullmatch(cell):
            self.wrong(column, f'"{_short(cell)}" is no whole number: write digits only, without separators')
            return None
        # A number of a thousand digits is compared by its length: making an integer of it would take its time.
        number = int(cell) if len(cell) <= 20 else (most + 1 if cell[0] != "-" else least - 1)
        if not least <= number <= most:
            self.wrong(column, f"{_short(cell)} is out of range: write {least} to {most}")
            return None
        return number

    def percent(self, column: str) -> int:
        """A whole number of percent, written as 50 or as 50 %; 0 if empty."""
        return self.whole_or_none(column, most=100, sign="%") or 0

    def decimal(self, column: str, *, least: float, most: float) -> float | None:
        number = self._decimal(column)
        if number is None:
            return None
        if not least <= number <= most:
            self.wrong(column, f"{_short(str(number))} is out of range: write {least} to {most}")
            return None
        return float(number)

    def money(self, column: str, currency: str, *, least: int = 0, rounded: bool = False) -> int:
        """Minor units. A price is written in the currency with a decimal point: 3.50.

        `rounded`: what has more decimals than the currency (a price without its tax) is rounded, half away from 0.
        """
        number = self._decimal(column)
        if number is None:
            return 0
        minor = number.scaleb(minor_digits(currency))
        if not least <= minor <= MOST:
            low, high = (f"{in_units(each, currency).normalize():f}" for each in (least, MOST))
            self.wrong(column, f"{_short(str(number))} is out of range: write {low} to {high}")
            return 0
        if rounded:
            return int(minor.to_integral_value(ROUND_HALF_UP))
        if minor != minor.to_integral_value():
            self.wrong(column, f"{_short(str(number))} has more decimals than {currency or 'the currency'} has")
            return 0
        return int(minor)

    def _decimal(self, column: str) -> Decimal | None:
        cell = self.row.cells.get(column, "")
        if not cell:
            return None
        if "," in cell:
            self.wrong(column, f'"{_short(cell)}" has a comma: write the decimals after a point, as 3.50')
            return None
        try:
            number = Decimal(cell) if len(cell) <= 30 else None
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite() or "e" in cell.lower():
            self.wrong(column, f'"{_short(cell)}" is no number: write it as 3.50')
            return None
        return number

    def currency(self, column: str, *, default: str) -> str:
        cell = self.row.cells.get(column, "").upper()
        if cell and not re.fullmatch(r"[A-Z]{3}", cell):
            self.wrong(column, f'"{_short(cell)}" is no currency: write its three letters, as EUR')
            return default
        return cell or default

    def day(self, column: str) -> str:
        cell = self.row.cells.get(column, "")
        if not cell:
            return ""
        try:
            found = date.fromisoformat(cell)
        except ValueError:
            found = None
        if found is None:
            self.wrong(column, f'"{_short(cell)}" is no day: write it as 2026-05-12')
            return ""
        if self._is_far_off(column, found.year):
            return ""
        return found.isoformat()

    def _is_far_off(self, column: str, year: int) -> bool:
        """A year that nobody means: an empty cell of a program, or a slip of the hand."""
        if FIRST_YEAR <= year <= LAST_YEAR:
            return False
        cell = self.row.cells[column]
        self.wrong(column, f"{_short(cell)} lies outside the years {FIRST_YEAR} to {LAST_YEAR}: correct the year")
        return True

    def moment(self, column: str, zone: str, *, needed: bool = False) -> datetime | None:
        """A moment in UTC; without an offset it is wall-clock time in `zone`, and a day alone is its midnight."""
        cell = self.row.cells.get(column, "")
        if not cell:
            if needed:
                self.wrong(column, "is empty and must be a day or a time, as 2026-05-12T14:30")
            return None
        try:
            found = datetime.fromisoformat(cell)
        except ValueError:
            found = None
        if found is not None and self._is_far_off(column, found.year):
            return None
        if found is None:
            self.wrong(column, f'"{_short(cell)}" is no time: write it as 2026-05-12T14:30 or with an offset, +03:00')
            return None
        if found.tzinfo is None:
            found = found.replace(tzinfo=ZoneInfo(zone))
        return found.astimezone(UTC)

    def happened(
        self, column: str, zone: str, *, now: datetime, needed: bool = False, since: timedelta | None = None
    ) -> datetime | None:
        """A moment of the past, `since` at the longest. A day ahead is let pass: a till in another zone, or a clock
        that goes wrong."""
        found = self.moment(column, zone, needed=needed)
        if found is not None and found - now > A_DAY:
            self.wrong(column, f"{_short(self.row.cells[column])} lies more than a day ahead: write when it was")
            return None
        if found is not None and since is not None and now - found > since:
            self.wrong(column, f"{_short(self.row.cells[column])} lies years back: correct the year, or leave it empty")
            return None
        return found

    def expected(self, column: str, zone: str, *, now: datetime) -> datetime | None:
        """A moment to come, or one that is over."""
        found = self.moment(column, zone)
        if found is not None and found - now > FURTHEST:
            self.wrong(column, f"{_short(self.row.cells[column])} is years away: name a nearer day, or leave it empty")
            return None
        return found

    def clock(self, column: str, *, default: str = "", needed: bool = False) -> str:
        cell = self.row.cells.get(column, "")
        if not cell:
            if needed:
                self.wrong(column, "is empty and must be a time of day, as 08:30")
            return default
        if not _CLOCK.fullmatch(cell):
            self.wrong(column, f'"{_short(cell)}" is no time of day: write it as 08:30')
            return default
        return cell.zfill(5)

    def weekdays(self, column: str, *, default: str = "") -> str:
        """`mon,tue`, in the order of the week."""
        cell = self.row.cells.get(column, "")
        try:
            days = weekdays(cell)
        except InvalidInput as problem:
            self.wrong(column, problem.message.rstrip("."))
            return default
        return ",".join(WEEKDAYS[day] for day in sorted(days)) or default

    def windows(self, column: str, kind: str) -> list[tuple[str, str, str]]:
        """`06:00-11:00;13:00-15:00` as (opens, closes, kind), sorted."""
        found = []
        for part in self.row.cells.get(column, "").split(";"):
            if not part.strip():
                continue
            opens, dash, closes = (piece.strip() for piece in part.partition("-"))
            if not dash or not _CLOCK.fullmatch(opens) or not _CLOCK.fullmatch(closes):
                self.wrong(column, f'"{_short(part)}" is no window: write 06:00-11:00, several with ; between')
                continue
            if closes.zfill(5) <= opens.zfill(5):
                self.wrong(column, f"{_short(part)} closes before it opens: swap the two, or write two windows")
                continue
            found.append((opens.zfill(5), closes.zfill(5), kind))
        return sorted(set(found))

    def words(self, column: str) -> str:
        """`cold;tail_lift`: each once, sorted."""
        parts = {part.strip().lower() for part in self.text(column).split(";")}
        return ";".join(sorted(part for part in parts if part))

    def zone(self, column: str, *, default: str) -> str:
        cell = self.row.cells.get(column, "")
        if not cell:
            return default
        try:
            ZoneInfo(cell)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.wrong(column, f'"{_short(cell)}" is no time zone: write one as Europe/Helsinki')
            return default
        return cell


def changed_values(
    existing: dict[str, object],
    values: dict[str, object],
    *,
    cells: Cells,
    column_of: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """Those of the values that differ from the row that is there.

    One rule for every kind of file: what it has no column for stays as it is, and an empty cell of a column that it
    has empties. `column_of` names the columns that are called otherwise than the value.
    """
    called = column_of or {}
    return {
        name: value
        for name, value in values.items()
        if _as_read(existing[name]) != value and not cells.lacks(called.get(name, name))
    }


def _as_read(kept: object) -> object:
    """A line break is a line feed in what is read, and may have been kept otherwise."""
    return kept.replace("\r\n", "\n").replace("\r", "\n") if isinstance(kept, str) else kept


def batches[Item](items: Iterable[Item], size: int) -> Iterable[list[Item]]:
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
