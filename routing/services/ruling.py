"""A policy is set or ended: first shown with what it does to today's goods, then committed with the new allocation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.errors import NotFound
from routing.model.days import today_of
from routing.model.orders import Preview
from routing.model.parties import Company, Depot
from routing.rules.by_itself import DAY_IS_PAST
from routing.rules.policies import KINDS, TERMS, PolicyBook, PolicyRow, Scope, checked
from routing.services import allocating, committing
from routing.services.allocating import Decision
from routing.services.erp import refuse_if_erp
from routing.services.locking import locked_products


class Reader(allocating.Reader, Protocol):
    def policies(self) -> PolicyBook: ...
    def company(self) -> Company: ...
    def depots(self) -> list[Depot]: ...
    def open_products_of(self, *, scope: str, scope_id: int) -> dict[int, frozenset[int]]: ...


class Store(Reader, allocating.Store, Protocol):
    def set_policy(self, row: PolicyRow, *, by: str, now: datetime) -> None: ...
    def end_policy(self, row: PolicyRow, *, last_day: str, by: str, now: datetime) -> None: ...
    def add_job(
        self, *, kind: str, data: Mapping[str, Any], by: str, now: datetime, not_before: datetime | None = None
    ) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A row to be set, or with `ends` the row of that id to hold no longer from today on."""

    row: PolicyRow | None = None
    ends: int = 0


def simulate_ruling(store: Reader, ruling: Ruling, *, now: datetime) -> tuple[PolicyRow, list[Preview]]:
    """What committing it does now, a preview a depot; none for one that is not about goods, or that moves nothing
    before its day. Nothing is written.

    Raises InvalidInput for a row that cannot be, NotFound when the row to end is none, Conflict for one about goods
    where the ERP allocates.
    """
    today = _today(store, now)
    row = _row(store, ruling, today)
    if not _gives_out(row):
        return row, []
    refuse_if_erp(store)
    book = store.policies().with_row(row)
    return row, [
        _shown(store, depot_id, concerned, row, book, now=now)
        for depot_id, concerned in _concerned(store, row, now).items()
    ]


def with_todays_goods(store: Reader, row: PolicyRow, *, now: datetime) -> list[Preview]:
    """What a row of a later day would do if it held today already, a preview a depot: the goods of its own day nobody
    knows yet. None for a row whose day has begun. Nothing is written."""
    if not _gives_out(row) or store.erp_allocates():
        return []
    policies, previews = store.policies(), []
    for depot_id, concerned in store.open_products_of(scope=row.scope, scope_id=row.scope_id).items():
        here = allocating.today_at(store, depot_id, now)
        if row.effective_from > here:
            book = policies.with_row(replace(row, effective_from=here, effective_to=""))
            previews.append(_shown(store, depot_id, concerned, row, book, now=now))
    return previews


def _shown(
    store: Reader, depot_id: int, concerned: frozenset[int], row: PolicyRow, book: PolicyBook, *, now: datetime
) -> Preview:
    products = store.related_products(depot_id, concerned)
    before = store.book(depot_id, products, now=now)
    after = store.book(depot_id, products, now=now, policies=book)
    policy = book.allocation_policy(day=allocating.today_at(store, depot_id, now))
    return allocating.decide(store, before, after, policy=policy, now=now, why=_why(row)).preview


def commit_ruling(store: Store, ruling: Ruling, *, now: datetime, by: str) -> tuple[PolicyRow, list[Preview]]:
    """Keeps it, and gives today's goods out by it where its day has begun, all in the store's transaction.

    A policy begins and ends at each depot's own midnight: where it is not its day yet, a job waits for it. The dates
    know already now how orders will ship on later days.
    """
    today = _today(store, now)
    row = _row(store, ruling, today)
    if _gives_out(row):
        refuse_if_erp(store)
    anyway = {}
    if _gives_out(row):
        anyway = comes_anyway(store, _concerned(store, row, now), now=now)
    if ruling.ends:
        store.end_policy(_found(store, ruling.ends), last_day=row.effective_to, by=by, now=now)
    else:
        store.set_policy(row, by=by, now=now)
    previews = []
    if _gives_out(row):
        concerned = _concerned(store, row, now)
        previews = give_out(store, concerned, now=now, by=by, why=_why(row), anyway=anyway)
        _wait_for_its_days(store, row, by=by, now=now)
    store.append_event(
        kind="policy_ended" if ruling.ends else "policy_changed",
        actor=by,
        captured_at=now,
        received_at=now,
        order_id=row.scope_id if row.scope is Scope.ORDER else None,
        data={
            "name": row.name,
            "value": row.value,
            "scope": row.scope.value,
            "scope_id": row.scope_id,
            "from": row.effective_from,
            "to": row.effective_to,
        },
    )
    return row, previews


