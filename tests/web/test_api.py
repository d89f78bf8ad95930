"""The API: who may ask, what an order may be, and that the same call twice is one."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from data import tables
from data.db import Database
from data.importers.orders_json import OF_A_LINE, OF_AN_ORDER
from data.store import open_store
from routing.model.tasks import TaskKind
from routing.services.releasing import release_orders
from tests.desk import Desk, a_desk, add
from tests.rounds import DAY
from tests.website import Website, a_website
from web.api import MOST_BYTES, api
from web.api.openapi import DOCUMENT
from web.cli import main
from web.clock import wall_clock
from web.security import limiter

TOKEN = "brt_example"
NOBODY = {"message": 0, "call": 0, "asked": 0, "asked_by_call": 0}
"""Of `told` and `told_along` where nobody hears of anything."""
NOBODY_BESIDES = {"earlier": {"message": 0, "call": 0}, "first": {"message": 0}}
ORDER: dict[str, Any] = {
    "order": "SO-50", "customer": "C-2", "site": "S-2", "depot": "NORTH", "ordered_at": "2026-05-11T10:00",
    "customer_reference": "PO-50", "lines": [{"sku": "OAT", "quantity": 12, "unit_price": "2.00"}],
}  # fmt: skip


@pytest.fixture
def website(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Website]:
    """On SQLite; on PostgreSQL where `both` asks for it."""
    with a_website(tmp_path / "home") as made:
        if getattr(request, "param", "") != "postgres":
            yield made
            return
        database = Database(request.getfixturevalue("postgres_url"))
        made.installation.database, sqlite = database, made.installation.database
        yield made
        made.installation.database = sqlite
        database.close()


both = pytest.mark.parametrize("website", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def desk(website: Website) -> Desk:
    made = a_desk(website)
    with open_store(website.installation.database) as store:
        store.add_token(
            name="shop", token=TOKEN, scopes=frozenset({"orders"}), by="test", now=wall_clock(), expires_at=None
        )
    return made


def call(
    where: Website | FlaskClient, method: str, path: str, body: Any = None, *, token: str = TOKEN, **headers: str
) -> TestResponse:
    client = where.client() if isinstance(where, Website) else where
    content = {} if body is None else {"json": body} if not isinstance(body, bytes) else {"data": body}
    return client.open(
        f"/api/v1{path}",
        method=method,
        content_type=None if body is None else "application/json",
        headers={"Authorization": f"Bearer {token}"} | {name.replace("_", "-"): text for name, text in headers.items()},
        **content,
    )


def send(where: Website | FlaskClient, body: Any, **headers: str) -> TestResponse:
    return call(where, "POST", "/orders", body, **headers)


def code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]  # type: ignore[index]


def orders(website: Website) -> int:
    with website.installation.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(tables.order)) or 0


# ---------------------------------------------------------------------------- orders in


@both
def test_an_order_is_new_then_unchanged_then_changed_then_cancelled(website: Website, desk: Desk) -> None:
    assert send(website, ORDER).json == {
        "orders": [{"index": 0, "order": "SO-50", "outcome": "new"}],
        "created": 1, "changed": 0, "cancelled": 0, "unchanged": 0, "tasks": 0, "errors": [], "errors_left_off": 0,
        "moved": [], "moved_left_off": 0, "told": NOBODY, "told_along": NOBODY,
        "told_besides": NOBODY_BESIDES,
        "answer_by": {"told": [], "told_along": []}, "answer_by_call": {"told": [], "told_along": []},
        "currency": "EUR", "worth": {"goes": 0, "waits": 0, "breaks": 0}, "worth_elsewhere": [], "warnings": [],
    }  # fmt: skip
    outcomes = []
    more = ORDER | {"lines": [{"line": "1", "sku": "OAT", "quantity": 24, "unit_price": 2}]}
    for body in (ORDER, more, {"order": "SO-50", "cancelled": True}, {"order": "SO-50", "cancelled": True}, ORDER):
        answer = call(website, "PUT", "/orders", body)
        assert answer.status_code == 200
        outcomes.append(answer.json["orders"][0]["outcome"])  # type: ignore[index]
    assert outcomes == ["unchanged", "changed", "cancelled", "unchanged", "changed"]


@pytest.mark.parametrize(
    ("once", "twice", "field"),
    [
        ('"quantity": 12', '"quantity": 12, "quantity": 120', "quantity"),
        ('"order": "SO-50"', '"order": "SO-51", "order": "SO-50"', "order"),
    ],
)
def test_a_field_that_stands_twice_is_refused_by_name_and_nothing_is_taken(
    website: Website, desk: Desk, once: str, twice: str, field: str
) -> None:
    body = json.dumps(ORDER)
    assert once in body
    answer = send(website, body.replace(once, twice).encode())
    assert code(answer) == (422, "json")
    assert f"the field {field} stands twice in one object: send it once" in answer.json["error"]["message"]  # type: ignore[index]
    assert call(website, "GET", "/orders/own/SO-50").status_code == 404
    half: Any = send(website, b'{"\\ud83d": 1, "\\ud83d": 2}')
    assert code(half) == (422, "json")


def test_a_call_of_one_fault_says_so_in_the_singular(website: Website, desk: Desk) -> None:
    answer: Any = send(website, {"order": "SO-50", "cancelled": True}).json
    assert answer["error"]["message"] == "No order of this call could be taken; 1 fault is listed under errors."


def test_an_order_that_a_program_cancelled_is_not_called_delivered_and_nobody_calls_about_it(
    website: Website, desk: Desk
) -> None:
    send(website, ORDER)
    with open_store(website.installation.database) as store:
        order_id = store.order_ids(["SO-50"])["SO-50"]
        store.add_task(
            kind=TaskKind.CALL_CUSTOMER, subject_kind="order", subject_id=order_id, sentence="Call them.",
            made_at=website.clock.at,
        )  # fmt: skip
    assert call(website, "PUT", "/orders", {"order": "SO-50", "cancelled": True}).status_code == 200
    desk_client = website.signed_in()
    found: Any = call(website, "GET", "/orders/own/SO-50").json
    assert (found["cancelled"], [line["open"] for line in found["lines"]]) == (True, [0])
    page = desk_client.get(f"/orders/{order_id}").text
    assert "Cancelled." in page
    assert "Delivered." not in page
    with website.installation.database.reading() as connection:
        assert connection.scalar(select(tables.task.c.outcome).filter_by(subject_id=order_id)) == (
            "cancelled in the order file"
        )
    assert call(website, "PUT", "/orders", ORDER).json["orders"][0]["outcome"] == "changed"  # type: ignore[index]
    assert call(website, "GET", "/orders/own/SO-50").json["cancelled"] is False  # type: ignore[index]
    assert "Cancelled." not in desk_client.get(f"/orders/{order_id}").text.split("What happened")[0]


def test_an_order_says_what_a_part_of_it_must_be_worth_as_in_a_file(website: Website, desk: Desk) -> None:
    for worth, minor in (("12.50", 1250), (13, 1300)):
        assert send(website, ORDER | {"min_value": worth}).status_code == 200
        with website.installation.database.reading() as connection:
            assert connection.scalar(select(tables.order.c.min_value).filter_by(number="SO-50")) == minor


@both
def test_the_goods_on_their_way_cover_it_and_it_has_a_date(website: Website, desk: Desk) -> None:
    """36 oat drinks are due today and the cafés' 36 come first; 12 more are due in a week."""
    send(website, ORDER)
    line = call(website, "GET", "/orders/own/SO-50").json["lines"][0]  # type: ignore[index]
    assert (line["ordered"], line["open"], line["allocated"], line["provisional"]) == (12, 12, 0, 0)
    assert (line["expected_on"], line["promised_on"]) == ("", "")
    first = call(website, "GET", "/orders/own/SO-1").json["lines"][0]  # type: ignore[index]
    assert (first["provisional"], first["expected_on"], first["promised_on"]) == (12, DAY, DAY)


