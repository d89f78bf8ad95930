"""The store: one store is one transaction. A file per part of the story; services see only the methods they declare."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from data.db import Database
from data.store.allocations import AllocationStore
from data.store.backorders import BackorderStore
from data.store.closings import ClosingStore
from data.store.consents import ConsentStore
from data.store.corrections import CorrectionStore
from data.store.days import DayStore
from data.store.erasures import ErasureStore
from data.store.erp import ErpStore
from data.store.expected import ExpectedStore
from data.store.fleet import FleetStore
from data.store.goods import GoodsStore
from data.store.imports import ImportStore
from data.store.locks import LockStore
from data.store.messages import MessageStore
from data.store.orders import OrderStore
from data.store.people import PeopleStore
from data.store.picking import PickingStore
from data.store.pins import PinStore
from data.store.plans import PlanStore
from data.store.proofs import ProofStore
from data.store.receipts import ReceiptStore
from data.store.replenishing import ReplenishStore
from data.store.returns import ReturnStore
from data.store.rides import RideStore
from data.store.stands import StandStore
from data.store.substitutes import SubstituteStore
from data.store.supply import SupplyStore
from data.store.system import SystemStore
from data.store.tokens import TokenStore
from data.store.vans import VanStore


class SqlStore(
    OrderStore,
    StandStore,
    GoodsStore,
    LockStore,
    SupplyStore,
    ReceiptStore,
    AllocationStore,
    ErpStore,
    FleetStore,
    RideStore,
    DayStore,
    ExpectedStore,
    PinStore,
    PlanStore,
    VanStore,
    PickingStore,
    ReturnStore,
    ProofStore,
    ErasureStore,
    ClosingStore,
    CorrectionStore,
    MessageStore,
    ConsentStore,
    BackorderStore,
    SubstituteStore,
    PeopleStore,
    ImportStore,
    TokenStore,
    ReplenishStore,
    SystemStore,
):
    """Every part over one connection."""


@contextmanager
def open_store(database: Database) -> Iterator[SqlStore]:
    """One write transaction: commits at the end of the block, rolls back on any exception.

    How the order lines stand that it changed is written down last, whoever changed them.
    """
    with database.writing() as connection:
        store = SqlStore(connection)
        yield store
        # What was only tried has been rolled back by now, and nothing stands otherwise.
        if connection.in_transaction():
            store.write_stands()
