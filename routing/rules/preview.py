"""What a change does to each line, for whoever looks before it is done. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from routing.bulk import in_bulk
from routing.model.orders import (
    AllocationPolicy,
    Book,
    Completeness,
    LineChange,
    Preview,
    RankRule,
    WaitingLine,
    WaitingOrder,
)
from routing.rules.allocation import Outcome, ranked
from routing.rules.effect import released_without, wait_longer
from routing.rules.promises import AT_CUSTOMERS_WISH, NewPromise

_change = in_bulk(LineChange)


def preview_of(
    before: Book,
    after: Book,
    outcome: Outcome,
    expected: Mapping[int, str],
    promises: Sequence[NewPromise],
    policy: AllocationPolicy,
    causes: Mapping[int, str],
    *,
    silent: Collection[int],
    about: Collection[int],
    kept: Collection[int] = (),
) -> Preview:
    """`about`: the SKUs of which every line is shown; of all others those of which something is to be seen. None: all.
    `causes`: by line what moved it before, where this does not. `silent`: lines that lost their date unheard.
    `kept`: lines of which something is there that the terms of their order keep back.

    Where nearly all of a book of 100,000 lines stays as it is, making a value of each took a tenth of the time.
    """
    slips = {promise.line_id for promise in promises if promise.slip}
    again = {promise.line_id for promise in promises if promise.again}
    # Who moved the day themselves did not lose it.
    wishes = {promise.line_id for promise in promises if promise.why == AT_CUSTOMERS_WISH}
    sooner = {promise.line_id for promise in promises if promise.sooner}
    orders, told = ranked(after.orders, policy), slips | again | sooner
    turned = _turned(before, outcome)
    shown = _looked_at(orders, after.outside, expected, told, turned, silent=silent, about=about)
    # Of ship-complete orders all lines: what is shown of them goes only when nothing of the others is missing.
    asked_of = {line.id for _, mine in shown for line in mine}
    asked_of |= {line.id for order, _ in shown if order.completeness is Completeness.COMPLETE for line in order.lines}
    units = _Units(before, after, outcome, asked_of)
    lines: list[LineChange] = []
    for order, mine in shown:
        complete, never = order.completeness is Completeness.COMPLETE, order.rank_rule is RankRule.NEVER_LOSES
        whole = order.completeness is Completeness.PER_LINE
        misses = [complete and any(units.firm(each.id)[at] < each.needed for each in order.lines) for at in (0, 1)]
        for line in mine:
            key = line.id
            new_day = expected.get(key, "")
            slipped, lost = key in slips, units.lost(key)
            loses = key not in wishes and not order.held and _loses(line, new_day, silent)
            # By its terms: it went before only if its day was another.
            stays = key in kept
            firm, provisional = units.firm(key), units.provisional(key)
            if (
                about
                and line.product_id not in about
                and line.expected_on == new_day
                and not (key in told or loses or lost)
                and firm[0] == firm[1]
                and provisional[0] == provisional[1]
            ):
                continue
            lines.append(
                _change(
                    order_id=order.id,
                    order=order.number,
                    customer=order.customer,
                    site=order.site,
                    line_id=key,
                    product_id=line.product_id,
                    sku=line.sku,
                    name=line.name,
                    complete=complete,
                    needed=line.needed,
                    firm_before=firm[0],
                    firm_after=firm[1],
                    provisional_before=provisional[0],
                    provisional_after=provisional[1],
                    promised_on=line.promised_on,
                    old_day=line.expected_on,
                    new_day=new_day,
                    price=line.price,
                    currency=order.currency,
                    slips=slipped,
                    again=key in again,
                    sooner=key in sooner,
                    loses=loses,
                    released_lost=lost,
                    torn=bool(whole and lost and units.some_goes(key)),
                    never_loses=never,
                    held_before=misses[0]
                    or (whole and firm[0] < line.needed)
                    or (stays and line.expected_on == new_day),
                    held_back=misses[1] or (whole and firm[1] < line.needed) or stays,
                    on_hold=order.held,
                    moved_by=causes.get(key, ""),
                    customer_id=order.customer_id,
                    site_id=order.site_id,
                )
            )
    broken = tuple(order.number for order in orders if order.id in outcome.broken)
    warnings = [f"Order {number} ships complete and falls apart: part of it is missing." for number in broken]
    warnings += [released_without(line) for line in lines if line.released_lost]
    warnings += wait_longer(lines, broken=outcome.broken)
    return Preview(
        depot_id=before.depot_id, rule=policy.rule, lines=tuple(lines), broken=broken, warnings=tuple(warnings)
    )


def _looked_at(
    orders: Iterable[WaitingOrder],
    outside: Collection[int],
    expected: Mapping[int, str],
    told: Collection[int],
    turned: Collection[int],
    *,
    silent: Collection[int],
    about: Collection[int],
) -> list[tuple[WaitingOrder, list[WaitingLine]]]:
    """The lines of which something may be seen, by their order: all `about` them, and those that moved."""
    shown: list[tuple[WaitingOrder, list[WaitingLine]]] = []
    for order in orders:
        mine = []
        for line in order.lines:
            key, new_day = line.id, expected.get(line.id, "")
            if line.expected_on == new_day and key not in told:
                # Nobody decides anything of a line outside; its day changes when its order waits for something inside.
                if key in outside:
                    continue
                if (
                    about
                    and key not in turned
                    and line.product_id not in about
                    and (new_day or key not in silent or not line.promised_on)
                ):
                    continue
            mine.append(line)
        if mine:
            shown.append((order, mine))
    return shown


class _Units:
    """Base units of some lines before and after, by where they are."""

    def __init__(self, before: Book, after: Book, outcome: Outcome, line_ids: Collection[int]) -> None:
        stock = {supply.id for supply in after.supplies if supply.is_stock}
        self._firm: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        self._provisional: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        self._released: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        self._gone: dict[int, int] = defaultdict(int)
        for holding in before.holdings:
            key = holding.line_id
            if key in line_ids:
                side = self._firm if holding.supply_id in stock else self._provisional
                side[key][0] += holding.allocated + holding.committed
                if holding.committed:
                    self._released[key][0] += holding.committed
                if holding.gone:
                    self._gone[key] += holding.gone
        for claims, released in ((outcome.claims, False), (outcome.committed, True)):
            for claim in claims:
                key = claim.line_id
                if key in line_ids:
                    (self._firm if claim.supply_id in stock else self._provisional)[key][1] += claim.quantity
                    if released:
                        self._released[key][1] += claim.quantity
        for key, held in before.outside.items():
            if key in line_ids:
                self._firm[key], self._provisional[key] = [held.firm] * 2, [held.provisional] * 2

    def firm(self, line_id: int) -> Sequence[int]:
        """Before and after, of stock."""
        return self._firm.get(line_id, _NONE)

    def provisional(self, line_id: int) -> Sequence[int]:
        """Before and after, of inbound."""
        return self._provisional.get(line_id, _NONE)

    def lost(self, line_id: int) -> int:
        """Of what was released or picked."""
        was, still = self._released.get(line_id, _NONE)
        return max(0, was - still)

    def some_goes(self, line_id: int) -> bool:
        """Whether other units of the line go out or have gone."""
        return bool(self._released.get(line_id, _NONE)[1] or self._gone.get(line_id, 0))


_NONE = (0, 0)


def _turned(before: Book, outcome: Outcome) -> set[int]:
    """The lines that hold other units than before."""
    found: set[int] = set()
    for was, claims in (
        ({(one.line_id, one.supply_id): one.allocated for one in before.holdings if one.allocated}, outcome.claims),
        ({(one.line_id, one.supply_id): one.committed for one in before.holdings if one.committed}, outcome.committed),
    ):
        for claim in claims:
            if was.pop((claim.line_id, claim.supply_id), 0) != claim.quantity:
                found.add(claim.line_id)
        found |= {line_id for line_id, _ in was}  # it holds nothing there any more
    return found


def _loses(line: WaitingLine, new_day: str, silent: Collection[int]) -> bool:
    """Its promise has no date any more, by this decision or by one of which nobody was told."""
    return bool(line.promised_on and not new_day and (line.expected_on or line.id in silent))
