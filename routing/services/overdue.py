"""A supplier's day passed and nothing was counted: its goods have no date any more, and a person asks for one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.model.days import day_words
from routing.model.parties import Depot
from routing.model.stock import InboundLines, LapsedInbound
from routing.model.tasks import TaskKind
from routing.rules.policies import PolicyBook
from routing.rules.promises import day_after, last_lapsed_day
from routing.services import allocating, asking, importing, nightly
from routing.services.nightly import depots_due

SUBJECT = "inbound"


class ReadsPolicies(allocating.Reader, Protocol):
    def policies(self) -> PolicyBook: ...


class Reader(ReadsPolicies, nightly.Reader, Protocol):
    pass


class FinishesTasks(asking.Store, Protocol):
    def erp_allocates(self) -> bool: ...
    def depot(self, depot_id: int) -> Depot: ...
    def setting(self, name: str, default: Any = None) -> Any: ...
    def inbound_lines(self, supply_ids: Collection[int]) -> list[InboundLines]: ...
    def lapsed_inbound(
        self, depot_id: int, *, before: datetime, since: datetime | None, only: Collection[int] | None = None
    ) -> list[LapsedInbound]: ...
    def asked_about(self, *, kind: TaskKind, subject_kind: str, subject_ids: Collection[int]) -> set[int]: ...
    def finish_tasks(
        self, *, kind: TaskKind, subject_kind: str, subject_id: int, outcome: str, by: str, now: datetime
    ) -> int: ...


class Store(ReadsPolicies, importing.Store, FinishesTasks, Protocol):
    def set_setting(self, *, name: str, value: Any, by: str, now: datetime) -> None: ...
    def stand_again(self, supply_ids: Collection[int], *, now: datetime) -> None: ...


def overdue_due(store: Reader, *, now: datetime) -> list[int]:
    """The depots where `give_up_dates` was not done today; none while the ERP allocates."""
    return depots_due(store, now=now, setting=_setting, day=_last_day)


def give_up_dates(store: Store, depot_id: int, *, now: datetime, tell: bool = True) -> None:
    """Decides again what waits for inbound whose grace ended since this was last done, and asks a person about each.

    The inbound stays open and its units stay with who holds them; their lines have no date until the supplier names
    one (a slip), it is counted in or cancelled.
    """
    done, until = store.setting(_setting(depot_id), ""), _last_day(store, depot_id, now)
    zone = ZoneInfo(store.depot(depot_id).zone)
    lapsed = store.lapsed_inbound(
        depot_id, before=day_after(until, zone), since=day_after(done, zone) if done else None
    )
    # A policy that waits longer gives some their date back.
    back = store.lapsed_inbound(depot_id, before=day_after(done, zone), since=day_after(until, zone)) if done else []
    store.stand_again([line.id for line in (*lapsed, *back)], now=now)
    if lapsed:
        numbers = sorted({line.number for line in lapsed})
        why = f"inbound {numbers[0]} is overdue" if len(numbers) == 1 else f"inbound {', '.join(numbers)} are overdue"
        products = {line.product_id for line in lapsed}
        importing.settle(store, {depot_id: products}, now=now, by="overdue", tell=tell, why=why)
    store.set_setting(name=_setting(depot_id), value=until, by="overdue", now=now)
    ask_about(store, [line.id for line in lapsed], now=now)


def sentence(number: str, lines: Sequence[LapsedInbound], zone: ZoneInfo) -> str:
    """What the buyer reads."""
    goods = ", ".join(f"{line.left} × {line.sku}" for line in lines[:3])
    if len(lines) > 3:
        goods += f" and {len(lines) - 3} more"
    whose = f" of {lines[0].supplier}" if lines[0].supplier else ""
    was = day_words(min(line.expected_at for line in lines).astimezone(zone).date().isoformat())
    return (
        f"{number}{whose} was due on {was} and nothing was counted: {goods} "
        "no longer count for any date. Ask the supplier, then enter the new day or cancel it."
    )


def ask_about(store: FinishesTasks, supply_ids: Collection[int], *, now: datetime) -> None:
    """Asks a person about each inbound of which one of these lines has a date that was given up, once about all its
    lines; also when it was imported with a date that is long over. Where nothing was given up yet, that night asks."""
    if store.erp_allocates():
        return
    for inbound in store.inbound_lines(supply_ids):
        lapsed = _lapsed(store, inbound)
        if any(line.id in supply_ids for line in lapsed):
            open_about = store.asked_about(kind=TaskKind.SUPPLY_OVERDUE, subject_kind=SUBJECT, subject_ids=inbound.ids)
            _ask(store, inbound, lapsed, subject_id=min(open_about, default=lapsed[0].id), now=now)


def came_or_named(store: FinishesTasks, supply_ids: Collection[int], *, outcome: str, by: str, now: datetime) -> None:
    """The supplier named a day, cancelled, or it was counted in: nobody has to ask any more, unless another line of
    that inbound, or a rest of this one, is still outstanding without a date. Then the task names what is left."""
    about = list(store.inbound_lines(supply_ids))
    of_all = [key for inbound in about for key in inbound.ids]
    asked = store.asked_about(kind=TaskKind.SUPPLY_OVERDUE, subject_kind=SUBJECT, subject_ids=of_all)
    for inbound in about:
        for subject_id in asked.intersection(inbound.ids):
            if lapsed := _lapsed(store, inbound):
                _ask(store, inbound, lapsed, subject_id=subject_id, now=now)
            else:
                store.finish_tasks(
                    kind=TaskKind.SUPPLY_OVERDUE,
                    subject_kind=SUBJECT,
                    subject_id=subject_id,
                    outcome=outcome,
                    by=by,
                    now=now,
                )


def _lapsed(store: FinishesTasks, inbound: InboundLines) -> list[LapsedInbound]:
    """Its lines whose dates were given up and of which something may still come."""
    done = store.setting(_setting(inbound.depot_id), "")
    if not done:
        return []
    before = day_after(done, ZoneInfo(store.depot(inbound.depot_id).zone))
    return store.lapsed_inbound(inbound.depot_id, before=before, since=None, only=inbound.ids)


def _ask(
    store: FinishesTasks, inbound: InboundLines, lapsed: Sequence[LapsedInbound], *, subject_id: int, now: datetime
) -> None:
    store.add_task(
        kind=TaskKind.SUPPLY_OVERDUE,
        subject_kind=SUBJECT,
        subject_id=subject_id,
        sentence=sentence(inbound.number, lapsed, ZoneInfo(store.depot(inbound.depot_id).zone)),
        made_at=now,
        data={"inbound": inbound.number, "skus": [line.sku for line in lapsed]},
    )


def _setting(depot_id: int) -> str:
    """Keeps the last ISO day whose inbound was given up at the depot."""
    return f"overdue_day:{depot_id}"


def _last_day(store: ReadsPolicies, depot_id: int, now: datetime) -> str:
    today = now.astimezone(ZoneInfo(store.depot(depot_id).zone)).date()
    return last_lapsed_day(today, store.policies().overdue_days(day=today.isoformat()))
