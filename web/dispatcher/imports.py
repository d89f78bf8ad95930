"""Try my own file: a dry run that says row by row what it would do, then the import."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.importers import customers, fleet, inbound, orders, products, sources
from data.store import SqlStore, open_store
from routing.errors import FileRefused, InvalidInput
from routing.model.imports import ImportResult
from web.here import here, now
from web.people import needs_role

imports = Blueprint("imports", __name__, url_prefix="/import")

KINDS: dict[str, tuple[Callable[..., ImportResult], tuple[str, ...]]] = {
    "products": (products.import_products, products.COLUMNS),
    "customers": (customers.import_customers, customers.COLUMNS),
    "fleet": (fleet.import_fleet, fleet.COLUMNS),
    "orders": (orders.import_orders, orders.COLUMNS),
    "inbound": (inbound.import_inbound, inbound.COLUMNS),
    "sources": (sources.import_sources, sources.COLUMNS),
}
"""In the order in which a new installation takes them: orders name customers and products."""


def kind_words() -> dict[str, tuple[str, str]]:
    return {
        "products": (_("Products"), _("What can be ordered, one row a SKU.")),
        "customers": (_("Customers and sites"), _("Who buys and where it goes, one row a site.")),
        "fleet": (_("Depots and fleet"), _("Depots, zones, vehicles, drivers and shifts.")),
        "orders": (_("Orders"), _("What customers ordered, one row a line.")),
        "inbound": (_("Inbound"), _("What suppliers will bring, one row a SKU.")),
        "sources": (_("Suppliers"), _("Who can bring a product, one row a supplier and SKU.")),
    }


@imports.get("")
@needs_role("dispatcher")
def page() -> ResponseReturnValue:
    return _page(kind=request.args.get("kind", "orders"))


def _page(*, kind: str, result: ImportResult | None = None, refused: str = "", file_name: str = "") -> str:
    if kind not in KINDS:
        abort(404)
    return render_template(
        "dispatcher/import.html",
        kind=kind,
        kinds=kind_words(),
        columns=KINDS[kind][1],
        result=result,
        refused=refused,
        file_name=file_name,
    )


@imports.post("")
@needs_role("dispatcher")
def take() -> ResponseReturnValue:
    """With `try` a dry run, which changes nothing; else the import, all of it in one transaction."""
    kind = request.form.get("kind", "")
    if kind not in KINDS:
        abort(404)
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise InvalidInput(_("No file was chosen. Choose an XLSX or CSV, then try it."), code="no_file")
    content, dry_run = BytesIO(sent.read()), "try" in request.form
    try:
        with open_store(here().database) as store:
            result = _run(store, kind, content, dry_run=dry_run, file_name=sent.filename[:200])
            if dry_run:
                transaction = store.connection.get_transaction()
                assert transaction is not None
                transaction.rollback()
    except FileRefused as problem:
        return _page(kind=kind, refused=str(problem), file_name=sent.filename[:200]), 422
    if dry_run or result.errors:
        return _page(kind=kind, result=result, file_name=sent.filename[:200])
    flash(
        _(
            "%(file)s: %(created)s new, %(changed)s changed, %(unchanged)s as before.",
            file=sent.filename[:80],
            created=result.created,
            changed=result.changed,
            unchanged=result.unchanged,
        ),
        "done",
    )
    return redirect(url_for("imports.page", kind=kind))


def _run(store: SqlStore, kind: str, content: BinaryIO, *, dry_run: bool, file_name: str) -> ImportResult:
    run = KINDS[kind][0]
    return run(store, content, now=now(), by=current_user.actor, dry_run=dry_run, file_name=file_name)


@imports.get("/<kind>.csv")
@needs_role("dispatcher")
def template(kind: str) -> ResponseReturnValue:
    """An empty file with the right header."""
    if kind not in KINDS:
        abort(404)
    header = ",".join(KINDS[kind][1]) + "\r\n"
    return Response(header, mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{kind}.csv"'})
