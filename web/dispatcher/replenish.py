"""What to order from suppliers: per SKU and depot, with every number the advice comes from."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from data.store import SqlStore
from routing.rules.replenishment import Forecast
from routing.services.replenishing import forecast_of, replenishment, terms_of
from web.here import here, now
from web.people import needs_role

replenish = Blueprint("replenish", __name__, url_prefix="/replenish")


@replenish.get("")
@needs_role("dispatcher", "warehouse", "salesperson")
def page() -> ResponseReturnValue:
    supplier, sku = request.args.get("supplier", "")[:200], request.args.get("sku", "").strip()[:100]
    with here().database.reading() as connection:
        store, at = SqlStore(connection), now()
        depots = store.depots()
        chosen = [depot for depot in depots if request.args.get("depot", "") in ("", depot.number)] or depots
        found = [each for depot in chosen for each in replenishment(store, depot_id=depot.id, now=at)]
        terms = terms_of(store, chosen[0].id, at) if chosen else None
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
    )
