"""What somebody put right of reports from doors: what each said before, by whom it was corrected and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from data.tables import corrected_report, user


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRow:
    """One correction. `delivered`, `short`, `damaged`, `refused`, `collected`: what the report had said until then,
    in units."""

    at: datetime
    by: str
    why: str
    outcome: str
    recipient: str
    delivered: int
    short: int
    damaged: int
    refused: int
    collected: int


def corrections_of(connection: Connection, proof_ids: Collection[int]) -> dict[int, tuple[CorrectionRow, ...]]:
    """By proof, in the order in which they were made; proofs that nobody corrected are missing."""
    names = {f"user:{row.id}": row.name or row.email for row in connection.execute(select(user))}
    found: dict[int, list[CorrectionRow]] = defaultdict(list)
    for row in connection.execute(
        select(corrected_report).where(corrected_report.c.proof_id.in_(list(proof_ids))).order_by(corrected_report.c.id)
    ):
        counts = row.counts_before.values()
        found[row.proof_id].append(
            CorrectionRow(
                at=row.at,
                by=names.get(row.by, row.by),
                why=row.why,
                outcome=row.outcome_before,
                recipient=row.recipient_before,
                delivered=sum(each["delivered"] for each in counts),
                short=sum(each["short"] for each in counts),
                damaged=sum(each["damaged"] for each in counts),
                refused=sum(each["refused"] for each in counts),
                collected=sum(each["collected"] for each in counts),
            )
        )
    return {key: tuple(rows) for key, rows in found.items()}
