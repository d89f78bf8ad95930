"""A slip is counted under what moved the date, not under the decision that happened to come next."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, update

from data import tables
from data.db import Database
from data.store import open_store
from routing.model.proofs import Outcome
from routing.model.stock import Receipt
from routing.rules.by_itself import DAY_IS_PAST, RELEASED_FOR_ANOTHER_DAY
from routing.rules.figures.slips import Cause, cause_of
from routing.rules.policies import PolicyRow, Scope
from routing.services.closing_days import SetDays, commit_change
from routing.services.committing import PROMISE_LOST
from routing.services.deciding import Decision, decide_door
from routing.services.importing import settle
from routing.services.receiving import commit_receipt, simulate_receipt
from routing.services.releasing import release_orders
from routing.services.ruling import Ruling, commit_ruling, policy_day
from routing.services.supplying import commit_shelf_count
from routing.services.untold import untold_setting
from tests.backorder_world import DEPOT, SKUS, World


def whys(world: World, order: str) -> list[str]:
    query = (
        select(tables.promise.c.why)
        .join(tables.order_line, tables.order_line.c.id == tables.promise.c.order_line_id)
        .join(tables.order, tables.order.c.id == tables.order_line.c.order_id)
        .where(tables.order.c.number == order)
        .order_by(tables.promise.c.version)
    )
    with world.database.reading() as connection:
        return list(connection.scalars(query))


def out_today(world: World) -> None:
    """SO-1's 12 oat drinks, ordered yesterday for today, are on the van."""
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    world.now += timedelta(days=1)
    world.release()
    world.drive_out()
    world.load(van=0)


def nobody_hears(world: World) -> None:
    with world.database.writing() as connection:
        connection.execute(update(tables.contact).values(consent=False))


def test_a_closed_door_is_the_cause_also_where_nobody_could_be_told_and_new_orders_come_next(
    database: Database,
) -> None:
    world = World(database)
    nobody_hears(world)
    out_today(world)
    world.at_the_door(which=0, outcome=Outcome.CLOSED, parts=(0, 0, 0))
    world.come_back(missing=0)
    world.order(lines=[(1, 12)], site=2, completeness="partial", wanted_in=0)
    assert cause_of(whys(world, "SO-1")[-1]) is Cause.DOOR
    assert whys(world, "SO-1")[-1] == "the try failed: the door was closed"


def test_what_came_short_at_the_door_is_no_receipt(database: Database) -> None:
    world = World(database)
    out_today(world)
    world.at_the_door(which=0, outcome=Outcome.DELIVERED, parts=(4, 0, 0))
    world.come_back(missing=0)
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    assert whys(world, "SO-1")[-1] == "D-000001 came short"


def test_a_later_day_after_the_door_comes_of_the_door_and_not_of_going_out(database: Database) -> None:
    """The address was not found: a person chooses the day, and the customer hears of it when the van leaves."""
    world = World(database)
    out_today(world)
    world.at_the_door(which=0, outcome=Outcome.ADDRESS_NOT_FOUND, parts=(0, 0, 0))
    world.come_back(missing=0)
    with open_store(database) as store:
        task = store.connection.scalars(select(tables.task.c.id)).one()
        decide_door(store, task_id=task, decision=Decision.REDELIVER, for_day=world.today, now=world.now, by="desk")
    world.drive_out()
    assert whys(world, "SO-1")[-1] == "the try failed: we did not find the address"


