"""The walk over a plain day: `RuinAndRecreate` in fewer words, for the compiled rounds of plain.py."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.engines.solver import layout, plain
from routing.engines.solver.route_pool import RoutePool

_BLOCK = 500
"""Rows of a table that are copied at once."""
_HANDFUL = 4
"""Of so many visits the order does not matter."""
_NOTED_EVERY = 2_000
"""Rounds between two moments that a pool notes: some routes have changed by then, most have not."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A plain day whose visits have other numbers: those near each other stand together."""

    day: plain.PlainDay
    order: NDArray[np.int64]
    """(n + 1,): which visit each number is; last -1, for none."""
    number: NDArray[np.int64]
    """(n + 1,): the number of each visit; last -1."""


class PlainRounds:
    """`run` walks on from `after` and `head` (who follows each visit, the first of each shift; -1 for none)."""

    def __init__(
        self, packed: Packed, after: NDArray[np.int64], head: NDArray[np.int64], chance: NDArray[np.uint64]
    ) -> None:
        """Everybody must be served."""
        self.day, self._order, number = packed.day, packed.order, packed.number
        self.walk = _beginning(self.day, number[after[self._order[:-1]]], number[head], chance)
        self._number = number
        plain.begin(self.day, self.walk)

    def run(self, rounds: int, part: float, hot: float, cold: float, pool: RoutePool | None = None) -> bool:
        """So many rounds at the temperature of this part (0 to 1) of the walk, `hot` to `cold` in costs of an average
        visit. `pool` notes where it stands on the way. True when a better plan was found."""
        before = int(self.walk.tally[plain.FOUND])
        typical = max(1.0, int(self.walk.tally[plain.BEST]) / len(self.day.load))
        heat = typical * hot * (cold / hot) ** part
        while rounds > 0:
            until_noted = _NOTED_EVERY - int(self.walk.tally[plain.ROUND]) % _NOTED_EVERY
            some = rounds if pool is None else min(rounds, until_noted)
            plain.rounds(self.day, self.walk, some, heat)
            rounds -= some
            if pool is not None and some == until_noted:
                pool.note(self.walk)
        return int(self.walk.tally[plain.FOUND]) > before

    @property
    def cost(self) -> int:
        return int(self.walk.tally[plain.BEST])

    @property
    def best(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(who follows each visit, the first of each shift), -1 for none."""
        n = len(self.day.load)
        return self._named(self.walk.best[:n], self.walk.best[n:])

    @property
    def current(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the walk stands, as `best`."""
        n = len(self.day.load)
        rows = self.walk.node.reshape(n + 2, plain.COLUMNS)
        return self._named(rows[:n, plain.NEXT], self.walk.shift[:, plain.HEAD])

    def _named(
        self, after: NDArray[np.integer], head: NDArray[np.integer]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        ended = np.append(self._order[:-1], [-1, -1])  # behind the visits: the start and the end of a route
        return ended[after][self._number[:-1]], ended[head]


def is_plain(day: layout.Day) -> bool:
    """Whether nothing but amounts and one window per visit counts, and all shifts leave and drive alike."""
    shift, visit = day.shift, day.visit
    if not len(shift) or not len(visit):
        return False
    alike = np.delete(shift, layout.HIRE, axis=1)
    opens, closes = visit[:, layout.WINDOW :: 2], visit[:, layout.WINDOW + 1 :: 2]
    leave, until = int(shift[0, layout.LEAVE]), int(shift[0, layout.UNTIL])
    flags = day.flags.copy()
    flags[layout.COST_IS_TRAVEL] = 0
    return bool(
        not flags.any()
        and (alike == alike[0]).all()
        and not shift[:, [layout.PAUSES, layout.CAREFUL]].any()
        and (shift[:, layout.MOST_VISITS] >= len(visit)).all()
        and not visit[:, [layout.SETUP, layout.DONE, layout.FIXED]].any()
        and (opens == opens[:, :1]).all()
        and (closes == closes[:, :1]).all()
        and (visit[:, layout.SERVICE] < plain.LONGEST).all()
        and 0 <= until - leave < plain.LONGEST
        and day.may.all()
    )


def packed(day: layout.Day) -> Packed:
    """Of a day that `is_plain`."""
    n = len(day.visit)
    shift = day.shift[0]
    base, until = int(shift[layout.LEAVE]), int(shift[layout.UNTIL])
    order = _together(day.seconds[shift[layout.SPEED]], day.visit[:, layout.PLACE])
    number = np.full(n + 1, -1, dtype=np.int64)
    number[order] = np.arange(n)
    visit = day.visit[order]
    place = np.array([*visit[:, layout.PLACE], shift[layout.START], shift[layout.END]], dtype=np.int64)
    seconds, prices = day.seconds[shift[layout.SPEED]], day.prices[shift[layout.TARIFF]]
    # Prices that would not fit are counted in twos, fours ...
    dearest = int(np.where(prices < layout.BLOCKED, prices, 0).max(initial=0))
    halvings = max(0, dearest.bit_length() - plain.BLOCKED.bit_length() + 1)
    legs = np.empty((n + 2, n + 2, 2), dtype=np.int32)
    for rows in range(0, n + 2, _BLOCK):
        part = np.ix_(place[rows : rows + _BLOCK], place)
        open_ = seconds[part] < layout.BLOCKED
        legs[rows : rows + _BLOCK, :, 0] = np.where(open_, np.minimum(seconds[part], plain.BLOCKED), plain.BLOCKED)
        legs[rows : rows + _BLOCK, :, 1] = np.where(open_, prices[part] >> halvings, plain.BLOCKED)
    node = np.zeros((n + 2, plain.NUMBERS), dtype=np.int32)
    node[:n, plain.SERVICE] = visit[:, layout.SERVICE]
    node[:n, plain.OPENS] = np.clip(visit[:, layout.WINDOW] - base, 0, 2 * plain.LONGEST)
    node[:n, plain.CLOSES] = np.clip(visit[:, layout.WINDOW + 1] - base, -1, 2 * plain.LONGEST)
    node[n + 1, plain.CLOSES] = until - base
    dimensions = day.capacity.shape[1]
    back = legs if (legs == legs.transpose(1, 0, 2)).all() else np.ascontiguousarray(legs.transpose(1, 0, 2))
    return Packed(
        plain.PlainDay(
            legs=legs.reshape(n + 2, -1),
            back=back.reshape(n + 2, -1),
            node=node.reshape(-1),
            load=np.ascontiguousarray(day.load[order, :dimensions]),
            capacity=day.capacity,
            near=number[day.near[order]].astype(np.int32),
            beside=number[day.beside[order]].astype(np.int32),
            kinds=day.kinds,
            hire=day.shift[:, layout.HIRE] >> halvings,
        ),
        order=np.append(order, -1),
        number=number,
    )


def _together(seconds: NDArray[np.int64], place: NDArray[np.int64]) -> NDArray[np.int64]:
    """The visits in an order in which neighbours stand together: halved by whom they are nearer to of two that lie far
    apart, and each half again."""

    def halved(those: NDArray[np.int64]) -> NDArray[np.int64]:
        if len(those) <= _HANDFUL:
            return those
        one = those[np.argmax(seconds[place[those[0]], place[those]])]
        other = those[np.argmax(seconds[place[one], place[those]])]
        nearer = seconds[place[one], place[those]] - seconds[place[other], place[those]]
        sides = those[np.argsort(nearer, kind="stable")]
        half = len(those) // 2
        return np.concatenate([halved(sides[:half]), halved(sides[half:])])

    return halved(np.arange(len(place), dtype=np.int64))


def _beginning(
    day: plain.PlainDay, after: NDArray[np.int64], head: NDArray[np.int64], chance: NDArray[np.uint64]
) -> plain.PlainWalk:
    n, k = len(day.load), len(day.capacity)
    columns = plain.ROOM + day.load.shape[1]
    room = 40 * n + 10_000
    until = day.node.reshape(n + 2, plain.NUMBERS)[n + 1, plain.CLOSES]
    walk = plain.PlainWalk(
        node=np.zeros((n + 2) * plain.COLUMNS, dtype=np.int32),
        shift=np.zeros((k, columns), dtype=np.int64),
        best=np.zeros(n + k, dtype=np.int64),
        tally=np.zeros(plain.TALLIES, dtype=np.int64),
        chance=chance,
        pool=np.zeros(n + 1, dtype=np.int64),
        key=np.zeros(n + 1),
        touched=np.zeros((k + 1, 1 + columns), dtype=np.int64),
        place=np.zeros(room, dtype=np.int64),
        value=np.zeros(room, dtype=np.int32),
    )
    node = walk.node.reshape(n + 2, plain.COLUMNS)
    node[:n, plain.NEXT] = np.where(after < 0, n + 1, after)
    node[n, plain.FREE] = 0
    node[n + 1, plain.LATEST] = until
    walk.shift[:, plain.HEAD] = np.where(head < 0, n + 1, head)
    walk.shift[:, plain.STAMP] = -1
    return walk
