"""What a driver reports is recorded exactly once, and all that follows from it is true afterwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from data import tables
from data.db import Database
from data.queries.tracking import tracked
from data.store import SqlStore, open_store
from data.store.system import verify_chain
from routing.errors import Conflict, InvalidInput
from routing.model.places import Location
from routing.model.proofs import DeliveryReport, DoorEvent, DoorLine, DoorReport, KeptFile, Outcome
from routing.rules.policies import PolicyRow, Scope
from routing.services.delivering import Recorded, record
from routing.services.following import record_position
from routing.services.settling import bring_to_the_depot
from tests.rounds import Round, a_round

SECRET = b"s" * 32


@pytest.fixture
def on_the_road(database: Database) -> Round:
    with database.writing() as connection:
        return a_round(connection, stops=3, loaded=12)


def report(
    this: Round,
    *,
    stop: int = 0,
    outcome: Outcome = Outcome.DELIVERED,
    counts: dict[str, int] | None = None,
    key: str = "a",
    minutes: int = 5,
    **changes: Any,
) -> DoorReport:
    at = this.stops[stop]
    lines = (DoorLine(allocation_id=at.allocation_id, **counts),) if counts else ()
    values: dict[str, Any] = {
        "client_id": key,
        "sequence": 1,
        "payload_sha256": key * 8,
        "kind": DoorEvent.OUTCOME,
        "stop_id": at.stop_id,
        "captured_at": at.arrival + timedelta(minutes=minutes),
        "deliveries": (DeliveryReport(delivery_id=at.delivery_id, outcome=outcome, lines=lines),),
        "recipient": "Goods-in 1",
    }
    return DoorReport(**(values | changes))


def arrival(this: Round, *, stop: int = 0, key: str = "arrived", minutes: int = 0) -> DoorReport:
    return report(this, stop=stop, key=key, minutes=minutes, kind=DoorEvent.ARRIVED, deliveries=())


def send(database: Database, this: Round, *reports: DoorReport) -> Recorded:
    for each in reports:
        with open_store(database) as store:
            answer = record(
                store=store,
                manifest_id=this.manifest_id,
                report=each,
                now=each.captured_at + timedelta(seconds=20),
                secret=SECRET,
            )
    return answer


def read(database: Database, table: Any, **where: Any) -> list[Any]:
    with database.reading() as connection:
        query = select(table).order_by(table.c.id)
        for name, value in where.items():
            query = query.where(table.c[name] == value)
        return list(connection.execute(query))


def units(database: Database, this: Round, stop: int = 0) -> dict[str, int]:
    (found,) = read(database, tables.allocation, id=this.stops[stop].allocation_id)
    states = ("allocated", "released", "picked", "loaded", "delivered", "short", "refused", "damaged")
    return {state: getattr(found, state) for state in states if getattr(found, state)}


def test_ten_of_twelve_delivered_leaves_two_short_in_their_old_place(database: Database, on_the_road: Round) -> None:
    send(database, on_the_road, report(on_the_road, counts={"delivered": 10, "short": 2}))
    assert units(database, on_the_road) == {"delivered": 10, "short": 2}
    (delivery,) = read(database, tables.delivery, id=on_the_road.stops[0].delivery_id)
    assert (delivery.state, delivery.attempts, delivery.waits_for) == ("done", 1, "")
    with open_store(database) as store:
        assert store.goods_at("delivered") == {on_the_road.product_id: 10}
        # The two that were not found stay on the van's account until it is counted at the end of the day.
        assert store.goods_at(f"vehicle:{on_the_road.vehicle_id}") == {on_the_road.product_id: 26}
        # Short units are not served: the line asks for them again, with the order's own date and rank.
        book = store.book(on_the_road.depot_id, [on_the_road.product_id], now=on_the_road.stops[0].arrival)
    waiting = {line.id: line.needed for order in book.orders for line in order.lines}
    assert waiting[on_the_road.stops[0].order_line_id] == 2
    (proof,) = read(database, tables.proof)
    assert (proof.outcome, proof.recipient, proof.attempt) == ("delivered", "Goods-in 1", 1)


def test_the_same_report_sent_three_times_happens_once(database: Database, on_the_road: Round) -> None:
    once = report(on_the_road, counts={"delivered": 12})
    first = send(database, on_the_road, once)
    again = send(database, on_the_road, once, once)
    assert (first.repeated, again.repeated) == (False, True)
    assert again.event_id == first.event_id
    assert len(read(database, tables.proof)) == 1
    assert units(database, on_the_road) == {"delivered": 12}
    assert len(read(database, tables.notice)) == 2  # goods-in and the buyer


def test_the_same_report_from_four_tabs_at_one_moment_happens_once(database: Database, on_the_road: Round) -> None:
    once = report(on_the_road, counts={"delivered": 12})
    with ThreadPoolExecutor(4) as tabs:
        answers = list(tabs.map(lambda _tab: send(database, on_the_road, once), range(4)))
    assert sorted(answer.repeated for answer in answers) == [False, True, True, True]
    assert len(read(database, tables.proof)) == 1
    assert len(read(database, tables.event, kind="stop.reported")) == 1


def test_the_phones_id_used_for_something_else_is_a_conflict(database: Database, on_the_road: Round) -> None:
    send(database, on_the_road, report(on_the_road, counts={"delivered": 12}))
    other = report(on_the_road, stop=1, counts={"delivered": 12}, payload_sha256="other")
    with pytest.raises(Conflict, match="used before for something else"):
        send(database, on_the_road, other)
    assert units(database, on_the_road, stop=1) == {"loaded": 12}


def test_a_door_that_was_reported_cannot_be_reported_again(database: Database, on_the_road: Round) -> None:
    send(database, on_the_road, report(on_the_road, counts={"delivered": 12}))
    with pytest.raises(Conflict, match="D-1-1 was already reported"):
        send(database, on_the_road, report(on_the_road, key="b", outcome=Outcome.NOT_HOME))


def test_counts_that_do_not_add_up_change_nothing(database: Database, on_the_road: Round) -> None:
    with pytest.raises(
        InvalidInput,
        match=r"D-1-1, Oat milk 1 l: 12 pcs were loaded, but 10 delivered and 1 short make 11\. Count again",
    ):
        send(database, on_the_road, report(on_the_road, counts={"delivered": 10, "short": 1}))
    assert units(database, on_the_road) == {"loaded": 12}
    assert read(database, tables.event) == []
    assert read(database, tables.proof) == []


def test_damaged_goods_stay_on_the_van_and_the_line_is_open_again(database: Database, on_the_road: Round) -> None:
    send(database, on_the_road, report(on_the_road, counts={"delivered": 9, "damaged": 3}))
    with open_store(database) as store:
        assert store.goods_at(f"quarantine:{on_the_road.depot_id}") == {}
        assert store.goods_at(f"vehicle:{on_the_road.vehicle_id}")[on_the_road.product_id] % 12 == 3
        book = store.book(on_the_road.depot_id, [on_the_road.product_id], now=on_the_road.stops[0].arrival)
    waiting = {line.id: line.needed for order in book.orders for line in order.lines}
    assert waiting[on_the_road.stops[0].order_line_id] == 3


def test_refused_goods_ask_a_person_to_decide(database: Database, on_the_road: Round) -> None:
    send(database, on_the_road, report(on_the_road, counts={"delivered": 8, "refused": 4}))
    (task,) = read(database, tables.task)
    assert task.kind == "door_decision"
    assert task.sentence == "Café 12 at the corner refused 4 of D-1-1. Credit, cancel or deliver again?"
    assert task.data["options"] == ["credit", "cancel", "redeliver"]
    assert units(database, on_the_road) == {"delivered": 8, "refused": 4}


def test_nobody_home_keeps_the_goods_with_the_customer_and_comes_again_by_itself(
    database: Database, on_the_road: Round
) -> None:
    send(database, on_the_road, report(on_the_road, outcome=Outcome.NOT_HOME))
    assert units(database, on_the_road) == {"loaded": 12}
    (delivery,) = read(database, tables.delivery, id=on_the_road.stops[0].delivery_id)
    assert (delivery.state, delivery.attempts, delivery.for_day) == ("failed", 1, "2026-05-13")
    assert read(database, tables.task) == []
    (notice,) = read(database, tables.notice)
    assert (notice.kind, notice.recipient) == ("failed", "goods_in1-1@example.com")
    assert notice.data["why"] == "nobody was there"
    assert notice.data["next"] == [{"what": "next_delivery_day", "day": "2026-05-13", "references": ["PO-1-1"]}]


def test_a_report_that_comes_two_days_late_brings_the_goods_after_today_and_says_so(
    database: Database, on_the_road: Round
) -> None:
    """Tuesday's door, told on Thursday: Friday, not the Wednesday that is over."""
    failed = report(on_the_road, outcome=Outcome.NOT_HOME)
    with open_store(database) as store:
        now = failed.captured_at + timedelta(days=2)
        record(store=store, manifest_id=on_the_road.manifest_id, report=failed, now=now, secret=SECRET)
    (delivery,) = read(database, tables.delivery, id=on_the_road.stops[0].delivery_id)
    assert delivery.for_day == "2026-05-15"
    said = [notice.data["next"][0] for notice in read(database, tables.notice)]
    assert [(each["what"], each["day"]) for each in said] == [("next_delivery_day", "2026-05-15")]


