"""How much of what an order asks for at the door goes with each of its deliveries.

By the worth of what is handed over, at the prices of the lines: half of the goods, half of the amount. Each delivery
asks for what is due with all that was brought so far, less what was asked before; so cents that do not divide go with
a later one, and when all is brought exactly the amount was asked. What is short or refused is not asked for; it is
when it comes. What is cancelled or credited keeps its share, and nobody is asked for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from routing.errors import InvalidInput
from routing.model.payments import OrderAsks, Paid, Payment, PayMethod
from routing.rules.door import Settled

_LARGEST = 2**62
"""No order is worth more in a row of the database."""


def share(amount: int, *, of: int, worth: int) -> int:
    """The part of the amount for goods worth `of`, where all of them are worth `worth`; half a cent goes up.

    >>> [share(100, of=each, worth=3) for each in (0, 1, 2, 3, 4)]
    [0, 33, 67, 100, 100]
    """
    if worth <= 0:
        return amount if of > 0 else 0
    return (2 * amount * min(max(of, 0), worth) + worth) // (2 * worth)


def due(asks: OrderAsks, delivered: Mapping[int, int]) -> int:
    """What is due of the order when so many units of each allocation are handed over; 0 when none is.

    Of two lines, 4 units for 10.00 each and 2 for 5.00 each, 112.50 are to be collected:

    >>> asks = OrderAsks(order_id=1, order="SO-1", currency="EUR", amount=11250, worth=5000, prices={7: 1000, 8: 500})
    >>> due(asks, {7: 4, 8: 2}), due(asks, {7: 3, 8: 2}), due(asks, {8: 0})
    (11250, 9000, 0)
    """
    of = sum(units * asks.prices.get(allocation_id, 0) for allocation_id, units in delivered.items())
    if not any(units for allocation_id, units in delivered.items() if allocation_id in asks.prices):
        return 0
    return max(0, share(asks.amount, of=asks.worth_before + of, worth=asks.worth) - asks.asked_before)


def collect_worth(lines: Iterable[tuple[int, int]]) -> int:
    """What all of an order is worth, of (units, price of one) by line: the amount it asks for is spread over that. In
    units, where no line has a price.

    >>> collect_worth([(4, 1000), (2, 500), (1, 0)]), collect_worth([(4, 0), (2, 0)])
    (5000, 6)
    """
    every = list(lines)
    priced = any(price for _units, price in every)
    return min(_LARGEST, sum(units * (price if priced else 1) for units, price in every))


def payment_of(payment: str, *, amount: int, worth: int) -> str:
    """How an order stands paid. One whose door pays all of it is pending, so for what of it never comes no money goes
    back. Where the door asks for less than its goods are worth, something may have been paid before: it stays as said.

    >>> payment_of("paid", amount=5000, worth=5000), payment_of("paid", amount=1000, worth=5000)
    ('pending', 'paid')
    """
    return "pending" if amount and amount >= worth else payment


def due_with(settled: Settled) -> tuple[Paid, ...]:
    """What is due with one delivery as it ended, each of its orders once; nothing of it is collected yet."""
    delivered = {line.allocation_id: line.delivered for line in settled.lines}
    return tuple(
        Paid(
            delivery_id=settled.delivery.id,
            order_id=asks.order_id,
            currency=asks.currency,
            due=due(asks, delivered),
        )
        for asks in settled.delivery.asks
    )


def due_in_full(asks: Iterable[OrderAsks], units: Mapping[int, int]) -> dict[str, int]:
    """What is due by currency when all of these units, by allocation, are handed over; without what is 0."""
    found: dict[str, int] = {}
    for each in asks:
        if amount := due(each, {key: units[key] for key in units.keys() & each.prices.keys()}):
            found[each.currency] = found.get(each.currency, 0) + amount
    return found


def spread(due_now: Sequence[Paid], payments: Iterable[Payment]) -> tuple[Paid, ...]:
    """What was collected at the door, spread over what was due there, the first first; what is more than that goes with
    the last. `due_now` has nothing collected. Raises InvalidInput for a currency in which nothing there is paid.

    >>> owed = [Paid(delivery_id=1, order_id=n, currency="EUR", due=50) for n in (1, 2)]
    >>> [each.total for each in spread(owed, [Payment(currency="EUR", amount=70), Payment(currency="EUR", amount=40)])]
    [50, 60]
    >>> [each.total for each in spread(owed, [Payment(currency="EUR", amount=70)])]
    [50, 20]
    """
    given = list(payments)
    left = [each.amount for each in given]
    known = {each.currency for each in due_now}
    if other := next((each.currency for each in given if each.currency not in known), ""):
        asked = ", ".join(sorted(known)) or "nothing"
        raise InvalidInput(
            f"Money in {other} was collected where {asked} is paid. Load the route again.", code="payment"
        )
    last = {each.currency: n for n, each in enumerate(due_now)}
    found = []
    for n, each in enumerate(due_now):
        still_due, collected = each.due, dict[PayMethod, int]()
        for m, payment in enumerate(given):
            if payment.currency != each.currency:
                continue
            taken = left[m] if last[each.currency] == n else min(left[m], still_due)
            left[m] -= taken
            still_due -= taken
            if taken:
                collected[payment.method] = collected.get(payment.method, 0) + taken
        found.append(
            Paid(
                delivery_id=each.delivery_id,
                order_id=each.order_id,
                currency=each.currency,
                due=each.due,
                collected=tuple(collected.items()),
            )
        )
    return tuple(found)


def added_up(paid: Iterable[Paid]) -> dict[str, tuple[int, dict[PayMethod, int]]]:
    """By currency: what was due, and what was collected by method."""
    found: dict[str, tuple[int, dict[PayMethod, int]]] = {}
    for each in paid:
        due_so_far, methods = found.get(each.currency, (0, {}))
        for method, amount in each.collected:
            methods[method] = methods.get(method, 0) + amount
        found[each.currency] = (due_so_far + each.due, methods)
    return found
