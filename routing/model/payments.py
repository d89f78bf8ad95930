"""What is to be paid at a door, and what was: money in minor units of its currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from routing.errors import InvalidInput

MOST = 999_999_999
"""What nobody pays at a door, in minor units: above it, it is a slip of the finger or nonsense."""


class PayMethod(StrEnum):
    """How it was paid. Only CASH lies in the till that is counted in the evening."""

    CASH = "cash"
    CARD = "card"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What a driver collected at a door by one method; 0 says that it was asked for and nothing was given."""

    currency: str
    amount: int
    method: PayMethod = PayMethod.CASH

    def __post_init__(self) -> None:
        if not (len(self.currency) == 3 and self.currency.isascii() and self.currency.isupper()):
            raise InvalidInput(
                f'"{self.currency[:10]}" is no currency: write its three letters, as EUR.', code="payment"
            )
        if not 0 <= self.amount <= MOST:
            raise InvalidInput(
                f"{self.amount} of the smallest unit of {self.currency} is not paid at a door: write 0 to {MOST}.",
                code="payment",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAsks:
    """What an order asks for at a door, and what is needed to know how much of it goes with a delivery.

    `amount` is for the whole order, `worth` what all of it was worth when the amount was said. `worth_before` is the
    worth of what other deliveries brought or bring before this one, `asked_before` what they asked for. `prices`: the
    worth of one unit, by allocation of this delivery; 1 each where no line of the order has a price.
    """

    order_id: int
    order: str
    currency: str
    amount: int
    worth: int
    worth_before: int = 0
    asked_before: int = 0
    prices: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What was due of one order with one delivery, and what was collected of it by method. `order_id`: None where money
    was given for a delivery of which nothing was due."""

    delivery_id: int
    order_id: int | None
    currency: str
    due: int
    collected: tuple[tuple[PayMethod, int], ...] = ()

    @property
    def total(self) -> int:
        return sum(amount for _method, amount in self.collected)
