"""From the facts of a day to the solver's problem."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.errors import InvalidInput
from routing.model.day import (
    CalendarFacts,
    DayFacts,
    DeliveryFacts,
    DepotFacts,
    Goods,
    Listed,
    LockFacts,
    OrderFacts,
    PlanPrices,
    Riding,
    SiteFacts,
    WallWindow,
)
from routing.model.fleet import Driver, Shift, ShiftBreak, Vehicle
from routing.model.places import Location, PinQuality
from routing.model.plans import Problem, Reason, Window
from routing.ports import TravelTable
from routing.rules.problem import build_problem, locations_of, places_of, profiles_of

DAY = "2026-05-12"
NOW = datetime(2026, 5, 12, 2, 40, tzinfo=UTC)
ORDERED = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


def depot(**values: Any) -> DepotFacts:
    return DepotFacts(
        **{"id": 1, "name": "Depot 1", "zone": "Europe/Helsinki", "location": Location(lat=60.17, lon=24.94), **values}
    )


def site(key: int = 1, **values: Any) -> SiteFacts:
    return SiteFacts(
        **{
            "id": key, "name": f"Café {key}", "customer": f"Customer {key}", "address": f"Testgatan {key}",
            "location": Location(lat=60.17, lon=24.94 + key / 1000), "pin_quality": PinQuality.EXACT, **values,
        }
    )  # fmt: skip


def delivery(key: int = 1, **values: Any) -> DeliveryFacts:
    order = OrderFacts(**{"id": key, "number": f"SO-{key}", **values.pop("order", {})})
    goods = Goods(**{"order_id": key, "product": "Beans", "quantity": 10, "weight_g": 1000, **values.pop("goods", {})})
    return DeliveryFacts(
        **{
            "id": key, "number": f"D-{key}", "site_id": key, "depot_id": 1, "for_day": DAY,
            "oldest_ordered_at": ORDERED, "goods": (goods,), "orders": (order,), **values,
        }
    )  # fmt: skip


def shift(key: int = 1, *, van: dict[str, Any] | None = None, **values: Any) -> Shift:
    vehicle = Vehicle(**{"id": key, "name": f"Van {key}", "depot_id": 1, "weight_g": 500_000, **(van or {})})
    driver = Driver(
        id=key, name=f"Driver {key}", depot_id=1, number=values.pop("driver_number", ""),
        skills=tuple(values.pop("driver_skills", ())),
    )  # fmt: skip
    return Shift(
        **{
            "id": key, "day": DAY, "depot_id": 1, "vehicle": vehicle, "driver": driver, "starts": "07:00",
            "ends": "15:00", **values,
        }
    )  # fmt: skip


def facts(**values: Any) -> DayFacts:
    deliveries = values.pop("deliveries", (delivery(),))
    return DayFacts(
        **{
            "from_day": DAY, "to_day": DAY, "depots": (depot(),), "deliveries": tuple(deliveries),
            "sites": tuple(values.pop("sites", [site(key) for key in {each.site_id for each in deliveries}])),
            "shifts": tuple(values.pop("shifts", (shift(),))), **values,
        }
    )  # fmt: skip


def built(day: DayFacts, *, off_road: frozenset[int] = frozenset()) -> Problem:
    n = len(locations_of(places_of(day)))
    table = TravelTable(
        durations_s=np.full((n, n), 60, dtype=np.int64),
        distances_m=np.full((n, n), 600, dtype=np.int64),
        snapped_m=np.array([-1 if i in off_road else 5 for i in range(n)], dtype=np.int64),
        engine="osrm",
        build="b1",
    )
    return build_problem(day, dict.fromkeys(profiles_of(day), table), now=NOW)


def only_reason(day: DayFacts, **options: Any) -> Reason:
    problem = built(day, **options)
    assert problem.visits == ()
    (gone,) = problem.excluded
    assert gone.detail
    (reason,) = gone.reasons
    return reason


def clock(problem: Problem, seconds: int) -> str:
    return (problem.epoch + timedelta(seconds=seconds)).astimezone(UTC).strftime("%H:%M")


# ---------------------------------------------------------------------------- amounts and work


def test_amounts_are_quantity_times_the_product_and_service_is_by_started_case() -> None:
    goods = {"quantity": 25, "case_pack": 12, "weight_g": 400, "volume_cm3": 1500, "pieces": 2}
    one = site(service_s=300, parking_s=120, service_s_per_case=20)
    (visit,) = built(facts(deliveries=[delivery(goods=goods)], sites=[one])).visits
    assert visit.load == (10_000, 37_500, 50)
    assert visit.collect == (0, 0, 0)
    assert (visit.setup_s, visit.service_s) == (420, 60)


def test_what_is_fetched_at_a_door_where_something_is_brought_is_one_stop() -> None:
    brought, fetched = delivery(), delivery(id=2, number="D-2", direction="collect", orders=())
    one, other = built(facts(deliveries=[brought, fetched])).visits
    assert one.place == other.place
    assert (one.setup_s, any(one.load), any(other.load)) == (other.setup_s, True, False)


def test_a_customer_on_hold_still_gives_back_what_it_has() -> None:
    held = site(payment_hold="unpaid bill")
    fetched = delivery(direction="collect", orders=())
    assert len(built(facts(deliveries=[fetched], sites=[held])).visits) == 1
    assert only_reason(facts(deliveries=[delivery()], sites=[held])) is Reason.ON_HOLD


def test_a_collection_comes_back_with_the_van() -> None:
    (visit,) = built(facts(deliveries=[delivery(direction="collect")])).visits
    assert (visit.load, visit.collect) == ((0, 0, 0), (10_000, 0, 10))


def test_a_capacity_that_was_not_given_does_not_limit() -> None:
    problem = built(facts(deliveries=[delivery(1), delivery(2)], shifts=[shift(van={"weight_g": 0, "pieces": 7})]))
    assert problem.shifts[0].capacity == (20_000, 0, 7)


def test_deliveries_at_one_door_share_its_place() -> None:
    problem = built(facts(deliveries=[delivery(1), delivery(2, site_id=1)]))
    assert [visit.place for visit in problem.visits] == [1, 1]
    assert [place.site_id for place in problem.places] == [None, 1]


def test_a_shift_may_last_longer_at_its_price() -> None:
    longer = shift(overtime_s=1800, cost_per_hour=2000, cost_per_overtime_hour=900)
    (offer,) = built(facts(deliveries=[delivery()], sites=[site()], shifts=[longer])).shifts
    assert (offer.until_s - offer.end_s, offer.cost.per_overtime_hour) == (1800, 900_000)


def test_a_door_that_takes_late_goods_says_how_late_and_at_what_price() -> None:
    door = site(windows=(WallWindow(opens="07:00", closes="10:00"),), late_s=900, late_per_minute=50)
    (visit,) = built(facts(deliveries=[delivery()], sites=[door])).visits
    (window,) = visit.windows
    assert (window.late_s, visit.late_per_hour) == (900, 60 * 50_000)
    # Where no hours are given there is nothing to be late for.
    (always,) = built(facts(deliveries=[delivery()], sites=[site(late_s=900, late_per_minute=50)])).visits
    assert always.windows[0].late_s == 0


def test_a_door_names_the_drivers_who_know_it_and_what_another_costs() -> None:
    door = site(known_to=("DR-1",), stranger_price=250)
    vans = [shift(key, driver_number=number) for key, number in ((1, "DR-1"), (2, "DR-2"))]
    nobody_yet = replace(shift(3), driver=None)
    day = facts(deliveries=[delivery()], sites=[door], shifts=[*vans, nobody_yet])
    assert built(day).visits[0].strangers == ((2, 250_000),)
    everybody = facts(deliveries=[delivery()], sites=[site(stranger_price=250)], shifts=vans)
    assert built(everybody).visits[0].strangers == ()


def test_a_van_off_its_run_has_its_price_as_the_company_holds_to_runs() -> None:
    vans = [shift(key, van={"number": f"V-{key}"}) for key in (1, 2, 3)]
    door = site(run="V-1", zone_runs=("V-1", "V-2"), known_to=("DR-9",), stranger_price=3)

    def owed(mode: str, *shifts: Shift, **of_door: Any) -> tuple[Any, Any]:
        prices = PlanPrices(runs=mode, off_run=2000)
        day = facts(deliveries=[delivery()], sites=[replace(door, **of_door)], shifts=shifts or vans, prices=prices)
        (visit,) = built(day).visits
        assert visit.shifts is None
        return visit.strangers, visit.off_run

    strange, dear = 3_000, 2_003_000
    off = 2_000_000
    assert owed("free") == (((1, strange), (2, strange), (3, strange)), ())
    assert owed("zones") == (((1, strange), (2, strange), (3, dear)), ((3, off),))
    assert owed("sequence") == (((1, strange), (2, dear), (3, dear)), ((2, off), (3, off)))
    # Who is not there, or named nowhere, is not waited for.
    away = shift(1, van={"number": "V-1", "available": False})
    assert owed("sequence", away, *vans[1:]) == (((2, strange), (3, strange)), ())
    assert owed("sequence", run="", zone_runs=()) == owed("free")
    assert owed("sequence", run="V-77") == owed("free")


def test_who_may_not_come_is_not_waited_for_on_its_run() -> None:
    vans = [shift(key, van={"number": f"V-{key}"}) for key in (1, 2)]
    prices = PlanPrices(runs="sequence", off_run=2000)
    (visit,) = built(facts(sites=[site(run="V-1", vehicles=("V-2",))], shifts=vans, prices=prices)).visits
    assert (visit.strangers, visit.off_run) == ((), ())


def test_a_stop_on_the_list_of_one_driver_has_its_price_with_another() -> None:
    vans = [shift(key, van={"reload_minutes": 20, "most_trips": 2}) for key in (1, 2)]
    first = Listed(driver_id=1, day=DAY)

    def owed(*shifts: Shift, change: int = 1000, known: bool = True, mine: Listed | None = first) -> tuple[Any, Any]:
        door = site(**({} if known else {"known_to": ("DR-9",), "stranger_price": 3}))
        one = delivery(listed=mine)
        (made,) = built(
            facts(deliveries=[one], sites=[door], shifts=shifts or vans, prices=PlanPrices(change=change))
        ).visits
        return made.strangers, made.changed

    dear = ((2, 1_000_000),)
    assert owed() == (dear, dear)
    assert owed(known=False) == (((1, 3_000), (2, 1_003_000)), dear)
    assert owed(change=0) == ((), ())
    assert owed(mine=None) == ((), ())
    # Whose list it is, with another van too; not on another day, nor where that driver is out or the van does not fit.
    assert owed(*vans, replace(shift(3), driver=vans[0].driver)) == (dear, dear)
    assert owed(vans[0], shift(2, day="2026-05-13")) == (dear, dear)
    assert owed(replace(vans[0], state="replaced"), vans[1]) == ((), ())


def test_what_rides_owes_nothing_for_the_list_that_it_is_on() -> None:
    vans = [shift(key) for key in (1, 2)]
    one = delivery(state="dispatched", listed=Listed(driver_id=1, day=DAY))
    riding = (Riding(delivery_id=1, shift_id=2, position=0, state="dispatched"),)
    (made,) = built(facts(deliveries=[one], shifts=vans, riding=riding, prices=PlanPrices(change=1000))).visits
    assert (made.strangers, made.changed) == ((), ())


# ---------------------------------------------------------------------------- windows


def window(opens: str, closes: str, **values: Any) -> WallWindow:
    return WallWindow(opens=opens, closes=closes, **values)


def windows(day: DayFacts) -> list[tuple[str, str]]:
    problem = built(day)
    (visit,) = problem.visits
    return [(clock(problem, each.start_s), clock(problem, each.end_s)) for each in visit.windows]


def test_begin_by_binds_the_start_and_finish_by_leaves_time_for_the_work() -> None:
    work = {"service_s": 600, "parking_s": 300}
    begin = site(windows=(window("08:00", "11:00"),), **work)
    finish = site(windows=(window("08:00", "11:00", kind="finish_by"),), **work)
    assert windows(facts(sites=[begin])) == [("05:00", "08:00")]
    assert windows(facts(sites=[finish])) == [("05:00", "07:45")]


def test_the_order_s_hours_hold_together_with_the_door_s() -> None:
    door = site(windows=(window("08:00", "11:00"), window("13:00", "15:00")))
    order = {"windows": (window("10:00", "14:00"),)}
    assert windows(facts(sites=[door], deliveries=[delivery(order=order)])) == [("07:00", "08:00"), ("10:00", "11:00")]


def test_hours_of_another_weekday_do_not_count() -> None:
    door = site(windows=(window("08:00", "09:00", weekdays=("mon",)), window("10:00", "11:00", weekdays=("tue",))))
    assert windows(facts(sites=[door])) == [("07:00", "08:00")]


def test_the_site_s_own_zone_reads_its_hours() -> None:
    assert windows(facts(sites=[site(zone="Europe/Stockholm", windows=(window("08:00", "09:00"),))])) == [
        ("06:00", "07:00")
    ]


def test_work_longer_than_the_hours_is_a_window_too_short() -> None:
    door = site(windows=(window("08:00", "08:10", kind="finish_by"),), service_s=1200)
    assert only_reason(facts(sites=[door])) is Reason.WINDOW_TOO_SHORT


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-05-12", 24)])
def test_a_day_with_a_jump_of_the_clock_keeps_its_true_length(day: str, hours: int) -> None:
    problem = built(facts(from_day=day, to_day=day, deliveries=[delivery(for_day=day)], shifts=[shift(day=day)]))
    assert problem.visits[0].windows == (Window(start_s=0, end_s=hours * 3600 - 1),)
    starts = problem.epoch + timedelta(seconds=problem.shifts[0].start_s)
    assert (starts.astimezone(UTC).hour, problem.shifts[0].end_s - problem.shifts[0].start_s) == (
        5 if day == "2026-10-25" else 4,
        8 * 3600,
    )


# ---------------------------------------------------------------------------- left out before solving


def test_each_thing_that_stands_in_the_way_has_its_own_reason() -> None:
    unsure = site(pin_quality=PinQuality.APPROXIMATE, pin_why="Number 9999 is not known.")
    assert only_reason(facts(sites=[unsure])) is Reason.ADDRESS_IN_REVIEW
    assert only_reason(facts(deliveries=[delivery(order={"hold_reason": "credit"})])) is Reason.ON_HOLD
    assert only_reason(facts(deliveries=[delivery(order={"payment": "pending"})])) is Reason.ON_HOLD
    assert only_reason(facts(sites=[site(payment_hold="overdue")])) is Reason.ON_HOLD
    assert only_reason(facts(deliveries=[delivery(waits_for="customer")])) is Reason.ON_HOLD
    assert only_reason(facts(sites=[site(delivery_days=("mon",))])) is Reason.CLOSED_THAT_DAY
    assert only_reason(facts(deliveries=[delivery(order={"not_before": "2026-05-13"})])) is Reason.CLOSED_THAT_DAY
    assert only_reason(facts(deliveries=[delivery(order={"not_after": "2026-05-11"})])) is Reason.WINDOW_UNREACHABLE
    late = delivery(oldest_ordered_at=NOW)
    assert only_reason(facts(deliveries=[late], sites=[site(cut_off="16:00")])) is Reason.AFTER_CUT_OFF
    assert only_reason(facts(deliveries=[delivery(ready_at=NOW + timedelta(days=1))])) is Reason.NOT_READY
    assert only_reason(facts(deliveries=[delivery(goods={"weight_g": None})])) is Reason.MISSING_WEIGHT
    assert only_reason(facts(), off_road=frozenset({1})) is Reason.NO_ROAD
    assert only_reason(facts(shifts=[])) is Reason.CAPACITY
    out = LockFacts(delivery_id=1, shift_id=None, by="Dispatcher 1")
    assert only_reason(facts(locks=(out,))) is Reason.LOCKED_BY_YOU


def test_a_holiday_of_the_company_closes_every_door() -> None:
    holiday = CalendarFacts(scope="company", scope_id=0, weekdays=("tue",), days=((DAY, False, "May holiday"),))
    assert only_reason(facts(calendars=(holiday,))) is Reason.CLOSED_THAT_DAY


def test_a_redelivery_knows_no_cut_off() -> None:
    again = delivery(oldest_ordered_at=NOW, attempts=1)
    assert len(built(facts(deliveries=[again], sites=[site(cut_off="16:00")])).visits) == 1


def test_goods_that_come_at_ten_are_ready_at_ten() -> None:
    problem = built(facts(deliveries=[delivery(ready_at=datetime(2026, 5, 12, 7, 0, tzinfo=UTC))]))
    assert clock(problem, problem.visits[0].ready_s or 0) == "07:00"


# ---------------------------------------------------------------------------- who may


def test_a_van_that_does_not_fit_is_shut_out_by_access_and_a_bike_needs_no_height() -> None:
    shifts = [
        shift(1, van={"height_cm": 310}), shift(2, van={"height_cm": 240}), shift(3), shift(4, van={"profile": "bike"}),
    ]  # fmt: skip
    (visit,) = built(facts(sites=[site(max_height_cm=250)], shifts=shifts)).visits
    assert visit.shifts == frozenset({2, 4})
    assert visit.why_not == ((1, Reason.ACCESS), (3, Reason.ACCESS))


def test_a_door_that_names_its_vehicles_shuts_the_others_out_but_not_what_rides_already() -> None:
    vans = [shift(key, van={"number": f"V-{key}"}) for key in (1, 2, 3)]
    day = facts(sites=[site(vehicles=("V-1", "V-3"))], shifts=vans)
    (visit,) = built(day).visits
    assert (visit.shifts, visit.why_not) == (frozenset({1, 3}), ((2, Reason.ACCESS),))
    on_two = built(replace(day, riding=(Riding(delivery_id=1, shift_id=2, position=0, state="loaded"),)))
    assert on_two.visits[0].shifts == frozenset({2})
    assert built(facts(shifts=vans)).visits[0].shifts is None
    # A size holds beside it.
    low = site(vehicles=("V-1", "V-3"), max_height_cm=250)
    heights = [shift(key, van={"number": f"V-{key}", "height_cm": 240 + 10 * key}) for key in (1, 2, 3)]
    assert built(facts(sites=[low], shifts=heights)).visits[0].shifts == frozenset({1})


def test_the_hours_of_a_street_bind_motor_vehicles_so_that_they_are_gone_when_it_closes() -> None:
    """06:00-10:00 on the wall clock, and the door takes 5 minutes: begun by 9:55."""
    street = site(motor_hours=(window("06:00", "10:00", kind="finish_by"),))
    vans = [shift(1), shift(2, van={"profile": "cargo_bike"})]
    problem = built(facts(sites=[street], shifts=vans))
    (visit,) = problem.visits
    (driven,) = visit.motor_windows
    assert (clock(problem, driven.start_s), clock(problem, driven.end_s)) == ("03:00", "06:55")
    assert [offer.motor for offer in problem.shifts] == [True, False]
    assert visit.shifts is None
    # Where they are too short for the work, no motor vehicle may come, and it is access that says so.
    short = site(motor_hours=(window("06:00", "06:04", kind="finish_by"),))
    (visit,) = built(facts(sites=[short], shifts=vans)).visits
    assert (visit.shifts, visit.why_not) == (frozenset({2}), ((1, Reason.ACCESS),))
    assert visit.motor_windows[0].end_s < 0  # nor may another van that is put there later
    on_board = (Riding(delivery_id=1, shift_id=1, position=0, state="loaded"),)
    assert built(facts(sites=[short], shifts=vans, riding=on_board)).visits[0].motor_windows == ()


def test_a_crew_too_small_is_shut_out() -> None:
    (visit,) = built(facts(sites=[site(crew=2)], shifts=[shift(1), shift(2, crew=2)])).visits
    assert (visit.shifts, visit.why_not) == (frozenset({2}), ((1, Reason.CREW),))


def test_skills_of_van_and_driver_add_up() -> None:
    day = facts(
        sites=[site(skills=("cold", "tail_lift"))],
        shifts=[shift(van={"skills": ("cold",)}, driver_skills=("tail_lift",))],
    )
    problem = built(day)
    assert problem.visits[0].skills <= problem.shifts[0].skills


def test_only_shifts_of_the_delivery_s_own_depot_may_bring_it() -> None:
    two = depot(id=2, name="Depot 2", location=Location(lat=60.2, lon=24.9))
    problem = built(facts(depots=(depot(), two), shifts=[shift(1), shift(2, depot_id=2)]))
    assert problem.visits[0].shifts == frozenset({1})
    assert [offer.start for offer in problem.shifts] == [0, 1]


def test_who_is_out_is_not_offered() -> None:
    gone = Driver(id=9, name="Driver 9", depot_id=1, available=False)
    shifts = [shift(1), shift(2, state="out"), shift(3, van={"available": False}), shift(4, driver=gone)]
    assert [offer.id for offer in built(facts(shifts=shifts)).shifts] == [1]


def test_breaks_costs_and_night_shifts_become_absolute() -> None:
    night = shift(
        starts="22:00", ends="06:00", breaks=(ShiftBreak(id=7, duration_s=1800, earliest="01:00", latest="02:00"),),
        cost_fixed=100, cost_per_hour=3000, cost_per_km=50, cost_per_stop=350,
    )  # fmt: skip
    (offer,) = built(facts(shifts=[night])).shifts
    assert offer.end_s - offer.start_s == 8 * 3600
    assert offer.breaks[0].windows[0].start_s - offer.start_s == 3 * 3600
    assert (offer.cost.fixed, offer.cost.per_hour, offer.cost.per_km) == (100_000, 3_000_000, 50_000)
    assert offer.cost.per_stop == 350_000


def test_a_van_still_empty_after_its_shift_began_leaves_now_at_the_earliest() -> None:
    def starts(*, riding: tuple[Riding, ...] = ()) -> str:
        day = facts(riding=riding)
        n = len(places_of(day))
        zero = np.zeros((n, n), dtype=np.int64)
        table = TravelTable(
            durations_s=zero, distances_m=zero, snapped_m=np.zeros(n, dtype=np.int64), engine="osrm", build="b1"
        )
        problem = build_problem(day, {"car": table}, now=datetime(2026, 5, 12, 8, 20, tzinfo=UTC))
        return clock(problem, problem.shifts[0].start_s)

    assert starts() == "08:20"
    assert starts(riding=(Riding(delivery_id=1, shift_id=1, position=0, state="loaded"),)) == "04:00"


def test_driver_hours_that_nobody_knows_are_refused() -> None:
    odd = Driver(id=1, name="Driver 1", depot_id=1, rule_set="moon")
    with pytest.raises(InvalidInput, match="Choose one of"):
        built(facts(shifts=[shift(driver=odd)]))


def test_a_depot_without_a_pin_is_refused_with_the_mend() -> None:
    with pytest.raises(InvalidInput, match="Set its pin under Addresses"):
        built(facts(depots=(depot(location=None),)))


# ---------------------------------------------------------------------------- locks and what rides


def test_a_lock_to_a_shift_that_stays_home_leaves_the_delivery_out() -> None:
    lock = LockFacts(delivery_id=1, shift_id=99)
    assert only_reason(facts(locks=(lock,))) is Reason.LOCKED_BY_YOU


def test_what_rides_keeps_its_van_and_what_happened_its_turn() -> None:
    deliveries = [delivery(1, state="done"), delivery(2, state="dispatched", order={"hold_reason": "late hold"})]
    riding = (
        Riding(delivery_id=1, shift_id=1, position=0, state="done"),
        Riding(delivery_id=2, shift_id=1, position=1, state="dispatched"),
    )
    problem = built(facts(deliveries=deliveries, riding=riding, shifts=[shift(1, state="out"), shift(2)]))
    assert [(lock.visit, lock.shift, lock.position, lock.done) for lock in problem.locks] == [
        (1, 1, 0, True), (2, 1, 1, False),
    ]  # fmt: skip
    assert [visit.shifts for visit in problem.visits] == [frozenset({1})] * 2


def test_a_van_that_is_out_takes_nothing_new_and_one_that_is_only_loaded_may() -> None:
    deliveries = [delivery(1, state="dispatched"), delivery(2, state="loaded"), delivery(3)]
    riding = (
        Riding(delivery_id=1, shift_id=1, position=0, state="dispatched"),
        Riding(delivery_id=2, shift_id=2, position=0, state="loaded"),
    )
    problem = built(facts(deliveries=deliveries, riding=riding, shifts=[shift(1), shift(2), shift(3)]))
    newcomer = next(visit for visit in problem.visits if visit.id == 3)
    assert newcomer.shifts == frozenset({2, 3})
    assert newcomer.why_not == ((1, Reason.AFTER_CUT_OFF),)


AGAIN = {"most_trips": 2, "reload_minutes": 30}


def test_a_van_that_may_reload_makes_as_many_trips_as_its_vehicle_says_if_it_is_at_the_depot_at_both_ends() -> None:
    twice, anywhere = shift(1, van=AGAIN), shift(2, van=AGAIN, end_place="anywhere")
    offers = built(facts(shifts=[twice, anywhere, shift(3)])).shifts
    assert [(each.most_trips, each.reload_s, each.trips_out) for each in offers] == [
        (2, 1800, 0), (1, 1800, 0), (1, 0, 0),
    ]  # fmt: skip


def test_a_van_that_is_out_and_comes_back_takes_what_is_ordered_now_on_its_next_trip() -> None:
    """Its list stays as it is, on board of the trip it was loaded for; what is new cannot leave before now."""
    deliveries = [delivery(1, state="done"), delivery(2, state="dispatched"), delivery(3)]
    riding = (
        Riding(delivery_id=1, shift_id=1, position=0, state="done"),
        Riding(delivery_id=2, shift_id=1, position=1, state="dispatched"),
    )
    problem = built(facts(deliveries=deliveries, riding=riding, shifts=[shift(1, van=AGAIN), shift(2)]))
    assert [(lock.visit, lock.position, lock.done, lock.trip) for lock in problem.locks] == [
        (1, 0, True, 0), (2, 1, False, 0),
    ]  # fmt: skip
    assert problem.shifts[0].trips_out == 1
    newcomer = problem.visits[2]
    assert (newcomer.shifts, newcomer.why_not) == (None, ())
    assert newcomer.ready_s == max(0, round((NOW - problem.epoch).total_seconds()))
    # The second trip has left too: now it takes nothing more.
    gone = (*riding[:1], replace(riding[1], trip=1))
    last = built(facts(deliveries=deliveries, riding=gone, shifts=[shift(1, van=AGAIN), shift(2)]))
    assert last.visits[2].shifts == frozenset({2})
    assert last.visits[2].why_not == ((1, Reason.AFTER_CUT_OFF),)


# ---------------------------------------------------------------------------- nothing drops silently

deliveries_of_any_kind = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "attempts": st.integers(0, 3),
            "direction": st.sampled_from(["deliver", "collect"]),
            "waits_for": st.sampled_from(["", "customer", "address"]),
            "for_day": st.sampled_from(["", "2026-05-01", DAY, "2026-05-13"]),
            "ready_at": st.none() | st.integers(0, 72).map(lambda hours: NOW + timedelta(hours=hours - 24)),
            "depot_id": st.sampled_from([1, 2]),
            "site_id": st.integers(1, 6),
            "goods": st.fixed_dictionaries({"weight_g": st.sampled_from([None, 0, 10])}),
            "order": st.fixed_dictionaries(
                {},
                optional={
                    "not_before": st.sampled_from(["", "2026-05-12", "2026-05-20"]),
                    "not_after": st.sampled_from(["", "2026-05-01", "2026-05-12"]),
                    "hold_reason": st.sampled_from(["", "credit"]),
                },
            ),
        },
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(kinds=deliveries_of_any_kind, locked=st.dictionaries(st.integers(1, 12), st.sampled_from([None, 1, 2, 99])))
def test_every_delivery_comes_out_exactly_once(kinds: list[dict[str, Any]], locked: dict[int, int | None]) -> None:
    deliveries = [delivery(key, **{"site_id": 1, **kind}) for key, kind in enumerate(kinds, 1)]
    sites = [
        site(1), site(2, pin_quality=PinQuality.NOT_FOUND, location=None), site(3, delivery_days=("mon",)),
        site(4, windows=(window("08:00", "08:05", kind="finish_by"),)), site(5, max_height_cm=200), site(6, crew=3),
    ]  # fmt: skip
    day = facts(
        deliveries=deliveries,
        sites=sites,
        depots=(depot(), depot(id=2, name="Depot 2")),
        shifts=[shift(1), shift(2, crew=2)],
        locks=tuple(LockFacts(delivery_id=key, shift_id=to) for key, to in sorted(locked.items())),
    )
    problem = built(day, off_road=frozenset())
    came_out = sorted([visit.id for visit in problem.visits] + [gone.visit for gone in problem.excluded])
    assert came_out == [each.id for each in deliveries]
    assert all(gone.reasons and gone.detail for gone in problem.excluded)
    assert {lock.visit for lock in problem.locks} <= {visit.id for visit in problem.visits}


def test_a_truck_that_gets_to_a_door_but_not_back_is_told_by_its_reason() -> None:
    """Depot 0, door 1. The van drives both ways; for the truck there is no way back: it may not take the door."""
    day = facts(shifts=(shift(1, van={"profile": "van"}), shift(2, van={"profile": "truck"})))

    def table(there: int, back: int) -> TravelTable:
        seconds = np.array([[0, there], [back, 0]], dtype=np.int64)
        near = np.zeros(2, dtype=np.int64)
        return TravelTable(durations_s=seconds, distances_m=seconds, snapped_m=near, engine="osrm", build="b1")

    (visit,) = build_problem(day, {"van": table(60, 60), "truck": table(60, -1)}, now=NOW).visits
    assert visit.shifts == frozenset({1})
    assert visit.why_not == ((2, Reason.NO_ROAD),)
