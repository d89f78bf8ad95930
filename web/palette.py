"""The routes' colours, for what no stylesheet reaches: maps drawn by the server, and paper.

The same as `--route-1` to `--route-8` in static/css/backroute.css, in the same order.
"""

from __future__ import annotations

ROUTE_COLOURS: tuple[tuple[str, str], ...] = (
    # (the colour, the ink of a label on it)
    ("#0067a3", "#ffffff"),
    ("#e08a00", "#111111"),
    ("#00785a", "#ffffff"),
    ("#d070a8", "#111111"),
    ("#5aaee3", "#111111"),
    ("#a83800", "#ffffff"),
    ("#e8d52e", "#111111"),
    ("#5b6270", "#ffffff"),
)

DASH = "8 6"


def route_colour(sequence: int) -> str:
    """The colour of the route with this number (from 1)."""
    return ROUTE_COLOURS[(sequence - 1) % len(ROUTE_COLOURS)][0]


def route_ink(sequence: int) -> str:
    return ROUTE_COLOURS[(sequence - 1) % len(ROUTE_COLOURS)][1]


def route_dash(sequence: int) -> str | None:
    """The dash pattern of its line: None for the first eight, which a colour alone tells apart."""
    return None if sequence <= len(ROUTE_COLOURS) else DASH


def route_class(sequence: int) -> str:
    """The CSS classes that set the route's colour: `route-3`; from the ninth on `route-1 route-dash`."""
    name = f"route-{(sequence - 1) % len(ROUTE_COLOURS) + 1}"
    return name if sequence <= len(ROUTE_COLOURS) else f"{name} route-dash"
