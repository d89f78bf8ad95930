"""An order on the phone: what the customer wants, entered like any order that comes in, at a door that may be new.

What it does is tried before it is kept: the offers of a time stand on the dates that the rules give its lines.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO, StringIO
from zoneinfo import ZoneInfo

from data.importers.customers import COLUMNS, import_customers
from data.importers.orders_json import LINES, read_orders
from data.queries.slots import door_numbered
from data.store import SqlStore
from routing.errors import Conflict, InvalidInput
from routing.model.imports import ImportResult
from routing.model.places import Located
from routing.services.locating import pin_from
from routing.services.ordering import take_each

MOST_LINES = 100
FROM = "on the phone"
_LINE = re.compile(r"(?P<sku>\S.{0,99}?)(?:\s*[x×:]\s*|\s+)(?P<units>\d{1,7})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What is ordered: `lines` as text; the order's `number`, "" for the next one of the day. `customer` and `contact`
    (an address or a number, and whether it may be written to) are those of a door that nobody has written down yet."""

    lines: str
    number: str = ""
    customer: str = ""
    contact: str = ""
    may_write: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDoor:
    """An address that was found, and the work there in minutes."""

    address: str
    postcode: str
    city: str
    located: Located
    minutes: int


def lines_of(text: str) -> list[tuple[str, int]]:
    """
    >>> lines_of("P201 24; P105 x 6")
    [('P201', 24), ('P105', 6)]
    """
    found = []
    for part in re.split(r"[;,\n]+", text):
        if not part.strip():
            continue
        match = _LINE.fullmatch(part.strip())
        if match is None or int(match["units"]) == 0:
            raise InvalidInput(
                f'"{part.strip()[:40]}" is no line. Write SKU and quantity, as "P201 24; P105 6".', code="lines"
            )
        found.append((match["sku"], int(match["units"])))
    if not found:
        raise InvalidInput('Say what is ordered: SKU and quantity, as "P201 24; P105 6".', code="lines")
    if len(found) > MOST_LINES:
        raise InvalidInput(f"At most {MOST_LINES} lines are taken on the phone. Bring in a file.", code="lines")
    return found


def next_number(store: SqlStore, *, now: datetime) -> str:
    """The first of the day that no order has: T-20260303-1."""
    day = now.astimezone(ZoneInfo(store.company().zone or "UTC")).strftime("%Y%m%d")
    n = 1
    while store.orders([f"T-{day}-{n}"]):
        n += 1
    return f"T-{day}-{n}"


def enter(
    store: SqlStore, ordered: Ordered, *, site: str, door: NewDoor | None, depot: str, now: datetime, by: str
) -> int:
    """The order with its goods by the rules, as of a program that sends it; at the site of that number, or at a new
    door. Its key.

    Raises InvalidInput with the first thing that is wrong, NotFound, Conflict (that number is taken; the ERP
    allocates).
    """
    lines = lines_of(ordered.lines)
    for row in sorted(store.depot_rows().values(), key=lambda row: int(row["id"])):
        store.lock_depot(row["id"])
    number = ordered.number.strip() or next_number(store, now=now)
    if store.orders([number]):
        raise Conflict(f"There is an order {number} already. Look at it, or give another number.", code="number_taken")
    if door is not None:
        site = _write_down(store, door, ordered, number=number, now=now, by=by)
    customer = store.sites([site])[site]["customer"]
    document = {
        "order": number,
        "customer": customer,
        "site": site,
        "depot": depot,
        "ordered_at": now.isoformat(),
        "note": FROM,
        "lines": [{"sku": sku, "quantity": units} for sku, units in lines],
    }
    result = ImportResult(kind="orders")
    orders = list(read_orders(store, [document], result, now=now))
    if not result.errors:
        take_each(store, orders, result, lines_at_most=LINES, now=now, by=by, tell=False)
    if result.errors:
        raise InvalidInput(result.errors[0].what, code="order")
    return store.order_ids([number])[number]


def known_site(store: SqlStore, number: str) -> None:
    """Raises NotFound or InvalidInput where it is not one site, or its pin is not sure."""
    door = door_numbered(store.connection, number)
    (site,) = store.site_facts([door.site_id])
    if site.location is None or not site.pin_quality.goes_on:
        raise InvalidInput(f"{site.name} has no sure place on the map. Choose its pin under Addresses.", code="pin")


def _write_down(store: SqlStore, door: NewDoor, ordered: Ordered, *, number: str, now: datetime, by: str) -> str:
    """A customer with one site, both under the order's number, by the rules of the customers' file; where its address
    was found is its pin."""
    name = ordered.customer.strip()
    if not name:
        raise InvalidInput("Write the name of the customer: nobody lives at this address yet.", code="customer")
    row = dict.fromkeys(COLUMNS, "") | {
        "customer": number,
        "customer_name": name,
        "site": number,
        "site_name": name,
        "address": door.address.strip(),
        "postcode": door.postcode,
        "city": door.city,
        "service_minutes": str(door.minutes),
        "contact_name": name if ordered.contact.strip() else "",
        "contact_address": ordered.contact.strip(),
        "contact_consent": "yes" if ordered.may_write else "no",
    }
    text = StringIO()
    writer = csv.DictWriter(text, fieldnames=list(row))
    writer.writeheader()
    writer.writerow(row)
    result = import_customers(store, BytesIO(text.getvalue().encode()), now=now, by=by, file_name=FROM)
    if result.errors:
        raise InvalidInput(result.errors[0].what, code="customer")
    store.set_pin(kind="site", subject_id=store.sites([number])[number]["id"], pin=pin_from(door.located), now=now)
    return number
