"""What an order asks for at its doors: each delivery its share, and all of them together exactly the amount."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.errors import InvalidInput
from routing.model.payments import MOST, OrderAsks, Paid, Payment, PayMethod
from routing.rules.paying import collect_worth, due, due_in_full, spread


def asks(amount: int, prices: dict[int, int], *, worth: int, before: int = 0, asked: int = 0) -> OrderAsks:
    return OrderAsks(
        order_id=1, order="SO-1", currency="EUR", amount=amount, worth=worth, worth_before=before, asked_before=asked,
        prices=prices,
    )  # fmt: skip


def test_a_part_asks_only_for_what_goes_and_the_rest_for_the_rest() -> None:
    first = asks(10001, {1: 250}, worth=3000)
    assert due(first, {1: 8}) == 6667
    rest = asks(10001, {1: 250}, worth=3000, before=2000, asked=6667)
    assert due(rest, {1: 4}) == 10001 - 6667


def test_what_was_asked_before_is_never_asked_again_when_the_amount_is_lowered() -> None:
    assert due(asks(5000, {1: 100}, worth=1000, before=800, asked=8000), {1: 2}) == 0


def test_goods_that_are_cancelled_keep_their_share_of_the_amount() -> None:
    assert due(asks(10000, {1: 100}, worth=1000), {1: 5}) == 5000


def test_an_order_without_prices_is_spread_over_its_units() -> None:
    worth = collect_worth([(3, 0), (1, 0)])
    assert due(asks(1000, {1: 1, 2: 1}, worth=worth), {1: 3}) == 750


def test_what_is_due_in_full_is_said_by_currency_and_nothing_is_left_out_as_zero() -> None:
    assert due_in_full([asks(1000, {1: 100}, worth=200)], {1: 2, 9: 5}) == {"EUR": 1000}
    assert due_in_full([asks(1000, {1: 100}, worth=200)], {1: 0}) == {}


@given(
    amount=st.integers(1, MOST),
    lines=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 5000)), min_size=1, max_size=4),
    data=st.data(),
)
def test_the_deliveries_of_an_order_ask_for_exactly_its_amount(
    amount: int, lines: list[tuple[int, int]], data: st.DataObject
) -> None:
    """However it is cut, and whatever comes short on the way: what is short comes again with another delivery."""
    worth = collect_worth(lines)
    priced = any(price for _units, price in lines)
    prices = {n: price if priced else 1 for n, (_units, price) in enumerate(lines)}
    left = {n: units for n, (units, _price) in enumerate(lines)}
    brought = asked = 0
    while any(left.values()):
        goes = {n: data.draw(st.integers(0, units)) for n, units in left.items()}
        taken = {n: data.draw(st.integers(0, units)) for n, units in goes.items()}
        if not any(taken.values()):
            taken = dict(left)
        here = due(asks(amount, prices, worth=worth, before=brought, asked=asked), taken)
        assert here >= 0
        asked += here
        assert asked <= amount
        brought += sum(units * prices[n] for n, units in taken.items())
        left = {n: units - taken[n] for n, units in left.items()}
    assert asked == amount


@given(
    dues=st.lists(st.integers(0, 500), min_size=1, max_size=4),
    payments=st.lists(st.tuples(st.sampled_from(PayMethod), st.integers(0, 900)), max_size=3),
)
def test_all_that_was_collected_is_somewhere(dues: list[int], payments: list[tuple[PayMethod, int]]) -> None:
    owed = [Paid(delivery_id=n, order_id=n, currency="EUR", due=each) for n, each in enumerate(dues)]
    paid = spread(owed, [Payment(currency="EUR", amount=amount, method=method) for method, amount in payments])
    assert [each.due for each in paid] == dues
    assert sum(each.total for each in paid) == sum(amount for _method, amount in payments)
    assert all(each.total <= each.due for each in paid[:-1])


@pytest.mark.parametrize(
    ("currency", "amount"), [("EUR", -1), ("EUR", MOST + 1), ("euro", 1), ("", 1), ("ÄÄÄ", 1), ("EU", 1)]
)
def test_what_nobody_pays_at_a_door_is_no_payment(currency: str, amount: int) -> None:
    with pytest.raises(InvalidInput):
        Payment(currency=currency, amount=amount)


def test_money_of_another_currency_is_refused() -> None:
    owed = [Paid(delivery_id=1, order_id=1, currency="EUR", due=100)]
    with pytest.raises(InvalidInput, match="Money in SEK was collected where EUR is paid"):
        spread(owed, [Payment(currency="SEK", amount=100)])
