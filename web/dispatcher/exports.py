"""Take files out: everything that is in, as CSV and XLSX."""

from __future__ import annotations

import tempfile

from flask import Blueprint, abort, render_template, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.exporters.kinds import KINDS, export
from data.exporters.sheets import FORMATS
from data.queries.company import company_card
from routing.errors import NotAllowed
from routing.model.days import today_of
from web.here import here, now
from web.people import needs_role

exports = Blueprint("exports", __name__, url_prefix="/export")

FOR_SALES = ("products", "customers", "sites", "stock", "orders", "backorders", "promises", "deliveries")
"""What a salesperson answers customers with; the books of the house are the dispatcher's."""
_IN_MEMORY = 4 << 20


def kind_words() -> dict[str, tuple[str, str]]:
    return {
        "fleet": (_("Fleet"), _("Depots, zones, vehicles, drivers and the standing week.")),
        "products": (_("Products"), _("What can be ordered, one row a SKU.")),
        "customers": (_("Customers and sites"), _("With their contacts, one row a contact of a site.")),
        "sites": (_("Sites"), _("One row a door, without its contacts.")),
        "suppliers": (_("Suppliers"), _("Who brings goods, one row a supplier.")),
        "sources": (_("Sources"), _("Who can bring what beside the usual supplier.")),
        "substitutes": (_("Substitutes"), _("What may go out instead, one row a pair.")),
        "inbound": (_("Inbound"), _("What suppliers were to bring, one row a SKU.")),
        "stock": (_("Stock"), _("On hand, allocated, available, quarantined: one row a SKU and depot.")),
        "counts": (_("Count list"), _("What lies at each depot: to count again and bring back.")),
        "orders": (_("Orders"), _("With their lines and promises in force; what was cancelled stays out.")),
        "backorders": (_("Open lines"), _("What each needs, what covers it, when it comes and what was promised.")),
        "promises": (_("Promises"), _("Every date that was promised, why, and when the customer was told.")),
        "allocations": (_("Allocations"), _("Which goods are whose, and in which state.")),
        "movements": (_("Movements"), _("The ledger: where goods went, when and why.")),
        "deliveries": (_("Deliveries"), _("One row a line, with what was reported from the door.")),
        "tasks": (_("Tasks"), _("What people had to do, and what came of it.")),
        "events": (_("Events"), _("Who did what and when, in the order of their chain.")),
    }


def _mine() -> list[str]:
    return [name for name in KINDS if current_user.role != "salesperson" or name in FOR_SALES]


@exports.get("")
@needs_role("dispatcher", "salesperson")
def page() -> ResponseReturnValue:
    with here().database.reading() as connection:
        counts = {name: KINDS[name].count(connection) for name in _mine()}
        today = today_of(now(), company_card(connection).zone)
    return render_template(
        "dispatcher/export.html", counts=counts, kinds=KINDS, kind_words=kind_words(), formats=FORMATS, today=today
    )


@exports.get("/<kind>.csv", defaults={"format": "csv"})
@exports.get("/<kind>.xlsx", defaults={"format": "xlsx"})
@needs_role("dispatcher", "salesperson")
def take(kind: str, format: str) -> ResponseReturnValue:
    """The whole table, made before it is sent: one that breaks off in the middle must not look like a whole one."""
    if kind not in KINDS:
        abort(404)
    if kind not in _mine():
        raise NotAllowed(_("These books are for dispatchers."))
    spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (read until it was sent)
    try:
        with here().database.reading() as connection:
            export(connection, kind, spool, format=format)  # type: ignore[arg-type]
            today = today_of(now(), company_card(connection).zone)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    answer = send_file(
        spool, mimetype=FORMATS[format], as_attachment=True, download_name=f"{kind}-{today}.{format}", max_age=0
    )
    answer.call_on_close(spool.close)
    return answer
