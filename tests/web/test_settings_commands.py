"""What an operator sets once: who the company is, and through which server it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from web.cli import main
from web.mailbox import Mailbox


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("BACKROUTE_DATABASE_URL", raising=False)

    def call(*words: str) -> Result:
        return CliRunner().invoke(main, list(words))

    return call


def test_a_company_is_set_in_parts_and_shown(run) -> None:
    assert run("company", "--name", "Wholesaler 1", "--currency", "sek").exit_code == 0
    shown = run("company", "--zone", "Europe/Stockholm", "--json")
    assert json.loads(shown.stdout) == {
        "name": "Wholesaler 1", "currency": "SEK", "locale": "en", "zone": "Europe/Stockholm", "country": "",
        "phone": "", "email": "", "allocation": "own", "subdivision": "", "balance_price": "", "area_price": "",
        "runs": "free", "off_run_price": "", "change_price": "10.00",
    }  # fmt: skip


def test_the_prices_of_every_plan_are_set_one_by_one_and_shown(run) -> None:
    assert run("company", "--currency", "EUR", "--balance-price", "0.50").exit_code == 0
    shown = json.loads(run("company", "--area-price", "0,20", "--json").stdout)
    assert (shown["balance_price"], shown["area_price"]) == ("0.50", "0.20")
    assert json.loads(run("company", "--balance-price", "0", "--json").stdout)["balance_price"] == ""


def test_a_change_against_what_was_dispatched_has_its_usual_price_ones_own_or_none(run) -> None:
    def stands(*words: str) -> str:
        price: str = json.loads(run("company", *words, "--json").stdout)["change_price"]
        return price

    assert stands("--currency", "EUR", "--balance-price", "1") == "10.00"
    assert stands("--change-price", "2.50") == "2.50"
    assert stands("--change-price", "0") == ""
    assert stands("--balance-price", "2") == ""


def test_how_standing_runs_bind_is_set_with_its_usual_price_or_ones_own(run) -> None:
    def stands(*words: str) -> tuple[str, str]:
        shown = json.loads(run("company", *words, "--json").stdout)
        return shown["runs"], shown["off_run_price"]

    run("company", "--currency", "EUR")
    assert stands("--runs", "zones") == ("zones", "20.00")
    assert stands("--balance-price", "1") == ("zones", "20.00")
    assert stands("--runs", "sequence") == ("sequence", "500.00")
    assert stands("--off-run-price", "35") == ("sequence", "35.00")
    assert stands("--runs", "zones", "--off-run-price", "35") == ("zones", "35.00")
    assert stands("--runs", "free") == ("free", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--zone", "Mars/Olympus"), "no time zone"),
        (("--zone", "../etc/passwd"), "no time zone"),
        (("--currency", "euro"), "no currency"),
        (("--country", "Finland"), "no country"),
        (("--name", " "), "needs a name"),
        (("--balance-price", "much"), "is no price"),
    ],
)
def test_a_wrong_fact_of_the_company_is_refused_and_changes_nothing(run, words: tuple[str, str], said: str) -> None:
    before = run("company", "--json").stdout
    refused = run("company", *words)
    assert (refused.exit_code, said in refused.stderr) == (2, True)
    assert run("company", "--json").stdout == before


def test_a_test_message_reaches_the_server_that_was_named(run, tmp_path: Path) -> None:
    with Mailbox(tmp_path / "mail") as mailbox:
        named = run(
            "mail", "--host", "127.0.0.1", "--port", str(mailbox.port), "--sender", "office@wholesaler.example",
            "--encryption", "none", "--test", "operator@wholesaler.example",
        )  # fmt: skip
        assert named.exit_code == 0, named.stderr
        (message,) = mailbox.messages()
    assert message["To"] == "operator@wholesaler.example"
    gone = run("mail", "--test", "operator@wholesaler.example")
    assert gone.exit_code == 3


def test_a_mail_server_without_its_sender_is_refused(run) -> None:
    refused = run("mail", "--host", "127.0.0.1")
    assert (refused.exit_code, "--sender" in refused.stderr) == (2, True)
    assert run("mail", "--sender", "not an address").exit_code == 2
    assert run("mail", "--test", "a@b.example").exit_code == 3