def test_goods_that_go_out_again_wait_for_a_day_on_which_their_zone_has_room(
    database: Database, on_the_road: Round
) -> None:
    """The zone takes one stop a day, and Wednesday's is another site's."""
    with database.writing() as connection:
        zone = connection.execute(
            tables.zone.insert()
            .values(number="Z", name="Zone", depot_id=on_the_road.depot_id, stops_a_day=1)
            .returning(tables.zone.c.id)
        ).scalar_one()
        connection.execute(tables.site.update().values(delivery_zone_id=zone))
        other = tables.delivery.update().where(tables.delivery.c.id == on_the_road.stops[1].delivery_id)
        connection.execute(other.values(for_day="2026-05-13"))
    send(database, on_the_road, report(on_the_road, outcome=Outcome.NOT_HOME))
    (delivery,) = read(database, tables.delivery, id=on_the_road.stops[0].delivery_id)
    assert delivery.for_day == "2026-05-14"


def test_after_the_third_attempt_a_person_decides(database: Database, on_the_road: Round) -> None:
    with database.writing() as connection:
        connection.execute(tables.delivery.update().values(attempts=2))
    send(database, on_the_road, report(on_the_road, outcome=Outcome.CLOSED))
    (task,) = read(database, tables.task)
    assert "was tried 3 times: the door was closed" in task.sentence
    (delivery,) = read(database, tables.delivery, id=on_the_road.stops[0].delivery_id)
    assert (delivery.waits_for, delivery.for_day) == ("decision", "2026-05-12")


