"""Who may ask for what: every route, every role. A new route fails here until somebody has decided who it is for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from data import tables
from data.tables import metadata
from tests.demo_day import DAY, demo_home, planned_website
from tests.website import Website, a_website
from web.people import ROLES

__all__ = ["demo_home", "planned_website"]

ANYBODY: tuple[str, ...] = ("anybody",)
LINK: tuple[str, ...] = ("link",)  # whoever holds a link that opens this very thing
TOKEN: tuple[str, ...] = ("token",)  # whoever holds an API token with the scope: test_api.py asks for each
EVERYONE: tuple[str, ...] = ROLES  # who is signed in
DESK: tuple[str, ...] = ("dispatcher",)
ADMIN: tuple[str, ...] = ("admin",)
GOODS: tuple[str, ...] = ("dispatcher", "warehouse")
NOT_VIEWERS: tuple[str, ...] = ("dispatcher", "warehouse", "salesperson")

# An administrator may do whatever anybody who is signed in may do.
DECIDED: dict[str, tuple[str, ...]] = {
    "GET /": EVERYONE,
    "GET /<any(p, t):kind>/<token>/files/<sha256>": LINK,
    "GET /addresses": EVERYONE,
    "GET /addresses/<int:site_id>": EVERYONE,
    "GET /addresses/suggest": EVERYONE,
    "POST /addresses/<int:site_id>/pin": DESK,
    "POST /addresses/<int:site_id>/who-comes": DESK,
    "POST /addresses/look-up": DESK,
    "GET /api/v1/openapi.json": ANYBODY,  # tells nothing of this installation
    "POST /api/v1/orders": TOKEN,
    "PUT /api/v1/orders": TOKEN,
    "GET /api/v1/orders/<source>/<path:number>": TOKEN,
    "GET /api/v1/promises": TOKEN,
    "GET /backorders": EVERYONE,
    "GET /basemap/<region>.pmtiles": ANYBODY,
    "GET /c/<token>": LINK,
    "POST /c/<token>": LINK,
    "GET /calendars": DESK,
    "POST /calendars/commit": DESK,
    "POST /calendars/simulate": DESK,
    "GET /counters": EVERYONE,
    "GET /d/<token>": LINK,
    "GET /d/<token>/app.webmanifest": ANYBODY,  # repeats the token it was asked with, and tells nothing
    "GET /d/<token>/route.json": LINK,
    "POST /d/positions": LINK,
    "POST /d/reports": LINK,
    "GET /d/sw.js": ANYBODY,
    "GET /deliveries/<int:delivery_id>/report": DESK,
    "POST /deliveries/<int:delivery_id>/report": DESK,
    "POST /deliveries/<int:delivery_id>/report/look": DESK,
    "GET /deliveries/<int:delivery_id>/slip.pdf": NOT_VIEWERS,
    "POST /demo/clock": DESK,
    "GET /evening": EVERYONE,
    "GET /figures": EVERYONE,
    "POST /evening/depots/<int:depot_id>/close": DESK,
    "GET /evening/results.csv": ("dispatcher", "salesperson"),
    "GET /evening/results.xlsx": ("dispatcher", "salesperson"),
    "POST /evening/vans/<int:manifest_id>/close": GOODS,
    "POST /evening/vans/<int:manifest_id>/stops/<int:stop_id>/not-attempted": DESK,
    "GET /export": ("dispatcher", "salesperson"),
    "GET /export/<kind>.csv": ("dispatcher", "salesperson"),
    "GET /export/<kind>.xlsx": ("dispatcher", "salesperson"),
    "GET /healthz": ANYBODY,
    "GET /import": DESK,
    "POST /import": DESK,
    "GET /import/<kind>.csv": DESK,
    "POST /import/columns/<int:mapping_id>/forget": DESK,
    "GET /import/jobs/<int:job_id>": DESK,
    "POST /import/jobs/<int:job_id>/stop": DESK,
    "GET /login": ANYBODY,
    "POST /login": ANYBODY,
    "POST /logout": ANYBODY,
    "GET /messages": EVERYONE,
    "GET /messages/<int:notice_id>": EVERYONE,
    "POST /messages/<int:notice_id>/again": DESK,
    "POST /messages/<int:notice_id>/withhold": DESK,
    "GET /orders": EVERYONE,
    "GET /orders/<int:order_id>": EVERYONE,
    "POST /orders/<int:order_id>/collect": ("dispatcher", "salesperson"),
    "POST /orders/<int:order_id>/collections/<int:delivery_id>/cancel": ("dispatcher", "salesperson"),
    "POST /orders/<int:order_id>/hold": ("dispatcher", "salesperson"),
    "POST /orders/<int:order_id>/delay": ("dispatcher", "salesperson"),
    "GET /orders/<int:order_id>/slots": ("dispatcher", "salesperson"),
    "POST /orders/<int:order_id>/slots": ("dispatcher", "salesperson"),
    "GET /orders/<int:order_id>/slots/offers": ("dispatcher", "salesperson"),
    "GET /slots": ("dispatcher", "salesperson"),
    "GET /slots/offers": ("dispatcher", "salesperson"),
    "POST /slots": ("dispatcher", "salesperson"),
    "POST /orders/<int:order_id>/substitute": ("dispatcher", "salesperson"),
    "POST /orders/<int:order_id>/payment": ("dispatcher", "salesperson"),
    "POST /orders/<int:order_id>/pay": ("dispatcher", "salesperson"),
    "GET /orders/proofs/<int:proof_id>/<int:file_id>": NOT_VIEWERS,
    "GET /p/<token>": LINK,
    "GET /password": EVERYONE,
    "POST /password": EVERYONE,
    "GET /plan": EVERYONE,
    "GET /plan/<int:plan_id>/effect": DESK,
    "GET /plan/<int:plan_id>/left-out/<int:delivery_id>": EVERYONE,
    "POST /plan/<int:plan_id>/lock": DESK,
    "POST /plan/<int:plan_id>/move": DESK,
    "POST /plan/<int:plan_id>/fix": DESK,
    "GET /plan/<int:plan_id>/fixes": DESK,
    "GET /plan/<int:plan_id>/split/<int:delivery_id>": DESK,
    "POST /plan/<int:plan_id>/split/<int:delivery_id>": DESK,
    "GET /plan/<int:plan_id>/why/<int:delivery_id>": DESK,
    "GET /plan/<int:plan_id>/vans/<int:delivery_id>": DESK,
    "GET /plan/<int:plan_id>/late/<int:shift_id>": DESK,
    "POST /plan/<int:plan_id>/late/<int:shift_id>": DESK,
    "GET /plan/<int:plan_id>/out/<int:shift_id>": DESK,
    "POST /plan/<int:plan_id>/out/<int:shift_id>": DESK,
    "GET /plan/<int:plan_id>/out/<int:shift_id>/options": DESK,
    "GET /plan/<int:plan_id>/places/<int:shift_id>": DESK,
    "GET /plan/<int:plan_id>/route/<int:shift_id>": EVERYONE,
    "GET /plan/<int:plan_id>/stop/<int:stop_id>": EVERYONE,
    "POST /plan/<int:plan_id>/take-out": DESK,
    "POST /plan/<int:plan_id>/undo": DESK,
    "POST /plan/<int:plan_id>/unlock": DESK,
    "GET /plan/<int:plan_id>/happened/<kind>/<int:key>": DESK,
    "POST /plan/<int:plan_id>/happened/<kind>/<int:key>": DESK,
    "GET /plan/<int:plan_id>/what-if": DESK,
    "POST /plan/<int:plan_id>/what-if": DESK,
    "POST /plan/<int:plan_id>/what-if/<int:job_id>/stop": DESK,
    "POST /plan/<int:plan_id>/what-if/<int:job_id>/use": DESK,
    "GET /plan/dispatch": DESK,
    "POST /plan/dispatch": DESK,
    "GET /plan/job/<int:job_id>": EVERYONE,
    "POST /plan/job/<int:job_id>/stop": DESK,
    "GET /plan/live": EVERYONE,
    "POST /plan/load": GOODS,
    "GET /plan/names": EVERYONE,
    "POST /plan/route/<int:shift_id>/link": DESK,
    "POST /plan/run": DESK,
    "GET /receipts": EVERYONE,
    "POST /receipts/commit": GOODS,
    "POST /inbound/commit": DESK,
    "POST /receipts/simulate": GOODS,
    "POST /inbound/simulate": DESK,
    "GET /fleet": DESK,
    "POST /fleet/prices": DESK,
    "GET /fleet/<any(vehicles, drivers, shifts):kinds>/<int:key>": DESK,
    "GET /fleet/<any(vehicles, shifts):kinds>/<int:key>/gone": DESK,
    "POST /fleet/<any(vehicles, shifts):kinds>/<int:key>/gone": DESK,
    "GET /fleet/<any(vehicles, drivers, shifts):kinds>/new": DESK,
    "POST /fleet/<any(vehicles, drivers, shifts):kinds>/<int:key>": DESK,
    "POST /fleet/<any(vehicles, drivers, shifts):kinds>/new": DESK,
    "GET /regions": EVERYONE,
    "POST /regions": DESK,
    "GET /regions/<name>": EVERYONE,
    "POST /regions/<name>/speeds": DESK,
    "POST /regions/<name>/speeds/learnt": DESK,
    "POST /regions/<name>/speeds/file": DESK,
    "GET /regions/<name>/speeds.csv": EVERYONE,
    "GET /regions/jobs/<int:job_id>": EVERYONE,
    "POST /regions/jobs/<int:job_id>/stop": DESK,
    "GET /release": EVERYONE,
    "POST /release": DESK,
    "POST /release/along": DESK,
    "GET /release/<int:delivery_id>/back": DESK,
    "POST /release/<int:delivery_id>/back": DESK,
    "GET /replenish": NOT_VIEWERS,
    "POST /replenish/send": DESK,
    "GET /routes/<int:shift_id>/load-sheet.pdf": EVERYONE,
    "GET /routes/<int:shift_id>/slips.pdf": NOT_VIEWERS,
    "GET /search": EVERYONE,
    "GET /set-up/<token>": LINK,
    "POST /set-up/<token>": LINK,
    "GET /policies": DESK,
    "POST /policies/commit": DESK,
    "POST /policies/simulate": DESK,
    "GET /settings": DESK,
    "POST /settings/allocation": ADMIN,
    "POST /settings/basemap": ADMIN,
    "POST /settings/company": ADMIN,
    "POST /settings/outbound": ADMIN,
    "POST /settings/outbound/old": ADMIN,
    "POST /settings/people": ADMIN,
    "POST /settings/people/<int:account_id>/close": ADMIN,
    "POST /settings/people/<int:account_id>/reopen": ADMIN,
    "POST /settings/people/<int:account_id>/sign-out": ADMIN,
    "GET /show": EVERYONE,
    "GET /static/<path:filename>": ANYBODY,
    "GET /stock": EVERYONE,
    "GET /stock/<path:sku>": EVERYONE,
    "GET /t/<token>": LINK,
    "POST /t/<token>/message": LINK,
    "GET /t/<token>/status": LINK,
    "GET /tasks": EVERYONE,
    "POST /tasks/<int:task_id>/delay": ("dispatcher", "salesperson"),
    "POST /tasks/<int:task_id>/done": NOT_VIEWERS,
    "POST /tasks/<int:task_id>/decide": ("dispatcher", "salesperson"),
    "GET /shelves/recount": GOODS,
    "POST /shelves/recount/commit": GOODS,
    "POST /shelves/recount/simulate": GOODS,
    "GET /shelves/returns": GOODS,
    "POST /shelves/returns": GOODS,
    "GET /shelves/short": GOODS,
    "POST /shelves/short/commit": GOODS,
    "GET /warehouse": GOODS,
    "GET /warehouse/trips/<int:shift_id>/<int:trip>": GOODS,
    "GET /warehouse/waves/<int:depot_id>": GOODS,
    "POST /warehouse/load": GOODS,
    "POST /warehouse/pick": GOODS,
    "POST /warehouse/put-back": GOODS,
    "POST /warehouse/scan": GOODS,
    "POST /warehouse/stage": GOODS,
    "POST /warehouse/undo": GOODS,
    "POST /warehouse/unload": GOODS,
}

ONLY_IN_THE_DEMO = {"GET /show", "POST /demo/clock"}
"""Elsewhere they are no page for anybody."""

WITHOUT_FORM_TOKEN = {"POST /d/positions", "POST /d/reports", "POST /api/v1/orders", "PUT /api/v1/orders"}
"""A link's or a program's token in a header says who asks, and no other site can send one: a browser asks before it
sends headers."""

NO_SUCH = 2_000_000_000
MAY_NOT = 403


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


def routes(website: Website) -> list[tuple[str, str, Rule]]:
    """(name, method, rule) of everything that can be asked; HEAD is GET, and OPTIONS runs nothing of ours."""
    found = [
        (f"{method} {rule.rule}", method, rule)
        for rule in website.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]
    return sorted(found, key=lambda each: each[0])


def decided(website: Website) -> list[tuple[str, str, Rule]]:
    return [each for each in routes(website) if each[0] in DECIDED]


def address(rule: Rule, **keys: object) -> str:
    """The rule with its parts filled in: `keys` by name, else an id that nothing has and a token that opens nothing."""

    def fill(part: re.Match[str]) -> str:
        kind, _colon, name = part[1].rpartition(":")
        known = {
            "region": "nowhere",
            "filename": "icon.svg",
            "kind": "p" if kind.startswith("any") else "orders",
            "kinds": "vehicles",
        }
        return str(keys.get(name, known.get(name, NO_SUCH if kind == "int" else "unknown")))

    return re.sub(r"<([^>]+)>", fill, rule.rule)


def ask(client: FlaskClient, method: str, path: str, *, accept: str = "text/html", **values: Any) -> TestResponse:
    with client.open(path, method=method, headers={"Accept": accept}, **values) as answer:
        answer.get_data()
        return answer


def everything_in(website: Website) -> dict[str, list[tuple[Any, ...]]]:
    with website.installation.database.reading() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(table.c.id))]
            for table in metadata.sorted_tables
        }


def test_every_route_was_decided_on(website: Website) -> None:
    undecided = [name for name, _method, _rule in routes(website) if name not in DECIDED]
    assert undecided == [], "Say in DECIDED who may ask for these."


def test_every_role_gets_what_was_decided_and_nothing_else(website: Website) -> None:
    website.app.config["WTF_CSRF_ENABLED"] = False  # what a form token is worth is asked below
    clients = {role: website.signed_in(role=role) for role in ROLES}
    before = everything_in(website)
    wrong = []
    for name, method, rule in decided(website):
        if name in ONLY_IN_THE_DEMO or name == "POST /logout" or {*DECIDED[name]} & {*ANYBODY, *LINK, *TOKEN}:
            continue
        for role, client in clients.items():
            status = ask(client, method, address(rule)).status_code
            may = role in (*DECIDED[name], "admin")
            if (status == MAY_NOT) is may or status >= 500:
                wrong.append((name, role, status))
    assert wrong == []
    assert everything_in(website) == before, "None of these said what to change."


def test_who_is_not_signed_in_is_sent_to_sign_in(website: Website) -> None:
    website.app.config["WTF_CSRF_ENABLED"] = False
    wrong = []
    for name, method, rule in decided(website):
        if name in ONLY_IN_THE_DEMO or {*DECIDED[name]} & {*ANYBODY, *LINK, *TOKEN}:
            continue
        page = ask(website.client(), method, address(rule))
        program = ask(website.client(), method, address(rule), accept="application/json")
        if method == "GET" and not page.headers.get("Location", "").startswith("/login?next="):
            wrong.append((name, "page", page.status_code))
        if method != "GET" and page.status_code != MAY_NOT:
            wrong.append((name, "page", page.status_code))
        if program.status_code not in (302, MAY_NOT):
            wrong.append((name, "program", program.status_code))
    assert wrong == []


def test_an_unknown_link_opens_nothing(website: Website) -> None:
    website.app.config["WTF_CSRF_ENABLED"] = False
    website.a_round()
    admin = website.signed_in(role="admin")
    answers = {
        (name, who): ask(client, method, address(rule)).status_code
        for name, method, rule in decided(website)
        if DECIDED[name] == LINK
        for who, client in (("a stranger", website.client()), ("an administrator", admin))
    }
    assert {key: status for key, status in answers.items() if status != MAY_NOT} == {}


def test_without_a_token_the_api_is_closed_to_everybody(website: Website) -> None:
    admin = website.signed_in(role="admin")
    answers = {
        (name, who): ask(client, method, address(rule)).status_code
        for name, method, rule in decided(website)
        if DECIDED[name] == TOKEN
        for who, client in (("a stranger", website.client()), ("an administrator", admin))
    }
    assert set(answers.values()) == {401}


def test_a_form_from_another_site_changes_nothing(website: Website) -> None:
    admin = website.signed_in(role="admin")
    before = everything_in(website)
    wrong = []
    for name, method, rule in decided(website):
        if method == "GET" or name in WITHOUT_FORM_TOKEN:
            continue
        for how in ({}, {"json": {}}, {"data": {"csrf_token": "guessed"}}, {"data": "x", "content_type": "text/plain"}):
            answer = ask(admin, method, address(rule), accept="application/json", **how)
            if answer.status_code != 400 or answer.json["error"]["code"] != "form_expired":  # type: ignore[index]
                wrong.append((name, how, answer.status_code))
    assert wrong == []
    assert everything_in(website) == before


def test_reading_pages_changes_nothing(planned_website: Website) -> None:
    """Every GET there is, as somebody who may do everything, with ids that exist."""
    client = planned_website.signed_in(role="admin")
    with planned_website.installation.database.reading() as connection:
        ids = {
            name: connection.scalars(select(column).order_by(column)).first()
            for name, column in {
                "plan_id": tables.plan.c.id,
                "shift_id": tables.route.c.shift_id,
                "stop_id": tables.stop.c.id,
                "delivery_id": tables.stop_delivery.c.delivery_id,
                "site_id": tables.stop.c.site_id,
                "order_id": tables.order.c.id,
                "job_id": tables.job.c.id,
            }.items()
        }
    before = everything_in(planned_website)
    seen = {}
    for name, method, rule in routes(planned_website):
        if method == "GET" and not rule.rule.endswith("/options"):  # that one thinks for seconds; test_board.py asks it
            path = f"{address(rule, **ids)}?day={DAY}&q=SO-10&delivery={ids['delivery_id']}&shift={ids['shift_id']}"
            seen[name] = ask(client, "GET", path).status_code
    assert {name: status for name, status in seen.items() if status >= 500} == {}
    assert sum(status == 200 for status in seen.values()) > len(seen) / 2
    assert everything_in(planned_website) == before
