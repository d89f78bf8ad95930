"""What of a track was driving: gaps, slips, doors and breaks are left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as some

from routing.model.places import Location
from routing.rules.learnt_speeds import DrivenLeg
from routing.rules.tracks import FASTEST_M_S, LONGEST_GAP, Fix, not_tracked, pieces

EIGHT = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


def east(minute: float, at_m: float, sure_m: float | None = 8.0) -> Fix:
    return Fix(at=EIGHT + timedelta(minutes=minute), location=Location(lat=0.0, lon=at_m / 111_195), accuracy_m=sure_m)


def minutes(fixes: list[Fix], *stays: tuple[float, float]) -> list[tuple[float, float]]:
    at_doors = [(EIGHT + timedelta(minutes=begins), EIGHT + timedelta(minutes=ends)) for begins, ends in stays]
    found = pieces(fixes, at_doors)
    return [tuple((fix.at - EIGHT).total_seconds() / 60 for fix in (piece[0], piece[-1])) for piece in found]


STRAIGHT = [east(n, 510 * n) for n in range(11)]


def test_a_way_without_a_stop_is_cut_each_one_and_a_half_kilometres() -> None:
    assert minutes(STRAIGHT) == [(0, 3), (3, 6), (6, 9)]
    # Slow traffic: the pieces are as long, and take longer.
    assert minutes([east(n, 155 * n) for n in range(21)]) == [(0, 10), (10, 20)]


def test_a_stop_between_two_fixes_is_known_by_its_reports() -> None:
    assert minutes(STRAIGHT, (4.2, 4.8)) == [(0, 3), (5, 8), (8, 10)]
    assert minutes(STRAIGHT, (2.5, 2.5), (6.5, 6.5)) == [(0, 2), (3, 6), (7, 10)]


def test_a_gap_a_leap_and_an_unsure_place_are_no_way() -> None:
    assert minutes([*STRAIGHT[:4], *(replace(fix, at=fix.at + timedelta(minutes=4)) for fix in STRAIGHT[4:8])]) == [
        (0, 3),
        (8, 11),
    ]
    slipped = [*STRAIGHT[:2], east(2, 90_000), *STRAIGHT[3:7]]
    assert minutes(slipped) == [(3, 6)]
    unsure = [*STRAIGHT[:2], east(2, 9_000, sure_m=400.0), *STRAIGHT[3:4]]
    assert minutes(unsure) == [(0, 3)]


def test_fixes_out_of_order_and_told_twice_are_one_track() -> None:
    assert minutes([*STRAIGHT[::-1], *STRAIGHT]) == minutes(STRAIGHT)


def test_a_few_fixes_on_one_spot_are_no_way() -> None:
    assert minutes([]) == minutes(STRAIGHT[:1]) == minutes(STRAIGHT[:2]) == []
    assert minutes([east(n, n % 2 * 20) for n in range(60)]) == []


def test_a_leg_that_the_track_tells_too_is_counted_once() -> None:
    def leg(begins: int, ends: int) -> DrivenLeg:
        return DrivenLeg(
            day="2026-03-03",
            left_at=EIGHT + timedelta(minutes=begins),
            arrived_at=EIGHT + timedelta(minutes=ends),
            free_s=300,
            profile="van",
        )

    assert not_tracked([leg(0, 10), leg(10, 20), leg(20, 30)], [leg(12, 15)]) == (leg(0, 10), leg(20, 30))


@given(
    steps=some.lists(
        some.tuples(some.integers(1, 400), some.integers(0, 3_000), some.sampled_from([None, 5.0, 30.0, 90.0])),
        max_size=60,
    ),
    stays=some.lists(some.tuples(some.integers(0, 9_000), some.integers(0, 900)), max_size=5),
)
def test_no_piece_holds_a_gap_a_leap_or_a_door_and_none_overlap(
    steps: list[tuple[int, int, float | None]], stays: list[tuple[int, int]]
) -> None:
    seconds = list(accumulate(step[0] for step in steps))
    metres = list(accumulate(step[1] for step in steps))
    fixes = [east(s / 60, m, step[2]) for s, m, step in zip(seconds, metres, steps, strict=True)]
    doors = [(EIGHT + timedelta(seconds=at), EIGHT + timedelta(seconds=at + long)) for at, long in stays]
    found = pieces(fixes, doors)
    for piece in found:
        assert len(piece) >= 3
        for one, other in pairwise(piece):
            took = other.at - one.at
            assert timedelta(0) < took <= LONGEST_GAP
            assert (other.location.lon - one.location.lon) * 111_195 <= 1.01 * FASTEST_M_S * took.total_seconds()
            assert not any(begins <= other.at and one.at <= ends for begins, ends in doors)
    for one, other in pairwise(found):
        assert one[-1].at <= other[0].at
