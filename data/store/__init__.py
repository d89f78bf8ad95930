"""The store: one store is one transaction. A file per part of the story; services see only the methods they declare."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from data.db import Database
from data.store.closings import ClosingStore
from data.store.days import DayStore
from data.store.fleet import FleetStore
from data.store.messages import MessageStore
from data.store.orders import OrderStore
from data.store.people import PeopleStore
from data.store.pins import PinStore
from data.store.plans import PlanStore
from data.store.proofs import ProofStore
from data.store.replenishing import ReplenishStore
from data.store.supply import SupplyStore
from data.store.system import SystemStore
from data.store.vans import VanStore


class SqlStore(
    OrderStore,
    SupplyStore,
    FleetStore,
    DayStore,
    PinStore,
    PlanStore,
    VanStore,
    ProofStore,
    ClosingStore,
    MessageStore,
    PeopleStore,
    ReplenishStore,
    SystemStore,
):
    """Every part over one connection."""


@contextmanager
def open_store(database: Database) -> Iterator[SqlStore]:
    """One write transaction: commits at the end of the block, rolls back on any exception."""
    with database.writing() as connection:
        yield SqlStore(connection)
