"""What rules let a driver do: hours at the wheel, a break in between, how long a duty lasts, rest since the last one.

The set "eu" is Regulation (EC) 561/2006 as it holds on any day: 9 hours of driving (art. 6), a break of 45 minutes
after at most 4½ hours at the wheel, in one or as at least 15 and then at least 30 (art. 7), 11 hours of rest within 24
hours (art. 8), so that 13 are left for the duty with loading and debrief. A person may say of a shift that its driver
rests 9 hours only after it, which may be three times between two weekly rests; then 15 are left for the duty. That 10
hours may be driven twice a week is for people to decide and is not planned with.

No more than 56 hours are driven in a week, from Monday to Sunday, and no more than 90 in two that follow each other
(art. 6). The search plans by the day and knows nothing of them: what a plan comes to, together with those of the days
around it, is said (`over_the_week`), so that a person gives a day to somebody else.

A shift of the solver has one limit of driving, over its whole route. The break is therefore kept on the safe side: 9
hours are driven only where the breaks lie so that no stretch between two of them can hold more than 4½; else 4½ in all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from routing.errors import InvalidInput
from routing.model.days import day_words
from routing.model.plans import Break, ShiftOffer

HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursRule:
    """Seconds: driving in a day, driving until a break of `break_s` is due, or of `split_s` one after the other;
    rest before the next duty, full or reduced. What it leaves of 24 hours is the duty. Then driving in a week from
    Monday on, and in two that follow each other."""

    driving_s: int
    at_once_s: int
    break_s: int
    split_s: tuple[int, int]
    rest_s: int
    reduced_s: int
    week_s: int
    two_weeks_s: int

    def rest_after_s(self, *, reduced: bool) -> int:
        return self.reduced_s if reduced else self.rest_s

    def duty_s(self, *, reduced: bool) -> int:
        """How long a duty lasts at most."""
        return 24 * HOUR_S - self.rest_after_s(reduced=reduced)


RULE_SETS: Mapping[str, HoursRule | None] = {
    "none": None,
    "eu": HoursRule(
        driving_s=9 * HOUR_S,
        at_once_s=4 * HOUR_S + HOUR_S // 2,
        break_s=45 * 60,
        split_s=(15 * 60, 30 * 60),
        rest_s=11 * HOUR_S,
        reduced_s=9 * HOUR_S,
        week_s=56 * HOUR_S,
        two_weeks_s=90 * HOUR_S,
    ),
}
"""By the name that a driver carries. A set that is not named here is refused."""

MOST_REDUCED = 3
"""So often a driver may rest less between two weekly rests."""


def rule_of(rule_set: str, *, who: str) -> HoursRule | None:
    """None where nothing limits. Raises InvalidInput for a set that nobody knows."""
    if rule_set not in RULE_SETS:
        known = ", ".join(RULE_SETS)
        raise InvalidInput(f'Driver hours "{rule_set}" of {who} are not known. Choose one of: {known}.')
    return RULE_SETS[rule_set]


def under(
    rule: HoursRule | None,
    offer: ShiftOffer,
    *,
    duty_from_s: int | None = None,
    share: int = 1,
    reduced: bool = False,
) -> ShiftOffer:
    """The shift as the rule allows it: over in time, and driven no more than may be.

    `duty_from_s`: when the driver's duty of that day began, when that was before this shift; `share`: among so many
    shifts of the day the driving is shared alike; `reduced`: its driver rests less after it.

    >>> van = ShiftOffer(id=1, profile="van", start=0, end=0, start_s=0, end_s=15 * HOUR_S, capacity=())
    >>> kept = under(RULE_SETS["eu"], van)
    >>> kept.end_s / HOUR_S, kept.max_travel_s / HOUR_S
    (13.0, 4.5)
    >>> under(RULE_SETS["eu"], van, reduced=True).end_s / HOUR_S
    15.0
    """
    if rule is None:
        return offer
    over_s = (offer.start_s if duty_from_s is None else min(duty_from_s, offer.start_s)) + rule.duty_s(reduced=reduced)
    end_s = min(offer.end_s, over_s)
    kept = replace(offer, end_s=end_s, overtime_s=min(offer.until_s, max(over_s, end_s)) - end_s)
    return replace(kept, max_travel_s=_driving_s(rule, kept) // share)


def monday_of(day: str) -> date:
    """The Monday of the week in which that ISO day lies."""
    when = date.fromisoformat(day)
    return when - timedelta(days=when.weekday())


def over_the_week(rule: HoursRule | None, *, driver: str, day: str, drives: Mapping[str, int]) -> tuple[str, ...]:
    """What the week of that ISO day breaks, alone or with the one before or after; nothing where it may be driven so.

    `drives`: seconds at the wheel by the ISO day on which a shift begins, of all that is known from a week before to a
    week after. A night from Sunday to Monday counts where it begins.

    Ten hours a day on six days are 60; a week of 35 before it makes 95 of two:

    >>> week = {f"2026-05-{n:02}": 10 * HOUR_S for n in range(11, 17)}
    >>> before = {f"2026-05-{n:02}": 7 * HOUR_S for n in range(4, 9)}
    >>> said = over_the_week(RULE_SETS["eu"], driver="Driver 7", day="2026-05-13", drives=week | before)
    >>> for each in said:
    ...     print(each.partition(":")[0])
    Driver 7 drives 60 h 00 min in the week from Mon 11 May 2026, more than the 56 h allowed
    Driver 7 drives 95 h 00 min in the two weeks from Mon 4 May 2026, more than the 90 h allowed
    >>> said[0].partition(": ")[2]
    'give a day to another driver.'

    Fifty-six to the second may be driven, and any number under no rule:

    >>> full = {f"2026-05-{n:02}": 8 * HOUR_S for n in range(11, 18)}
    >>> over_the_week(RULE_SETS["eu"], driver="Driver 7", day="2026-05-13", drives=full)
    ()
    >>> over_the_week(None, driver="Driver 7", day="2026-05-13", drives=week)
    ()
    """
    if rule is None:
        return ()
    by_week: dict[date, int] = {}
    for each, seconds in drives.items():
        by_week[monday_of(each)] = by_week.get(monday_of(each), 0) + seconds
    monday, week = monday_of(day), timedelta(days=7)
    spans = [
        ("week", monday, by_week.get(monday, 0), rule.week_s),
        *(
            ("two weeks", first, by_week.get(first, 0) + by_week.get(first + week, 0), rule.two_weeks_s)
            for first in (monday - week, monday)
        ),
    ]
    return tuple(
        f"{driver} drives {driven_s // HOUR_S} h {driven_s % HOUR_S // 60:02} min in the {name} from "
        f"{day_words(first)}, more than the {most_s // HOUR_S} h allowed: give a day to another driver."
        for name, first, driven_s, most_s in spans
        if driven_s > most_s
    )


def _driving_s(rule: HoursRule, offer: ShiftOffer) -> int:
    """All that a day allows, or only what may be driven at once, where a stretch without a break could hold more.

    The second part of a split break ends a stretch; the first is no driving either.
    """
    free_s = offer.start_s + offer.loading_s
    part_s, part_over_s = 0, 0
    for first_s, last_s, duration_s in sorted(_pauses(offer.breaks)):
        ends = duration_s >= rule.break_s or (
            part_s >= rule.split_s[0] and part_over_s <= first_s and duration_s >= rule.split_s[1]
        )
        if ends:
            if last_s - free_s - part_s > rule.at_once_s:
                return rule.at_once_s
            free_s, part_s, part_over_s = first_s + duration_s, 0, 0
        elif not part_s and duration_s >= rule.split_s[0]:
            part_s, part_over_s = duration_s, last_s + duration_s
    last_s = offer.until_s - offer.debrief_s
    return rule.at_once_s if last_s - free_s - part_s > rule.at_once_s else rule.driving_s


def _pauses(breaks: tuple[Break, ...]) -> list[tuple[int, int, int]]:
    """(earliest begin, latest begin, length) of each break."""
    return [
        (min(each.start_s for each in pause.windows), max(each.end_s for each in pause.windows), pause.duration_s)
        for pause in breaks
    ]
