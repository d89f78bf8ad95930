"""What a delivery is called once its door has spoken: one word for every page. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

REFUSED = "refused"
NOT_DELIVERED = "not_delivered"
COLLECTED = "collected"
"""Of a stop: all that it was for was fetched there."""

OVER = ("done", COLLECTED, REFUSED, NOT_DELIVERED, "failed")
"""The words of a door that was reported, from the best to the worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Units by all that was reported of one delivery. `given` changed hands, either way."""

    given: int = 0
    refused: int = 0
    missed: int = 0


def door_word(state: str, units: Given) -> str:
    """The state; but of a delivery that is over and of which nothing changed hands what it is called instead.

    Of 12 all refused, all short or damaged, and 2 of 12 refused; a report without lines handed over what there was:

    >>> door_word("done", Given(refused=12)), door_word("done", Given(missed=12))
    ('refused', 'not_delivered')
    >>> door_word("done", Given(given=10, refused=2)), door_word("done", Given()), door_word("failed", Given())
    ('done', 'done', 'failed')
    """
    if state != "done" or units.given or not (units.refused or units.missed):
        return state
    return REFUSED if units.refused else NOT_DELIVERED


def stop_word(words: Collection[str], *, only_fetches: bool = False) -> str:
    """One word for all deliveries of a stop: the worst once all were reported, else how far they are. `only_fetches`:
    nothing is brought there.

    >>> stop_word(["done", "refused"]), stop_word(["refused", "failed"]), stop_word(["done", "under_way"])
    ('refused', 'failed', 'under_way')
    >>> stop_word(["released", "loaded"]), stop_word(["released"])
    ('loaded', 'planned')
    >>> stop_word(["done"], only_fetches=True), stop_word(["failed"], only_fetches=True)
    ('collected', 'failed')
    """
    held = set(words)
    if held and held <= set(OVER):
        worst = max(held, key=OVER.index)
        return COLLECTED if only_fetches and worst == "done" else worst
    return next((word for word in ("under_way", "dispatched", "loaded") if word in held), "planned")
