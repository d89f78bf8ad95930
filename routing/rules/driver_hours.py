"""What rules let a driver do: hours at the wheel, a break in between, how long a duty lasts, rest since the last one.

The set "eu" is Regulation (EC) 561/2006 as it holds on any day: 9 hours of driving (art. 6), a break of 45 minutes
after at most 4½ hours at the wheel (art. 7), 11 hours of rest within 24 hours (art. 8), so that 13 are left for the
duty with loading and debrief. What it allows only now and then (10 hours of driving, 9 of rest, a break in two parts)
is for people to decide and is not planned with.

A shift of the solver has one limit of driving, over its whole route. The break is therefore kept on the safe side: 9
hours are driven only where the breaks lie so that no stretch between two of them can hold more than 4½; else 4½ in all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from routing.errors import InvalidInput
from routing.model.plans import Break, ShiftOffer

HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursRule:
    """Seconds: driving in a day, driving until a break of `break_s` is due, the duty of a day, rest before the next."""

    driving_s: int
    at_once_s: int
    break_s: int
    duty_s: int
    rest_s: int


RULE_SETS: Mapping[str, HoursRule | None] = {
    "none": None,
    "eu": HoursRule(
        driving_s=9 * HOUR_S,
        at_once_s=4 * HOUR_S + HOUR_S // 2,
        break_s=45 * 60,
        duty_s=13 * HOUR_S,
        rest_s=11 * HOUR_S,
    ),
}
"""By the name that a driver carries. A set that is not named here is refused."""


def rule_of(rule_set: str, *, who: str) -> HoursRule | None:
    """None where nothing limits. Raises InvalidInput for a set that nobody knows."""
    if rule_set not in RULE_SETS:
        known = ", ".join(RULE_SETS)
        raise InvalidInput(f'Driver hours "{rule_set}" of {who} are not known. Choose one of: {known}.')
    return RULE_SETS[rule_set]


def under(rule: HoursRule | None, offer: ShiftOffer, *, duty_from_s: int | None = None, share: int = 1) -> ShiftOffer:
    """The shift as the rule allows it: over in time, and driven no more than may be.

    `duty_from_s`: when the driver's duty of that day began, when that was before this shift; `share`: among so many
    shifts of the day the driving is shared alike.

    >>> van = ShiftOffer(id=1, profile="van", start=0, end=0, start_s=0, end_s=15 * HOUR_S, capacity=())
    >>> kept = under(RULE_SETS["eu"], van)
    >>> kept.end_s / HOUR_S, kept.max_travel_s / HOUR_S
    (13.0, 4.5)
    """
    if rule is None:
        return offer
    over_s = (offer.start_s if duty_from_s is None else min(duty_from_s, offer.start_s)) + rule.duty_s
    end_s = min(offer.end_s, over_s)
    kept = replace(offer, end_s=end_s, overtime_s=min(offer.until_s, max(over_s, end_s)) - end_s)
    return replace(kept, max_travel_s=_driving_s(rule, kept) // share)


def _driving_s(rule: HoursRule, offer: ShiftOffer) -> int:
    """All that a day allows, or only what may be driven at once, where a stretch without a break could hold more."""
    free_s = offer.start_s + offer.loading_s
    for first_s, last_s, duration_s in sorted(_rests(rule, offer.breaks)):
        if last_s - free_s > rule.at_once_s:
            return rule.at_once_s
        free_s = first_s + duration_s
    last_s = offer.until_s - offer.debrief_s
    return rule.at_once_s if last_s - free_s > rule.at_once_s else rule.driving_s


def _rests(rule: HoursRule, breaks: tuple[Break, ...]) -> list[tuple[int, int, int]]:
    """(earliest begin, latest begin, length) of each break that is long enough."""
    return [
        (min(each.start_s for each in pause.windows), max(each.end_s for each in pause.windows), pause.duration_s)
        for pause in breaks
        if pause.duration_s >= rule.break_s
    ]
