"""Orders by a program: sent, looked up, and what is promised of them."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from io import BytesIO
from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import UnsupportedMediaType

from data.importers.batch import note_import
from data.importers.orders_json import LINES, place, read_orders
from data.queries.open_lines import OpenLine, open_lines
from data.queries.order_state import order_document
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import InvalidInput
from routing.model.imports import ImportResult
from routing.services.ordering import Taken, take_each
from web.api import api, needs_scope, token
from web.changes import moved_document
from web.clock import wall_clock
from web.here import here, now
from web.importing import say_how_they_hear
from web.incoming import json_of, whole

MOST_ORDERS = 500
LONGEST_KEY = 200
MOST_PROMISES = 1_000
USUAL_PROMISES = 200


@api.route("/orders", methods=["POST", "PUT"])
@needs_scope("orders")
def send() -> ResponseReturnValue:
    """Takes one order or many. The same order again changes nothing; with an Idempotency-Key the same call answers
    as it did the first time."""
    raw = _body()
    documents, tell = _documents(raw)
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise InvalidInput(f"Write an Idempotency-Key of at most {LONGEST_KEY} visible characters.", code="key")
    at, who = now(), token()
    digest = hashlib.sha256(f"{request.method} ".encode() + raw).hexdigest()
    scope = f"api:{who.id}"

    def take(store: SqlStore) -> tuple[dict[str, Any], int, bool]:
        for row in sorted(store.depot_rows().values(), key=lambda row: int(row["id"])):
            store.lock_depot(row["id"])
        # Under the lock: of two calls with one key that came together, the second finds the answer of the first.
        if key and (known := store.recall(scope=scope, key=key, payload_sha256=digest)):
            return known.response, 200, True
        result = ImportResult(kind="orders")
        orders = list(read_orders(store, documents, result, now=at))
        taken = take_each(store, orders, result, lines_at_most=LINES, now=at, by=f"api:{who.name}", tell=tell)
        say_how_they_hear(store, result, now=at)
        note_import(store, result, BytesIO(raw), file_name=f"API {key}".strip(), now=at, by=f"api:{who.name}")
        body = _answer(taken, result)
        if not taken:
            return body | {"error": {"code": "no_order_taken", "message": _why_none(result)}}, 422, False
        store.token_used(who.id, now=wall_clock())
        if key:
            store.remember(scope=scope, key=key, payload_sha256=digest, response=body, now=at)
        return body, 200, False

    body, status, repeated = in_transaction(here().database, take)
    response: Response = jsonify(body)
    response.status_code = status
    if repeated:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _body() -> bytes:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    return request.get_data()


def _documents(raw: bytes) -> tuple[list[Any], bool]:
    """The orders of a body: one object, a list, or `{"orders": [...], "tell": false}`."""
    try:
        found = json_of(raw.decode("utf-8"), exact=True)
    except ValueError as problem:
        said = "it is not UTF-8" if isinstance(problem, UnicodeDecodeError) else str(problem).rstrip(".")
        raise InvalidInput(f"The body cannot be read as JSON: {said}.", code="json") from None
    tell: Any = False
    if isinstance(found, dict) and "orders" in found:
        unknown = sorted(set(found) - {"orders", "tell"})
        if unknown:
            raise InvalidInput(f"Beside orders there is only tell, not {unknown[0][:40]}.", code="unknown_field")
        found, tell = found["orders"], found.get("tell", False)
        if not isinstance(found, list):
            raise InvalidInput("orders must be a list of orders.", code="json")
    if not isinstance(tell, bool):
        raise InvalidInput("tell must be true or false: whether customers hear of their dates.", code="json")
    documents = found if isinstance(found, list) else [found]
    if not documents:
        raise InvalidInput("There is no order in this call. Send at least one.", code="no_orders")
    if len(documents) > MOST_ORDERS:
        raise InvalidInput(
            f"{len(documents)} orders are too many for one call. Send at most {MOST_ORDERS} at once.", code="too_many"
        )
    return documents, tell


def _answer(taken: list[Taken], result: ImportResult) -> dict[str, Any]:
    errors = sorted(result.errors, key=lambda error: error.row)
    cancelled = sum(each.outcome == "cancelled" for each in taken)
    return {
        "orders": [{"index": each.position, "order": each.order, "outcome": each.outcome} for each in taken],
        "created": result.created,
        "changed": result.changed - cancelled,
        "cancelled": cancelled,
        "unchanged": result.unchanged,
        "tasks": result.tasks,
        "errors": [{"index": place(error.row)[0], "line": place(error.row)[1], "what": error.what} for error in errors],
        "errors_left_off": result.errors_left_off,
        **moved_document(result),
    }


def _why_none(result: ImportResult) -> str:
    faults = len(result.errors)
    listed = "1 fault is listed" if faults == 1 else f"{faults} faults are listed"
    return f"No order of this call could be taken; {listed} under errors."


@api.get("/orders/<source>/<path:number>")
@needs_scope("orders", "read")
def look_up(source: str, number: str) -> ResponseReturnValue:
    with here().database.reading() as connection:
        return jsonify(order_document(connection, source=source, number=number))


@api.get("/promises")
@needs_scope("orders", "read")
def promises() -> ResponseReturnValue:
    """The open lines of a SKU, a customer or both, a page at a time."""
    sku, customer = request.args.get("sku", "").strip(), request.args.get("customer", "").strip()
    unknown = sorted(set(request.args) - {"sku", "customer", "limit", "after"})
    if unknown:
        raise InvalidInput(f"Ask by sku, customer, limit and after, not by {unknown[0][:40]}.", code="unknown_field")
    if not sku and not customer:
        raise InvalidInput("Name a sku, a customer or both.", code="nothing_asked")
    limit = whole(request.args.get("limit", str(USUAL_PROMISES)))
    after = whole(request.args.get("after", "0"))
    if limit is None or not 1 <= limit <= MOST_PROMISES or after is None:
        raise InvalidInput(f"limit is a whole number from 1 to {MOST_PROMISES}, after the last next.", code="limit")
    with here().database.reading() as connection:
        found = open_lines(connection, sku=sku, customer_number=customer, after=after, limit=limit)
    return jsonify(
        {"promises": [_promise(line) for line in found], "next": found[-1].id if len(found) == limit else None}
    )


def _promise(line: OpenLine) -> dict[str, Any]:
    return {name: value for name, value in asdict(line).items() if name != "id"} | {
        "unallocated": line.unallocated,
        "slipped_days": line.slipped_days,
    }
