"""The page and the command of a period's figures, on a round that was driven: one number by one name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from routing.model.proofs import Outcome
from routing.rules.figures.words import HOURS, WORDS
from tests.evening import Driven
from tests.rounds import DAY
from tests.website import Website, a_website
from web.cli import main

BROWSER = {"Accept": "text/html"}


@pytest.fixture
def website(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Website]:
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    with a_website(tmp_path / "home") as site:
        yield site


@pytest.fixture
def driven(website: Website) -> Driven:
    made = Driven(website.installation.database, website.a_round(told=("08:00", "08:30")), website.installation.secret)
    made.says(0, arrived=2, minutes=9)  # on time, in full
    made.says(1, arrived=5, minutes=15, delivered=10, short=2)  # on time, two short
    made.says(2, Outcome.NOT_HOME, arrived=0, minutes=3)  # ten minutes late
    return made


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


def row_of(html: str, key: str) -> str:
    found = re.search(rf'<tr id="figure-{key}">.*?</tr>', html, re.DOTALL)
    assert found is not None
    return re.sub(r"<[^>]+>|\s+", " ", found[0])


def test_a_large_companys_period_before_is_counted_when_it_is_asked_for(
    website: Website, driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.dispatcher.figures.AT_ONCE", 0)
    page = website.signed_in()
    alone = page.get(f"/figures?from={DAY}&to={DAY}", headers=BROWSER).text
    assert "beside=yes" in alone
    assert 'data-label="Before"' not in alone
    beside = page.get(f"/figures?from={DAY}&to={DAY}&beside=yes", headers=BROWSER).text
    assert 'data-label="Before"' in beside


def test_the_page_the_day_and_the_period_say_one_number_by_one_name(website: Website, driven: Driven) -> None:
    page = website.signed_in().get(f"/figures?from={DAY}&to={DAY}", headers=BROWSER)
    assert page.status_code == 200
    of_day = json.loads(run("figures", "--day", DAY, "--json").output)["figures"]
    period = json.loads(run("figures", "--from", DAY, "--to", DAY, "--json").output)
    for key in ("otif", "in_full", "on_time", "first_attempt"):
        mine = period["figures"][key]
        assert (mine["name"], mine["definition"]) == (of_day[key]["name"], of_day[key]["definition"])
        assert (mine["numerator"], mine["denominator"]) == (of_day[key]["numerator"], of_day[key]["denominator"])
        assert f"{mine['numerator']} of {mine['denominator']}" in row_of(page.text, key)
    # Arrivals 2, 5 and 0 minutes after the planned ones.
    assert period["eta_minutes"]["n"] == 3
    assert period["eta_minutes"]["mean_absolute"] == pytest.approx(7 / 3)
    assert period["eta_minutes"]["p90_absolute"] == 5
    assert period["deliveries"] == {"on_the_lists": 3, "untold": 0, "customer_caused": 1}


def test_every_figure_is_shown_with_its_definition(website: Website, driven: Driven) -> None:
    html = website.signed_in().get(f"/figures?from={DAY}&to={DAY}", headers=BROWSER).text
    for key, (_name, definition) in (*WORDS.items(), *HOURS.items()):
        assert re.sub(r"\s+", " ", definition).split(";")[0] in row_of(html, key).replace("&#39;", "'")
    shown = run("figures", "--from", DAY, "--to", DAY)
    assert shown.exit_code == 0
    assert "On time" in shown.output


@pytest.mark.parametrize("role", ["dispatcher", "warehouse", "salesperson", "viewer", "admin"])
def test_everybody_who_is_signed_in_sees_the_figures_and_no_money(website: Website, driven: Driven, role: str) -> None:
    page = website.signed_in(role=role).get("/figures", headers=BROWSER)
    assert page.status_code == 200
    assert "EUR" not in page.text


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("from=2026-05-12&to=2026-05-11", "Swap the two days"),
        ("from=never", "is no day"),
        ("from=2000-01-01&to=2199-01-01", "longer than three years"),
        ("period=fortnight", "is no period"),
        ("period=7&customer=%3Cscript%3E", "There is no customer"),
        ("period=7&depot=nowhere", "There is no depot"),
    ],
)
def test_what_cannot_be_read_is_said_above_the_last_thirty_days(
    website: Website, driven: Driven, asked: str, says: str
) -> None:
    page = website.signed_in().get(f"/figures?{asked}", headers=BROWSER)
    assert page.status_code == 422
    assert says in page.text
    assert "<script>" not in page.text.replace("<script src", "")
    assert 'aria-current="true" href="/figures?period=30"' in page.text


@pytest.mark.parametrize("period", ["today", "yesterday", "week", "7", "30", "month"])
def test_each_named_period_opens(website: Website, driven: Driven, period: str) -> None:
    assert website.signed_in().get(f"/figures?period={period}", headers=BROWSER).status_code == 200


def test_on_time_of_deliveries_without_a_told_window_says_that_nobody_was_told(website: Website) -> None:
    driven = Driven(website.installation.database, website.a_round(), website.installation.secret)
    page = website.signed_in()
    before = page.get(f"/figures?from={DAY}&to={DAY}", headers=BROWSER).text
    for key in ("otif", "on_time", "in_full", "first_attempt"):
        assert "nothing was reported from a door yet" in row_of(before, key)
    driven.says(0, arrived=2, minutes=9)
    driven.says(1, arrived=5, minutes=15, delivered=10, short=2)
    after = page.get(f"/figures?from={DAY}&to={DAY}", headers=BROWSER).text
    shown = " ".join(run("figures", "--from", DAY, "--to", DAY).output.split())
    of_period = json.loads(run("figures", "--from", DAY, "--to", DAY, "--json").output)["figures"]
    of_day = " ".join(run("figures", "--day", DAY).output.split())
    evening = " ".join(page.get(f"/evening?day={DAY}", headers=BROWSER).text.split())
    for key in ("otif", "on_time"):
        assert "none of 3 deliveries was told a window" in row_of(after, key)
        assert "none of 3 deliveries was told a window" in of_period[key]["unknown"]
    assert "1 of 3" in row_of(after, "in_full")
    assert shown.count("none of 3 deliveries was told a window") == 2
    assert of_day.count("none of 3 deliveries was told a window") == 2
    assert evening.count("none of 3 deliveries was told a window") == 2
    chart = re.search(r'id="chart-otif">.*?</section>', after, re.DOTALL)
    assert chart is not None
    assert "none of 3 deliveries was told a window" in chart[0]
    assert 'href="/messages' in chart[0]


def test_an_installation_without_any_order_says_that_nothing_is_known(website: Website) -> None:
    page = website.signed_in().get("/figures", headers=BROWSER)
    assert page.status_code == 200
    assert "not known yet: no order came in" in page.text


def test_the_command_refuses_what_belongs_to_no_period(website: Website) -> None:
    assert run("figures", "--to", DAY).exit_code == 2
    assert run("figures", "--day", DAY, "--from", DAY).exit_code == 2
    assert run("figures", "--from", "yesterday").exit_code == 2