@both
def test_an_order_whose_goods_are_released_becomes_a_task(website: Website, desk: Desk) -> None:
    order = ORDER | {"order": "SO-60", "lines": [{"sku": "COFFEE", "quantity": 1}]}
    with website.installation.database.writing() as connection:
        connection.execute(tables.supply.update().where(tables.supply.c.kind == "receipt").values(quantity=13))
    assert send(website, order).status_code == 200
    with open_store(website.installation.database) as store:
        found = release_orders(store, depot_id=desk.depot, for_day=DAY, now=website.clock.at, by="test")
    assert "SO-60" in {each.order for each in found.ready}
    order["lines"] = [{"sku": "COFFEE", "quantity": 2}]
    answer = send(website, order).json
    assert (answer["orders"][0]["outcome"], answer["tasks"]) == ("task", 1)  # type: ignore[index]
    line = call(website, "GET", "/orders/own/SO-60").json["lines"][0]  # type: ignore[index]
    assert (line["ordered"], line["released"]) == (1, 1)


def test_a_faulty_order_is_left_out_and_the_others_are_taken(website: Website, desk: Desk) -> None:
    bad = ORDER | {"order": "SO-51", "lines": [{"sku": "OAT", "quantity": 1}, {"sku": "NONE", "quantity": 0}]}
    answer = send(website, {"orders": [ORDER, bad, ORDER | {"order": "SO-52"}]})
    assert answer.status_code == 200
    assert [each["order"] for each in answer.json["orders"]] == ["SO-50", "SO-52"]  # type: ignore[index]
    (error,) = answer.json["errors"]  # type: ignore[index]
    assert (error["index"], error["line"]) == (1, 1)
    assert 'there is no product "NONE"' in error["what"]
    assert "quantity" in error["what"]
    assert code(call(website, "GET", "/orders/own/SO-51")) == (404, "order_not_found")


