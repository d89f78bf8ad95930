"""customers.csv: who buys and where it goes, one row a site; the customer's columns repeat."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

import phonenumbers

from data.importers.batch import MOST_WARNINGS, note_import
from data.importers.cells import Cells, batches, changed_values
from data.importers.table import AS_OURS, Reading, Row, read_table
from data.store import SqlStore
from routing.model.imports import ImportResult
from routing.rules import who_comes
from routing.rules.imports import hold_beside
from routing.services.customer_changes import CustomerChanges, settle_customers

COLUMNS = (
    "customer", "customer_name", "tier", "business", "language", "rank_rule", "salesperson", "payment_hold", "site",
    "site_name", "address", "postcode", "city", "country", "delivery_days", "windows", "window_kind",
    "service_minutes", "service_seconds_per_case", "parking_minutes", "max_vehicle_height_cm",
    "max_vehicle_length_cm", "max_vehicle_weight_kg", "skills", "crew", "notes", "contact_name", "contact_role",
    "contact_channel", "contact_address", "contact_consent", "late_minutes", "late_price_per_minute", "known_to",
    "stranger_price", "vehicles", "run", "motor_hours",
)  # fmt: skip
NEEDED = ("customer", "customer_name", "site", "site_name", "address")
OF_A_SITE = (
    *COLUMNS[COLUMNS.index("site") : COLUMNS.index("contact_name")],
    *COLUMNS[COLUMNS.index("late_minutes") :],
)

CUSTOMER_COLUMN_OF = {"name": "customer_name"}
COLUMN_OF = {
    "name": "site_name", "service_s": "service_minutes", "service_s_per_case": "service_seconds_per_case",
    "parking_s": "parking_minutes", "max_height_cm": "max_vehicle_height_cm",
    "max_length_cm": "max_vehicle_length_cm", "max_weight_kg": "max_vehicle_weight_kg",
    "late_s": "late_minutes", "late_per_minute": "late_price_per_minute",
}  # fmt: skip
"""The columns of a site that are called otherwise in the file."""
_CONTACT_COLUMN_OF = {name: f"contact_{name}" for name in ("name", "role", "channel", "address", "consent")}


def import_customers(
    store: SqlStore,
    file: BinaryIO,
    *,
    now: datetime,
    by: str,
    dry_run: bool = False,
    file_name: str = "",
    reading: Reading = AS_OURS,
) -> ImportResult:
    """Adds and changes customers, sites and contacts; counts sites. A site whose address changed is located again.

    Several contacts of a site: repeat its row. A buyer is the customer's contact, goods-in the site's. An import never
    gives back a consent that was withdrawn, and never lifts a payment hold that a person set. Another tier, rank or
    delivery day moves dates at once: `result.moved` has whom, and they are told. Raises FileRefused.
    """
    result = ImportResult(kind="customers", dry_run=dry_run)
    table = read_table(file, kind="customers", columns=COLUMNS, needed=NEEDED, reading=reading)
    taken = _Taken(store, result, now=now)
    for rows in batches(table, 500):
        taken.look_up(rows)
        for row in rows:
            taken.take(row)
    if not dry_run:
        store.assign_zones()
        settled = settle_customers(store, taken.changes, now=now, by=by)
        result.moved, result.besides = settled.lines, settled.besides
        result.warnings = settled.warnings[:MOST_WARNINGS]
    note_import(store, result, file, file_name=file_name, now=now, by=by)
    return result


_NEW_CUSTOMER: dict[str, Any] = {"payment_hold_by": "", "payment_hold_said": None}
"""What a file says nothing of, until the row is there."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What one row says, each cell read."""

    cells: Cells
    number: str
    customer: dict[str, object]
    site_number: str
    site: dict[str, object]
    hours: list[tuple[str, str, str]]
    contact: dict[str, Any] | None


