"""The store's part for photos and signatures that a proof loses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, update

from data.store.part import StorePart, parts
from data.tables import allocation, delivery, delivery_line, file, order, order_line, proof, proof_file, task
from routing.model.proofs import HeldFile
from routing.model.tasks import TaskKind


class ErasureStore(StorePart):
    def kept_too_long(self, since: Mapping[str, datetime]) -> list[HeldFile]:
        """What came in before that moment, by kind; not what an open dispute is about. By delivery."""
        old = or_(*(and_(proof_file.c.kind == kind, proof.c.received_at < at) for kind, at in since.items()))
        return self._files_held(_files().where(old, ~_disputed()))

    def files_of(
        self, *, delivery_id: int | None = None, customer_ids: Collection[int] = (), kinds: Collection[str] = ()
    ) -> list[HeldFile]:
        """What the proofs of a delivery, or of all deliveries with goods of these customers, have. By delivery."""
        query = _files() if not kinds else _files().where(proof_file.c.kind.in_(sorted(kinds)))
        if delivery_id is not None:
            return self._files_held(query.where(delivery.c.id == delivery_id))
        theirs = _orders_of_its_delivery().where(order.c.customer_id.in_(sorted(customer_ids)))
        return self._files_held(query.where(theirs.exists()))

    def still_needed(self, file_ids: Collection[int], *, besides: Collection[int]) -> dict[int, list[str]]:
        """By file, the numbers of the deliveries whose proofs have it, other than by these links."""
        found: dict[int, list[str]] = defaultdict(list)
        own = set(besides)
        for part in parts(file_ids):
            for row in self.connection.execute(_files().where(proof_file.c.file_id.in_(part))):
                if row.link_id not in own:
                    found[row.file_id].append(row.delivery)
        return found

    def erase_from_proofs(self, link_ids: Collection[int], *, by: str, now: datetime) -> set[int]:
        """Takes these from their proofs, and marks the files that no proof has any more as erased. Returns the links
        that were there still."""
        taken: set[int] = set()
        for part in parts(link_ids):
            of = select(proof_file.c.file_id).where(proof_file.c.id.in_(part))
            # Locked first: a report that brings the same picture just now is waited for, and its proof then seen.
            self.connection.execute(select(file.c.id).where(file.c.id.in_(of)).order_by(file.c.id).with_for_update())
            gone = self.connection.execute(
                update(proof_file)
                .where(proof_file.c.id.in_(part), proof_file.c.erased_at.is_(None))
                .values(erased_at=now, erased_by=by)
                .returning(proof_file.c.id)
            )
            taken.update(gone.scalars())
            had = exists().where(proof_file.c.file_id == file.c.id, proof_file.c.erased_at.is_(None))
            self.connection.execute(
                update(file).where(file.c.id.in_(of), file.c.erased_at.is_(None), ~had).values(erased_at=now)
            )
        return taken

    def erased_files(self) -> list[str]:
        """The SHA-256 of every file that no proof has any more."""
        return list(self.connection.scalars(select(file.c.sha256).where(file.c.erased_at.is_not(None))))

    def locks_erased(self, sha256: str) -> bool:
        """Whether the file is still erased; nobody brings it back before this transaction ends."""
        query = select(file.c.id).where(file.c.sha256 == sha256, file.c.erased_at.is_not(None)).with_for_update()
        return self.connection.execute(query).first() is not None

    def _files_held(self, query: Select[tuple[object, ...]]) -> list[HeldFile]:
        return [HeldFile(**row._asdict()) for row in self.connection.execute(query)]


def _files() -> Select[tuple[object, ...]]:
    found: Select[tuple[object, ...]] = (
        select(
            proof_file.c.id.label("link_id"),
            proof_file.c.file_id,
            file.c.sha256,
            proof_file.c.kind,
            proof_file.c.proof_id,
            proof.c.delivery_id,
            delivery.c.number.label("delivery"),
            proof.c.received_at,
        )
        .join(file, file.c.id == proof_file.c.file_id)
        .join(proof, proof.c.id == proof_file.c.proof_id)
        .join(delivery, delivery.c.id == proof.c.delivery_id)
        .where(proof_file.c.erased_at.is_(None))
        .order_by(proof.c.delivery_id, proof_file.c.id)
    )
    return found


def _orders_of_its_delivery() -> Select[tuple[int]]:
    return (
        select(order.c.id)
        .join(order_line, order_line.c.order_id == order.c.id)
        .join(allocation, allocation.c.order_line_id == order_line.c.id)
        .join(delivery_line, delivery_line.c.allocation_id == allocation.c.id)
        .where(delivery_line.c.delivery_id == delivery.c.id)
        .correlate(delivery)
    )


def _disputed() -> ColumnElement[bool]:
    """Somebody says that it never came: the proof is what answers them."""
    open_one = select(task.c.subject_id).where(
        task.c.kind == TaskKind.DISPUTE.value, task.c.subject_kind == "order", task.c.done_at.is_(None)
    )
    return _orders_of_its_delivery().where(order.c.id.in_(open_one)).exists()
