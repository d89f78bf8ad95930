"""What moved while nobody was told: kept until the next decision that tells takes it along, each with its own cause.
And who was told that there is no date any more: they hear of it when there is one again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from routing.model.orders import Book, LineChange
from routing.rules.promises import NewPromise


class Reader(Protocol):
    def setting(self, name: str, default: Any = None) -> Any: ...


class Store(Reader, Protocol):
    def set_setting(self, *, name: str, value: Any, by: str, now: datetime) -> None: ...


FOUND_LATE = "found late: its goods had moved before"
"""Why of a promise that had stopped holding before, where nobody kept what moved it."""


def untold_setting(depot_id: int) -> str:
    """The setting that keeps the SKUs of a depot whose dates moved past a promise and nobody was told."""
    return f"untold:{depot_id}"


def untold(store: Reader, depot_id: int) -> dict[int, str]:
    """Those SKUs by key, each with what moved it first."""
    kept = store.setting(untold_setting(depot_id), ())
    # Before the cause was kept beside them, the keys alone were.
    whys = kept if isinstance(kept, Mapping) else dict.fromkeys(kept, FOUND_LATE)
    return {int(product_id): why for product_id, why in whys.items()}


def slipped_untold_setting(depot_id: int) -> str:
    """The setting that keeps the lines of a depot whose promise stopped holding and nobody was told."""
    return f"slipped_untold:{depot_id}"


def slipped_untold(store: Reader, depot_id: int) -> dict[int, tuple[int, str]]:
    """Those lines by key, each with its SKU's key and what moved it first. The SKU's own first cause may be that of
    another of its lines."""
    kept = store.setting(slipped_untold_setting(depot_id), {})
    return {int(line_id): (product_id, why) for line_id, (product_id, why) in kept.items()}


def first_causes(store: Reader, depot_id: int) -> dict[int, str]:
    """By line, what broke its promise or took its date when nobody was told."""
    lost, slipped = lost_untold(store, depot_id), slipped_untold(store, depot_id)
    return {line_id: why for line_id, (_product, why) in (lost | slipped).items()}


def lost_untold_setting(depot_id: int) -> str:
    """The setting that keeps the lines of a depot that lost their date and nobody was told."""
    return f"lost_untold:{depot_id}"


def lost_untold(store: Reader, depot_id: int) -> dict[int, tuple[int, str]]:
    """Those lines by key, each with its SKU's key and what took its date."""
    kept = store.setting(lost_untold_setting(depot_id), {})
    return {int(line_id): (product_id, why) for line_id, (product_id, why) in kept.items()}


def told_lost_setting(depot_id: int) -> str:
    """The setting that keeps the lines of a depot whose customers were told that there is no date any more."""
    return f"told_lost:{depot_id}"


def told_lost(store: Reader, depot_id: int) -> dict[int, int]:
    """Those lines by key, each with its SKU's key."""
    kept = store.setting(told_lost_setting(depot_id), {})
    return {int(line_id): product_id for line_id, product_id in kept.items()}


def taken_along(store: Reader, depot_id: int) -> dict[int, str]:
    """The SKUs by key that the next decision takes along, because somebody is to be told of what moved them: what."""
    return dict(lost_untold(store, depot_id).values()) | untold(store, depot_id)


def remember_untold(
    store: Store,
    before: Book,
    *,
    promises: Collection[NewPromise],
    changes: Collection[LineChange],
    tell: bool,
    by: str,
    now: datetime,
    why: str,
) -> None:
    """Who was not told keeps a promise that no longer holds: the next decision that tells takes those SKUs along."""
    depot_id = before.depot_id
    kept, silent, heard = untold(store, depot_id), lost_untold(store, depot_id), told_lost(store, depot_id)
    late = slipped_untold(store, depot_id)
    now_heard, still_late = heard, late
    lines = {line.id: line.product_id for order in before.orders for line in order.lines}
    if tell:
        decided = set(lines) - set(before.outside) if kept or silent or heard or late else set()
        products = {lines[line_id] for line_id in decided}
        dated = {promise.line_id for promise in promises}
        # A line that is not waiting any more, delivered or cancelled, hears of nothing.
        gone = {line_id for line_id, product_id in heard.items() if product_id in products and line_id not in lines}
        now_heard = {
            line_id: product_id for line_id, product_id in heard.items() if line_id not in dated and line_id not in gone
        } | {change.line_id: change.product_id for change in changes if change.loses}
        left = {product_id: cause for product_id, cause in kept.items() if product_id not in products}
        still = {line_id: cause for line_id, cause in silent.items() if line_id not in decided}
        still_late = {
            line_id: (product_id, cause)
            for line_id, (product_id, cause) in late.items()
            if product_id not in products or (line_id in lines and line_id not in decided)
        }
    else:
        slipped = {promise.line_id: promise.why for promise in promises if promise.slip or promise.again}
        # What moved it first stays: the customers were to be told since then.
        left = {lines[line_id]: cause for line_id, cause in slipped.items()} | kept
        still_late = {line_id: (lines[line_id], cause) for line_id, cause in slipped.items()} | late
        lost = [change for change in changes if change.loses]
        still = {change.line_id: (change.product_id, change.moved_by or why) for change in lost} | silent
    if left != kept:
        value = {str(key): left[key] for key in sorted(left)}
        store.set_setting(name=untold_setting(depot_id), value=value, by=by, now=now)
    if still_late != late:
        by_key = {str(key): list(still_late[key]) for key in sorted(still_late)}
        store.set_setting(name=slipped_untold_setting(depot_id), value=by_key, by=by, now=now)
    if now_heard != heard:
        by_line = {str(key): now_heard[key] for key in sorted(now_heard)}
        store.set_setting(name=told_lost_setting(depot_id), value=by_line, by=by, now=now)
    if still != silent:
        keep_lost_untold(store, depot_id, still, by=by, now=now)


def keep_lost_untold(
    store: Store, depot_id: int, lost: Mapping[int, tuple[int, str]], *, by: str, now: datetime
) -> None:
    """Keeps exactly these; with none, whoever lost a date so far counts as told."""
    value = {str(key): list(lost[key]) for key in sorted(lost)}
    store.set_setting(name=lost_untold_setting(depot_id), value=value, by=by, now=now)
