"""The store's part for what is counted in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, ScalarSelect, bindparam, case, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from data.queries.needs import TO_COME
from data.store.part import StorePart, parts
from data.tables import depot, movement, supply, user
from routing.errors import Conflict
from routing.model.stock import CountedBefore, EarlierCount, Receipt


class ReceiptStore(StorePart):
    def counted_before(self, numbers: Collection[str], *, source: str = "own") -> dict[tuple[str, int], CountedBefore]:
        """What was counted in under these numbers at any depot, by (number, product id)."""
        inbound = supply.alias("inbound")
        found: dict[tuple[str, int], CountedBefore] = {}
        for part in parts(numbers):
            query = (
                select(
                    supply.c.number,
                    supply.c.product_id,
                    func.coalesce(_came(), supply.c.quantity),
                    # Its units may lie elsewhere by now: what came into quarantine is what moved there from the truck.
                    case((_came().is_(None), supply.c.quarantined), else_=func.coalesce(_came("quarantine:%"), 0)),
                    supply.c.depot_id,
                    depot.c.number,
                    supply.c.inbound_id,
                    func.coalesce(inbound.c.number, ""),
                )
                .join(depot, depot.c.id == supply.c.depot_id)
                .outerjoin(inbound, inbound.c.id == supply.c.inbound_id)
                .where(supply.c.kind == "receipt", supply.c.source == source, supply.c.number.in_(part))
            )
            for number, product_id, came, apart, depot_id, depot_number, inbound_id, of in self.connection.execute(
                query
            ):
                found[number, product_id] = CountedBefore(
                    quantity=int(came),
                    quarantined=int(apart),
                    depot_id=depot_id,
                    depot=depot_number,
                    inbound_id=inbound_id,
                    inbound=of,
                )
        return found

    def earlier_counts(
        self, inbound_ids: Collection[int], *, besides: Collection[str] = ()
    ) -> dict[int, list[EarlierCount]]:
        """By what receipts these inbound were counted in, by their key, the first first; those numbers left out."""
        inbound = supply.alias("inbound")
        who = (
            select(func.min(movement.c.by))
            .where(movement.c.supply_id == supply.c.id, movement.c.from_place == "supplier")
            .scalar_subquery()
        )
        found: dict[int, list[EarlierCount]] = defaultdict(list)
        rows = [
            row
            for part in parts(inbound_ids)
            for row in self.connection.execute(
                select(
                    supply.c.inbound_id,
                    inbound.c.number.label("inbound"),
                    supply.c.number,
                    func.coalesce(_came(), supply.c.quantity).label("quantity"),
                    supply.c.counted_at,
                    depot.c.zone,
                    func.coalesce(who, "").label("by"),
                )
                .join(inbound, inbound.c.id == supply.c.inbound_id)
                .join(depot, depot.c.id == supply.c.depot_id)
                .where(supply.c.kind == "receipt", supply.c.inbound_id.in_(part), supply.c.cancelled_at.is_(None))
                .order_by(supply.c.counted_at, supply.c.id)
            )
            if row.number not in besides
        ]
        names = (
            {f"user:{row.id}": row.name or row.email for row in self.connection.execute(select(user))} if rows else {}
        )
        for row in rows:
            found[row.inbound_id].append(
                EarlierCount(
                    inbound=row.inbound,
                    number=row.number,
                    quantity=int(row.quantity),
                    counted_at=row.counted_at.astimezone(ZoneInfo(row.zone)),
                    by=names.get(row.by, row.by),
                )
            )
        return dict(found)

    def inbound_id(self, number: str, product_id: int, depot_id: int, *, source: str = "own") -> int | None:
        return self.connection.scalar(
            select(supply.c.id).where(
                supply.c.kind == "inbound",
                supply.c.source == source,
                supply.c.number == number,
                supply.c.product_id == product_id,
                supply.c.depot_id == depot_id,
            )
        )

    def add_receipts(self, receipts: Sequence[Receipt], *, by: str, source: str = "own") -> list[int] | None:
        """Counts them in: their supply rows, the inbound they fulfil and the movements onto the shelf. Their keys.

        None when one of these numbers was counted in before for its SKU: the caller gives up.
        """
        if not receipts:
            return []
        suppliers: dict[int, int | None] = {}
        for part in parts({each.inbound_id for each in receipts if each.inbound_id is not None}):
            query = select(supply.c.id, supply.c.supplier_id).where(supply.c.id.in_(part))
            suppliers |= {key: supplier_id for key, supplier_id in self.connection.execute(query)}
        dialect = sqlite if self.connection.dialect.name == "sqlite" else postgresql
        new = dialect.insert(supply).on_conflict_do_nothing()
        made = self.connection.execute(
            new.returning(supply.c.id, supply.c.number, supply.c.product_id),
            [
                {
                    "kind": "receipt",
                    "source": source,
                    "number": each.number,
                    "depot_id": each.depot_id,
                    "product_id": each.product_id,
                    "supplier_id": suppliers.get(each.inbound_id) if each.inbound_id is not None else None,
                    "inbound_id": each.inbound_id,
                    "quantity": each.quantity,
                    "quarantined": each.quarantined,
                    "counted_at": each.counted_at,
                }
                for each in receipts
            ],
        ).all()
        if len(made) < len(receipts):
            return None
        keys = {(number, product_id): key for key, number, product_id in made}
        self._fulfil([each for each in receipts if each.inbound_id is not None])
        moved = [
            {
                "at": each.counted_at,
                "product_id": each.product_id,
                "quantity": quantity,
                "from_place": "supplier",
                "to_place": f"{place}:{each.depot_id}",
                "why": f"receipt {each.number}",
                "by": by,
                "supply_id": keys[each.number, each.product_id],
            }
            for each in receipts
            for quantity, place in ((each.quantity - each.quarantined, "depot"), (each.quarantined, "quarantine"))
            if quantity
        ]
        if moved:
            self.connection.execute(insert(movement), moved)
        return [keys[each.number, each.product_id] for each in receipts]

    def _fulfil(self, receipts: Sequence[Receipt]) -> None:
        """What the receipts bring of their inbound is not to come any more; nor is the rest, unless they say so."""
        if not receipts:
            return
        units = bindparam("units", type_=Integer)
        left = TO_COME - units
        self.connection.execute(
            update(supply)
            .where(supply.c.id == bindparam("of_inbound"))
            .values(
                received=supply.c.received + units,
                closed_short=supply.c.closed_short
                + case((left > 0, left), else_=0) * bindparam("closes", type_=Integer),
                version=supply.c.version + 1,
            ),
            [
                {"of_inbound": each.inbound_id, "units": each.quantity, "closes": int(not each.more_to_come)}
                for each in receipts
            ],
        )

    def set_counted(self, *, supply_id: int, quantity: int, was: int) -> None:
        """A recount. Raises Conflict when somebody counted it meanwhile."""
        changed = self.connection.execute(
            update(supply)
            .where(supply.c.id == supply_id, supply.c.quantity == was)
            .values(quantity=quantity, version=supply.c.version + 1)
        )
        if not changed.rowcount:
            raise Conflict("Somebody else has just counted these goods. Look again and decide again.")


def _came(to_place: str = "%") -> ScalarSelect[int | None]:
    """The units of a receipt that came off the truck to such places; None when nothing moved."""
    return (
        select(func.sum(movement.c.quantity))
        .where(
            movement.c.supply_id == supply.c.id,
            movement.c.from_place == "supplier",
            movement.c.to_place.like(to_place),
        )
        .scalar_subquery()
    )
