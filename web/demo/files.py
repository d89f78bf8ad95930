"""The demo's files, read whole or in slices of the days on which their orders came in."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import data.demo

FOLDER = Path(data.demo.__file__).parent
PBF = FOLDER / "helsinki.osm.pbf"


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_day_ordered(name: str) -> dict[date, io.BytesIO]:
    """An orders file as one file per day of `ordered_at`, oldest day first."""
    found = rows(name)
    days: dict[date, list[dict[str, str]]] = defaultdict(list)
    for row in found:
        days[datetime.fromisoformat(row["ordered_at"]).date()].append(row)
    return {day: _as_csv(days[day]) for day in sorted(days)}


def _as_csv(found: list[dict[str, str]]) -> io.BytesIO:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(found[0]))
    writer.writeheader()
    writer.writerows(found)
    return io.BytesIO(text.getvalue().encode())
