"""What the API takes and answers, as OpenAPI 3.1: written by hand, held to the routes by a test."""

from __future__ import annotations

from typing import Any

from data.importers.orders_json import LINES, LONGEST, MONEY, OF_A_LINE, OF_AN_ORDER, WHOLE

Schema = dict[str, Any]

_ABOUT = {
    "order": "The number of the order: unique. The same number again changes that order.",
    "customer": "Number of a customer that is here.",
    "site": "Number of one of that customer's sites; left out: its only one.",
    "depot": "Number of the depot it goes out from.",
    "ordered_at": "2026-05-12T14:30 in the depot's zone, or with an offset.",
    "wanted_on": "ISO day; left out: as soon as possible.",
    "completeness": "partial, per_line or complete.",
    "hold": "Why it is on hold; left out: it is not.",
    "payment": "ok or pending.",
    "collect_at_door": "What is to be paid when it is handed over, in the currency: 112.50. Left out: nothing.",
    "line": "Number of the line; left out: 1, 2, 3.",
    "quantity": "Base units, 1 or more.",
    "min_value": "What a part must be worth to go alone, in the currency: 25.00. Left out: any.",
    "unit_price": "In the currency, with a decimal point: 3.50. Left out: the product's.",
    "promised_on": "The day the customer was told already, ISO.",
}


def _text(name: str) -> Schema:
    about = {"description": _ABOUT[name]} if name in _ABOUT else {}
    if name in WHOLE:
        return {"type": ["integer", "null"], **about}
    if name in MONEY:
        return {"type": ["string", "number", "null"], **about}
    return {"type": ["string", "null"], "maxLength": LONGEST, **about}


def _object(properties: Schema, *required: str, closed: bool = False) -> Schema:
    made: Schema = {"type": "object", "properties": properties}
    if required:
        made["required"] = list(required)
    if closed:
        made["additionalProperties"] = False
    return made


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Schema, description: str) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _errors(*statuses: int) -> Schema:
    words = {
        401: "No token, or one that opens nothing",
        403: "The token has not the scope",
        404: "There is none",
        409: "The Idempotency-Key was used for another call, or we do not allocate here",
        413: "Larger than 5 MB",
        415: "Not application/json",
        422: "It cannot be used, and why; nothing was changed",
        429: "Too many calls; Retry-After says when",
    }
    return {str(status): _json(_reference("Error"), words[status]) for status in statuses}


def _parameter(name: str, where: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": where, "required": where == "path", "schema": schema, "description": description}


def _send(name: str) -> Schema:
    one_or_many = [
        _reference("Order"),
        _reference("Cancellation"),
        {"type": "array", "items": {"anyOf": [_reference("Order"), _reference("Cancellation")]}},
        _reference("Call"),
    ]
    return {
        "operationId": name,
        "summary": "Send one order or many",
        "description": "An order that is not here yet is new; one that is here is compared: unchanged, changed or "
        "cancelled. A change is applied while nothing of the order was released, else a task asks a person. A faulty "
        "order is left out and listed under errors; the others are taken. Nothing could be taken: 422.",
        "parameters": [
            _parameter(
                "Idempotency-Key", "header", {"type": "string", "maxLength": 200},
                "The same call with the same key answers as it did the first time, and nothing happens again.",
            )
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"anyOf": one_or_many}}}},
        "responses": {
            "200": _json(_reference("Taken"), "What became of each"),
            **_errors(401, 403, 409, 413, 415, 422, 429),
        },
    }  # fmt: skip


