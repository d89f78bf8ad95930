"""The figures of a period in rows, as the page, the command and the JSON show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from data.queries.period_figures import PeriodFigures
from routing.errors import InvalidInput
from routing.model.days import day_words
from routing.rules.figures.backorders import AgeBucket
from routing.rules.figures.figure import Ratio, Spread
from routing.rules.figures.words import ETA, HOURS, WORDS, why_no_door_counts

NOT_BEGUN = "the period has not begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """`ratio` None: not known, and `why` says since when it would be. Where there was nothing to count, `why` may say
    what was missing."""

    key: str
    name: str
    definition: str
    ratio: Ratio | None
    why: str = ""

    @property
    def percent(self) -> str:
        return percent(self.ratio)

    @property
    def counted(self) -> str:
        if self.ratio is None:
            return self.why
        if not self.ratio.denominator:
            return self.why or "nothing to count"
        return f"{self.ratio.numerator:.0f} of {self.ratio.denominator:.0f}"


def percent(ratio: Ratio | None) -> str:
    return "–" if ratio is None or ratio.value is None else f"{ratio.value * 100:.1f} %"


def figure_rows(found: PeriodFigures) -> dict[str, FigureRow]:
    """By key, in the order of the words."""
    promises = found.promises
    ratios: dict[str, Ratio | None] = {
        "flow_units": found.flow.units if found.flow else None,
        "flow_lines": found.flow.lines if found.flow else None,
        "flow_orders": found.flow.orders if found.flow else None,
        "stock_units": found.stock.units if found.stock else None,
        "stock_lines": found.stock.lines if found.stock else None,
        "stock_orders": found.stock.orders if found.stock else None,
        "covered": found.covered,
        "circulating": found.circulating,
        "fill": promises.fill if promises else None,
        "orders_first": promises.first.kept if promises else None,
        "orders_last": promises.last.kept if promises else None,
        "slips": found.slipped,
        **found.doors,
        "inbound": Ratio(numerator=found.inbounds.on_the_day, denominator=found.inbounds.due),
        "urgent": Ratio(numerator=sum(count for _by, count in found.urgent), denominator=found.orders),
    }
    since = (
        f"not known before {day_words(found.known_since)}" if found.known_since else "not known yet: no order came in"
    )
    why = {key: "no day of the period is over yet" for key in ("fill", "orders_first", "orders_last")}
    if found.known_since and found.known_since <= found.period.last.isoformat() and found.stock is None:
        # It stood somehow on every day since then: the period itself is still to come.
        why |= dict.fromkeys(("stock_units", "stock_lines", "stock_orders", "covered", "circulating"), NOT_BEGUN)
    return {
        key: FigureRow(
            key=key,
            name=name,
            definition=definition,
            ratio=ratios[key],
            why=why.get(key, since)
            if ratios[key] is None
            else why_no_door_counts(key, found.doors, deliveries=found.deliveries),
        )
        for key, (name, definition) in WORDS.items()
    }


def as_document(found: PeriodFigures) -> dict[str, Any]:
    """For programs. `value` is null where there was nothing to count, the whole ratio where it is not known;
    `unknown` says why."""
    promises = found.promises
    return {
        "from": found.period.first,
        "to": found.period.last,
        "zone": found.period.zone,
        "backorders_known_since": found.known_since,
        "figures": {
            key: {
                "name": row.name,
                "numerator": row.ratio and row.ratio.numerator,
                "denominator": row.ratio and row.ratio.denominator,
                "value": row.ratio and row.ratio.value,
                "definition": row.definition,
                "unknown": row.why,
            }
            for key, row in figure_rows(found).items()
        },
        "hours": {
            key: {"name": name, "definition": definition, **_spread(getattr(found, key))}
            for key, (name, definition) in HOURS.items()
        },
        "eta_minutes": {
            "definition": ETA[1],
            "mean_absolute": found.eta.mean,
            "p90_absolute": found.eta.p90,
            "bias": found.eta.bias,
            "n": found.eta.n,
        },
        "ageing": None
        if found.ageing is None
        else {
            "since_ordered": [_bucket(each) for each in found.ageing.since_ordered],
            "past_first_promise": [_bucket(each) for each in found.ageing.past_promise],
            "not_due": _bucket(found.ageing.not_due),
            "unpromised": _bucket(found.ageing.unpromised),
        },
        "slips": {
            "by_cause": [{"cause": cause.value, "promises": count} for cause, count in found.slips.by_cause],
            "at_the_customers_wish": found.slips.at_wish,
        },
        "deliveries": {
            "on_the_lists": found.deliveries,
            "untold": found.untold,
            "customer_caused": found.customer_caused,
        },
        "orders": None
        if promises is None
        else {
            "first": {"early": promises.first.early, "customer_caused": promises.first.customer_caused},
            "last": {"early": promises.last.early, "customer_caused": promises.last.customer_caused},
        },
        "inbound": found.inbounds,
        "urgent_by": [{"by": by, "orders": count} for by, count in found.urgent],
        "series": [
            {
                "from": start,
                "to": end,
                **{
                    key: series[n] and {"numerator": series[n].numerator, "denominator": series[n].denominator}
                    for key, series in series_of(found).items()
                },
            }
            for n, (start, end) in enumerate(found.period.spans)
        ],
    }


def series_of(found: PeriodFigures) -> dict[str, tuple[Any, ...]]:
    """By key of a figure: a ratio, or None where it is not known, of each step of the period."""
    nothing = tuple(None for _step in found.period.steps)
    return {
        "stock_units": found.stock_by_step,
        "flow_units": found.flow_by_step,
        "fill": found.promises.fill_by_step if found.promises else nothing,
        "otif": found.otif_by_step,
    }


def _spread(of: Spread) -> dict[str, Any]:
    return {"median": of.median, "p90": of.p90, "n": of.n}


def _bucket(of: AgeBucket) -> dict[str, Any]:
    return {"days": of.days, "lines": of.lines, "units": of.units}


PERIODS = ("today", "yesterday", "week", "7", "30", "month")


def named_period(name: str, today: date) -> tuple[date, date]:
    """First and last day. Raises InvalidInput for a name that is none.

    >>> [day.isoformat() for day in named_period("week", date(2026, 3, 4))]
    ['2026-03-02', '2026-03-04']
    >>> [day.isoformat() for day in named_period("30", date(2026, 3, 4))]
    ['2026-02-03', '2026-03-04']
    """
    yesterday = today - timedelta(days=1)
    match name:
        case "today":
            return today, today
        case "yesterday":
            return yesterday, yesterday
        case "week":
            return today - timedelta(days=today.weekday()), today
        case "7":
            return today - timedelta(days=6), today
        case "30":
            return today - timedelta(days=29), today
        case "month":
            return today.replace(day=1), today
    raise InvalidInput(f'"{name[:20]}" is no period. Take one of: {", ".join(PERIODS)}.', code="period")