def test_customers_hear_of_their_dates_only_when_the_call_says_so(website: Website, desk: Desk) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(tables.supply.update().where(tables.supply.c.kind == "inbound").values(quantity=60))
    send(website, ORDER)
    assert notices(website) == 0
    send(website, {"orders": [ORDER | {"order": "SO-51"}], "tell": True})
    assert notices(website) == 1


def notices(website: Website) -> int:
    with website.installation.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(tables.notice)) or 0


# ---------------------------------------------------------------------------- the same call twice


@both
def test_the_same_call_with_its_key_answers_as_the_first_time(website: Website, desk: Desk) -> None:
    first = send(website, ORDER, Idempotency_Key="k-1")
    again = send(website, ORDER, Idempotency_Key="k-1")
    assert again.json == first.json
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert code(send(website, ORDER | {"order": "SO-51"}, Idempotency_Key="k-1")) == (409, "key_reused")
    assert code(send(website, ORDER, Idempotency_Key="k" * 201)) == (422, "key")


def test_a_call_that_changed_nothing_leaves_its_key_free(website: Website, desk: Desk) -> None:
    assert code(send(website, ORDER | {"customer": "C-99"}, Idempotency_Key="k-2")) == (422, "no_order_taken")
    assert send(website, ORDER, Idempotency_Key="k-2").status_code == 200


@both
def test_two_calls_that_race_with_one_key_are_one(website: Website, desk: Desk) -> None:
    answers: list[TestResponse] = []
    start = threading.Barrier(4)

    def go() -> None:
        client = website.client()
        start.wait()
        answers.append(send(client, ORDER, Idempotency_Key="k-3"))

    threads = [threading.Thread(target=go) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each.status_code for each in answers] == [200] * 4
    assert {json.dumps(each.json) for each in answers} == {json.dumps(answers[0].json)}
    assert sum("Idempotent-Replayed" not in each.headers for each in answers) == 1
    assert orders(website) == 5


