"""What a person must do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask:
    """A task that nobody did yet, and what it is about."""

    kind: str
    subject_kind: str
    subject_id: int
