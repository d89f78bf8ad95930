"""Money in words for people of the company."""

from __future__ import annotations

from babel.numbers import get_currency_precision


def amount(minor: int, currency: str) -> str:
    """Minor units as an amount with its currency.

    >>> amount(1250, "EUR"), amount(1250, "JPY"), amount(0, "")
    ('12.50 EUR', '1250 JPY', '0.00')
    """
    digits = get_currency_precision(currency) if currency else 2
    return f"{minor / 10**digits:.{digits}f} {currency}".strip()
