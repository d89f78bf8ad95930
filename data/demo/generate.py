"""Writes the demo's files, the same ones every time: `python -m data.demo.generate [folder]`.

Addresses are real doors of the demo's extract, so that maps and times are; customers, people, goods and prices are
made up, and look it. What is in the files, and which order plays which part, is told in README.md beside this.
"""

from __future__ import annotations

import csv
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from routing.engines.addresses.gazetteer import Gazetteer
from routing.engines.addresses.gazetteer_build import build_gazetteer
from routing.model.places import Candidate, PinQuality, metres_between

HERE = Path(__file__).parent
EXTRACT = HERE / "helsinki.osm.pbf"
SEED = 20260303
TUESDAY = date(2026, 3, 3)
MONDAY = TUESDAY - timedelta(days=1)
THURSDAY = TUESDAY + timedelta(days=2)
# Helsinki's winter time; the clocks change on 29 March.
ZONE = timezone(timedelta(hours=2))
WORKDAYS = "mon,tue,wed,thu,fri"

type Row = dict[str, object]


def _columns(header: str) -> list[str]:
    return header.split(",")


PRODUCT_COLUMNS = _columns(
    "sku,name,unit,case_pack,pallet_pack,weight_g,volume_cm3,pieces,price,currency,supplier,returnable"
)
CUSTOMER_COLUMNS = _columns(
    "customer,customer_name,tier,business,language,rank_rule,salesperson,payment_hold,site,site_name,address,postcode,"
    "city,country,delivery_days,windows,window_kind,service_minutes,service_seconds_per_case,parking_minutes,"
    "max_vehicle_height_cm,max_vehicle_length_cm,max_vehicle_weight_kg,skills,crew,notes,contact_name,contact_role,"
    "contact_channel,contact_address,contact_consent"
)
ORDER_COLUMNS = _columns(
    "order,customer,site,depot,ordered_at,wanted_on,not_before,not_after,customer_reference,erp_reference,completeness,"
    "min_percent,max_wait_days,max_shipments,hold,payment,urgent_by,note,line,sku,quantity,unit_price,currency,promised_on"
)
SUPPLIER_COLUMNS = _columns("supplier,name,email,lead_days")
INBOUND_COLUMNS = _columns("number,supplier,depot,sku,quantity,expected_at")
RECEIPT_COLUMNS = _columns("number,inbound,depot,sku,quantity,quarantined,counted_at")
COLLECTION_COLUMNS = _columns("site,sku,quantity,day,why")
FLEET_COLUMNS = _columns(
    "kind,number,name,depot,address,lat,lon,profile,weight_g,volume_cm3,pieces,height_cm,length_cm,skills,crew,driver,"
    "vehicle,from,to,break_minutes,break_from,break_to,loading_minutes,debrief_minutes,fixed_cost,cost_per_hour,"
    "cost_per_km,max_stops,phone,email,language,weekdays,cut_off,zone"
)
HISTORY_COLUMNS = _columns(
    "day,event,order,line,quantity_delivered,outcome,at,driver,vehicle,stop,recipient,promised_on,new_promised_on,why"
)


# ---------------------------------------------------------------------------- goods


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    sku: str
    name: str
    unit: str
    case_pack: int
    weight_g: int | None
    volume_cm3: int | None
    price: str
    supplier: str
    returnable: bool = False

    def row(self) -> Row:
        return {
            "sku": self.sku,
            "name": self.name,
            "unit": self.unit,
            "case_pack": self.case_pack,
            "pallet_pack": self.case_pack * 40,
            "weight_g": self.weight_g if self.weight_g is not None else "",
            "volume_cm3": self.volume_cm3 if self.volume_cm3 is not None else "",
            "pieces": 1,
            "price": self.price,
            "currency": "EUR",
            "supplier": self.supplier,
            "returnable": "yes" if self.returnable else "no",
        }


# name, unit, case pack, grams, cubic centimetres, price of one unit, number of the supplier
_GOODS = """
Coffee beans, dark roast 1 kg|bag|6|1020|2900|12.90|1
Coffee beans, light roast 1 kg|bag|6|1020|2900|13.40|1
Filter coffee, ground 500 g|bag|12|515|1400|5.90|1
Decaf espresso beans 1 kg|bag|6|1020|2900|15.20|1
Black tea, 100 bags|box|12|260|1100|4.80|1
Green tea, 100 bags|box|12|250|1100|5.10|1
Cocoa powder 1 kg|bag|6|1030|2000|9.70|1
Sugar 1 kg|bag|10|1010|1150|1.25|2
Sugar sticks, 1000|box|1|4300|7500|11.50|2
Brown sugar 500 g|bag|12|510|600|1.65|2
Wheat flour 2 kg|bag|6|2020|2900|1.80|2
Wheat flour sack 10 kg|sack|1|10100|15500|8.40|2
Rye flour 2 kg|bag|6|2020|2900|2.10|2
Oat flakes 1 kg|bag|10|1015|2400|1.60|2
Oat drink, barista 1 l|carton|6|1060|1150|2.15|3
Oat drink, plain 1 l|carton|12|1055|1130|1.75|3
Soy drink 1 l|carton|12|1055|1130|1.85|3
Long-life milk 1 l|carton|12|1050|1120|1.10|3
Whipping cream 1 l|carton|6|1030|1120|4.60|3
Butter 500 g|pack|20|510|560|3.95|3
Cream cheese 1.5 kg|tub|4|1580|1900|9.80|3
Grated cheese 2 kg|bag|5|2030|4200|15.60|3
Yoghurt, plain 5 kg|bucket|1|5200|5900|9.90|3
Eggs, tray of 30|tray|6|1950|6100|6.30|4
Tomatoes, crushed 2.5 kg|tin|6|2850|2950|4.20|4
Chickpeas 2.5 kg|tin|6|2850|2950|4.60|4
Olive oil 5 l|can|4|4900|5600|38.50|4
Rapeseed oil 10 l|can|1|9500|11200|24.90|4
White vinegar 5 l|can|4|5150|5600|6.20|4
Pasta, penne 5 kg|bag|2|5050|11800|9.80|5
Pasta, spaghetti 5 kg|bag|2|5050|8200|9.80|5
Rice, jasmine 5 kg|bag|4|5050|6300|11.90|5
Red lentils 5 kg|bag|2|5050|6300|12.40|5
Sea salt 1 kg|box|12|1030|950|1.40|5
Black pepper 500 g|tub|6|560|1100|11.30|5
Ketchup 5 kg|bucket|1|5250|5200|12.60|5
Mayonnaise 5 kg|bucket|1|5250|5600|16.40|5
Mustard 1 kg|bottle|8|1080|1150|3.70|5
Soy sauce 1 l|bottle|12|1300|1300|4.10|5
Sparkling water 0.33 l|bottle|24|560|560|0.55|6
Still water 0.5 l|bottle|24|530|620|0.50|6
Cola 0.33 l|can|24|360|390|0.72|6
Lemonade 0.33 l|bottle|24|570|560|0.95|6
Orange juice 1 l|carton|12|1080|1130|1.90|6
Apple juice 1 l|carton|12|1080|1130|1.75|6
Tonic water 0.2 l|bottle|24|390|330|0.80|6
Rhubarb syrup 0.7 l|bottle|6|1250|1050|7.20|6
Vanilla syrup 0.7 l|bottle|6|1250|1050|7.20|6
Caramel syrup 0.7 l|bottle|6|1250|1050|7.20|6
Paper cups 24 cl, 1000|carton|1|8600|62000|49.00|7
Paper cups 36 cl, 1000|carton|1|11800|88000|62.00|7
Cup lids, 1000|carton|1|3900|41000|28.00|7
Napkins, 3000|carton|1|8200|48000|31.00|7
Paper straws, 500|box|8|420|2400|5.60|7
Takeaway boxes, 300|carton|1|5400|56000|36.00|7
Baking paper, 500 sheets|box|1|9800|14500|29.00|7
Bin bags 150 l, 100|roll|4|5600|6200|17.50|8
Dishwasher detergent 10 kg|can|1|10600|10400|42.00|8
Rinse aid 5 l|can|2|5300|5700|24.00|8
Hand soap 5 l|can|2|5200|5700|14.80|8
Surface cleaner 5 l|can|2|5200|5700|13.90|8
Paper towels, 12 rolls|pack|2|3900|34000|16.20|8
Toilet paper, 42 rolls|pack|1|6800|92000|21.00|8
Frozen berries 2.5 kg|bag|4|2560|5200|15.90|9
Frozen fries 2.5 kg|bag|4|2560|6400|6.80|9
Frozen peas 2.5 kg|bag|4|2560|4700|6.10|9
Cinnamon buns, frozen, 60|carton|1|6100|17500|34.00|9
Croissants, frozen, 80|carton|1|5800|24500|38.00|9
Dark chocolate 2.5 kg|bag|4|2540|3300|28.70|9
Almonds 1 kg|bag|10|1020|1900|13.20|9
""".strip().splitlines()

