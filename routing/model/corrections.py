"""A report from a door that a person puts right: what it said, and what follows when it says something else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from routing.model.payments import Paid
from routing.model.proofs import DoorLine, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInHand:
    """The last report about a delivery as it stands now. `times`: how often it was corrected before.

    `received_at` and the moments of those corrections are when its customers were written to: `written_at`.
    `held_by`: the vehicle from which its goods were handed over, or that has them; None when the ledger knows none.
    `paid`: what was due and collected, by order.
    """

    proof_id: int
    event_id: int
    delivery_id: int
    manifest_id: int
    stop_id: int
    outcome: Outcome
    recipient: str
    received_at: datetime
    lines: tuple[DoorLine, ...]
    times: int
    written_at: tuple[datetime, ...]
    held_by: int | None
    paid: tuple[Paid, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TooMuch:
    """Units of a line beyond what can be, and in which deliveries: on their way or with the customer beyond what the
    order wants, or fetched back beyond what the customer was given."""

    order: str
    product: str
    units: int
    deliveries: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedLine:
    """What the report said of one line, in base units, and what it says now."""

    product: str
    unit: str
    loaded: int
    before: DoorLine
    after: DoorLine

    @property
    def handed_over(self) -> int:
        """Units more at the customer than before; below 0: so many come back to the van."""
        return self.after.delivered - self.before.delivered

    @property
    def fetched(self) -> int:
        """Units more that came from the customer onto the van than before; below 0: so many stayed there."""
        return self.after.collected - self.before.collected

    @property
    def waits(self) -> int:
        """Units more that wait for goods again in their old place; below 0: so many no longer wait."""
        return self.after.short + self.after.damaged - self.before.short - self.before.damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What a correction does, or would do. `next`: what follows at this door, with its day where there is one.

    `withheld` messages of the wrong report had not gone out; `told`: some had. `written`: to so many people is written
    instead. `settled_task`: a question about this door that is answered by it. `fetches`: it is a collection.
    """

    delivery: str
    site: str
    vehicle: str
    before: Outcome
    after: Outcome
    recipient_before: str
    recipient_after: str
    lines: tuple[CorrectedLine, ...]
    next: str
    next_day: str
    withheld: int
    told: bool
    written: int
    settled_task: bool
    fetches: bool
    paid_before: tuple[Paid, ...] = ()
    paid_after: tuple[Paid, ...] = ()
