"""Orders exported from a web shop, as they are: one row a line item, the shop's own column names.

order        its columns are read from the first of its rows that has a date; the rows stand together
line item    without an SKU it is known by its name; one that needs no shipping is no goods of ours: its worth is
             kept with the order. One that was fulfilled already needs nothing. One that was fulfilled in part
             leaves out its order, because the export does not say how many
money        the line's price is the list price; discounts, taxes, shipping, refunds and the total are kept with
             the order as the shop charged them (`charged`, minor units)
people       who is not known yet is made; contacts without consent (routing.services.shop)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, BinaryIO

import phonenumbers

from data.importers.batch import MOST_WARNINGS, note_import
from data.importers.cells import LONGEST_NOTE, MOST, Cells, batches
from data.importers.depots import chosen_depot
from data.importers.grouping import orders_of
from data.importers.table import AS_OURS, Reading, Row, checked_table, read_header
from data.store import SqlStore
from routing.errors import FileRefused
from routing.model.imports import ImportResult
from routing.model.shop import Buyer, Door, ShopLine, ShopOrder
from routing.rules.shop import Standing, is_paid_at_the_door, line_numbers
from routing.services.importing import Pools, settle_changed
from routing.services.shop import take_shop_orders

COLUMNS = (
    "order", "ordered_at", "status", "financial", "fulfillment", "cancelled_at", "terms", "erp_reference", "email",
    "phone", "currency", "subtotal", "shipping", "shipping_method", "taxes", "duties", "discount", "discount_code",
    "total", "refunded", "outstanding", "ship_name", "ship_first_name", "ship_last_name", "ship_company", "address",
    "unit", "postcode", "city", "country", "ship_phone", "bill_phone",
    "bill_name", "bill_first_name", "bill_last_name",
    "bill_company", "bill_address", "bill_unit", "bill_postcode", "bill_city", "bill_country", "note",
    "note_attributes", "sku", "name", "quantity", "quantity_left",
    "refunded_quantity", "price", "line_subtotal", "line_discount",
    "ships", "line_fulfillment", "method", "paid_at", "total_left",
)  # fmt: skip
"""What a shop can say, by our names. A preset says what each is called in its export."""

AT_ONCE = 500
_SUMS = ("subtotal", "shipping", "taxes", "duties", "discount", "total", "refunded", "outstanding")
_NEVER = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A shop's export. `called` gives the names of our columns in it, in lower case; the first that is there counts.

    `one_row_orders` are columns that show that the file has one row an order, with its goods packed into one cell.
    `bills_are_doors`: without an address to ship to it goes to the billing address.
    """

    source: str
    kind: str
    called: Mapping[str, Sequence[str]]
    needed: Sequence[str]
    standing: Callable[[Mapping[str, str]], Standing]
    one_row_orders: Sequence[str] = ()
    bills_are_doors: bool = False
    rounded_prices: bool = False
    instead: Mapping[str, str] = field(default_factory=dict)
    """Needed columns of ours for which another of ours will do."""

    def needed_in(self, found: Collection[str]) -> list[str]:
        """Our columns without which it cannot be read, given those that its header has."""
        return [other if (other := self.instead.get(ours, "")) in found and ours not in found else ours
                for ours in self.needed]  # fmt: skip

    def mapping(self, header: Sequence[str]) -> dict[str, str]:
        """Their column → ours. Raises FileRefused when this is no such export."""
        found: dict[str, str] = {}
        for ours, names in self.called.items():
            theirs = next((name for name in names if name in header and name not in found), None)
            if theirs is not None:
                found[theirs] = ours
        needed = self.needed_in(found.values())
        missing = [self.called[ours][0] for ours in needed if ours not in found.values()]
        packed = next((name for name in header if name.startswith(tuple(self.one_row_orders))), "")
        if missing and self.one_row_orders and packed:
            raise FileRefused(
                f'The {self.kind} file has one row an order, its goods packed into columns as "{packed[:40]}". '
                "Export it again with one row a line item (product).",
                code="one_row_orders",
            )
        if missing:
            raise FileRefused(
                f"This is no {self.kind} export: it lacks {', '.join(missing[:6])}. Export the orders with their line "
                "items and unchanged column names, or import it without --preset.",
                code="missing_column",
                column=missing[0],
            )
        return found