# The goods that orders wait for. Nobody else orders them, so who waits is decided here and not by chance.
_SCARCE = """
Barista oat drink, organic 1 l|carton|12|1060|1150|2.60|3
Espresso beans, washed 1 kg|bag|6|1020|2900|16.80|1
Elderflower lemonade 0.33 l|bottle|24|570|560|1.35|6
Gluten-free flour 1 kg|bag|10|1015|1350|3.90|2
Compostable bowls, 300|carton|1|5100|52000|44.00|7
Cold brew concentrate 1 l|bottle|12|1150|1300|8.90|10
Smoked paprika 500 g|tub|6|560|1100|12.80|11
Coconut cream 1 l|carton|12|1080|1130|3.40|11
Smoked salt flakes 250 g|jar|12|340|420|9.80|12
""".strip().splitlines()
TRUCK, NOON_NORTH, NOON_SOUTH, THURSDAY_NORTH, THURSDAY_SOUTH, OVERDUE_NORTH, OVERDUE_SOUTH, UNCOVERED, PART = range(9)

_UNWEIGHED = "Display stand, assorted|piece|1|||35.00|10"
# Nobody orders it: it goes out with the bottles, and is fetched back.
_CRATE = "Bottle crate, empty|crate|1|1600|24000|5.00|6"


def _product(sku: str, text: str, *, returnable: bool = False) -> Product:
    name, unit, case_pack, weight, volume, price, supplier = text.split("|")
    return Product(
        sku=sku,
        name=name,
        unit=unit,
        case_pack=int(case_pack),
        weight_g=int(weight) if weight else None,
        volume_cm3=int(volume) if volume else None,
        price=price,
        supplier=f"Supplier {supplier}",
        returnable=returnable,
    )


GOODS = [_product(f"P{100 + at}", text) for at, text in enumerate(_GOODS, start=1)]
SCARCE = [_product(f"P{200 + at}", text) for at, text in enumerate(_SCARCE, start=1)]
UNWEIGHED = _product("P301", _UNWEIGHED)
CRATE = _product("P302", _CRATE, returnable=True)
PRODUCTS = {product.sku: product for product in [*GOODS, *SCARCE, UNWEIGHED, CRATE]}
FLOUR_SACK = next(product for product in GOODS if product.name == "Wheat flour sack 10 kg")

# ---------------------------------------------------------------------------- customers


@dataclass(slots=True, kw_only=True)
class Site:
    """A row of customers.csv, with the depot that serves it and its door where the gazetteer knows it."""

    row: Row
    depot: str
    door: Candidate | None
    part: str = ""

    @property
    def number(self) -> str:
        return str(self.row["site"])

    @property
    def tier(self) -> int:
        return int(str(self.row["tier"]))


_NAMES = (
    "Café {} at the corner",
    "Restaurant {} by the quay",
    "Kahvila {} kulmassa",
    "Bakery {} downstairs",
    "Ravintola {} torin laidalla",
    "Lunchställe {} vid hörnet",
    "Kiosk {} under the arcade",
    "Canteen {} on the third floor",
    "Shop {} next to the stop",
    "Tearoom {} in the yard",
    "Lounaspaikka {} sisäpihalla",
    "Bar {} behind the theatre",
)
# Sixty letters each: the longest a name may be on a paper label.
_LONG_NAMES = (
    "Lounaskahvila ja leipomo 33 Pitkänsillan kupeessa, sisäpiha.",
    "Restaurant 44 with the very long name on the awning outside.",
    "Kafé och konditori 55 vid Skillnaden, ingång från innergård.",
)
_MIDDAY, _AFTERNOON = "10:00-14:00", "13:30-16:30"
_WINDOWS = (
    *("06:00-10:00",) * 8,
    *("06:30-09:00",) * 3,
    *("07:00-11:00",) * 3,
    *("06:00-11:00;13:00-15:00",) * 2,
    *(_MIDDAY,) * 3,
    "12:00-16:00",
)
_DAYS = (WORKDAYS,) * 6 + ("tue,thu", "mon,tue,thu", "tue,wed,fri")
_NOTES = (
    "",
    "",
    "",
    "Ring the bell at the yard door.",
    "Goods lift on the left.",
    "Two steps down, mind the pipe.",
    "Portti aukeaa kello 6.",
    "Porten öppnas klockan 6.",
    "Leave nothing in front of the shutters.",
)

