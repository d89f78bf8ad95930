"""The cells of a sheet, streamed out of its XML. What openpyxl makes of a workbook around them stays openpyxl's.

openpyxl builds an element, a cell and a style for each of two million cells; here each is a few calls of expat, and a
number or a date that stands there a thousand times is written as text once. A document type is refused as defusedxml
refuses it: no spreadsheet has one, and it is where entities and outside references come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import IO
from xml.parsers import expat

from defusedxml.common import DTDForbidden

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
AT_ONCE = 1 << 16
"""Bytes of XML."""
_REMEMBERED = 20_000
NOT_CALCULATED = "#FORMULA!"
"""Instead of a formula without a value: the program that wrote it did not calculate. Read as empty it would empty what
is known."""

NumberText = Callable[[str, int], str]
"""A number as it stands in the XML and the key of its cell's style → what a person reads."""


class CellTooLong(Exception):
    def __init__(self, row: int, length: int) -> None:
        super().__init__(row, length)
        self.row, self.length = row, length


class TooManyTexts(Exception):
    """More texts than any table has."""


class _Collected:
    """The text of the element that is open, up to `longest` characters; the rest is only counted."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.parts: list[str] = []
        self.length = 0
        self.open = False

    def add(self, data: str) -> None:
        if self.open:
            if self.length <= self.longest:
                self.parts.append(data)
            self.length += len(data)

    def clear(self) -> None:
        self.parts, self.length = [], 0


def shared_strings(source: IO[bytes], *, longest: int, most: int) -> list[str]:
    """The texts that cells point to, without their formatting; of a longer one no more than a little over `longest`.

    Raises TooManyTexts for more than `most`."""
    found: list[str] = []
    text, phonetic = _Collected(longest), 0

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal phonetic
        if name == _T:
            text.open = not phonetic
        elif name == _SI:
            text.clear()
        elif name == _RPH:
            phonetic += 1

    def end(name: str) -> None:
        nonlocal phonetic
        if name == _T:
            text.open = False
        elif name == _SI:
            if len(found) >= most:
                raise TooManyTexts
            found.append("".join(text.parts).replace("x005F_", ""))
        elif name == _RPH:
            phonetic -= 1

    parser = _parser(start, end, text)
    while data := source.read(AT_ONCE):
        parser.Parse(data)
    parser.Parse(b"", True)
    return found


def sheet_cells(
    source: IO[bytes],
    *,
    strings: Sequence[str],
    number_text: NumberText,
    special_text: Callable[[str, str], str],
    most_columns: int,
    longest: int,
) -> Iterator[tuple[int, list[str]]]:
    """(row of the sheet from 1, its cells as text without surrounding blanks), in the order of the file.

    `special_text` writes what is neither number nor text: ("b" or "d", what stands there). Raises CellTooLong, and for
    what is no sheet ExpatError, ValueError or LookupError.
    """
    done: list[tuple[int, list[str]]] = []
    text = _Collected(longest)
    columns: dict[str, int] = {}
    numbers: dict[tuple[str, str], str] = {}
    row, column, cells = 0, 0, [""]
    kind, style, value, phonetic, formula = "n", "0", "", 0, False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, cells, kind, style, value, phonetic, formula
        if name == _C:
            kind, style, value, formula = attributes.get("t", "n"), attributes.get("s", "0"), "", False
            place = attributes.get("r")
            if place:
                letters = place.rstrip("0123456789")
                found = columns.get(letters)
                if found is None:
                    found = columns[letters] = _column(letters)
                column = found
            else:
                column += 1
            text.clear()
        elif name == _V:
            text.open = kind != "inlineStr"
        elif name == _T:
            text.open = kind == "inlineStr" and not phonetic
        elif name == _ROW:
            place = attributes.get("r")
            row = int(float(place)) if place else row + 1
            column, cells = 0, []
        elif name == _F:
            formula = True
        elif name == _RPH:
            phonetic += 1

    def end(name: str) -> None:
        nonlocal value, phonetic
        if name in _TEXTS:
            text.open = False
        elif name == _C:
            if formula and not text.length and kind != "str" and column <= most_columns:
                cells.extend([""] * (column - len(cells)))
                cells[column - 1] = NOT_CALCULATED
            elif text.length and column <= most_columns:
                if text.length > longest:
                    raise CellTooLong(row, text.length)
                value = "".join(text.parts)
                if kind == "s":
                    value = strings[int(value)].strip()
                    if len(value) > longest:
                        raise CellTooLong(row, len(value))
                elif kind == "n":
                    known = numbers.get((value, style))
                    if known is None:
                        if len(numbers) >= _REMEMBERED:
                            numbers.clear()
                        known = numbers[value, style] = number_text(value, int(style))
                    value = known
                elif kind in ("b", "d"):
                    value = special_text(kind, value)
                else:
                    value = value.strip()
                if len(cells) < column:
                    cells.extend([""] * (column - len(cells)))
                cells[column - 1] = value
        elif name == _ROW:
            done.append((row, cells))
        elif name == _RPH:
            phonetic -= 1

    parser = _parser(start, end, text)
    while data := source.read(AT_ONCE):
        parser.Parse(data)
        yield from done
        done.clear()
    parser.Parse(b"", True)
    yield from done


_SI, _T, _RPH, _ROW, _C, _V, _F = (MAIN + name for name in ("si", "t", "rPh", "row", "c", "v", "f"))
_TEXTS = frozenset((_T, _V))


def _parser(
    start: Callable[[str, dict[str, str]], None], end: Callable[[str], None], text: _Collected
) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text.add
    parser.StartDoctypeDeclHandler = _forbidden
    return parser


def _forbidden(name: str, system_id: str | None, public_id: str | None, _: bool) -> None:
    raise DTDForbidden(name, system_id, public_id)


def _column(letters: str) -> int:
    """
    >>> [_column(letters) for letters in ("A", "Z", "AA")]
    [1, 26, 27]
    """
    if not 1 <= len(letters) <= 3 or not (letters.isascii() and letters.isalpha()):
        raise ValueError(f"{letters[:10]!r} is no column.")
    found = 0
    for letter in letters.upper():
        found = found * 26 + ord(letter) - ord("A") + 1
    return found
