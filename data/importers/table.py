"""Reads a CSV or XLSX row by row. A fault of the file is found before anything is used.

CSV: UTF-8 with or without a byte order mark; comma, semicolon or tab. XLSX: the first sheet. A header row with every
column that is needed, in any order, or any header of which somebody said how to read it (`Reading.mapping`). The file
is read twice: once to see that it can be read to its end, then to be used. Memory stays flat.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, TextIO

from data.formulas import read_back
from data.importers.sheet_cells import NOT_CALCULATED
from data.importers.spreadsheet import LONGEST_CELL, TOO_MANY_DIGITS, is_spreadsheet, sheet_rows, unpacked
from routing.errors import FileRefused

PROGRESS_EVERY = 500
"""Rows."""

_SEPARATOR = re.compile("sep=([,;\t|])", re.IGNORECASE)
_RETURN = re.compile("_x000D_(?=\n)|(?<=.)_x000D_\\Z", re.DOTALL)
_BREAK = re.compile("\r\n?|[\x0b\x0c]")
CONTROL = re.compile("[\0-\x08\x0e-\x1f]")
_UNSEEN = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace()) + "\u200b\u2060\ufeff"
"""Blanks, and what is no wider than nothing: at the edge of a cell neither is a part of it."""

_NO_VALUE = {
    TOO_MANY_DIGITS: "is a number of more than 15 digits, and a spreadsheet keeps only 15 of them: format the column "
    "as text, then write the number in again",
    NOT_CALCULATED: "is a formula that nobody has calculated yet: open the file in a spreadsheet and save it",
} | {
    error: f"reads {error}: its formula failed. Mend it in the spreadsheet, or empty the cell"
    for error in ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")
}
"""Cells that show that a spreadsheet has no value there, and what is said of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its number in the sheet (the header is 1, blank rows count), its cells by column without surrounding
    blanks. A cell may hold several lines of text: the row is where a spreadsheet shows it, not the line of the file.

    `fault` says why its cells cannot be trusted at all; empty when they can. `names`: what our columns are called in
    the file, where they are called otherwise. `named`: those of our columns that the file has at all; None: those
    of `cells`. `part`: what one of its cells is called by who sent it, a column of a file or a field of a call.
    """

    number: int
    cells: dict[str, str]
    fault: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    named: Collection[str] | None = None
    part: str = "column"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a file is read. `mapping`: their column (lower case) → ours; what is not in it is not read. `fixed`: what
    every row says of a column of ours that the file does not have.

    `progress` is called with (rows read, rows of the file) now and then, with (0, 0) while the file is looked
    through; what it raises ends the import.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    progress: Callable[[int, int], None] | None = None

    def tick(self) -> None:
        """Gives `progress` its chance to end the import before it is known how many rows there are."""
        if self.progress is not None:
            self.progress(0, 0)


AS_OURS = Reading()

Lines = Generator[tuple[int, list[str], str]]
"""(row of the sheet, cells, fault), the header first."""


def read_table(
    file: BinaryIO,
    *,
    kind: str,
    columns: Sequence[str],
    needed: Collection[str] = (),
    reading: Reading = AS_OURS,
) -> Iterator[Row]:
    """The rows of a seekable binary file. Raises FileRefused before the first row, and then not any more."""
    stack = ExitStack()
    table = stack.enter_context(checked_table(file, kind=kind, columns=columns, needed=needed, reading=reading))
    return _closing(stack, table.rows())


def _closing(stack: ExitStack, rows: Iterator[Row]) -> Iterator[Row]:
    with stack:
        yield from rows


class CheckedTable:
    """A file that can be read to its end, open: each call of `rows` begins at the first row."""

    def __init__(self, lines: Callable[[], Lines], kind: str, reading: Reading, columns: _Columns) -> None:
        self._lines, self._kind, self._reading = lines, kind, reading
        header = _header_of(lines(), kind)
        self._width = len(header)
        self._header = header
        self._names: dict[str, str] = {}
        # A column that the file does not have reads as empty, and `named` says that nothing was said of it.
        self._empty = dict.fromkeys(columns.names, "") | dict(reading.fixed)
        if reading.mapping:
            self._places = _mapped(header, kind, columns, reading)
            self._names = {ours: theirs for theirs, ours in reading.mapping.items()}
        else:
            _check_header(header, kind, columns, reading.fixed)
            self._places = list(enumerate(header))
        self._named = frozenset(ours for _place, ours in self._places) | reading.fixed.keys()
        count = 0
        for count, _ in enumerate(self._read(), start=1):
            if count % PROGRESS_EVERY == 0:
                reading.tick()
        self.count = count
        if not self.count:
            raise FileRefused(
                f"The {kind} file has a header and no rows. Export it again, or check that this is the right file.",
                code="no_rows",
            )

    def rows(self, *, silently: bool = False) -> Iterator[Row]:
        """Tells the progress, unless `silently`."""
        tell = None if silently else self._reading.progress
        for count, row in enumerate(self._read()):
            if tell is not None and count % PROGRESS_EVERY == 0:
                tell(count, self.count)
            yield row
        if tell is not None:
            tell(self.count, self.count)

    def _read(self) -> Iterator[Row]:
        with closing(self._lines()) as lines:
            next(lines)
            for number, cells, fault in lines:
                _check_sizes(number, self._header, cells, self._kind)
                if not fault and any(cells[self._width :]):
                    fault = "something stands to the right of the last named column: remove it, or name the column"
                found = dict(self._empty)
                for place, column in self._places:
                    found[column] = cells[place].strip(_UNSEEN) if place < len(cells) else ""
                    if found[column] in _NO_VALUE and not fault:
                        fault = f"{self._header[place][:40]} {_NO_VALUE[found[column]]}"
                yield Row(number=number, cells=found, fault=fault, names=self._names, named=self._named)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    names: Sequence[str]
    needed: Collection[str]


@contextmanager
def checked_table(
    file: BinaryIO,
    *,
    kind: str,
    columns: Sequence[str],
    needed: Collection[str] = (),
    reading: Reading = AS_OURS,
) -> Iterator[CheckedTable]:
    """The same for who reads the rows more than once. Raises FileRefused.

    `needed` are the columns without which it is no such file, all of them unless said; the others may be missing.
    """
    with _lines_of(file, kind, reading.tick) as lines:
        yield CheckedTable(lines, kind, reading, _Columns(names=columns, needed=needed or columns))


def read_header(file: BinaryIO, *, kind: str) -> list[str]:
    """The names in the header, in lower case. Raises FileRefused."""
    with _lines_of(file, kind) as lines:
        return _header_of(lines(), kind)


def first_row(file: BinaryIO, *, kind: str) -> list[str]:
    """The cells of the first row under the header, for a person to see what stands where. Raises FileRefused."""
    with _lines_of(file, kind) as lines, closing(lines()) as found:
        next(found, None)
        return [cell.strip()[:60] for cell in next(found, (2, [], ""))[1]]


def header_sha256(header: Sequence[str]) -> str:
    """The same header has the same hash, whatever its file is called."""
    return hashlib.sha256("\n".join(header).encode("utf-8", "surrogatepass")).hexdigest()


# ---------------------------------------------------------------------------- lines


@contextmanager
def _lines_of(file: BinaryIO, kind: str, tick: Callable[[], None] | None = None) -> Iterator[Callable[[], Lines]]:
    if not is_spreadsheet(file):
        _refuse_what_is_no_csv(file, kind)
        yield lambda: _csv_lines(file, kind)
        return
    with unpacked(file, kind, tick) as spool:
        yield lambda: _sheet_lines(spool)


def _refuse_what_is_no_csv(file: BinaryIO, kind: str) -> None:
    """What would be read as text and then be told off for its header."""
    first = file.read(400)
    file.seek(0)
    if first.startswith(b"%PDF"):
        raise FileRefused(
            f"The {kind} file is a PDF, which is for reading and no table. Export it as CSV UTF-8 or XLSX instead.",
            code="unreadable",
        )
    # Without a byte order mark: of each pair of bytes one is 0, and in UTF-8 hardly any is.
    if any(half.count(0) * 2 > len(half) for half in (first[::2], first[1::2])):
        raise FileRefused(
            f"The {kind} file is written in UTF-16, or is no text at all. "
            "Save it as UTF-8 (in a spreadsheet: CSV UTF-8) and import it again.",
            code="encoding",
        )


def _sheet_lines(spool: TextIO) -> Lines:
    for number, cells in sheet_rows(spool):
        found = "".join(cells)
        if "_x000D_" in found:  # a carriage return, as Excel writes it
            cells = [_RETURN.sub("", cell) for cell in cells]
        yield number, [*map(with_plain_breaks, cells)] if _BREAK.search("".join(cells)) else cells, ""


def with_plain_breaks(text: str) -> str:
    """A line break is a line feed: what a shop wrote as CR LF a sheet keeps as LF, and both are the same text."""
    return _BREAK.sub("\n", text)


def _csv_lines(file: BinaryIO, kind: str) -> Lines:
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="strict", newline="")
    try:
        yield from _parsed(text)
    except UnicodeDecodeError as problem:
        raise FileRefused(
            f"The {kind} file is not UTF-8: byte {problem.object[problem.start]:#04x} cannot be read. "
            "Save it as UTF-8 (in a spreadsheet: CSV UTF-8) and import it again.",
            code="encoding",
        ) from problem
    except csv.Error as problem:
        raise FileRefused(
            f"The {kind} file cannot be read as a table: {problem}. "
            "Look for a quotation mark that is opened and never closed.",
            code="unreadable",
        ) from problem
    finally:
        text.detach()


def _parsed(text: io.TextIOWrapper) -> Lines:
    first = text.readline(LONGEST_CELL).rstrip("\r\n")
    # A line of Excel's own, which it hides: the first row that anybody sees is the next one.
    if said := _SEPARATOR.fullmatch(first):
        first = text.readline(LONGEST_CELL).rstrip("\r\n")
    signs = re.sub('"[^"]*"', "", first)
    delimiter = said[1] if said else max(",;\t", key=signs.count)
    # Not strict: a header may be anything, and is refused by what it lacks.
    header = next(csv.reader([first], delimiter=delimiter), [])
    yield 1, header, ""
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    for number, cells in enumerate(reader, start=2):
        if not any(cell.strip() for cell in cells):
            continue  # blank lines at the end of an export
        fault = ""
        if len(cells) != len(header):
            sign = "tabs" if delimiter == "\t" else delimiter
            fault = (
                f"the row has {len(cells)} cells and the header {len(header)}: "
                f"put texts that contain {sign} between quotation marks"
            )
        found = "".join(cells)
        if not fault and CONTROL.search(found):
            fault = "the row contains a control character, which no spreadsheet keeps: remove it"
        if _BREAK.search(found):
            cells = [*map(with_plain_breaks, cells)]
        yield number, [read_back(cell.strip(_UNSEEN)) for cell in cells], fault


def _header_of(lines: Lines, kind: str) -> list[str]:
    with closing(lines):
        header = [name.strip(_UNSEEN).lower() for name in next(lines, (1, [], ""))[1]]
    while header and not header[-1]:
        header.pop()
    if not header:
        raise FileRefused(f"The {kind} file is empty. Its first row must name the columns.", code="empty")
    return header


def _check_sizes(number: int, header: Sequence[str], cells: Sequence[str], kind: str) -> None:
    for name, cell in zip(header, cells, strict=False):
        if len(cell) > LONGEST_CELL:
            raise FileRefused(
                f"Row {number} of the {kind} file has {len(cell):,} characters in column {name[:40]}; "
                f"at most {LONGEST_CELL:,} are read. Look for a quotation mark that is never closed.",
                code="huge_cell",
            )


# ---------------------------------------------------------------------------- headers


def _mapped(header: Sequence[str], kind: str, columns: _Columns, reading: Reading) -> list[tuple[int, str]]:
    """Where our columns stand in a header that is not ours."""
    mapping = reading.mapping
    known = columns.names
    for theirs, ours in mapping.items():
        if theirs not in header:
            raise FileRefused(
                f'The {kind} file has no column "{theirs[:40]}". It has: {_columns(header)}.',
                code="missing_column",
                column=theirs[:40],
            )
        if header.count(theirs) > 1:
            raise FileRefused(
                f"The {kind} file has the column {theirs[:40]} twice. Keep one of them, or give them two names.",
                code="column_twice",
                column=theirs[:40],
            )
        if ours not in known:
            raise FileRefused(
                f'There is no column "{ours[:40]}" of ours for {kind}. There are: {", ".join(known)}.',
                code="unknown_column",
                column=ours[:40],
            )
    taken = list(mapping.values())
    twice = next((ours for ours in known if taken.count(ours) > 1), "")
    if twice:
        raise FileRefused(
            f"Two columns of the {kind} file were named as {twice}. Choose one.", code="column_twice", column=twice
        )
    missing = [ours for ours in columns.needed if ours not in taken and ours not in reading.fixed]
    if missing:
        raise FileRefused(
            f"Nobody said which column of the {kind} file is {', '.join(missing)}. It has: {_columns(header)}.",
            code="missing_column",
            column=missing[0],
        )
    return [(header.index(theirs), ours) for theirs, ours in mapping.items()]


def _check_header(header: Sequence[str], kind: str, columns: _Columns, fixed: Collection[str] = ()) -> None:
    known = columns.names
    twice = [name for name in known if header.count(name) > 1]
    if twice:
        raise FileRefused(
            f"The {kind} file has the column {twice[0]} twice. Keep one of them.", code="column_twice", column=twice[0]
        )
    missing = [name for name in columns.names if name in columns.needed and name not in header and name not in fixed]
    if missing:
        raise FileRefused(
            f"The {kind} file lacks {_named(missing)}. Known are: {', '.join(known)}.",
            code="missing_column",
            column=missing[0],
        )
    unknown = [name for name in header if name not in known]
    if unknown:
        raise FileRefused(
            f"The {kind} file has {_named([name[:40] or '(no name)' for name in unknown])} that we do not know. "
            f"Remove or rename it. Known are: {', '.join(known)}.",
            code="unknown_column",
            column=unknown[0][:40],
        )


def _named(names: Sequence[str]) -> str:
    return f"the column {names[0]}" if len(names) == 1 else f"the columns {_columns(names)}"


def _columns(names: Sequence[str]) -> str:
    return ", ".join(name[:40] for name in names[:12]) + (" ..." if len(names) > 12 else "")