# part -> what differs from a site where everything goes well. "address" replaces that of the door.
_PARTS: dict[str, Row] = {
    "skills": {"skills": "cold;tail_lift", "notes": "Pallets of chilled goods over the tail lift only."},
    "access": {"max_vehicle_length_cm": 240, "notes": "The yard lift takes nothing longer than 2.4 m."},
    "low_arch": {"max_vehicle_height_cm": 250, "windows": "07:00-11:00", "notes": "Arch 2.5 m."},
    "low_gate": {"max_vehicle_height_cm": 200, "notes": "Gate 2.0 m, and no stopping in the street."},
    "closed": {"delivery_days": "mon,wed,fri", "notes": "Closed on Tuesdays and Thursdays."},
    "closed_too": {"delivery_days": "wed,thu", "notes": "Suljettu tiistaisin."},
    "unreachable": {"windows": "04:30-05:15", "window_kind": "begin_by", "notes": "Night porter until 05:15."},
    "too_short": {"windows": "06:00-06:10", "window_kind": "finish_by", "service_minutes": 20},
    "crew": {"crew": 3, "notes": "Three people for the stairs to the roof terrace."},
    "pair": {"crew": 2, "notes": "Two people: the kitchen is on the fourth floor."},
    "heavy": {"skills": "tail_lift", "service_minutes": 25, "windows": "06:00-11:00"},
    "unweighed": {},
    "hostile": {"notes": "<script>alert('yard')</script> & \"ring twice\"; DROP TABLE site; --"},
    "swedish": {"address": "Alexandersgatan 17", "postcode": "00100", "city": "Helsingfors", "language": "sv"},
    "po": {"windows": "10:00-14:00", "delivery_days": WORKDAYS, "language": "en"},
    # A hand-over at the counter: a van that passes loses minutes by it, not a quarter of an hour.
    "near": {
        "windows": "06:00-15:00",
        "delivery_days": WORKDAYS,
        "service_minutes": 2,
        "service_seconds_per_case": 20,
        "parking_minutes": 0,
        "notes": "Hand it over at the counter.",
    },
    "typo": {"address": "Fabianinaktu 29", "postcode": "00100"},
    "no_such_number": {"address": "Fabianinkatu 9999", "postcode": "00100"},
    "outside": {"address": "Hämeentie 100", "postcode": "00550"},
    "no_number": {"address": "Korkeavuorenkatu", "postcode": "00130"},
    "payment_hold": {"payment_hold": "yes"},
}
# Where a site plays a part, chance must not add a second one.
_PLAIN: Row = {
    "delivery_days": WORKDAYS,
    "windows": "06:00-11:00",
    "window_kind": "begin_by",
    "max_vehicle_height_cm": "",
    "max_vehicle_length_cm": "",
    "skills": "",
}
_NORTHERN = ("skills", "low_arch", "low_gate", "pair", "crew", "heavy", "po", "near")
"""These parts need the vehicles of the northern depot."""

PAYING_SITES = ("C060-1", "C090-1")
"""Who pays the driver: one door of each depot."""

REVIEW = {
    "typo": PinQuality.APPROXIMATE,
    "no_such_number": PinQuality.APPROXIMATE,
    "outside": PinQuality.OUTSIDE,
    "no_number": PinQuality.STREET,
}
_CHAINS = (3, 2, 4, 2, 3)
"""How many sites each customer with several has."""

SITES = 108
DEPOT_NORTH, DEPOT_SOUTH = "D1", "D2"
_DEPOT_DOORS = {
    DEPOT_NORTH: ("Siltasaarenkatu", "Depot 1 north of the bridge"),
    DEPOT_SOUTH: ("Kasarmikatu", "Depot 2 south"),
}


def _doors(gazetteer: Gazetteer) -> list[Candidate]:
    """Doors that the gazetteer finds again under their own label, one per house."""
    found = []
    for door in gazetteer.doors():
        if not door.house_number.replace(" ", "").isalnum():
            continue
        located = gazetteer.locate(f"{door.street} {door.house_number}", postcode=door.postcode, city=door.city)
        if located.quality is PinQuality.EXACT and located.candidates[0].location == door.location:
            found.append(door)
    return found


def _make_sites(rng: random.Random, doors: Sequence[Candidate], depots: dict[str, Candidate]) -> list[Site]:
    free = [door for door in doors if door not in depots.values()]
    picked = rng.sample(free, SITES - 1)
    middle = sorted(door.location.lat for door in picked)[round(0.38 * len(picked))]
    parts = list(_PARTS)
    chains = iter(_CHAINS)
    sites: list[Site] = []
    customer, left, base = 0, 0, {}
    for at, door in enumerate(picked):
        part = parts[at] if at < len(parts) else ""
        if left == 0 or part:
            customer += 1
            base = _customer(rng, customer)
            # Past the parts, every twelfth customer has several sites.
            left = next(chains, 1) if not part and customer % 12 == 0 else 1
        left -= 1
        within = sum(1 for site in sites if site.row["customer"] == base["customer"]) + 1
        site = Site(
            row=_site(rng, base, within, door),
            depot=DEPOT_NORTH if door.location.lat >= middle or part in _NORTHERN else DEPOT_SOUTH,
            door=door,
            part=part,
        )
        if part:
            site.row |= _PLAIN | _PARTS[part]
        elif site.depot == DEPOT_SOUTH and site.row["windows"] == _MIDDAY:
            # South of the station they take goods after lunch: so a van is still out at 16:00.
            site.row |= {"windows": _AFTERNOON, "window_kind": "begin_by"}
        if part in ("swedish", *REVIEW):
            site.door = None
        sites.append(site)
    return _with_neighbour(rng, sites, free, customer)


def _with_neighbour(rng: random.Random, sites: list[Site], free: Sequence[Candidate], customers: int) -> list[Site]:
    """Moves the site "near" to a door some 40 m from a site of the northern depot, and adds one more site."""
    taken = {site.door.label for site in sites if site.door}
    near = next(site for site in sites if site.part == "near")
    choices = [
        (abs(metres_between(door.location, site.door.location) - 40), door.label, door, site)
        for site in sites
        if site.door and site.depot == DEPOT_NORTH and not site.part
        for door in free
        if door.label not in taken
    ]
    _, _, door, _ = min(choices, key=lambda choice: choice[:2])
    near.door, near.depot = door, DEPOT_NORTH
    near.row.update(address=f"{door.street} {door.house_number}", postcode=door.postcode)
    extra = rng.choice([other for other in free if other.label not in taken and other != door])
    base = _customer(rng, customers + 1)
    # A buyer who is a private person: for them a delay needs consent, where the policy says so.
    base |= {"business": "no", "customer_name": "Private customer 1", "tier": 0}
    sites.append(Site(row=_site(rng, base, 1, extra), depot=DEPOT_NORTH, door=extra))
    return sites