def import_shop_orders(
    store: SqlStore,
    file: BinaryIO,
    *,
    preset: Preset,
    now: datetime,
    by: str,
    depot: str = "",
    dry_run: bool = False,
    file_name: str = "",
    tell_others: bool = False,
    reading: Reading = AS_OURS,
) -> ImportResult:
    """Adds new orders with the customers, sites and products they name, takes over changes, allocates; tells nobody of
    the file, and with `tell_others` those whom it moves.

    Orders that need nothing from us are not taken in (`result.settled`). A faulty row leaves out its whole order.
    `depot`: where the goods come from; not needed where there is only one. Raises FileRefused, InvalidInput.
    """
    result = ImportResult(kind="orders", dry_run=dry_run)
    reading = replace(reading, mapping=preset.mapping(read_header(file, kind=preset.kind)))
    company, home = store.company(), chosen_depot(store, depot)
    if not dry_run:
        store.lock_depot(home["id"])
    reader = _Reader(
        preset, said=frozenset(reading.mapping.values()), currency=home["currency"] or company.currency,
        zone=home["zone"], now=now, result=result,
    )  # fmt: skip
    pools = Pools()
    needed = preset.needed_in(reading.mapping.values())
    with checked_table(file, kind=preset.kind, columns=COLUMNS, needed=needed, reading=reading) as table:
        for groups in batches(orders_of(table, result), AT_ONCE):
            orders = [order for group in groups if (order := reader.order(group)) is not None]
            found = take_shop_orders(
                store, orders, result, depot_id=home["id"], language=company.locale or "en", now=now, by=by
            )
            pools.add(found)
    if not dry_run:
        store.assign_zones()
    settled = settle_changed(store, pools, now=now, by=by, tell=False, why="new orders", tell_others=tell_others)
    result.moved, result.besides = settled.lines, settled.besides
    result.warnings += settled.warnings[:MOST_WARNINGS]
    result.notes += reader.notes()
    note_import(store, result, file, file_name=file_name, now=now, by=by)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    sku: str
    name: str
    quantity: int
    price: int
    ships: bool
    fulfilled: bool
    discount: int
    subtotal: int
    exact_price: str


