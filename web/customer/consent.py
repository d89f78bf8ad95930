"""The page on which a customer answers a delay: accept, another day, cancel.

A GET changes nothing: mail scanners follow links.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput, NotAllowed
from routing.model.consents import Answer, Became, Consent, Silence
from routing.rules.consent import Reply, effect_of
from routing.services.consenting import Answered, answer, offered
from routing.services.substituting import Proposal, proposals, take
from web.formats import day
from web.here import here, now
from web.incoming import whole
from web.languages import speak
from web.security import TOKEN_LIMIT, limiter

consent = Blueprint("consent", __name__)

LONGEST_CHOICE = 20


@consent.get("/c/<token>")
@limiter.limit(TOKEN_LIMIT)
def page(token: str) -> ResponseReturnValue:
    return _page(token, _consent_of(token))


@consent.post("/c/<token>")
@limiter.limit(TOKEN_LIMIT)
def reply(token: str) -> ResponseReturnValue:
    """Takes the answer. The same press twice is one answer; too late says so and changes nothing. To cancel is final:
    that is asked once back, and only the second press does it."""
    consent_id = _consent_of(token)
    with here().database.reading() as connection:
        speak(SqlStore(connection).consent(consent_id).language)
    said = request.form.get("answer", "")
    if said == "substitute":
        return _substitute(token, consent_id)
    if said not in list(Answer):
        raise InvalidInput(_("Press one of the three buttons: agree, another day, or cancel."), code="answer")
    chosen = Reply(
        answer=Answer(said),
        day=request.form.get("day", "")[:LONGEST_CHOICE],
        what=request.form.get("what", "asked")[:LONGEST_CHOICE],
        seen=whole(request.form.get("seen", "")) or 0,
        shown=request.form["shown"][:LONGEST_CHOICE] if "shown" in request.form else None,
    )

    if chosen.answer is Answer.CANCEL and not request.form.get("sure") and (asked := _asked_back(token, chosen)):
        return asked

    def write(store: SqlStore) -> Answered:
        return answer(store, consent_id, chosen, now=now())

    try:
        in_transaction(here().database, write)
    except Conflict as problem:
        # Where the ERP allocates, nobody here can give the goods to others: that is for a person, not for the customer.
        if problem.code not in ("consent_closed", "erp_allocates"):
            raise
        return _page(token, consent_id, wrong=_("This was not changed. Look at how it stands now, or call us.")), 409
    except InvalidInput as problem:
        words = {
            "day": _("We do not come to you on that day. Choose one of the days shown."),
            "what": _("Say which goods to cancel: choose one of those shown."),
        }
        return _page(token, consent_id, wrong=words.get(problem.code, str(problem))), 422
    return redirect(url_for("consent.page", token=token))


def _asked_back(token: str, reply: Reply) -> str:
    """The page that asks whether to cancel, with what would go; "" when nothing of it may be cancelled: the answer says
    why. Changes nothing."""
    with here().database.reading() as connection:
        found = SqlStore(connection).consent(_consent_of(token))
    if state_of(found) not in ("open", "waits"):
        return ""
    try:
        gone = effect_of(found, reply, offered=(), may_change=False).cancelled
    except (Conflict, InvalidInput):
        return ""
    if not gone:
        return ""
    speak(found.language)
    lines = [line for line, _units in gone]
    return render_template("customer/consent_sure.html", token=token, consent=found, gone=lines, reply=reply)


def _substitute(token: str, consent_id: int) -> ResponseReturnValue:
    """Takes the substitute that was shown, or says that it is not there any more and shows what is."""
    key = request.form.get("offer", "")[:80]

    def write(store: SqlStore) -> None:
        take(store, store.consent(consent_id).order_id, key=key, now=now(), consent_id=consent_id)

    try:
        in_transaction(here().database, write)
    except (Conflict, NotAllowed) as problem:
        if problem.code not in ("consent_closed", "substitute_gone", "substitutes"):
            raise
        with here().database.reading() as connection:
            store = SqlStore(connection)
            found = store.consent(consent_id)
            pressed_twice = key in store.substitutes_taken(found.order_id)
        speak(found.language)
        if not pressed_twice:
            wrong = _("That is not there any more, and nothing was changed. Look at how it stands now, or call us.")
            return _page(token, consent_id, wrong=wrong), 409
    return redirect(url_for("consent.page", token=token))


def _instead(store: SqlStore, found: Consent) -> list[Proposal]:
    """What may be taken instead of the goods that were asked about."""
    asked = {line.id for line in found.asked}
    return [each for each in proposals(store, found.order_id, now=now()) if each.line.id in asked]


def _consent_of(token: str) -> int:
    """Raises NotAllowed for a link that is unknown, expired, revoked or of another kind."""
    with here().database.reading() as connection:
        link = SqlStore(connection).open_link(token=token, kind="consent", now=now())
    if link.subject_kind != "consent":
        raise NotAllowed(_("This link is not known. Ask the sender for a new one."), code="link_unknown")
    return link.subject_id


def _page(token: str, consent_id: int, *, wrong: str = "") -> str:
    with here().database.reading() as connection:
        store = SqlStore(connection)
        found = store.consent(consent_id)
        state = state_of(found)
        days = offered(store, found, now=now()) if state == "open" else ()
        instead = _instead(store, found) if state == "open" else []
        coming = store.substitutes_coming(found.order_id)
    speak(found.language)
    last_day = (found.due_at - timedelta(seconds=1)).astimezone(ZoneInfo(found.zone)).date()
    return render_template(
        "customer/consent.html",
        token=token,
        consent=found,
        state=state,
        days=[(each, day(each)) for each in days if each != found.stands_on],
        instead=instead,
        coming=[(each, day(each.day)) for each in coming],
        headline=_headline(found, state),
        below=_below(found, state, day(last_day)),
        others=[line for line in found.lines if line.free and not line.asked],
        wrong=wrong,
    )


_OVER = {Became.CANCELLED: "called_off", Became.ELSEWHERE: "elsewhere", Became.CAME: "came"}


def state_of(found: Consent) -> str:
    """Whether it may still be answered by the customer, and if not, why."""
    if found.answer is Answer.CANCEL and found.closed_at:
        return "cancelled"
    if found.became and found.closed_why != "substituted":
        return _OVER[found.became]
    if found.closed_why in ("newer", "substituted", "kept", "elsewhere"):
        return found.closed_why
    if found.on_its_way:
        return "on_its_way"
    over = now() >= found.due_at
    if over and found.waits_without_date:
        return "waits"
    return "over" if found.closed_at or (over and found.answer) else "open"


def _headline(found: Consent, state: str) -> str:
    if state in ("cancelled", "called_off"):
        return _("Cancelled")
    if state == "came":
        return _("These goods have come already")
    if state == "substituted":
        return _("Agreed: other goods come instead")
    if state == "elsewhere":
        return _("These goods have come already, another way")
    if state == "newer":
        return _("There is a newer message about this order")
    if state == "kept" and found.asked:
        return _("It comes as promised: %(day)s", day=day(max(line.was_on for line in found.asked)))
    match found.answer:
        case Answer.ACCEPT if found.day:
            return _("Agreed: %(day)s", day=day(found.day))
        case Answer.ACCEPT:
            return _("Agreed: we deliver as soon as we can")
        case Answer.OTHER_DAY:
            return _("Agreed: %(day)s", day=day(found.chosen))
    if state == "on_its_way":
        return _("These goods are on their way already")
    stands_on = found.stands_on
    return _("New day: %(day)s", day=day(stands_on)) if stands_on else _("We have no day for these goods yet")


def _below(found: Consent, state: str, last_day: str) -> str:
    if state == "cancelled":
        return _("These goods do not come. What you paid for them we give back.")
    if state == "called_off":
        return _("These goods do not come. If that does not suit you, call us.")
    if state in ("came", "substituted", "kept", "elsewhere"):
        return _("Nothing more to do. If that does not suit you, call us.")
    if state == "newer":
        return _("Please answer with the link in that message.")
    if state in ("over", "on_its_way"):
        return _("If that does not suit you, call us.")
    if state == "waits" or found.waits_without_date:
        return _("You may cancel until the goods leave us.")
    if found.answer is not None:
        return _("You may change this until %(day)s.", day=last_day)
    if now() >= found.due_at:
        return _("Please answer, or call us.")
    return {
        Silence.ACCEPT: _("Without an answer by %(day)s we take it as agreed.", day=last_day),
        Silence.CANCEL: _(
            "Please answer by %(day)s. Without an answer we cancel these goods and give back what you paid.",
            day=last_day,
        ),
        Silence.TASK: _("Please answer by %(day)s. Without an answer we call you.", day=last_day),
    }[found.silence]
