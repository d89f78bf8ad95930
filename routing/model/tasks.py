"""What a person must do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TaskKind(StrEnum):
    """What somebody is asked to do. One open task of a kind about one thing: asking again renews its sentence."""

    ADDRESS_IN_REVIEW = "address_in_review"
    """A person decides where a site or depot is."""
    ADDRESS_SOME_VEHICLES = "address_some_vehicles"
    """A place that only some of our vehicles get to."""
    SHIP_COMPLETE_BROKEN = "ship_complete_broken"
    NO_DATE = "no_date"
    """What was promised has no date any more: a supplier is to be found, and the customer to be told."""
    CALL_CUSTOMER = "call_customer"
    """Nobody there agreed to messages, or it is too late for one."""
    CUSTOMER_MESSAGE = "customer_message"
    """A customer wrote on the tracking page."""
    DELAY_CONSENT = "delay_consent"
    """A customer is to be asked whether a delay suits."""
    ORDER_CHANGED_AFTER_RELEASE = "order_changed_after_release"
    DISPUTE = "dispute"
    """A customer says that the goods never came."""
    DOOR_DECISION = "door_decision"
    """What becomes of goods that were not taken at the door."""
    REDELIVERY = "redelivery"
    REFUND = "refund"
    MEET = "meet"
    """Two vans meet, and one takes over what the other carries."""
    GOODS_BACK = "goods_back"
    PUT_BACK = "put_back"
    TRIP_NOT_LOADED = "trip_not_loaded"
    OLD_LIST = "old_list"
    """A driver reported by a list that another one has replaced."""
    REPORT_REFUSED = "report_refused"
    """What a driver reported and the books do not allow."""
    EMPTY_DELIVERY = "empty_delivery"
    MISSING_GOODS = "missing_goods"
    CASH_DIFFERENCE = "cash_difference"
    SUPPLY_OVERDUE = "supply_overdue"
    """A supplier is to be asked for another day."""
    SENDER_STUCK = "sender_stuck"
    """No message gets out of the house."""

    @property
    def goes_to(self) -> str:
        """Whose it is when nobody is named: a role, or the salesperson of no particular name.

        >>> TaskKind.PUT_BACK.goes_to, TaskKind.SENDER_STUCK.goes_to, TaskKind.REFUND.goes_to
        ('warehouse', 'admin', 'dispatcher')
        """
        return _GOES_TO.get(self, "dispatcher")


_GOES_TO = {
    TaskKind.GOODS_BACK: "warehouse",
    TaskKind.PUT_BACK: "warehouse",
    TaskKind.SENDER_STUCK: "admin",
    TaskKind.DISPUTE: "salesperson",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask:
    """A task that nobody did yet, and what it is about."""

    kind: str
    subject_kind: str
    subject_id: int