@pytest.mark.parametrize(
    ("name", "value", "scope", "waits_for"),
    [
        ("max_attempts", 1, "company", "decision"),
        ("after_not_home", "wait_for_customer", "customer", "customer"),
        ("after_not_home", "decide", "order", "decision"),
        ("after_closed", "decide", "company", ""),  # another reason
    ],
)
def test_a_policy_says_what_follows_a_failed_attempt(
    database: Database, on_the_road: Round, name: str, value: Any, scope: str, waits_for: str
) -> None:
    (line,) = read(database, tables.order_line, id=on_the_road.stops[0].order_line_id)
    (order,) = read(database, tables.order, id=line.order_id)
    whom = {"company": 0, "customer": order.customer_id, "order": order.id}[scope]
    row = PolicyRow(scope=Scope(scope), scope_id=whom, name=name, value=value, effective_from="2026-01-01")
    with open_store(database) as store:
        store.set_policy(row, by="user:1", now=on_the_road.stops[0].arrival)
    send(database, on_the_road, report(on_the_road, outcome=Outcome.NOT_HOME))
    (delivery,) = read(database, tables.delivery, id=on_the_road.stops[0].delivery_id)
    assert (delivery.state, delivery.waits_for) == ("failed", waits_for)
    tasks = [task.kind for task in read(database, tables.task)]
    assert tasks == {"decision": ["door_decision"], "customer": ["redelivery"], "": []}[waits_for]


def test_an_address_that_was_not_found_waits_for_the_customer(database: Database, on_the_road: Round) -> None:
    send(database, on_the_road, report(on_the_road, outcome=Outcome.ADDRESS_NOT_FOUND))
    (delivery,) = read(database, tables.delivery, id=on_the_road.stops[0].delivery_id)
    assert (delivery.state, delivery.waits_for) == ("failed", "customer")
    assert [task.kind for task in read(database, tables.task)] == ["redelivery"]


