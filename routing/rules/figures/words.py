"""The name of each figure of a period, and what it means: one text for the page, the command and the JSON."""

from __future__ import annotations

from collections.abc import Mapping

from routing.rules.figures.figure import Ratio

WORDS: Mapping[str, tuple[str, str]] = {
    "flow_units": (
        "Backorder rate of what was ordered, units",
        "units that were on no shelf when they came in ÷ units ordered in the period",
    ),
    "flow_lines": (
        "Backorder rate of what was ordered, lines",
        "lines of which a unit was on no shelf when they came in ÷ lines ordered in the period",
    ),
    "flow_orders": (
        "Backorder rate of what was ordered, orders",
        "orders of which a unit was on no shelf when they came in ÷ orders of the period",
    ),
    "stock_units": (
        "Backorder rate of what is open, units",
        "open units that were on no shelf for their line ÷ open units, at the end of the period",
    ),
    "stock_lines": (
        "Backorder rate of what is open, lines",
        "open lines with a backordered unit ÷ open lines, at the end of the period",
    ),
    "stock_orders": (
        "Backorder rate of what is open, orders",
        "open orders with a backordered unit ÷ open orders, at the end of the period",
    ),
    "covered": (
        "Covered by dated inbound",
        "backordered units that an inbound with a date covered ÷ backordered units, at the end of the period; "
        "it tells what to expect and is part of no rate",
    ),
    "circulating": (
        "Out-of-stock items ÷ backordered items",
        "SKUs ever ordered of which nothing was on a shelf ÷ SKUs on backorder, at the end of the period; a formula in "
        "circulation that says nothing at zero and passes 100 %, so it is no rate",
    ),
    "fill": (
        "Fill rate",
        "units handed over by the end of the day first promised ÷ units whose first promise fell due in the period; "
        "a promise that the customer wished for counts as the first",
    ),
    "orders_first": (
        "Orders on time in full, first promise",
        "orders handed over whole by the day first promised and no part of them before ÷ orders due then; "
        "early is not on time",
    ),
    "orders_last": (
        "Orders on time in full, last promise",
        "orders handed over whole by the day last promised and no part of them before ÷ orders due then; "
        "early is not on time",
    ),
    "slips": (
        "Slipped promises",
        "lines whose promise moved to a later day in the period, or that had no day any more when it was over, what "
        "the customer wished for left out ÷ lines with a promise in force or made then; a line that slips twice counts "
        "twice only among the causes",
    ),
    "otif": (
        "On time and in full",
        "deliveries handed over in full and on time ÷ deliveries whose customer was told a window, by "
        "messages that were not all withheld or failed",
    ),
    "in_full": ("In full", "deliveries of which every unit on the list was handed over ÷ deliveries on the lists"),
    "on_time": (
        "On time",
        "deliveries at whose door the van stood inside the told window ÷ deliveries whose customer was told a window, "
        "by messages that were not all withheld or failed; early is not on time, and nobody coming is not either",
    ),
    "first_attempt": (
        "First attempt",
        "deliveries handed over at their first attempt ÷ deliveries first attempted then; not attempted stays out",
    ),
    "inbound": (
        "Inbound on the day",
        "inbound lines that came whole on the day they were first due ÷ inbound lines first due in the period; "
        "cancelled ones count as missing",
    ),
    "urgent": ("Urgent orders", "orders that somebody set urgent ÷ orders of the period"),
}

HOURS: Mapping[str, tuple[str, str]] = {
    "receipt_to_release": (
        "From receipt to release",
        "hours from counting goods in to releasing them, per line of a release of the period",
    ),
    "release_to_door": (
        "From release to door",
        "hours from release to the door, per delivery handed over in the period",
    ),
}

ETA = (
    "Arrival against plan",
    "minutes between the arrival and the one planned when the van left, where the driver said that they arrived; "
    "what was forecast 60 and 15 minutes before is not kept, so it is not known",
)


def why_no_door_counts(key: str, doors: Mapping[str, Ratio], *, deliveries: int) -> str:
    """Why a figure of the doors has nothing to count though `deliveries` rode: a dash alone reads as a fault. "" where
    it counts something, or is none of the doors'.

    >>> none, three = Ratio(numerator=0, denominator=0), Ratio(numerator=2, denominator=3)
    >>> why_no_door_counts("on_time", {"on_time": none, "in_full": none}, deliveries=3)
    'nothing was reported from a door yet'
    >>> why_no_door_counts("on_time", {"on_time": none, "in_full": three}, deliveries=4)
    'none of 3 deliveries was told a window by a message that left'
    """
    if not deliveries or key not in doors or doors[key].denominator:
        return ""
    if not doors["in_full"].denominator:
        return "nothing was reported from a door yet"
    if key not in ("otif", "on_time"):
        return ""
    return f"none of {doors['in_full'].denominator:.0f} deliveries was told a window by a message that left"
