"""The store's part for calendars: who works when, which days a site is served, and what a zone's days hold already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import time
from typing import Any

from sqlalchemy import delete, select, update

from data.queries.needs import is_held
from data.store.part import parts
from data.store.parties import PartyStore
from data.tables import calendar, calendar_day, customer, delivery, depot, order, order_line, site, zone
from routing.errors import NotFound
from routing.model.day import CalendarFacts
from routing.model.orders import WEEKDAYS, DeliveryDays
from routing.rules.calendars import CalendarBook, site_days


class CalendarStore(PartyStore):
    def calendars(self, *, from_day: str = "") -> tuple[CalendarFacts, ...]:
        """Every calendar that decides about deliveries, with its single days from that ISO day on. A supplier's is
        none of them: it only flags what it brings."""
        days: dict[int, list[tuple[str, bool, str]]] = defaultdict(list)
        query = select(calendar_day).where(calendar_day.c.day >= from_day).order_by(calendar_day.c.day)
        for row in self.connection.execute(query):
            days[row.calendar_id].append((row.day, row.open, row.why))
        rows = self.connection.execute(select(calendar).where(calendar.c.scope != "supplier").order_by(calendar.c.id))
        return tuple(
            CalendarFacts(
                scope=row.scope,
                scope_id=row.scope_id,
                weekdays=tuple(sorted({word.strip() for word in row.weekdays.split(",")} - {""})),
                days=tuple(days[row.id]),
            )
            for row in rows
        )

    def delivery_days(self, depot_id: int, site_ids: Collection[int]) -> dict[int, DeliveryDays]:
        """When each site is served from the depot: its own delivery days or its zone's, on the depot's working days."""
        home = self.connection.execute(select(depot).where(depot.c.id == depot_id)).one()
        book = CalendarBook(self.calendars())
        found: dict[int, DeliveryDays] = {}
        for part in parts(site_ids):
            rows = self.connection.execute(
                select(
                    site.c.id,
                    site.c.delivery_days,
                    site.c.delivery_zone_id,
                    zone.c.delivery_days.label("zone_days"),
                    zone.c.cut_off,
                    zone.c.stops_a_day,
                )
                .outerjoin(zone, zone.c.id == site.c.delivery_zone_id)
                .where(site.c.id.in_(part))
            )
            for row in rows:
                found[row.id] = book.served(
                    depot_id=depot_id,
                    site_id=row.id,
                    zone_id=row.delivery_zone_id,
                    delivery_days=site_days(row.delivery_days, row.zone_days),
                    cut_off=_clock(row.cut_off or "23:59"),
                    zone_cut_off=row.cut_off or "",
                    zone=home.zone,
                    stops_a_day=row.stops_a_day,
                )
        return found

    def stops_are_limited(self) -> bool:
        """Whether any zone takes only so many stops a day."""
        limited = select(zone.c.id).where(zone.c.stops_a_day.is_not(None)).limit(1)
        return self.connection.execute(limited).first() is not None

    def stops_outside(self, depot_id: int, line_ids: Collection[int]) -> list[tuple[int, str, int]]:
        """(zone, ISO day, site) that these lines do not decide: what is released, and the dates of other lines; who is
        on hold does not go."""
        capped = site.c.delivery_zone_id.in_(select(zone.c.id).where(zone.c.stops_a_day.is_not(None)))
        released = (
            select(site.c.delivery_zone_id, delivery.c.for_day, delivery.c.site_id)
            .join(site, site.c.id == delivery.c.site_id)
            .where(capped, delivery.c.depot_id == depot_id, delivery.c.state.not_in(("unreleased", "failed")))
        )
        stops = {(row[0], row[1], row[2]) for row in self.connection.execute(released)}
        dated = (
            select(site.c.delivery_zone_id, order_line.c.expected_on, order.c.site_id, order_line.c.id)
            .join(order, order.c.id == order_line.c.order_id)
            .join(site, site.c.id == order.c.site_id)
            .join(customer, customer.c.id == order.c.customer_id)
            .where(
                capped, order.c.depot_id == depot_id, order.c.cancelled_at.is_(None), order_line.c.expected_on != "",
                order_line.c.cancelled < order_line.c.quantity, ~is_held(),
            )
        )  # fmt: skip
        ours = set(line_ids)
        stops |= {(row[0], row[1], row[2]) for row in self.connection.execute(dated) if row[3] not in ours}
        return sorted(stops)

    # ------------------------------------------------------------------ changes by people

    def set_calendar_day(self, *, scope: str, scope_id: int, day: str, is_open: bool, why: str) -> None:
        """What a scope's calendar says of an ISO day; saying it again replaces it.

        A calendar that begins here works on every day of the week: one holiday must not close the Saturdays.
        """
        self.insert_once(calendar, {"scope": scope, "scope_id": scope_id, "weekdays": ",".join(WEEKDAYS)})
        calendar_id = self.connection.execute(
            select(calendar.c.id).where(calendar.c.scope == scope, calendar.c.scope_id == scope_id)
        ).scalar_one()
        values = {"open": is_open, "why": why}
        same = {"calendar_id": calendar_id, "day": day}
        if self.insert_once(calendar_day, same | values) is None:
            self.connection.execute(update(calendar_day).filter_by(**same).values(values))

    def forget_calendar_day(self, *, scope: str, scope_id: int, day: str) -> None:
        ours = select(calendar.c.id).where(calendar.c.scope == scope, calendar.c.scope_id == scope_id)
        self.connection.execute(
            delete(calendar_day).where(calendar_day.c.calendar_id.in_(ours), calendar_day.c.day == day)
        )

    def change_zone(self, zone_id: int, values: Mapping[str, Any]) -> None:
        """Sets a zone; its sites that it no longer names by postcode, and those it now does, move. Raises NotFound."""
        old = self.connection.execute(select(zone).where(zone.c.id == zone_id)).first()
        if old is None:
            raise NotFound("This zone is no longer there. Look at the list again.", zone=zone_id)
        self.connection.execute(update(zone).where(zone.c.id == zone_id).values(**values))
        before, after = (postcodes(text) for text in (old.postcodes, str(values.get("postcodes", old.postcodes))))
        moved = (site.c.delivery_zone_id == zone_id) & site.c.postcode.in_(sorted(before - after))
        self.connection.execute(update(site).where(moved).values(delivery_zone_id=None))
        gained = site.c.postcode.in_(sorted(after - before))
        self.connection.execute(update(site).where(gained).values(delivery_zone_id=zone_id))
        self.assign_zones()


def postcodes(text: str) -> set[str]:
    return {part.strip() for part in text.replace(",", ";").split(";")} - {""}


def _clock(text: str) -> time:
    """24:00 is the end of the day, which `time` cannot say."""
    return time(23, 59, 59) if text.startswith("24") else time.fromisoformat(text.zfill(5))
