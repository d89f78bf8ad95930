"""Why a date: supply, receiving, cut-off, wish, delivery days and room of the zone, as short sentences."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from routing.rules.why_date import Skipped, SkippedDay
from routing.services.explaining import DatedLine, DatedOrder
from web.formats import day as written_day

DAY = "EEE d MMM"


def served_words(order: DatedOrder, zone: str, weekdays: dict[str, str]) -> str:
    """When the door is served: the zone, its days, its cut-off and its room."""
    names = list(weekdays.values())
    served = ", ".join(names[each] for each in sorted(order.days.weekdays)) or _("no day of the week")
    said = (
        _("Served %(days)s", days=served) if not zone else _("Zone %(zone)s: served %(days)s", zone=zone, days=served)
    )
    said += "; " + _("ordered by %(time)s for the next day", time=f"{order.days.cut_off:%H:%M}")
    if order.days.stops_a_day is not None:
        said += "; " + _("at most %(n)s stops a day", n=order.days.stops_a_day)
    return said + "."


def steps(order: DatedOrder, line: DatedLine) -> list[str]:
    """One sentence a step, from the goods to the day."""
    zone = ZoneInfo(order.days.zone)
    ready, ordered, why = line.ready_at.astimezone(zone), order.ordered_at.astimezone(zone), line.why
    if line.is_stock:
        said = [_("On the shelf (%(supply)s): may go from %(day)s.", supply=line.supply, day=_day(why.by_goods))]
    else:
        said = [
            _(
                "Comes with %(supply)s, put away by %(ready)s: may go from %(day)s.",
                supply=line.supply,
                ready=f"{_day(ready.date())} {ready:%H:%M}",
                day=_day(why.by_goods),
            )
        ]
    if why.by_order >= why.start:
        said.append(
            _(
                "Ordered %(when)s, cut-off %(time)s: from %(day)s.",
                when=f"{_day(ordered.date())} {ordered:%H:%M}",
                time=f"{order.days.cut_off:%H:%M}",
                day=_day(why.by_order),
            )
        )
    if why.wanted is not None and why.wanted >= why.start:
        said.append(_("Not wanted before %(day)s.", day=_day(why.wanted)))
    for reason, word in ((Skipped.NOT_SERVED, _("Not served on %(days)s.")), (Skipped.FULL, _("Full on %(days)s."))):
        if passed := [each for each in why.skipped if each.why is reason]:
            said.append(word % {"days": _days(passed)})
    if line.day != line.own_day:
        said.append(_("It could go on %(day)s, and waits for the rest of its order.", day=_day(line.own_day)))
    elif not line.stands:
        said.append(_("That was so when it was last decided; the next receipt or change decides it again."))
    return said


def _days(passed: Sequence[SkippedDay]) -> str:
    return ", ".join(_day(each.day) for each in passed[:4]) + (" …" if len(passed) > 4 else "")


def _day(day: object) -> str:
    return written_day(day, DAY)  # type: ignore[arg-type]
