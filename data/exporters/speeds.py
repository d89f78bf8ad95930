"""A region's table of slices of the day, with the columns of its import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from data.exporters.sheets import write_table
from data.importers.speeds import COLUMNS
from routing.model.day import SpeedRow


def write_speeds(out: BinaryIO, rows: Sequence[SpeedRow], *, format: str = "csv") -> int:
    return write_table(
        out,
        format,
        COLUMNS,
        [(",".join(row.weekdays), row.begins, row.ends, row.percent, row.profile) for row in rows],
        title="speeds",
    )
