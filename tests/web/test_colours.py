"""What is written can be read, by day and by night, and the routes' colours are the same on screen and paper."""

from __future__ import annotations

import re

import pytest

from web.assets import STATIC
from web.palette import ROUTE_COLOURS, route_class, route_colour, route_dash

READABLE = 4.5
SEEN = 3.0
STATES = ("waiting", "ready", "under-way", "done", "late", "failed")


def tokens(theme: str) -> dict[str, str]:
    sheets = ["backroute.css"] if theme == "light" else ["backroute.css", "dark.css"]
    found: dict[str, str] = {}
    for sheet in sheets:
        found |= dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", (STATIC / "css" / sheet).read_text()))
    return found


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio of two colours."""
    lights = sorted((_light(one), _light(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _light(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable_on_every_ground(theme: str) -> None:
    token = tokens(theme)
    pairs = [
        (ink, ground) for ink in ("ink", "ink-2", "ink-3", "accent") for ground in ("paper", "card", "sunk", "hover")
    ]
    pairs += [(state, f"{state}-soft") for state in STATES]
    pairs += [(state, "card") for state in STATES]
    pairs += [("ink", f"{state}-soft") for state in STATES]
    pairs += [
        ("accent-ink", "accent"),
        ("accent-ink", "accent-hover"),
        ("danger-ink", "danger"),
        ("accent", "accent-soft"),
    ]
    dim = {pair: round(contrast(token[pair[0]], token[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in dim.items() if ratio < READABLE} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_edge_of_a_control_is_seen(theme: str) -> None:
    token = tokens(theme)
    assert min(contrast(token["line-strong"], token[ground]) for ground in ("paper", "card", "sunk")) >= SEEN


def test_a_route_carries_its_label_readably_and_looks_the_same_on_paper() -> None:
    token = tokens("light")
    for number, (colour, ink) in enumerate(ROUTE_COLOURS, 1):
        assert (token[f"route-{number}"], token[f"route-{number}-ink"]) == (colour, ink)
        assert contrast(colour, ink) >= READABLE


def test_from_the_ninth_route_on_the_colours_come_again_with_dashes() -> None:
    assert (route_colour(9), route_class(9)) == (route_colour(1), "route-1 route-dash")
    assert (route_dash(8), route_dash(9)) == (None, "8 6")
