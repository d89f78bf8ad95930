"""The prices that hold for every plan of a company: what uneven days, wide areas, vans off their runs and changes
against what was dispatched cost. Pure.

0 is no price. How they are counted stands in routing/rules/costing.py (`balance_cost`), routing/rules/area.py,
routing/rules/runs.py and routing/rules/as_dispatched.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from routing.errors import InvalidInput
from routing.model.day import PlanPrices
from routing.model.money import minor_digits
from routing.rules.as_dispatched import usual_change
from routing.rules.runs import FREE

SETTING = "plan_prices"
"""The name under which the store keeps them."""
NAMES = ("balance", "area", "change")
DEAREST = 1_000
"""In units of the currency: more than this an hour or a kilometre is a slip of the pen."""
_NUMBER = re.compile(r"\d{1,7}(?:[.,]\d{1,4})?")


def kept(setting: Mapping[str, Any] | None, *, currency: str) -> PlanPrices:
    """What was said, and of a change the usual price where nobody said one.

    >>> kept({"balance": 50}, currency="EUR") == PlanPrices(balance=50, change=1000)
    True
    >>> kept({"runs": "zones", "off_run": 2000, "change": 0}, currency="EUR")
    PlanPrices(balance=0, area=0, runs='zones', off_run=2000, change=0)
    """
    said = {"change": usual_change(currency), **(setting or {})}
    prices = {name: int(said.get(name, 0)) for name in (*NAMES, "off_run")}
    return PlanPrices(**prices, runs=str(said.get("runs", FREE)))


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