class _Taken:
    """The rows of a file so far, beside what is stored of the customers and sites that the batch at hand names.

    What a row changes is changed here too, so that a later row of the same site sees it, in a dry run as well.
    """

    def __init__(self, store: SqlStore, result: ImportResult, *, now: datetime) -> None:
        self.store, self.result, self.now = store, result, now
        self.currency = store.company().currency
        self.vehicles = store.vehicle_rows()
        self.said_customers: dict[str, tuple[int, dict[str, object]]] = {}
        self.said_sites: dict[str, tuple[int, object]] = {}
        self.customers: dict[str, dict[str, Any]] = {}
        self.sites: dict[str, dict[str, Any]] = {}
        self.hours: dict[int, list[tuple[str, str, str]]] = {}
        self.contacts: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.changes = CustomerChanges()

    def look_up(self, rows: Sequence[Row]) -> None:
        self.customers = self.store.customers({row.cells.get("customer", "") for row in rows})
        self.sites = self.store.sites({row.cells.get("site", "") for row in rows})
        self.hours = self.store.site_windows([row["id"] for row in self.sites.values()])
        self.contacts = self.store.contact_rows([row["id"] for row in self.customers.values()])

    def take(self, row: Row) -> None:
        """Leaves the row out with its faults named, or counts and, unless this is a dry run, writes what it changes."""
        said = self._read(row)
        self._refuse_contradictions(said)
        if said.cells.report(self.result, f"Site {said.site_number}"):
            return
        repeated = said.site_number in self.said_sites
        self.said_customers.setdefault(said.number, (row.number, said.customer))
        self.said_sites.setdefault(said.site_number, (row.number, (said.number, said.site, said.hours)))
        old, old_site = self.customers.get(said.number), self.sites.get(said.site_number)
        customer, site = _changed_customer(said, old), _changed_site(said, old_site)
        known_hours = self.hours.get(old_site["id"], []) if old_site else []
        hours = said_hours(said.cells, said.hours, known_hours)
        new_hours = old_site is None or known_hours != hours
        key, contact = _new_contact(said.cells, said.contact, old, old_site, self.contacts, self.now)
        if old_site is None and not repeated:
            self.result.created += 1
        elif customer or site or new_hours or contact:
            self.result.changed += not repeated
        else:
            self.result.unchanged += not repeated
        if self.result.dry_run:
            if old_site is None:
                self.sites[said.site_number] = {"id": 0, "customer": said.number} | said.site
                self.hours[0] = hours
            if old is None:
                self.customers[said.number] = _NEW_CUSTOMER | {"id": 0} | said.customer
            return
        customer_id = self._save_customer(said, old, customer)
        site_id = self._save_site(said, old_site, site, customer_id)
        if new_hours:
            self.store.set_site_windows(site_id, hours)
            self.hours[site_id] = hours
        if contact and said.contact is not None:
            self._save_contact(said.contact, key, contact, customer_id=customer_id, site_id=site_id)

    def _read(self, row: Row) -> _Said:
        cells = Cells(row)
        number = cells.text("customer", needed=True, longest=100)
        site_number = cells.text("site", needed=True, longest=100)
        customer = _customer(cells)
        site, hours = read_site(cells, self.currency, vehicles=self.vehicles)
        return _Said(cells, number, customer, site_number, site, hours, _contact(cells))

    def _refuse_contradictions(self, said: _Said) -> None:
        before = self.said_customers.get(said.number)
        if before is not None and before[1] != said.customer:
            other = next(name for name, value in said.customer.items() if before[1][name] != value)
            said.cells.wrong(
                f"customer ({other})",
                f"customer {said.number} reads otherwise in row {before[0]}: make them the same",
            )
        there = self.said_sites.get(said.site_number)
        if there is not None and there[1] != (said.number, said.site, said.hours):
            said.cells.wrong("site", f"site {said.site_number} reads otherwise in row {there[0]}: make them the same")
        old = self.sites.get(said.site_number)
        if old is not None and old["customer"] != said.number:
            said.cells.wrong(
                "site", f"site {said.site_number} belongs to customer {old['customer']}: give it a number of its own"
            )

    def _save_customer(self, said: _Said, old: dict[str, Any] | None, new: dict[str, Any]) -> int:
        number, hold = said.number, said.customer["payment_hold"]
        is_said = not said.cells.lacks("payment_hold") and (old is None or old["payment_hold_said"] != hold)
        if new or is_said:
            if "payment_hold" in new and (old is None or old["payment_hold_by"] in ("", "import")):
                held = bool(new["payment_hold"])
                new |= {"payment_hold_by": "import" if held else "", "payment_hold_at": self.now if held else None}
            if old is not None and "payment_hold" in new and not new["payment_hold"]:
                self.changes.held |= self.store.held_among(self.store.open_orders_of(old["id"]))
            values = new | ({"payment_hold_said": hold} if is_said else {})
            key = self.store.save_customer(
                old["id"] if old else None, values | ({"number": number} if old is None else {})
            )
            if old is not None:
                self.changes.customer(key, new)
            self.customers[number] = _NEW_CUSTOMER | (old or {}) | values | {"id": key}
        found: int = self.customers[number]["id"]
        return found

    def _save_site(self, said: _Said, old: dict[str, Any] | None, new: dict[str, Any], customer_id: int) -> int:
        if new:
            named = {"number": said.site_number, "customer_id": customer_id} if old is None else {}
            key = self.store.save_site(old["id"] if old else None, named | new)
            if old is not None:
                self.changes.site(customer_id, new)
            self.sites[said.site_number] = (old or {}) | {"customer": said.number} | new | {"id": key}
        found: int = self.sites[said.site_number]["id"]
        return found

    def _save_contact(
        self,
        contact: dict[str, Any],
        key: tuple[Any, ...] | None,
        new: dict[str, Any],
        *,
        customer_id: int,
        site_id: int,
    ) -> None:
        """A buyer is the customer's, goods-in the site's."""
        where = site_id if contact["role"] == "goods_in" else None
        old = self.contacts.get(key) if key else None
        values = new if old else {"customer_id": customer_id, "site_id": where} | new
        contact_id = self.store.save_contact(old["id"] if old else None, values)
        kept = (customer_id, where, contact["role"], contact["channel"], contact["address"])
        self.contacts[kept] = (old or {"consent_source": ""}) | values | {"id": contact_id}


