"""The reorder point and its parts, on numbers checked by hand."""

import pytest

from routing.rules.replenishment import (
    Demand,
    LeadTime,
    empirical_reorder_point,
    inventory_position,
    reorder_point,
    safety_stock,
    service_factor,
)

DEMAND = Demand(mean=10, deviation=2)
LEAD = LeadTime(days=5, deviation=0.8, review_days=4)


def test_safety_stock_covers_both_uncertain_demand_and_uncertain_lead_time() -> None:
    assert safety_stock(DEMAND, LEAD, 2) == pytest.approx(20)


def test_the_reorder_point_is_the_demand_of_the_protected_days_and_the_safety_stock() -> None:
    assert reorder_point(DEMAND, LEAD, 2) == pytest.approx(110)


def test_the_service_factor_is_that_of_the_normal_distribution() -> None:
    assert service_factor(0.95) == pytest.approx(1.6449, abs=1e-4)


@pytest.mark.parametrize("share", [0, 1, -0.1, 95])
def test_a_cycle_service_that_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="above 0 and below 1"):
        service_factor(share)


@pytest.mark.parametrize(("share", "units"), [(0.2, 0), (0.6, 4), (0.61, 6), (0.99, 6)])
def test_intermittent_demand_takes_the_quantity_that_covered_that_share_of_runs(share: float, units: int) -> None:
    assert empirical_reorder_point([0, 0, 6, 0, 0, 4], 2, share) == units


def test_a_history_shorter_than_one_run_is_refused_with_what_is_there_and_needed() -> None:
    with pytest.raises(ValueError, match="There are 3 days of demand; 9 are needed"):
        empirical_reorder_point([1, 0, 2], 9, 0.95)


def test_the_inventory_position_counts_open_demand_against_what_is_coming() -> None:
    assert inventory_position(on_hand=60, allocated=40, on_order=96, unallocated=30) == 86
    assert inventory_position(on_hand=0, allocated=0, on_order=0, unallocated=5) == -5
