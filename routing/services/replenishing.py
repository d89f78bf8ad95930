"""What to order from suppliers: reads demand, stock and what is on order, and asks the rule for each SKU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from routing.model.days import today_of
from routing.model.parties import Depot
from routing.rules.policies import PolicyBook
from routing.rules.replenishment import Advice, Forecast, SkuFacts, Terms, advise, forecast, weeks


class Reader(Protocol):
    def depots(self) -> list[Depot]: ...
    def depot(self, depot_id: int) -> Depot: ...
    def policies(self) -> PolicyBook: ...
    def sku_facts(self, depot_id: int, *, now: datetime) -> list[SkuFacts]: ...


def replenishment(store: Reader, *, depot_id: int, now: datetime) -> list[Advice]:
    """Every SKU that was ordered, lies at the depot or is on order: what needs a person first, then by SKU."""
    terms = terms_of(store, depot_id, now)
    found = [advise(facts, terms) for facts in store.sku_facts(depot_id, now=now)]
    return sorted(found, key=lambda each: (not each.needs_a_person, -each.uncovered, each.facts.sku))


def every_depot(store: Reader, *, now: datetime) -> list[Advice]:
    return [each for depot in store.depots() for each in replenishment(store, depot_id=depot.id, now=now)]


def terms_of(store: Reader, depot_id: int, now: datetime) -> Terms:
    """The policies in force today at the depot."""
    today = today_of(now, store.depot(depot_id).zone)
    book, usual = store.policies(), Terms()

    def said(name: str, otherwise: int) -> int:
        value = book.value(name, day=today)
        return otherwise if value is None else int(value)

    return Terms(
        review_days=said("review_days", usual.review_days),
        cycle_service=said("cycle_service", round(usual.cycle_service * 100)) / 100,
        usual_lead_days=said("usual_lead_days", usual.usual_lead_days),
    )


def forecast_of(advice: Advice, smoothed: Callable[[Sequence[int]], float]) -> Forecast:
    """Next week's demand of a SKU; `smoothed` is the engine."""
    return forecast(weeks(advice.facts.daily), smoothed)
