"""The words of the driver's page, in the driver's language: the page itself is written by static/js/driver.js."""

from __future__ import annotations

from flask_babel import gettext as _

from routing.model.payments import PayMethod
from routing.model.proofs import ABOUT_THE_GOODS, Outcome


def words() -> dict[str, str]:
    """%1 and %2 stand for what the page puts in."""
    return {
        "stop_of": _("Stop %1 of %2"),
        "arrived": _("Arrived"),
        "delivered": _("Delivered"),
        "problem": _("Problem"),
        "navigate_with": _("Open in"),
        "other_app": _("Other app"),
        "call": _("Call"),
        "gate_code": _("Gate code"),
        "hours": _("Open %1–%2"),
        "begin_by": _("Begin by %1"),
        "finish_by": _("Finish by %1"),
        "motor_hours": _("Motor vehicles %1–%2 only: be gone by then"),
        "heard_told": _("Customer was told %1–%2 (at %3)"),
        "heard_agreed": _("Agreed with the customer: %1–%2"),
        "heard_waits": _("Customer will be told %1–%2: the message waits to be sent"),
        "heard_off": _("Customer was not told %1–%2: sending messages is off"),
        "heard_late": _("Customer was not told %1–%2: the message would have come too late"),
        "heard_withheld": _("Customer was not told %1–%2: the message was withheld"),
        "heard_failed": _("Customer was not told %1–%2: the message could not be sent"),
        "heard_nobody": _("Customer was not told %1–%2: no contact takes messages"),
        "eta": _("ETA %1"),
        "arrive_and_wait": _("Arrive %1, wait until %2"),
        "today": _("Today"),
        "map": _("Map"),
        "no_map": _("The map cannot be shown without signal."),
        "all_sent": _("All sent"),
        "not_sent": _("%1 not sent"),
        "no_signal": _("no signal, it is kept on this phone"),
        "try_again": _("Try again"),
        "refused_one": _("Not accepted by the office. Read why, then call the dispatcher."),
        "loaded": _("On the van"),
        "count": _("Delivered"),
        "rest_is": _("%1 missing. What about them?"),
        "say_rest": _("%1: say what became of the %2 that are missing. Of several reasons, how many of each."),
        "short": _("Short"),
        "damaged": _("Damaged"),
        "refused": _("Refused"),
        "collected": _("Collected"),
        "who": _("Received by"),
        "how": _("Handed to"),
        "signature": _("Signature"),
        "sign_here": _("Sign here"),
        "clear": _("Clear"),
        "photos": _("Photos"),
        "take_photo": _("Take a photo"),
        "remove": _("Remove"),
        "driver_note": _("Note for the office"),
        "save": _("Save"),
        "back": _("Back"),
        "what_happened": _("What happened?"),
        "choose": _("Choose what happened."),
        "goods_only": _("This is about the goods. What is to be collected here is asked next."),
        "need_name": _("Write who received it, or let them sign."),
        "nothing_delivered": _("Nothing is left as delivered. Use Problem and say what happened."),
        "nothing_collected": _("Nothing is left as collected. Use Problem and say what happened."),
        "handed_over_by": _("Handed over by"),
        "done_all": _("All stops are done"),
        "go_back": _("Drive back to %1. Planned there at %2."),
        "trip": _("Trip %1"),
        "depot_step": _("Back to the depot, load trip %1"),
        "depot_times": _("There about %1, off again about %2"),
        "depot_goods": _("To load, last stop first"),
        "depot_loaded": _("Loaded, go on"),
        "done": _("done"),
        "failed": _("failed"),
        "is_refused": _("refused"),
        "waiting": _("waiting"),
        "under_way": _("at the door"),
        "kept_only_here": _("kept on this phone, not sent yet"),
        "changed": _("The route was changed by the office."),
        "offline": _("No signal. Everything you report is kept on this phone and sent later."),
        "no_https": _(
            "This address is not secure (no https): without signal the page cannot be opened again, "
            "and the phone gives no position. Reports are sent at once or kept while the page stays open."
        ),
        "no_store": _("This phone keeps nothing for later (private window?). Stay in signal, or use a normal window."),
        "collect": _("Collect"),
        "attempt": _("Attempt %1"),
        "pay": _("Collect %1"),
        "pay_asked": _("To collect here: %1"),
        "pay_given": _("Collected, in %1"),
        "pay_how": _("Paid by"),
        "pay_part": _("%1, in %2"),
        "pay_parts": _("Part in another way"),
        "pay_whole": _("All in one way"),
        "pay_wrong": _("Write what was collected as an amount in %1, like %2; 0 if nothing was given."),
        "pay_less": _("%1 less than is due. Save it as it is: the office asks."),
        "pay_more": _("%1 more than is due. Save it as it is: the office asks."),
        "less": _("One less"),
        "more": _("One more"),
    }


def pay_method_words() -> dict[str, str]:
    """How a customer may pay the driver, in the order in which the page offers it."""
    return {PayMethod.CASH: _("Cash"), PayMethod.CARD: _("Card"), PayMethod.OTHER: _("Otherwise")}


def outcome_words() -> dict[str, str]:
    """Every way an attempt can end, in the order in which the page offers them."""
    return {
        Outcome.DELIVERED: _("The recipient"),
        Outcome.THIRD_PARTY: _("Somebody else"),
        Outcome.SAFE_PLACE: _("A safe place"),
        Outcome.PICKUP_POINT: _("A pickup point"),
        Outcome.NOT_HOME: _("Nobody there"),
        Outcome.CLOSED: _("Closed"),
        Outcome.REFUSED: _("All refused"),
        Outcome.NO_ACCESS: _("No way to the door"),
        Outcome.NO_PARKING: _("Nowhere to stop"),
        Outcome.ADDRESS_NOT_FOUND: _("Address not found"),
        Outcome.WRONG_GOODS: _("Wrong goods"),
        Outcome.DAMAGED: _("All damaged"),
        Outcome.MISSING: _("Not on the van"),
        Outcome.NO_PAPERWORK: _("Papers missing"),
        Outcome.NO_PAYMENT: _("Not paid"),
        Outcome.BREAKDOWN: _("Breakdown"),
        Outcome.NOT_ATTEMPTED: _("Not attempted"),
    }


def fetching_words() -> dict[str, str]:
    """How an attempt to fetch can end badly: nothing was brought, so nothing of it can be refused or damaged."""
    offered = outcome_words()
    return {
        key: _("Nothing was given") if key is Outcome.REFUSED else offered[key]
        for key in Outcome
        if not key.is_handed_over and (key not in ABOUT_THE_GOODS or key in (Outcome.REFUSED, Outcome.NO_PAPERWORK))
    }
