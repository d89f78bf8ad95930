"""Offers of a time, as the pages and the command ask for them: an order's, or goods for a door on the phone."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from data.queries.slots import depot_choice, door_numbered
from data.store import SqlStore
from data.store.again import in_transaction, tried
from routing.errors import Conflict, InvalidInput
from routing.model.day import Goods
from routing.model.places import Located, Location, metres_between
from routing.model.slots import Call, CallingOrder
from routing.rules.depot_region import known_where
from routing.rules.slots import WIDTH, Slot, SlotDay
from routing.services.slotting import (
    LONGEST_WORK_S,
    call_of_order,
    new_door,
    offers,
    read_days,
    same_offer,
    take_slot,
)
from web.phone_orders import FROM, NewDoor, Ordered, enter, known_site
from web.plan_job import travel_of
from web.wiring import Installation

USUAL_DAYS = 5
USUAL_MINUTES = 5
_PART = re.compile(r"(\d{1,7}(?:[.,]\d{1,4})?)\s*(kg|g|m3|m³|l|pieces|pcs|)", re.IGNORECASE)
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is on the phone: a site's number, or an address; the load as text; minutes of work, None as usual. With
    `ordered` it is an order that could be entered; the load is its goods' then."""

    site: str = ""
    address: str = ""
    postcode: str = ""
    city: str = ""
    depot: str = ""
    load: str = ""
    minutes: int | None = None
    ordered: Ordered | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """`whom` is the door in words; `version` the order's, when it was read."""

    whom: str
    days: tuple[SlotDay, ...]
    version: int = 0
    number: str = ""
    """Of an order that is not there yet, the one it would have."""
    lines: tuple[tuple[str, int, str], ...] = ()
    """(SKU, units, ISO day on which they are there, "" for nobody knows) of it."""


def load_of(text: str) -> Goods:
    """ "120 kg, 0.8 m3, 6 pieces" as one line of goods; nothing said weighs nothing. Raises InvalidInput."""
    amounts = {"g": 0.0, "cm3": 0.0, "pieces": 0.0}
    for part in re.split(r"[;+]|,(?!\d)", text):
        if not part.strip():
            continue
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise InvalidInput(
                f'"{part.strip()[:30]}" is no load. Write it as "120 kg, 0.8 m3, 6 pieces".', code="load"
            )
        number, unit = float(match[1].replace(",", ".")), match[2].lower()
        name, by = {
            "kg": ("g", 1_000),
            "g": ("g", 1),
            "m3": ("cm3", 1_000_000),
            "m³": ("cm3", 1_000_000),
            "l": ("cm3", 1_000),
        }.get(unit, ("pieces", 1))
        amounts[name] += number * by
    return Goods(
        order_id=0,
        product="goods",
        quantity=1,
        weight_g=round(amounts["g"]),
        volume_cm3=round(amounts["cm3"]),
        pieces=round(amounts["pieces"]),
    )


def offered_to_order(
    installation: Installation,
    order_id: int,
    *,
    from_day: str,
    days: int = USUAL_DAYS,
    width: timedelta = WIDTH,
) -> Offered:
    """Raises NotFound, InvalidInput, Conflict (nothing open, on a van), TravelError, SolverError."""
    with installation.database.reading() as connection:
        call, order = call_of_order(SqlStore(connection), order_id)
    found = _offers(installation, call, from_day=from_day, days=days, width=width)
    return Offered(whom=f"{order.number}, {call.site.name}", days=found, version=order.version)


def offered_on_the_phone(
    installation: Installation,
    asked: Asked,
    *,
    from_day: str,
    days: int = USUAL_DAYS,
    width: timedelta = WIDTH,
) -> Offered:
    """For goods that nobody has ordered yet. Raises NotFound, InvalidInput, TravelError, SolverError."""
    goods = load_of(asked.load)
    if asked.minutes is not None and not 0 <= asked.minutes * 60 <= LONGEST_WORK_S:
        raise InvalidInput("The work at the door is 0 to 480 minutes.", code="service")
    with installation.database.reading() as connection:
        call = _known(connection, asked, goods, installation) if asked.site else None
        depot_id = _depot(connection, asked.depot)
    call = call or _unknown(installation, asked, goods, depot_id)
    found = _offers(installation, call, from_day=from_day, days=days, width=width)
    return Offered(whom=call.site.name, days=found)


