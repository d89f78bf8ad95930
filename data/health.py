"""What must be true of the rows whatever happened: sums that add up, nothing promised twice, no orphans, one chain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, func, or_, select

from data.files import FileStore
from data.queries.needs import COMMITTED, ORDERED, SELLABLE, TO_COME
from data.store import SqlStore
from data.store.system import verify_chain
from data.tables import (
    allocation,
    current_plan,
    delivery,
    delivery_line,
    event,
    file,
    job,
    metadata,
    movement,
    notice,
    order,
    order_line,
    product,
    supply,
)
from routing.errors import InvalidInput
from routing.model.fleet import StandingShift
from routing.rules.check import violations
from routing.rules.standing_week import double_booked

SHOWN = 3
"""How many faults a sentence names before it counts the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the doctor's report. `state`: ok, warn (works, but look at it) or fail; `mend` says what to do."""

    name: str
    state: str
    sentence: str
    mend: str = ""


def check_rows(connection: Connection) -> list[Check]:
    """Everything that can be said from the database alone; the connection must see one moment."""
    return [
        _allocations_add_up(connection),
        _nothing_allocated_twice(connection),
        _nothing_beyond_the_order(connection),
        _ledger(connection),
        _released_stock_is_there(connection),
        _deliveries(connection),
        _orphans(connection),
        _plans(connection),
        _standing_week(connection),
        _events(connection),
        _outbox(connection),
        _jobs(connection),
    ]


def check_files(connection: Connection, files: FileStore) -> Check:
    """Every file that a row names is there, and nothing lies there that no row names."""
    wanted = set(connection.scalars(select(file.c.sha256).where(file.c.erased_at.is_(None))))
    kept = set(files)
    missing = sorted(wanted - kept)
    if missing:
        return Check(
            name="files",
            state="fail",
            sentence=f"{_count(missing, 'file is', 'files are')} missing: {_named([one[:12] for one in missing])}.",
            mend="Restore them from a backup: they are under files/ in it.",
        )
    erased = kept & set(connection.scalars(select(file.c.sha256).where(file.c.erased_at.is_not(None))))
    if erased:
        return Check(
            name="files",
            state="warn",
            sentence=f"{_count(sorted(erased), 'erased file still lies', 'erased files still lie')} on the disk: "
            "erasing was broken off.",
            mend="The night removes them; at once: backroute erase.",
        )
    extra = len(kept - wanted)
    if extra:
        return Check(
            name="files",
            state="warn",
            sentence=f"{len(wanted)} files are in place; {extra} more belong to nothing.",
            mend="They are left of uploads that were broken off; they do no harm.",
        )
    return Check(name="files", state="ok", sentence=f"{len(wanted)} files are in place.")


# ---------------------------------------------------------------------------- stock

_HELD = allocation.c.allocated + COMMITTED + allocation.c.loaded + allocation.c.delivered
"""Units that are promised or gone: what came back (refused), never was (short) or broke is not."""


def _allocations_add_up(connection: Connection) -> Check:
    total = _HELD + allocation.c.short + allocation.c.refused + allocation.c.damaged
    wrong = connection.scalars(select(allocation.c.id).where(total != allocation.c.quantity)).all()
    if wrong:
        return _sums_fail("allocations", f"Allocations do not add up: {_named(wrong)}.")
    number = connection.execute(select(func.count()).select_from(allocation)).scalar_one()
    return Check(name="allocations", state="ok", sentence=f"{number} allocations add up.")


def _nothing_allocated_twice(connection: Connection) -> Check:
    most = case((supply.c.kind == "inbound", TO_COME), else_=SELLABLE)
    held = func.coalesce(func.sum(_HELD), 0)
    over = connection.execute(
        select(supply.c.number, product.c.number, held, most)
        .join(allocation, allocation.c.supply_id == supply.c.id)
        .join(product, product.c.id == supply.c.product_id)
        .group_by(supply.c.id, supply.c.number, product.c.number, most)
        # A truck that brought more than was expected has less than nothing still to come: nobody holds anything of it.
        .having((held > most) & (held > 0))
    ).all()
    if over:
        faults = [f"{sku} of {number}: {units} promised, {limit} there" for number, sku, units, limit in over]
        return _sums_fail("supply", f"More is allocated than arrived or is expected: {_named(faults)}.")
    return Check(name="supply", state="ok", sentence="Nothing is allocated beyond what arrived or is expected.")


