"""Why a stop is where it is: what it says, it says in the hours of the depot that its shift is of."""

from __future__ import annotations

from dataclasses import replace

from routing.model.day import DepotFacts
from routing.model.places import Location
from routing.rules.why_here import why_then
from tests.routing.builders_plans import HOUR, between, plan, problem, shift, visit
from tests.routing.planning.test_behind import VAN, facts


def test_the_hours_of_a_door_are_named_in_the_zone_of_its_own_depot() -> None:
    day = problem(visit(1, 1, name="D-1", windows=between(0, 9 * HOUR)), shifts=(shift(1, end_s=20 * HOUR),))
    known = facts({}, doors=1, tiers={})
    # 09:00 UTC is 11:00 in Helsinki, where depot 2 is.
    far = DepotFacts(id=2, name="Depot 2", zone="Europe/Helsinki", location=Location(lat=60.0, lon=25.0))
    both = replace(known, depots=(*known.depots, far), shifts=(replace(VAN, depot_id=2),))
    found = why_then(plan(day, {1: [1]}), day, both, 1)
    assert found.else_breaks == "Its own hours end: it must be begun by 11:00."
