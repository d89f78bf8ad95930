"""Land lies on the left of a coastline. The box is one degree; (0.25, 0.25) is its south-west quarter's middle."""

from __future__ import annotations

import pytest
from shapely import MultiPolygon, Point

from routing.engines.roads.coastline import land_and_sea
from routing.model.places import Bounds

BOX = Bounds(south=0, west=0, north=1, east=1)
WEST, EAST = Point(0.1, 0.5), Point(0.9, 0.5)


def parts(*coastlines: list[tuple[float, float]]) -> tuple[MultiPolygon, MultiPolygon]:
    land, sea = land_and_sea(coastlines, BOX)
    assert land.area + sea.area == pytest.approx(1)
    assert not land.overlaps(sea)
    return land, sea


def test_without_a_coastline_all_is_land():
    land, sea = parts()
    assert land.area == pytest.approx(1)
    assert sea.is_empty


def test_land_is_on_the_left():
    land, sea = parts([(0.5, -1), (0.5, 2)])
    assert land.contains(WEST)
    assert sea.contains(EAST)
    land, sea = parts([(0.5, 2), (0.5, -1)])
    assert land.contains(EAST)
    assert sea.contains(WEST)


def test_stretches_are_joined_in_any_order():
    land, sea = parts([(0.5, 0.4), (0.5, 0.7)], [(0.5, 0.7), (0.5, 1)], [(0.5, 0), (0.5, 0.4)])
    assert land.contains(WEST)
    assert sea.area == pytest.approx(0.5)


def test_a_coastline_that_ends_inside_is_led_to_the_nearest_edge():
    land, sea = parts([(0.5, 0.05), (0.5, 0.95)])
    assert land.contains(WEST)
    assert land.area == pytest.approx(0.5)
    assert sea.contains(EAST)


def test_an_island_is_land_and_its_water_is_sea():
    land, sea = parts([(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6), (0.4, 0.4)])
    assert land.contains(Point(0.5, 0.5))
    assert land.area == pytest.approx(0.04)
    assert sea.contains(WEST)


def test_an_inlet_drawn_clockwise_is_sea_inside_land():
    land, sea = parts([(0.4, 0.4), (0.4, 0.6), (0.6, 0.6), (0.6, 0.4), (0.4, 0.4)])
    assert sea.contains(Point(0.5, 0.5))
    assert land.contains(WEST)


def test_an_island_cut_by_the_box_stays_whole_where_its_outline_begins_inside():
    land, sea = parts([(0.9, 0.5), (0.9, 0.4), (1.2, 0.4), (1.2, 0.6), (0.9, 0.6), (0.9, 0.5)])
    assert land.contains(Point(0.95, 0.5))
    assert land.area == pytest.approx(0.1 * 0.2)
    assert sea.contains(WEST)


def test_a_peninsula_and_an_island_off_it():
    land, sea = parts(
        [(0.6, 0), (0.6, 0.5), (0.3, 0.5), (0.3, 0)], [(0.8, 0.8), (0.9, 0.8), (0.9, 0.9), (0.8, 0.9), (0.8, 0.8)]
    )
    assert land.contains(Point(0.45, 0.2))
    assert land.contains(Point(0.85, 0.85))
    assert sea.contains(Point(0.1, 0.1))
    assert sea.contains(Point(0.8, 0.1))


def test_a_strait_has_land_on_both_banks():
    land, sea = parts([(0.4, 0), (0.4, 1)], [(0.6, 1), (0.6, 0)])
    assert land.contains(WEST)
    assert land.contains(EAST)
    assert sea.contains(Point(0.5, 0.5))
    assert sea.area == pytest.approx(0.2)


def test_a_wrong_scrap_of_coastline_does_not_flood_the_land():
    land, _ = parts([(0.5, -1), (0.5, 2)], [(0.2, 0), (0.21, 0.001)])
    assert land.contains(WEST)


def test_a_coastline_outside_the_box_changes_nothing():
    land, _ = parts([(5, 5), (6, 6)])
    assert land.area == pytest.approx(1)
