"""In the evening every unit that went out is somewhere, and a count that cannot be true changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import tables
from data.db import Database
from data.queries.day_figures import day_figures
from data.queries.results import day_results
from data.queries.tracking import proven
from data.store import open_store
from routing.errors import Conflict, InvalidInput
from routing.model.day import UndeliveredUnits
from routing.model.proofs import Outcome
from routing.rules.closing import who_goes_without
from routing.services.closing import close_day, not_attempted
from tests.evening import EVENING, SECRET, Driven
from tests.rounds import DAY, SIX, a_round, row


def test_a_van_that_brought_everything_back_is_empty_and_each_unit_has_its_place(driven: Driven) -> None:
    driven.says(0)
    driven.says(1, Outcome.NOT_HOME)
    driven.says(2, delivered=7, short=2, damaged=1, refused=2)
    result = driven.closes(17)  # 12 nobody took, 1 damaged, 2 refused, and the 2 that had been called short
    assert (result.kept_for_customers, result.returned, result.lost) == (12, 5, 0)
    assert driven.on_van() == {}
    assert driven.goods_at(f"returned:{driven.round.depot_id}") == 4
    assert driven.units(1) == {"released": 12}
    assert [delivery.state for delivery in driven.rows(tables.delivery)] == ["done", "released", "done"]


def test_what_is_short_and_was_not_found_is_lost(driven: Driven) -> None:
    driven.says(0)
    driven.says(1)
    driven.says(2, delivered=9, short=3)
    with driven.database.writing() as connection:
        connection.execute(tables.order_line.update().values(unit_price=250))
        connection.execute(tables.order.update().values(currency="EUR"))
    before = driven.results()[2]
    result = driven.closes(1)
    assert (result.returned, result.lost) == (1, 2)
    assert [(each.quantity, each.worth, each.currency) for each in result.lost_goods] == [(2, 500, "EUR")]
    assert driven.on_van() == {}
    assert driven.goods_at("lost") == 2
    third = driven.results()[2]
    assert (before.sent, third.sent, third.delivered, third.short) == (12, 12, 9, 3)
    assert (third.returned, third.counted_back, third.lost) == (0, 1, 2)


def test_missing_goods_of_a_failed_delivery_are_asked_twice_before_their_customer_goes_without(driven: Driven) -> None:
    driven.says(0)
    driven.says(1, Outcome.NOT_HOME)
    driven.says(2)
    with pytest.raises(
        InvalidInput, match=r"Count again; if they are gone, confirm it: 5 for Café 13 at the corner"
    ) as no:
        driven.closes(7)
    assert no.value.code == "missing_goods"
    assert driven.units(1) == {"loaded": 12}
    result = driven.closes(7, missing_is_sure=True)
    assert (result.kept_for_customers, result.lost) == (7, 5)
    assert driven.on_van() == {}
    # Seven go out again, five wait for goods in the line's old place.
    assert driven.units(1) == {"released": 7, "short": 5}
    assert [line.quantity for line in driven.rows(tables.delivery_line)] == [12, 7, 12]
    (task,) = [task for task in driven.rows(tables.task) if task.kind == "missing_goods"]
    assert task.sentence == result.missing[0]
    assert "5 pcs of Oat milk 1 l of D-1-2 for Café 13 at the corner did not come back" in task.sentence


@pytest.mark.parametrize("counted", [7, 0])
def test_what_was_lost_in_the_van_changes_neither_the_proof_nor_what_was_sent(driven: Driven, counted: int) -> None:
    with driven.database.writing() as connection:
        connection.execute(tables.vehicle.update().values(weight_g=0, pieces=40, volume_cm3=0))
    driven.says(0, Outcome.NOT_HOME)
    for stop in (1, 2):
        driven.says(stop)

    def said() -> tuple[object, object, object]:
        with driven.database.reading() as connection:
            shown = proven(connection, driven.round.stops[0].delivery_id)
            assert shown is not None
            sent = [each.sent for each in day_results(connection, day=DAY)]
            return shown.lines, sent, day_figures(connection, day=DAY).peaks

    before = said()
    driven.closes(counted, missing_is_sure=True)
    assert said() == before
    with driven.database.reading() as connection:
        first = day_results(connection, day=DAY)[0]
    # Of 12 sent so many came back, and the others were found nowhere.
    assert (first.sent, first.returned, first.lost) == (12, counted, 12 - counted)


def test_a_failed_delivery_of_which_nothing_came_back_is_not_planned_again(driven: Driven) -> None:
    for stop in (0, 2):
        driven.says(stop)
    driven.says(1, Outcome.CLOSED)
    driven.closes(0, missing_is_sure=True)
    assert driven.on_van() == {}
    assert [delivery.state for delivery in driven.rows(tables.delivery)] == ["done", "unreleased", "done"]
    assert driven.units(1) == {"short": 12}


@pytest.mark.parametrize(
    ("counted", "words"),
    [(None, "Oat milk 1 l was not counted: 12 pcs"), (13, "went out with no more than 12"), (-1, "Count again")],
)
def test_a_count_that_cannot_be_true_changes_nothing(driven: Driven, counted: int | None, words: str) -> None:
    for stop in (0, 1):
        driven.says(stop)
    driven.says(2, Outcome.NOT_HOME)
    with pytest.raises(InvalidInput, match=words):
        driven.closes(counted)
    assert driven.on_van() == {driven.round.product_id: 12}
    assert [shift.state for shift in driven.rows(tables.shift)] == ["planned"]


def test_goods_that_the_ledger_does_not_expect_are_asked_twice_and_then_wait_to_be_inspected(driven: Driven) -> None:
    with driven.database.writing() as connection:
        other = row(connection, tables.product, number="SKU9", name="Rye bread")
    for stop in (0, 1):
        driven.says(stop)
    driven.says(2, Outcome.NOT_HOME)
    counted = {driven.round.product_id: 14, other: 3}
    with pytest.raises(InvalidInput) as no:
        driven.closes_with(counted)
    assert no.value.code == "found_goods"
    result = driven.closes_with(counted, found_is_sure=True)
    assert (result.kept_for_customers, result.returned, result.found, result.lost) == (12, 5, 5, 0)
    with open_store(driven.database) as store:
        assert store.goods_at(f"returned:{driven.round.depot_id}") == {driven.round.product_id: 2, other: 3}
    assert driven.on_van() == {}


def test_a_van_with_an_open_stop_is_not_counted(driven: Driven) -> None:
    driven.says(0)
    with pytest.raises(Conflict, match="D-1-2, D-1-3 still open"):
        driven.closes(24)


def test_a_van_is_counted_once(driven: Driven) -> None:
    for stop in range(3):
        driven.says(stop)
    driven.closes(None)
    with pytest.raises(Conflict, match="counted already"):
        driven.closes(None)


def test_nobody_went_there_uses_up_no_attempt_and_frees_the_van_to_be_counted(driven: Driven) -> None:
    driven.says(0)
    driven.says(1)
    with open_store(driven.database) as store:
        numbers = not_attempted(
            store=store, manifest_id=driven.round.manifest_id, stop_id=driven.round.stops[2].stop_id, now=EVENING,
            by="user:7", secret=SECRET,
        )  # fmt: skip
    assert numbers == ("D-1-3",)
    (report,) = [
        event for event in driven.rows(tables.event) if event.kind == "stop.reported" and event.actor == "user:7"
    ]
    assert report.data["deliveries"][0]["outcome"] == "not_attempted"
    assert driven.rows(tables.delivery)[2].attempts == 0
    assert driven.closes(12).kept_for_customers == 12
    with open_store(driven.database) as store, pytest.raises(Conflict, match="Nothing is open"):
        not_attempted(
            store=store, manifest_id=driven.round.manifest_id, stop_id=driven.round.stops[2].stop_id, now=EVENING,
            by="user:7", secret=SECRET,
        )  # fmt: skip


def test_cash_must_be_counted_and_a_difference_becomes_a_task(driven: Driven) -> None:
    for stop in range(3):
        driven.says(stop)
    with driven.database.writing() as connection:
        for kind, amount in (("due", 5000), ("collected", 4500)):
            row(
                connection, tables.cash_entry, shift_id=driven.round.shift_id, kind=kind, amount=amount, currency="EUR",
                at=SIX, by="test",
            )  # fmt: skip
    with pytest.raises(InvalidInput, match=r"45\.00 EUR were collected"):
        driven.closes(None)
    assert driven.closes(None, cash={"EUR": 4400}).cash_off == (("EUR", -100),)
    assert [task.kind for task in driven.rows(tables.task)] == ["cash_difference"]


def test_a_day_is_closed_only_when_every_van_was_counted(driven: Driven) -> None:
    with driven.database.writing() as connection:
        a_round(connection, number="2", sequence=4)
        row(
            connection, tables.current_plan, depot_id=driven.round.depot_id, day=DAY, plan_id=driven.round.plan_id,
            state="dispatched",
        )  # fmt: skip
    with open_store(driven.database) as store, pytest.raises(Conflict, match="Van 3 not counted yet"):
        close_day(store=store, day=DAY, depot_id=driven.round.depot_id, now=EVENING, by="user:1")
    for stop in range(3):
        driven.says(stop)
    driven.closes(None)
    with open_store(driven.database) as store:
        assert close_day(store=store, day=DAY, depot_id=driven.round.depot_id, now=EVENING, by="user:1") == 1
    assert [plan.state for plan in driven.rows(tables.current_plan)] == ["closed"]


def test_a_van_that_another_driver_took_over_is_counted_once_with_the_new_shift(driven: Driven) -> None:
    with driven.database.writing() as connection:
        connection.execute(tables.shift.update().values(state="replaced"))
    with open_store(driven.database) as store:
        assert store.vans_of_day(day=DAY, depot_id=driven.round.depot_id) == ()


# ---------------------------------------------------------------------------- the rule and the property


def _units(key: int, quantity: int, tier: int, days_ago: int) -> UndeliveredUnits:
    return UndeliveredUnits(
        delivery_id=key, number=f"D-{key}", site="Café", allocation_id=key, product_id=1, quantity=quantity, tier=tier,
        ordered_at=SIX - timedelta(days=days_ago),
    )  # fmt: skip


def test_the_lowest_tier_goes_without_first_and_then_who_ordered_last() -> None:
    high, early, late = _units(1, 5, 2, 1), _units(2, 5, 1, 9), _units(3, 5, 1, 2)
    assert who_goes_without([high, early, late], missing=7) == ((late, 5), (early, 2))
    assert who_goes_without([high], missing=0) == ()


@given(outcomes=st.tuples(*[st.sampled_from(["delivered", "not_home", "part"])] * 3), share=st.floats(0, 1))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_closing_the_ledger_has_nothing_on_the_van_whatever_happened(
    sqlite_template: object, tmp_path_factory: pytest.TempPathFactory, outcomes: tuple[str, ...], share: float
) -> None:
    path = tmp_path_factory.mktemp("closing") / "backroute.db"
    path.write_bytes(sqlite_template.read_bytes())  # type: ignore[attr-defined]
    database = Database(f"sqlite:///{path}")
    with database.writing() as connection:
        driven = Driven(database, a_round(connection, stops=3, loaded=12))
    for stop, outcome in enumerate(outcomes):
        if outcome == "part":
            driven.says(stop, delivered=6, short=4, refused=1, damaged=1)
        else:
            driven.says(stop, Outcome(outcome))
    should_be = driven.on_van().get(driven.round.product_id, 0)
    counted = round(should_be * share)
    driven.closes(counted if should_be else None, missing_is_sure=True)
    assert driven.on_van() == {}
    places = ["delivered", "lost", *(f"{kind}:{driven.round.depot_id}" for kind in ("returned", "quarantine"))]
    back = driven.goods_at(f"depot:{driven.round.depot_id}") + 36  # the builder's depot starts at minus what it loaded
    assert sum(driven.goods_at(place) for place in places) + back == 36
    database.close()
