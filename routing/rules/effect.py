"""What a receipt, a slip, a recount or a file of orders does, summed up: whose dates it moves, for how much money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from routing.model.days import day_words
from routing.model.orders import LineChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """Money of one currency, in minor units: of the goods that go, of those that wait, be it for stock or on the shelf
    for the rest of their order, and of the lines, wherever their goods are, whose promise breaks."""

    currency: str
    goes: int = 0
    waits: int = 0
    breaks: int = 0

    def document(self) -> dict[str, int]:
        """As `--json` prints it, beside its currency."""
        return {"goes": self.goes, "waits": self.waits, "breaks": self.breaks}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The keys of orders whose customers hear something: those that this gives a later date, that lose theirs by it or
    have it again; `along`, those that only hear now of what had moved them before; and of all others those that are
    promised a day `sooner`, or their `first` one."""

    later: frozenset[int] = frozenset()
    lost: frozenset[int] = frozenset()
    again: frozenset[int] = frozenset()
    along: frozenset[int] = frozenset()
    sooner: frozenset[int] = frozenset()
    first: frozenset[int] = frozenset()

    @property
    def moved(self) -> frozenset[int]:
        return self.later | self.lost | self.again


def effect_of(lines: Iterable[LineChange]) -> Effect:
    """What had been moved by something else before is never counted as moved by this.

    A truck comes short. SO-1 slips by it. SO-2 had been moved by a file of which nobody was told, and is told with it.

        >>> short = _change(order_id=1, slips=True)
        >>> before = _change(order_id=2, slips=True, moved_by="new orders")
        >>> effect = effect_of([short, before])
        >>> effect.later, effect.along
        (frozenset({1}), frozenset({2}))

    An order of which one line moves by this counts as moved, whatever moved another line of it.

        >>> effect_of([short, _change(order_id=1, slips=True, moved_by="new orders")]).along
        frozenset()

    SO-3 is promised an earlier day, and SO-4 its first one: each is one message, whatever else of the order moves.

        >>> sooner, first = _change(order_id=3, sooner=True), _change(order_id=4, promised_on="")
        >>> effect = effect_of([sooner, first, _change(order_id=3, line_id=9, promised_on="")])
        >>> effect.sooner, effect.first
        (frozenset({3}), frozenset({4}))
    """
    every = list(lines)
    own = [line for line in every if not line.moved_by]
    later = frozenset(line.order_id for line in own if line.slips)
    lost = frozenset(line.order_id for line in own if line.loses)
    again = frozenset(line.order_id for line in own if line.again and not line.slips)
    told = frozenset(line.order_id for line in every if line.is_told)
    sooner = frozenset(line.order_id for line in every if line.sooner) - told
    first = frozenset(line.order_id for line in every if line.gets_first) - told - sooner
    along = told - later - lost - again
    return Effect(later=later, lost=lost, again=again, along=along, sooner=sooner, first=first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """Changes that what is looked at makes, and those that come `anyway`."""

    own: tuple[LineChange, ...]
    anyway: tuple[LineChange, ...]


def apart(lines: Iterable[LineChange], anyway: Iterable[LineChange]) -> Apart:
    """Which of these changes are of what is looked at, given what changes `anyway`, though nothing else is done.

    SO-1 is on hold and its 3 March is over: on the 10th it goes, with a policy or without. That the policy would let it
    ship complete moves nothing of it. To the 12th only the policy moves it, and from the 10th.

        >>> by_itself = _change(slips=True)
        >>> [len(each) for each in (apart([_change(slips=True, complete=True)], [by_itself]).own, apart([], []).own)]
        [0, 0]
        >>> (line,) = apart([_change(slips=True, new_day="2026-03-12")], [by_itself]).own
        >>> line.old_day, line.new_day, line.slips
        ('2026-03-10', '2026-03-12', True)

    Who is given units by it, and is told of the same day anyway, is not told by it:

        >>> (line,) = apart([_change(slips=True, firm_after=4)], [by_itself]).own
        >>> line.firm_after, line.slips
        (4, False)
    """
    by_line = {line.line_id: line for line in anyway}
    own: list[LineChange] = []
    besides: list[LineChange] = []
    for line in lines:
        other = by_line.get(line.line_id)
        if other is None:
            own.append(line)
        elif _moves(line) == _moves(other):
            besides.append(line)
        else:
            told = line.new_day == other.new_day
            own.append(
                replace(
                    line,
                    old_day=other.new_day,
                    slips=line.slips and not (told and other.slips),
                    loses=line.loses and not (told and other.loses),
                    again=line.again and not (told and other.again),
                )
            )
    return Apart(own=tuple(own), anyway=tuple(besides))


def _moves(line: LineChange) -> tuple[object, ...]:
    """What becomes of its goods and its day, whatever its terms are called."""
    units = (line.firm_after, line.provisional_after, line.released_lost)
    return (*units, line.new_day, line.slips, line.loses, line.again, line.sooner, line.torn)


def merged(changes: Iterable[Iterable[LineChange]]) -> dict[int, LineChange]:
    """The lines of several changes that follow each other: as they stood before the first, as they stand after the
    last.

    A count takes 4 of 12, the next one 3 more, and the promise slips by it:

        >>> one, two = _change(firm_after=8, new_day="2026-03-03"), _change(firm_after=5, slips=True)
        >>> line = merged([[replace(one, firm_before=12)], [replace(two, firm_before=8)]])[1]
        >>> line.firm_before, line.firm_after, line.slips
        (12, 5, True)
    """
    found: dict[int, LineChange] = {}
    for lines in changes:
        for line in lines:
            first = found.get(line.line_id)
            if first is not None:
                line = replace(
                    line,
                    firm_before=first.firm_before,
                    held_before=first.held_before,
                    provisional_before=first.provisional_before,
                    old_day=first.old_day,
                    promised_on=first.promised_on,
                    slips=first.slips or line.slips,
                    loses=(first.loses or line.loses) and not line.new_day,
                    again=(first.again or line.again) and bool(line.new_day),
                    sooner=first.sooner or line.sooner,
                    moved_by=first.moved_by,
                    released_lost=first.released_lost + line.released_lost,
                    torn=first.torn or line.torn,
                )
            found[line.line_id] = line
    return found


def worths_of(lines: Iterable[LineChange], *, home: str) -> tuple[Worth, ...]:
    """What these lines are worth, the `home` currency first and always, others after it where orders have them.

    SO-1 wants 12 at 2.00 and gets 5; its promise breaks. SO-2 wants 12 at 2.00 and gets all.

        >>> worths_of([_change(firm_after=5, slips=True), _change(order_id=2, firm_after=12)], home="EUR")
        (Worth(currency='EUR', goes=3400, waits=1400, breaks=2400),)

    SO-3 has its 12 on the shelf and ships complete with goods that are missing: they do not go.

        >>> worths_of([_change(firm_after=12, complete=True, held_back=True)], home="EUR")
        (Worth(currency='EUR', goes=0, waits=2400, breaks=0),)
    """
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    found[home] = [0, 0, 0]
    for line in lines:
        if not line.currency:
            continue
        sums = found[line.currency]
        sums[0] += line.goes * line.price
        sums[1] += line.stays * line.price
        sums[2] += line.needed * line.price if line.breaks else 0
    return tuple(
        Worth(currency=currency, goes=goes, waits=waits, breaks=breaks)
        for currency, (goes, waits, breaks) in sorted(found.items(), key=lambda each: (each[0] != home, each[0]))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenOut:
    """Where goods go that are counted in: `units` that get onto the shelf for an order; and of the orders that want the
    counted goods those that go `whole`, those of which a part goes (`in_part`), and those `waiting` for every one, also
    where it lies on the shelf and waits for the rest."""

    units: int
    whole: int
    in_part: int
    waiting: int


def given_out(lines: Iterable[LineChange], *, counted: Collection[str]) -> GivenOut:
    """`counted`: the SKUs that were.

    Of oat drink SO-1 gets the 12 it wants, SO-2 5 of its 12, SO-3 none. SO-5 gets 5, ships complete, and stays. SO-4
    wants no oat drink.

        >>> lines = [_change(firm_after=12), _change(order_id=2, firm_after=5), _change(order_id=3),
        ...          _change(order_id=4, sku="CUP", firm_before=4, firm_after=12),
        ...          _change(order_id=5, firm_after=5, complete=True, held_back=True)]
        >>> given_out(lines, counted=["OAT"])
        GivenOut(units=30, whole=1, in_part=1, waiting=2)
    """
    every = list(lines)
    by_order: dict[int, list[LineChange]] = defaultdict(list)
    for line in every:
        if line.sku in counted:
            by_order[line.order_id].append(line)
    goes = {key: any(line.goes for line in mine) for key, mine in by_order.items()}
    stays = {key: any(line.stays for line in mine) for key, mine in by_order.items()}
    return GivenOut(
        units=sum(max(0, line.firm_after - line.firm_before) for line in every),
        whole=sum(not stays[key] for key in by_order),
        in_part=sum(goes[key] and stays[key] for key in by_order),
        waiting=sum(not goes[key] for key in by_order),
    )


def otherwise_given(lines: Iterable[LineChange], usual: Mapping[int, int]) -> tuple[tuple[str, int], ...]:
    """Who gets more or fewer units than by the policy in force, which gives each line its `usual` ones: (order, units),
    the winners first.

        >>> otherwise_given([_change(firm_after=12), _change(order_id=2, firm_after=5)], {1: 8, 2: 9})
        (('SO-1', 4), ('SO-2', -4))
    """
    moved: dict[str, int] = defaultdict(int)
    for line in lines:
        moved[line.order] += line.firm_after - usual.get(line.line_id, 0)
    return tuple(sorted(((order, n) for order, n in moved.items() if n), key=lambda pair: (-pair[1], pair[0])))


def wait_longer(lines: Iterable[LineChange], *, broken: Collection[int] = ()) -> tuple[str, ...]:
    """A sentence for every ship-complete order that had goods taken from its shelf and therefore goes later.

    SO-1 ships complete. A recount takes 7 of its 12, which Tuesday's truck brings again.

        >>> taken = _change(complete=True, firm_before=12, firm_after=5, old_day="2026-03-03", new_day="2026-03-10")
        >>> print(*wait_longer([taken]))
        Order SO-1 ships complete and waits longer: 7 × OAT are missing. It goes on Tue 10 Mar 2026, not Tue 3 Mar 2026.

    `broken`: the keys of those that fall apart, which is said otherwise.
    """
    by_order: dict[int, list[LineChange]] = defaultdict(list)
    for line in lines:
        if line.complete and line.order_id not in broken:
            by_order[line.order_id].append(line)
    said = []
    for mine in by_order.values():
        taken = [line for line in mine if line.firm_after < line.firm_before]
        was, becomes = max(line.old_day for line in mine), max(line.new_day for line in mine)
        if not taken or not was or not all(line.new_day for line in mine) or becomes <= was:
            continue
        missing = ", ".join(f"{line.firm_before - line.firm_after} × {line.sku}" for line in taken)
        one = len(taken) == 1 and taken[0].firm_before - taken[0].firm_after == 1
        said.append(
            f"Order {mine[0].order} ships complete and waits longer: {missing} {'is' if one else 'are'} missing. "
            f"It goes on {day_words(becomes)}, not {day_words(was)}."
        )
    return tuple(said)


def released_without(line: LineChange) -> str:
    """The sentence of a line that was released with units that are not there.

    >>> print(released_without(_change(released_lost=12)))
    Order SO-1 was released with 12 × OAT that are not there.

    What ships whole lines is not to go in part: a person takes it back, or asks.

    >>> print(released_without(_change(released_lost=1, torn=True)))
    Order SO-1 ships whole lines, and 1 × OAT of a line that was released is not there: the line would go in part.
    """
    if not line.torn:
        return f"Order {line.order} was released with {line.released_lost} × {line.sku} that are not there."
    return (
        f"Order {line.order} ships whole lines, and {line.released_lost} × {line.sku} of a line that was released "
        f"{'is' if line.released_lost == 1 else 'are'} not there: the line would go in part."
    )


def _change(**values: object) -> LineChange:
    """A line of the examples: 12 oat drinks at 2.00 that were promised for 3 March."""
    order = values.get("order_id", 1)
    facts: dict[str, object] = {
        "order_id": order, "order": f"SO-{order}", "customer": "Café 1", "site": "Café 1", "line_id": order,
        "product_id": 1, "sku": "OAT", "name": "Oat drink", "complete": False, "needed": 12, "firm_before": 0,
        "firm_after": 0, "provisional_before": 12, "provisional_after": 12, "promised_on": "2026-03-03",
        "old_day": "2026-03-03", "new_day": "2026-03-10", "price": 200, "currency": "EUR",
    }  # fmt: skip
    return LineChange(**(facts | values))  # type: ignore[arg-type]
