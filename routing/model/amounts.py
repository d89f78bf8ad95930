"""How an amount of goods is written, everywhere: on pages and papers, in messages and by commands."""

from __future__ import annotations

_SYMBOLS = frozenset("pcs pc kpl st stk kg g mg t l dl cl ml m cm mm m2 m² m3 m³ km".split(" "))  # noqa: SIM905
"""Abbreviations have no plural: they follow a number as they are. `pcs` is meant where nobody named a unit."""


def unit_after(unit: str) -> str:
    """What follows the number. A unit is the customer's own word, in one, and no rule makes a plural of it in every
    language: `× bottle` is right after any number.

    >>> unit_after("bottle"), unit_after("kg"), unit_after("pcs"), unit_after("")
    ('× bottle', 'kg', 'pcs', '×')
    """
    return unit if unit.lower() in _SYMBOLS else f"× {unit}".rstrip()


def how_many(quantity: int, unit: str) -> str:
    """
    >>> how_many(24, "bottle"), how_many(1, "bottle"), how_many(24, "pcs")
    ('24 × bottle', '1 × bottle', '24 pcs')
    """
    return f"{quantity} {unit_after(unit)}"