def _nothing_beyond_the_order(connection: Connection) -> Check:
    wanted = ORDERED
    held = func.coalesce(func.sum(_HELD), 0)
    over = connection.execute(
        select(order.c.number, order_line.c.number, held, wanted)
        .join(order_line, order_line.c.order_id == order.c.id)
        .join(allocation, allocation.c.order_line_id == order_line.c.id)
        .group_by(order.c.number, order_line.c.id, order_line.c.number, wanted)
        .having(held > wanted)
    ).all()
    if over:
        faults = [f"{number} line {line}: {units} for {limit}" for number, line, units, limit in over]
        return _sums_fail("orders", f"More is allocated than was ordered: {_named(faults)}.")
    return Check(name="orders", state="ok", sentence="Nothing is allocated beyond what was ordered.")


def _ledger_of(connection: Connection) -> dict[tuple[str, int], int]:
    """Units by (place, product) as the movements say."""
    goods: dict[tuple[str, int], int] = {}
    for place, sign in ((movement.c.to_place, 1), (movement.c.from_place, -1)):
        summed = select(place, movement.c.product_id, func.sum(movement.c.quantity)).group_by(
            place, movement.c.product_id
        )
        for where, product_id, units in connection.execute(summed):
            goods[where, product_id] = goods.get((where, product_id), 0) + sign * int(units)
    return goods


def _ledger(connection: Connection) -> Check:
    names = _product_names(connection)
    # Not "customer": empties come from there that never went there.
    below = [
        f"{names.get(product_id, product_id)} at {place}: {units}"
        for (place, product_id), units in sorted(_ledger_of(connection).items())
        if units < 0 and place.partition(":")[0] in ("depot", "vehicle", "quarantine", "returned", "delivered")
    ]
    if below:
        return Check(
            name="goods",
            state="fail",
            sentence=f"More left than was there: {_named(below)}.",
            mend="Recount these goods (Stock, Recount): the difference is then written down.",
        )
    return Check(name="goods", state="ok", sentence="No place ever gave out more than it had.")


def _released_stock_is_there(connection: Connection) -> Check:
    """What is promised on received stock and not yet on a van must lie in the depot."""
    goods = _ledger_of(connection)
    names = _product_names(connection)
    waiting = func.sum(allocation.c.allocated + COMMITTED)
    firm = connection.execute(
        select(supply.c.depot_id, supply.c.product_id, waiting)
        .join(supply, supply.c.id == allocation.c.supply_id)
        .where(supply.c.kind == "receipt")
        .group_by(supply.c.depot_id, supply.c.product_id)
    ).all()
    lacking = [
        f"{names.get(product_id, product_id)} at depot {depot_id}: {units} promised, "
        f"{goods.get((f'depot:{depot_id}', product_id), 0)} on hand"
        for depot_id, product_id, units in firm
        if units > goods.get((f"depot:{depot_id}", product_id), 0)
    ]
    if lacking:
        return Check(
            name="on hand",
            state="fail",
            sentence=f"More is promised than lies in the depot: {_named(lacking)}.",
            mend="Recount these goods (Stock, Recount).",
        )
    return Check(name="on hand", state="ok", sentence="What is promised on stock lies in its depot.")


def _deliveries(connection: Connection) -> Check:
    over = connection.scalars(
        select(delivery_line.c.id)
        .join(allocation, allocation.c.id == delivery_line.c.allocation_id)
        .join(delivery, delivery.c.id == delivery_line.c.delivery_id)
        # What was taken back holds nothing any more: its lines say what it was.
        .where(delivery_line.c.quantity > allocation.c.quantity, delivery.c.state != "unreleased")
    ).all()
    if over:
        return _sums_fail("deliveries", f"Deliveries hold more than was allocated: lines {_named(over)}.")
    return Check(name="deliveries", state="ok", sentence="No delivery holds more than was allocated to it.")


def _product_names(connection: Connection) -> dict[int, str]:
    return {key: number for key, number in connection.execute(select(product.c.id, product.c.number))}


# ---------------------------------------------------------------------------- the rest


def _orphans(connection: Connection) -> Check:
    """SQLite checks references only while a program asks it to; PostgreSQL always."""
    orphans: list[str] = []
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            column, other = key.parent, key.column.table.alias("other")
            lost = connection.scalars(
                select(table.c.id)
                .outerjoin(other, column == other.c.id)
                .where(and_(column.is_not(None), other.c.id.is_(None)))
                .limit(SHOWN)
            ).all()
            orphans += [f"{table.name} {row} without its {key.column.table.name}" for row in lost]
    if orphans:
        return Check(
            name="references",
            state="fail",
            sentence=f"Rows refer to what is not there: {_named(orphans)}.",
            mend="Restore the last backup in which this line is ok.",
        )
    return Check(name="references", state="ok", sentence="Every row refers to something that is there.")


