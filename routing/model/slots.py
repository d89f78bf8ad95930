"""Who asks for a time: an order as it stands, or goods for a door that nobody has ordered yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from routing.model.day import Goods, SiteFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedPart:
    """A delivery of the order that is released or further; `is_planned`: it stands on a route that holds."""

    id: int
    number: str
    state: str
    for_day: str
    is_planned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallingOrder:
    """An order as slot offers see it. `goods` are the units not handed over yet, `open_lines` (line, product) of them,
    `expected_on` the ISO day of each, "" where nobody knows."""

    id: int
    number: str
    site_id: int
    depot_id: int
    tier: int
    ordered_at: datetime
    not_after: str
    version: int
    goods: tuple[Goods, ...]
    open_lines: tuple[tuple[int, int], ...]
    expected_on: tuple[str, ...]
    released: tuple[ReleasedPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked for: goods for this door from this depot. `first_day` is the ISO day on which the goods are there;
    `own` are deliveries of the same order, which do not compete with it."""

    site: SiteFacts
    depot_id: int
    goods: tuple[Goods, ...]
    tier: int
    ordered_at: datetime
    first_day: str = ""
    not_after: str = ""
    own: tuple[int, ...] = ()
    own_order: int = 0