def test_a_stop_nobody_drove_to_uses_up_no_attempt(database: Database, on_the_road: Round) -> None:
    send(database, on_the_road, report(on_the_road, outcome=Outcome.NOT_ATTEMPTED))
    (delivery,) = read(database, tables.delivery, id=on_the_road.stops[0].delivery_id)
    assert (delivery.state, delivery.attempts) == ("failed", 0)


def test_goods_that_came_back_wait_at_the_depot_and_can_be_planned_again(
    database: Database, on_the_road: Round
) -> None:
    send(database, on_the_road, report(on_the_road, outcome=Outcome.NOT_HOME))
    stop = on_the_road.stops[0]
    with open_store(database) as store:
        manifest = store.manifest_in_hand(on_the_road.manifest_id)
        (delivery,) = store.doors(on_the_road.manifest_id, [stop.stop_id])[stop.stop_id].deliveries
        assert bring_to_the_depot(store=store, delivery=delivery, manifest=manifest, at=stop.arrival, by="test") == 12
    assert units(database, on_the_road) == {"released": 12}
    (row,) = read(database, tables.delivery, id=stop.delivery_id)
    assert (row.state, row.attempts, row.for_day) == ("released", 1, "2026-05-13")
    with open_store(database) as store:
        assert store.goods_at(f"vehicle:{on_the_road.vehicle_id}") == {on_the_road.product_id: 24}


def test_a_second_attempt_at_another_day_is_a_second_proof(database: Database, on_the_road: Round) -> None:
    send(database, on_the_road, report(on_the_road, outcome=Outcome.NOT_HOME))
    with database.writing() as connection:
        connection.execute(tables.delivery.update().values(state="dispatched"))
    send(database, on_the_road, report(on_the_road, key="b", counts={"delivered": 12}))
    assert [(proof.attempt, proof.outcome) for proof in read(database, tables.proof)] == [
        (1, "not_home"),
        (2, "delivered"),
    ]


def test_far_from_the_address_warns_and_is_recorded_but_never_blocks(database: Database, on_the_road: Round) -> None:
    far = report(on_the_road, counts={"delivered": 12}, location=Location(lat=60.18, lon=24.94), accuracy_m=20.0)
    answer = send(database, on_the_road, far)
    (remark,) = answer.remarks
    assert remark.startswith("You are 1668 m from the address")
    (proof,) = read(database, tables.proof)
    assert proof.from_address_m == 1668
    assert units(database, on_the_road) == {"delivered": 12}


def test_a_signature_and_photos_belong_to_the_proof(database: Database, on_the_road: Round) -> None:
    files = (
        KeptFile(kind="signature", sha256="1" * 64, media_type="image/png", size=10),
        KeptFile(kind="photo", sha256="2" * 64, media_type="image/jpeg", size=20),
    )
    send(database, on_the_road, report(on_the_road, counts={"delivered": 12}, files=files))
    assert [each.kind for each in read(database, tables.proof_file)] == ["signature", "photo"]
    events = read(database, tables.event, kind="stop.reported")
    assert [each["sha256"] for each in events[0].data["files"]] == ["1" * 64, "2" * 64]


def test_a_late_van_tells_those_and_only_those_whose_window_breaks(database: Database) -> None:
    with database.writing() as connection:
        this = a_round(connection, stops=3, told=("08:00", "09:00"))
    # Planned 08:00, 08:20, 08:40; the first door is left at 08:40: the second is reached 08:52, the third 09:12.
    send(database, this, arrival(this), report(this, counts={"delivered": 12}, minutes=40))
    told = [(each.subject_id, each.data["window_from"], each.data["window_to"]) for each in outs(database)]
    assert told == [(this.stops[2].stop_id, "09:00", "09:30")]
    promises = read(database, tables.promise, order_line_id=this.stops[2].order_line_id)
    assert [(each.version, each.window_from, each.why) for each in promises] == [
        (1, "08:00", "dispatched"),
        (2, "09:00", "the van is late"),
    ]