class _Reader:
    def __init__(
        self, preset: Preset, *, said: Collection[str], currency: str, zone: str, now: datetime, result: ImportResult
    ) -> None:
        """`said`: the columns, by our names, that the export has."""
        self.preset, self.currency, self.zone, self.now, self.result = preset, currency, zone, now, result
        self.said = said
        self.phones_left_off = 0
        self.items_left_off = 0

    def notes(self) -> list[str]:
        """What was decided about the whole file."""
        found = []
        made = {kind: sorted(numbers) for kind, numbers in self.result.made.items()}
        verb = "would be" if self.result.dry_run else "was" if len(made.get("products", [])) == 1 else "were each"
        if goods := made.get("products", []):
            found.append(
                f"{_counted(len(goods), 'SKU')} that nobody knew {verb} made a product, without weight, volume, pack "
                f"or supplier: {', '.join(goods[:8])}{' ...' if len(goods) > 8 else ''}. Import the products to "
                "complete them; a wrong SKU is mended in the shop."
            )
        if buyers := made.get("customers", []):
            found.append(
                f"{_counted(len(buyers), 'customer')} and {_counted(len(made.get('sites', [])), 'site')} that nobody "
                f"knew {'would be' if self.result.dry_run else 'were'} made from the export."
            )
        if self.result.created:
            found.append(
                "Nobody of the export is written to: it knows no consent to messages about deliveries (agreeing to "
                "marketing is not that). Import the contacts with contact_consent to change it."
            )
        if self.items_left_off:
            found.append(f"{self.items_left_off} line items need no delivery. Their worth is kept with their orders.")
        if self.phones_left_off:
            found.append(f"{self.phones_left_off} phone numbers could not be read and were left off.")
        return found

    def order(self, rows: list[Row]) -> ShopOrder | None:
        """The order of these rows; None, and every fault noted with its row, when any of them is faulty."""
        first = next((row for row in rows if row.cells["ordered_at"]), rows[0])
        every = [Cells(row) for row in rows]
        head = every[rows.index(first)]
        number = head.text("order", needed=True, longest=100)
        standing = self.preset.standing(first.cells)
        if standing.closed:
            if any([cells.report(self.result, f"Order {number}") for cells in every]):
                return None
            return self._closed(first, number, standing.closed)
        currency = head.currency("currency", default=self.currency)
        if self.currency and currency != self.currency:
            head.wrong(
                "currency",
                f"the order is in {currency} and its depot counts in {self.currency}: name a depot that counts in "
                f"{currency} (--depot), or leave the order out of the export",
            )
        ordered_at = head.happened("ordered_at", self.zone, now=self.now, needed=True)
        items = [item for cells in every if (item := self._item(cells, currency)) is not None]
        goods = [item for item in items if item.ships and item.quantity]
        names = line_numbers([item.sku for item in goods])
        pairs = list(zip(names, goods, strict=True))
        open_lines = [(name, item) for name, item in pairs if not item.fulfilled]
        buyer, door = self._buyer(head), self._door(head)
        if open_lines and not door.address:
            head.wrong("address", "is empty: give the order an address in the shop, or leave it out of the export")
        order = ShopOrder(
            row=rows[0].number,
            source=self.preset.source,
            number=number,
            ordered_at=ordered_at or _NEVER,
            currency=currency,
            buyer=buyer,
            door=door,
            lines=tuple(
                ShopLine(number=name, sku=item.sku, name=item.name, quantity=item.quantity, unit_price=item.price)
                for name, item in open_lines
            ),
            closed_lines=tuple(name for name, item in pairs if item.fulfilled),
            hold_reason=standing.hold,
            payment=standing.payment,
            collect_at_door=self._collect_at_door(head, currency, standing),
            note=self._note(head),
            erp_reference=head.text("erp_reference", longest=200),
            charged=self._charged(head, currency, pairs, [item for item in items if not item.ships]),
        )
        if any([cells.report(self.result, f"Order {number}") for cells in every]):
            return None
        self.items_left_off += sum(not item.ships for item in items)
        return order

    def _closed(self, row: Row, number: str, why: str) -> ShopOrder:
        """Of what needs nothing only that is read: nobody mends a cell of it."""
        nobody = Door(name="", address="")
        return ShopOrder(
            row=row.number, source=self.preset.source, number=number, ordered_at=_NEVER, currency="",
            buyer=Buyer(name=""), door=nobody, lines=(), closed=why,
        )  # fmt: skip

    def _item(self, cells: Cells, currency: str) -> _Item | None:
        """The line item of a row; None when the row has none (an order's own row, a shipping row)."""
        name = cells.text("name", longest=500)
        sku = cells.text("sku", longest=100) or name[:100]
        kept = cells.row.cells["quantity_left"]
        if not sku and not cells.row.cells["quantity"] and not kept:
            return None
        if not sku:
            cells.wrong("name", "is empty, and so is the SKU: name the line item in the shop")
        ordered = cells.whole("quantity", least=0, most=MOST, needed=not kept)
        # A plugin says what was refunded of the line, or what is left of it: never both are taken off.
        quantity = (
            cells.whole("quantity_left", least=0, most=MOST)
            if kept
            else max(0, ordered - abs(cells.whole("refunded_quantity", least=-MOST)))
        )
        subtotal = cells.money("line_subtotal", currency, rounded=self.preset.rounded_prices)
        price = cells.money("price", currency, rounded=self.preset.rounded_prices)
        if not cells.row.cells["price"] and ordered:  # the subtotal is that of what was ordered, before any refund
            price = (2 * subtotal + ordered) // (2 * ordered)
        elif not cells.row.cells["price"] and subtotal and quantity:
            cells.wrong("line_subtotal", "is that of what was ordered, and the export says only what is left of it: "
                        "export Quantity or Item Cost too")  # fmt: skip
        state = cells.row.cells["line_fulfillment"].lower()
        if state in ("partial", "partially_fulfilled"):
            cells.wrong("line_fulfillment", "a part was fulfilled already and the export does not say how many: "
                        "fulfil the rest in the shop, or make an order of the rest")  # fmt: skip
        return _Item(
            sku=sku,
            name=name or sku,
            quantity=quantity,
            price=price,
            ships=cells.yes("ships", default=True),
            fulfilled=state in ("fulfilled", "restocked"),
            discount=cells.money("line_discount", currency, rounded=self.preset.rounded_prices),
            subtotal=subtotal,
            exact_price=_beyond_cents(cells.row.cells["price"]) if self.preset.rounded_prices else "",
        )

    def _collect_at_door(self, head: Cells, currency: str, standing: Standing) -> int | None:
        """What the buyer still pays to the driver, where the shop sold it so; None where the export does not say how it
        is paid. Shopify says whether it was and what is outstanding, WooCommerce's plugins when it was."""
        cells = head.row.cells
        if "method" not in self.said:
            return None
        is_paid = bool(cells["paid_at"]) or (bool(cells["financial"]) and standing.payment != "pending")
        if standing.hold or is_paid or not is_paid_at_the_door(cells["method"]):
            return 0
        if not currency or not any(cells[name] for name in ("outstanding", "total_left", "total")):
            head.wrong("total", "is empty, so nobody knows what is paid at the door: export the total and the currency")

        def said(name: str) -> int:
            return head.money(name, currency, least=-MOST, rounded=self.preset.rounded_prices)

        # What is not paid is outstanding, also where an export writes 0 for what it does not know.
        return max(0, said("outstanding") or said("total_left") or said("total") - abs(said("refunded")))

    def _charged(
        self, head: Cells, currency: str, goods: Sequence[tuple[str, _Item]], others: Sequence[_Item]
    ) -> dict[str, Any]:
        sums: dict[str, Any] = {
            name: head.money(name, currency, least=-MOST, rounded=self.preset.rounded_prices)
            for name in _SUMS
            if head.row.cells[name]
        }
        sums |= {name: text for name in ("discount_code", "shipping_method") if (text := head.text(name))}
        if discounts := {name: item.discount for name, item in goods if item.discount}:
            sums["line_discounts"] = discounts
        if subtotals := {name: item.subtotal for name, item in goods if item.subtotal}:
            sums["line_subtotals"] = subtotals
        if prices := {name: item.exact_price for name, item in goods if item.exact_price}:
            sums["line_prices"] = prices
        if others:
            sums["without_delivery"] = [
                {"name": item.name, "quantity": item.quantity, "unit_price": item.price} for item in others
            ]
        return sums

    def _buyer(self, head: Cells) -> Buyer:
        email = head.row.cells["email"].lower()
        if not 3 <= len(email) <= 200 or email.count("@") != 1 or any(sign.isspace() for sign in email):
            email = ""
        country = head.row.cells["bill_country"] or head.row.cells["country"]
        company = head.text("bill_company") or head.text("ship_company")
        return Buyer(
            name=_name(head, "bill") or _name(head, "ship") or company or email or "No name",
            company=company,
            email=email,
            phone=self._phone(head.row.cells["phone"] or head.row.cells["bill_phone"], country),
        )

    def _door(self, head: Cells) -> Door:
        cells = head.row.cells
        bill = "" if cells["address"] or not self.preset.bills_are_doors else "bill_"
        return Door(
            name=(cells["ship_company"] or _name(head, "ship") or cells["bill_company"] or _name(head, "bill"))[:500]
            or "No name",
            address=head.text(f"{bill}address"),
            unit=head.text(f"{bill}unit"),
            # Spreadsheets keep the zeros of 00100 only behind an apostrophe.
            postcode=head.text(f"{bill}postcode", longest=20).lstrip("'"),
            city=head.text(f"{bill}city", longest=100),
            country=head.text(f"{bill}country", longest=60),
            phone=self._phone(cells["ship_phone"], cells[f"{bill}country"]),
        )

    def _note(self, head: Cells) -> str:
        note = "\n\n".join(part for part in (head.row.cells["note"], head.row.cells["note_attributes"]) if part)
        if len(note) > LONGEST_NOTE:
            head.wrong(
                "note", f"has {len(note)} characters with its attributes, at most {LONGEST_NOTE} are kept: shorten it"
            )
        return note

    def _phone(self, written: str, country: str) -> str:
        """E.164, or "" for what cannot be one."""
        written = written.lstrip("'")
        if not written:
            return ""
        try:
            number = phonenumbers.parse(written[:60], country.upper() if len(country) == 2 else None)
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_possible_number(number):
            self.phones_left_off += 1
            return ""
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _counted(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def _beyond_cents(price: str) -> str:
    """A price that rounding to cents changed (WooCommerce's is without its tax), as it was written; else ""."""
    return price if len(price.rpartition(".")[2].rstrip("0")) > 2 and "." in price else ""


def _name(head: Cells, whose: str) -> str:
    cells = head.row.cells
    return cells[f"{whose}_name"] or f"{cells[f'{whose}_first_name']} {cells[f'{whose}_last_name']}".strip()
