"""The store's part that keeps others out of SKUs while they are decided."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, text

from data.store.part import StorePart
from data.tables import allocation, delivery, delivery_line, order_line

MANY_POOLS = 200
"""From here on a transaction locks the whole depot rather than SKU by SKU."""


class LockStore(StorePart):
    def lock_pools(self, depot_id: int, product_ids: Collection[int]) -> None:
        """Waits until no other transaction decides about these SKUs at this depot, and keeps others out until the end.

        On SQLite the write transaction is alone already. On PostgreSQL each (SKU, depot) is an advisory lock, taken in
        sorted order: a SKU without any supply has no row that could be locked. Many SKUs at once take the whole depot
        instead, because PostgreSQL keeps only so many locks; everybody else holds the depot shared.
        """
        if self.connection.dialect.name == "sqlite":
            return
        if depot_id in self.locked_depots:
            return
        if len(product_ids) > MANY_POOLS:
            self.lock_depot(depot_id)
            return
        self.connection.execute(text("SELECT pg_advisory_xact_lock_shared(-1, :depot)"), {"depot": depot_id})
        for product_id in sorted(product_ids):
            self.connection.execute(
                text("SELECT pg_advisory_xact_lock(:product, :depot)"), {"product": product_id, "depot": depot_id}
            )

    def lock_depot(self, depot_id: int) -> None:
        """Every SKU of the depot at once: for a whole file."""
        if self.connection.dialect.name != "sqlite":
            self.connection.execute(text("SELECT pg_advisory_xact_lock(-1, :depot)"), {"depot": depot_id})
            self.locked_depots.add(depot_id)

    def lock_afresh(self, depot_id: int, product_ids: Collection[int]) -> bool:
        """Lets go of what the last call locked and locks these SKUs, in order: who needs more waits for nobody while
        holding some. What was written since the last call is undone. `keep_locks` ends it.

        Returns whether nobody else can have decided meanwhile: what was read before still holds.
        """
        if self.connection.dialect.name == "sqlite" or depot_id in self.locked_depots:
            return True
        # PostgreSQL lets go of an advisory lock when the savepoint after which it was taken is rolled back to.
        self.connection.execute(text(("ROLLBACK TO " if self.may_relock else "") + "SAVEPOINT pools"))
        self.may_relock = True
        self.lock_pools(depot_id, product_ids)
        return False

    def keep_locks(self) -> None:
        """Keeps what was locked until the end of the transaction."""
        if self.may_relock:
            self.connection.execute(text("RELEASE SAVEPOINT pools"))
            self.may_relock = False

    def lock_deliveries(self, delivery_ids: Collection[int]) -> None:
        """Waits until nobody else changes these deliveries, and keeps others out until the end. Events about them may
        still be written."""
        rows = select(delivery.c.id).where(delivery.c.id.in_(delivery_ids)).order_by(delivery.c.id)
        self.connection.execute(rows.with_for_update(key_share=True))

    def products_waiting(self, delivery_ids: Collection[int]) -> set[int]:
        """The SKUs of those deliveries that are brought and lie at the depot still."""
        rows = (
            select(order_line.c.product_id)
            .join(allocation, allocation.c.order_line_id == order_line.c.id)
            .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
            .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
            .where(delivery.c.id.in_(delivery_ids), delivery.c.state == "released", delivery.c.direction == "deliver")
        )
        return set(self.connection.scalars(rows.distinct()))