def test_an_early_van_tells_no_time_before_the_door_opens(database: Database) -> None:
    """The first door is left at 07:30, the second is planned for 08:20 and opens at 08:15: the van is there before."""
    with database.writing() as connection:
        this = a_round(connection, stops=3, told=("08:20", "09:00"))
        second = this.stops[1]
        hours = [(second.arrival + timedelta(minutes=minutes)).isoformat() for minutes in (-5, 60)]
        connection.execute(
            tables.stop.update().where(tables.stop.c.id == second.stop_id).values(windows=[hours]),
        )
    early = report(this, counts={"delivered": 12}, minutes=-30)
    send(database, this, early)
    (told,) = outs(database)
    assert (told.subject_id, told.data["window_from"], told.data["window_to"]) == (second.stop_id, "08:15", "08:45")
    assert told.data["eta"] == "08:15"
    with database.reading() as connection:
        seen = tracked(connection, second.delivery_id, now=early.captured_at)
    assert seen.window is not None
    assert seen.window[0] == second.arrival - timedelta(minutes=5)


def test_a_phone_with_more_to_send_tells_nobody_that_it_is_late(database: Database) -> None:
    with database.writing() as connection:
        this = a_round(connection, stops=3, told=("08:00", "09:00"))
    send(database, this, report(this, counts={"delivered": 12}, minutes=40, more_follow=True))
    assert outs(database) == []


def outs(database: Database) -> list[Any]:
    return read(database, tables.notice, kind="out_today")


def test_a_report_about_a_stop_of_another_round_is_refused(database: Database, on_the_road: Round) -> None:
    with database.writing() as connection:
        other = a_round(connection, number="2")
    with pytest.raises(InvalidInput, match="not on your route"):
        send(database, on_the_road, report(other))


def test_a_report_from_before_the_route_was_changed_still_counts(database: Database, on_the_road: Round) -> None:
    """The phone was offline while the dispatcher made a new version of the route."""
    with database.writing() as connection:
        values = dict(connection.execute(select(tables.manifest)).one()._mapping)
        route = dict(connection.execute(select(tables.route)).one()._mapping)
        plan = dict(connection.execute(select(tables.plan)).one()._mapping)
        del plan["id"], route["id"], values["id"]
        plan_id = connection.execute(tables.plan.insert().values(plan).returning(tables.plan.c.id)).scalar_one()
        route_id = connection.execute(
            tables.route.insert().values(route | {"plan_id": plan_id}).returning(tables.route.c.id)
        ).scalar_one()
        connection.execute(
            tables.manifest.insert().values(values | {"plan_id": plan_id, "route_id": route_id, "version": 2})
        )
    send(database, on_the_road, report(on_the_road, counts={"delivered": 12}))
    assert units(database, on_the_road) == {"delivered": 12}


def test_a_position_outside_the_shift_is_not_kept(database: Database, on_the_road: Round) -> None:
    with open_store(database) as store:
        kept = [
            record_position(
                store=store,
                manifest_id=on_the_road.manifest_id,
                location=Location(lat=60.17, lon=24.94),
                accuracy_m=8.0,
                captured_at=at,
                now=at,
            )
            for at in (on_the_road.stops[0].arrival, on_the_road.stops[0].arrival + timedelta(hours=12))
        ]
    assert kept == [True, False]
    assert len(read(database, tables.position)) == 1


def test_the_chain_of_events_holds_after_a_day_of_reports(database: Database, on_the_road: Round) -> None:
    send(
        database,
        on_the_road,
        arrival(on_the_road),
        report(on_the_road, counts={"delivered": 12}),
        report(on_the_road, stop=1, key="b", outcome=Outcome.NOT_HOME),
    )
    with database.reading() as connection:
        assert verify_chain(connection) is None
        assert connection.execute(select(func.count()).select_from(tables.event)).scalar_one() == 5


def test_a_failure_in_the_middle_leaves_nothing_behind(database: Database, on_the_road: Round) -> None:
    with database.writing() as connection:  # the warehouse's ledger says that only 5 were loaded
        connection.execute(tables.allocation.update().values(loaded=5, picked=7))
    with pytest.raises(Conflict):
        send(database, on_the_road, report(on_the_road, counts={"delivered": 12}))
    assert read(database, tables.event) == []
    assert read(database, tables.proof) == []
    with open_store(database) as store:
        assert isinstance(store, SqlStore)
        assert store.recall(scope="driver", key="a") is None
