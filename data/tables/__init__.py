"""Every table, a file per part of the story. All of them belong to one MetaData and to the first migration.

Conventions: integer keys; `number` is the outside name, unique with `source`; `version` counts edits by people;
times are UTC moments (`Moment`), wall-clock times and days are text in the zone of their depot or site; money in
minor units; weights in grams, volumes in cm³, lengths in cm, service in whole seconds.
"""

from data.tables.base import Moment, metadata
from data.tables.consents import delay_consent, delay_consent_line
from data.tables.day import (
    cash_entry,
    event,
    file,
    manifest,
    position,
    proof,
    proof_file,
    proof_line,
    task,
)
from data.tables.fleet import driver, shift, shift_break, shift_template, vehicle
from data.tables.messages import link, notice, template
from data.tables.orders import (
    delivery,
    delivery_line,
    empties_line,
    line_stand,
    order,
    order_line,
    order_window,
    promise,
    release,
)
from data.tables.parties import (
    address_pin,
    calendar,
    calendar_day,
    company,
    contact,
    customer,
    depot,
    geocode_answer,
    region,
    site,
    site_window,
    speed,
    supplier,
    zone,
)
from data.tables.people import api_token, setting, user, webhook
from data.tables.plans import current_plan, plan, plan_lock, route, stop, stop_delivery, trip, unassigned
from data.tables.stock import allocation, movement, product, product_substitute, product_supplier, supply
from data.tables.system import column_mapping, idempotency, import_batch, job, policy

__all__ = [
    "Moment",
    "address_pin",
    "allocation",
    "api_token",
    "calendar",
    "calendar_day",
    "cash_entry",
    "column_mapping",
    "company",
    "contact",
    "current_plan",
    "customer",
    "delay_consent",
    "delay_consent_line",
    "delivery",
    "delivery_line",
    "depot",
    "driver",
    "empties_line",
    "event",
    "file",
    "geocode_answer",
    "idempotency",
    "import_batch",
    "job",
    "line_stand",
    "link",
    "manifest",
    "metadata",
    "movement",
    "notice",
    "order",
    "order_line",
    "order_window",
    "plan",
    "plan_lock",
    "policy",
    "position",
    "product",
    "product_substitute",
    "product_supplier",
    "promise",
    "proof",
    "proof_file",
    "proof_line",
    "region",
    "release",
    "route",
    "setting",
    "shift",
    "shift_break",
    "shift_template",
    "site",
    "site_window",
    "speed",
    "stop",
    "stop_delivery",
    "supplier",
    "supply",
    "task",
    "template",
    "trip",
    "unassigned",
    "user",
    "vehicle",
    "webhook",
    "zone",
]
