"""What is told when routes go out, and to whom: one notice per stop and recipient, however many orders.

Texts are not written here: `data` holds what a template needs, link ids in place of links.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from routing.model.day import RouteSheet, StopSheet
from routing.model.notices import Channel, Notice, NoticeKind, goods_line
from routing.model.parties import Company, Contact


def must_be_told(told: tuple[datetime, datetime] | None, start: datetime) -> bool:
    """Whether this start has to be told: nothing was told yet, or it lies outside what was told."""
    return told is None or not told[0] <= start <= told[1]


DAY_BEFORE = timedelta(hours=2)
"""How wide the window is that is told the day before."""
_AROUND = timedelta(minutes=45)
"""At least so long before and after the planned start the window of the day before reaches, on whole half hours."""


def window_the_day_before(start: datetime) -> tuple[datetime, datetime]:
    """Two hours around a planned start, on half hours.

    >>> from datetime import UTC
    >>> for minute in (0, 23, 50):
    ...     opens, closes = window_the_day_before(datetime(2026, 3, 4, 10, minute, tzinfo=UTC))
    ...     print(f"10:{minute:02}: {opens:%H:%M}-{closes:%H:%M}")
    10:00: 09:00-11:00
    10:23: 09:30-11:30
    10:50: 10:00-12:00
    """
    latest = start - _AROUND
    opens = latest - timedelta(minutes=latest.minute % 30, seconds=latest.second, microseconds=latest.microsecond)
    return opens, opens + DAY_BEFORE


def leaves_the_day_before(told: tuple[datetime, datetime] | None, start: datetime) -> bool:
    """Whether a start has to be told anew the day before. `told`: the live window that was kept for that door, a third
    of its time before the start; the two hours that went out with it reach `_AROUND` further."""
    if told is None:
        return True
    was = told[0] + (told[1] - told[0]) / 3
    return not was - _AROUND <= start <= was + _AROUND


def window_scheduled(
    sheet: RouteSheet,
    stop: StopSheet,
    *,
    start: datetime,
    contacts: Iterable[Contact],
    waiting: Sequence[tuple[int, str, str, str]],
    company: Company,
    link_id: int,
) -> tuple[Notice, ...]:
    """ "We come tomorrow, between ...", for each recipient at this door once: told when the plan is handed over before
    its day, at once."""
    window = window_the_day_before(start)
    return _at_the_door(
        NoticeKind.WINDOW_SCHEDULED,
        sheet,
        stop,
        start=start,
        window=window,
        contacts=contacts,
        waiting=waiting,
        company=company,
        link_id=link_id,
        not_before=None,
    )


def out_today(
    sheet: RouteSheet,
    stop: StopSheet,
    *,
    start: datetime,
    window: tuple[datetime, datetime],
    contacts: Iterable[Contact],
    waiting: Sequence[tuple[int, str, str, str]],
    company: Company,
    link_id: int,
    now: datetime,
) -> tuple[Notice, ...]:
    """ "Out today, with the window", for each recipient at this door once: what is brought, and what is fetched there.
    Not before the van leaves.
    """
    return _at_the_door(
        NoticeKind.OUT_TODAY,
        sheet,
        stop,
        start=start,
        window=window,
        contacts=contacts,
        waiting=waiting,
        company=company,
        link_id=link_id,
        not_before=sheet.departs_at if sheet.departs_at > now else None,
    )


def _at_the_door(
    kind: NoticeKind,
    sheet: RouteSheet,
    stop: StopSheet,
    *,
    start: datetime,
    window: tuple[datetime, datetime],
    contacts: Iterable[Contact],
    waiting: Sequence[tuple[int, str, str, str]],
    company: Company,
    link_id: int,
    not_before: datetime | None,
) -> tuple[Notice, ...]:
    """One notice a recipient; none where the van only fetches something.

    `start`: when service is expected to begin, by the plan or, of a van that is out, by its forecast.

    `waiting`: (units, unit, product, expected day) of what these orders still wait for.
    """
    zone = ZoneInfo(stop.zone)
    opens, closes = (each.astimezone(zone).strftime("%H:%M") for each in window)
    brought = [each for each in stop.deliveries if each.direction == "deliver"]
    if not brought:
        return ()  # the van only fetches something here: that it comes was agreed with who asked for it
    first = brought[0]
    goods = [line for delivery in brought for line in delivery.lines]
    fetched = [line for delivery in stop.deliveries if delivery.direction == "collect" for line in delivery.lines]
    data: dict[str, object] = {
        "company": company.name,
        "phone": company.phone,
        "customer": stop.customer,
        "site": stop.site,
        "goods": [goods_line(quantity=line.quantity, unit=line.unit, name=line.name) for line in goods],
        "fetched": [goods_line(quantity=line.quantity, unit=line.unit, name=line.name) for line in fetched],
        "waiting": [
            goods_line(quantity=units, unit=unit, name=name, expected_on=day) for units, unit, name, day in waiting
        ],
        "day": sheet.day,
        "window_from": opens,
        "window_to": closes,
        "eta": start.astimezone(zone).strftime("%H:%M"),
        "link_id": link_id,
        "driver": sheet.driver,
        "vehicle": sheet.vehicle,
        "references": sorted({ref for delivery in brought for ref in delivery.references}),
    }
    recipients = {(contact.channel, contact.address): contact for contact in contacts}
    return tuple(
        Notice(
            kind=kind,
            # The first delivery names the door: a stop gets a new id with every version of the plan.
            subject_kind="delivery",
            subject_id=first.delivery_id,
            occurrence=f"{sheet.day} {opens}-{closes}",
            recipient=contact.address,
            channel=contact.channel,
            language=contact.language,
            contact_id=contact.id,
            data=data,
            not_before=not_before,
        )
        for contact in recipients.values()
    )


def driver_route(sheet: RouteSheet, *, company: Company, link_id: int, version: int) -> tuple[Notice, ...]:
    """The driver's own link, by mail or else by SMS; nobody is told when the driver has neither."""
    if sheet.driver_email:
        channel, recipient = Channel.EMAIL, sheet.driver_email
    elif sheet.driver_phone:
        channel, recipient = Channel.SMS, sheet.driver_phone
    else:
        return ()
    zone = ZoneInfo(sheet.zone)
    return (
        Notice(
            kind=NoticeKind.DRIVER_ROUTE,
            subject_kind="shift",
            subject_id=sheet.shift_id,
            occurrence=f"{sheet.day} v{version}",
            recipient=recipient,
            channel=channel,
            language=sheet.driver_language,
            data={
                "company": company.name,
                "phone": company.phone,
                "driver": sheet.driver,
                "vehicle": sheet.vehicle,
                "day": sheet.day,
                "stops": len(sheet.stops),
                "window_from": sheet.departs_at.astimezone(zone).strftime("%H:%M"),
                "window_to": sheet.returns_at.astimezone(zone).strftime("%H:%M"),
                "link_id": link_id,
            },
        ),
    )
