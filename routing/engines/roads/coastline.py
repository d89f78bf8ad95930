"""Which side of a coastline is water.

OpenStreetMap draws the sea only by its edge: coastline ways, with land on the left of their direction. An extract
holds stretches of it that end wherever the extract was cut.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely import LineString, MultiPolygon, Polygon
from shapely.ops import polygonize

from routing.model.places import Bounds

Line = Sequence[tuple[float, float]]

# About a centimetre, in degrees: how far beside a coastline we look to see which face lies there.
_BESIDE = 1e-7


def land_and_sea(coastlines: Sequence[Line], bounds: Bounds) -> tuple[MultiPolygon, MultiPolygon]:
    """Land and sea inside the bounds, from coastline stretches of (lon, lat) in their direction.

    Stretches are joined, cut at the bounds, and where one ends inside (its way was clipped) led to the nearest edge
    of the box. Each face between them is land or sea by what the stretches around it say, the longer ones counting
    more. Without a coastline all is land: a box in the open sea looks the same, and holds no road.
    """
    box = shapely.box(bounds.west, bounds.south, bounds.east, bounds.north)
    lines = _inside(coastlines, box)
    if not lines:
        return MultiPolygon([box]), MultiPolygon()
    faces = list(polygonize(shapely.unary_union([*lines, box.exterior])))
    votes = _land_votes(lines, faces)
    # A face that no coastline touches cannot be, short of rounding; then it is land, as on any map of roads.
    land = [face for face, vote in zip(faces, votes, strict=True) if vote >= 0]
    sea = [face for face, vote in zip(faces, votes, strict=True) if vote < 0]
    return _merged(land), _merged(sea)


def _inside(coastlines: Sequence[Line], box: Polygon) -> list[LineString]:
    stretches = [LineString(line) for line in coastlines if len(line) > 1]
    if not stretches:
        return []
    joined = shapely.line_merge(shapely.MultiLineString(stretches), directed=True)
    cut = [
        part
        for line in shapely.get_parts(joined)
        for part in shapely.get_parts(shapely.intersection(line, box))
        if isinstance(part, LineString) and part.length > 0
    ]
    # Cutting a closed line opens it at its first point, which lies inside: join again.
    rejoined = shapely.line_merge(shapely.MultiLineString(cut), directed=True)
    return [_led_to_the_edge(line, box) for line in shapely.get_parts(rejoined)]


def _led_to_the_edge(line: LineString, box: Polygon) -> LineString:
    if line.is_ring:
        return line
    points = list(line.coords)
    start, end = (_nearest_on_edge(point, box) for point in (points[0], points[-1]))
    if start != points[0]:
        points.insert(0, start)
    if end != points[-1]:
        points.append(end)
    return LineString(points)


def _nearest_on_edge(point: tuple[float, ...], box: Polygon) -> tuple[float, float]:
    west, south, east, north = box.bounds
    x, y = point[0], point[1]
    # A degree of longitude is shorter than one of latitude: compare metres, not degrees.
    shrink = float(np.cos(np.radians(y)))
    return min(((west, y), (east, y), (x, south), (x, north)), key=lambda at: abs(at[0] - x) * shrink + abs(at[1] - y))


def _land_votes(lines: Sequence[LineString], faces: Sequence[Polygon]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Per face: metres-ish of coastline that has it on the left, less those that have it on the right."""
    tree = shapely.STRtree(faces)
    votes = np.zeros(len(faces), dtype=np.float64)
    for line in lines:
        points = shapely.get_coordinates(line)
        steps = np.diff(points, axis=0)
        lengths = np.hypot(steps[:, 0], steps[:, 1])
        there = lengths > 0
        middles = (points[:-1] + points[1:])[there] / 2
        left = np.column_stack([-steps[there, 1], steps[there, 0]]) / lengths[there, None] * _BESIDE
        for side, sign in ((middles + left, 1.0), (middles - left, -1.0)):
            which, face = tree.query(shapely.points(side), predicate="within")
            np.add.at(votes, face, sign * lengths[there][which])
    return votes


def _merged(faces: Sequence[Polygon]) -> MultiPolygon:
    union = shapely.unary_union(list(faces))
    return MultiPolygon([part for part in shapely.get_parts(union) if isinstance(part, Polygon)])