def _customer(rng: random.Random, number: int) -> Row:
    tier = 3 if number % 15 == 0 else 2 if number % 5 == 0 else 0 if number % 11 == 0 else 1
    name = _NAMES[number % len(_NAMES)].format(number)
    if number in (33, 44, 55):
        name = _LONG_NAMES[(33, 44, 55).index(number)]
    if number == 8:
        name = "Chef's Table 8 & Sons' Deli"
    return {
        "customer": f"C{number:03d}",
        "customer_name": name,
        "tier": tier,
        "business": "yes",
        "language": rng.choice(("fi", "fi", "fi", "sv", "en")),
        "rank_rule": "never_loses" if tier == 3 else "may_give_up" if tier == 0 else "normal",
        "salesperson": f"Salesperson {number % 3 + 1}",
        "payment_hold": "no",
    }


def _site(rng: random.Random, customer: Row, within: int, door: Candidate) -> Row:
    code = str(customer["customer"])
    sms = rng.random() < 0.4
    role = "goods_in" if sms or rng.random() < 0.3 else "buyer"
    person = f"{'Goods-in' if role == 'goods_in' else 'Buyer'} {int(code[1:])}-{within}"
    phone = f"+35899555{int(code[1:]) * 10 + within:04d}"
    name = str(customer["customer_name"])
    return customer | {
        "site": f"{code}-{within}",
        "site_name": name if within == 1 else f"{name[:50]}, branch {within}",
        "address": f"{door.street} {door.house_number}",
        "postcode": door.postcode,
        "city": "Helsinki",
        "country": "FI",
        "delivery_days": rng.choice(_DAYS),
        "windows": rng.choice(_WINDOWS),
        "window_kind": rng.choice(("begin_by", "begin_by", "finish_by")),
        "service_minutes": rng.choice((8, 10, 10, 12, 15, 18)),
        "service_seconds_per_case": rng.choice((20, 30, 30, 45)),
        "parking_minutes": rng.choice((2, 3, 4, 4, 6)),
        "max_vehicle_height_cm": rng.choice(("",) * 8 + (250, 280)),
        "max_vehicle_length_cm": rng.choice(("",) * 9 + (650,)),
        "max_vehicle_weight_kg": "",
        "skills": rng.choice(("",) * 7 + ("cold",)),
        "crew": 1,
        "notes": rng.choice(_NOTES),
        "contact_name": person,
        "contact_role": role,
        "contact_channel": "sms" if sms else "email",
        "contact_address": phone if sms else f"{role.replace('_', '-')}{within}@{code.lower()}.example",
        "contact_consent": "yes" if rng.random() < 0.85 else "no",
    }


# ---------------------------------------------------------------------------- orders


@dataclass(slots=True, kw_only=True)
class Order:
    site: Site
    lines: list[tuple[Product, int]]
    ordered_at: datetime
    wanted_on: date
    promised_on: date | None
    part: str = ""
    fields: Row = field(default_factory=dict)
    number: str = ""

    def __str__(self) -> str:
        return self.number


def _at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), ZONE)


def _workday(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= 5 else 0)


def _workdays_before(day: date, count: int) -> date:
    while count:
        day -= timedelta(days=1)
        count -= day.weekday() < 5
    return day


def _some_lines(rng: random.Random, count: int) -> list[tuple[Product, int]]:
    """Whole cases of different goods; now and then a few single units, as people order them."""
    lines = []
    for product in rng.sample(GOODS, count):
        # Two cases of what is light, one of what is heavy, so that a stop stays a stop and no removal.
        most = 3 if (product.weight_g or 0) * product.case_pack < 9000 else 2
        quantity = product.case_pack * rng.randint(1, most)
        if product.case_pack >= 6 and rng.random() < 0.05:
            quantity += rng.randint(1, product.case_pack - 1)
        lines.append((product, quantity))
    return lines


def _ready(rng: random.Random, site: Site) -> Order:
    ordered = MONDAY - timedelta(days=rng.choice((0, 0, 1, 3, 4, 5)))
    clock = f"{rng.randint(7, 15):02d}:{rng.choice((0, 5, 12, 20, 37, 48)):02d}"
    return Order(
        site=site,
        lines=_some_lines(rng, rng.choice((1, 2, 2, 2, 3, 3, 4))),
        ordered_at=_at(ordered, clock),
        wanted_on=TUESDAY,
        promised_on=TUESDAY if rng.random() < 0.8 else None,
    )


def _worth(order: Order) -> str:
    return f"{sum(quantity * Decimal(product.price) for product, quantity in order.lines):.2f}"


def _waiting(rng: random.Random, site: Site, scarce: int, cases: int, *, age: int, promised: date) -> Order:
    product = SCARCE[scarce]
    lines = [(product, product.case_pack * cases)]
    if rng.random() < 0.3:
        lines += _some_lines(rng, 1)
    ordered = TUESDAY - timedelta(days=age)
    return Order(
        site=site,
        lines=lines,
        ordered_at=_at(ordered, f"{rng.randint(7, 16):02d}:{rng.choice((3, 11, 25, 42, 56)):02d}"),
        wanted_on=min(_workday(ordered + timedelta(days=3)), TUESDAY),
        promised_on=promised,
        part="waiting",
    )


