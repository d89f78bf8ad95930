"""A round that was driven: reports made short, and the evening after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from data import tables
from data.db import Database
from data.queries.results import LineResult, day_results
from data.store import open_store
from routing.model.proofs import DeliveryReport, DoorEvent, DoorLine, DoorReport, Outcome
from routing.services.closing import VanClosed, close_van
from routing.services.delivering import record
from tests.rounds import DAY, SIX, Round

SECRET = b"s" * 32
EVENING = SIX + timedelta(hours=12)


@dataclass
class Driven:
    """A van's round of three stops, 12 pieces each, and what its driver reports."""

    database: Database
    round: Round
    secret: bytes = SECRET

    def says(
        self, stop: int, outcome: Outcome = Outcome.DELIVERED, *, minutes: int = 5, arrived: int | None = None,
        **counts: int,
    ) -> None:  # fmt: skip
        """`minutes` after the planned arrival; counts of the one line, none: all of it."""
        at = self.round.stops[stop]
        if arrived is not None:
            self._send(stop, DoorEvent.ARRIVED, at.arrival + timedelta(minutes=arrived), ())
        lines = (DoorLine(allocation_id=at.allocation_id, **counts),) if counts else ()
        report = DeliveryReport(delivery_id=at.delivery_id, outcome=outcome, lines=lines)
        self._send(stop, DoorEvent.OUTCOME, at.arrival + timedelta(minutes=minutes), (report,))

    def reports(self, stop: int, delivery_id: int, outcome: Outcome, lines: tuple[DoorLine, ...]) -> None:
        """What became of another delivery at the same door, a little later."""
        report = DeliveryReport(delivery_id=delivery_id, outcome=outcome, lines=lines)
        at = self.round.stops[stop].arrival + timedelta(minutes=6)
        self._send(stop, DoorEvent.OUTCOME, at, (report,), name=f"{self.round.shift_id}-{delivery_id}")

    def sends(self, stop: int, reports: tuple[DeliveryReport, ...]) -> None:
        """Of several deliveries at one door in one report."""
        self._send(stop, DoorEvent.OUTCOME, self.round.stops[stop].arrival + timedelta(minutes=5), reports)

    def _send(
        self, stop: int, kind: DoorEvent, at: datetime, deliveries: tuple[DeliveryReport, ...], name: str = ""
    ) -> None:
        name = name or f"{self.round.shift_id}-{stop}-{kind}"
        with open_store(self.database) as store:
            record(
                store=store,
                manifest_id=self.round.manifest_id,
                report=DoorReport(
                    client_id=name, sequence=stop, payload_sha256=name, kind=kind, captured_at=at,
                    stop_id=self.round.stops[stop].stop_id, deliveries=deliveries, recipient="Goods-in 1",
                ),
                now=at,
                secret=self.secret,
            )  # fmt: skip

    def closes(self, counted: int | None, **changes: Any) -> VanClosed:
        return self.closes_with({} if counted is None else {self.round.product_id: counted}, **changes)

    def closes_with(self, counted: dict[int, int], **changes: Any) -> VanClosed:
        """Base units by product."""
        with open_store(self.database) as store:
            return close_van(
                store=store,
                manifest_id=self.round.manifest_id,
                counted=counted,
                now=EVENING,
                by="user:1",
                **changes,
            )

    def results(self) -> tuple[LineResult, ...]:
        with self.database.reading() as connection:
            return day_results(connection, day=DAY)

    def goods_at(self, place: str) -> int:
        with open_store(self.database) as store:
            return store.goods_at(place).get(self.round.product_id, 0)

    def on_van(self) -> dict[int, int]:
        with open_store(self.database) as store:
            return store.goods_at(f"vehicle:{self.round.vehicle_id}")

    def rows(self, table: Any) -> list[Any]:
        with self.database.reading() as connection:
            return list(connection.execute(select(table).order_by(table.c.id)))

    def units(self, stop: int) -> dict[str, int]:
        (found,) = [row for row in self.rows(tables.allocation) if row.id == self.round.stops[stop].allocation_id]
        states = ("allocated", "released", "picked", "loaded", "delivered", "short", "refused", "damaged")
        return {state: getattr(found, state) for state in states if getattr(found, state)}
