"""The store's part for pins: where sites and depots are, and what a person once decided about an address."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, or_, select, update

from data.store.part import StorePart, parts
from data.tables import address_pin, depot, geocode_answer, order, region, site, task, vehicle, zone
from routing.errors import NotFound
from routing.model.places import SURE, Candidate, Location, PinQuality
from routing.model.tasks import TaskKind
from routing.services.locating import Pin, SameCustomer, WantsPin


class PinStore(StorePart):
    def wanting_pins(
        self, *, depot_ids: Sequence[int] | None = None, site_ids: Sequence[int] | None = None, again: bool = False
    ) -> tuple[WantsPin, ...]:
        """Depots without a place, then sites without a sure pin, by id.

        Sites that already wait for a person are left alone unless `again`. With `site_ids`: only these sites.
        """
        wanting: list[WantsPin] = []
        regions = {row.id: row.name for row in self.connection.execute(select(region.c.id, region.c.name))}
        of_sites = self.regions_of_sites() if regions else {}
        if site_ids is None:
            where = [depot.c.lat.is_(None)]
            if depot_ids is not None:
                where.append(depot.c.id.in_(depot_ids))
            wanting += [
                replace(_depot(row), region=regions.get(row.region_id, ""))
                for row in self.connection.execute(select(depot).where(*where).order_by(depot.c.id))
            ]
        unsure = [or_(site.c.lat.is_(None), site.c.pin_quality.not_in(SURE))]
        if not again:
            unsure.append(site.c.pin_at.is_(None))
        if site_ids is not None:
            unsure.append(site.c.id.in_(site_ids))
        wanting += [
            replace(_site(row), region=of_sites.get(row.id, ""))
            for row in self.connection.execute(select(site).where(*unsure).order_by(site.c.id))
        ]
        return tuple(wanting)

    def regions_of_sites(self, site_ids: Collection[int] | None = None) -> dict[int, str]:
        """The region of the depot that serves a site, by the site's key: the depot of its newest order, else of its
        delivery zone. Without those whose depot has no region, or that no depot serves."""
        newest = select(order.c.site_id, func.max(order.c.id).label("id")).group_by(order.c.site_id)
        zoned = (
            select(site.c.id, region.c.name)
            .join(zone, zone.c.id == site.c.delivery_zone_id)
            .join(depot, depot.c.id == zone.c.depot_id)
            .outerjoin(region, region.c.id == depot.c.region_id)
        )
        if site_ids is not None:
            newest, zoned = newest.where(order.c.site_id.in_(site_ids)), zoned.where(site.c.id.in_(site_ids))
        last = newest.subquery()
        ordered = (
            select(order.c.site_id, region.c.name)
            .join(last, last.c.id == order.c.id)
            .join(depot, depot.c.id == order.c.depot_id)
            .outerjoin(region, region.c.id == depot.c.region_id)
        )
        found = {row.id: row.name for row in self.connection.execute(zoned)}
        found |= {row.site_id: row.name for row in self.connection.execute(ordered)}
        return {key: name for key, name in found.items() if name}

    def fleet_profiles(self) -> frozenset[str]:
        """How our vehicles travel: the profiles of those that are there."""
        return frozenset(self.connection.scalars(select(vehicle.c.profile).distinct()))

    def sure_sites_beside(self, site_ids: Sequence[int]) -> tuple[SameCustomer, ...]:
        """The other sites of the same customers that have a pin a gazetteer or provider is sure of, by id."""
        own, other = site.alias("own"), site.alias("other")
        query = (
            select(
                own.c.id.label("beside"), other.c.id, other.c.name, other.c.address, other.c.pin_label.label("label")
            )
            .join(other, (other.c.customer_id == own.c.customer_id) & (other.c.id != own.c.id))
            .where(own.c.id.in_(site_ids), other.c.pin_quality.in_(SURE))
            .order_by(other.c.id)
        )
        return tuple(SameCustomer(**dict(row)) for row in self.connection.execute(query).mappings())

    def kept_answer(self, *, provider: str, address_key: str, now: datetime) -> tuple[Candidate, ...] | None:
        """What the provider said about that address, while its terms let us keep it; None when it has to be asked."""
        row = self.connection.execute(
            select(geocode_answer.c.answer).where(
                geocode_answer.c.provider == provider,
                geocode_answer.c.address_key == address_key,
                geocode_answer.c.keep_until > now,
            )
        ).first()
        return None if row is None else tuple(_kept(each) for each in row.answer)

    def keep_answer(
        self, *, provider: str, address_key: str, candidates: Sequence[Candidate], now: datetime, until: datetime
    ) -> None:
        """Keeps the answer with its date, in place of an older one; what is over its time goes."""
        self.connection.execute(delete(geocode_answer).where(geocode_answer.c.keep_until <= now))
        values = {"answer": [_plain(each) for each in candidates], "at": now, "keep_until": until}
        key = {"provider": provider, "address_key": address_key}
        if self.insert_once(geocode_answer, key | values) is None:
            same = (geocode_answer.c.provider == provider, geocode_answer.c.address_key == address_key)
            self.connection.execute(update(geocode_answer).where(*same).values(**values))

    def wants_pin(self, *, kind: str, subject_id: int) -> WantsPin:
        """The address of that site or depot as it is now. Raises NotFound."""
        table = depot if kind == "depot" else site
        row = self.connection.execute(select(table).where(table.c.id == subject_id)).first()
        if row is None:
            raise NotFound(f"There is no {kind} {subject_id}.")
        return _depot(row) if kind == "depot" else _site(row)

    def remembered_pin(self, *, address_key: str, site_id: int | None) -> Pin | None:
        """What a person decided before: for this site's address first, then for the address anywhere."""
        rows = self.connection.execute(
            select(address_pin).where(address_pin.c.address_key == address_key).order_by(address_pin.c.at.desc())
        ).all()
        row = next((each for each in rows if site_id is not None and each.site_id == site_id), None)
        row = row or next(iter(rows), None)
        if row is None:
            return None
        return Pin(
            location=Location(lat=row.lat, lon=row.lon),
            quality=PinQuality.BY_PERSON,
            provider="remembered",
            label=row.label,
            by=row.by,
        )

    def remember_pin(
        self, *, address_key: str, site_id: int | None, location: Location, label: str, by: str, now: datetime
    ) -> None:
        """Keeps the decision, in place of an earlier one for the same address and site."""
        values = {"lat": location.lat, "lon": location.lon, "label": label, "by": by, "at": now}
        same = [
            address_pin.c.address_key == address_key,
            address_pin.c.site_id.is_(None) if site_id is None else address_pin.c.site_id == site_id,
        ]
        if not self.connection.execute(update(address_pin).where(*same).values(**values)).rowcount:
            self.connection.execute(insert(address_pin).values(address_key=address_key, site_id=site_id, **values))

    def set_pin(self, *, kind: str, subject_id: int, pin: Pin, now: datetime) -> None:
        """Writes the pin of a site or depot. A depot takes only a sure one."""
        at: dict[str, Any] = {
            "lat": None if pin.location is None else pin.location.lat,
            "lon": None if pin.location is None else pin.location.lon,
        }
        if kind == "depot":
            if pin.quality.goes_on:
                self.connection.execute(
                    update(depot).where(depot.c.id == subject_id).values(**at, version=depot.c.version + 1)
                )
            return
        self.connection.execute(
            update(site)
            .where(site.c.id == subject_id)
            .values(
                **at,
                pin_quality=pin.quality.value,
                pin_provider=pin.provider,
                pin_label=pin.label,
                pin_why=pin.why,
                pin_by=pin.by,
                pin_at=now,
                pin_candidates=[_plain(each) for each in pin.candidates],
                version=site.c.version + (1 if pin.provider == "person" else 0),
            )
        )

    def asked_about(self, *, kind: TaskKind, subject_kind: str, subject_ids: Collection[int]) -> set[int]:
        """Of these things those about which a task of that kind is open."""
        found: set[int] = set()
        for part in parts(set(subject_ids)):
            found.update(
                self.connection.scalars(
                    select(task.c.subject_id).where(
                        task.c.kind == kind.value,
                        task.c.subject_kind == subject_kind,
                        task.c.subject_id.in_(part),
                        task.c.done_at.is_(None),
                    )
                )
            )
        return found

    def finish_tasks(
        self, *, kind: TaskKind, subject_kind: str, subject_id: int, outcome: str, by: str, now: datetime
    ) -> int:
        """Closes the open tasks of that kind about that thing; how many there were."""
        return self.connection.execute(
            update(task)
            .where(
                task.c.kind == kind.value,
                task.c.subject_kind == subject_kind,
                task.c.subject_id == subject_id,
                task.c.done_at.is_(None),
            )
            .values(done_at=now, done_by=by, outcome=outcome, version=task.c.version + 1)
        ).rowcount


def _depot(row: Row[Any]) -> WantsPin:
    return WantsPin(kind="depot", id=row.id, name=row.name, address=row.address)


def _site(row: Row[Any]) -> WantsPin:
    return WantsPin(kind="site", id=row.id, name=row.name, address=row.address, postcode=row.postcode, city=row.city)


def _plain(candidate: Candidate) -> dict[str, Any]:
    return {
        "lat": candidate.location.lat,
        "lon": candidate.location.lon,
        "label": candidate.label,
        "street": candidate.street,
        "house_number": candidate.house_number,
        "postcode": candidate.postcode,
        "city": candidate.city,
        "quality": candidate.quality.value,
        "score": candidate.score,
        "source": candidate.source,
    }


def _kept(plain: dict[str, Any]) -> Candidate:
    values = {name: value for name, value in plain.items() if name not in ("lat", "lon", "quality")}
    at = Location(lat=plain["lat"], lon=plain["lon"])
    return Candidate(location=at, quality=PinQuality(plain["quality"]), **values)
