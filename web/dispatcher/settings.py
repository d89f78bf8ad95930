"""Settings: the company, the switch for messages, and the people."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo, available_timezones

from babel.numbers import is_currency
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from data.queries.messages import waiting_to_be_sent
from data.queries.settings import company_facts, people_list
from data.store import SqlStore, open_store
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput
from routing.model.days import day_words, today_of
from routing.model.notices import Channel
from routing.rules.tile_server import EXAMPLE
from routing.services.switching import switch_allocation
from web.dispatcher import words
from web.here import here, now
from web.incoming import whole
from web.outbox import MODES, outbound_of, set_outbound
from web.passwords import hash_password, wrong_password
from web.people import ROLES, needs_role
from web.tiles import set_tile_server, tile_server_of

settings = Blueprint("settings", __name__, url_prefix="/settings")

HIGHEST_CAP = 100_000


@settings.get("")
@needs_role("dispatcher")
def page() -> ResponseReturnValue:
    return _page()


def _page(*, wrong: dict[str, str] | None = None) -> str:
    with here().database.reading() as connection:
        store = SqlStore(connection)
        facts = company_facts(connection)
        return render_template(
            "dispatcher/settings.html",
            facts=facts,
            outbound=outbound_of(store),
            waiting=waiting_to_be_sent(connection, today=_today_began(facts["zone"])),
            people=people_list(connection),
            roles=ROLES,
            tiles=tile_server_of(store),
            tiles_example=EXAMPLE,
            wrong=wrong or {},
            form=request.form,
            words=words,
        )


@settings.post("/company")
@needs_role("admin")
def company() -> ResponseReturnValue:
    names = ("name", "currency", "zone", "country", "phone", "email")
    values = {each: request.form.get(f"company_{each}", "").strip()[:200] for each in names}
    values |= {"currency": values["currency"].upper(), "country": values["country"].upper()}
    wrong = {}
    if not values["name"]:
        wrong["company_name"] = _("Give a name: customers read it in every message.")
    if not is_currency(values["currency"]):
        wrong["company_currency"] = _("Write the currency as its three letters, like EUR.")
    if values["zone"] not in available_timezones():
        wrong["company_zone"] = _("Write a time zone by its IANA name, like Europe/Helsinki.")
    if wrong:
        return _page(wrong=wrong), 422
    with open_store(here().database) as store:
        store.set_company(**values)
    flash(_("The company is saved."), "done")
    return redirect(url_for("settings.page"))


@settings.post("/allocation")
@needs_role("admin")
def allocation() -> ResponseReturnValue:
    by = request.form.get("allocation", "")
    if by not in ("own", "erp"):
        return _page(wrong={"allocation": _("Choose who allocates.")}), 422
    at, who = now(), current_user.actor
    switched = in_transaction(here().database, lambda store: switch_allocation(store, erp=by == "erp", now=at, by=who))
    flash(_(switched.sentence) if switched.changed else _("It was so already. Nothing was changed."), "done")
    return redirect(url_for("settings.page"))


@settings.post("/basemap")
@needs_role("admin")
def basemap() -> ResponseReturnValue:
    """Whose tiles maps are drawn from: our own, or a server that is named with its attribution."""
    if (chosen := request.form.get("basemap", "")) not in ("own", "server"):
        return _page(wrong={"tiles": _("Choose our own tiles or a tile server.")}), 422
    own = chosen == "own"
    url = "" if own else request.form.get("tiles_url", "").strip()
    if not own and not url:
        return _page(wrong={"tiles": _("Write the server's address, like %(example)s.", example=EXAMPLE)}), 422
    try:
        with open_store(here().database) as store:
            set_tile_server(
                store,
                url=url,
                credit=request.form.get("tiles_credit", "").strip(),
                https_only=here().public_url.startswith("https://"),
                by=current_user.actor,
                now=now(),
            )
    except InvalidInput as refused:
        return _page(wrong={refused.code: _(str(refused))}), 422
    g.pop("tile_server", None)
    flash(
        _("Maps are drawn from the region's own tiles.") if own else _("Maps are drawn from %(url)s.", url=url), "done"
    )
    return redirect(url_for("settings.page"))


@settings.post("/outbound")
@needs_role("admin")
def outbound() -> ResponseReturnValue:
    mode, cap = request.form.get("mode", ""), request.form.get("daily_cap", "").strip()
    email, sms = request.form.get("test_email", "").strip(), request.form.get("test_sms", "").strip()
    wrong = {}
    most = whole(cap)
    if most is None or most > HIGHEST_CAP:
        wrong["daily_cap"] = _("Write a whole number of messages a day; 0 for no limit.")
    if mode == "test" and not email and not sms:
        wrong["test_email"] = _("A test needs a recipient: everything goes there instead of to customers.")
    if mode not in MODES:
        wrong["mode"] = _("Choose off, test or real.")
    if wrong or most is None:
        return _page(wrong=wrong), 422
    with open_store(here().database) as store:
        recipients = {channel: to for channel, to in ((Channel.EMAIL, email), (Channel.SMS, sms)) if to}
        set_outbound(store, mode=mode, by=current_user.actor, now=now(), daily_cap=most, test_recipients=recipients)
        store.append_event(
            kind="outbound_switched",
            actor=current_user.actor,
            captured_at=now(),
            received_at=now(),
            data={"why": mode},
        )
    flash(
        {"off": _("Messages are off."), "test": _("Messages go to the test recipient.")}.get(
            mode, _("Messages go out to customers.")
        ),
        "done",
    )
    return redirect(url_for("settings.page"))


@settings.post("/outbound/old")
@needs_role("admin")
def withhold_old() -> ResponseReturnValue:
    """What was decided before today and still waits does not go out when messages are switched on."""
    with open_store(here().database) as store:
        began = _today_began(company_facts(store.connection)["zone"])
        day = day_words(began.date())
        held = store.withhold_waiting(why=_("Held back under Settings: older than %(day)s.", day=day), now=began)
    flash(
        ngettext("%(num)s message is held back.", "%(num)s messages are held back.", held)
        if held
        else _("No message is older than today. Nothing was changed."),
        "done",
    )
    return redirect(url_for("settings.page"))


def _today_began(zone: str) -> datetime:
    """Midnight on the company's wall clock."""
    zone = zone or "UTC"
    return datetime.combine(date.fromisoformat(today_of(now(), zone)), time(0), tzinfo=ZoneInfo(zone))