_UNITS = (
    "ordered", "cancelled", "open", "allocated", "provisional", "released", "picked", "loaded", "delivered", "short",
    "refused", "damaged",
)  # fmt: skip
_OPEN = (
    "source", "order", "line", "erp_reference", "customer_reference", "customer", "customer_name", "site", "depot",
    "sku", "name", "unit", "wanted_on", "expected_on", "promised_on", "first_promised_on",
)  # fmt: skip
_COUNTS = ("created", "changed", "cancelled", "unchanged", "tasks", "errors_left_off")
_MOVED = ("order", "customer", "sku", "old_day", "new_day", "promised_on", "moved_by", "currency")
_MOVED_UNITS = ("order_id", "needed", "goes", "went_before", "provisional", "provisional_before", "waits", "value")
_OPEN_UNITS = ("ordered", "needed", "firm", "provisional", "unallocated")
_STRING: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_BOOLEAN: Schema = {"type": "boolean"}
_TOLD: Schema = dict.fromkeys(("message", "call", "asked", "asked_by_call"), _WHOLE)
_DAYS: Schema = {"type": "array", "items": _STRING, "description": "The last days for an answer of those asked"}
_WORTH: Schema = {"goes": _WHOLE, "waits": _WHOLE, "breaks": _WHOLE}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Backroute",
        "version": "1",
        "description": "Orders in, their state and promises out. Quantities are base units, days ISO 8601, "
        '"" for unknown. Errors are {"error": {"code", "message"}}; a code is a stable word.',
    },
    "security": [{"token": []}],
    "paths": {
        "/orders": {"post": _send("sendOrders"), "put": _send("putOrders")},
        "/orders/{source}/{number}": {
            "get": {
                "operationId": "lookUpOrder",
                "summary": "An order: its lines, where their units are, their dates",
                "parameters": [
                    _parameter("source", "path", _STRING, "own, unless it came from elsewhere"),
                    _parameter("number", "path", _STRING, "Its number"),
                ],
                "responses": {"200": _json(_reference("OrderState"), "The order"), **_errors(401, 403, 404, 429)},
            }
        },
        "/promises": {
            "get": {
                "operationId": "listPromises",
                "summary": "Open lines of a SKU, a customer or both: what covers them, expected, promised",
                "parameters": [
                    _parameter("sku", "query", _STRING, "A SKU"),
                    _parameter("customer", "query", _STRING, "A customer's number"),
                    _parameter("limit", "query", _WHOLE | {"minimum": 1, "maximum": 1000, "default": 200}, "At most"),
                    _parameter("after", "query", _WHOLE | {"default": 0}, "next of the page before"),
                ],
                "responses": {"200": _json(_reference("Promises"), "A page"), **_errors(401, 403, 422, 429)},
            }
        },
        "/openapi.json": {
            "get": {
                "operationId": "openapi",
                "summary": "This document",
                "security": [],
                "responses": {"200": _json({"type": "object"}, "OpenAPI 3.1")},
            }
        },
    },
    "components": {
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "description": "backroute token add NAME --scope orders"}
        },
        "schemas": {
            "Order": _object(
                {name: _text(name) for name in OF_AN_ORDER}
                | {
                    "cancelled": {"const": False},
                    "lines": {"type": "array", "items": _reference("Line"), "minItems": 1, "maxItems": LINES - 1},
                },
                "order", "customer", "depot", "ordered_at", "lines", closed=True,
            ),
            "Line": _object({name: _text(name) for name in OF_A_LINE}, "sku", "quantity", closed=True),
            "Cancellation": _object(
                {"order": _STRING, "cancelled": {"const": True}}, "order", "cancelled", closed=True
            ),
            "Call": _object(
                {
                    "orders": {
                        "type": "array", "minItems": 1, "maxItems": 500,
                        "items": {"anyOf": [_reference("Order"), _reference("Cancellation")]},
                    },
                    "tell": {
                        "type": "boolean", "default": False,
                        "description": "Whether customers hear of the dates that this gives the orders sent. Those of "
                        "other orders hear of what it takes from them, as of a receipt",
                    },
                },
                "orders", closed=True,
            ),
            "Taken": _object(
                {
                    "orders": {
                        "type": "array",
                        "items": _object(
                            {
                                "index": _WHOLE,
                                "order": _STRING,
                                "outcome": {"enum": ["new", "unchanged", "changed", "cancelled", "task"]},
                            },
                            "index", "order", "outcome",
                        ),
                    },
                    **dict.fromkeys(_COUNTS, _WHOLE),
                    "errors": {
                        "type": "array",
                        "items": _object({"index": _WHOLE, "line": _WHOLE, "what": _STRING}, "index", "line", "what"),
                    },
                    "moved": {
                        "type": "array",
                        "description": "Lines of orders that were not sent and lose goods or a day by those that were",
                        "items": _object(
                            dict.fromkeys(_MOVED, _STRING)
                            | dict.fromkeys(_MOVED_UNITS, _WHOLE)
                            | {"on_shelf": {"type": "array", "items": _WHOLE, "description": "Before and after"}}
                            | dict.fromkeys(("slips", "loses_date", "date_again", "earlier", "on_hold"), _BOOLEAN)
                            | {"told": {"enum": ["", "message", "call", "asked"]}, "answer_by": _STRING}
                        ),
                    },
                    "moved_left_off": _WHOLE,
                    "told": _object(_TOLD),
                    "told_along": _object(_TOLD),
                    "told_besides": _object(
                        {
                            "earlier": _object(dict.fromkeys(("message", "call"), _WHOLE)),
                            "first": _object({"message": _WHOLE}),
                        }
                    )
                    | {"description": "Other orders whose customers hear: of an earlier day, of their first one"},
                    "answer_by": _object({"told": _DAYS, "told_along": _DAYS}),
                    "answer_by_call": _object({"told": _DAYS, "told_along": _DAYS}),
                    "currency": _STRING,
                    "worth": _object(_WORTH),
                    "worth_elsewhere": {"type": "array", "items": _object(_WORTH | {"currency": _STRING})},
                    "warnings": {"type": "array", "items": _STRING},
                },
                "orders", "errors",
            ),
            "OrderState": _object(
                dict.fromkeys(
                    ("source", "order", "customer", "site", "depot", "ordered_at", "wanted_on", "customer_reference",
                     "erp_reference", "hold", "payment", "collect_at_door", "currency"), _STRING,
                )
                | {
                    "cancelled": {"type": "boolean"},
                    "delivered_elsewhere": {"type": "boolean"},
                    "on_hold": {
                        "type": "boolean",
                        "description": "It, its payment or its customer is on hold: nobody is told a day, and its "
                        "lines are expected on theirs when it is let go.",
                    },
                    "lines": {
                        "type": "array",
                        "items": _object(
                            dict.fromkeys(
                                ("line", "erp_reference", "sku", "expected_on", "promised_on", "first_promised_on"),
                                _STRING,
                            )
                            | dict.fromkeys(_UNITS, _WHOLE)
                        ),
                    },
                }
            ),
            "Promises": _object(
                {
                    "promises": {
                        "type": "array",
                        "items": _object(
                            dict.fromkeys(_OPEN, _STRING)
                            | dict.fromkeys(_OPEN_UNITS, _WHOLE)
                            | {
                                "slipped_days": {"type": ["integer", "null"]},
                                "on_hold": {
                                    "type": "boolean",
                                    "description": "Nobody is told a day: expected_on is the one when it is let go.",
                                },
                            }
                        ),
                    },
                    "next": {"type": ["integer", "null"]},
                },
                "promises", "next",
            ),
            "Error": _object(
                {"error": _object({"code": _STRING, "message": _STRING}, "code", "message")}, "error"
            ),
        },
    },
}  # fmt: skip
