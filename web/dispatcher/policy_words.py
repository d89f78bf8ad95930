"""Policies in plain words: what each decides, and each value as a sentence."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from routing.errors import InvalidInput
from routing.model.money import minor_digits
from routing.rules.door import REASONS, Next, RedeliveryPolicy
from routing.rules.policies import KINDS, Group, Scope, Shape
from web.dispatcher.words import completeness_words, outcome_words, rule_words, silence_words
from web.formats import money


def kind_words() -> dict[str, tuple[str, str]]:
    """Name and explanation of each policy, in the order of the page."""
    after = {
        Next.NEXT_DELIVERY_DAY: _(
            "Usually it goes out again by itself on the next delivery day, while attempts are left."
        ),
        Next.WAIT_FOR_CUSTOMER: _("Usually it waits for the customer's word, while attempts are left."),
        Next.DECIDE: _("Usually a person decides, however many attempts are left: credit, cancel or deliver again."),
    }
    return {
        "allocation_rule": (_("Who comes first"), _("When goods are short, who gets them.")),
        "rank_rule": (
            _("May lose goods again"),
            _("Whether goods that are kept for an order go to somebody who ranks higher, until they are released."),
        ),
        "completeness": (_("Parts or all"), _("Whether an order may ship in parts.")),
        "min_percent": (_("Smallest part, in percent"), _("Of what is open, in units. 0: any part.")),
        "min_value": (_("Smallest part, in money"), _("What a shipment must be worth to go alone. 0: any.")),
        "max_wait_days": (
            _("Waits at most, in days"),
            _(
                "After so many days since it was ordered it is given what there is, in its old place, and what is "
                "there for it goes, whatever is said above."
            ),
        ),
        "max_shipments": (_("Shipments at most"), _("The last of them must bring the rest.")),
        "ride_along": (
            _("When only a part is there"),
            _("Whether a part that may ship goes by itself, or only where a van passes anyway."),
        ),
        "ride_along_max_minutes": (
            _("A part may cost the van, in minutes"),
            _("What a part that rides along may add to a route; more than that, it waits."),
        ),
        "reservation_horizon_days": (
            _("Stock is kept for the next days"),
            _("An order wanted later than this holds no stock yet, and gives back what it had and is not released."),
        ),
        "promise_threshold_days": (
            _("A later date is told from, in days"),
            _("A date that slips by less is not told: the promise stays."),
        ),
        "promise_earlier_days": (
            _("An earlier date is told from, in days"),
            _("Without this an earlier date is not promised."),
        ),
        "overdue_days": (
            _("Overdue goods are expected for, in days"),
            _(
                "An inbound that did not come is expected any hour for so many days after its own. Then what waits for "
                "it has no date, and a task asks for the supplier's new day."
            ),
        ),
        "positions_days": (
            _("Drivers' positions are kept, in days"),
            _(
                "Where a phone said the van was, within the shift only. How long ways take by time of day is learnt "
                "from it first; the driver's page says how long it is kept."
            ),
        ),
        "photos_days": (
            _("Photos of proofs are kept, in days"),
            _(
                "Then they are erased for good, each night; not while somebody says that the goods never came. Without "
                "this they are kept."
            ),
        ),
        "signatures_days": (
            _("Signatures of proofs are kept, in days"),
            _("The same for signatures. The slip then says that it was signed, and that the signature is erased."),
        ),
        "same_day_until": (_("Goes out the same day until"), _("Goods ready by this hour still go out that day.")),
        "delay_consent": (
            _("Asks before it comes later"),
            _("When a promise slips, the message holds a link: accept the new day, choose another, or cancel."),
        ),
        "consent_rule": (
            _("Rule for an answer that does not come"),
            _(
                "Your own: the two lines below. The US Mail Order Rule (16 CFR 435): a first delay of 30 days at most "
                "takes silence as consent; a longer, an open or a second one is cancelled and refunded without a yes."
            ),
        ),
        "consent_term_days": (
            _("Waits for the answer, in days"),
            _("Counted from the message, and over before the new day. Under your own rule."),
        ),
        "consent_silence": (
            _("No answer means"),
            _("What follows when the term is over and nobody answered. Under your own rule."),
        ),
        "refund_within": (
            _("A cancelled order is refunded within"),
            _("The task for the refund carries the date. A billing cycle: where a charge is taken back."),
        ),
        "substitutes": (
            _("Other goods instead"),
            _(
                "When goods come after their promise and a substitute lies there. Asked: on the page of the delay, or "
                "by phone, and a person notes the yes. Allowed: a person sends it, and the customer is told."
            ),
        ),
        "backorder_list": (
            _("Daily list of backorders"),
            _("An e-mail to the buyers: every line that waits, its day, and what changed. None when nothing waits."),
        ),
        "backorder_list_at": (_("The daily list goes out at"), _("In the company's time zone.")),
        "max_attempts": (
            _("Delivery attempts at most"),
            _("After so many a person decides: credit, cancel or deliver again."),
        ),
        **{
            f"after_{reason.value}": (
                _("Not handed over: %(why)s", why=outcome_words(reason.value).lower()),
                after[RedeliveryPolicy().after(reason, attempts=1)],
            )
            for reason in REASONS
        },
        "review_days": (_("Stock is reviewed every, in days"), _("How often we order from suppliers.")),
        "cycle_service": (
            _("Stock lasts, in percent of the times"),
            _("How often an order to a supplier must last until the next one is here."),
        ),
        "usual_lead_days": (
            _("Suppliers take, in days"),
            _("For suppliers about whom nothing is known."),
        ),
    }


def group_words() -> dict[Group, str]:
    """The headings under which policies stand, in the order of the page."""
    return {
        Group.WHO_FIRST: _("Who goes first"),
        Group.TOGETHER: _("What ships together"),
        Group.DATES: _("Dates and promises"),
        Group.CONSENT: _("When it comes later: consent, silence, other goods"),
        Group.DOOR: _("At the door, and the drivers' phones"),
        Group.SUPPLIERS: _("Orders to suppliers"),
    }


def grouped(names: Collection[str]) -> list[tuple[Group, str, list[str]]]:
    """These policies under their headings; a heading with none is left out."""
    found = [
        (group, title, [each for each in KINDS if each in names and KINDS[each].group is group])
        for group, title in group_words().items()
    ]
    return [each for each in found if each[2]]


def found_by(text: str) -> set[str]:
    """The policies of which every typed word stands in the name, the sentence or the heading."""
    words, headings = text.casefold().split(), group_words()
    said = {
        name: " ".join((name, name.replace("_", " "), title, about, headings[KINDS[name].group])).casefold()
        for name, (title, about) in kind_words().items()
    }
    return {name for name, text in said.items() if all(word in text for word in words)}


def shape_words(name: str, currency: str) -> str:
    """What the form asks for."""
    return {
        Shape.CHOICE: _("Value"),
        Shape.TIME: _("Time of day"),
        Shape.DAYS: _("Days"),
        Shape.MINUTES: _("Minutes"),
        Shape.PERCENT: _("Percent"),
        Shape.MONEY: _("Money, in %(currency)s", currency=currency),
        Shape.COUNT: _("Number"),
    }[KINDS[name].shape]


def input_attrs(name: str) -> dict[str, str | int | bool]:
    """What a browser refuses by itself, and which keys a phone shows."""
    kind = KINDS[name]
    attrs: dict[str, str | int | bool] = {"required": True, "autocomplete": "off"}
    if kind.shape is Shape.MONEY:
        return attrs | {"inputmode": "decimal"}
    if kind.least is not None and kind.most is not None:
        return attrs | {"min": kind.least, "max": kind.most, "step": 1}
    return attrs


def input_type(name: str) -> str:
    return {Shape.TIME: "time", Shape.MONEY: "text"}.get(KINDS[name].shape, "number")


def keeping_words() -> dict[str, str]:
    """What a customer keeps of its goods when somebody ranks higher. Why a line has its place: `words.rank_words`."""
    return {
        "never_loses": _("never loses goods that are kept for it"),
        "normal": _("loses goods that are still to come, never those on the shelf"),
        "may_give_up": _("may give up goods to who ranks higher"),
    }


def ride_words() -> dict[str, str]:
    return {
        "alone": _("the part goes, even if a van goes there for it alone"),
        "next_door": _("the part goes when a van stops at that door or next door"),
        "same_door": _("the part goes only when a van stops at that door anyway"),
        "never": _("the part waits for the rest, unless a person sends it along"),
    }


def after_words() -> dict[str, str]:
    return {
        "next_delivery_day": _("goes out again on the next delivery day"),
        "wait_for_customer": _("waits until somebody has asked the customer"),
        "decide": _("waits until somebody has decided"),
    }


def consent_words() -> dict[str, dict[str, str]]:
    return {
        "delay_consent": {
            "private": _("private customers only"),
            "on": _("asks for consent"),
            "off": _("does not ask"),
        },
        "consent_rule": {"own": _("your own rule"), "us_mail_order": _("US Mail Order Rule")},
        "substitutes": {"never": _("never"), "ask": _("only when the customer says yes"), "allowed": _("allowed")},
        "consent_silence": {each: silence_words(each) for each in KINDS["consent_silence"].choices},
        "refund_within": {"seven_working_days": _("7 working days"), "billing_cycle": _("one billing cycle")},
    }


def choices(name: str) -> list[tuple[str, str]]:
    """The values of a policy that is chosen, with their words; empty for one that is typed."""
    return [(value, value_words(name, value)) for value in KINDS[name].choices]


def value_words(name: str, value: Any, currency: str = "") -> str:
    """A value as a clause: "ships complete", "at least 50 percent"."""
    if name.startswith("after_"):
        return after_words()[value]
    match name:
        case "max_attempts":
            return ngettext("%(num)s attempt at most", "%(num)s attempts at most", value)
        case "allocation_rule":
            return rule_words()[value][0]
        case "completeness":
            return completeness_words(value)
        case "rank_rule":
            return keeping_words()[value]
        case "ride_along":
            return ride_words()[value]
        case "ride_along_max_minutes":
            return ngettext("%(num)s minute at most", "%(num)s minutes at most", value)
        case "min_percent":
            return _("at least %(n)s percent", n=value) if value else _("any part")
        case "min_value":
            worth = money(value, currency) if currency else str(value)
            return _("worth at least %(money)s", money=worth) if value else _("whatever it is worth")
        case "max_wait_days":
            return ngettext("waits %(num)s day at most", "waits %(num)s days at most", value)
        case "max_shipments":
            return ngettext("%(num)s shipment at most", "%(num)s shipments at most", value)
        case (
            "reservation_horizon_days"
            | "promise_threshold_days"
            | "promise_earlier_days"
            | "overdue_days"
            | "review_days"
            | "usual_lead_days"
            | "positions_days"
            | "photos_days"
            | "signatures_days"
        ):
            return ngettext("%(num)s day", "%(num)s days", value)
        case "consent_term_days":
            return ngettext("%(num)s day", "%(num)s days", value)
        case "backorder_list":
            return _("each day") if value == "daily" else _("no list")
        case "delay_consent" | "consent_rule" | "consent_silence" | "refund_within" | "substitutes":
            return consent_words()[name][value]
        case "cycle_service":
            return _("%(n)s percent of the times", n=value)
        case _:
            return str(value)


def typed(name: str, text: str, currency: str) -> str:
    """What a person typed as the rule reads it: money in units becomes minor units; other text stays as it is. Raises
    InvalidInput for what is no such amount: the rule would name it in minor units."""
    if name not in KINDS or KINDS[name].shape is not Shape.MONEY:
        return text.strip()
    digits = minor_digits(currency)
    plain = text.strip().replace(",", ".")
    whole, _dot, rest = plain.partition(".")
    fits = whole.isascii() and whole.isdecimal() and len(whole) <= 12 and len(rest) <= digits
    minor = int(whole + rest.ljust(digits, "0")) if fits and ((rest.isascii() and rest.isdecimal()) or not rest) else -1
    most = KINDS[name].most or 0
    if not 0 <= minor <= most:
        raise InvalidInput(
            _(
                '"%(text)s" is no amount from 0 to %(most)s. Write it like %(example)s.',
                text=plain[:30],
                most=f"{most // 10**digits} {currency}",
                example="12.50" if digits == 2 else "12",
            ),
            code="policy",
        )
    return str(minor)


def scope_words(scope: Scope) -> str:
    return {
        Scope.COMPANY: _("Everybody"),
        Scope.CUSTOMER: _("One customer"),
        Scope.ORDER: _("One order"),
    }[scope]
