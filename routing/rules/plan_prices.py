"""The prices that hold for every plan of a company: what uneven days, wide areas and vans off their runs cost. Pure.

0 is no price. How they are counted stands in routing/rules/costing.py (`balance_cost`), routing/rules/area.py and
routing/rules/runs.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from routing.errors import InvalidInput
from routing.model.day import PlanPrices
from routing.model.money import minor_digits
from routing.rules.runs import FREE

SETTING = "plan_prices"
"""The name under which the store keeps them."""
NAMES = ("balance", "area")
DEAREST = 1_000
"""In units of the currency: more than this an hour or a kilometre is a slip of the pen."""
_NUMBER = re.compile(r"\d{1,7}(?:[.,]\d{1,4})?")


def kept(setting: Mapping[str, Any] | None) -> PlanPrices:
    """
    >>> kept({"balance": 50}) == PlanPrices(balance=50), kept(None) == PlanPrices()
    (True, True)
    >>> kept({"runs": "zones", "off_run": 2000})
    PlanPrices(balance=0, area=0, runs='zones', off_run=2000)
    """
    prices = {name: int((setting or {}).get(name, 0)) for name in (*NAMES, "off_run")}
    return PlanPrices(**prices, runs=str((setting or {}).get("runs", FREE)))


def read_price(text: str, *, name: str, currency: str) -> int:
    """Minor units of what a person typed; nothing is no price. Raises InvalidInput, its code the name.

    >>> read_price("0,50", name="balance", currency="EUR"), read_price(" ", name="area", currency="EUR")
    (50, 0)
    """
    plain = text.strip()
    if not plain:
        return 0
    digits = minor_digits(currency)
    if not _NUMBER.fullmatch(plain):
        raise InvalidInput(f'"{plain[:20]}" is no price. Write it in {currency}, as 0.50.', code=name)
    whole, _dot, rest = plain.replace(",", ".").partition(".")
    if len(rest.rstrip("0")) > digits:
        raise InvalidInput(f"{plain} has more decimals than {currency} has.", code=name)
    price = int(whole + rest.rstrip("0").ljust(digits, "0"))
    if price > DEAREST * 10**digits:
        raise InvalidInput(f"{plain} {currency} is too much: write 0 to {DEAREST}.", code=name)
    return price
