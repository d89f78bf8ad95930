"""Plain values of VROOM's JSON, each refused by its name when it is not what the format says.

`what` says where a value stands, as "job 11: service": it begins the sentence of every refusal.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Mapping
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from routing.errors import FileRefused, InvalidInput
from routing.model.places import Location
from routing.model.plans import Window

ALWAYS = 2**35
"""Seconds either way: what has no window may happen at any time."""
MOST = 2**40
"""Largest time, amount or limit that a problem takes; of a cost, in thousandths."""
_DAYS = 2**31
"""Largest number that is read as a time or distance of a matrix."""
_SLOWEST = 0.01
"""Slower vehicles would need years for a matrix's longest way."""

type Json = Mapping[str, object]


def read_json(file: TextIO) -> object:
    """A JSON document in which every field stands once. Raises FileRefused."""
    try:
        return json.load(file, object_pairs_hook=_each_once)
    except UnicodeDecodeError as problem:
        raise FileRefused(
            "The problem is not UTF-8. Save it as UTF-8 and solve it again.", code="encoding"
        ) from problem
    except RecursionError as problem:
        raise FileRefused("The problem is nested too deeply to be one. Check what wrote it.") from problem
    except ValueError as problem:  # no JSON, or a number of thousands of digits
        raise FileRefused(f"The problem is not JSON: {str(problem).partition(';')[0]}.") from problem


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """JSON lets a field stand twice and readers keep the last: the other would be passed over in silence."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise FileRefused(f"The field {said(twice)} stands twice in one object. Keep one of them.")
    return found


def only(thing: Json, what: str, *, known: Collection[str], refused: Mapping[str, str]) -> None:
    for name in thing:
        if name in refused:
            raise FileRefused(f"{what}: {name} is refused: {refused[name]}.")
        if name not in known:
            raise FileRefused(
                f"{what}: {cut(name)} is not a field that is known here. Leave it out, or correct its spelling."
            )


def said(value: object) -> str:
    """A value as JSON writes it, cut short: it may be a file's worth."""
    if isinstance(value, list | Mapping):
        return kind(value)
    return cut(json.dumps(value))


def cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def kind(value: object) -> str:
    """What JSON calls it."""
    if value is None:
        return "null"
    names = ((bool, "true or false"), (str, "text"), (int | float, "a number"), (list, "an array"))
    return next((name for kind, name in names if isinstance(value, kind)), "an object")


def mapping(value: object, what: str) -> Json:
    if not isinstance(value, Mapping):
        raise FileRefused(f"{what} must be an object, not {kind(value)}.")
    return value


def array(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise FileRefused(f"{what} must be an array, not {kind(value)}.")
    return value


def by_id(value: object, what: str) -> dict[int, Json]:
    found: dict[int, Json] = {}
    for n, item in enumerate(array(value, what)):
        thing = mapping(item, f"{what}[{n}]")
        key = whole(thing.get("id"), f"{what}[{n}]: id")
        if key in found:
            raise FileRefused(f"{what}: two have the id {key}. Give each its own.")
        found[key] = thing
    return found


def whole(value: object, what: str, *, most: int = 2**53) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FileRefused(f"{what} is {said(value)}, but a whole number from 0 up is needed.")
    if value > most:
        raise FileRefused(f"{what} is {said(value)}, but at most {most} is planned with. Check its unit.")
    return value


def text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise FileRefused(f"{what} is {said(value)}, but text is needed.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise FileRefused(f"{what} is {said(value)}, which holds half a character. Correct it.")
    return value


def limit(thing: Json, name: str, what: str) -> int | None:
    return whole(thing[name], f"{what}: {name}", most=MOST) if name in thing else None


def factor(vehicle: Json, what: str) -> float:
    factor = vehicle.get("speed_factor", 1.0)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not _SLOWEST <= factor <= 5:
        raise FileRefused(
            f"{what}: speed_factor is {said(factor)}, but a number from {_SLOWEST} to 5 is needed; 2 is twice as fast."
        )
    return float(factor)


def skills(thing: Json, what: str) -> frozenset[str]:
    return frozenset(str(whole(n, f"{what}: skills")) for n in array(thing.get("skills", []), f"{what}: skills"))


def window(value: object, what: str) -> tuple[int, int]:
    pair = array(value, what)
    if len(pair) != 2:
        raise FileRefused(f"{what} has {len(pair)} numbers: a window is [start, end].")
    start, end = (whole(n, what) for n in pair)
    if end < start or end > ALWAYS:
        raise FileRefused(f"{what} ends at {end}, before it starts at {start}, or too late to be seconds.")
    return start, end


def windows(thing: Json, what: str) -> tuple[Window, ...]:
    if "time_windows" not in thing:
        return (Window(start_s=-ALWAYS, end_s=ALWAYS),)
    pairs = [window(pair, f"{what}: time_windows") for pair in array(thing["time_windows"], f"{what}: time_windows")]
    if not pairs:
        raise FileRefused(f"{what}: time_windows is empty. Leave it out when any time is right.")
    return tuple(Window(start_s=start, end_s=end) for start, end in pairs)


def point(value: object, what: str) -> Location:
    pair = array(value, what)
    if len(pair) != 2 or any(isinstance(n, bool) or not isinstance(n, int | float) for n in pair):
        raise FileRefused(f"{what} is {said(value)}: a place is [lon, lat].")
    lon, lat = (float(n) for n in pair if isinstance(n, int | float))
    try:
        return Location(lat=lat, lon=lon)
    except InvalidInput as error:
        raise FileRefused(f"{what}: {error.message}") from error


def square(value: object, what: str) -> NDArray[np.int64]:
    rows = [array(row, what) for row in array(value, what)]
    if any(len(row) != len(rows) for row in rows):
        raise FileRefused(f"{what} is not square: it has {len(rows)} rows.")
    if all(set(map(type, row)) == {int} for row in rows):
        with contextlib.suppress(OverflowError):
            table = np.array(rows, dtype=np.int64).reshape(len(rows), len(rows))
            if int(table.min(initial=0)) >= 0 and int(table.max(initial=0)) < _DAYS:
                return table
    # One of them is wrong: it is named.
    numbers: Callable[[object], bool] = lambda n: isinstance(n, int) and not isinstance(n, bool) and 0 <= n < _DAYS  # noqa: E731
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            if isinstance(cell, int) and cell >= _DAYS:
                raise FileRefused(f"{what}: from {i} to {j} is {said(cell)}, but below {_DAYS} is planned with.")
            if not numbers(cell):
                raise FileRefused(f"{what}: from {i} to {j} is {said(cell)}, but a whole number from 0 up is needed.")
    return np.array(rows, dtype=np.int64).reshape(len(rows), len(rows))
