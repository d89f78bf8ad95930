"""How much a delivery zone takes on one day, in stops: a day that is full is skipped by who was not promised it, the
lower rank first. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from routing.model.orders import DeliveryDays


class Room:
    """Which sites a zone goes to on a day. Two orders to one door are one stop.

    By hand: the zone takes 2 stops a day and site 1 is expected on the 3rd. Site 2 fits; site 3 does not; site 1 does,
    because the van stops there already.

        >>> room, third = Room([(7, "2026-03-03", 1)]), date(2026, 3, 3)
        >>> days = DeliveryDays(zone_id=7, stops_a_day=2)
        >>> room.takes(2, days, third)
        True
        >>> room.keep(2, days, "2026-03-03")
        >>> room.takes(3, days, third), room.takes(1, days, third)
        (False, True)

    On the 4th site 4 is promised: one more fits, and the stop of site 4 stays its own, whoever is asked first.

        >>> fourth = date(2026, 3, 4)
        >>> room.keep_promised(4, days, "2026-03-04")
        >>> room.keep(2, days, "2026-03-04")
        >>> room.takes(3, days, fourth), room.takes(4, days, fourth)
        (False, True)
    """

    def __init__(self, stops: Iterable[tuple[int, str, int]] = ()) -> None:
        """`stops`: (zone id, ISO day, site id) that are decided already."""
        self._sites: dict[tuple[int, str], set[int]] = defaultdict(set)
        for zone_id, day, site_id in stops:
            self._sites[zone_id, day].add(site_id)
        self._promised: dict[tuple[int, str], set[int]] = defaultdict(set)

    def takes(self, site_id: int, days: DeliveryDays, day: date) -> bool:
        """Whether one more stop fits, or the zone goes to that site that day anyway."""
        if days.zone_id is None or days.stops_a_day is None:
            return True
        sites = self._goes_to(days.zone_id, day.isoformat())
        return site_id in sites or len(sites) < days.stops_a_day

    def keep(self, site_id: int, days: DeliveryDays, day: str) -> None:
        """The site is expected on that ISO day; "" is no day."""
        if days.zone_id is not None and days.stops_a_day is not None and day:
            self._sites[days.zone_id, day].add(site_id)

    def keep_promised(self, site_id: int, days: DeliveryDays, day: str) -> None:
        """The site was promised that ISO day and has its stop on it, as far as the zone takes so many."""
        if days.zone_id is not None and days.stops_a_day is not None:
            sites = self._goes_to(days.zone_id, day)
            if site_id in sites or len(sites) < days.stops_a_day:
                self._promised[days.zone_id, day].add(site_id)

    def _goes_to(self, zone_id: int, day: str) -> set[int]:
        return self._sites.get((zone_id, day), _NONE) | self._promised.get((zone_id, day), _NONE)


_NONE: set[int] = set()
