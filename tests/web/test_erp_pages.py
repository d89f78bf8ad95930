"""Where the ERP allocates, every page that gives goods out says so, and refuses to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from data import tables
from tests.desk import a_desk
from tests.rounds import DAY, SIX
from tests.website import Website, a_website, form_token
from web.cli import main

RELEASED = (
    "release,day,depot,order,customer,site,ordered_at,customer_reference,erp_reference,note,collect_at_door,line,sku,"
    f"quantity,line_erp_reference\nREL-1,{DAY},NORTH,E-1,C-1,S-1,,,ERP-1,,,1,COFFEE,6,\n"
)
SAYS = "The ERP decides here what goes out"
REFUSED = "The ERP allocates and releases here"


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        a_desk(made)
        yield made


def run(website: Website, *words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"BACKROUTE_HOME": str(website.installation.home)})


def test_an_administrator_switches_and_the_pages_say_who_decides(website: Website) -> None:
    admin = website.signed_in(role="admin")
    settings = admin.get("/settings")
    token = form_token(settings)
    for path in ("/receipts", "/release", "/policies"):
        assert SAYS not in admin.get(path).text
    said = admin.post("/settings/allocation", data={"csrf_token": token, "allocation": "erp"}, follow_redirects=True)
    assert "The ERP allocates." in said.text
    for path in ("/receipts", "/release", "/policies", "/shelves/recount", "/replenish"):
        assert SAYS in admin.get(path).text
    assert admin.get("/").status_code == 200
    with website.installation.database.writing() as connection:
        connection.execute(tables.supply.update().values(cancelled_at=SIX))
    receipts = admin.get("/receipts").text
    assert "Import inbound" not in receipts
    assert "Import what it released" in receipts
    wrong = admin.post("/settings/allocation", data={"csrf_token": token, "allocation": "both"})
    assert wrong.status_code == 422


def test_what_would_give_goods_out_is_refused_by_that_sentence(website: Website) -> None:
    assert run(website, "company", "--allocation", "erp").exit_code == 0
    client = website.signed_in(role="admin")
    token = form_token(client.get("/settings"))
    taken = client.post(
        "/import",
        data={"csrf_token": token, "kind": "released", "file": (BytesIO(RELEASED.encode()), "released.csv")},
    )
    assert taken.status_code == 302
    for path, form in (
        ("/receipts/simulate", {"count_1": "36"}),
        ("/receipts/simulate", {"count_1": ""}),
        ("/inbound/simulate", {"number": "IN-77", "cancel": "1"}),
        ("/shelves/recount/simulate", {"sku": "OAT", "depot": "1", "counted": "3"}),
        ("/release", {"day": DAY, "all": "1"}),
        ("/release/1/back", {"day": DAY}),
        ("/inbound/simulate", {"number": "IN-1", "cancel": "1"}),
        ("/inbound/commit", {"number": "IN-1", "cancel": "1"}),
        (
            "/policies/simulate",
            {"scope": "company", "name": "min_percent", "value": "50", "from": DAY, "to": "", "whom": ""},
        ),
    ):
        answer = client.post(path, data={"csrf_token": token} | form)
        assert answer.status_code in (409, 422), path
        assert REFUSED in answer.text, path


def test_the_command_switches_takes_what_was_released_once_and_refuses_the_rest(
    website: Website, tmp_path: Path
) -> None:
    file = tmp_path / "released.csv"
    file.write_text(RELEASED.replace(DAY, "2099-05-12"))  # a command's clock is the real one
    assert run(website, "import", "released", str(file)).exit_code == 2
    shown = json.loads(run(website, "company", "--json").stdout)
    assert shown["allocation"] == "own"
    said = run(website, "company", "--allocation", "erp")
    assert "open orders keep what they hold and wait" in said.stdout
    first = json.loads(run(website, "import", "released", str(file), "--json").stdout)
    assert (first["created"], first["errors"]) == (1, [])
    again = json.loads(run(website, "import", "released", str(file), "--json").stdout)
    assert (again["created"], again["unchanged"]) == (0, 1)
    counted = tmp_path / "receipts.csv"
    counted.write_text("number,inbound,depot,sku,quantity\nR-1,IN-2001,NORTH,COFFEE,4\n")
    for words in (
        ("replenish",), ("replenish", "--notices"), ("replenish", "--notices", "--send"),
        ("policy", "set", "min_percent", "50"), ("policy", "set", "min_percent", "50", "--simulate"),
        ("release",), ("release", "--simulate"), ("promises",), ("promises", "--sku", "COFFEE"),
        ("receive", str(counted)), ("receive", str(counted), "--simulate"),
        ("slip", "IN-77", "--cancel"), ("slip", "IN-77", "--cancel", "--simulate"),
        ("recount", "TEA", "4"), ("recount", "TEA", "4", "--simulate"),
    ):  # fmt: skip
        refused = run(website, *words)
        assert (refused.exit_code, REFUSED in refused.output) == (2, True), words
    assert run(website, "company", "--allocation", "own").exit_code == 0
    assert run(website, "promises").exit_code == 0
    header = run(website, "import", "released", "--template").stdout
    assert header.strip() == RELEASED.partition("\n")[0]


def test_where_the_erp_allocates_what_is_not_about_goods_may_still_be_set(website: Website) -> None:
    assert run(website, "company", "--allocation", "erp").exit_code == 0
    client = website.signed_in(role="admin")
    page = client.get("/policies").text
    assert "name=max_attempts" in page
    assert "name=allocation_rule" not in page, "no button: the ERP decides"
    assert 'action="/shelves/recount"' not in client.get("/shelves/recount").text
    form = {"scope": "company", "name": "max_attempts", "value": "5", "from": DAY, "to": "", "whom": ""}
    shown = client.post("/policies/simulate", data={"csrf_token": form_token(client.get("/settings"))} | form)
    assert (shown.status_code, "This is not about goods" in shown.text) == (200, True)
    seen = re.search(r'name="seen" value="([^"]*)"', shown.text)
    assert seen
    kept = client.post("/policies/commit", data={"csrf_token": form_token(shown), "seen": seen[1]} | form)
    assert kept.status_code == 302
    with website.installation.database.reading() as connection:
        assert connection.execute(select(tables.policy.c.name, tables.policy.c.value)).all() == [("max_attempts", 5)]
    said = run(website, "policy", "set", "backorder_list_at", "14:30")
    assert said.exit_code == 0, said.output
    said = run(website, "policy", "set", "positions_days", "30", "--simulate")
    assert said.exit_code == 0, said.output
