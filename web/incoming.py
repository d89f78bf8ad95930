"""What comes from outside, before anything believes it: JSON, days and numbers that a database can keep."""

from __future__ import annotations

import json
import math
from datetime import date
from typing import Any

from flask import request
from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest
from werkzeug.routing import IntegerConverter, Map

from routing.errors import InvalidInput

LARGEST = 2**31 - 1
"""The largest whole number that every column of both databases holds."""
FIRST_YEAR, LAST_YEAR = 2000, 2199


class RowId(IntegerConverter):
    """`<int:order_id>` in an address. A number that no row can have is an address without a page."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=LARGEST)


def refuse_unkeepable() -> None:
    """Before each request: a NUL in a form or an address is no text that anybody typed, and PostgreSQL refuses it."""
    values = (*(request.view_args or {}).values(), *request.args.keys(), *request.args.values())
    if request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        values += (*request.form.keys(), *(each for name in request.form for each in request.form.getlist(name)))
        values += tuple(each.filename or "" for name in request.files for each in request.files.getlist(name))
    if any("\x00" in each for each in values if isinstance(each, str)):
        raise BadRequest


def whole(text: str) -> int | None:
    """A whole number from 0 on that a row can hold, as a person types it; None for everything else."""
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) <= 10 and int(plain) <= LARGEST else None


def row_id(text: str) -> int:
    """For `request.form.get(name, type=row_id)`: what is none counts as not given."""
    found = whole(text)
    if found is None:
        raise ValueError(f"{text[:20]} is no number of a row.")
    return found


def day_of(text: str) -> str:
    """A day as ISO text. Raises InvalidInput, also for one that no order was ever for."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidInput(_("%(text)s is no day. Write it like 2026-03-03.", text=text[:20]), code="day")
    return day.isoformat()


def json_of(text: str, *, exact: bool = False) -> Any:
    """The JSON with finite numbers, whole ones within `LARGEST`, and texts that can be kept. Raises ValueError.

    Half an emoji, as a phone cuts one, and a NUL become a replacement character: a report must not be stranded by one.
    `exact`, for programs, refuses both, and a field that stands twice in an object: two numbers of orders would become
    one, or the last of two would be taken for what was meant.
    """
    try:
        read = json.loads(
            text,
            parse_int=_whole,
            parse_float=_finite,
            parse_constant=_no_number,
            object_pairs_hook=_each_once if exact else None,
        )
        kept = _kept(read)
        changed = _changed(read, kept) if exact else ""
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None
    if changed:
        raise ValueError(f"{changed} has a NUL or half a character in it.")
    return kept


def _changed(read: Any, kept: Any) -> str:
    """The first text that could not be kept as it came, ready to be shown; else ""."""
    match read:
        case str():
            return _shown(read) if read != kept else ""
        case list():
            pairs = list(zip(read, kept, strict=True))
        case dict():
            pairs = [*zip(read, kept, strict=False), *zip(read.values(), kept.values(), strict=False)]
        case _:
            return ""
    return next((found for each in pairs if (found := _changed(*each))), "")


def _shown(text: str) -> str:
    return json.dumps(text[:20])


def _kept(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_kept(each) for each in value]
        case dict():
            return {_kept(name): _kept(each) for name, each in value.items()}
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            shown = name[:40].encode("utf-8", "replace").decode()  # half an emoji in a name must not break the answer
            raise ValueError(f"the field {shown} stands twice in one object: send it once.")
        found[name] = value
    return found


def _whole(text: str) -> int:
    if len(text) > 11 or abs(int(text)) > LARGEST:
        raise ValueError(f"{text[:20]} is larger than any number here.")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no finite number.")
    return number


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number.")
