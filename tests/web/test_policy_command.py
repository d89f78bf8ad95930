"""`backroute policy`: the page's rules and words on the command line; shown first and changing nothing."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from data import tables
from routing.rules.policies import KINDS
from tests.web.test_supply_commands import call, company, day, document
from web.cli import main
from web.wiring import open_installation

__all__ = ["company"]

pytestmark = pytest.mark.usefixtures("company")


def listed(*words: str) -> list[dict[str, object]]:
    found = document("policy", "list", *words)["policies"]
    assert isinstance(found, list)
    return found


def test_an_order_that_must_ship_complete_is_shown_first_then_kept_and_listed() -> None:
    words = ("policy", "set", "completeness", "complete", "--order", "SO-2")
    shown = document(*words, "--simulate")
    assert shown["simulated"] is True
    assert listed() == []
    kept = document(*words)
    assert kept["lines"] == shown["lines"], "what was shown is what was done"
    [row] = listed()
    assert (row["scope"], row["for"], row["value"], row["means"]) == ("order", "SO-2", "complete", "ships complete")
    assert (row["from"], row["to"], row["holds"]) == (day(0), "", True)
    table = call("policy", "list").output
    assert "SO-2" in table
    assert "ships complete" in table
    assert listed("--order", "SO-1") == []


def test_a_policy_ends_today_and_is_then_of_the_past() -> None:
    document("policy", "set", "max-wait-days", "9", "--customer", "C-1")
    [row] = listed("--customer", "C-1")
    assert document("policy", "end", str(row["id"]), "--simulate")["simulated"] is True
    assert len(listed()) == 1
    document("policy", "end", str(row["id"]))
    assert [each["holds"] for each in listed()] == []
    assert [each["holds"] for each in listed("--past")] == [False]
    assert call("policy", "end", "999").exit_code == 2


def test_a_policy_of_a_later_day_waits_for_it() -> None:
    words = ("policy", "set", "completeness", "complete", "--from", day(3), "--to", day(9))
    assert f"(from {day(3)})" in " ".join(call(*words, "--simulate").output.split())
    assert f"(holds from {day(3)})" in " ".join(call(*words).output.split())
    [row] = listed()
    assert (row["scope"], row["from"], row["to"], row["holds"]) == ("company", day(3), day(9), False)
    assert "to come" in call("policy", "list").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["completness", "complete"], 'no policy "completness"'),
        (["completeness", "halves"], "is none of"),
        (["max_wait_days", "-1"], "whole number"),
        (["min_value", "1.234"], '"1.234" is no amount from 0 to 21474836 EUR. Write it like 12.50.'),
        (["min_value", "999999999999"], '"999999999999" is no amount from 0 to 21474836 EUR'),
        (["min_value", "many"], '"many" is no amount'),
        (["allocation_rule", "fair_share", "--order", "SO-1"], "a single order: set it for everybody"),
        (["completeness", "complete", "--order", "SO-9"], 'no order "SO-9"'),
        (["completeness", "complete", "--customer", ""], "Choose a customer"),
        (["completeness", "complete", "--customer", "C-1", "--order", "SO-1"], "not both"),
        (["completeness", "complete", "--from", "2020-01-01"], "that day is over"),
        (["completeness", "complete", "--from", "soon"], "soon"),
    ],
)
def test_what_cannot_be_a_policy_is_refused_in_one_sentence(words: list[str], said: str) -> None:
    # Without "--": a number below 0 must not be taken for an option.
    words = ["policy", "set", *words] if "-1" not in words else ["policy", "set", "--", *words]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert listed() == []


def test_every_policy_is_named_with_its_values_in_plain_words() -> None:
    found = document("policy", "kinds")["policies"]
    assert isinstance(found, list)
    assert {each["name"] for each in found} == set(KINDS)
    assert all(each["decides"] and each["means"] for each in found)
    told = call("policy", "kinds", "completeness").output
    assert "Where the ERP allocates it decides this" in told
    assert "Where the ERP allocates" not in call("policy", "kinds", "max_attempts").output
    (only,) = re.findall(r"only these can be set: ([^.]*)\.", call("policy", "kinds").output)
    assert "max_attempts" in only
    assert "completeness" not in only
    assert "complete: ships complete" in told
    assert "Usual: may ship in parts" in told
    assert json.loads(call("policy", "kinds", "completeness", "--json").stdout)["policies"][0]["values"]


def test_what_moves_anyway_stands_apart_from_what_the_policy_moves() -> None:
    """The day of SO-1 is over: its goods lie there, and it goes tomorrow by any policy."""
    with open_installation() as here, here.database.writing() as connection:
        theirs = tables.order_line.c.order_id == 1
        connection.execute(update(tables.order_line).where(theirs).values(expected_on=day(-2)))
    for words in (("--simulate",), ()):
        found = document("policy", "set", "max_wait_days", "90", *words)
        assert found["lines"] == []
        (line,) = found["anyway"]  # type: ignore[misc]
        assert (line["order"], line["old_day"]) == ("SO-1", day(-2))
        assert line["new_day"] >= day(0)
    with open_installation() as here, here.database.writing() as connection:
        connection.execute(update(tables.order_line).where(theirs).values(expected_on=day(-2)))
    told = call("policy", "set", "max_wait_days", "80", "--simulate").output
    assert "0 lines change" in told
    assert "Moves anyway, not through this:" in told


def test_who_is_promised_an_earlier_day_by_a_policy_is_shown_first() -> None:
    """SO-1 was promised the truck's day and lies there since it was counted in, SO-2 a late one: no goods and no date
    move, and both hear of an earlier day."""
    with open_installation() as here, here.database.writing() as connection:
        connection.execute(update(tables.promise).where(tables.promise.c.order_line_id == 2).values(promised_on=day(9)))
    # The command's clock is the real one: goods of today can go today at any hour at which this runs.
    document("policy", "set", "same_day_until", "23:59")
    for words in (("--simulate",), ()):
        found = document("policy", "set", "promise_earlier_days", "2", *words)
        lines: list[dict[str, object]] = found["lines"]  # type: ignore[assignment]
        days = [(line["order"], line["promised_on"], line["new_day"]) for line in lines]
        assert days == [("SO-1", day(3), day(0)), ("SO-2", day(9), day(3))]
        assert {(line["earlier"], line["slips"]) for line in lines} == {(True, False)}
    assert {line["promised_on"] for line in document("promises")["lines"]} == {day(0), day(3)}  # type: ignore[attr-defined]
