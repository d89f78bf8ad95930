"""Money: how many decimals a currency's minor unit is, and an amount in words for people of the company."""

from __future__ import annotations

from decimal import Decimal

_MINOR_DIGITS = {"BHD": 3, "CLP": 0, "ISK": 0, "JPY": 0, "JOD": 3, "KRW": 0, "KWD": 3, "OMR": 3, "TND": 3, "VND": 0}


def minor_digits(currency: str) -> int:
    """How many decimals an amount of the currency has, in files, in the database and wherever it is shown."""
    # Ours and not the locale data's: that changes with a library, and what is stored would change its worth.
    return _MINOR_DIGITS.get(currency, 2)


def in_units(minor: float, currency: str) -> Decimal:
    """
    >>> str(in_units(350, "EUR")), str(in_units(350, "JPY"))
    ('3.50', '350')
    """
    return Decimal(minor).scaleb(-minor_digits(currency))


def amount(minor: float, currency: str) -> str:
    """Minor units as an amount with its currency.

    >>> amount(1250, "EUR"), amount(1250, "JPY"), amount(0, "")
    ('12.50 EUR', '1250 JPY', '0.00')
    """
    return f"{in_units(minor, currency):.{minor_digits(currency)}f} {currency}".strip()
