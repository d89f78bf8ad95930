"""Messages to suppliers, as the page shows them, a person sends them and the command prints them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from data import tables
from data.store import open_store
from routing.model.notices import Channel
from tests.desk import HOSTILE, Desk, a_desk, add
from tests.website import Website, a_website
from web.cli import main
from web.mailbox import Mailbox
from web.outbox import send_due, set_outbound


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    """IN-1 is two days overdue from a mill that reads Finnish."""
    desk = a_desk(website)
    with website.installation.database.writing() as connection:
        mill = add(
            connection, tables.supplier, number="MILL", name=f"Mill {HOSTILE}", email="mill@example.com", language="fi"
        )
        connection.execute(
            update(tables.supply)
            .where(tables.supply.c.id == desk.inbound)
            .values(supplier_id=mill, expected_at=website.clock.at - timedelta(days=2))
        )
    return desk


def fields(page: TestResponse) -> dict[str, str]:
    """The form of the first message, as a browser would send it."""
    form = re.search(r'<form class="letter".*?</form>', page.text, re.S)
    assert form is not None
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
    subject = re.search(r'name="subject" type="text" value="([^"]*)"', form[0])
    text = re.search(r"<textarea[^>]*>(.*?)</textarea>", form[0], re.S)
    assert subject is not None
    assert text is not None
    return found | {"subject": html.unescape(subject[1]), "text": html.unescape(text[1])}


def notices(website: Website) -> list[str]:
    with website.installation.database.reading() as connection:
        query = select(tables.notice.c.recipient).where(tables.notice.c.kind == "supplier_overdue")
        return list(connection.scalars(query))


@pytest.fixture
def client(website: Website, desk: Desk) -> FlaskClient:
    return website.signed_in()


def test_the_message_is_shown_as_it_would_be_sent_and_goes_as_it_was_left(
    website: Website, client: FlaskClient
) -> None:
    page = client.get("/replenish")
    shown = fields(page)
    assert shown["subject"] == "Example Wholesale: missä on IN-1?"
    assert "- IN-1: 36 pcs OAT Oat drink, luvattu" in shown["text"]
    assert HOSTILE not in page.text
    assert "/receipts?inbound=IN-1#IN-1" in page.text
    assert "Messages are off" in page.text
    assert notices(website) == []
    sent = client.post("/replenish/send", data=shown | {"text": shown["text"] + "Kiitos!"})
    assert sent.status_code == 302
    assert notices(website) == ["mill@example.com"]
    after = client.get("/replenish").text
    assert "asked today" in after
    assert 'name="subject"' not in after
    about = client.get("/messages").text
    assert "What is overdue from a supplier" in about
    assert "Mill &lt;img" in about


def test_it_leaves_only_when_sending_is_on_and_to_the_test_recipient(
    website: Website, client: FlaskClient, tmp_path: Path
) -> None:
    shown = fields(client.get("/replenish"))
    client.post("/replenish/send", data=shown | {"text": "Missä?"})
    with Mailbox(tmp_path / "mailbox") as mailbox:
        mail = {"host": "127.0.0.1", "port": mailbox.port, "sender": "us@example.com", "encryption": "none"}
        with open_store(website.installation.database) as store:
            store.set_setting(name="mail", value=mail, by="test", now=website.clock.at)
        assert send_due(website.installation).total == 0
        with open_store(website.installation.database) as store:
            set_outbound(
                store, mode="test", by="test", now=website.clock.at, test_recipients={Channel.EMAIL: "me@example.com"}
            )
        send_due(website.installation)
        (got,) = [each for each in mailbox.messages() if "IN-1" in str(each["Subject"])]
        assert got["To"] == "me@example.com"
        assert got.get_content().strip() == "Missä?"


def test_what_moved_on_or_says_nothing_is_refused_and_what_was_typed_stays(
    website: Website, client: FlaskClient
) -> None:
    shown = fields(client.get("/replenish"))
    old = client.post("/replenish/send", data=shown | {"mark": "old", "text": "My own words"})
    assert (old.status_code, "My own words" in old.text, "has changed since" in old.text) == (409, True, True)
    empty = client.post("/replenish/send", data=shown | {"text": ""})
    assert (empty.status_code, "needs a subject and a text" in empty.text) == (422, True)
    for wrong in ({"to": "x"}, {"kind": "date_given"}, {"to": "999"}):
        assert 400 <= client.post("/replenish/send", data=shown | wrong).status_code < 500, wrong
    assert notices(website) == []


def test_a_supplier_without_an_address_is_said_with_the_mend(website: Website, client: FlaskClient) -> None:
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.supplier).values(email=""))
    page = client.get("/replenish").text
    assert "has no e-mail address" in page
    assert "/import?kind=sources" in page
    assert "Send to" not in page


def test_only_a_dispatcher_sees_what_to_write(website: Website, desk: Desk) -> None:
    page = website.signed_in(role="warehouse").get("/replenish")
    assert page.status_code == 200
    assert "Write to suppliers" not in page.text


def test_the_command_prints_the_drafts_and_sends_them_only_when_told(
    website: Website, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKROUTE_HOME", str(website.installation.home))

    def states(*words: str) -> list[str]:
        done = CliRunner().invoke(main, ["replenish", "--notices", "--json", *words])
        assert done.exit_code == 0, done.output
        return [each["state"] for each in json.loads(done.output)["notices"]]

    with website.installation.database.writing() as connection:  # the command's clock is the machine's
        connection.execute(
            update(tables.supply)
            .where(tables.supply.c.id == desk.inbound)
            .values(expected_at=website.installation.clock.now() - timedelta(days=400))
        )
    assert states() == ["draft"]
    assert states("--supplier", "nobody") == []
    assert notices(website) == []
    assert states("--send") == ["sent"]
    assert states("--send") == ["written_today"]
    assert notices(website) == ["mill@example.com"]
    assert "written today already" in CliRunner().invoke(main, ["replenish", "--notices"]).output
    for words in (["--send"], ["--notices", "--sku", "OAT"], ["--notices", "--depot", "NORTH"]):
        assert CliRunner().invoke(main, ["replenish", *words]).exit_code == 2, words
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.supplier).values(email=""))
    assert CliRunner().invoke(main, ["replenish", "--notices"]).exit_code == 1
