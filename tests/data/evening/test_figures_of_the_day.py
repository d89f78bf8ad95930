"""Figures small enough to be counted by hand: three doors from 08:00, one every 20 minutes, told 08:00-08:30."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest

from data import tables
from data.exporters.results import COLUMNS, write_results
from data.queries.attempts import deliveries_of, door_ratios
from data.queries.day_figures import DayFigures, day_figures
from data.queries.results import day_results
from routing.errors import NotFound
from routing.model.proofs import Outcome
from routing.rules.figures.figure import Ratio
from tests.evening import Driven
from tests.rounds import DAY, SIX, row


def figures(driven: Driven) -> DayFigures:
    with driven.database.reading() as connection:
        return day_figures(connection, day=DAY)


def of(numerator: float, denominator: float) -> Ratio:
    return Ratio(numerator=numerator, denominator=denominator)


def test_a_delivery_of_which_nothing_came_back_counts_among_those_that_were_told(driven: Driven) -> None:
    driven.says(0, arrived=2, minutes=9)
    driven.says(1, Outcome.NOT_HOME, arrived=5, minutes=15)
    driven.says(2, arrived=0, minutes=3)
    before = figures(driven)
    driven.closes(0, missing_is_sure=True)
    after = figures(driven)
    for name in ("otif", "on_time", "in_full"):
        assert after.ratios[name] == before.ratios[name]
        assert after.ratios[name].denominator == 3
    assert (after.untold, after.customer_caused) == (before.untold, before.customer_caused)


def test_each_figure_is_what_a_hand_would_count(driven: Driven) -> None:
    driven.says(0, arrived=2, minutes=9)  # 08:02 to 08:09: on time, in full
    driven.says(1, arrived=5, minutes=15, delivered=10, short=2)  # 08:25 to 08:35: on time, two short
    driven.says(2, Outcome.NOT_HOME, arrived=0, minutes=3)  # 08:40: after 08:30
    found = figures(driven)
    assert found.ratios["in_full"] == of(1, 3)
    assert found.ratios["on_time"] == of(2, 3)
    assert found.ratios["otif"] == of(1, 3)
    assert found.ratios["first_attempt"] == of(2, 3)
    assert (found.deliveries, found.open, found.untold, found.customer_caused) == (3, 0, 0, 1)
    # On duty from 06:00 to one hour after 09:00.
    assert found.ratios["stops_per_hour"] == of(3, 4)
    assert found.planned_drive_s == 3 * 720
    assert (found.planned_service_s, found.planned_wait_s) == (3 * 480, 0)
    # At the doors 7, 10 and 3 minutes where 8 were planned; between them 16 and 5 minutes where 12 were.
    assert (found.at_doors.actual_s, found.at_doors.planned_s, found.at_doors.known) == (1200, 1440, 3)
    assert (found.between_doors.actual_s, found.between_doors.planned_s, found.between_doors.known) == (1260, 1440, 2)


def test_early_is_not_on_time_but_who_waits_for_the_window_is(driven: Driven) -> None:
    driven.says(0, arrived=-20, minutes=-10)  # gone again at 07:50
    driven.says(1, arrived=-30, minutes=-18)  # there at 07:50, handed over at 08:02
    found = figures(driven)
    assert found.ratios["on_time"] == of(1, 3)
    assert found.open == 1


def test_a_window_told_again_on_the_road_makes_nobody_punctual(driven: Driven) -> None:
    with driven.database.writing() as connection:
        row(
            connection, tables.promise, order_line_id=driven.round.stops[2].order_line_id, version=2, promised_on=DAY,
            window_from="08:40", window_to="09:10", why="the van is late", by="test",
            made_at=SIX + timedelta(hours=2),
        )  # fmt: skip
    driven.says(2, arrived=5, minutes=9)  # 08:45
    assert figures(driven).ratios["on_time"] == of(0, 3)


def test_who_was_told_no_window_is_in_no_share_of_on_time(driven: Driven) -> None:
    with driven.database.writing() as connection:
        connection.execute(
            tables.promise.delete().where(tables.promise.c.order_line_id == driven.round.stops[0].order_line_id)
        )
    driven.says(0)
    found = figures(driven)
    assert (found.untold, found.ratios["otif"], found.ratios["in_full"]) == (1, of(0, 2), of(1, 3))


@pytest.mark.parametrize(
    ("statuses", "base"), [(("failed", "withheld"), 2), (("failed", "sent"), 3), (("waiting",), 2)]
)
def test_who_was_told_by_messages_that_never_left_is_in_no_share_of_on_time(
    driven: Driven, statuses: tuple[str, ...], base: int
) -> None:
    """What still waits when the van was at the door is withheld then: it comes too late."""
    with driven.database.writing() as connection:
        for n, status in enumerate(statuses):
            row(
                connection, tables.notice, kind="window_scheduled", subject_kind="delivery",
                subject_id=driven.round.stops[0].delivery_id, occurrence="1", recipient=f"goods-in{n}@cafe.example",
                channel="email", language="en", data={"day": DAY, "window_from": "08:00", "window_to": "08:30"},
                made_at=SIX, status=status,
            )  # fmt: skip
    driven.says(0)
    found = figures(driven)
    assert (found.untold, found.ratios["otif"].denominator, found.ratios["in_full"]) == (3 - base, base, of(1, 3))


def test_nobody_going_there_is_no_attempt_and_no_visit(driven: Driven) -> None:
    driven.says(0)
    driven.says(1, Outcome.NOT_ATTEMPTED)
    found = figures(driven)
    assert found.ratios["first_attempt"] == of(1, 1)
    assert found.ratios["stops_per_hour"].numerator == 1
    assert found.ratios["on_time"] == of(1, 3)


def test_a_vans_fullest_moment_is_measured_where_it_is_fullest(driven: Driven) -> None:
    with driven.database.writing() as connection:
        connection.execute(tables.vehicle.update().values(weight_g=100_000, pieces=40, volume_cm3=0))
    (peak,) = figures(driven).peaks
    # 36 × 1050 g of 100 kg are 38 %, 36 of 40 pieces are 90 %; volume is not limited.
    assert (peak.dimension, peak.most, peak.capacity) == ("pieces", 36, 40)


def test_what_was_left_out_is_counted_by_its_first_reason(driven: Driven) -> None:
    with driven.database.writing() as connection:
        row(
            connection, tables.current_plan, depot_id=driven.round.depot_id, day=DAY, plan_id=driven.round.plan_id,
            state="dispatched",
        )  # fmt: skip
        row(
            connection, tables.unassigned, plan_id=driven.round.plan_id, delivery_id=driven.round.stops[0].delivery_id,
            reasons=["capacity", "skills"],
        )  # fmt: skip
    found = figures(driven)
    assert (found.left_out, found.ratios["left_out"]) == ({"capacity": 1}, of(1, 4))


def test_a_day_that_is_not_driven_yet_missed_nothing(driven: Driven) -> None:
    before = figures(driven)
    assert (before.deliveries, before.open) == (3, 3)
    assert {before.ratios[key].value for key in ("otif", "in_full", "on_time", "first_attempt", "stops_per_hour")} == {
        None
    }
    driven.says(1, Outcome.NOT_HOME)
    after = figures(driven)
    assert (after.open, after.ratios["in_full"]) == (2, of(0, 3))


def test_of_several_days_the_one_that_is_not_driven_yet_missed_nothing_either(driven: Driven) -> None:
    driven.says(0, arrived=2, minutes=9)
    with driven.database.reading() as connection:
        today = deliveries_of(connection, first=DAY, last=DAY)
    tomorrow = [replace(each, day="2999-01-01", attempt=None) for each in today]
    assert door_ratios([*today, *tomorrow]) == door_ratios(today)
    assert door_ratios(today)["in_full"] == of(1, 3)


def test_a_day_on_which_nothing_went_out_has_no_figures_and_no_results(driven: Driven) -> None:
    with driven.database.reading() as connection:
        with pytest.raises(NotFound, match="Nothing was dispatched on Wed 13 May 2026"):
            day_figures(connection, day="2026-05-13")
        with pytest.raises(NotFound, match="no results"):
            day_results(connection, day="2026-05-13")


# ---------------------------------------------------------------------------- results


def test_the_results_say_what_became_of_each_line_by_its_own_references(driven: Driven) -> None:
    driven.says(0, delivered=7, short=2, damaged=2, refused=1)
    driven.says(1, Outcome.NOT_HOME)
    with driven.database.reading() as connection:
        first, second, third = day_results(connection, day=DAY, address_of=lambda link_id: f"link/{link_id}")
    assert (first.order, first.line, first.customer_reference, first.sku) == ("SO-1-1", "1", "PO-1-1", "SKU1")
    assert (first.ordered, first.sent, first.delivered, first.short, first.damaged, first.refused) == (
        12,
        12,
        7,
        2,
        2,
        1,
    )
    assert (first.open, first.outcome, first.recipient) == (4, "partly_delivered", "Goods-in 1")
    assert first.proof_link.startswith("link/")
    assert (second.delivered, second.returned, second.open, second.outcome) == (0, 12, 12, "not_home")
    assert [each.day for each in (first, second, third)] == [DAY] * 3
    assert (first.returned, third.returned) == (0, 0)
    assert (third.outcome, third.at, third.proof_link) == ("", None, "")


def test_the_results_file_reads_back_as_it_was_and_runs_no_formula(driven: Driven) -> None:
    hostile = '=HYPERLINK("http://example.com","ä, ö")\nsecond line'
    with driven.database.writing() as connection:
        connection.execute(tables.order.update().values(customer_reference=hostile, erp_reference="'quoted"))
    driven.says(0)
    with driven.database.reading() as connection:
        results = day_results(connection, day=DAY)
    out = io.BytesIO()
    assert write_results(out, results, format="csv") == 3
    content = out.getvalue()
    assert content.startswith(b"\xef\xbb\xbforder,line,")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [tuple(each) for each in rows] == [COLUMNS] * 3
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for each in rows for cell in each.values())
    for each, result in zip(rows, results, strict=True):
        assert each["customer_reference"].removeprefix("'") == hostile
        assert each["erp_reference"].removeprefix("'") == "'quoted"
        for name in ("ordered", "sent", "delivered", "open"):
            assert int(each[name]) == getattr(result, name)
    assert rows[0]["at"] == "2026-05-12T08:05:00+03:00"
