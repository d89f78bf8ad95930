"""Stock: what there is of every SKU, and of one who gets what, why, and when it turns."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from data.queries.stock import SORTS, count_stock_rows, stock_rows
from data.store import SqlStore
from routing.errors import NotFound
from routing.model.days import today_of
from routing.services.promising import sku_ledgers
from web.dispatcher import words
from web.here import here, now
from web.incoming import whole
from web.people import needs_role

stock = Blueprint("stock", __name__, url_prefix="/stock")

PAGE = 100
LINES_SHOWN = 500


@stock.get("")
@needs_role()
def page() -> ResponseReturnValue:
    text, sort = request.args.get("q", "").strip()[:100], request.args.get("sort", "")
    sort = sort if sort in SORTS else SORTS[0]
    number = max(1, whole(request.args.get("page", "1")) or 1)
    with here().database.reading() as connection:
        count = count_stock_rows(connection, text=text)
        pages = max(1, -(-count // PAGE))
        number = min(number, pages)
        rows = stock_rows(connection, text=text, sort=sort, limit=PAGE, offset=(number - 1) * PAGE)
        today = today_of(now(), SqlStore(connection).company().zone)
    return render_template(
        "dispatcher/stock.html", rows=rows, count=count, text=text, sort=sort, number=number, pages=pages, today=today
    )


@stock.get("/<path:sku>")
@needs_role()
def one(sku: str) -> ResponseReturnValue:
    sku = sku[:500]
    with here().database.reading() as connection:
        store = SqlStore(connection)
        product_id = store.product_ids([sku]).get(sku)
        if product_id is None:
            raise NotFound(_('There is no product "%(sku)s". Look for it under Stock.', sku=sku[:40]), code="sku")
        ledgers = sku_ledgers(store, sku, now=now())
        today = today_of(now(), store.company().zone)
    return render_template(
        "dispatcher/stock_sku.html",
        sku=sku,
        ledgers=ledgers,
        today=today,
        rules=words.rule_words(),
        rank_words=words.rank_words,
        shown=LINES_SHOWN,
    )
