"""What each customer waits for: to read out on the phone, or to print."""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from data.queries.backorders import SORTS, count_backorders, customers_called
from data.queries.backorders import backorders as waiting
from data.store import SqlStore
from routing.errors import NotFound
from routing.model.days import today_of
from web.here import here, now
from web.people import needs_role

backorders = Blueprint("backorders", __name__, url_prefix="/backorders")

SHOWN = 1000


@backorders.get("")
@needs_role()
def page() -> ResponseReturnValue:
    text, sort = request.args.get("customer", "").strip()[:100], request.args.get("sort", "customer")
    if sort not in SORTS:
        abort(404)
    wrong = ""
    with here().database.reading() as connection:
        try:
            chosen = customers_called(connection, text) if text else None
        except NotFound as problem:
            chosen, wrong = [], str(problem)
        today = today_of(now(), SqlStore(connection).company().zone)
        lines = waiting(connection, customer_ids=chosen, today=today, sort=sort, limit=SHOWN)
        counts = count_backorders(connection, customer_ids=chosen)
    # By customer the lines of each stand together under its name; who is latest of all stands without groups.
    by = (lambda line: line.customer_id) if sort == "customer" else (lambda _line: 0)
    groups = [list(some) for _customer, some in groupby(lines, key=by)]
    return render_template(
        "dispatcher/backorders.html",
        groups=groups,
        count=counts.lines,
        customers=counts.customers,
        more=counts.lines > SHOWN,
        shown=SHOWN,
        sort=sort,
        day_in={line.zone: today_of(now(), line.zone) for line in lines},
        text=text,
        wrong=wrong,
    ), 404 if wrong else 200
