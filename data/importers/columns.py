"""What every column of every file means: said once, shown by the commands, the page and `data/demo/README.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data.importers import counts, receipts
from data.importers.kinds import KINDS

_SITE = {
    "site": "Number of the place it goes to.",
    "site_name": "What stands at its door.",
    "address": "Street and house number; coordinates, a plus code or a link to a map are addresses too.",
    "postcode": "Its zone follows from it where a zone names postcodes.",
    "city": "Town.",
    "country": "Two letters, as FI.",
    "delivery_days": "On which days it is served: `mon,tue,thu`. Empty: its zone's days.",
    "windows": "When goods are taken: `06:00-11:00;13:00-15:00`. Empty: at any time.",
    "window_kind": "`begin_by` (service starts inside, if empty) or `finish_by` (it ends inside).",
    "service_minutes": "How long a stop takes whatever it brings; 5 if empty.",
    "service_seconds_per_case": "And how much longer for each case.",
    "parking_minutes": "And to park and walk.",
    "max_vehicle_height_cm": "No higher vehicle gets there.",
    "max_vehicle_length_cm": "No longer one.",
    "max_vehicle_weight_kg": "No heavier one, laden.",
    "skills": "What a vehicle or driver must be able to do, all of it: `cold;tail_lift`.",
    "crew": "How many people it takes; 1 if empty.",
    "notes": "What the driver reads at this door.",
}
_SITE_LATE = {
    "late_minutes": "So long after its hours goods are still taken.",
    "late_price_per_minute": "What a minute of that costs us, as 0.50.",
    "known_to": "Numbers of the drivers who know it, `;` between; empty: everybody.",
    "stranger_price": "What it costs when another comes, as 2.50.",
    "vehicles": "Numbers of the vehicles that may come, `;` between; empty: all.",
    "run": "Number of the vehicle that comes as a rule. Counts once the company holds to standing runs.",
    "motor_hours": "When motor vehicles may drive there and must be gone again: `06:00-10:00`; bikes come at any time.",
}
_SUPPLIER = {
    "supplier": "Number of the supplier.",
    "name": "Their name.",
    "email": "Where orders and questions are sent.",
    "lead_days": "From order to arrival, as a rule.",
    "language": "In which they are written to: `en`, `fi`, `sv`.",
}

WORDS: Mapping[str, Mapping[str, str]] = {
    "fleet": {
        "kind": "What the row is: `depot`, `zone`, `vehicle`, `driver` or `shift`.",
        "number": "Number of it, unique among its kind.",
        "name": "Its name. Needed of what is new, but for a shift.",
        "depot": "Number of the depot of a zone, vehicle, driver or shift. Needed of what is new.",
        "address": "Of a depot.",
        "lat": "Of a depot, with `lon`: where routes start, in degrees north.",
        "lon": "In degrees east.",
        "profile": "Of a vehicle: which roads it takes, `car`, `van`, `truck` or `cargo_bike`; car if empty.",
        "weight_g": "What a vehicle may carry, in grams. Empty: no limit.",
        "volume_cm3": "In cubic centimetres.",
        "pieces": "In pieces.",
        "height_cm": "How high a vehicle is.",
        "length_cm": "How long.",
        "skills": "What a vehicle or driver can do: `cold;tail_lift`.",
        "crew": "People of a shift, the driver among them; 1 if empty.",
        "driver": "Number of a shift's driver. Empty: nobody yet.",
        "vehicle": "Number of a shift's vehicle. Needed of a new shift.",
        "from": "When a shift begins at its depot: `06:00`. Needed of a new shift.",
        "to": "When it ends. Needed of a new shift.",
        "break_minutes": "How long a shift's break is. Empty: none.",
        "break_from": "It begins at the earliest then.",
        "break_to": "And at the latest then.",
        "loading_minutes": "At the depot before a shift's vehicle leaves.",
        "debrief_minutes": "At the depot after it is back.",
        "fixed_cost": "What a shift costs once it runs, as 12.00.",
        "cost_per_hour": "And each paid hour.",
        "cost_per_km": "And each kilometre.",
        "max_stops": "At most so many stops on a shift. Empty: no limit.",
        "phone": "Of a driver.",
        "email": "Of a driver: where the route is sent.",
        "language": "Of a driver: `en`, `fi`, `sv`.",
        "weekdays": "Delivery days of a zone, working days of a driver or shift: `mon,tue`. Empty: its driver's.",
        "cut_off": "Of a zone: what is ordered later goes a delivery day later. 23:59 if empty.",
        "zone": "Of a depot its time zone, `Europe/Helsinki`; of a zone its postcodes, `;` between (empty: all).",
        "stops_a_day": "Of a zone: at most so many stops on one day. Empty: no limit.",
        "overtime_minutes": "Of a shift: so long after `to` it may last.",
        "cost_per_overtime_hour": "What an hour of that costs on top.",
        "reload_minutes": "Of a vehicle: how long it is loaded again at the depot between two trips.",
        "most_trips": "How often it may go out on one shift; once if empty.",
        "gross_kg": "What it weighs laden.",
        "licence": "Of a driver: `B` (up to 3.5 t laden), `C1` (up to 7.5 t) or `C`. A heavier vehicle is warned of.",
        "driving_hours": "By which rules a driver's hours at the wheel are limited: `none` or `eu` (nine hours a day).",
        "out_from": "Of a vehicle or driver: the first day on which they are not there.",
        "out_to": "The last one. Empty: until further notice.",
        "out_why": "Why.",
        "gone_from": "Of a vehicle or shift: the day from which it is no longer there. Empty: it stays.",
        "cost_per_stop": "What a shift costs at each stop, however many deliveries there, as 3.50.",
        "max_km": "At most so many kilometres on a shift. Empty: no limit.",
        "start_place": "Where a shift's way begins: `depot` (if empty) or `anywhere`, at its first stop.",
        "end_place": "Where it ends: `depot` (if empty) or `anywhere`, at its last stop.",
        "rest_after": "Of a shift: under EU hours its driver rests `full` (11 h, if empty) or `reduced` (9 h) then.",
        "second_break_minutes": "A shift's second break. Under EU hours 15 minutes and then 30 count as one of 45.",
        "second_break_from": "It begins at the earliest then, when the first one is over.",
        "second_break_to": "And at the latest then.",
    },
    "suppliers": _SUPPLIER,
    "products": {
        "sku": "Number of the product.",
        "name": "Its name.",
        "unit": "What one of it is called, in one: `bottle`. `pcs` if empty.",
        "case_pack": "Units of a case; 1 if empty.",
        "pallet_pack": "Units of a pallet.",
        "weight_g": "Of one unit, in grams. Empty: not known, and planning asks for it.",
        "volume_cm3": "Of one unit, in cubic centimetres. Empty: not known.",
        "pieces": "How many pieces one unit counts on a vehicle; 1 if empty.",
        "price": "Of one unit, as 3.50.",
        "currency": "Three letters, as EUR. Empty: the company's.",
        "supplier": "Number of who brings it.",
        "barcode": "What a scanner reads on it.",
        "returnable": "yes: fetched back empty, as crates and kegs are. no if empty.",
    },
    "customers": {
        "customer": "Number of the customer; their columns repeat in each row of theirs.",
        "customer_name": "Their name.",
        "tier": "Bigger wins: 3 urgent contract, 2 gold, 1 normal (if empty), 0 low.",
        "business": "yes (if empty) or no: a private person.",
        "language": "In which they are written to: `en`, `fi`, `sv`.",
        "rank_rule": "`never_loses` stock that was given, `normal` (if empty) or `may_give_up`.",
        "salesperson": "Who has the hard conversations with them.",
        "payment_hold": "no (if empty), yes, or why nothing goes to them.",
        **_SITE,
        "contact_name": "A person of the customer. Several: repeat the site's row.",
        "contact_role": "`buyer` (if empty) hears of the orders, `goods_in` of the deliveries.",
        "contact_channel": "`email` or `sms`. Empty: what the address is.",
        "contact_address": "The e-mail address, or the phone number with its country.",
        "contact_consent": "yes or no (if empty): whether they want to be written to.",
        **_SITE_LATE,
    },
    "sites": {"customer": "Number of a customer who is known.", **_SITE, **_SITE_LATE},
    "orders": {
        "order": "Number of the order; its columns repeat in each of its rows.",
        "customer": "Number of who ordered.",
        "site": "Number of the place it goes to. Empty, or no such column: the only one of that customer.",
        "depot": "Number of the depot it goes out from. No such column: the only depot, or `--depot`.",
        "ordered_at": "When: `2026-05-12T14:30` at the depot, or with an offset, or a day.",
        "wanted_on": "The day it is wanted. Empty: as soon as possible.",
        "not_before": "Never before this day.",
        "not_after": "Never after this day.",
        "customer_reference": "Their own number of it.",
        "erp_reference": "Your system's number of it; results go back by it.",
        "completeness": "`partial` (if empty), `per_line` (each line whole) or `complete` (all at once).",
        "min_percent": "A part must be at least so much of it, in percent.",
        "max_wait_days": "After so many days a part goes whatever else was said.",
        "max_shipments": "At most so many deliveries.",
        "hold": "Why it must not go. Empty: it may.",
        "payment": "`ok` (if empty) or `pending`: it waits for the money.",
        "urgent_by": "Who set it urgent.",
        "note": "What is to be known of it.",
        "line": "Number of the line. Empty on every row of an order: 1, 2, 3, and a SKU that is there keeps its line.",
        "sku": "What was ordered.",
        "quantity": "How many units.",
        "unit_price": "Of one unit, as 3.50. Empty: the product's.",
        "currency": "Of the order. Empty: the depot's.",
        "promised_on": "The day they were told first, elsewhere. Empty: we promise one.",
        "min_value": "A part must be worth at least this to go alone, as 25.00.",
        "collect_at_door": "What the driver collects when all of it is handed over, as 112.50; of a part its share. "
        "Empty: nothing.",
        "source": "`own` (if empty), `shopify` or `woocommerce`: tells apart orders of one number.",
    },
    "inbound": {
        "number": "Number of your purchase order.",
        "supplier": "Number of who brings it.",
        "depot": "Number of the depot it comes to.",
        "sku": "What comes.",
        "quantity": "How many units; 0: it does not come.",
        "expected_at": "When. Empty: nobody knows.",
    },
    "counts": {
        "depot": "Number of the depot. Empty: the only one.",
        "sku": "What was counted.",
        "counted": "The sellable units that lie there, released and picked ones included.",
    },
    "sources": {
        "supplier": "Number of who can bring it.",
        "sku": "What they can bring. Empty: the row only tells of the supplier.",
        **{name: words for name, words in _SUPPLIER.items() if name not in ("supplier", "lead_days", "language")},
        "language": _SUPPLIER["language"],
        "lead_days": _SUPPLIER["lead_days"],
    },
    "substitutes": {
        "sku": "What was ordered.",
        "substitute": "What may go out instead.",
        "gives": "So many units of the substitute; 1 if empty.",
        "replaces": "Go for so many units of what was ordered; 1 if empty.",
        "preference": "1 is offered first, and is meant if empty.",
    },
    "released": {
        "release": "The ERP's number of the release: taken once.",
        "day": "The day it goes out.",
        "depot": "Number of the depot it goes out from.",
        "order": "Number of the order; its columns repeat in each of its rows.",
        "customer": "Number of who ordered.",
        "site": "Number of the place it goes to. Empty, or no such column: the only one of that customer.",
        "ordered_at": "When it was ordered. Empty: now.",
        "customer_reference": "Their own number of it.",
        "erp_reference": "The ERP's number of the order; results go back by it.",
        "note": "What is to be known of it.",
        "collect_at_door": "What the driver collects when all of this release of it is handed over, as 112.50; of a "
        "part its share. Empty: nothing.",
        "line": "Number of the line. Empty: 1, 2, 3.",
        "sku": "What goes out.",
        "quantity": "How many units.",
        "line_erp_reference": "The ERP's number of the line; results go back by it.",
    },
    "receipts": {
        "number": "Number of the receipt.",
        "inbound": "Number of the purchase order that came. Empty: stock that was found, or there from the beginning.",
        "depot": "Number of the depot it came to.",
        "sku": "What came.",
        "quantity": "All units that were counted.",
        "quarantined": "Those of them that may not be sold.",
        "counted_at": "When it was counted. Empty: now.",
        "more_to_come": "yes: what is missing of the inbound still comes. no: it is closed. Empty: what `--rest` says.",
    },
    "vans": {
        "vehicle": "Name or number of the van that came back.",
        "sku": "What was counted on it.",
        "counted": "How many units.",
        "cash": "Money counted, as 112.50, in a row without a SKU.",
        "currency": "Its three letters.",
    },
}
"""By kind of file and column, in the order of the template. `receipts` is what `backroute receive` reads, `vans` what
`backroute close --counts` does; the others are those of `backroute import`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    needed: bool
    words: str


def columns_of(kind: str) -> Sequence[Column]:
    """Every column that a file of this kind may have, in the order of the template."""
    needed = {"receipts": receipts.NEEDED, "vans": counts.NEEDED}.get(kind) or KINDS[kind].needed
    return [Column(name=name, needed=name in needed, words=words) for name, words in WORDS[kind].items()]


def as_markdown(kind: str) -> str:
    """The columns of a kind as a table of Markdown, as `data/demo/README.md` has it."""
    rows = [f"| `{each.name}` | {'needed' if each.needed else ''} | {each.words} |" for each in columns_of(kind)]
    return "\n".join(["| column | | means |", "|---|---|---|", *rows])
