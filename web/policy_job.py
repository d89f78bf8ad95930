"""The day on which a policy begins or has ceased to hold: today's goods are given out again by what holds now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from data.store import SqlStore
from routing.services.ruling import policy_day

if TYPE_CHECKING:
    from web.wiring import Installation


def policy_day_job(
    installation: Installation,
    data: Mapping[str, Any],
    progress: Callable[[Mapping[str, Any]], None],  # noqa: ARG001
    cancelled: Callable[[], bool],  # noqa: ARG001
) -> Callable[[SqlStore], dict[str, Any]]:
    def write(store: SqlStore) -> dict[str, Any]:
        policy_day(store, row_id=int(data["row"]), now=installation.clock.now(), by="policy")
        return {"row": data["row"]}

    return write
