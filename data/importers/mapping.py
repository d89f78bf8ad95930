"""How the header of a file that is not ours is read: guessed for a person to look at, said once, remembered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from data.importers.kinds import Kind
from data.importers.table import header_sha256, read_header
from data.store import SqlStore
from data.store.imports import ColumnMapping

ALIASES: dict[str, tuple[str, ...]] = {
    "order": ("order number", "order no", "order id", "sales order", "so number", "so", "document number"),
    "customer": ("customer number", "customer no", "customer id", "account", "client", "sold to"),
    "customer_name": ("name", "company", "account name", "client name", "customer"),
    "site": ("site number", "ship to", "ship to number", "delivery point", "location", "branch", "outlet"),
    "site_name": ("ship to name", "delivery name", "name", "location name", "branch name"),
    "depot": ("warehouse", "stock location", "store", "plant"),
    "ordered_at": ("order date", "date", "ordered", "ordered on", "created at", "created", "document date"),
    "wanted_on": ("wanted", "requested date", "delivery date", "due date", "required date", "requested delivery date"),
    "customer_reference": ("po", "po number", "purchase order", "your reference", "reference", "customer po"),
    "erp_reference": ("erp", "erp number", "our reference", "internal id"),
    "line": ("line number", "line no", "position", "pos"),
    "sku": (
        "item",
        "article",
        "article number",
        "product",
        "product code",
        "item number",
        "item code",
        "part number",
        "product number",
        "stock code",
    ),
    "quantity": ("qty", "ordered quantity", "units", "pieces", "amount", "quantity ordered"),
    "unit_price": ("price", "net price", "price per unit"),
    "currency": ("currency code",),
    "note": ("notes", "remark", "remarks", "comment", "comments"),
    "name": ("product name", "description", "descr", "designation", "item name", "supplier name", "vendor name"),
    "case_pack": ("pack size", "units per case", "case size", "case"),
    "weight_g": ("weight", "weight in g", "gross weight g"),
    "volume_cm3": ("volume", "volume in cm3"),
    "price": ("unit price", "list price", "sales price"),
    "supplier": ("supplier number", "vendor", "vendor number", "supplier id", "vendor id"),
    "lead_days": ("lead time", "lead time days", "delivery days"),
    "email": ("e mail", "mail", "email address"),
    "address": ("street", "street address", "address 1", "address line 1", "delivery address"),
    "postcode": ("zip", "zip code", "postal code", "post code"),
    "city": ("town", "place"),
    "country": ("country code",),
    "number": ("inbound", "purchase order", "po number", "po", "id", "code"),
    "expected_at": ("expected", "eta", "expected date", "arrival date", "due date", "delivery date"),
    "counted": ("count", "counted quantity", "on hand", "quantity", "stock", "qty"),
}
"""What other systems call our columns, in words of lower case. Only ever a guess that a person sees first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The header of a file. `ours`: it is that of the template; else `known` is how it was read before, if ever."""

    names: tuple[str, ...]
    ours: bool
    known: ColumnMapping | None = None


def look_at(store: SqlStore, file: BinaryIO, kind: Kind) -> Header:
    """Raises FileRefused."""
    names = tuple(read_header(file, kind=kind.name))
    template = set(kind.columns)
    if template <= set(names) <= template | set(kind.optional) and len(set(names)) == len(names):
        return Header(names=names, ours=True)
    return Header(names=names, ours=False, known=store.mapping_of(kind.name, header_sha256(names)))


def remember(
    store: SqlStore, header: Header, kind: Kind, mapping: Mapping[str, str], *, by: str, now: datetime
) -> None:
    """The next file of this kind with this header is read so. Said again, it changes nothing."""
    if header.known is None or dict(header.known.columns) != dict(mapping):
        store.remember_mapping(kind.name, header_sha256(header.names), mapping, by=by, now=now)


def with_same_names(header: Header, kind: Kind, said: Mapping[str, str]) -> dict[str, str]:
    """What was said, and the columns that are called as ours and were not spoken of."""
    known = (*kind.columns, *kind.optional)
    same = {name: name for name in header.names if name in known and name not in said and name not in said.values()}
    return dict(said) | same


def guess(names: Sequence[str], kind: Kind) -> dict[str, str]:
    """Their column → ours, each at most once: by our own names first, then by what others call them."""
    plain = {_plain(name): name for name in reversed(names)}
    found: dict[str, str] = {}
    # What is needed chooses first.
    known = (*kind.needed, *(name for name in (*kind.columns, *kind.optional) if name not in kind.needed))
    for tries in (lambda ours: (ours,), lambda ours: ALIASES.get(ours, ())):
        for ours in known:
            if ours in found.values():
                continue
            for alias in tries(ours):
                theirs = plain.get(_plain(alias))
                if theirs is not None and theirs not in found:
                    found[theirs] = ours
                    break
    return found


def _plain(name: str) -> str:
    """Without blanks and signs; "Item No." and "item nr" are the item number.

    >>> _plain("Item No."), _plain("item_number")
    ('itemnumber', 'itemnumber')
    """
    words = re.sub(r"[\W_]+", " ", name.lower()).split()
    return "".join("number" if word in ("no", "nr", "num") else word for word in words)
