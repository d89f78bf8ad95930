"""What the daily list of backorders says of each line, compared with the list before. Pure.

Yesterday 12 oat for Tuesday and 4 coffee for Thursday. Today the oat comes on Wednesday, the coffee was sent, and 6
cups are new: the oat says "was Tuesday", the cups say "new", and the coffee stands below as no longer waiting. What is
on hold says so, and no day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routing.model.backorders import Backorder, ListBefore


def list_data(lines: Sequence[Backorder], before: ListBefore | None) -> dict[str, Any]:
    """The notice's data: `lines` in the order given, `gone`: goods of the list before that wait no longer.

    `change` of a line: "" as before, "new", "day" (then `was` is the ISO day before) or "quantity" (`was` the number).
    Without a list before nothing is new: everything would be.
    """
    known = before.lines if before else {}
    said = []
    for line in lines:
        # Nobody is told a day of what is on hold.
        day = "" if line.on_hold else line.expected_on
        change, was = "", ""
        old = known.get(str(line.line_id))
        if before and old is None:
            change = "new"
        elif old and old[1] != day:
            change, was = "day", old[1]
        elif old and old[0] != line.quantity:
            change, was = "quantity", str(old[0])
        said.append(
            {
                "line": line.line_id,
                "quantity": line.quantity,
                "unit": line.unit,
                "name": line.name,
                "order": line.order,
                "reference": line.reference,
                "expected_on": day,
                "on_hold": line.on_hold,
                "change": change,
                "was": was,
            }
        )
    waiting = {str(line.line_id) for line in lines}
    gone = [goods for key, (_quantity, _day, goods) in known.items() if key not in waiting]
    return {"list": said, "gone": gone, "since": before.day if before else ""}
