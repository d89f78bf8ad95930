"""The very edge of a rule: the hour itself, the same day once more, the last unit. Each by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from routing.model.orders import AllocationPolicy, Book, LineChange, RankRule
from routing.model.proofs import Outcome
from routing.model.stock import Holding
from routing.rules.allocation import allocate
from routing.rules.consent import nth_delay
from routing.rules.effect import merged, wait_longer
from routing.rules.figures.otif import Attempt, is_on_time
from routing.rules.promises import day_by_goods, day_by_order
from routing.rules.reach import before_they_came_near
from routing.rules.substitutes import ShortLine, Substitute, offers, with_offer
from tests.routing.backorders.test_allocation import TODAY, order, stock

TEN = datetime(2026, 3, 3, 10, tzinfo=UTC)


def change(**values: Any) -> LineChange:
    """12 oat drinks of a ship-complete order, promised for 3 March and expected on that day."""
    return LineChange(
        **{
            "order_id": 1, "order": "SO-1", "customer": "Café 1", "site": "Café 1", "line_id": 1, "product_id": 1,
            "sku": "OAT", "name": "Oat drink", "complete": True, "needed": 12, "firm_before": 12, "firm_after": 12,
            "provisional_before": 0, "provisional_after": 0, "promised_on": "2026-03-03", "old_day": "2026-03-03",
            "new_day": "2026-03-03", "price": 200, "currency": "EUR",
        } | values
    )  # fmt: skip


def test_of_two_shelves_a_line_keeps_its_own() -> None:
    """4 of the second shelf are its own. Its customer may give them up, nobody asks: it takes these 4 again, not 4 of
    the first shelf."""
    wants = order(1, (1, 4), rank_rule=RankRule.MAY_GIVE_UP)
    book = Book(
        depot_id=1,
        supplies=(stock(1, 10), stock(2, 10)),
        orders=(wants,),
        holdings=(Holding(supply_id=2, line_id=wants.lines[0].id, allocated=4),),
    )
    claims = allocate(book, AllocationPolicy(), today=TODAY).claims
    assert [(claim.supply_id, claim.quantity) for claim in claims] == [(2, 4)]


def test_the_same_day_promised_again_is_no_slip() -> None:
    """Promised for the 3rd, told again that it is the 3rd: the delay that is asked about now is the first."""
    assert nth_delay([("2026-03-03", "first date"), ("2026-03-03", "has its date again")], asked_before=0) == 1


@pytest.mark.parametrize(
    ("arrived", "left", "on_time"),
    [(0, 5, True), (1, 5, False), (-90, -60, True), (-90, -61, False)],
)
def test_who_stands_there_at_the_first_or_the_last_moment_of_the_window_is_on_time(
    arrived: int, left: int, on_time: bool
) -> None:
    """The window is 9:00 to 10:00; minutes from its end."""
    attempt = Attempt(
        outcome=Outcome.DELIVERED, arrived_at=TEN + timedelta(minutes=arrived), at=TEN + timedelta(minutes=left),
        is_first=True, whole=True, arrival_known=True,
    )  # fmt: skip
    assert is_on_time(attempt, (TEN - timedelta(hours=1), TEN)) is on_time


def test_an_order_that_goes_on_the_same_day_does_not_wait_longer() -> None:
    """7 of its 12 are taken from the shelf and come again on the same day: nothing is to be said."""
    taken = change(firm_after=5, provisional_after=7)
    assert wait_longer([taken]) == ()
    assert len(wait_longer([replace(taken, new_day="2026-03-04")])) == 1


def test_a_day_that_the_next_change_gives_back_was_not_lost() -> None:
    lost = change(firm_after=0, new_day="", loses=True)
    found = change(firm_before=0, firm_after=12, old_day="", new_day="2026-03-05")
    line = merged([[lost], [found]])[1]
    assert (line.loses, line.old_day, line.new_day) == (False, "2026-03-03", "2026-03-05")
    assert merged([[change()], [lost]])[1].loses


def test_goods_that_are_ready_and_an_order_that_comes_at_the_very_hour_are_in_time() -> None:
    noon = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
    assert day_by_goods(noon, time(12, 0)) == date(2026, 3, 3)
    assert day_by_goods(noon + timedelta(minutes=1), time(12, 0)) == date(2026, 3, 4)
    assert day_by_order(noon, time(12, 0)) == date(2026, 3, 4)
    assert day_by_order(noon + timedelta(minutes=1), time(12, 0)) == date(2026, 3, 5)


@pytest.mark.parametrize(("needed", "left"), [(10, []), (12, [2])])
def test_a_line_that_is_replaced_whole_leaves_no_line_of_none(needed: int, left: list[int]) -> None:
    """10 oat drinks are lacking and 2 packs go for them: of 10 wanted nothing is left, of 12 two."""
    line = ShortLine(
        id=11, number="1", product_id=1, sku="OAT", name="Oat drink", unit="pcs", free=needed, in_time=needed - 10,
        price=200, currency="EUR", due_on="2026-03-03", expected_on="2026-03-10",
    )  # fmt: skip
    pack = Substitute(product_id=2, sku="BARISTA", name="Barista", unit="pack", gives=1, replaces=5, free=7)
    (offer,) = offers(line, [pack])
    wants = order(1, (1, needed))
    wants = replace(wants, lines=(replace(wants.lines[0], id=11),))
    (after,) = with_offer(Book(depot_id=1, orders=(wants,)), offer).orders
    assert [each.needed for each in after.lines if each.id == 11] == left
    assert [each.needed for each in after.lines if each.id != 11] == [2]


def test_an_order_of_the_last_day_that_the_horizon_had_reached_was_decided_then() -> None:
    """The horizon had come to the 20th and comes to the 21st: the order of the 20th was asked for its goods already,
    that of the 21st was not. Both were ordered months ago."""
    old = TEN - timedelta(days=90)
    last, next_one = (
        order(key, (1, 4), wanted_on=day, ordered_at=old) for key, day in ((1, "2026-03-20"), (2, "2026-03-21"))
    )
    book = Book(depot_id=1, supplies=(stock(1, 10),), orders=(last, next_one))
    then = before_they_came_near(book, AllocationPolicy(), after_day="2026-03-20", until_day="2026-03-21")
    assert [each.id for each in then.orders] == [1]