def offered_to_new(
    installation: Installation, asked: Asked, *, from_day: str, days: int = USUAL_DAYS, width: timedelta = WIDTH
) -> Offered:
    """For an order that is not there yet: it is entered, dated by the rules, offered times, and not kept. Raises what
    `enter` and `offered_on_the_phone` raise."""
    ordered, door, depot = _as_entered(installation, asked)
    now = installation.clock.now()

    def look(store: SqlStore) -> tuple[Call, CallingOrder, list[Any]]:
        order_id = enter(store, ordered, site=asked.site, door=door, depot=depot, now=now, by=FROM)
        call, order = call_of_order(store, order_id)
        return call, order, read_days(store, call, from_day=from_day, days=days, now=now)

    call, order, read = tried(installation.database, look)
    found = _laid_in(installation, call, read, width=width)
    return Offered(
        whom=f"{order.number}, {call.site.name}",
        days=found,
        number=order.number,
        lines=tuple(
            (goods.product, goods.quantity, day) for goods, day in zip(order.goods, order.expected_on, strict=True)
        ),
    )


def order_at(
    installation: Installation, asked: Asked, *, day: str, key: str, width: timedelta = WIDTH, by: str
) -> tuple[int, str, Slot]:
    """Enters the order and makes the offer that was seen its appointment, both or neither: its key, its number, the
    time. Raises Conflict when the offer no longer stands or the number was taken meanwhile."""
    found = offered_to_new(installation, asked, from_day=day, days=1, width=width)
    slot = next((each for each in found.days[0].slots if key_of(each) == key), None)
    if slot is None:
        raise Conflict("That time cannot be offered any more. Look at the offers again.", code="shown_is_old")
    ordered, door, depot = _as_entered(installation, asked)
    now = installation.clock.now()

    def write(store: SqlStore) -> int:
        entered = replace(ordered, number=found.number)
        order_id = enter(store, entered, site=asked.site, door=door, depot=depot, now=now, by=by)
        take_slot(store, order_id, slot, version=store.calling_order(order_id).version, by=by, now=now)
        return order_id

    return in_transaction(installation.database, write), found.number, slot


def _as_entered(installation: Installation, asked: Asked) -> tuple[Ordered, NewDoor | None, str]:
    """What is ordered, the door if it is a new one, and the number of the depot. Raises as `offered_on_the_phone`."""
    assert asked.ordered is not None
    if asked.site:
        with installation.database.reading() as connection:
            known_site(SqlStore(connection), asked.site)
            door, call = None, _known(connection, asked, load_of(""), installation)
    else:
        with installation.database.reading() as connection:
            depot_id = _depot(connection, asked.depot)
        located = _found(installation, asked, depot_id)
        call = _unknown(installation, asked, load_of(""), depot_id)
        first = located.candidates[0]
        door = NewDoor(
            address=asked.address,
            postcode=first.postcode or asked.postcode,
            city=asked.city,
            located=located,
            minutes=USUAL_MINUTES if asked.minutes is None else asked.minutes,
        )
    with installation.database.reading() as connection:
        number = next(number for key, number, _name in depot_choice(connection) if key == call.depot_id)
    return asked.ordered, door, number


def _known(connection: Connection, asked: Asked, goods: Goods, installation: Installation) -> Call:
    door = door_numbered(connection, asked.site)
    (site,) = SqlStore(connection).site_facts([door.site_id])
    if site.location is None or not site.pin_quality.goes_on:
        raise InvalidInput(f"{site.name} has no sure place on the map. Choose its pin under Addresses.", code="pin")
    location = site.location
    if asked.minutes is not None:
        site = replace(site, service_s=asked.minutes * 60, service_s_per_case=0, parking_s=0)
    named = _depot(connection, asked.depot)
    depot_id = door.depot_id if not asked.depot and door.depot_id is not None else named
    return Call(
        site=site,
        depot_id=depot_id or _nearest(connection, location),
        goods=(goods,),
        tier=door.tier,
        ordered_at=installation.clock.now(),
    )


def _unknown(installation: Installation, asked: Asked, goods: Goods, depot_id: int | None) -> Call:
    first = _found(installation, asked, depot_id).candidates[0]
    with installation.database.reading() as connection:
        depot_id = depot_id or _nearest(connection, first.location)
        site = new_door(
            SqlStore(connection),
            name=first.label,
            location=first.location,
            address=asked.address,
            postcode=first.postcode or asked.postcode,
            depot_id=depot_id,
            service_s=60 * (asked.minutes if asked.minutes is not None else USUAL_MINUTES),
        )
    return Call(site=site, depot_id=depot_id, goods=(goods,), tier=1, ordered_at=installation.clock.now())