def _make_orders(rng: random.Random, sites: Sequence[Site]) -> list[Order]:
    part = {site.part: site for site in sites if site.part}
    plain = [site for site in sites if not site.part]
    opened = [site for site in plain if "tue" in str(site.row["delivery_days"])]
    north = [site for site in opened if site.depot == DEPOT_NORTH]
    south = [site for site in opened if site.depot == DEPOT_SOUTH]
    orders: list[Order] = []

    # Every site orders once, some twice.
    for site in plain:
        orders.append(_ready(rng, site))
    for site in rng.sample(opened, 11):
        orders.append(_ready(rng, site))

    # What cannot go out today, and why.
    told = (
        "skills",
        "access",
        "low_arch",
        "low_gate",
        "closed",
        "closed_too",
        "unreachable",
        "too_short",
        "crew",
        "pair",
    )
    for name in (*told, "heavy", "unweighed", "hostile", "swedish", "po"):
        order = _ready(rng, part[name])
        order.part = name
        orders.append(order)
    by_part = {order.part: order for order in orders if order.part}
    by_part["heavy"].lines = [(FLOUR_SACK, 190)]
    by_part["unweighed"].lines = [(UNWEIGHED, 2), *by_part["unweighed"].lines]
    by_part["low_gate"].lines = [
        (FLOUR_SACK, 20),
        *[line for line in by_part["low_gate"].lines if line[0] != FLOUR_SACK],
    ]
    by_part["hostile"].fields["note"] = '<script>alert("note")</script> =1+1 \'quoted\', "twice" & åäö'
    by_part["po"].fields["customer_reference"] = "PO-4711"
    by_part["po"].ordered_at = _at(TUESDAY - timedelta(days=12), "09:26")
    by_part["po"].wanted_on = TUESDAY - timedelta(days=7)
    by_part["po"].promised_on = TUESDAY - timedelta(days=7)
    orders[3].fields |= {"urgent_by": "Salesperson 2", "note": "Opening party on Tuesday night."}
    orders[17].fields |= {"urgent_by": "Salesperson 1"}
    orders[29].fields |= {"urgent_by": "Dispatcher 1"}
    # A door of each depot pays its driver; of the highest tier, so that every plan has them.
    for number in PAYING_SITES:
        order = next(order for order in orders if order.site.number == number)
        order.fields["collect_at_door"] = _worth(order)

    # The truck: nine orders of 132 for 96 expected, 60 of which came. Tier and age rank them differently.
    first_sites = {site.row["customer"]: site for site in reversed(north)}
    tiers = sorted(first_sites.values(), key=lambda site: (-site.tier, site.number))
    nine = [
        *tiers[:3],
        *[site for site in tiers if site.tier == 1][:5],
        *[site for site in tiers if site.tier == 0][:1],
    ]
    wanted = (1, 2, 1, 1, 2, 1, 1, 1, 1)
    ages = (4, 5, 9, 16, 12, 7, 20, 6, 26)
    for at, (site, cases, age) in enumerate(zip(nine, wanted, ages, strict=True)):
        order = _waiting(rng, site, TRUCK, cases, age=age, promised=TUESDAY)
        order.part = "truck"
        order.lines = order.lines[:1]
        if at == 4:
            order.lines += _some_lines(rng, 1)
            order.fields |= {"completeness": "complete", "note": "All together or not at all."}
        orders.append(order)

    # Everybody else who waits. Ages fall into every class of the ageing report.
    queue = (
        (north, NOON_NORTH, 2, 5, TUESDAY),
        (north, NOON_NORTH, 3, 8, TUESDAY),
        (south, NOON_SOUTH, 1, 6, TUESDAY),
        (north, THURSDAY_NORTH, 2, 11, THURSDAY),
        (north, THURSDAY_NORTH, 1, 3, THURSDAY),
        (south, THURSDAY_SOUTH, 2, 10, THURSDAY),
        (north, OVERDUE_NORTH, 2, 19, TUESDAY - timedelta(days=5)),
        (north, OVERDUE_NORTH, 1, 24, TUESDAY - timedelta(days=5)),
        (south, OVERDUE_SOUTH, 3, 38, TUESDAY - timedelta(days=20)),
        (south, UNCOVERED, 1, 64, TUESDAY - timedelta(days=49)),
        (north, UNCOVERED, 2, 47, TUESDAY - timedelta(days=33)),
    )
    for at, (pool, scarce, cases, age, promised) in enumerate(queue):
        site = pool[(7 * at + 5) % len(pool)]
        orders.append(_waiting(rng, site, scarce, cases, age=age, promised=promised))
    # Eight of twelve lie there, the rest comes on Thursday, and a van passes 40 m away.
    near = _waiting(rng, part["near"], PART, 1, age=6, promised=TUESDAY)
    near.lines = [(SCARCE[PART], 12)]
    near.part = "near"
    orders.append(near)

    for name in REVIEW:
        order = _ready(rng, part[name])
        order.part = name
        orders.append(order)

    # Stock is there, but something else is not.
    sleeping = rng.sample(opened, 11)
    for at, site in enumerate(sleeping):
        order = _ready(rng, site)
        if at < 3:
            reasons = ("Wrong price on the confirmation", "Buyer on holiday until Thursday", "Dispute about last week")
            order.part, order.fields["hold"] = "hold", reasons[at]
        elif at < 5:
            order.part, order.fields["payment"] = "pending", "pending"
        elif at < 9:
            later = _workday(TUESDAY + timedelta(days=at - 3))
            order.part, order.wanted_on, order.promised_on = "not_before", later, later
            order.fields |= {"not_before": later.isoformat(), "not_after": (later + timedelta(days=4)).isoformat()}
        else:
            order.part = "far"
            order.wanted_on, order.promised_on = _workday(TUESDAY + timedelta(days=30 + at)), None
        orders.append(order)
    gated = _ready(rng, part["payment_hold"])
    gated.part = "payment_hold"
    orders.append(gated)

    return orders


def _number(orders: Iterable[Order]) -> None:
    """The earlier ordered, the lower the number."""
    for at, order in enumerate(sorted(orders, key=lambda order: (order.ordered_at, order.site.number))):
        order.number = f"SO-{1001 + at}"


def _order_rows(rng: random.Random, orders: Iterable[Order]) -> Iterator[Row]:
    for order in sorted(orders, key=str):
        completeness = rng.choice(("partial",) * 6 + ("per_line",))
        head: Row = {
            "order": order.number,
            "customer": order.site.row["customer"],
            "site": order.site.number,
            "depot": order.site.depot,
            "ordered_at": order.ordered_at.isoformat(),
            "wanted_on": order.wanted_on.isoformat(),
            "customer_reference": f"PO-{20000 + int(order.number[3:]) * 7}",
            "erp_reference": f"ERP-{700000 + int(order.number[3:])}",
            "completeness": completeness,
            "min_percent": rng.choice(("", "", "", 50)) if completeness == "partial" else "",
            "max_wait_days": rng.choice(("",) * 9 + (14,)),
            "max_shipments": rng.choice(("",) * 5 + (2,)),
            "payment": "ok",
            "currency": "EUR",
            "promised_on": order.promised_on.isoformat() if order.promised_on else "",
        } | order.fields
        if head["completeness"] == "complete":
            head |= {"min_percent": "", "max_shipments": 1}
        for line, (product, quantity) in enumerate(order.lines, start=1):
            yield head | {"line": line, "sku": product.sku, "quantity": quantity, "unit_price": product.price}


# ---------------------------------------------------------------------------- stock


def _inbound_rows() -> list[Row]:
    def row(number: int, depot: str, scarce: int, quantity: int, day: date, clock: str) -> Row:
        product = SCARCE[scarce]
        return {
            "number": f"IN-{number}",
            "supplier": product.supplier,
            "depot": depot,
            "sku": product.sku,
            "quantity": quantity,
            "expected_at": _at(day, clock).isoformat(),
        }

    return [
        row(2001, DEPOT_NORTH, TRUCK, 96, TUESDAY, "05:30"),
        row(2002, DEPOT_NORTH, NOON_NORTH, 30, TUESDAY, "12:00"),
        row(2003, DEPOT_SOUTH, NOON_SOUTH, 48, TUESDAY, "12:00"),
        row(2004, DEPOT_NORTH, THURSDAY_NORTH, 40, THURSDAY, "06:00"),
        row(2005, DEPOT_SOUTH, THURSDAY_SOUTH, 4, THURSDAY, "06:00"),
        row(2006, DEPOT_NORTH, PART, 48, THURSDAY, "06:00"),
        row(2007, DEPOT_NORTH, OVERDUE_NORTH, 48, TUESDAY - timedelta(days=5), "10:00"),
        row(2008, DEPOT_SOUTH, OVERDUE_SOUTH, 24, TUESDAY - timedelta(days=11), "14:00"),
        row(2009, DEPOT_NORTH, TRUCK, 96, TUESDAY + timedelta(days=7), "05:30"),
    ]