def _plans(connection: Connection) -> Check:
    """Every current draft again, by the code that did not make it."""
    store = SqlStore(connection)
    current = connection.execute(
        select(current_plan.c.plan_id, current_plan.c.day).where(current_plan.c.state != "closed").distinct()
    ).all()
    wrong = []
    for plan_id, day in current:
        try:
            saved = store.plan(plan_id)
        except InvalidInput as unreadable:
            wrong.append(f"{day}: {unreadable}")
            continue
        wrong += [f"{day}: {violation.sentence}" for violation in violations(saved.plan, saved.problem)]
    if wrong:
        return Check(
            name="plans",
            state="fail",
            sentence=f"A current plan breaks its own rules or cannot be read: {_named(wrong)}",
            mend="Plan that day again.",
        )
    return Check(
        name="plans", state="ok", sentence=f"{_count(current, 'open plan keeps', 'open plans keep')} every rule."
    )


def _events(connection: Connection) -> Check:
    broken = verify_chain(connection)
    if broken is not None:
        return Check(
            name="events",
            state="fail",
            sentence=f"The chain of events is broken. {broken.sentence}",
            mend="Somebody changed the database by hand. Compare with the last backup in which this line is ok.",
        )
    number = connection.execute(select(func.count()).select_from(event)).scalar_one()
    head = connection.scalar(select(event.c.hash).order_by(event.c.id.desc()).limit(1)) or "none"
    return Check(name="events", state="ok", sentence=f"{number} events form one chain; the last is {head[:16]}.")


def _outbox(connection: Connection) -> Check:
    counts = {
        str(status): int(number)
        for status, number in connection.execute(select(notice.c.status, func.count()).group_by(notice.c.status))
    }
    twice = connection.execute(
        select(func.count()).where(notice.c.status == "sent", notice.c.problem != "")
    ).scalar_one()
    said = ", ".join(f"{number} {status}" for status, number in sorted(counts.items())) or "empty"
    if twice:
        said += f"; {twice} may have gone out twice"
    troubled = counts.get("failed", 0) + counts.get("withheld", 0)
    if troubled:
        return Check(
            name="outbox", state="warn", sentence=f"Outbox: {said}.", mend="See Messages: each says why it did not go."
        )
    return Check(name="outbox", state="ok", sentence=f"Outbox: {said}.")


def _jobs(connection: Connection) -> Check:
    failed = connection.execute(
        select(job.c.id, job.c.kind, job.c.problem).where(job.c.state == "failed").order_by(job.c.id.desc())
    ).all()
    waiting = connection.execute(
        select(func.count()).where(or_(job.c.state == "waiting", job.c.state == "running"))
    ).scalar_one()
    if failed:
        latest = failed[0]
        return Check(
            name="jobs",
            state="warn",
            sentence=f"{_count(failed, 'job', 'jobs')} failed, last {latest.kind} {latest.id}: {latest.problem}",
            mend="Start it again from the page that started it.",
        )
    return Check(name="jobs", state="ok", sentence=f"No job failed; {waiting} wait or run.")


def _standing_week(connection: Connection) -> Check:
    """A van or a driver in two standing shifts at once: what a form and a file refuse."""
    of: dict[tuple[str, int | None], list[StandingShift]] = defaultdict(list)
    twice = []
    for shift in SqlStore(connection).standing_shifts(on_or_after="9999"):  # one that ends needs no other van
        mine = [("vehicle", shift.terms.vehicle_id)]
        if shift.terms.driver_id is not None:
            mine.append(("driver", shift.terms.driver_id))
        found = double_booked(shift, [other for key in mine for other in of[key]])
        if found is not None:
            what, other = found
            twice.append(f"the {what} of {shift.number} is in {other.number} too")
        for key in mine:
            of[key].append(shift)
    if twice:
        return Check(
            name="standing week",
            state="warn",
            sentence=f"Two shifts at the same time: {_named(twice)}.",
            mend="Give one of them another vehicle or driver, other days or other hours (Fleet).",
        )
    return Check(name="standing week", state="ok", sentence="No van and no driver is in two shifts at once.")


def _sums_fail(name: str, sentence: str) -> Check:
    return Check(
        name=name,
        state="fail",
        sentence=sentence,
        mend="Stop releasing, keep a backup of this state, and restore the last one in which this line is ok.",
    )


def _named(faults: Sequence[object]) -> str:
    shown = "; ".join(str(fault) for fault in faults[:SHOWN])
    return shown if len(faults) <= SHOWN else f"{shown}; and {len(faults) - SHOWN} more"


def _count(things: Sequence[object], one: str, many: str) -> str:
    return f"{len(things)} {one if len(things) == 1 else many}"
