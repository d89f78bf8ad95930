"""What nearly every service does to the store besides its own work, said once: events, tasks, goods that move.

A service's own Protocol extends those it needs. Whatever it alone asks of the store stands at the top of its file.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from routing.model.stock import UnitState
from routing.model.tasks import TaskKind


class KeepsEvents(Protocol):
    def append_event(
        self,
        *,
        kind: str,
        actor: str,
        captured_at: datetime,
        received_at: datetime,
        data: Mapping[str, Any],
        order_id: int | None = None,
        delivery_id: int | None = None,
        shift_id: int | None = None,
        plan_id: int | None = None,
        site_id: int | None = None,
        client_id: str | None = None,
        sequence: int | None = None,
    ) -> int:
        """Lengthens the chain of events by one and returns its id. `data` is JSON."""
        ...


class AsksPeople(Protocol):
    def add_task(
        self,
        *,
        kind: TaskKind,
        subject_kind: str,
        subject_id: int,
        sentence: str,
        made_at: datetime,
        assignee: str = "",
        due_at: datetime | None = None,
        data: Mapping[str, Any] | None = None,
        urgent: bool = False,
    ) -> int:
        """Asks a person to do something; asking again renews the open task of this kind and subject."""
        ...


class MovesUnits(Protocol):
    def move_units(self, *, allocation_id: int, from_state: UnitState, to_state: UnitState, quantity: int) -> None:
        """Units of an allocation change state: whose they are stays, where they lie is not said."""
        ...


class MovesGoods(Protocol):
    def add_movement(
        self,
        *,
        at: datetime,
        product_id: int,
        quantity: int,
        from_place: str,
        to_place: str,
        why: str,
        by: str,
        allocation_id: int | None = None,
        delivery_id: int | None = None,
        supply_id: int | None = None,
    ) -> int:
        """Writes down that goods went from one place to another; whose they are is not said. Returns its id."""
        ...
