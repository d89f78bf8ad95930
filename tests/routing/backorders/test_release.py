"""What may go out for a day, and the word for each reason that it may not."""

from __future__ import annotations

from typing import Any

import pytest

from routing.model.orders import Completeness, DeliveryDays, OrderTerms
from routing.rules.policies import TERMS
from routing.rules.release import WORDS, NotReleased, ReleaseLine, ReleaseOrder, judge

TUESDAY = "2026-05-12"


def order(*lines: tuple[int, int], **values: Any) -> ReleaseOrder:
    """An order of (needed, ready) lines; `values` are of the order, or terms of it."""
    terms = {name: values.pop(name) for name in set(TERMS) & values.keys()}
    return ReleaseOrder(
        **{
            "id": 1, "number": "SO-1", "terms": OrderTerms(**terms), "ordered_on": "2026-05-04",
            "lines": tuple(
                ReleaseLine(id=n, needed=needed, committed=0, ready=ready, price=100)
                for n, (needed, ready) in enumerate(lines, start=1)
            ),
        } | values
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (order((10, 10), hold_reason="credit"), NotReleased.ON_HOLD),
        (order((10, 10), payment_pending=True), NotReleased.PAYMENT),
        (order((10, 10), customer_payment_hold="limit"), NotReleased.CUSTOMER_PAYMENT),
        (order((10, 0)), NotReleased.WAITS_FOR_STOCK),
        (order((10, 10), (5, 4), completeness=Completeness.COMPLETE), NotReleased.INCOMPLETE),
        (order((10, 9), (5, 4), completeness=Completeness.PER_LINE), NotReleased.LINE_INCOMPLETE),
        (order((10, 6), min_percent=70), NotReleased.BELOW_MIN_PERCENT),
        (order((10, 6), min_value=700), NotReleased.BELOW_MIN_VALUE),
        (order((10, 6), max_shipments=2, shipments=1), NotReleased.LAST_SHIPMENT),
        (order((10, 10), wanted_on="2026-05-13"), NotReleased.NOT_YET),
        (order((10, 10), not_before="2026-05-13"), NotReleased.NOT_YET),
        (order((10, 10), not_after="2026-05-11"), NotReleased.TOO_LATE),
    ],
)
def test_an_order_stays_for_one_named_reason(given: ReleaseOrder, reason: NotReleased) -> None:
    verdict = judge(given, for_day=TUESDAY, days=DeliveryDays())
    assert (verdict.reasons, verdict.units) == ((reason,), ())
    assert verdict.sentence.startswith("Order SO-1 stays: ")
    assert WORDS[reason] in verdict.sentence


def test_a_site_is_served_on_its_days_only() -> None:
    verdict = judge(order((10, 10)), for_day="2026-05-16", days=DeliveryDays())
    assert verdict.reasons == (NotReleased.CLOSED_THAT_DAY,)


@pytest.mark.parametrize(
    ("given", "units"),
    [
        (order((10, 6)), ((1, 6),)),
        (order((10, 6), min_percent=60), ((1, 6),)),
        (order((10, 10), (5, 4), completeness=Completeness.PER_LINE), ((1, 10),)),
        (order((10, 10), (5, 5), completeness=Completeness.COMPLETE), ((1, 10), (2, 5))),
        (order((2, 2), min_percent=100, min_value=9_000, max_shipments=1), ((1, 2),)),
        (order((10, 1), completeness=Completeness.COMPLETE, max_wait_days=8), ((1, 1),)),
        (order((10, 12)), ((1, 10),)),
    ],
)
def test_of_an_order_that_may_go_its_terms_say_which_units(
    given: ReleaseOrder, units: tuple[tuple[int, int], ...]
) -> None:
    assert judge(given, for_day=TUESDAY, days=DeliveryDays()).units == units


def test_every_reason_has_its_words() -> None:
    assert set(WORDS) == set(NotReleased)
