"""What a web shop's words mean for a delivery, and who its buyers are. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from routing.model.shop import Buyer, Door

LONGEST_NUMBER = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an order stands. `closed`: why nothing of it is needed ("" when it is); `hold`: why a person must look
    first; `payment` as on an order."""

    closed: str = ""
    hold: str = ""
    payment: str = "ok"


def shopify_standing(*, financial: str, fulfillment: str, cancelled: bool, on_terms: bool) -> Standing:
    """What Shopify's `Financial Status`, `Fulfillment Status` and `Cancelled at` say together.

    Cancelled, voided, wholly refunded and fulfilled orders need nothing. Of a part that was refunded the export does
    not say which lines it was: a person looks before it goes. Not yet paid waits at the payment gate, unless it was
    sold on terms; "authorized" money is reserved, and shops take it when they ship.

    >>> shopify_standing(financial="paid", fulfillment="unfulfilled", cancelled=False, on_terms=False)
    Standing(closed='', hold='', payment='ok')
    >>> shopify_standing(financial="pending", fulfillment="", cancelled=False, on_terms=False).payment
    'pending'
    >>> shopify_standing(financial="paid", fulfillment="fulfilled", cancelled=True, on_terms=False).closed
    'cancelled'
    """
    if cancelled:
        return Standing(closed="cancelled")
    if financial in ("refunded", "voided"):
        return Standing(closed=financial)
    if fulfillment in ("fulfilled", "restocked"):
        return Standing(closed="fulfilled" if fulfillment == "fulfilled" else "cancelled")
    if financial == "partially_refunded":
        return Standing(hold="Partly refunded in the shop: see which goods still go.")
    unpaid = financial in ("pending", "partially_paid", "expired", "unpaid") and not on_terms
    return Standing(payment="pending" if unpaid else "ok")


def woocommerce_standing(status: str) -> Standing:
    """What WooCommerce's order status says, as a plugin writes it: `wc-on-hold`, `On hold`, `on-hold`.

    On hold is WooCommerce's word for "money is awaited". A status that a plugin made up waits for a person.

    >>> woocommerce_standing("wc-processing"), woocommerce_standing("On hold").payment
    (Standing(closed='', hold='', payment='ok'), 'pending')
    >>> woocommerce_standing("Ready for pickup").hold
    'The shop says "Ready for pickup": see whether it goes.'
    """
    word = status.strip().lower().removeprefix("wc-").replace("_", "-").replace(" ", "-")
    match word:
        case "processing" | "":
            return Standing()
        case "pending" | "pending-payment" | "on-hold":
            return Standing(payment="pending")
        case "completed":
            return Standing(closed="fulfilled")
        case "refunded":
            return Standing(closed="refunded")
        case "cancelled" | "failed" | "trash" | "checkout-draft" | "draft" | "auto-draft":
            return Standing(closed="cancelled")
    return Standing(hold=f'The shop says "{status.strip()[:60]}": see whether it goes.')


_AT_THE_DOOR = (
    "cash on delivery", "collect on delivery", "payment on delivery", "pay on delivery", "paid on delivery",
    "card on delivery", "postiennakko", "efterkrav", "postförskott", "nachnahme",
)  # fmt: skip


def is_paid_at_the_door(method: str) -> bool:
    """Whether a shop's payment method is paid to the driver, as shops and their plugins write it.

    >>> [is_paid_at_the_door(each) for each in ("Cash on Delivery (COD)", "WC_Gateway_COD", "Cash on pickup", "")]
    [True, True, False, False]
    """
    words = " ".join(re.split(r"[^\w]+|_", method.lower())).strip()
    return any(each in words for each in _AT_THE_DOOR) or "cod" in words.split()


def line_numbers(skus: Sequence[str]) -> list[str]:
    """A name for each line that the next export gives it too: its SKU, the second of the same with /2.

    By its place alone a line would get another name when one above it is removed.

    >>> line_numbers(["OAT-1", "TEA-2", "OAT-1"])
    ['OAT-1', 'TEA-2', 'OAT-1/2']
    """
    seen: dict[str, int] = {}
    found = []
    for sku in skus:
        seen[sku] = seen.get(sku, 0) + 1
        found.append(sku if seen[sku] == 1 else f"{sku}/{seen[sku]}")
    return found


def customer_number(source: str, buyer: Buyer, door: Door) -> str:
    """The number of a buyer whom nobody numbered: the e-mail address, else the phone, else made from name and door.

    >>> customer_number("shopify", Buyer(name="A", email="a@cafe.example"), Door(name="A", address="Testgatan 1"))
    'a@cafe.example'
    """
    number = buyer.email or buyer.phone
    return number if 0 < len(number) <= LONGEST_NUMBER else f"{source}-{_digest((buyer.name, *_place(door)))}"


def site_number(source: str, customer: str, door: Door) -> str:
    """The same door of the same customer has the same number, however often it is ordered to."""
    return f"{source}-{_digest((customer, door.name, *_place(door)))}"


def _place(door: Door) -> tuple[str, ...]:
    return (door.address, door.unit, door.postcode, door.city, door.country)


def _digest(words: Iterable[str]) -> str:
    plain = "\n".join(" ".join(word.lower().split()) for word in words)
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:12]
