"""What the exports of web shops call our columns: Shopify's own, and the usual order-export plugins of WooCommerce.

Columns that stand in no list say nothing about a delivery (marketing consent, device, risk, tags, tax names) and are
not read.
"""

from __future__ import annotations

from collections.abc import Mapping

from data.importers.shop import Preset
from routing.rules.shop import Standing, shopify_standing, woocommerce_standing


def _shopify(cells: Mapping[str, str]) -> Standing:
    return shopify_standing(
        financial=cells["financial"].lower(),
        fulfillment=cells["fulfillment"].lower(),
        # `Fulfilled at` is set with the first parcel: only `Fulfillment Status` says that it was all of it.
        cancelled=bool(cells["cancelled_at"]),
        on_terms=bool(cells["terms"]),
    )


SHOPIFY = Preset(
    source="shopify",
    kind="Shopify orders",
    standing=_shopify,
    needed=("order", "ordered_at", "financial", "fulfillment", "name", "quantity", "price", "address", "city"),
    called={
        "order": ("name",),
        "ordered_at": ("created at",),
        "financial": ("financial status",),
        "fulfillment": ("fulfillment status",),
        "cancelled_at": ("cancelled at",),
        "terms": ("payment terms name",),
        "erp_reference": ("id",),
        "email": ("email",),
        "phone": ("phone",),
        "bill_phone": ("billing phone",),
        "currency": ("currency",),
        "subtotal": ("subtotal",),
        "shipping": ("shipping",),
        "shipping_method": ("shipping method",),
        "taxes": ("taxes",),
        "duties": ("duties",),
        "discount": ("discount amount",),
        "discount_code": ("discount code",),
        "total": ("total",),
        "refunded": ("refunded amount",),
        "outstanding": ("outstanding balance",),
        "method": ("payment method",),
        "ship_name": ("shipping name",),
        "ship_company": ("shipping company",),
        "address": ("shipping address1", "shipping street"),
        "unit": ("shipping address2",),
        "postcode": ("shipping zip",),
        "city": ("shipping city",),
        "country": ("shipping country",),
        "ship_phone": ("shipping phone",),
        "bill_name": ("billing name",),
        "bill_company": ("billing company",),
        "bill_country": ("billing country",),
        "note": ("notes",),
        "note_attributes": ("note attributes",),
        "sku": ("lineitem sku",),
        "name": ("lineitem name",),
        "quantity": ("lineitem quantity",),
        "price": ("lineitem price",),
        "line_discount": ("lineitem discount",),
        "ships": ("lineitem requires shipping",),
        "line_fulfillment": ("lineitem fulfillment status",),
    },
)

WOOCOMMERCE = Preset(
    source="woocommerce",
    kind="WooCommerce orders",
    standing=lambda cells: woocommerce_standing(cells["status"]),
    needed=("order", "ordered_at", "status", "name", "quantity", "address", "city"),
    one_row_orders=("line_item", "line items", "products", "items", "product name #", "item 1"),
    bills_are_doors=True,
    rounded_prices=True,
    instead={"quantity": "quantity_left"},
    called={
        "order": ("order_number_formatted", "order number", "order_number", "order id", "order_id", "id"),
        "ordered_at": ("order date", "order_date", "date", "date created", "date_created", "created_at"),
        "status": ("order status", "order_status", "status"),
        "erp_reference": ("order id", "order_id"),
        "email": ("email (billing)", "billing_email", "billing email", "billing email address", "customer email"),
        "phone": ("phone (billing)", "billing_phone", "billing phone"),
        "currency": ("order currency", "order_currency", "currency"),
        "subtotal": ("order subtotal amount", "order_subtotal", "subtotal", "order subtotal"),
        "shipping": ("order shipping amount", "shipping_total", "order_shipping", "shipping total", "order shipping"),
        "shipping_method": ("shipping method title", "shipping_method", "shipping method"),
        "taxes": ("order total tax amount", "tax_total", "order_tax", "total tax", "order tax"),
        "discount": ("cart discount amount", "discount_total", "cart_discount", "order discount", "discount total"),
        "discount_code": ("coupon code", "coupon_code", "coupons", "coupon codes", "coupons used"),
        "total": ("order total amount", "order_total", "order total", "total", "order total amount (- refund)"),
        "refunded": ("order refund amount", "refunded_total", "refunded total"),
        "total_left": ("order total amount (- refund)",),
        "method": ("payment method title", "payment_method_title", "payment method", "payment_method"),
        "paid_at": ("paid date", "paid_date", "date paid", "date_paid"),
        "ship_name": ("full name (shipping)", "shipping_name", "shipping name"),
        "ship_first_name": ("first name (shipping)", "shipping_first_name", "shipping first name"),
        "ship_last_name": ("last name (shipping)", "shipping_last_name", "shipping last name"),
        "ship_company": ("company (shipping)", "shipping_company", "shipping company"),
        "address": (
            "address 1 (shipping)", "address 1&2 (shipping)", "shipping_address_1", "shipping address 1",
            "shipping_address", "shipping address",
        ),
        "unit": ("address 2 (shipping)", "shipping_address_2", "shipping address 2"),
        "postcode": ("postcode (shipping)", "shipping_postcode", "shipping postcode", "shipping zip"),
        "city": ("city (shipping)", "shipping_city", "shipping city"),
        "country": ("country code (shipping)", "shipping_country", "shipping country", "country name (shipping)"),
        "ship_phone": ("phone (shipping)", "shipping_phone", "shipping phone"),
        "bill_name": ("full name (billing)", "billing_name", "billing name", "customer name"),
        "bill_first_name": ("first name (billing)", "billing_first_name", "billing first name"),
        "bill_last_name": ("last name (billing)", "billing_last_name", "billing last name"),
        "bill_company": ("company (billing)", "billing_company", "billing company"),
        "bill_address": (
            "address 1 (billing)", "address 1&2 (billing)", "billing_address_1", "billing address 1",
            "billing_address", "billing address",
        ),
        "bill_unit": ("address 2 (billing)", "billing_address_2", "billing address 2"),
        "bill_postcode": ("postcode (billing)", "billing_postcode", "billing postcode", "billing zip"),
        "bill_city": ("city (billing)", "billing_city", "billing city"),
        "bill_country": ("country code (billing)", "billing_country", "billing country", "country name (billing)"),
        "note": ("customer note", "customer_note", "order notes", "customer message"),
        "sku": ("sku", "item_sku", "item sku", "product sku", "product_sku"),
        "name": ("item name", "item_name", "product name", "product_name", "line item name", "product name (main)"),
        "quantity": ("quantity", "item_quantity", "item quantity", "qty", "item_qty", "product quantity"),
        "quantity_left": ("quantity (- refund)", "qty (- refund)", "item quantity (- refund)", "qty_minus_refund"),
        "refunded_quantity": (
            "item_refunded_qty", "refunded quantity", "item refunded qty", "quantity refunded", "refunded qty",
        ),
        "price": (
            "item cost", "item_price", "item price", "unit price", "item_cost", "product price",
            "item cost before discount",
        ),
        "line_subtotal": ("item_subtotal", "order line subtotal", "line subtotal", "item subtotal", "line_subtotal"),
        "line_discount": ("item_discount", "item discount amount", "line discount"),
        "ships": ("requires shipping", "item_requires_shipping"),
    },
)  # fmt: skip

PRESETS = {preset.source: preset for preset in (SHOPIFY, WOOCOMMERCE)}
