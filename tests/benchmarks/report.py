"""What `make bench` leaves behind: a file of Markdown tables, ready for the README, written again after every row, so
that a long run that is broken off has said something. `BACKROUTE_BENCH_OUT` names it (else bench.md, where make runs).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

OUT = Path(os.environ.get("BACKROUTE_BENCH_OUT", "bench.md"))

_tables: dict[str, tuple[Sequence[str], list[Sequence[str]]]] = {}


def row(title: str, columns: Sequence[str], cells: Sequence[str]) -> None:
    """Adds a row to the table of this title, and writes the file."""
    _tables.setdefault(title, (columns, []))[1].append(cells)
    OUT.write_text("\n".join(markdown(title, *table) for title, table in _tables.items()), encoding="utf-8")


def markdown(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """
    >>> print(markdown("Gaps", ("day", "ours"), [("a", "0.1")]))
    **Gaps**
    <BLANKLINE>
    | day | ours |
    |---|---:|
    | a | 0.1 |
    <BLANKLINE>
    """
    line = "|".join(["---", *["---:"] * (len(columns) - 1)])
    body = [f"| {' | '.join(cells)} |" for cells in (columns, *rows)]
    return "\n".join([f"**{title}**", "", body[0], f"|{line}|", *body[1:], ""])


def hours(seconds: float) -> str:
    """
    >>> hours(5400), hours(90)
    ('1 h 30 min', '2 min')
    """
    minutes = max(1, round(seconds / 60))
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
