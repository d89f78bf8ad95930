"""What each customer waits for: to read out on the phone, or to print."""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from data.queries.backorders import backorders as waiting
from data.queries.backorders import customers_called
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
    text = request.args.get("customer", "").strip()[:100]
    wrong = ""
    with here().database.reading() as connection:
        try:
            chosen = customers_called(connection, text) if text else None
        except NotFound as problem:
            chosen, wrong = [], str(problem)
        lines = waiting(connection, customer_ids=chosen)
        today = today_of(now(), SqlStore(connection).company().zone)
    groups = [list(some) for _customer, some in groupby(lines[:SHOWN], key=lambda line: line.customer_id)]
    return render_template(
        "dispatcher/backorders.html",
        groups=groups,
        count=len(lines),
        customers=len({line.customer_id for line in lines}),
        more=len(lines) > SHOWN,
        shown=SHOWN,
        today=today,
        text=text,
        wrong=wrong,
    ), 404 if wrong else 200
