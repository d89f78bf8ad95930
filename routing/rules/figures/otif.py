"""On time and in full: of one delivery against its list. Whole orders against their promises are counted among many:
`data/queries/promise_figures.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from routing.model.proofs import Outcome

CUSTOMER_CAUSED = frozenset({Outcome.NOT_HOME, Outcome.CLOSED, Outcome.NO_ACCESS, Outcome.REFUSED, Outcome.NO_PAYMENT})
"""Outcomes that the receiving side decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How a delivery ended on a day, and when the van stood at its door. `whole`: every unit of every line came out."""

    outcome: Outcome
    arrived_at: datetime
    at: datetime
    is_first: bool
    whole: bool
    arrival_known: bool


def is_in_full(attempt: Attempt) -> bool:
    """Every unit on the list was handed over."""
    return attempt.outcome.is_handed_over and attempt.whole


def is_on_time(attempt: Attempt, window: tuple[datetime, datetime]) -> bool:
    """The van stood at the door at some moment of the window: who came early and waited for it is on time."""
    opens, closes = window
    return attempt.outcome.counts_as_attempt and attempt.arrived_at <= closes and attempt.at >= opens
