"""Every closed list has words for all that is on it: whoever adds to the list is told where words are missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from routing.model.orders import AllocationRule
from routing.model.places import PinQuality
from routing.model.plans import Reason
from routing.model.proofs import HANDED_OVER, Outcome
from routing.model.tasks import TaskKind
from routing.rules.door import REASONS, why_in
from routing.rules.figures.otif import CUSTOMER_CAUSED
from routing.rules.policies import KINDS, PolicyKind, Shape, usual
from routing.rules.reasons import OF_THE_ROAD
from routing.rules.release import NotReleased
from routing.rules.standing import GROUPS
from routing.services.promising import PromisedLine
from web.cli.release import SHORT
from web.dispatcher.policy_words import kind_words, value_words
from web.dispatcher.words import (
    MAY_FIT_BY_WAY,
    every_outcome_words,
    left_out_reason,
    quality_words,
    rank_words,
    rule_words,
    staying_reason,
    task_kind_words,
    task_words,
)
from web.driver.words import outcome_words

WAITS = PromisedLine(
    order="SO-1", customer="Café 1", sku="OAT", line_id=1, open=12, covered_by=(), expected_on="", promised_on="",
    slips=False, broken=False, order_id=1, tier=1, ordered_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
    not_before="", ranks_by="", on_hold=False, ships="partial", keeps="normal", answer_by="",
)  # fmt: skip


def test_a_driver_can_say_every_way_in_which_an_attempt_ends() -> None:
    assert set(outcome_words()) == set(Outcome)


@pytest.mark.parametrize("language", ["en", "fi", "sv"])
def test_a_customer_is_told_why_whatever_kept_the_goods_from_being_handed_over(language: str) -> None:
    assert [outcome for outcome in Outcome if outcome not in HANDED_OVER and not why_in(language, outcome)] == []


def test_a_policy_says_what_follows_whatever_leaves_the_goods_on_the_van() -> None:
    settled_at_the_door = {Outcome.REFUSED, Outcome.DAMAGED, Outcome.MISSING}
    assert set(REASONS) == set(Outcome) - HANDED_OVER - settled_at_the_door


def test_a_dispatcher_reads_words_for_every_way_in_which_an_attempt_ends() -> None:
    assert set(every_outcome_words()) == set(Outcome)


def test_every_failure_is_the_customers_or_ours() -> None:
    """Whoever adds an outcome says here whose it is: figures set the customer's own misses apart."""
    ours = {
        Outcome.ADDRESS_NOT_FOUND, Outcome.NO_PARKING, Outcome.WRONG_GOODS, Outcome.DAMAGED, Outcome.MISSING,
        Outcome.NO_PAPERWORK, Outcome.BREAKDOWN, Outcome.NOT_ATTEMPTED,
    }  # fmt: skip
    assert not CUSTOMER_CAUSED & ours
    assert CUSTOMER_CAUSED | ours == set(Outcome) - HANDED_OVER


def test_every_reason_to_stay_has_words() -> None:
    assert [reason for reason in NotReleased if staying_reason(reason) == reason.replace("_", " ")] == []


def test_every_reason_to_stay_is_counted_by_the_command_and_in_one_group_of_the_pages() -> None:
    assert set(SHORT) == set(NotReleased)
    grouped = [reason for _, reasons in GROUPS for reason in reasons]
    assert sorted(grouped) == sorted(NotReleased)


def sample(kind: PolicyKind) -> Any:
    """A value of the policy that is not what holds where nothing is set."""
    if kind.shape is Shape.CHOICE:
        return next(choice for choice in kind.choices if choice != usual(kind.name))
    if kind.shape is Shape.TIME:
        return "14:35"
    assert kind.least is not None
    assert kind.most is not None
    return 1250 if kind.shape is Shape.MONEY else min(kind.most, max(kind.least, 7))


@pytest.mark.parametrize("name", KINDS)
def test_every_policy_has_a_name_an_explanation_and_its_values_in_words(name: str) -> None:
    kind = KINDS[name]
    title, explained = kind_words()[name]
    assert title
    assert explained
    assert title != name
    value = kind.read(str(sample(kind)))
    said = value_words(name, value, "EUR")
    match kind.shape:
        case Shape.TIME:
            assert said == "14:35"
        case Shape.MONEY:
            assert "12.50" in said
            assert "1250" not in said
        case Shape.CHOICE:
            words = [value_words(name, choice) for choice in kind.choices]
            assert len(set(words)) == len(words)
            assert not set(words) & {*kind.choices} - {"never", "allowed"}
        case _:
            assert str(value) in said
            assert said != str(value), "a bare number says no unit"


def test_the_page_lists_every_policy_once() -> None:
    assert set(kind_words()) == set(KINDS)


def test_every_kind_of_task_has_words_of_its_own_and_somebody_it_goes_to() -> None:
    words = task_kind_words()
    assert set(words) == set(TaskKind)
    assert len(set(words.values())) == len(words), "two kinds with the same words cannot be told apart"
    assert [task_words(kind) for kind in TaskKind] == [words[kind] for kind in TaskKind]
    assert {kind.goes_to for kind in TaskKind} == {"dispatcher", "warehouse", "salesperson", "admin"}


def test_every_rule_of_allocation_has_a_name_and_an_explanation() -> None:
    assert all(rank_words(rule, WAITS, "UTC") for rule in AllocationRule), "say why a line stands where it does by it"
    assert set(rule_words()) == set(AllocationRule), "name and explain it in rule_words, web/dispatcher/words.py"


def test_every_reason_to_be_left_out_has_words() -> None:
    assert [reason for reason in Reason if left_out_reason(reason) == reason] == []


def test_what_is_not_proven_is_said_of_a_trip_of_its_own_only() -> None:
    """By way of other doors it may fit: then "does not fit into any shift" is more than anybody knows."""
    assert left_out_reason("shift_too_short") == "does not fit into any shift"
    assert left_out_reason("shift_too_short", proven=False) == "a trip of its own takes longer than any shift"
    assert left_out_reason("competed_out", proven=False) == left_out_reason("competed_out")
    assert frozenset(OF_THE_ROAD) == MAY_FIT_BY_WAY
    assert [reason for reason in OF_THE_ROAD if left_out_reason(reason, proven=False) == left_out_reason(reason)] == []


def test_of_several_reasons_none_is_said_of_every_van() -> None:
    assert left_out_reason("capacity") == "too big for any van"
    assert left_out_reason("capacity", alone=False) == "too big for some vans"


def test_every_quality_of_a_pin_has_words_of_its_own() -> None:
    said = [quality_words(quality) for quality in PinQuality]
    assert [quality for quality, words in zip(PinQuality, said, strict=True) if words == quality] == []
    assert len(set(said)) == len(said)
