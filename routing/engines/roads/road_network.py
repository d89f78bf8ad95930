"""From the roads of an extract to what one profile's road graph is made of: arcs between junctions, and turns.

An arc is a stretch of road in one direction, from one place where something is decided or lost to the next. A turn
leads from the end of an arc into another and costs what OSRM's profile says it costs; a forbidden one is not there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from routing.engines.roads.profiles import Profile
from routing.engines.roads.road_bans import Ban, Rows, Step, bans_of
from routing.engines.roads.road_read import Roads
from routing.engines.roads.road_rules import FREE, PRIVATE_TURN_S, Drive, drive_on, stop_at

# What is joined to fewer parts of roads than this is a yard: nobody starts there when a road is in reach.
_SMALL_PARTS = 100

# Where a road heads is told by this much of it: the last metres before a junction bend.
_HEADING_M = 10.0

Ints = NDArray[np.int64]


@dataclass(slots=True, kw_only=True)
class Arc:
    chain: int
    back: bool
    steps: tuple[Step, ...]
    seconds: float
    choice: float
    metres: float
    drive: Drive

    @property
    def going_there(self) -> bool:
        return self.drive.going_there[self.steps[0].back]

    @property
    def pushed(self) -> bool:
        return self.drive.pushed[self.steps[0].back]


def save_network(roads: Roads, profile: Profile, target: Path) -> int:
    """Keep the profile's arcs and turns as arrays; returns how many arcs there are."""
    network = _Network(roads, profile)
    arcs = network.arcs
    turns = list(network.turns())
    from_, to = (np.array([turn[at] for turn in turns], dtype=np.int64) for at in (0, 1))
    n = len(arcs)
    # A copy is driven as the arc that it copies.
    original = np.array([*range(n), *(row[-1] for row in network.rows.copies)], dtype=np.int64)
    component = connected_components(
        csr_array((np.ones(len(turns)), (original[from_], original[to])), shape=(n, n)),
        directed=True,
        connection="strong",
    )[1]
    size = np.bincount(component, weights=[network.parts(arc) for arc in arcs], minlength=1)
    joined = (size[component] >= min(_SMALL_PARTS, size.max(initial=0))) if n else np.zeros(0, dtype=bool)
    points = [[chain[0].start, *(step.end for step in chain)] for chain in network.chains]
    driven = [arcs[arc] for arc in original.tolist()]
    flat = np.array([node for chain in points for node in chain], dtype=np.int64)
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        target,
        chain_end=np.cumsum([len(chain) for chain in points]),
        lat=roads.lat[flat],
        lon=roads.lon[flat],
        chain=np.array([arc.chain for arc in driven], dtype=np.int64),
        back=np.array([arc.back for arc in driven], dtype=bool),
        seconds=np.array([arc.seconds for arc in driven]),
        choice=np.array([arc.choice for arc in driven]),
        metres=np.array([arc.metres for arc in driven]),
        ends_here=np.array([arc.drive.ends_here for arc in driven], dtype=bool) & joined[original],
        turn_from=from_,
        turn_to=to,
        turn_seconds=np.array([turn[2] for turn in turns]),
        turn_choice=np.array([turn[3] for turn in turns]),
    )
    return n