def _changed_customer(said: _Said, old: dict[str, Any] | None) -> dict[str, Any]:
    """What has to be written of the customer; of one that is new, all."""
    if old is None:
        return dict(said.customer)
    hold, before, values = str(said.customer["payment_hold"]), old["payment_hold_said"], dict(said.customer)
    if hold == before:
        del values["payment_hold"]  # the file says nothing new: what a person decided since stands
    else:
        values["payment_hold"] = hold_beside(old["payment_hold"], old["payment_hold_by"], before or "", hold)
    return changed_values(old, values, cells=said.cells, column_of=CUSTOMER_COLUMN_OF)


def _changed_site(said: _Said, old: dict[str, Any] | None) -> dict[str, Any]:
    if old is None:
        return said.site
    return changed_values(old, said.site, cells=said.cells, column_of=COLUMN_OF)


def _customer(cells: Cells) -> dict[str, object]:
    return {
        "name": cells.text("customer_name", needed=True),
        "tier": cells.whole("tier", default=1, most=9),
        "business": cells.yes("business", default=True),
        "language": cells.text("language", longest=10).lower() or "en",
        "rank_rule": cells.word("rank_rule", ("never_loses", "normal", "may_give_up"), default="normal"),
        "salesperson": cells.text("salesperson"),
        "payment_hold": _payment_hold(cells),
    }


def _payment_hold(cells: Cells) -> str:
    """Yes, no, or the reason in words."""
    said = cells.text("payment_hold")
    if said.lower() in ("", "no", "false", "0"):
        return ""
    return "payment hold" if said.lower() in ("yes", "true", "1") else said


def read_site(
    cells: Cells, currency: str, *, vehicles: Collection[str]
) -> tuple[dict[str, object], list[tuple[str, str, str]]]:
    """The site's columns and hours. `vehicles`: the numbers of the fleet."""
    kind = cells.word("window_kind", ("begin_by", "finish_by"), default="begin_by")
    values: dict[str, object] = {
        "name": cells.text("site_name", needed=True),
        "address": cells.text("address", needed=True),
        "postcode": cells.text("postcode", longest=20),
        "city": cells.text("city", longest=100),
        "country": cells.text("country", longest=60),
        "delivery_days": cells.weekdays("delivery_days"),
        "service_s": cells.whole("service_minutes", default=5, most=24 * 60) * 60,
        "service_s_per_case": cells.whole("service_seconds_per_case", most=3600),
        "parking_s": cells.whole("parking_minutes", most=24 * 60) * 60,
        "max_height_cm": cells.whole_or_none("max_vehicle_height_cm", least=1, most=10_000),
        "max_length_cm": cells.whole_or_none("max_vehicle_length_cm", least=1, most=10_000),
        "max_weight_kg": cells.whole_or_none("max_vehicle_weight_kg", least=1, most=200_000),
        "skills": cells.words("skills"),
        "crew": cells.whole("crew", default=1, least=1, most=9),
        "notes": cells.text("notes", longest=4_000),
    }
    if not cells.lacks("late_minutes"):
        values["late_s"] = cells.whole("late_minutes", most=4 * 60) * 60
    if not cells.lacks("late_price_per_minute"):
        values["late_per_minute"] = cells.money("late_price_per_minute", currency)
    if not cells.lacks("known_to"):
        values["known_to"] = ";".join(_numbers(cells, "known_to"))
    if not cells.lacks("stranger_price"):
        values["stranger_price"] = cells.money("stranger_price", currency)
    if not cells.lacks("vehicles"):
        values["vehicles"] = ";".join(_known_vehicles(cells, "vehicles", vehicles))
    if not cells.lacks("run"):
        values["run"] = _run(cells, vehicles)
    if not cells.lacks("motor_hours"):
        hours = cells.windows("motor_hours", "finish_by")
        values["motor_hours"] = ";".join(f"{opens}-{closes}" for opens, closes, _ in hours)
    return values, cells.windows("windows", kind)


