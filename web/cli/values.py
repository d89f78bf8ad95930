"""Values that several commands take, refused by name when they are none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import click

from data.queries.company import company_card
from routing.errors import InvalidInput
from routing.model.days import today_of
from routing.model.parties import Depot
from routing.rules.calendars import day_of
from web.wiring import Installation

BY = "command line"
"""Who changed something, as events and promises say it."""
LONGEST_SEARCH_S = 24 * 3600.0


class _Seconds(click.FloatRange):
    """A range that "not a number" is outside of: it is neither below nor above anything."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found: float = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return found


SECONDS = _Seconds(min=0.1, max=LONGEST_SEARCH_S)
"""How long to search."""
SEED = click.IntRange(min=0, max=2**31 - 1)


class _Day(click.ParamType[str]):
    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        # Not click's own refusal: with --json it must be a document like every other.
        return day_of(str(value)).isoformat()


DAY = _Day()
"""An ISO day in its one long form, so that 20260512 and 2026-05-12 are the same day everywhere."""


def depots_named(depots: Sequence[Depot], number: str | None) -> list[Depot]:
    """The depot of that number, or all without one. Raises InvalidInput when there is none."""
    if not depots:
        raise InvalidInput(
            "There is no depot yet. Import the fleet first: backroute import fleet FILE. The demo's company has a home "
            "of its own: export BACKROUTE_HOME to the folder that `backroute demo` names.",
            code="depot",
        )
    chosen = [depot for depot in depots if number in (None, depot.number)]
    if not chosen:
        known = ", ".join(depot.number for depot in depots)
        raise InvalidInput(f'There is no depot "{(number or "")[:40]}". Known are: {known}.', code="depot")
    return chosen


def the_day(here: Installation, day: str | None) -> str:
    """ISO; today by the company's zone when none was given."""
    if day is not None:
        return day
    with here.database.reading() as connection:
        zone = company_card(connection).zone
    return today_of(here.clock.now(), zone)