def policy_day(store: Store, *, row_id: int, now: datetime, by: str) -> None:
    """Gives the goods out again on the day on which a policy began or ceased to hold."""
    row = _found(store, row_id)
    if not _gives_out(row):
        return
    concerned = store.open_products_of(scope=row.scope, scope_id=row.scope_id)
    # What the new day moves by itself, it would move by the policies of yesterday too.
    anyway = comes_anyway(store, concerned, now=now, policies=store.policies().of_the_day_before())
    give_out(store, concerned, now=now, by=by, why=_why(row), anyway=anyway)


def comes_anyway(
    store: Reader, concerned: Mapping[int, frozenset[int]], *, now: datetime, policies: PolicyBook | None = None
) -> dict[int, Decision]:
    """What giving these SKUs of each depot out again would change though nothing else does: dates that are past move
    with each day. Nothing is written. `policies`: others than those in force."""
    found = {}
    for depot_id, some in concerned.items():
        book = store.book(depot_id, store.related_products(depot_id, some), now=now, policies=policies)
        policy = (policies or store.policies()).allocation_policy(day=allocating.today_at(store, depot_id, now))
        found[depot_id] = allocating.decide(store, book, book, policy=policy, now=now, why=DAY_IS_PAST)
    return found


def give_out(
    store: Store,
    concerned: Mapping[int, frozenset[int]],
    *,
    now: datetime,
    by: str,
    why: str,
    anyway: Mapping[int, Decision],
) -> list[Preview]:
    """Gives these SKUs of each depot out again by what holds now, and keeps the dates that come of it. `anyway`: what
    would have come without the change that this is done for, by depot; it keeps its own cause."""
    previews = []
    for depot_id, some in concerned.items():
        products = locked_products(store, depot_id, some)
        book = store.book(depot_id, products, now=now)
        policy = allocating.policy_of(store, depot_id, now)
        decision = allocating.decide(store, book, book, policy=policy, now=now, why=why)
        if depot_id in anyway:
            decision = allocating.beside_what_comes_anyway(decision, anyway[depot_id])
        committing.write(store, decision, by=by, now=now, why=why, tell=True)
        previews.append(decision.preview)
    return previews


def _concerned(store: Reader, row: PolicyRow, now: datetime) -> dict[int, frozenset[int]]:
    """The SKUs of each depot whose goods or dates the row moves from now on: where its day has begun; and by the terms
    of shipping at once, because what the release of a later day will keep back is not promised for that day until then.
    """
    return {
        depot_id: products
        for depot_id, products in store.open_products_of(scope=row.scope, scope_id=row.scope_id).items()
        if row.name in TERMS or row.effective_from <= allocating.today_at(store, depot_id, now)
    }


def _wait_for_its_days(store: Store, row: PolicyRow, *, by: str, now: datetime) -> None:
    kept = store.policies().row(row.name, day=row.effective_from, scope=row.scope, scope_id=row.scope_id)
    if kept is None:  # it ended before it began: nothing ever holds by it
        return
    days = [date.fromisoformat(row.effective_from)]
    if row.effective_to:
        days.append(date.fromisoformat(row.effective_to) + timedelta(days=1))
    zones = {depot.zone for depot in store.depots()}
    for at in sorted(
        {datetime.combine(day, time(0), tzinfo=ZoneInfo(zone)).astimezone(UTC) for day in days for zone in zones}
    ):
        if at > now:
            store.add_job(kind="policy_day", data={"row": kept.id}, by=by, now=now, not_before=at)


def _gives_out(row: PolicyRow) -> bool:
    """Whether today's goods are given out anew by it: also by one of a name that nothing reads any more."""
    kind = KINDS.get(row.name)
    return kind is None or kind.gives_out


def _row(store: Reader, ruling: Ruling, today: str) -> PolicyRow:
    if ruling.row is not None:
        return checked(ruling.row, today=today)
    return replace(_found(store, ruling.ends), effective_to=_day_before(today))


def _found(store: Reader, row_id: int) -> PolicyRow:
    for row in store.policies().rows:
        if row.id == row_id:
            return row
    raise NotFound("This policy is no longer there. Look at the list again.", code="policy")


def _day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def _why(row: PolicyRow) -> str:
    return f"policy {row.name.replace('_', ' ')}"


def _today(store: Reader, now: datetime) -> str:
    return today_of(now, store.company().zone or "UTC")
