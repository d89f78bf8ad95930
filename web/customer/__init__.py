"""The customer's pages: when it comes, and afterwards what was handed over. A GET changes nothing."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from data.queries.tracking import Proven, Tracked, proven, tracked
from data.store import SqlStore, open_store
from routing.errors import InvalidInput, NotAllowed, NotFound
from routing.model.proofs import Outcome
from routing.model.tasks import TaskKind
from routing.rules.door import why_in
from web.formats import clock, day
from web.here import here, now
from web.languages import speak
from web.security import LOGIN_LIMIT, TOKEN_LIMIT, limiter

customer = Blueprint("customer", __name__)

LONGEST_MESSAGE = 500
POLL_S = 30
ENDED = ("delivered", "refused", "failed")
"""Stages in which the page tells what was handed over."""


@customer.get("/t/<token>")
@limiter.limit(TOKEN_LIMIT)
def track(token: str) -> ResponseReturnValue:
    return _page(token, "customer/track.html")


@customer.get("/t/<token>/status")
@limiter.limit(TOKEN_LIMIT)
def status(token: str) -> ResponseReturnValue:
    """The part of the page that changes, for the page's own polling."""
    return _page(token, "customer/_status.html")


def _page(token: str, template: str) -> ResponseReturnValue:
    delivery_id = _delivery_of(token, "tracking")
    with here().database.reading() as connection:
        found = tracked(connection, delivery_id, now=now())
        proof = proven(connection, delivery_id) if found.stage in ENDED else None
    speak(found.language)
    return render_template(template, token=token, **_told(found), proof=proof, poll_s=POLL_S, **_proof_words(proof))


@customer.post("/t/<token>/message")
@limiter.limit(LOGIN_LIMIT)
def message(token: str) -> ResponseReturnValue:
    """A word from the customer becomes a task for the dispatcher."""
    delivery_id = _delivery_of(token, "tracking")
    with here().database.reading() as connection:
        found = tracked(connection, delivery_id, now=now())
    speak(found.language)
    text = " ".join(request.form.get("text", "").split())[:LONGEST_MESSAGE]
    if not text:
        raise InvalidInput(_("Write what we should know, then send."))
    with open_store(here().database) as store:
        store.add_task(
            kind=TaskKind.CUSTOMER_MESSAGE,
            subject_kind="delivery",
            subject_id=delivery_id,
            sentence=f"{found.site} writes: {text}",
            made_at=now(),
            data={"text": text},
            urgent=found.stage in ("next", "under_way"),
        )
    flash(_("Thank you. The dispatcher has your message."), "done")
    return redirect(url_for("customer.track", token=token))


@customer.get("/p/<token>")
@limiter.limit(TOKEN_LIMIT)
def proof(token: str) -> ResponseReturnValue:
    found = _proof_of(token, "proof")
    speak(found.language)
    return render_template("customer/proof.html", proof=found, file_kind="p", token=token, **_proof_words(found))


@customer.get("/<any(p, t):kind>/<token>/files/<sha256>")
@limiter.limit(TOKEN_LIMIT)
def proof_file(kind: str, token: str, sha256: str) -> Response:
    """A signature or photo of this very proof, and of no other."""
    found = _proof_of(token, "proof" if kind == "p" else "tracking")
    wanted = next((each for each in found.files if each.sha256 == sha256), None)
    if wanted is None:
        raise NotFound(_("This picture does not belong to this delivery."))
    response = make_response(here().files.read(sha256))
    response.headers["Content-Type"] = wanted.media_type
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _proof_of(token: str, kind: str) -> Proven:
    delivery_id = _delivery_of(token, kind)
    with here().database.reading() as connection:
        found = proven(connection, delivery_id)
    if found is None:
        raise NotFound(_("Nothing was reported about this delivery yet. Look again later."))
    return found


def _delivery_of(token: str, kind: str) -> int:
    """Raises NotAllowed for a link that is unknown, expired, revoked or of another kind."""
    with here().database.reading() as connection:
        link = SqlStore(connection).open_link(token=token, kind=kind, now=now())
    if link.subject_kind != "delivery":
        raise NotAllowed(_("This link is not known. Ask the sender for a new one."), code="link_unknown")
    return link.subject_id


# ---------------------------------------------------------------------------- the answer, as a sentence


def _told(found: Tracked) -> dict[str, object]:
    today = now().astimezone(ZoneInfo(found.zone)).date()
    return {
        "tracked": found,
        "headline": _headline(found, today),
        "below": _below(found),
        "van_age_s": (now() - found.van.captured_at).total_seconds() if found.van else None,
    }


def _headline(found: Tracked, today: date) -> str:
    match found.stage:
        case "at_the_door":
            return _("We are at your door")
        case "delivered":
            return _("Collected") if found.is_fetched else _("Delivered")
        case "refused":
            return _("The goods were not accepted")
        case "failed":
            return _("Not collected") if found.is_fetched else _("Not delivered")
    if found.window is None:
        if found.is_fetched and found.stage == "being_prepared":
            return _("We come to fetch goods from you")
        return _("We are preparing your delivery") if found.stage == "being_prepared" else _("On its way")
    opens, closes = (clock(moment, found.zone) for moment in found.window)
    return _(
        "Between %(opens)s and %(closes)s %(when)s",
        opens=opens,
        closes=closes,
        when=_when(found.window[0], found.zone, today),
    )


def _when(moment: datetime, zone: str, today: date) -> str:
    on = moment.astimezone(ZoneInfo(zone)).date()
    if on == today:
        return _("today")
    if on == today + timedelta(days=1):
        return _("tomorrow")
    return _("on %(day)s", day=day(on))


def _below(found: Tracked) -> str:
    match found.stage:
        case "being_prepared" if found.on_hold:
            return _("It waits with us for now. We tell you when it comes.")
        case "being_prepared" if found.calls:
            return _("We will call you to agree on what next.")
        case "being_prepared":
            return _("Planned for %(day)s. The time comes once the route is made.", day=day(found.day))
        case "planned":
            return _("The van has not left yet.")
        case "next":
            return _("You are next.")
        case "under_way":
            if found.stops_away is None:
                return ""
            if found.stops_away == 2:
                return _("One stop before you.")
            return _("%(count)s stops before you.", count=found.stops_away - 1)
        case "refused" | "failed":
            if found.next_day:
                return _("We come again on %(day)s.", day=day(found.next_day))
            return _("We will call you to agree on what next.") if found.calls else ""
    return ""


def _proof_words(found: Proven | None) -> dict[str, object]:
    if found is None:
        return {"outcome_word": "", "why": ""}
    if found.is_fetched:
        word = _("Collected") if found.is_handed_over else _("Not collected")
        return {"outcome_word": word, "why": why_in(found.language, Outcome(found.outcome))}
    word = {
        Outcome.DELIVERED: _("Handed to the recipient"),
        Outcome.THIRD_PARTY: _("Handed to somebody else"),
        Outcome.SAFE_PLACE: _("Left in a safe place"),
        Outcome.PICKUP_POINT: _("Left at a pickup point"),
    }.get(Outcome(found.outcome), _("Not delivered"))
    return {"outcome_word": word, "why": why_in(found.language, Outcome(found.outcome))}
