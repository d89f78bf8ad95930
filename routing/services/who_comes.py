"""A person says who comes to a door; until then only files did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from routing.errors import Conflict
from routing.rules.who_comes import WhoComes, numbers, who_comes
from routing.services.story import KeepsEvents

CHANGED = "who_comes_changed"


class Store(KeepsEvents, Protocol):
    def site_row(self, site_id: int, *, lock: bool = False) -> dict[str, Any]: ...
    def save_site(self, site_id: int | None, values: Mapping[str, Any]) -> int: ...
    def vehicle_rows(self, *, source: str = "own") -> dict[str, dict[str, Any]]: ...
    def driver_rows(self, *, source: str = "own") -> dict[str, dict[str, Any]]: ...


def set_who_comes(store: Store, site_id: int, wanted: WhoComes, *, seen: int, by: str, now: datetime) -> bool:
    """Keeps it, with an event of what changed; False when it was so already. The next plan goes by it.

    `seen`: the version of the site that was looked at. Raises NotFound, InvalidInput, and Conflict when somebody else
    changed the site since.
    """
    row = store.site_row(site_id, lock=True)
    before = of_site(row)
    found = who_comes(wanted, drivers=store.driver_rows(), vehicles=store.vehicle_rows(), before=before)
    if found == before:
        return False
    if row["version"] != seen:
        raise Conflict(
            f"{row['name']} was changed by somebody else meanwhile. Look at it again.",
            code="shown_is_old",
            site=site_id,
        )
    store.save_site(site_id, found.columns())
    old, new = before.columns(), found.columns()
    store.append_event(
        kind=CHANGED,
        actor=by,
        captured_at=now,
        received_at=now,
        site_id=site_id,
        data={"name": row["name"]} | {name: [old[name], new[name]] for name in new if old[name] != new[name]},
    )
    return True


def of_site(row: Mapping[str, Any]) -> WhoComes:
    return WhoComes(known_to=numbers(row["known_to"]), vehicles=numbers(row["vehicles"]), run=row["run"])
