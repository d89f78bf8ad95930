"""Why a day moved, as a customer is told it: a short closed list, without our numbers and anybody's name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from routing.model.notices import Reason
from routing.rules.by_itself import DAY_IS_PAST, LET_GO, RELEASED_FOR_ANOTHER_DAY

_SAYS: Mapping[Reason, str] = {
    Reason.AT_THE_DOOR: r"^(?!truck\b).* came short$|^the report .* was corrected$",
    Reason.SUPPLIER_CANCELLED: r"^inbound .* is cancelled$",
    Reason.SUPPLIER_LATE: r"^inbound .* (comes on .*|is overdue|are overdue)$",
    Reason.FEWER_CAME: r"^truck .* came short|^receipts? ",
    Reason.COUNTED_ANEW: r"^recount of |^short pick|came back$|did not come back",
    Reason.CLOSED_DAY: r"^delivery days changed$",
    Reason.WAS_HELD: rf"^{LET_GO}$",
    Reason.NOT_SENT: rf"^({DAY_IS_PAST}|{RELEASED_FOR_ANOTHER_DAY})$",
}


def reason_of(why: str) -> Reason:
    """What the cause of a later day is to its customer. `why`: what the promise's row says.

    What we decided ourselves, like who comes first, is told neutrally: the goods do not reach for everybody.

    >>> for why in (
    ...     "inbound IN-1 comes on 2026-05-19", "inbound IN-1 is cancelled", "inbound IN-1, IN-2 are overdue",
    ...     "truck IN-2001 came short: 60 of 96", "recount of P101", "D-17 came short", "delivery days changed",
    ...     "policy customer rank", "moved along with P101: inbound IN-1 is cancelled", "new orders",
    ...     "the report of D-17 was corrected", "its day was past", "released for another day",
    ...     "was on hold",
    ... ):
    ...     print(reason_of(why).value)
    supplier_late
    supplier_cancelled
    supplier_late
    fewer_came
    counted_anew
    at_the_door
    closed_day
    not_enough
    supplier_cancelled
    not_enough
    at_the_door
    not_sent
    not_sent
    was_held
    """
    own = re.sub(r"^moved along with .*?: ", "", why)
    return next((reason for reason, says in _SAYS.items() if re.search(says, own)), Reason.NOT_ENOUGH)


def reasons_of(whys: Iterable[str]) -> list[str]:
    """Each reason once, in the order of the lines, as a notice carries it."""
    return list(dict.fromkeys(reason_of(why).value for why in whys))