def in_time_for_nobody(world: World, *, days: int = 5) -> str:
    """SO-1 lies on the shelf, and the day that it was promised passes without a van; returns that day."""
    world.receive(product=1, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    with world.database.reading() as connection:
        (day,) = connection.scalars(select(tables.promise.c.promised_on))
    world.now += timedelta(days=days)
    return str(day)


def test_what_was_overdue_anyway_is_no_slip_of_the_policy_that_comes_next(database: Database) -> None:
    world = World(database)
    in_time_for_nobody(world)
    assert world.do("policy", name="allocation_rule", value="first_ordered") == ""
    assert whys(world, "SO-1") == ["first date", DAY_IS_PAST]
    assert cause_of(DAY_IS_PAST) is Cause.OTHER


def test_what_was_overdue_anyway_and_only_now_loses_its_date_is_no_loss_by_the_policy(database: Database) -> None:
    """The truck of SO-1 is four days late: the night that gives it up has not come yet, the policy comes first."""
    world = World(database)
    world.expect(product=1, quantity=24, days=1)
    world.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    world.now += timedelta(days=6)
    assert world.do("policy", name="allocation_rule", value="first_ordered") == ""
    with database.reading() as connection:
        lost = connection.scalars(select(tables.event.c.data).where(tables.event.c.kind == PROMISE_LOST)).all()
    assert [each["why"] for each in lost] == [DAY_IS_PAST]


def test_who_loses_goods_by_a_policy_slips_by_it_though_the_day_was_past(database: Database) -> None:
    """12 lie there for SO-1 and its day is past. First promised first served gives them to SO-2, which was promised
    nothing before: SO-1 waits for the truck."""
    world = World(database)
    in_time_for_nobody(world)
    world.expect(product=1, quantity=12, days=4)
    world.order(lines=[(1, 12)], site=2, completeness="partial", wanted_in=0)
    row = PolicyRow(scope=Scope.CUSTOMER, scope_id=1, name="rank_rule", value="may_give_up", effective_from=world.today)
    with open_store(database) as store:
        commit_ruling(store, Ruling(row=row), now=world.now, by="desk")
    assert whys(world, "SO-1")[-1] == "policy rank rule"


def test_a_policy_of_a_later_day_is_no_cause_of_what_was_overdue_on_it(database: Database) -> None:
    world = World(database)
    in_time_for_nobody(world)
    begins = (world.now + timedelta(days=1)).date().isoformat()
    row = PolicyRow(scope=Scope.COMPANY, name="allocation_rule", value="first_ordered", effective_from=begins)
    with open_store(database) as store:
        commit_ruling(store, Ruling(row=row), now=world.now, by="desk")
        (kept,) = [each.id for each in store.policies().rows if each.effective_from == begins]
    world.now += timedelta(days=1)
    with open_store(database) as store:
        policy_day(store, row_id=kept, now=world.now, by="jobs")
    assert whys(world, "SO-1") == ["first date", DAY_IS_PAST]


def test_a_day_without_deliveries_is_no_cause_of_what_was_overdue_anyway(database: Database) -> None:
    world = World(database)
    in_time_for_nobody(world)
    far = (world.now + timedelta(days=60)).date().isoformat()
    with open_store(database) as store:
        commit_change(store, SetDays(scope="company", days=((far, "holiday"),)), now=world.now, by="desk")
    assert whys(world, "SO-1") == ["first date", DAY_IS_PAST]


def test_what_came_short_at_the_door_is_not_put_down_to_what_moved_others_of_its_goods_before(
    database: Database,
) -> None:
    """New orders took what SO-2 waits for, and nobody was told. Then SO-1 comes short of the same goods."""
    world = World(database)
    out_today(world)
    world.expect(product=1, quantity=24, days=1)
    world.order(lines=[(1, 12)], site=3, completeness="partial", wanted_in=0)
    with open_store(database) as store:
        inbound = tables.supply.c.kind == "inbound"
        store.connection.execute(update(tables.supply).where(inbound).values(expected_at=world.now + timedelta(days=8)))
        settle(store, {DEPOT: {1}}, now=world.now, by="file", tell=False, why="new orders")
    world.at_the_door(which=0, outcome=Outcome.DELIVERED, parts=(4, 0, 0))
    with open_store(database) as store:
        cups = Receipt(
            number="R-CUPS", depot_id=DEPOT, product_id=2, sku=SKUS[2], quantity=12, quarantined=0, counted_at=world.now
        )
        shown = simulate_receipt(store, cups, now=world.now)
    assert {line.order: line.moved_by for line in shown.told_now({SKUS[2]})} == {
        "SO-1": "D-000001 came short", "SO-2": "new orders",
    }  # fmt: skip
    world.receive(product=2, quantity=12, quarantined=0, of_inbound=False, more_to_come=False)
    assert (whys(world, "SO-1")[-1], whys(world, "SO-2")[-1]) == ("D-000001 came short", "new orders")


def test_a_receipt_is_no_cause_of_what_lay_there_and_was_not_released_on_its_day(database: Database) -> None:
    world = World(database)
    in_time_for_nobody(world)
    count = Receipt(
        number="R-9", depot_id=DEPOT, product_id=1, sku="OAT", quantity=1, inbound_id=None, counted_at=world.now
    )
    with open_store(database) as store:
        (line,) = simulate_receipt(store, count, now=world.now).lines
    assert (line.slips, line.breaks, line.moved_by) == (True, False, DAY_IS_PAST)
    with open_store(database) as store:
        commit_receipt(store, count, now=world.now, by="warehouse")
    assert whys(world, "SO-1") == ["first date", DAY_IS_PAST]
    with database.reading() as connection:
        told = connection.scalars(select(tables.notice.c.data).where(tables.notice.c.kind == "date_changed")).one()
    assert told["why"] == ["not_sent"]


def test_a_receipt_is_no_cause_of_what_was_released_for_a_later_day(database: Database) -> None:
    world = World(database)
    day = in_time_for_nobody(world, days=0)
    with open_store(database) as store:
        release_orders(store, depot_id=DEPOT, for_day="2026-05-18", now=world.now, by="desk")
    assert day < "2026-05-18"
    world.receive(product=1, quantity=1, quarantined=0, of_inbound=False, more_to_come=False)
    assert whys(world, "SO-1") == ["first date", RELEASED_FOR_ANOTHER_DAY]


def test_a_recount_that_takes_what_lay_there_is_the_cause_though_the_day_was_past(database: Database) -> None:
    world = World(database)
    in_time_for_nobody(world)
    world.expect(product=1, quantity=12, days=4)
    with open_store(database) as store:
        commit_shelf_count(store, depot_id=DEPOT, product_id=1, sku="OAT", counted=0, now=world.now, by="warehouse")
    assert whys(world, "SO-1")[-1] == "recount of OAT"


def test_what_goes_out_again_after_a_closed_door_is_shown_as_that(database: Database) -> None:
    world = World(database)
    nobody_hears(world)
    out_today(world)
    world.at_the_door(which=0, outcome=Outcome.CLOSED, parts=(0, 0, 0))
    world.come_back(missing=0)
    count = Receipt(number="R-9", depot_id=DEPOT, product_id=1, sku="OAT", quantity=1, counted_at=world.now)
    with open_store(database) as store:
        (line,) = simulate_receipt(store, count, now=world.now).lines
    assert line.moved_by == "the try failed: the door was closed"


def test_the_cause_of_a_line_is_its_own_and_not_that_of_another_of_its_article(database: Database) -> None:
    """Of oat drink somebody else's promise broke by a release, and nobody was told yet; SO-1's door was closed."""
    world = World(database)
    out_today(world)
    world.at_the_door(which=0, outcome=Outcome.CLOSED, parts=(0, 0, 0))
    world.come_back(missing=0)
    count = Receipt(number="R-9", depot_id=DEPOT, product_id=1, sku="OAT", quantity=1, counted_at=world.now)
    with open_store(database) as store:
        store.connection.execute(update(tables.order_line).values(expected_on=world.today))
        store.connection.execute(delete(tables.promise).where(tables.promise.c.version > 1))
        store.set_setting(name=untold_setting(DEPOT), value={"1": RELEASED_FOR_ANOTHER_DAY}, by="desk", now=world.now)
        (line,) = simulate_receipt(store, count, now=world.now).lines
        commit_receipt(store, count, now=world.now, by="warehouse")
    assert whys(world, "SO-1")[-1] == line.moved_by == "the try failed: the door was closed"