@settings.post("/people")
@needs_role("admin")
def add_person() -> ResponseReturnValue:
    form = {name: request.form.get(name, "").strip() for name in ("name", "email", "role")}
    password = request.form.get("password", "")
    wrong = {}
    if not form["name"]:
        wrong["name"] = _("Give a name: events will carry it.")
    if form["email"].count("@") != 1 or not all(form["email"].split("@")):
        wrong["email"] = _("This is no e-mail address. Write it like name@example.com.")
    if form["role"] not in ROLES:
        wrong["role"] = _("Choose a role.")
    if why := wrong_password(password, name=form["name"], email=form["email"]):
        wrong["password"] = _(why)
    if wrong:
        return _page(wrong=wrong), 422
    with open_store(here().database) as store:
        store.add_account(**form, password_hash=hash_password(password), made_at=now())
    flash(_("%(name)s may come in now.", name=form["name"]), "done")
    return redirect(url_for("settings.page"))


@settings.post("/people/<int:account_id>/sign-out")
@needs_role("admin")
def sign_out_everywhere(account_id: int) -> ResponseReturnValue:
    with open_store(here().database) as store:
        store.end_sessions(account_id=account_id)
    flash(_("Signed out on every device."), "done")
    return redirect(url_for("settings.page"))


@settings.post("/people/<int:account_id>/close")
@needs_role("admin")
def close_account(account_id: int) -> ResponseReturnValue:
    # Who closes is an administrator and stays one: so there is always somebody who can open it again.
    if account_id == current_user.account.id:
        raise Conflict(_("You cannot close your own account. Let another administrator do it."), code="own_account")
    with open_store(here().database) as store:
        store.close_account(account_id=account_id)
    flash(_("Closed: this account cannot sign in any more. What it did keeps its name."), "done")
    return redirect(url_for("settings.page"))


@settings.post("/people/<int:account_id>/reopen")
@needs_role("admin")
def reopen_account(account_id: int) -> ResponseReturnValue:
    with open_store(here().database) as store:
        store.reopen_account(account_id=account_id)
    flash(_("Open again: it signs in with its old password."), "done")
    return redirect(url_for("settings.page"))
