"""The store's part for the company, customers, sites, contacts, depots and pins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from data.store.part import StorePart, parts
from data.tables import company, contact, customer, depot, order, region, site, site_window, zone
from routing.errors import NotFound
from routing.model.notices import Channel
from routing.model.parties import Company, Contact, Depot
from routing.model.places import Bounds, Location
from routing.rules.depot_region import DepotPlace, depot_regions, in_no_region
from routing.rules.reading import plain_postcode


class PartyStore(StorePart):
    # ------------------------------------------------------------------ company and depots

    def company(self) -> Company:
        row = self.connection.execute(select(company).order_by(company.c.id).limit(1)).first()
        if row is None:
            return Company()
        return Company(
            name=row.name,
            currency=row.currency,
            locale=row.locale,
            zone=row.zone,
            country=row.country,
            subdivision=row.subdivision,
            phone=row.phone,
            email=row.email,
        )

    def set_company(self, **values: str) -> None:
        """Sets fields of the company (name, currency, locale, zone, country, phone, email), making it if need be."""
        if not self.connection.execute(update(company).values(**values, version=company.c.version + 1)).rowcount:
            self.connection.execute(insert(company).values({"name": "", "currency": "EUR"} | values))

    def depots(self) -> list[Depot]:
        """Every depot, by number."""
        return [_depot(row) for row in self.connection.execute(select(depot).order_by(depot.c.number))]

    def depot(self, depot_id: int) -> Depot:
        """Raises NotFound."""
        row = self.connection.execute(select(depot).where(depot.c.id == depot_id)).first()
        if row is None:
            raise NotFound(f"There is no depot {depot_id}.", depot=depot_id)
        return _depot(row)

    def assign_regions(self, *, without: str = "") -> list[str]:
        """Gives every depot with a pin the region that covers it (`rules/depot_region`), as if there were no region of
        the name `without`.

        Returns the names of the depots that lie in no region, by number; none where no region's box is known.
        """
        boxes = self.region_boxes(without=without)
        rows = self.connection.execute(
            select(depot.c.id, depot.c.name, depot.c.lat, depot.c.lon, depot.c.region_id).order_by(depot.c.number)
        ).all()
        places = {
            row.id: DepotPlace(
                at=None if row.lat is None or row.lon is None else Location(lat=row.lat, lon=row.lon),
                region=row.region_id,
            )
            for row in rows
        }
        chosen = depot_regions(places, boxes)
        for row in rows:
            if chosen[row.id] != row.region_id:
                self.connection.execute(update(depot).where(depot.c.id == row.id).values(region_id=chosen[row.id]))
        names = {row.id: row.name for row in rows}
        return [names[key] for key in in_no_region(places, boxes)]

    def region_boxes(self, *, without: str = "") -> dict[int, Bounds | None]:
        """The box of each region by its key, None where nobody knows it; but for the region `without`."""
        return {
            row.id: box_of(row.facts)
            for row in self.connection.execute(select(region.c.id, region.c.name, region.c.facts))
            if row.name != without
        }

    def depot_rows(self) -> dict[str, dict[str, Any]]:
        return {row["number"]: dict(row) for row in self.connection.execute(select(depot)).mappings()}

    def save_depot(self, depot_id: int | None, values: Mapping[str, Any]) -> int:
        if depot_id is None:
            made: int = self.connection.execute(insert(depot).values(values).returning(depot.c.id)).scalar_one()
            return made
        self.connection.execute(
            update(depot).where(depot.c.id == depot_id).values(**values, version=depot.c.version + 1)
        )
        return depot_id

    # ------------------------------------------------------------------ customers, sites, contacts

    def customers(self, numbers: Collection[str], *, source: str = "own") -> dict[str, dict[str, Any]]:
        """The rows of the customers that exist, by number."""
        found: dict[str, dict[str, Any]] = {}
        for part in parts(numbers):
            query = select(customer).where(customer.c.source == source, customer.c.number.in_(part))
            found |= {row["number"]: dict(row) for row in self.connection.execute(query).mappings()}
        return found

    def sites(self, numbers: Collection[str], *, source: str = "own") -> dict[str, dict[str, Any]]:
        """The rows of the sites that exist, by number; `customer` is the number of their customer."""
        found: dict[str, dict[str, Any]] = {}
        for part in parts(numbers):
            query = (
                select(site, customer.c.number.label("customer"))
                .join(customer, customer.c.id == site.c.customer_id)
                .where(site.c.source == source, site.c.number.in_(part))
            )
            found |= {row["number"]: dict(row) for row in self.connection.execute(query).mappings()}
        return found

    def sites_of_customers(self, customer_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
        """The rows of all sites of each customer, by its key, in the order of their numbers; as `sites` gives them."""
        found: dict[int, list[dict[str, Any]]] = {}
        for part in parts(customer_ids):
            query = (
                select(site, customer.c.number.label("customer"))
                .join(customer, customer.c.id == site.c.customer_id)
                .where(site.c.customer_id.in_(part))
                .order_by(site.c.number)
            )
            for row in self.connection.execute(query).mappings():
                found.setdefault(row["customer_id"], []).append(dict(row))
        return found

    def sites_of_orders(self, numbers: Collection[str]) -> dict[tuple[str, str], int]:
        """The key of the site of each order that exists, by (source, number)."""
        found: dict[tuple[str, str], int] = {}
        for part in parts(numbers):
            query = select(order.c.source, order.c.number, order.c.site_id).where(order.c.number.in_(part))
            found |= {(row.source, row.number): row.site_id for row in self.connection.execute(query)}
        return found

    def site_windows(self, site_ids: Collection[int]) -> dict[int, list[tuple[str, str, str]]]:
        """The receiving hours of each site that hold every delivery day: (opens, closes, kind), sorted."""
        found: dict[int, list[tuple[str, str, str]]] = {}
        for part in parts(site_ids):
            query = select(site_window).where(site_window.c.site_id.in_(part), site_window.c.weekdays == "")
            for row in self.connection.execute(query.order_by(site_window.c.opens, site_window.c.closes)):
                found.setdefault(row.site_id, []).append((row.opens, row.closes, row.kind))
        return found

    def save_customer(self, customer_id: int | None, values: Mapping[str, Any]) -> int:
        if customer_id is None:
            made: int = self.connection.execute(insert(customer).values(values).returning(customer.c.id)).scalar_one()
            return made
        self.connection.execute(
            update(customer).where(customer.c.id == customer_id).values(**values, version=customer.c.version + 1)
        )
        return customer_id

    def site_row(self, site_id: int, *, lock: bool = False) -> dict[str, Any]:
        """The row of a site; with `lock` nobody else changes it before this transaction ends. Raises NotFound."""
        query = select(site).where(site.c.id == site_id)
        row = self.connection.execute(query.with_for_update() if lock else query).mappings().first()
        if row is None:
            raise NotFound(f"There is no site {site_id}. Go back to the list of addresses.", site=site_id)
        return dict(row)

    def save_site(self, site_id: int | None, values: Mapping[str, Any]) -> int:
        """A site whose address changed loses its pin: it has to be found again."""
        if site_id is None:
            made: int = self.connection.execute(insert(site).values(values).returning(site.c.id)).scalar_one()
            return made
        if values.keys() & {"address", "postcode", "city", "country"}:
            values = dict(values) | {
                "lat": None,
                "lon": None,
                "pin_quality": "not_found",
                "pin_provider": "",
                "pin_label": "",
                "pin_why": "The address was changed by an import.",
                "pin_by": "",
                "pin_at": None,
                "pin_candidates": None,
            }
        self.connection.execute(update(site).where(site.c.id == site_id).values(**values, version=site.c.version + 1))
        return site_id

    def set_site_windows(self, site_id: int, windows: Collection[tuple[str, str, str]]) -> None:
        """Replaces the hours that hold every delivery day; those of single weekdays stay."""
        self.connection.execute(
            delete(site_window).where(site_window.c.site_id == site_id, site_window.c.weekdays == "")
        )
        for opens, closes, kind in windows:
            self.connection.execute(insert(site_window).values(site_id=site_id, opens=opens, closes=closes, kind=kind))

    def contact_rows(self, customer_ids: Collection[int]) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Contacts by (customer, site, role, channel, address)."""
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for part in parts(customer_ids):
            for row in self.connection.execute(select(contact).where(contact.c.customer_id.in_(part))).mappings():
                key = (row["customer_id"], row["site_id"], row["role"], row["channel"], row["address"])
                found[key] = dict(row)
        return found

    def save_contact(self, contact_id: int | None, values: Mapping[str, Any]) -> int:
        if contact_id is None:
            made: int = self.connection.execute(insert(contact).values(values).returning(contact.c.id)).scalar_one()
            return made
        self.connection.execute(update(contact).where(contact.c.id == contact_id).values(**values))
        return contact_id

    def who_is_told(self, customer_id: int, site_id: int, *, role: str) -> list[Contact]:
        """Who agreed to hear of this: the site's contacts of that role, or else the customer's. By id."""
        return self.who_are_told({(customer_id, site_id)}, role=role)[customer_id, site_id]

    def who_are_told(self, doors: Collection[tuple[int, int]], *, role: str) -> dict[tuple[int, int], list[Contact]]:
        """The same for many (customer, site) at once."""
        of_customer: dict[int, list[Contact]] = defaultdict(list)
        for part in parts({customer_id for customer_id, _ in doors}):
            query = (
                select(contact, customer.c.language.label("customer_language"))
                .join(customer, customer.c.id == contact.c.customer_id)
                .where(contact.c.customer_id.in_(part), contact.c.role == role, contact.c.consent.is_(True))
                .order_by(contact.c.id)
            )
            for row in self.connection.execute(query):
                of_customer[row.customer_id].append(
                    Contact(
                        id=row.id,
                        customer_id=row.customer_id,
                        site_id=row.site_id,
                        name=row.name,
                        channel=Channel(row.channel),
                        address=row.address,
                        language=row.language or row.customer_language,
                    )
                )
        found = {}
        for customer_id, site_id in doors:
            everybody = of_customer.get(customer_id, [])
            at_site = [each for each in everybody if each.site_id == site_id]
            found[customer_id, site_id] = at_site or [each for each in everybody if each.site_id is None]
        return found

    # ------------------------------------------------------------------ zones

    def zone_rows(self) -> dict[tuple[int, str], dict[str, Any]]:
        """Delivery zones by (depot id, number)."""
        return {(row["depot_id"], row["number"]): dict(row) for row in self.connection.execute(select(zone)).mappings()}

    def save_zone(self, zone_id: int | None, values: Mapping[str, Any]) -> int:
        if zone_id is None:
            made: int = self.connection.execute(insert(zone).values(values).returning(zone.c.id)).scalar_one()
            return made
        self.connection.execute(update(zone).where(zone.c.id == zone_id).values(**values))
        return zone_id

    def assign_zones(self) -> int:
        """Gives every site without a zone the one that names its postcode, or else the only zone that names none at
        the depot of the site's newest order; with one such zone in all, that one.

        Returns how many sites were given one. A zone that a site has stays.
        """
        zones = self.connection.execute(select(zone).order_by(zone.c.id)).all()
        if not zones:
            return 0
        by_postcode: dict[str, int] = {}
        for row in zones:
            for postcode in row.postcodes.replace(",", ";").split(";"):
                if plain := plain_postcode(postcode):
                    by_postcode.setdefault(plain, row.id)
        everywhere = [row.id for row in zones if not row.postcodes.strip()]
        of_depot: dict[int, list[int]] = defaultdict(list)
        for row in zones:
            if not row.postcodes.strip():
                of_depot[row.depot_id].append(row.id)
        served_by = self._served_by() if len(everywhere) > 1 else {}
        without = self.connection.execute(select(site.c.id, site.c.postcode).where(site.c.delivery_zone_id.is_(None)))
        chosen: dict[int, list[int]] = {}
        for row in without.all():
            at_depot = everywhere if len(everywhere) == 1 else of_depot.get(served_by.get(row.id, 0), [])
            zone_id = by_postcode.get(plain_postcode(row.postcode)) or (at_depot[0] if len(at_depot) == 1 else None)
            if zone_id is not None:
                chosen.setdefault(zone_id, []).append(row.id)
        for zone_id, site_ids in chosen.items():
            for part in parts(site_ids):
                self.connection.execute(update(site).where(site.c.id.in_(part)).values(delivery_zone_id=zone_id))
        return sum(len(site_ids) for site_ids in chosen.values())

    def _served_by(self) -> dict[int, int]:
        """The depot of the newest order of every site that has no zone and has ordered, by site."""
        newest = (
            select(order.c.site_id, func.max(order.c.id).label("id"))
            .join(site, site.c.id == order.c.site_id)
            .where(site.c.delivery_zone_id.is_(None))
            .group_by(order.c.site_id)
            .subquery()
        )
        query = select(order.c.site_id, order.c.depot_id).join(newest, newest.c.id == order.c.id)
        return {row.site_id: row.depot_id for row in self.connection.execute(query)}


def box_of(facts: Mapping[str, Any]) -> Bounds | None:
    """The box of a region by what its build found; None where that does not say it."""
    sides = facts.get("bounds")
    return Bounds(**{side: float(sides[side]) for side in ("south", "west", "north", "east")}) if sides else None


def _depot(row: Row[Any]) -> Depot:
    return Depot(id=row.id, number=row.number, name=row.name, zone=row.zone)
