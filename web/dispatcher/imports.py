"""Try my own file: a dry run that says row by row what it would do, then the import. A header that is not ours is
mapped once; a shop's export is recognised; a big file is read in the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any, BinaryIO

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.importers.columns import columns_of
from data.importers.kinds import KINDS
from data.importers.mapping import as_in, look_at, propose
from data.importers.mapping import shown as shown_name
from data.importers.spreadsheet import refuse_if_only_named_so
from data.importers.table import first_row
from data.queries.imports import remembered_headers
from data.store import SqlStore, open_store
from data.store.imports import ColumnMapping
from data.store.system import Job
from routing.errors import FileRefused, InvalidInput, NotFound
from web.clock import wall_clock
from web.dispatcher import words
from web.dispatcher.told import done_words
from web.here import here, now
from web.import_job import BIG_BYTES, start_import
from web.importing import Asked, import_document, preset_of, run_import, try_on_others
from web.people import needs_role

imports = Blueprint("imports", __name__, url_prefix="/import")

MOST_AGAIN = 8
"""Counts that were said before, in one note; the dry run lists them."""

SHOPS = {"shopify": "Shopify", "woocommerce": "WooCommerce"}


def kind_words() -> dict[str, tuple[str, str]]:
    return {
        "fleet": (_("Depots and fleet"), _("Depots, zones, vehicles, drivers and shifts.")),
        "suppliers": (_("Suppliers"), _("Who delivers to you, one row a supplier.")),
        "products": (_("Products"), _("What can be ordered, one row a SKU.")),
        "customers": (_("Customers and sites"), _("Who buys and where it goes, one row a site.")),
        "sites": (_("More sites"), _("More doors of customers you have, one row a site.")),
        "orders": (_("Orders"), _("What customers ordered, one row a line; or the export of a web shop.")),
        "inbound": (_("Inbound"), _("What suppliers will bring, one row a SKU.")),
        "counts": (_("Counts"), _("Stock counted again, one row a SKU and depot.")),
        "released": (_("Released by the ERP"), _("Where the ERP allocates: what goes out on a day, one row a line.")),
        "substitutes": (_("Substitutes"), _("What may go out instead of a product, one row a pair.")),
        "sources": (_("Sources"), _("Who can bring a product, one row a supplier and SKU.")),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A column of ours to be found in a file: its name, whether it is needed, and which of theirs is chosen."""

    name: str
    needed: bool
    chosen: str

    @property
    def found(self) -> bool:
        """Whether it is to be looked at: the others are folded away."""
        return self.needed or bool(self.chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page shows of a file that was sent. `kept` is the upload, so that nobody chooses it twice. `unread` are
    columns of the file that nobody has chosen, `missing` what is needed and nothing was found for.

    `again`: somebody said that all of it was counted anew.

    `depots` are asked about alone; `of_all` may be chosen among the columns, when none of them names the depot.
    """

    kept: str = ""
    file_name: str = ""
    document: dict[str, Any] | None = None
    refused: str = ""
    shop: str = ""
    depots: tuple[tuple[str, str], ...] = ()
    of_all: tuple[tuple[str, str], ...] = ()
    depot: str = ""
    choices: tuple[Choice, ...] = ()
    theirs: tuple[tuple[str, str], ...] = ()
    mapping: dict[str, str] = field(default_factory=dict)
    known: ColumnMapping | None = None
    again: bool = False
    unread: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@imports.get("")
@needs_role("dispatcher")
def page() -> ResponseReturnValue:
    return _page(request.args.get("kind", "orders"), Shown())


def _page(kind: str, shown: Shown, *, job: Job | None = None) -> str:
    if kind not in KINDS:
        abort(404)
    with here().database.reading() as connection:
        remembered = remembered_headers(connection, kind)
    return render_template(
        "dispatcher/import.html",
        kind=kind,
        kinds=kind_words(),
        columns=columns_of(kind),
        shown=shown,
        job=job,
        remembered=remembered,
        words=words,
        shops=SHOPS,
    )


@imports.post("")
@needs_role("dispatcher")
def take() -> ResponseReturnValue:
    """With `try` a dry run, which changes nothing; else the import, all of it in one transaction.

    A file whose header nobody has explained is not read: the page asks which column is which.
    """
    kind = request.form.get("kind", "")
    if kind not in KINDS:
        abort(404)
    content, kept, file_name = _content()
    again = "again" in request.form
    shown = Shown(kept=kept, file_name=file_name, depot=request.form.get("depot", ""), again=again)
    asked = Asked(
        kind=kind,
        by=current_user.actor,
        file_name=file_name,
        dry_run="try" in request.form,
        again=again,
    )
    try:
        shown, asked = _understood(shown, asked, BytesIO(content))
        if (shown.choices and not asked.mapping) or (shown.depots and not asked.depot):
            return _page(kind, shown)
        if len(content) > BIG_BYTES:
            with open_store(here().database) as store:
                job_id = start_import(store, asked, sha256=kept)
            return redirect(url_for("imports.job", job_id=job_id))
        with open_store(here().database) as store:
            result, known = run_import(store, BytesIO(content), asked, now=now())
            if asked.dry_run:
                transaction = store.connection.get_transaction()
                assert transaction is not None
                transaction.rollback()
        if asked.dry_run:
            try_on_others(here().database, BytesIO(content), asked, result, now=now())
    except FileRefused as problem:
        return _page(kind, replace(shown, refused=str(problem))), 422
    shown = replace(shown, document=import_document(result), known=known, choices=())
    if asked.dry_run or result.errors:
        return _page(kind, shown)
    here().uploads.drop(kept)
    flash(
        _(
            "%(file)s: %(created)s new, %(changed)s changed, %(unchanged)s as before.",
            file=file_name[:80],
            created=result.created,
            changed=result.changed - result.ended,
            unchanged=result.unchanged,
        ),
        "done",
    )
    moved = list(dict.fromkeys(line.order for line in result.moved if line.suffers and not line.moved_by))
    if moved:
        if kind == "orders":
            said = _("Takes goods or days from orders that are not in it: %(orders)s.", orders=_few(moved))
        else:
            said = _("Takes goods or days from orders: %(orders)s.", orders=_few(moved))
        flash(f"{said} {done_words(result.moved)}".strip(), "late")
    for warning in result.warnings:
        flash(warning, "late")
    if result.again:
        flash(" ".join(result.again[:MOST_AGAIN]) + (" ..." if result.again[MOST_AGAIN:] else ""), "late")
    for numbers, sentence in (
        (result.cancelled, _("Cancelled: %(orders)s.", orders=_few(result.cancelled))),
        (
            result.delivered_elsewhere,
            _("Delivered elsewhere, by the shop itself: %(orders)s.", orders=_few(result.delivered_elsewhere)),
        ),
        (
            result.for_a_person,
            _("Changed after goods were released, see Tasks: %(orders)s.", orders=_few(result.for_a_person)),
        ),
    ):
        if numbers:
            flash(sentence, "late")
    return redirect(url_for("imports.page", kind=kind))


def _few(numbers: Sequence[str]) -> str:
    return ", ".join(number[:40] for number in numbers[:8]) + (" ..." if len(numbers) > 8 else "")


def _content() -> tuple[bytes, str, str]:
    """The file that was sent now, or the one that was sent before: (bytes, the upload's key, its name)."""
    sent = request.files.get("file")
    if sent is not None and sent.filename:
        content = sent.read()
        return content, here().uploads.keep(content), sent.filename[:200]
    kept = request.form.get("kept", "")
    if not kept:
        raise InvalidInput(_("No file was chosen. Choose an XLSX or CSV, then try it."), code="no_file")
    return here().uploads.path(kept).read_bytes(), kept, request.form.get("file_name", "")[:200]


def _understood(shown: Shown, asked: Asked, file: BinaryIO) -> tuple[Shown, Asked]:
    """How the file is read: a shop's export, our template, as somebody said now or before, or still to be asked."""
    refuse_if_only_named_so(file, asked.file_name, asked.kind)
    with here().database.reading() as connection:
        store = SqlStore(connection)
        if asked.kind == "orders" and "mapped" not in request.form and (shop := preset_of(file)):
            depots = _depots(store)
            several = depots if len(depots) > 1 else ()
            return replace(shown, shop=shop, depots=several), replace(asked, preset=shop, depot=shown.depot)
        depots = _depots(store) if asked.kind == "orders" else ()
        kind = KINDS[asked.kind]
        header = look_at(store, file, kind)
    if header.ours:
        # Its depot may be said once for the whole file.
        several = depots if len(depots) > 1 and "depot" not in header.names else ()
        return replace(shown, depots=several, depot=shown.depot if several else ""), replace(
            asked, depot=shown.depot if several else ""
        )
    if header.known is not None and "mapped" not in request.form:
        if not depots or "depot" in header.known.columns.values():
            return replace(shown, depot=""), asked
        several = depots if len(depots) > 1 else ()
        return replace(shown, depots=several), replace(asked, depot=shown.depot)
    every = kind.columns
    proposal = propose(header.names, kind)
    chosen = dict(proposal.columns if header.known is None else header.known.columns)
    of_all = ""
    if "mapped" in request.form:
        pairs = [(theirs, ours) for ours in every if (theirs := request.form.get(f"map-{ours}"))]
        # "=NORTH" is no column: the depot of every order.
        said = next((theirs[1:] for theirs, ours in pairs if ours == "depot" and theirs.startswith("=")), "")
        of_all = said or ("" if any(ours == "depot" for _theirs, ours in pairs) else shown.depot)
        pairs = [(theirs, ours) for theirs, ours in pairs if not (said and ours == "depot")]
        chosen = as_in(header, dict(pairs))
        if len(chosen) < len(pairs):
            raise FileRefused(
                _("One column of the file was chosen twice. Choose another, or leave one of them empty."), code="map"
            )
    cells = first_row(file, kind=kind.name)
    samples = {name: cells[place] if place < len(cells) else "" for place, name in reversed([*enumerate(header.names)])}
    ours_of = {ours: name for name, ours in chosen.items()}
    names = sorted(every, key=lambda ours: ours not in kind.needed)
    shown = replace(
        shown,
        choices=tuple(Choice(name=ours, needed=ours in kind.needed, chosen=ours_of.get(ours, "")) for ours in names),
        theirs=tuple((name, samples[name]) for name in dict.fromkeys(header.names) if name),
        mapping=chosen,
        of_all=depots if "depot" not in header.names else (),
        depot=of_all,
        unread=tuple(shown_name(name) for name in dict.fromkeys(header.names) if name not in chosen),
        missing=tuple(ours for ours in kind.needed if ours not in ours_of and not (ours in kind.of_all and depots)),
    )
    return shown, replace(asked, mapping=chosen, depot=of_all) if "mapped" in request.form else asked


def _depots(store: SqlStore) -> tuple[tuple[str, str], ...]:
    return tuple((depot.number, depot.name) for depot in store.depots())


# ---------------------------------------------------------------------------- a big file


@imports.get("/jobs/<int:job_id>")
@needs_role("dispatcher")
def job(job_id: int) -> ResponseReturnValue:
    """How far the file is read, and at the end what came of it."""
    with here().database.reading() as connection:
        found = _importing(SqlStore(connection), job_id)
    ended = found.state in ("done", "failed", "cancelled")
    if request.headers.get("HX-Request"):
        if ended:
            return Response(status=204, headers={"HX-Refresh": "true"})
        return render_template("dispatcher/_import_job.html", job=found)
    done = found.state == "done"
    shown = Shown(
        kept=str(found.data["sha256"]) if done and found.data["dry_run"] else "",
        file_name=str(found.data["file_name"]),
        document=found.result if done else None,
        refused=found.problem if found.state == "failed" else "",
        shop=str(found.data["preset"]),
        depot=str(found.data["depot"]),
        again=bool(found.data.get("again")),
        mapping=dict(found.data["mapping"]),
    )
    return _page(str(found.data["kind"]), shown, job=found)


@imports.post("/jobs/<int:job_id>/stop")
@needs_role("dispatcher")
def stop_job(job_id: int) -> ResponseReturnValue:
    """While it is read nothing was changed, and nothing will be."""
    with open_store(here().database) as store:
        _importing(store, job_id)
        store.cancel_job(job_id=job_id, now=wall_clock())
    return redirect(url_for("imports.job", job_id=job_id))


def _importing(store: SqlStore, job_id: int) -> Job:
    """Raises NotFound, also for a job of another kind."""
    found = store.job(job_id)
    if found.kind != "import":
        raise NotFound(_("Job %(id)s is no import.", id=job_id), job=job_id)
    return found


# ---------------------------------------------------------------------------- remembered headers, templates


@imports.post("/columns/<int:mapping_id>/forget")
@needs_role("dispatcher")
def forget(mapping_id: int) -> ResponseReturnValue:
    with open_store(here().database) as store:
        forgotten = store.forget_mapping(mapping_id)
    flash(_("The next file with that header is asked about again."), "done")
    return redirect(url_for("imports.page", kind=forgotten.kind))


@imports.get("/<kind>.csv")
@needs_role("dispatcher")
def template(kind: str) -> ResponseReturnValue:
    """An empty file with the right header."""
    if kind not in KINDS:
        abort(404)
    header = ",".join(KINDS[kind].columns) + "\r\n"
    return Response(header, mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{kind}.csv"'})
