"""How the header of a file that is not ours is read: guessed for a person to look at, said once, remembered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import BinaryIO

from data.importers.kinds import Kind
from data.importers.table import header_sha256, read_header
from data.store import SqlStore
from data.store.imports import ColumnMapping

ALIASES: dict[str, tuple[str, ...]] = {
    "order": (
        "order number", "sales order", "sales order number", "so number", "so", "document number", "tilausnumero",
        "tilaus", "ordernummer",
    ),
    "customer": (
        "customer number", "customer account", "account number", "account", "client number", "client", "sold to",
        "sold to number", "bill to", "debtor", "asiakasnumero", "asiakas", "kundnummer", "kund",
    ),
    "customer_name": (
        "company", "company name", "account name", "client name", "sold to name", "name", "customer",
        "asiakkaan nimi", "kundnamn",
    ),
    "site": (
        "site number", "ship to", "ship to number", "delivery point", "delivery site", "location", "branch", "outlet",
        "store number", "toimipaikka", "leveransplats",
    ),
    "site_name": ("ship to name", "delivery name", "location name", "branch name", "outlet name", "store name", "name"),
    "depot": ("depot number", "warehouse", "warehouse number", "stock location", "store", "plant", "varasto", "lager"),
    "ordered_at": (
        "order date", "date", "ordered", "ordered on", "date ordered", "created at", "created", "created on",
        "document date", "entry date", "tilauspäivä", "orderdatum",
    ),
    "wanted_on": (
        "wanted", "requested date", "delivery date", "due date", "required date", "requested delivery date",
        "wanted date", "deliver on", "deliver by", "need by", "need by date", "toimituspäivä", "leveransdatum",
    ),
    "not_before": ("earliest", "earliest date", "earliest delivery", "earliest delivery date", "not earlier than"),
    "not_after": ("latest", "latest date", "latest delivery", "latest delivery date", "not later than"),
    "customer_reference": (
        "po", "po number", "customer po", "customer po number", "purchase order", "purchase order number",
        "your reference", "reference", "reference number", "asiakkaan viite", "viite", "er referens",
    ),
    "erp_reference": ("erp", "erp number", "our reference", "internal number"),
    "line_erp_reference": ("erp line", "erp line number", "line reference"),
    "completeness": ("partial", "partial delivery", "ship complete", "delivery rule"),
    "min_percent": ("minimum percent", "min percentage", "minimum percentage"),
    "min_value": ("minimum value", "minimum drop value", "minimum worth"),
    "collect_at_door": (
        "cod", "cod amount", "cash on delivery", "cash on delivery amount", "amount to collect", "to collect",
        "collect on delivery", "pay on delivery", "postiennakko", "efterkrav",
    ),
    "max_wait_days": ("maximum wait days", "max wait", "wait at most days"),
    "max_shipments": ("maximum shipments", "max deliveries", "maximum deliveries"),
    "hold": ("on hold", "hold reason", "blocked", "block reason"),
    "payment": ("payment status", "paid"),
    "urgent_by": ("urgent", "urgent by whom", "rush", "expedited by"),
    "line": ("line number", "position", "pos", "pos number", "item line", "order line", "rivi", "rad"),
    "sku": (
        "sku number", "item", "item number", "article", "article number", "product", "product number", "part number",
        "stock number", "material", "material number", "tuotekoodi", "tuotenumero", "artikelnummer", "artikel",
    ),
    "quantity": (
        "quantity ordered", "ordered quantity", "order quantity", "units", "pieces", "amount", "määrä", "kpl", "antal",
    ),
    "unit_price": ("price", "net price", "price per unit", "price each", "yksikköhinta", "pris per enhet"),
    "currency": ("currency number", "ccy", "valuutta", "valuta"),
    "note": ("notes", "remark", "remarks", "comment", "comments", "instructions", "delivery instructions", "huomautus"),
    "notes": ("note", "remark", "remarks", "comment", "comments", "instructions", "delivery instructions", "access"),
    "promised_on": ("promised", "promised date", "promise date", "confirmed date", "confirmed delivery date"),
    "source": ("channel", "sales channel"),
    "release": ("release number", "wave", "wave number", "delivery note", "delivery note number"),
    "day": ("delivery day", "delivery date", "ship date", "shipping date", "date"),
    "name": (
        "product name", "description", "designation", "item name", "item description", "article name", "title",
        "supplier name", "vendor name", "nimi", "tuotenimi", "benämning", "namn",
    ),
    "unit": ("unit of measure", "uom", "base unit", "yksikkö", "enhet"),
    "case_pack": ("pack size", "units per case", "case size", "case", "case quantity", "pack", "pack quantity"),
    "pallet_pack": ("units per pallet", "pallet size", "pallet quantity", "pallet"),
    "weight_g": ("weight", "weight in g", "gross weight g", "weight grams", "unit weight", "paino g", "vikt g"),
    "volume_cm3": ("volume", "volume in cm3", "unit volume", "tilavuus cm3"),
    "pieces": ("pieces per unit", "handling units"),
    "price": ("unit price", "list price", "sales price", "hinta", "pris"),
    "supplier": ("supplier number", "vendor", "vendor number", "toimittaja", "leverantör"),
    "barcode": ("ean", "gtin", "upc", "ean number", "bar number"),
    "returnable": ("deposit", "return empties", "is returnable"),
    "lead_days": ("lead time", "lead time days", "delivery days", "toimitusaika"),
    "email": ("e mail", "mail", "email address", "sähköposti", "e post"),
    "language": ("language number", "lang", "kieli", "språk"),
    "tier": ("priority", "class", "customer class", "customer group"),
    "business": ("is business", "company customer", "b2b"),
    "rank_rule": ("allocation rule",),
    "salesperson": ("sales rep", "sales representative", "account manager", "seller", "myyjä", "säljare"),
    "payment_hold": ("credit hold", "payment block", "credit block"),
    "address": (
        "street", "street address", "address 1", "address line 1", "delivery address", "ship to address", "osoite",
        "katuosoite", "adress", "gatuadress",
    ),
    "postcode": ("zip", "zip code", "postal code", "postinumero", "postnummer"),
    "city": ("town", "place", "kaupunki", "postitoimipaikka", "ort", "stad"),
    "country": ("country code", "maa", "land"),
    "windows": ("opening hours", "receiving hours", "delivery hours", "delivery window", "time window", "hours"),
    "service_minutes": ("service time", "unloading minutes", "unloading time", "stop minutes"),
    "contact_name": ("contact", "contact person", "yhteyshenkilö", "kontaktperson"),
    "contact_address": ("contact email", "contact phone", "email", "email address", "phone", "phone number"),
    "number": (
        "inbound", "inbound number", "purchase order", "purchase order number", "po number", "po", "id", "code",
        "ostotilaus", "inköpsorder",
    ),
    "expected_at": (
        "expected", "eta", "expected date", "expected on", "arrival date", "due date", "delivery date", "arrival",
    ),
    "counted": ("count", "counted quantity", "on hand", "on hand quantity", "quantity", "stock", "saldo"),
    "substitute": ("substitute sku", "replacement", "alternative", "alternative item", "replaced by"),
    "phone": ("phone number", "mobile", "telephone", "puhelin", "telefon"),
    "profile": ("vehicle type", "type"),
}  # fmt: skip
"""What other systems call our columns, in words of lower case. Only ever a guess that a person sees first."""

_SAME_WORD = {
    "no": "number", "nr": "number", "num": "number", "id": "number", "code": "number", "qty": "quantity",
    "cust": "customer", "prod": "product", "descr": "description", "desc": "description", "ref": "reference",
    "addr": "address", "wt": "weight", "vol": "volume", "deliv": "delivery", "del": "delivery",
}  # fmt: skip
ALIKE = 0.88
"""Of the letters, for a name that is only misspelt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The header of a file. `ours`: it has only columns of ours, and those that are needed; else `known` is how it was
    read before, if ever."""

    names: tuple[str, ...]
    ours: bool
    known: ColumnMapping | None = None


def look_at(store: SqlStore, file: BinaryIO, kind: Kind) -> Header:
    """Raises FileRefused."""
    names = tuple(read_header(file, kind=kind.name))
    needed = set(kind.needed) - set(kind.of_all)
    if needed <= set(names) <= set(kind.columns) and len(set(names)) == len(names):
        return Header(names=names, ours=True)
    return Header(names=names, ours=False, known=store.mapping_of(kind.name, header_sha256(names)))


def remember(
    store: SqlStore, header: Header, kind: Kind, mapping: Mapping[str, str], *, by: str, now: datetime
) -> None:
    """The next file of this kind with this header is read so. Said again, it changes nothing."""
    if header.known is None or dict(header.known.columns) != dict(mapping):
        store.remember_mapping(kind.name, header_sha256(header.names), mapping, by=by, now=now)


def with_same_names(header: Header, kind: Kind, said: Mapping[str, str]) -> dict[str, str]:
    """What was said, and the columns that are called as ours and were not spoken of. One that was said to be nothing
    ("") is not read."""
    spoken = {*said, *said.values()}
    same = {name: name for name in header.names if name in kind.columns and name not in spoken}
    return {theirs: ours for theirs, ours in (dict(said) | same).items() if ours}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """How a header could be read. `columns`: theirs → ours, in the order of the file. `missing`: what is needed and
    nothing in the file looks like. `unread`: theirs of which nobody can say what they are, as `shown` writes them."""

    columns: Mapping[str, str]
    missing: tuple[str, ...]
    unread: tuple[str, ...]


def propose(names: Sequence[str], kind: Kind) -> Proposal:
    """Each of our columns at most once."""
    guessed = guess(names, kind)
    columns = {theirs: guessed[theirs] for theirs in dict.fromkeys(names) if theirs in guessed}
    left = [name for place, name in enumerate(names) if name not in columns or name in names[:place]]
    return Proposal(
        columns=columns,
        missing=tuple(ours for ours in kind.needed if ours not in columns.values()),
        unread=tuple(shown(name) for name in left),
    )


def guess(names: Sequence[str], kind: Kind) -> dict[str, str]:
    """Their column → ours: by its own name first, then by what others call it, then as a slip of the pen."""
    plain = {_plain(name): name for name in reversed(names) if name}
    found: dict[str, str] = {}
    # What is needed chooses first.
    known = (*kind.needed, *(name for name in kind.columns if name not in kind.needed))
    for try_to_find in (_by_own_name, _by_alias, _by_words, _misspelt):
        for ours in known:
            if ours not in found.values():
                free = {key: theirs for key, theirs in plain.items() if theirs not in found}
                theirs = try_to_find(ours, free)
                if theirs is not None:
                    found[theirs] = ours
    return found


def shown(name: str) -> str:
    """The name of a column as a person sees and types it: on one line, blanks once. A spreadsheet breaks lines in it.

    >>> shown("order\\nno"), shown("")
    ('order no', '(no name)')
    """
    return " ".join("".join(sign if sign.isprintable() else " " for sign in name).split()) or "(no name)"


def as_in(header: Header, mapping: Mapping[str, str]) -> dict[str, str]:
    """A mapping whose columns were typed as they are shown, by the names that stand in the file."""
    return {_found(header, theirs): ours for theirs, ours in mapping.items()}


def _found(header: Header, typed: str) -> str:
    if typed in header.names:
        return typed
    alike = [name for name in header.names if shown(name) == shown(typed)]
    return alike[0] if alike else typed


def _by_own_name(ours: str, free: Mapping[str, str]) -> str | None:
    return free.get(_plain(ours))


def _by_alias(ours: str, free: Mapping[str, str]) -> str | None:
    return next((free[key] for alias in ALIASES.get(ours, ()) if (key := _plain(alias)) in free), None)


def _by_words(ours: str, free: Mapping[str, str]) -> str | None:
    """With words more than we know it by: "qty ordered (pcs)". Only by names of two words: one is in too many."""
    for alias in (ours.replace("_", " "), *ALIASES.get(ours, ())):
        wanted = set(_words(alias))
        if len(wanted) > 1:
            for theirs in free.values():
                if wanted < set(_words(theirs)):
                    return theirs
    return None


def _misspelt(ours: str, free: Mapping[str, str]) -> str | None:
    for alias in (ours, *ALIASES.get(ours, ())):
        near = get_close_matches(_plain(alias), free, n=1, cutoff=ALIKE) if len(alias) > 4 else []
        if near:
            return free[near[0]]
    return None


def _plain(name: str) -> str:
    """Without blanks and signs; "Item No." and "item id" are the item number.

    >>> _plain("Item No."), _plain("item_id")
    ('itemnumber', 'itemnumber')
    """
    return "".join(_words(name))


def _words(name: str) -> list[str]:
    return [_SAME_WORD.get(word, word) for word in re.sub(r"[\W_]+", " ", name.lower()).split()]
