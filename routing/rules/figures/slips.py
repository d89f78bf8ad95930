"""Why promises slipped, from what the promise rows say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    SUPPLIER = "supplier"
    COUNT = "count"
    POLICY = "policy"
    ROAD = "road"
    DOOR = "door"
    ORDER = "order"
    CUSTOMER = "customer"
    OTHER = "other"

    @property
    def is_ours(self) -> bool:
        """A promise changed at the customer's wish is no slip."""
        return self is not Cause.CUSTOMER


_SAYS: Mapping[Cause, str] = {
    # The customer first: "the customer asked" stays theirs whatever else the sentence names.
    Cause.CUSTOMER: r"customer('s)? (asked|wish|want|chose|accept)|at the customer's wish|wished by the customer",
    Cause.DOOR: r"not home|nobody opened|closed|no access|refused|redeliver|delivered again|came back|failed",
    Cause.ROAD: r"\bvan\b|breakdown|broke down|driver|\broute\b|not attempted|nobody went|out of time|left out",
    Cause.COUNT: r"recount|\bcount\b|short pick|damaged|missing|lost|did not come back|^(?!truck\b).*\bcame short",
    Cause.POLICY: r"^policy\b|rank|hold|payment|delivery days|waited enough",
    Cause.ORDER: r"order file|new orders?\b|order changed|changed in|import",
    Cause.SUPPLIER: r"supplier|inbound|receipt|shipped|truck|\bPO\b|cancelled",
}


def cause_of(why: str) -> Cause:
    """The cause that the `why` of a promise row tells.

    >>> cause_of("Supplier 11 has not shipped").value, cause_of("recount of P101").value
    ('supplier', 'count')
    >>> cause_of("The customer asked for a later day").value, cause_of("receipt R-3001").value
    ('customer', 'supplier')
    >>> cause_of("truck IN-2001 came short: 60 of 96").value, cause_of("D-17 came short").value
    ('supplier', 'count')
    >>> cause_of("new orders").value, cause_of("moved along with P101: truck IN-2001 came short: 60 of 96").value
    ('order', 'supplier')
    >>> cause_of("the try failed: the door was closed").value, cause_of("breakdown: our van broke down").value
    ('door', 'road')
    >>> cause_of("bad weather").value
    'other'
    """
    own = re.sub(r"^moved along with .*?: ", "", why)
    return next((cause for cause, says in _SAYS.items() if re.search(says, own, re.IGNORECASE)), Cause.OTHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slips:
    """Lines whose promise moved to a later day, or whose goods had no day any more when it was over, by cause, the most
    frequent first. `at_wish`: the customer's."""

    by_cause: tuple[tuple[Cause, int], ...]
    at_wish: int

    @property
    def ours(self) -> int:
        return sum(count for _cause, count in self.by_cause)


def slips_by_cause(counts: Iterable[tuple[str, int]]) -> Slips:
    """From (why, lines).

    >>> slips_by_cause([("recount of P1", 2), ("Supplier 4 is late", 3), ("customer's wish: Friday", 9)])
    Slips(by_cause=((<Cause.SUPPLIER: 'supplier'>, 3), (<Cause.COUNT: 'count'>, 2)), at_wish=9)
    """
    found: dict[Cause, int] = {}
    for why, lines in counts:
        cause = cause_of(why)
        found[cause] = found.get(cause, 0) + lines
    at_wish = found.pop(Cause.CUSTOMER, 0)
    return Slips(by_cause=tuple(sorted(found.items(), key=lambda each: (-each[1], each[0]))), at_wish=at_wish)
