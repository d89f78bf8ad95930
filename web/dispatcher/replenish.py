"""What to order from suppliers, with every number the advice comes from, and what to write to them about it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput
from routing.model.notices import NoticeKind
from routing.rules.replenishment import Forecast
from routing.rules.supplier_mail import KINDS, Draft
from routing.services.erp import refuse_if_erp
from routing.services.replenishing import every_depot, forecast_of, terms_of
from routing.services.supplier_mail import LONGEST_SUBJECT, LONGEST_TEXT, send_to_supplier, supplier_drafts
from web.errors import status_of
from web.here import here, now
from web.incoming import whole
from web.outbox import outbound_of
from web.people import needs_role
from web.supplier_mail import letters

replenish = Blueprint("replenish", __name__, url_prefix="/replenish")

LETTERS_SHOWN = 60


@replenish.get("")
@needs_role("dispatcher", "warehouse", "salesperson")
def page() -> ResponseReturnValue:
    return _show()


@replenish.post("/send")
@needs_role("dispatcher")
def send() -> ResponseReturnValue:
    """Puts the message to a supplier into the outbox as it was left in the form."""
    supplier_id, kind = whole(request.form.get("to", "")), request.form.get("kind", "")
    if supplier_id is None or kind not in KINDS:
        raise InvalidInput(_("Say which message goes to which supplier."), code="supplier")
    at, by = now(), current_user.actor
    subject, text = request.form.get("subject", ""), request.form.get("text", "")
    mark = request.form.get("mark", "")

    def write(store: SqlStore) -> Draft:
        refuse_if_erp(store)
        return send_to_supplier(
            store,
            supplier_id=supplier_id,
            kind=NoticeKind(kind),
            subject=subject,
            text=text,
            mark=mark,
            now=at,
            by=by,
        )

    try:
        draft = in_transaction(here().database, write)
    except (Conflict, InvalidInput) as problem:
        typed = {"subject": subject, "text": text, "key": f"{supplier_id}-{kind}", "said": str(problem)}
        return _show(typed=typed), status_of(problem)
    assert draft.supplier is not None
    flash(_("The message to %(name)s is in the outbox.", name=draft.supplier.name or draft.supplier.number), "done")
    return redirect(url_for("replenish.page", _anchor="suppliers"))


def _show(*, typed: Mapping[str, str] | None = None) -> str:
    """`typed`: what a person wrote into the form of a message that could not go, and why it could not."""
    supplier, sku = request.args.get("supplier", "")[:200], request.args.get("sku", "").strip()[:100]
    may_write = current_user.role in ("dispatcher", "admin") and not sku
    with here().database.reading() as connection:
        store, at = SqlStore(connection), now()
        if store.erp_allocates():
            return render_template("dispatcher/erp_decides.html", title=_("Replenish"))
        depots = store.depots()
        chosen = [depot for depot in depots if request.args.get("depot", "") in ("", depot.number)] or depots
        every = every_depot(store, now=at)
        terms = terms_of(store, chosen[0].id, at) if chosen else None
        drafts = supplier_drafts(store, now=at, advice=every) if may_write else []
        drafts = [each for each in drafts if supplier in ("", each.supplier.name if each.supplier else "")]
        written = letters(store, drafts[:LETTERS_SHOWN])
        outbound = outbound_of(store)
    names = {depot.name for depot in chosen}
    found = [each for each in every if each.facts.depot in names]
    suppliers = sorted({each.facts.supplier for each in found if each.facts.supplier})
    lines = [each for each in found if supplier in ("", each.facts.supplier) and sku in ("", each.facts.sku)]
    forecasts: list[tuple[str, Forecast]] = []
    if sku and lines:
        from routing.engines.forecasts import smoothed  # loaded only when somebody asks for one

        forecasts = [(each.facts.depot, forecast_of(each, smoothed)) for each in lines]
    return render_template(
        "dispatcher/replenish.html",
        urgent=[each for each in lines if each.needs_a_person],
        calm=[each for each in lines if not each.needs_a_person],
        depots=[("", "")] + [(depot.number, depot.name) for depot in depots],
        depot=request.args.get("depot", ""),
        suppliers=suppliers,
        supplier=supplier,
        sku=sku,
        forecasts=forecasts,
        terms=terms,
        may_write=may_write,
        letters=[list(some) for _who, some in groupby(written, key=lambda letter: letter.draft.supplier)],
        more_letters=len(drafts) - len(written),
        outbound=outbound,
        typed=typed or {},
        longest=(LONGEST_SUBJECT, LONGEST_TEXT),
        languages={"en": _("English"), "fi": _("Finnish"), "sv": _("Swedish")},
    )