# ---------------------------------------------------------------------------- hostile calls


DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000


NO_CALLS = [
    (b"", (422, "json")),
    (b"[", (422, "json")),
    (b'"\xff"', (422, "json")),
    (b'{"order": NaN}', (422, "json")),
    (b'{"order": 1e999}', (422, "json")),
    (b'{"order": 99999999999999999999}', (422, "json")),
    (DEEP, (422, "json")),
    (b"[]", (422, "no_orders")),
    (b'{"order": "SO-1", "order": "SO-2"}', (422, "json")),
    (b'{"order": "SO-1", "lines": [{"sku": "OAT", "quantity": 1, "quantity": 2}]}', (422, "json")),
    (rb'{"order": "A\u0000B"}', (422, "json")),
    (rb'{"order": "A\ud800B"}', (422, "json")),
    (rb'{"A\u0000": 1, "A\ud800": 1}', (422, "json")),
    (b"null", (422, "no_order_taken")),
    (b'"SO-1"', (422, "no_order_taken")),
    (b'{"orders": {}}', (422, "json")),
    (b'{"orders": [], "x": 1}', (422, "unknown_field")),
    (b'{"orders": [{}], "tell": 1}', (422, "json")),
    (b"[" + b"{}," * 500 + b"{}]", (422, "too_many")),
    (b"[" + b" " * (MOST_BYTES + 1) + b"]", (413, "too_large")),
]


def test_a_body_that_is_no_call_is_refused_by_a_sentence(website: Website, desk: Desk) -> None:
    for body, expected in NO_CALLS:
        answer = send(website, body)
        assert code(answer) == expected, body[:40]
        assert answer.json["error"]["message"].endswith(".")  # type: ignore[index]
    assert orders(website) == 4


NO_ORDERS: list[tuple[dict[str, Any], str]] = [
    ({"customer": 1}, "field customer must be text"),
    ({"customer": {"a": []}}, "field customer must be text"),
    ({"customer": "C-3"}, "is a site of customer"),
    ({"colour": "red", "size": 1}, "unknown fields colour, size"),
    ({"note": "x" * 5_000}, "5000 characters"),
    ({"lines": []}, "at least one line"),
    ({"lines": "OAT"}, "at least one line"),
    ({"lines": [1]}, "a line must be an object"),
    ({"lines": [{"sku": "OAT", "quantity": 1.5}]}, "field quantity must be a whole number"),
    ({"lines": [{"sku": "OAT", "quantity": True}]}, "field quantity must be a whole number"),
    ({"lines": [{"sku": "OAT", "quantity": "12"}]}, "field quantity must be a whole number"),
    ({"lines": [{"sku": "OAT", "quantity": -1}]}, "out of range"),
    ({"lines": [{"sku": "OAT", "quantity": 1, "unit_price": 1.999}]}, "more decimals"),
    ({"lines": [{"sku": "OAT", "quantity": 1, "weight": 3}]}, "unknown field weight"),
    ({"lines": [{"sku": "OAT", "quantity": 1}] * 1_000}, "split the order"),
    ({"lines": [{"line": "1", "sku": "OAT", "quantity": 1}] * 2}, "stands in this order already"),
    ({"cancelled": "yes"}, "field cancelled must be true or false"),
    ({"cancelled": True}, "a cancelled order has no other fields"),
    ({"ordered_at": "yesterday"}, "no time"),
    ({"order": ""}, "is empty"),
]


