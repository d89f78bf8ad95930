"""A wrong scan is taken back: the last step of a delivery in the warehouse, turned round."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from routing.errors import Conflict
from routing.model.picking import Step
from routing.services import loading, picking

STEPS = ("picked", "put_back", "staged", "unstaged", "loaded", "unloaded")
"""The kinds of event that can be turned round."""


class Store(picking.Store, loading.LoadsVans, Protocol):
    def last_step(self, event_id: int, *, kinds: Sequence[str]) -> Step | None: ...


def undo_step(store: Store, *, event_id: int, now: datetime, by: str) -> Step:
    """Turns the step round. Raises Conflict when it is not the last of its delivery any more, or its van has left."""
    step = store.last_step(event_id, kinds=STEPS)
    if step is None:
        raise Conflict("Something else was done since. Put it right by hand.", code="not_the_last")
    match step.kind:
        case "picked" | "put_back":
            delivery = picking.one_delivery(store, step.delivery_id)
            by_sku = {line.sku: line.product_id for line in delivery.lines}
            units = {by_sku[each["sku"]]: int(each["units"]) for each in step.data["lines"] if each["sku"] in by_sku}
            turn = picking.unpick_lines if step.kind == "picked" else picking.pick_lines
            turn(store, delivery_id=step.delivery_id, units=units, now=now, by=by)
        case "staged":
            picking.unstage_delivery(store, delivery_id=step.delivery_id, now=now, by=by)
        case "unstaged":
            picking.stage_delivery(store, delivery_id=step.delivery_id, place=step.data["place"], now=now, by=by)
        case "loaded" if step.shift_id is not None:
            loading.unload_delivery(store, shift_id=step.shift_id, delivery_id=step.delivery_id, now=now, by=by)
        case _:
            raise Conflict("This cannot be undone: load it again at the van.", code="not_the_last")
    return step