def _numbers(cells: Cells, column: str) -> list[str]:
    """The numbers in a cell, as a person who chooses them has them."""
    return list(who_comes.numbers(cells.text(column, longest=4_000)))


def _run(cells: Cells, fleet: Collection[str]) -> str:
    runs, may_come = _known_vehicles(cells, "run", fleet), _numbers(cells, "vehicles")
    if len(runs) > 1:
        cells.wrong("run", f"names {len(runs)} vehicles, and one comes as a rule: keep one of them")
    if may_come and runs and runs[0] not in may_come:
        cells.wrong("run", f"{runs[0]} is none of the vehicles that may come: add it to vehicles, or name another")
    return runs[0] if runs else ""


def _known_vehicles(cells: Cells, column: str, fleet: Collection[str]) -> list[str]:
    """A number that nobody has would shut every van out of the door, or be no run of anybody: it is refused."""
    numbers = _numbers(cells, column)
    for number in numbers:
        if number not in fleet:
            cells.wrong(column, f'there is no vehicle "{number[:40]}": correct it, or import the fleet first')
    return numbers


def said_hours(
    cells: Cells, hours: list[tuple[str, str, str]], known: list[tuple[str, str, str]]
) -> list[tuple[str, str, str]]:
    """The hours of a site that is there as the file leaves them: it may name none, or not say what they bind."""
    if cells.lacks("windows"):
        return known
    if known and cells.lacks("window_kind"):
        return [(opens, closes, known[0][2]) for opens, closes, _kind in hours]
    return hours


def _contact(cells: Cells) -> dict[str, Any] | None:
    address = cells.text("contact_address", longest=200)
    if not address:
        return None
    channel = cells.word("contact_channel", ("email", "sms"), default="email" if "@" in address else "sms")
    if channel == "email" and ("@" not in address or " " in address):
        cells.wrong("contact_address", "is no e-mail address: write one, or set contact_channel to sms")
    if channel == "sms":
        address = _number(cells, address)
    return {
        "name": cells.text("contact_name"),
        "role": cells.word("contact_role", ("buyer", "goods_in"), default="buyer"),
        "channel": channel,
        "address": address,
        "consent": cells.yes("contact_consent", default=False),
    }


def _number(cells: Cells, written: str) -> str:
    """E.164, so that the same phone is one recipient however it was written. Possible is enough: whether a number is
    in use changes faster than any table of numbers."""
    try:
        number = phonenumbers.parse(written)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        cells.wrong("contact_address", "is no phone number: write it with its country, as +358 ...")
        return written
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _new_contact(
    cells: Cells,
    contact: dict[str, Any] | None,
    customer: dict[str, Any] | None,
    site: dict[str, Any] | None,
    contacts: dict[tuple[Any, ...], dict[str, Any]],
    now: datetime,
) -> tuple[tuple[Any, ...] | None, dict[str, Any]]:
    """The key of the contact if its customer is known, and what has to be written of it."""
    if contact is None:
        return None, {}
    where = site["id"] if site and contact["role"] == "goods_in" else None
    key = None
    if customer is not None:
        key = (customer["id"], where, contact["role"], contact["channel"], contact["address"])
    old = contacts.get(key) if key else None
    values = dict(contact)
    if old is not None:
        values = changed_values(old, contact, cells=cells, column_of=_CONTACT_COLUMN_OF)
        if values.get("consent") and old["consent_source"] not in ("", "import"):
            del values["consent"]  # withdrawn by the person themselves
    if "consent" in values and (values["consent"] or old is not None):
        values |= {"consent_source": "import", "consent_at": now}
    return key, values
