"""A wrong report from a door is put right: its goods, order, messages and results follow, and nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from data import tables
from data.db import Database
from data.health import check_rows
from data.queries.results import day_results
from data.store import open_store
from data.store.again import tried
from routing.errors import Conflict, InvalidInput
from routing.model.corrections import Corrected
from routing.model.proofs import DeliveryReport, DoorLine, Outcome
from routing.services.collecting import collect_goods
from routing.services.correcting import correct_report
from routing.services.deciding import Decision, decide_door
from tests.evening import EVENING, SECRET, Driven
from tests.rounds import DAY, SIX, row

NAMES = ("delivered", "short", "damaged", "refused")


def corrects(
    driven: Driven, stop: int, outcome: Outcome = Outcome.DELIVERED, *, seen: int | None = None, keep: bool = True,
    why: str = "pressed the wrong button", **counts: int,
) -> Corrected:  # fmt: skip
    at = driven.round.stops[stop]
    lines = (DoorLine(allocation_id=at.allocation_id, **counts),) if counts else ()

    def work(store: Any) -> Corrected:
        return correct_report(
            store=store,
            report=DeliveryReport(delivery_id=at.delivery_id, outcome=outcome, lines=lines),
            why=why,
            now=EVENING,
            by="user:1",
            secret=SECRET,
            seen=seen,
        )

    if not keep:
        return tried(driven.database, work)
    with open_store(driven.database) as store:
        return work(store)


def ledger(driven: Driven) -> dict[str, int]:
    """Units by place, as the movements say."""
    places = {each for move in driven.rows(tables.movement) for each in (move.from_place, move.to_place)}
    return {place: units for place in sorted(places) if (units := driven.goods_at(place))}


def snapshot(database: Database) -> dict[str, list[Any]]:
    with database.reading() as connection:
        return {
            table.name: list(connection.execute(table.select().order_by(table.c.id)))
            for table in tables.metadata.sorted_tables
            if "id" in table.c
        }


def messages(driven: Driven, kind: str) -> list[Any]:
    return [each for each in driven.rows(tables.notice) if each.kind == kind]


def test_not_home_that_was_delivered_is_delivered_everywhere(driven: Driven) -> None:
    driven.says(0, Outcome.NOT_HOME)
    before = {each.order_line_id: each for each in driven.rows(tables.promise)}
    assert driven.units(0) == {"loaded": 12}
    said = corrects(driven, 0)
    assert (said.before, said.after, said.lines[0].handed_over) == (Outcome.NOT_HOME, Outcome.DELIVERED, 12)
    assert driven.units(0) == {"delivered": 12}
    assert ledger(driven)["delivered"] == 12
    first = driven.rows(tables.delivery)[0]
    assert (first.state, first.attempts, first.waits_for, first.for_day) == ("done", 1, "", DAY)
    (proof,) = driven.rows(tables.proof)
    assert (proof.outcome, proof.recipient) == ("delivered", "Goods-in 1")
    (kept,) = driven.rows(tables.corrected_report)
    assert (kept.outcome_before, kept.counts_before, kept.why, kept.by) == (
        "not_home", {}, "pressed the wrong button", "user:1",
    )  # fmt: skip
    # What the failed try had promised instead is taken back: the day is the one from before.
    after = {each.order_line_id: each for each in driven.rows(tables.promise)}
    line = driven.round.stops[0].order_line_id
    assert before[line].promised_on != DAY
    assert (after[line].promised_on, after[line].window_from) == (DAY, "08:00")
    driven.says(1)
    driven.says(2)
    assert driven.closes(None).lost == 0
    assert driven.on_van() == {}


def test_the_message_of_the_wrong_report_is_withheld_and_the_right_one_goes_out(driven: Driven) -> None:
    driven.says(0, Outcome.NOT_HOME)
    said = corrects(driven, 0)
    assert {each.status for each in messages(driven, "failed")} == {"withheld"}
    assert {each.problem for each in messages(driven, "failed")} == {"The report from this door was corrected."}
    told = messages(driven, "delivered")
    assert [each.status for each in told] == ["waiting"] * said.written
    assert said.written > 0
    assert not any(each.data["corrected"] for each in told), "nobody had read anything else"


def test_who_has_read_the_wrong_message_reads_that_it_was_wrong(driven: Driven) -> None:
    driven.says(0, Outcome.NOT_HOME)
    with driven.database.writing() as connection:
        connection.execute(
            tables.notice.update().where(tables.notice.c.kind == "failed").values(status="sent", sent_at=SIX)
        )
    said = corrects(driven, 0)
    assert (said.told, said.withheld) == (True, 0)
    assert {each.status for each in messages(driven, "failed")} == {"sent"}
    assert all(each.data["corrected"] for each in messages(driven, "delivered"))


def test_whoever_was_told_delivered_reads_that_it_was_not(driven: Driven) -> None:
    driven.says(0)
    read = {each.recipient for each in messages(driven, "delivered")}
    with driven.database.writing() as connection:
        connection.execute(
            tables.notice.update().where(tables.notice.c.kind == "delivered").values(status="sent", sent_at=SIX)
        )
    corrects(driven, 0, Outcome.NOT_HOME)
    assert {each.recipient for each in messages(driven, "failed")} == read


def test_ten_instead_of_eight_takes_the_two_back_from_the_queue(driven: Driven) -> None:
    """Two short ones had been given goods from the shelf; now they were handed over after all."""
    with driven.database.writing() as connection:
        made = driven.round
        connection.execute(tables.supply.update().where(tables.supply.c.id == made.supply_id).values(quantity=36 + 2))
        row(
            connection, tables.movement, at=SIX, product_id=made.product_id, quantity=2, from_place="supplier",
            to_place=f"depot:{made.depot_id}", why="received", by="test", supply_id=made.supply_id,
        )  # fmt: skip
    driven.says(0, delivered=10, short=2)
    line = driven.round.stops[0].order_line_id
    held = [each for each in driven.rows(tables.allocation) if each.order_line_id == line]
    assert sum(each.allocated for each in held) == 2
    said = corrects(driven, 0, delivered=12)
    assert (said.lines[0].handed_over, said.lines[0].waits) == (2, -2)
    held = [each for each in driven.rows(tables.allocation) if each.order_line_id == line]
    assert (sum(each.delivered for each in held), sum(each.allocated for each in held)) == (12, 0)


def test_what_waited_and_is_on_its_way_again_stops_the_correction_and_says_where_it_is(driven: Driven) -> None:
    driven.says(0, delivered=10, short=2)
    made = driven.round
    with driven.database.writing() as connection:
        supply_id = row(
            connection, tables.supply, kind="receipt", number="R9", depot_id=made.depot_id, product_id=made.product_id,
            quantity=2, counted_at=SIX,
        )  # fmt: skip
        allocation_id = row(
            connection, tables.allocation, supply_id=supply_id, order_line_id=made.stops[0].order_line_id, quantity=2,
            allocated=0, released=2, at=SIX,
        )  # fmt: skip
        (first, *_) = connection.execute(tables.delivery.select()).mappings().all()
        again = {key: value for key, value in first.items() if key != "id"}
        delivery_id = row(connection, tables.delivery, **again | {"number": "D-9", "state": "released", "attempts": 0})
        row(connection, tables.delivery_line, delivery_id=delivery_id, allocation_id=allocation_id, quantity=2)
    before = snapshot(driven.database)
    with pytest.raises(
        Conflict, match=r"2 of Oat milk 1 l of .* is on its way again with D-9: take that back first"
    ) as no:
        corrects(driven, 0, delivered=12)
    assert no.value.code == "on_its_way_again"
    assert snapshot(driven.database) == before


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"delivered": 10, "short": 2}, {"delivered": 8, "refused": 4}),
        ({"delivered": 12}, {"delivered": 7, "damaged": 3, "short": 2}),
        ({"delivered": 8, "damaged": 4}, {"delivered": 8, "short": 4}),
        ({"delivered": 8, "collected": 3}, {"delivered": 8, "short": 4, "collected": 1}),
    ],
)
def test_units_are_conserved_whatever_is_corrected(driven: Driven, first: dict[str, int], then: dict[str, int]) -> None:
    first = first | {"short": 12 - sum(first.get(name, 0) for name in NAMES)} if "collected" in first else first
    driven.says(0, **first)
    corrects(driven, 0, **then)
    units = driven.units(0)
    assert units == {name: then[name] for name in NAMES if then.get(name)}
    assert ledger(driven)["delivered"] == then["delivered"] - then.get("collected", 0)
    assert driven.on_van()[driven.round.product_id] == 36 - then["delivered"] + then.get("collected", 0)
    with driven.database.reading() as connection:
        found = {each.name: each.state for each in check_rows(connection)}
    assert found["allocations"] == "ok"


def test_delivered_that_was_not_home_brings_the_goods_back_to_the_van_and_a_new_day(driven: Driven) -> None:
    driven.says(0)
    said = corrects(driven, 0, Outcome.NOT_HOME)
    assert (said.next, said.next_day) == ("next_delivery_day", "2026-05-13")
    assert driven.units(0) == {"loaded": 12}
    first = driven.rows(tables.delivery)[0]
    assert (first.state, first.for_day, first.attempts) == ("failed", "2026-05-13", 1)
    driven.says(1)
    driven.says(2)
    assert driven.closes(12).kept_for_customers == 12


def test_a_report_corrected_twice_keeps_both_and_the_second_writes_what_is_true(driven: Driven) -> None:
    driven.says(0, Outcome.REFUSED)
    assert [each.kind for each in driven.rows(tables.task) if each.done_at is None] == ["door_decision"]
    assert corrects(driven, 0, Outcome.NOT_HOME).settled_task
    assert [each.kind for each in driven.rows(tables.task) if each.done_at is None] == []
    corrects(driven, 0, seen=1)
    assert [(each.outcome_before, each.outcome_after) for each in driven.rows(tables.corrected_report)] == [
        ("refused", "not_home"),
        ("not_home", "delivered"),
    ]
    assert driven.units(0) == {"delivered": 12}
    assert {each.status for each in messages(driven, "failed")} == {"withheld"}
    assert {each.status for each in messages(driven, "delivered")} == {"waiting"}


def test_looking_at_a_correction_changes_nothing_and_says_what_it_will_do(driven: Driven) -> None:
    driven.says(0, delivered=10, short=2)
    before = snapshot(driven.database)
    shown = corrects(driven, 0, delivered=12, keep=False)
    assert snapshot(driven.database) == before
    assert shown == corrects(driven, 0, delivered=12)


def test_a_door_without_any_day_on_which_it_is_served_asks_a_person(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in ("delivering", "correcting"):
        monkeypatch.setattr(f"routing.services.{service}.day_to_go_again", lambda *_asked, **_more: "")

    def asked() -> list[str]:
        return [each.sentence for each in driven.rows(tables.task) if each.done_at is None]

    driven.says(0, Outcome.NOT_HOME)
    (sentence,) = asked()
    assert sentence.endswith("nobody was there. No day is found on which it is served: choose one.")
    assert driven.rows(tables.delivery)[0].waits_for == "decision"
    corrects(driven, 0)
    assert asked() == []
    corrects(driven, 0, Outcome.CLOSED)
    assert "the door was closed. No day is found" in asked()[0]


def test_a_counted_van_is_not_corrected_and_the_refusal_says_what_to_do(driven: Driven) -> None:
    driven.says(0, Outcome.NOT_HOME)
    driven.says(1)
    driven.says(2)
    driven.closes(12)
    with pytest.raises(Conflict, match=r"was counted already.*recount them under Stock.*fetched back") as no:
        corrects(driven, 0)
    assert no.value.code == "van_closed"


def test_what_somebody_decided_about_the_door_stands(driven: Driven) -> None:
    driven.says(0, delivered=10, refused=2)
    with open_store(driven.database) as store:
        (task,) = driven.rows(tables.task)
        decide_door(store, task_id=task.id, decision=Decision.CREDIT, now=EVENING, by="user:1")
    with pytest.raises(Conflict, match="2 refused units of D-1-1 are credited") as no:
        corrects(driven, 0, delivered=12)
    assert no.value.code == "decided"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"why": "  "}, "Say why"),
        ({"delivered": 10, "short": 2}, "reported like this already"),
        ({"delivered": 13}, "12 pcs were loaded"),
        ({"outcome": Outcome.NOT_HOME, "delivered": 12}, "Choose what happened instead"),
        ({"seen": 1, "delivered": 12}, "corrected this report meanwhile"),
    ],
)
def test_a_correction_that_cannot_be_changes_nothing(driven: Driven, changes: dict[str, Any], words: str) -> None:
    driven.says(0, delivered=10, short=2)
    before = snapshot(driven.database)
    with pytest.raises((InvalidInput, Conflict), match=words):
        corrects(driven, 0, **changes)
    assert snapshot(driven.database) == before


def test_results_keep_what_was_said_and_a_following_row_corrects_it(driven: Driven) -> None:
    driven.says(0, delivered=10, short=2)
    with driven.database.reading() as connection:
        (first, *_others) = day_results(connection, day=DAY)
    corrects(driven, 0, delivered=12)
    with driven.database.reading() as connection:
        told, correction, *others = day_results(connection, day=DAY)
    assert (told.sent, told.delivered, told.short, told.outcome) == (12, 10, 2, "partly_delivered")
    assert (told.sent, told.delivered, told.short, told.outcome) == (
        first.sent, first.delivered, first.short, first.outcome,
    )  # fmt: skip
    assert (correction.sent, correction.delivered, correction.short, correction.returned) == (0, 2, -2, 0)
    assert (correction.outcome, correction.line, correction.correction) == (
        "delivered", told.line, "pressed the wrong button",
    )  # fmt: skip
    assert told.correction == ""
    assert len(others) == 2


def test_results_of_a_door_that_was_not_home_first_add_up(driven: Driven) -> None:
    driven.says(0, Outcome.NOT_HOME)
    corrects(driven, 0)
    with driven.database.reading() as connection:
        told, correction, *_others = day_results(connection, day=DAY)
    assert (told.outcome, told.sent, told.delivered, told.returned) == ("not_home", 12, 0, 12)
    assert (correction.outcome, correction.sent, correction.delivered, correction.returned) == ("delivered", 0, 12, -12)


def fetches(driven: Driven, quantity: int, *, stop: int = 2) -> int:
    """What was handed over at the first stop is fetched by the same van, on the list of another; its key."""
    with open_store(driven.database) as store:
        made = collect_goods(
            store, site_id=driven.round.stops[0].site_id, product_id=driven.round.product_id, quantity=quantity,
            why="return", day="2026-05-13", now=SIX + timedelta(hours=3), by="user:1",
        )  # fmt: skip
    with driven.database.writing() as connection:
        mine = tables.delivery.c.id == made.delivery_id
        connection.execute(tables.delivery.update().where(mine).values(state="dispatched"))
        connection.execute(
            tables.stop_delivery.insert().values(
                stop_id=driven.round.stops[stop].stop_id, delivery_id=made.delivery_id, sequence=2
            )
        )
    return made.delivery_id


def empties(driven: Driven, quantity: int, *, stop: int = 2) -> tuple[int, int]:
    """Crates that nobody of ours brought are fetched at a stop; the key of the collection and that of its line."""
    with driven.database.writing() as connection:
        crate = row(connection, tables.product, number="CRATE", name="Crate", returnable=True)
        release = connection.scalar(tables.delivery.select().with_only_columns(tables.delivery.c.release_id))
        key = row(
            connection, tables.delivery, number="D-CRATES", release_id=release, depot_id=driven.round.depot_id,
            site_id=driven.round.stops[stop].site_id, direction="collect", for_day=DAY, oldest_ordered_at=SIX,
            state="dispatched",
        )  # fmt: skip
        line = row(connection, tables.empties_line, delivery_id=key, product_id=crate, quantity=quantity)
        connection.execute(
            tables.stop_delivery.insert().values(stop_id=driven.round.stops[stop].stop_id, delivery_id=key, sequence=2)
        )
    return key, line


def corrects_collection(driven: Driven, key: int, outcome: Outcome, *lines: DoorLine, keep: bool = True) -> Corrected:
    def work(store: Any) -> Corrected:
        return correct_report(
            store=store, report=DeliveryReport(delivery_id=key, outcome=outcome, lines=lines), why="counted again",
            now=EVENING, by="user:1", secret=SECRET,
        )  # fmt: skip

    if not keep:
        return tried(driven.database, work)
    with open_store(driven.database) as store:
        return work(store)


def state_of(driven: Driven, key: int) -> str:
    return next(str(each.state) for each in driven.rows(tables.delivery) if each.id == key)


def test_fewer_were_fetched_than_the_driver_said_and_the_rest_stays_with_the_customer(driven: Driven) -> None:
    driven.says(0)
    key = fetches(driven, 5)
    allocation = driven.round.stops[0].allocation_id
    driven.says(1)
    driven.says(2)
    driven.reports(2, key, Outcome.DELIVERED, (DoorLine(allocation_id=allocation, collected=5),))
    heard = len(driven.rows(tables.notice))
    said = corrects_collection(driven, key, Outcome.DELIVERED, DoorLine(allocation_id=allocation, collected=3))
    assert (said.lines[0].fetched, said.lines[0].handed_over, said.lines[0].waits, said.written) == (-2, 0, 0, 0)
    assert len(driven.rows(tables.notice)) == heard, "nobody was written to of what was fetched"
    assert (ledger(driven)["delivered"], driven.on_van()[driven.round.product_id]) == (36 - 3, 3)
    assert driven.units(0) == {"delivered": 12}
    assert driven.closes(3).returned == 3
    with driven.database.reading() as connection:
        assert {each.name: each.state for each in check_rows(connection)}["allocations"] == "ok"
        assert all(not each.correction for each in day_results(connection, day=DAY)), "the ERP hears of deliveries only"


def test_a_collection_at_a_closed_door_that_was_fetched_after_all(driven: Driven) -> None:
    driven.says(0)
    key = fetches(driven, 5)
    driven.reports(2, key, Outcome.CLOSED, ())
    assert state_of(driven, key) == "failed"
    corrects_collection(driven, key, Outcome.DELIVERED)
    assert (state_of(driven, key), ledger(driven)["delivered"]) == ("done", 12 - 5)
    corrects_collection(driven, key, Outcome.CLOSED)
    assert (state_of(driven, key), ledger(driven)["delivered"]) == ("failed", 12)
    assert len(driven.rows(tables.corrected_report)) == 2


def test_empties_that_were_counted_wrong_at_the_door_are_counted_right(driven: Driven) -> None:
    key, line = empties(driven, 6)
    for stop in (0, 1, 2):
        driven.says(stop)
    driven.reports(2, key, Outcome.DELIVERED, (DoorLine(allocation_id=-line, collected=4),))
    said = corrects_collection(driven, key, Outcome.DELIVERED, DoorLine(allocation_id=-line, collected=9))
    assert said.lines[0].fetched == 5
    (kept,) = driven.rows(tables.empties_line)
    crate = kept.product_id
    assert (kept.quantity, kept.collected, driven.on_van()[crate]) == (6, 9, 9)
    with pytest.raises(InvalidInput, match="at most 30"):
        corrects_collection(driven, key, Outcome.DELIVERED, DoorLine(allocation_id=-line, collected=31))
    corrects_collection(driven, key, Outcome.NOT_HOME)
    assert (driven.rows(tables.empties_line)[0].collected, driven.on_van().get(crate, 0)) == (0, 0)


def test_goods_that_are_fetched_back_already_were_delivered(driven: Driven) -> None:
    """12 were handed over and 5 of them are fetched: the door cannot have been closed."""
    driven.says(0)
    key = fetches(driven, 5)
    number = next(each.number for each in driven.rows(tables.delivery) if each.id == key)
    before = snapshot(driven.database)
    with pytest.raises(Conflict, match=rf"5 of Oat milk 1 l of SO-1-1 are fetched back by {number}") as no:
        corrects(driven, 0, Outcome.NOT_HOME)
    assert no.value.code == "fetched_back"
    assert snapshot(driven.database) == before
    corrects(driven, 0, delivered=5, short=7)


def test_another_recipient_is_a_correction_of_its_own_and_is_kept(driven: Driven) -> None:
    driven.says(0)
    at = driven.round.stops[0]
    with open_store(driven.database) as store:
        said = correct_report(
            store=store, report=DeliveryReport(delivery_id=at.delivery_id, outcome=Outcome.DELIVERED),
            why="the neighbour signed", recipient="Neighbour", now=EVENING, by="user:1", secret=SECRET,
        )  # fmt: skip
    assert (said.recipient_before, said.recipient_after) == ("Goods-in 1", "Neighbour")
    assert [each.recipient_before for each in driven.rows(tables.corrected_report)] == ["Goods-in 1"]
    assert driven.rows(tables.proof)[0].recipient == "Neighbour"
