"""Search: any reference leads to the order."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from data.queries.search import LIMIT, find_orders
from web.dispatcher import words
from web.here import here
from web.people import needs_role

search = Blueprint("search", __name__)


@search.get("/search")
@needs_role()
def page() -> ResponseReturnValue:
    """Results; a whole reference of exactly one order leads straight to it."""
    text = request.args.get("q", "").strip()[:100]
    with here().database.reading() as connection:
        hits = find_orders(connection, text)
    exact = [hit for hit in hits if hit.exact and hit.matched not in ("customer", "site", "sku", "phone")]
    if len(exact) == 1:
        return redirect(url_for("orders.one", order_id=exact[0].order_id))
    return render_template("dispatcher/search.html", hits=hits, text=text, full=len(hits) >= LIMIT, words=words)
