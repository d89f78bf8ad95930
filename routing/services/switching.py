"""Who allocates, we or the ERP: switched by a person, with all that is open staying true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from routing.services import importing
from routing.services.importing import settle

SETTING = "allocation"


class Store(importing.Store, Protocol):
    def setting(self, name: str, default: Any = None) -> Any: ...
    def set_setting(self, *, name: str, value: Any, by: str, now: datetime) -> None: ...
    def open_products_of(self, *, scope: str, scope_id: int) -> Mapping[int, frozenset[int]]: ...
    def lock_depot(self, depot_id: int) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """`changed` is False when it was so already."""

    erp: bool
    changed: bool

    @property
    def sentence(self) -> str:
        if self.erp:
            return (
                "The ERP allocates. What we released goes out as it is; open orders keep what they hold and wait, "
                "until the ERP releases them or you switch back."
            )
        return (
            "We allocate. Open orders were given what is there, and whose promise breaks is told; what the ERP "
            "released goes out as it is, and what is not delivered of it goes back to the ERP."
        )


def switch_allocation(store: Store, *, erp: bool, now: datetime, by: str) -> Switched:
    """Switches for the whole company. Back to our own, everything open is given out anew in the same transaction."""
    if store.erp_allocates() is erp:
        return Switched(erp=erp, changed=False)
    store.set_setting(name=SETTING, value={"by": "erp" if erp else "own"}, by=by, now=now)
    store.append_event(
        kind="allocation_switched", actor=by, captured_at=now, received_at=now, data={"to": "erp" if erp else "own"}
    )
    if not erp:
        pools = store.open_products_of(scope="company", scope_id=0)
        for depot_id in sorted(pools):
            store.lock_depot(depot_id)
        settle(store, pools, now=now, by=by, tell=True, why="we allocate again")
    return Switched(erp=erp, changed=True)