def _receipt(
    number: str, depot: str, sku: str, quantity: int, counted: datetime, *, inbound: str = "", quarantined: int = 0
) -> Row:
    return {
        "number": number,
        "inbound": inbound,
        "depot": depot,
        "sku": sku,
        "quantity": quantity,
        "quarantined": quarantined,
        "counted_at": counted.isoformat(),
    }


def _opening_rows(rng: random.Random, orders: Iterable[Order]) -> list[Row]:
    """Enough of everything that is not scarce for every open order, in whole cases, and some to spare."""
    needed: dict[tuple[str, str], int] = Counter()
    for order in orders:
        for product, quantity in order.lines:
            if product not in SCARCE:
                needed[order.site.depot, product.sku] += quantity
    rows = []
    for at, ((depot, sku), quantity) in enumerate(sorted(needed.items())):
        pack = PRODUCTS[sku].case_pack
        whole = -(-quantity // pack) * pack + pack * rng.choice((0, 0, 1, 2, 4))
        spoiled = pack if at % 29 == 7 else 0
        rows.append(_receipt(f"R-{1001 + at}", depot, sku, whole + spoiled, _at(MONDAY, "18:00"), quarantined=spoiled))
    rows.append(_receipt("R-1900", DEPOT_NORTH, SCARCE[PART].sku, 8, _at(MONDAY, "18:00")))
    return rows


# ---------------------------------------------------------------------------- fleet

# number, name, depot, profile, kg, litres, pieces, height cm, length cm, skills
_VEHICLES = (
    ("V1", "Van 1", DEPOT_NORTH, "car", 520, 3600, "", 240, 540, "cold"),
    ("V2", "Van 2", DEPOT_NORTH, "car", 1100, 9800, "", 310, 720, "tail_lift"),
    ("V3", "Van 3", DEPOT_NORTH, "car", 520, 3600, "", 240, 540, ""),
    ("V4", "Van 4", DEPOT_SOUTH, "car", 520, 3600, "", 240, 540, "cold"),
    ("V5", "Van 5", DEPOT_NORTH, "car", 450, 3000, "", 210, 480, ""),
    ("V6", "Van 6", DEPOT_SOUTH, "car", 520, 3600, "", 240, 540, ""),
    ("B1", "Bike 1", DEPOT_NORTH, "bike", 110, 700, 200, 130, 260, ""),
    ("B2", "Bike 2", DEPOT_NORTH, "bike", 110, 700, 200, 130, 260, ""),
)
# driver, vehicle, from, to, break from, break to, crew, zone
_SHIFTS = (
    ("DR1", "V1", "05:30", "13:30", "09:00", "11:00", 1, "Z1"),
    ("DR2", "V2", "05:30", "13:30", "09:00", "11:00", 2, ""),
    ("DR3", "V3", "05:45", "13:45", "09:00", "11:30", 1, "Z1"),
    ("DR4", "V4", "06:00", "15:00", "10:00", "12:00", 1, "Z2"),
    ("DR5", "V6", "08:00", "17:00", "11:30", "13:30", 1, "Z2"),
    ("DR6", "B1", "06:00", "10:00", "", "", 1, ""),
    ("DR6", "B2", "10:30", "14:30", "", "", 1, ""),
)
_DRIVER_SKILLS = {"DR2": "truck", "DR7": "truck"}


def _fleet_rows(depots: dict[str, Candidate]) -> Iterator[Row]:
    for at, (number, door) in enumerate(depots.items(), start=1):
        yield {
            "kind": "depot",
            "number": number,
            "name": _DEPOT_DOORS[number][1],
            "address": door.label,
            "lat": f"{door.location.lat:.7f}",
            "lon": f"{door.location.lon:.7f}",
            "phone": f"+35899555900{at}",
            "email": f"depot{at}@kauppatukku1.example",
            "language": "fi",
            "weekdays": WORKDAYS,
            "cut_off": "16:00",
        }
    for at, (number, door) in enumerate(depots.items(), start=1):
        yield {
            "kind": "zone",
            "number": f"Z{at}",
            "name": ("North of the station", "South of the station")[at - 1],
            "depot": number,
            "lat": f"{door.location.lat:.7f}",
            "lon": f"{door.location.lon:.7f}",
            "weekdays": WORKDAYS,
            "cut_off": "16:00",
        }
    for number, name, depot, profile, kilos, litres, pieces, height, length, skills in _VEHICLES:
        yield {
            "kind": "vehicle",
            "number": number,
            "name": name,
            "depot": depot,
            "profile": profile,
            "weight_g": kilos * 1000,
            "volume_cm3": litres * 1000,
            "pieces": pieces,
            "height_cm": height,
            "length_cm": length,
            "skills": skills,
        }
    vehicle_depot = {vehicle[0]: vehicle[2] for vehicle in _VEHICLES}
    home = {driver: vehicle_depot[vehicle] for driver, vehicle, *_ in reversed(_SHIFTS)} | {"DR7": DEPOT_NORTH}
    for at in range(1, 8):
        number = f"DR{at}"
        yield {
            "kind": "driver",
            "number": number,
            "name": f"Driver {at}",
            "depot": home[number],
            "skills": _DRIVER_SKILLS.get(number, ""),
            "phone": f"+35899555910{at}",
            "email": f"driver{at}@kauppatukku1.example",
            "language": ("fi", "fi", "sv", "en", "fi", "en", "fi")[at - 1],
            "weekdays": WORKDAYS,
        }
    for at, (driver, vehicle, begin, end, break_from, break_to, crew, zone) in enumerate(_SHIFTS, start=1):
        bike = vehicle.startswith("B")
        yield {
            "kind": "shift",
            "number": f"S{at}",
            "name": f"{next(one[1] for one in _VEHICLES if one[0] == vehicle)} {begin}",
            "depot": vehicle_depot[vehicle],
            "crew": crew,
            "driver": driver,
            "vehicle": vehicle,
            "from": begin,
            "to": end,
            "break_minutes": 30 if break_from else "",
            "break_from": break_from,
            "break_to": break_to,
            "loading_minutes": 10 if bike else 25,
            "debrief_minutes": 5 if bike else 15,
            "fixed_cost": "6.00" if bike else "48.00",
            "cost_per_hour": "26.00" if crew == 1 else "50.00",
            "cost_per_km": "0.05" if bike else "0.60",
            "max_stops": 20 if bike else "",
            "weekdays": WORKDAYS,
            "zone": zone,
        }


# ---------------------------------------------------------------------------- what lies behind

_SLIPS = (
    "Supplier 4 shipped two days late",
    "Supplier 3 sent half of it",
    "Van 5 broke down on the way",
    "Count at goods-in found fewer than booked",
    "The customer asked for a later day",
)


def _history(rng: random.Random, sites: Sequence[Site], orders: Sequence[Order]) -> tuple[list[Order], list[Row]]:
    """The closed orders of thirty days and what happened to them; Monday is told stop by stop."""
    served = [site for site in sites if site.door is not None and not site.part]
    past: list[Order] = []
    rows: list[Row] = []
    for back in range(30, 0, -1):
        day = TUESDAY - timedelta(days=back)
        if day.weekday() >= 5:
            continue
        count = 36 if day == MONDAY else 3
        todays = []
        for site in rng.sample(served, count):
            _served_on(site, day)
            order = _ready(rng, site)
            order.ordered_at = _at(
                day - timedelta(days=rng.choice((1, 2, 3))), f"{rng.randint(8, 15):02d}:{rng.randint(0, 59):02d}"
            )
            order.wanted_on = order.promised_on = day
            order.lines = order.lines[:2]
            todays.append(order)
        past += todays
        rows += _day_rows(rng, day, todays)
    rows += _open_slips(orders)
    _number([*past, *orders])
    rows.sort(key=lambda row: (str(row["at"]), str(row["order"]), str(row["line"])))
    return past, rows


def _served_on(site: Site, day: date) -> None:
    """A site that history visits on a weekday is served on it."""
    week = WORKDAYS.split(",")
    days = {*str(site.row["delivery_days"]).split(","), week[day.weekday()]}
    site.row["delivery_days"] = ",".join(name for name in week if name in days)


# What went wrong on Monday: which delivery of the day, and how. Everything else was delivered.
_MONDAY = {4: "short", 11: "not_home", 17: "short", 20: "premises_closed", 23: "refused", 26: "damaged", 31: "not_home"}
_WHY = {
    "short": "Fewer on the van than on the list",
    "not_home": "Nobody opened",
    "premises_closed": "Shutters down, note on the door",
    "refused": "Ordered twice by mistake",
    "damaged": "Box fell from the lift",
}
DISPUTED = 8
"""Which of Monday's deliveries the customer says never came."""


def _day_rows(rng: random.Random, day: date, todays: Sequence[Order]) -> Iterator[Row]:
    rides: dict[str, list[tuple[int, Order]]] = defaultdict(list)
    vans = {DEPOT_NORTH: [("DR1", "V1"), ("DR2", "V2"), ("DR3", "V3")], DEPOT_SOUTH: [("DR4", "V4"), ("DR5", "V6")]}
    for at, order in enumerate(todays):
        choices = vans[order.site.depot]
        rides["|".join(choices[at % len(choices)])].append((at, order))
    for ride, stops in sorted(rides.items()):
        driver, vehicle = ride.split("|")
        clock = _at(day, "08:40" if vehicle == "V6" else "06:10")
        for stop, (at, order) in enumerate(stops, start=1):
            clock += timedelta(minutes=rng.randint(11, 24))
            wrong = _MONDAY.get(at, "") if day == MONDAY else ("short" if rng.random() < 0.05 else "")
            if rng.random() < 0.12 and not wrong:
                first = _workdays_before(day, rng.choice((1, 2)))
                told = _at(_workdays_before(first, 1), f"14:{rng.randint(10, 59)}")
                yield _slip(order, told, first, day, rng.choice(_SLIPS))
            for line, (product, quantity) in enumerate(order.lines, start=1):
                hit = wrong and (line == 1 or wrong not in ("short", "damaged"))
                missing = min(product.case_pack, quantity) if product.case_pack > 1 else 1
                left = quantity - (missing if wrong in ("short", "damaged") else quantity)
                yield {
                    "day": day.isoformat(),
                    "event": "delivery",
                    "order": order,
                    "line": line,
                    "quantity_delivered": left if hit else quantity,
                    "outcome": wrong if hit else "delivered",
                    "at": clock.isoformat(),
                    "driver": driver,
                    "vehicle": vehicle,
                    "stop": stop,
                    "recipient": "" if wrong in ("not_home", "premises_closed") else order.site.row["contact_name"],
                    "promised_on": order.promised_on.isoformat() if order.promised_on else "",
                    "why": _WHY[wrong] if hit else "",
                }
            if day == MONDAY and at == DISPUTED:
                order.part = "disputed"
                yield {
                    "day": day.isoformat(),
                    "event": "dispute",
                    "order": order,
                    "line": "",
                    "at": _at(MONDAY, "16:40").isoformat(),
                    "recipient": order.site.row["contact_name"],
                    "why": "Says it never came",
                }


def _slip(order: Order, at: datetime, old: date, new: date, why: str) -> Row:
    # The first promise is the order's own from then on: the file of orders carries it.
    order.promised_on = old
    # Wanted later than it was promised, it would have been moved by its customer.
    order.wanted_on = min(order.wanted_on, old)
    order.ordered_at = min(order.ordered_at, at - timedelta(days=2), _at(old - timedelta(days=2), "10:15"))
    return {
        "day": at.date().isoformat(),
        "event": "promise",
        "order": order,
        "line": "",
        "at": at.isoformat(),
        "promised_on": old.isoformat(),
        "new_promised_on": new.isoformat(),
        "why": why,
    }


def _open_slips(orders: Sequence[Order]) -> Iterator[Row]:
    """The promises of orders still open that have moved: PO-4711, and those behind an overdue supplier."""
    for order in orders:
        first = order.promised_on
        if first is None or first >= TUESDAY:
            continue
        supplier = order.lines[0][0].supplier
        if order.part == "po":
            between = TUESDAY - timedelta(days=4)
            yield _slip(
                order, _at(first - timedelta(days=1), "14:05"), first, between, f"{supplier} shipped two days late"
            )
            why = "Count at goods-in found fewer than booked"
            yield _slip(order, _at(between - timedelta(days=1), "10:30"), between, TUESDAY, why)
            order.promised_on = first
        else:
            promise = first
            while promise < TUESDAY:
                told = _at(_workdays_before(promise, 1), "13:20")
                yield _slip(order, told, promise, promise + timedelta(days=14), f"{supplier} has not shipped")
                promise += timedelta(days=14)
            order.promised_on = first


def _history_receipts(past: Sequence[Order]) -> list[Row]:
    """What the closed orders were served from: what they ordered, counted before the first of them."""
    needed: dict[tuple[str, str], int] = Counter()
    for order in past:
        for product, quantity in order.lines:
            needed[order.site.depot, product.sku] += quantity
    counted = _at(TUESDAY - timedelta(days=34), "17:00")
    return [
        _receipt(f"R-{3001 + at}", depot, sku, quantity, counted)
        for at, ((depot, sku), quantity) in enumerate(sorted(needed.items()))
    ]


# ---------------------------------------------------------------------------- the story

STORY_COLUMNS = _columns("part,moment,order,site,about")

# part -> (which of the ten moments it belongs to, what it is there for)
_STORY: dict[str, tuple[int | str, str]] = {
    "truck": (1, "wants P201, of which 60 came instead of 96"),
    "po": (2, "PO-4711: promised for 24 February, slipped twice"),
    "typo": (3, "street with a typo"),
    "swedish": (3, "Swedish street name; goes on by itself"),
    "no_such_number": (3, "number 9999"),
    "outside": (3, "outside the district"),
    "no_number": (3, "no house number"),
    "skills": (4, "needs a cold van with a tail lift; there is none: skills"),
    "access": (4, "nothing longer than 2.4 m gets in: access"),
    "low_gate": (4, "only bikes fit through the gate of 2.0 m, and it is too much for a bike: access, capacity"),
    "closed": (4, "closed on Tuesdays: closed_that_day"),
    "closed_too": (4, "closed on Tuesdays: closed_that_day"),
    "unreachable": (4, "open until 05:15 only: window_unreachable"),
    "too_short": (4, "20 minutes of service in a window of 10: window_too_short"),
    "crew": (4, "needs three people: crew"),
    "heavy": (4, "heavier than every vehicle may carry: capacity; a split over trips is offered"),
    "unweighed": (4, "a line without weight: missing_weight"),
    "low_arch": (5, "arch of 2.5 m; Van 2 is 3.1 m"),
    "pair": (5, "two people: only Van 2 has them"),
    "near": (7, "8 of 12 are there, the rest comes on Thursday"),
    "disputed": (10, "says Monday's delivery never came"),
    "waiting": ("", "waits for stock"),
    "hostile": ("", "notes that must never run"),
    "hold": ("", "on hold: on_hold"),
    "pending": ("", "payment pending"),
    "payment_hold": ("", "customer on payment hold"),
    "not_before": ("", "not before a later day: not_ready"),
    "far": ("", "wanted far in the future: beyond the reservation horizon"),
}


def _story_rows(orders: Sequence[Order], past: Sequence[Order]) -> list[Row]:
    told = [order for order in [*orders, *past] if order.part]
    keys = list(_STORY)
    told.sort(key=lambda order: (keys.index(order.part), order.number))
    rows: list[Row] = []
    for order in told:
        moment, about = _STORY[order.part]
        if order.lines[0][0] in SCARCE and order.part == "truck":
            about = f"{order.lines[0][1]} of them, tier {order.site.tier}"
            about += ", ship complete" if order.fields.get("completeness") == "complete" else ""
        rows.append(
            {"part": order.part, "moment": moment, "order": order.number, "site": order.site.number, "about": about}
        )
    return rows


def _collection_rows(orders: Sequence[Order], past: Sequence[Order]) -> list[Row]:
    """Empty crates that wait at doors where a van stops on Tuesday anyway: two of the north, one of the south."""
    served = {order.site.number for order in past}
    in_the_story = {order.site.number for order in [*orders, *past] if order.part}
    doors = {order.site.number: order.site for order in orders if order.site.number in served - in_the_story}
    plain = [site for site in doors.values() if not site.part and "tue" in str(site.row["delivery_days"])]
    plain.sort(key=lambda site: (-site.tier, site.number))
    chosen = [
        *[site for site in plain if site.depot == DEPOT_NORTH][:2],
        *[site for site in plain if site.depot == DEPOT_SOUTH][:1],
    ]
    return [
        {"site": site.number, "sku": CRATE.sku, "quantity": crates, "day": TUESDAY, "why": "empty crates"}
        for site, crates in zip(chosen, (6, 8, 4), strict=True)
    ]


def _supplier_rows() -> list[Row]:
    names = sorted({product.supplier for product in PRODUCTS.values()}, key=lambda name: int(name.split()[-1]))
    return [
        {"supplier": name, "name": name, "email": f"orders@{name.lower().replace(' ', '')}.example"} for name in names
    ]


# ---------------------------------------------------------------------------- writing


def generate(into: Path) -> dict[str, int]:
    """Writes all files into the folder and returns how many rows each has."""
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        build_gazetteer(EXTRACT, Path(folder) / "gazetteer.sqlite")
        with Gazetteer(Path(folder) / "gazetteer.sqlite") as gazetteer:
            doors = _doors(gazetteer)
    depots = {
        number: next(door for door in doors if door.street == street and door.house_number.isdigit())
        for number, (street, _) in _DEPOT_DOORS.items()
    }
    sites = _make_sites(rng, doors, depots)
    orders = _make_orders(rng, sites)
    past, history = _history(rng, sites, orders)
    files: dict[str, tuple[Sequence[str], list[Row]]] = {
        "products.csv": (PRODUCT_COLUMNS, [product.row() for product in PRODUCTS.values()]),
        "suppliers.csv": (SUPPLIER_COLUMNS, _supplier_rows()),
        "customers.csv": (CUSTOMER_COLUMNS, [site.row for site in sites]),
        "orders.csv": ([*ORDER_COLUMNS, "collect_at_door"], list(_order_rows(rng, orders))),
        "orders_history.csv": (ORDER_COLUMNS, list(_order_rows(rng, past))),
        "inbound.csv": (INBOUND_COLUMNS, _inbound_rows()),
        "receipt_opening.csv": (RECEIPT_COLUMNS, _opening_rows(rng, orders)),
        "receipt_history.csv": (RECEIPT_COLUMNS, _history_receipts(past)),
        "receipt_tuesday.csv": (
            RECEIPT_COLUMNS,
            [_receipt("R-2001", DEPOT_NORTH, SCARCE[TRUCK].sku, 60, _at(TUESDAY, "05:35"), inbound="IN-2001")],
        ),
        "receipt_noon.csv": (
            RECEIPT_COLUMNS,
            [
                _receipt("R-2002", DEPOT_NORTH, SCARCE[NOON_NORTH].sku, 30, _at(TUESDAY, "12:05"), inbound="IN-2002"),
                _receipt(
                    "R-2003",
                    DEPOT_SOUTH,
                    SCARCE[NOON_SOUTH].sku,
                    48,
                    _at(TUESDAY, "12:20"),
                    inbound="IN-2003",
                    quarantined=24,
                ),
            ],
        ),
        "collections.csv": (COLLECTION_COLUMNS, _collection_rows(orders, past)),
        "fleet.csv": (FLEET_COLUMNS, list(_fleet_rows(depots))),
        "history.csv": (HISTORY_COLUMNS, history),
        "story.csv": (STORY_COLUMNS, _story_rows(orders, past)),
    }
    into.mkdir(parents=True, exist_ok=True)
    for name, (columns, rows) in files.items():
        with (into / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return {name: len(rows) for name, (_, rows) in files.items()}


if __name__ == "__main__":
    for name, rows in generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE).items():
        sys.stdout.write(f"{name}: {rows} rows\n")