class _Network:
    """The arcs of one profile, and where they meet."""

    def __init__(self, roads: Roads, profile: Profile) -> None:
        self._roads, self._profile = roads, profile
        drives = {way: drive_on(tags, profile) for way, tags in roads.tags.items()}
        self._drive = {way: drive for way, drive in drives.items() if drive is not None}
        self._stop = {node: stop for node, tags in roads.standing.items() if (stop := stop_at(tags, profile)) != FREE}
        self._ways, self._starts, self._ends = roads.way.tolist(), roads.start.tolist(), roads.end.tolist()
        self._metres = roads.metres.tolist()
        self._at: dict[int, list[Step]] = defaultdict(list)
        way_metres: dict[int, float] = defaultdict(float)
        for stretch, way in enumerate(self._ways):
            if way not in self._drive:
                continue
            start, end = self._starts[stretch], self._ends[stretch]
            way_metres[way] += self._metres[stretch]
            self._at[start].append(Step(stretch=stretch, back=False, start=start, end=end))
            if end != start:
                self._at[end].append(Step(stretch=stretch, back=True, start=end, end=start))
        self._way_metres = way_metres
        bans = bans_of(roads, profile, self._at)
        self._decided = {node for ban in bans for node in ban.decided_at}
        self.chains = list(self._chains())
        self.arcs = [arc for number, chain in enumerate(self.chains) for arc in self._arcs(number, chain)]
        self.rows = Rows(arcs=len(self.arcs), bans=self._banned_rows(bans))

    # ------------------------------------------------------------------ arcs

    def _like(self, step: Step) -> tuple[object, ...]:
        """What two stretches must share to be one: in their direction."""
        drive = self._drive[self._ways[step.stretch]]
        there, here = (1, 0) if step.back else (0, 1)
        return (
            drive.kmh[there], drive.kmh[here], drive.favour[there], drive.favour[here], drive.going_there[there],
            drive.going_there[here], drive.pushed[there], drive.pushed[here], drive.ends_here, drive.takes_s,
        )  # fmt: skip

    def _passes(self, node: int) -> bool:
        """Whether nothing is decided at a node: one way in, one way on, and the same kind of road."""
        here = self._at[node]
        if len(here) != 2 or node in self._stop or node in self._decided:
            return False
        one, other = here
        turned = Step(stretch=one.stretch, back=not one.back, start=one.end, end=one.start)
        return one.stretch != other.stretch and self._like(turned) == self._like(other)

    def _chains(self) -> Iterator[tuple[Step, ...]]:
        used: set[int] = set()
        decided = [node for node in self._at if not self._passes(node)]
        # Rings that nothing joins come last, from any of their nodes.
        for node in (*decided, *self._at):
            for first in self._at[node]:
                if first.stretch in used:
                    continue
                chain = [first]
                used.add(first.stretch)
                while self._passes(chain[-1].end) and chain[-1].end != node:
                    on = next(step for step in self._at[chain[-1].end] if step.stretch != chain[-1].stretch)
                    if on.stretch in used:
                        break
                    chain.append(on)
                    used.add(on.stretch)
                yield tuple(chain)

    def _arcs(self, number: int, chain: tuple[Step, ...]) -> Iterator[Arc]:
        turned = tuple(
            Step(stretch=step.stretch, back=not step.back, start=step.end, end=step.start) for step in reversed(chain)
        )
        for back, steps in ((False, chain), (True, turned)):
            seconds = choice = metres = 0.0
            for step in steps:
                way = self._ways[step.stretch]
                drive = self._drive[way]
                kmh = drive.kmh[step.back]
                if not kmh:
                    break
                length = self._metres[step.stretch]
                takes = length * 3.6 / kmh
                if drive.takes_s and self._way_metres[way]:
                    takes = drive.takes_s * length / self._way_metres[way]
                seconds += takes
                choice += takes / drive.favour[step.back]
                metres += length
            else:
                drive = self._drive[self._ways[steps[0].stretch]]
                yield Arc(
                    chain=number, back=back, steps=steps, seconds=seconds, choice=choice, metres=metres, drive=drive
                )

    def _banned_rows(self, bans: Iterable[Ban]) -> Iterator[tuple[tuple[int, ...], bool]]:
        """The bans as rows of arcs; one with an arc that nobody drives is none."""
        arc_of = {step: number for number, arc in enumerate(self.arcs) for step in arc.steps} if bans else {}
        for ban in bans:
            row = [arc_of.get(step, -1) for step in ban.steps]
            if -1 not in row:
                yield tuple(arc for at, arc in enumerate(row) if not at or row[at - 1] != arc), ban.only

    def parts(self, arc: Arc) -> int:
        """How many OSRM takes it for: it parts roads also where something stands that costs nothing, as a crossing."""
        return 1 + sum("highway" in self._roads.standing.get(step.end, {}) for step in arc.steps[:-1])

    # ------------------------------------------------------------------ turns

    def turns(self) -> Iterator[tuple[int, int, float, float]]:
        """(from arc, to arc, seconds, what it counts when ways are chosen); copies are numbered behind the arcs."""
        arriving, leaving = defaultdict(list), defaultdict(list)
        for number, arc in enumerate(self.arcs):
            arriving[arc.steps[-1].end].append(number)
            leaving[arc.steps[0].start].append(number)
        into = [_heading(self._roads, reversed(arc.steps), away=False) for arc in self.arcs]
        out_of = [_heading(self._roads, arc.steps, away=True) for arc in self.arcs]
        for node, ins in arriving.items():
            stop = self._stop.get(node, FREE)
            legs = len(self._at[node])
            for one in ins:
                came = self.arcs[one]
                outs = leaving[node]
                for other in outs:
                    goes = self.arcs[other]
                    round_ = (
                        goes.chain == came.chain
                        and goes.back != came.back
                        and goes.steps[0].stretch == came.steps[-1].stretch
                    )
                    if round_ and len(outs) > 1 and not stop.closed:
                        continue
                    if stop.closed and not round_:
                        continue
                    turns = [*self.rows.turns(one, other)]
                    if not turns:
                        continue
                    seconds = stop.lost_s[came.steps[-1].back]
                    angle = 180.0 if round_ else (out_of[other] - into[one] + 180) % 360 - 180
                    seconds += self._turning(angle, legs=legs, round_=round_, came=came, goes=goes)
                    choice = seconds
                    if goes.going_there and not came.going_there:
                        choice = PRIVATE_TURN_S
                    for from_, to in turns:
                        yield from_, to, seconds, choice

    def _turning(self, angle: float, *, legs: int, round_: bool, came: Arc, goes: Arc) -> float:
        """Seconds that a turn costs; `angle` in degrees, 0 straight on, to the right above it.

        In the middle of a road nobody turns. (OSRM's bikes do, at every light there, and lose as much as by turning
        round: a fault of its profile.)
        """
        profile = self._profile
        if legs <= 2 and not round_ and came.pushed == goes.pushed:
            return 0.0
        extra = profile.u_turn_s if round_ else 0.0
        if not profile.has_motor:
            bias = 1 / profile.turn_bias if angle >= 0 else profile.turn_bias
            return (angle / 90) ** 2 * profile.turn_s * bias + extra
        bias = profile.turn_bias if angle >= 0 else 1 / profile.turn_bias
        cost = profile.turn_s / (1 + np.exp(6.5 * bias - 13 / bias * abs(angle) / 180))
        crosses = angle < 0 and not round_ and legs > 2 and not (self._is_round(came) or self._is_round(goes))
        if crosses:
            cost += profile.oncoming_turn_s / (1 + np.exp(3.25 - 13 * abs(angle) / 180))
        return float(cost) + extra

    def _is_round(self, arc: Arc) -> bool:
        return self._roads.tags[self._ways[arc.steps[0].stretch]].get("junction") in ("roundabout", "circular")


def _heading(roads: Roads, steps: Iterable[Step], *, away: bool) -> float:
    """The compass bearing of an arc where it begins (`away`), or of its end, which is walked backwards then."""
    at: tuple[float, float] | None = None
    gone = 0.0
    last = (0.0, 0.0)
    for step in steps:
        near, far = (step.start, step.end) if away else (step.end, step.start)
        if at is None:
            at = (float(roads.lat[near]), float(roads.lon[near]))
        last = (float(roads.lat[far]), float(roads.lon[far]))
        gone += float(roads.metres[step.stretch])
        if gone >= _HEADING_M:
            break
    assert at is not None
    north, east = last[0] - at[0], (last[1] - at[1]) * np.cos(np.radians(at[0]))
    if not away:
        north, east = -north, -east
    return float(np.degrees(np.arctan2(east, north)))