def test_an_order_that_is_none_is_left_out_and_says_why(website: Website, desk: Desk) -> None:
    for change, what in NO_ORDERS:
        answer = send(website, [ORDER | {"order": "SO-49"}, ORDER | change])
        assert [each["order"] for each in answer.json["orders"]] == ["SO-49"], change  # type: ignore[index]
        assert what in answer.json["errors"][0]["what"]  # type: ignore[index]
        assert "column" not in answer.json["errors"][0]["what"], "a call has fields"  # type: ignore[index]
        assert {each["index"] for each in answer.json["errors"]} == {1}  # type: ignore[index]


def test_an_order_that_stands_twice_in_a_call_is_left_out_both_times(website: Website, desk: Desk) -> None:
    answer = send(website, [ORDER, ORDER | {"note": "other"}, {"order": "SO-99", "cancelled": True}])
    assert answer.status_code == 422
    assert [(each["index"], each["what"][:12]) for each in answer.json["errors"]] == [  # type: ignore[index]
        (0, "Order SO-50 "), (1, "Order SO-50 "), (2, "There is no "),
    ]  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*OF_AN_ORDER, *OF_A_LINE, "lines", "orders", "x"]), inner, max_size=6)
    ),
    max_leaves=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=JSON)
def test_whatever_is_sent_gets_an_answer_and_no_error_of_ours(website: Website, document: Any) -> None:
    limiter.reset()
    if not any(each.name == "shop" for each in _tokens(website)):
        a_desk(website)
        with open_store(website.installation.database) as store:
            store.add_token(
                name="shop", token=TOKEN, scopes=frozenset({"orders"}), by="test", now=wall_clock(), expires_at=None
            )
    answer = send(website, json.dumps(document).encode())
    assert answer.status_code in (200, 422)
    assert answer.is_json


def _tokens(website: Website) -> list[Any]:
    with open_store(website.installation.database) as store:
        return store.tokens()


# ---------------------------------------------------------------------------- who may ask


@both
def test_a_token_opens_what_its_scope_says_until_it_is_revoked(website: Website, desk: Desk) -> None:
    with open_store(website.installation.database) as store:
        for name, scopes, days in (("reader", {"read"}, 1), ("old", {"orders"}, -1)):
            store.add_token(
                name=name, token=f"brt_{name}", scopes=frozenset(scopes), by="test", now=wall_clock(),
                expires_at=wall_clock() + timedelta(days=days),
            )  # fmt: skip
    assert call(website, "GET", "/orders/own/SO-1", token="brt_reader").status_code == 200
    assert code(call(website, "POST", "/orders", ORDER, token="brt_reader")) == (403, "scope")
    for token in ("brt_old", "brt_nobody", "", "x" * 5_000):
        answer = call(website, "POST", "/orders", ORDER, token=token)
        assert code(answer) == (401, "token")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    with open_store(website.installation.database) as store:
        store.revoke_token("shop", now=wall_clock())
    assert code(send(website, ORDER)) == (401, "token")
    assert orders(website) == 4


def test_who_is_signed_in_needs_a_token_too(website: Website, desk: Desk) -> None:
    answer = website.signed_in(role="admin").get("/api/v1/orders/own/SO-1")
    assert code(answer) == (401, "token")


def test_guessing_tokens_is_slowed_down(website: Website, desk: Desk) -> None:
    statuses = [call(website, "GET", "/promises?sku=OAT", token=f"guess-{n}").status_code for n in range(40)]
    assert statuses[0] == 401
    assert statuses[-1] == 429