def _found(installation: Installation, asked: Asked, depot_id: int | None) -> Located:
    """Where the address is: in the depot's region, else in whichever of the depots' regions knows it. Raises
    InvalidInput where that is not sure."""
    if not asked.address.strip():
        raise InvalidInput("Say where to: the number of a site, or an address.", code="address")
    with installation.database.reading() as connection:
        regions = SqlStore(connection).depots_by_region(None if depot_id is None else [depot_id])
    names = [name for name in regions if name] or [installation.regions.default().name]
    _region, located = known_where(
        {
            name: installation.finder(name).locate(asked.address, postcode=asked.postcode, city=asked.city)
            for name in names
        }
    )
    if not located.candidates or not located.quality.goes_on:
        best = located.candidates[0].label if located.candidates else ""
        near = f' Is it "{best}"?' if best else ""
        why = located.why or "It was not found on the map."
        raise InvalidInput(f'"{asked.address[:60]}" has no sure place: {why}{near}', code="address")
    return located


def _depot(connection: Connection, number: str) -> int | None:
    """The depot of that number or name, the only one there is, or None. Raises InvalidInput."""
    every = depot_choice(connection)
    if not every:
        raise InvalidInput("There is no depot to come from. Import the fleet first.", code="depot")
    if not number:
        return every[0][0] if len(every) == 1 else None
    found = next((key for key, own, name in every if number in (own, name)), None)
    if found is None:
        raise InvalidInput(
            f'There is no depot "{number[:40]}". Name one of: {", ".join(own for _k, own, _n in every)}.', code="depot"
        )
    return found


def _nearest(connection: Connection, to: Location) -> int:
    """The depot that lies nearest, for a door that no zone and no order ties to one."""
    store = SqlStore(connection)
    pinned = [each for each in store.depot_facts(store.depot_ids()) if each.location is not None]
    if not pinned:
        raise InvalidInput("No depot has a place on the map. Set a pin under Addresses.", code="depot")
    return min(pinned, key=lambda each: (metres_between(each.location or to, to), each.id)).id


def _offers(
    installation: Installation,
    call: Call,
    *,
    from_day: str,
    days: int,
    width: timedelta,
) -> tuple[SlotDay, ...]:
    now = installation.clock.now()
    with installation.database.reading() as connection:
        store = SqlStore(connection)
        read = read_days(store, call, from_day=from_day, days=days, now=now)
    return _laid_in(installation, call, read, width=width)


def _laid_in(installation: Installation, call: Call, read: list[Any], *, width: timedelta) -> tuple[SlotDay, ...]:
    now = installation.clock.now()
    with installation.database.reading() as connection:
        travel = travel_of(installation, SqlStore(connection), [call.depot_id])
    with _one_at_a_time:  # it takes a whole core, and the pages of everybody else must not wait for it
        return offers(read, travel=travel, solve=installation.solver, now=now, width=width)


def key_of(slot: Slot) -> str:
    """One word for what was offered."""
    return hashlib.sha256(json.dumps(same_offer(slot), sort_keys=True).encode()).hexdigest()[:20]


def take(
    installation: Installation, order_id: int, *, day: str, key: str, version: int, width: timedelta = WIDTH, by: str
) -> Slot:
    """Makes the offer that was seen the order's appointment. Raises Conflict when it no longer stands."""
    found = offered_to_order(installation, order_id, from_day=day, days=1, width=width)
    slot = next((each for each in found.days[0].slots if key_of(each) == key), None)
    if slot is None:
        raise Conflict("That time cannot be offered any more. Look at the offers again.", code="shown_is_old")
    now = installation.clock.now()
    in_transaction(
        installation.database, lambda store: take_slot(store, order_id, slot, version=version, by=by, now=now)
    )
    return slot


def order_document(found: Offered) -> dict[str, Any]:
    """The order that could be entered, with its lines as (SKU, units, the ISO day on which they are there or "");
    nothing where there is none."""
    return {"order": found.number, "lines": [list(each) for each in found.lines]} if found.number else {}


def document(day: SlotDay) -> dict[str, Any]:
    """As `backroute slots --json` prints it. Moments are ISO text in UTC, costs minor units."""
    return {
        "day": day.day,
        "why": day.why,
        "is_sketch": day.is_sketch,
        "slots": [
            {
                **{name: value for name, value in asdict(slot).items() if name not in ("begins", "broken", "cost")},
                "begins": slot.begins.isoformat(),
                "cost": round(slot.cost / 1000),
                "promises_broken": [each.sentence for each in slot.broken],
                "key": key_of(slot),
            }
            for slot in day.slots
        ],
    }