def test_only_json_is_taken(website: Website, desk: Desk) -> None:
    answer = website.client().post("/api/v1/orders", data={"order": "x"}, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 415
    assert answer.is_json
    assert "send Content-Type: application/json" in answer.json["error"]["message"]  # type: ignore[index]
    refused = call(website, "DELETE", "/orders")
    assert refused.status_code == 405
    assert refused.headers["Allow"].count("POST") == 1
    assert "page's own buttons" not in refused.json["error"]["message"]  # type: ignore[index]
    assert "POST or PUT" in refused.json["error"]["message"]  # type: ignore[index]
    assert code(call(website, "GET", "/nothing"))[0] == 404


# ---------------------------------------------------------------------------- promises and the document


@both
def test_promises_of_a_sku_and_of_a_customer_a_page_at_a_time(website: Website, desk: Desk) -> None:
    def listed(query: str) -> tuple[list[str], int | None]:
        found: Any = call(website, "GET", f"/promises?{query}").json
        return [each["order"] for each in found["promises"]], found["next"]

    assert listed("sku=OAT") == (["SO-1", "SO-2", "SO-3"], None)
    assert listed("customer=C-2") == (["SO-2"], None)
    assert listed("sku=OAT&customer=C-4") == ([], None)
    first, following = listed("sku=OAT&limit=2")
    assert (first, listed(f"sku=OAT&limit=2&after={following}")) == (["SO-1", "SO-2"], (["SO-3"], None))
    one: Any = call(website, "GET", "/promises?customer=C-1").json
    names = ("needed", "firm", "provisional", "unallocated", "promised_on")
    assert [one["promises"][0][name] for name in names] == [12, 0, 12, 0, DAY]
    for query in ("", "sku=OAT&limit=0", "sku=OAT&after=x", "colour=red"):
        assert call(website, "GET", f"/promises?{query}").status_code == 422


def test_the_document_names_every_route_and_every_field(website: Website) -> None:
    served: Any = website.client().get("/api/v1/openapi.json").json
    assert served["openapi"] == "3.1.0"
    rules = {
        (re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")), method.lower())
        for rule in website.app.url_map.iter_rules()
        if rule.endpoint.startswith(f"{api.name}.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }  # fmt: skip
    assert {(path, method) for path, asked in DOCUMENT["paths"].items() for method in asked} == rules
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas["Order"]["properties"]) == {*OF_AN_ORDER, "lines", "cancelled"}
    named = set(_references(DOCUMENT))
    assert named == {f"#/components/schemas/{name}" for name in schemas}


def test_the_answers_have_the_fields_of_the_document(website: Website, desk: Desk) -> None:
    schemas = DOCUMENT["components"]["schemas"]
    taken: Any = send(website, ORDER).json
    assert set(taken) == set(schemas["Taken"]["properties"])
    state: Any = call(website, "GET", "/orders/own/SO-1").json
    assert set(state) == set(schemas["OrderState"]["properties"])
    assert set(state["lines"][0]) == set(schemas["OrderState"]["properties"]["lines"]["items"]["properties"])
    listed: Any = call(website, "GET", "/promises?sku=OAT").json
    assert set(listed["promises"][0]) == set(schemas["Promises"]["properties"]["promises"]["items"]["properties"])


def test_an_order_that_takes_goods_of_another_says_of_whom_and_that_customer_hears(
    website: Website, desk: Desk
) -> None:
    """Café 3 waits for the last 12 oat drinks of a truck; Café 1 comes before it, by its tier."""
    urgent = ORDER | {"customer": "C-1", "site": "S-1"}
    answer: Any = send(website, urgent).json
    (line,) = answer["moved"]
    assert (line["order"], line["order_id"], line["goes"], line["loses_date"], line["told"]) == (
        "SO-3", desk.orders[3], 0, True, "message",
    )  # fmt: skip
    assert (answer["told"], answer["worth"], answer["currency"]) == (
        NOBODY | {"message": 1}, {"goes": 0, "waits": 2_400, "breaks": 2_400}, "EUR",
    )  # fmt: skip
    schema = DOCUMENT["components"]["schemas"]["Taken"]["properties"]["moved"]["items"]["properties"]
    assert set(line) == set(schema)
    with website.installation.database.reading() as connection:
        told = connection.execute(select(tables.notice.c.kind, tables.notice.c.subject_id)).all()
    assert told == [("date_changed", desk.orders[3])]


def test_who_hears_of_an_earlier_or_a_first_day_of_a_call_is_counted(website: Website, desk: Desk) -> None:
    """36 oat drinks come for Cafés 1, 2 and 3, and 12 more a week later for Café 1's other order, which comes last.
    Café 1 cancels its first one: the other has the early truck. Café 4's new order is told its first day by `tell`."""
    with website.installation.database.writing() as connection:
        add(
            connection, tables.supply, kind="inbound", number="IN-2", depot_id=desk.depot, quantity=12,
            product_id=desk.products["OAT"], expected_at=website.clock.at + timedelta(days=7),
        )  # fmt: skip
        add(
            connection, tables.policy, scope="company", scope_id=0, name="promise_earlier_days", value=1,
            effective_from="2026-01-01", by="test", at=website.clock.at,
        )  # fmt: skip
    later = ORDER | {"order": "SO-51"}
    assert send(website, later).json["told_besides"] == NOBODY_BESIDES  # type: ignore[index]
    answer: Any = send(website, {"order": "SO-1", "cancelled": True}).json
    assert (answer["moved"], answer["told"]) == ([], NOBODY)
    assert answer["told_besides"] == NOBODY_BESIDES | {"earlier": {"message": 1, "call": 0}}
    coffee = [{"sku": "COFFEE", "quantity": 1}]
    quiet = ORDER | {"order": "SO-52", "customer": "C-4", "site": "S-4", "lines": coffee}
    with website.installation.database.writing() as connection:
        add(
            connection, tables.supply, kind="inbound", number="IN-3", depot_id=desk.depot, quantity=12,
            product_id=desk.products["COFFEE"], expected_at=website.clock.at + timedelta(days=1),
        )  # fmt: skip
    assert send(website, quiet).json["told_besides"] == NOBODY_BESIDES  # type: ignore[index]
    aloud: Any = send(website, {"orders": [quiet | {"order": "SO-53"}], "tell": True}).json
    assert aloud["told_besides"] == NOBODY_BESIDES | {"first": {"message": 1}}
    with website.installation.database.reading() as connection:
        told = connection.execute(
            select(tables.notice.c.kind, tables.order.c.number)
            .join(tables.order, tables.order.c.id == tables.notice.c.subject_id)
            .order_by(tables.notice.c.id)
        ).all()
    assert told == [("date_changed", "SO-51"), ("date_given", "SO-53")]
    schema = DOCUMENT["components"]["schemas"]["Taken"]["properties"]["told_besides"]["properties"]
    assert {name: set(each["properties"]) for name, each in schema.items()} == {
        name: set(each) for name, each in aloud["told_besides"].items()
    }


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


# ---------------------------------------------------------------------------- the command


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["token", *words], env={"BACKROUTE_HOME": str(home)})


def test_a_token_is_shown_once_listed_without_it_and_revoked(tmp_path: Path) -> None:
    made = run(tmp_path, "add", "shop", "--scope", "orders", "--json")
    assert made.exit_code == 0
    token = json.loads(made.stdout)["token"]
    listed = run(tmp_path, "list", "--json").stdout
    assert token not in listed
    assert [(each["name"], each["scopes"], each["opens"]) for each in json.loads(listed)] == [
        ("shop", ["orders"], True)
    ]
    assert run(tmp_path, "add", "shop", "--scope", "read").exit_code == 2
    assert run(tmp_path, "revoke", "shop").exit_code == 0
    assert "revoked" in run(tmp_path, "list").stdout
    assert run(tmp_path, "revoke", "shop").exit_code == 2
    assert run(tmp_path, "add", "shop", "--scope", "read", "--days", "30").exit_code == 0
    for words in (
        ("add", "x"),
        ("add", "", "--scope", "read"),
        ("add", "x", "--scope", "all"),
        ("add", "a\nb", "--scope", "read"),
    ):
        assert run(tmp_path, "add", *words).exit_code == 2
