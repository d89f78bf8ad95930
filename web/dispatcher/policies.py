"""Policies in plain words: for everybody, a customer or an order, from a day on; shown first, then committed."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.queries.policies import policy_lines, whom_of
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput
from routing.model.days import today_of
from routing.model.orders import AllocationRule
from routing.rules.allocation import by_example
from routing.rules.policies import KINDS, PolicyBook, PolicyRow, Scope, usual
from routing.services.ruling import Ruling, commit_ruling, simulate_ruling, with_todays_goods
from web.dispatcher import policy_words as words
from web.dispatcher.receipts import fingerprint
from web.dispatcher.supply import anyway, changes, shown_changes
from web.dispatcher.words import actor_words, rule_words
from web.formats import day as written_day
from web.here import here, now
from web.people import needs_role
from web.policies import in_force, is_over, ruling_of

policies = Blueprint("policies", __name__, url_prefix="/policies")


@policies.get("")
@needs_role("dispatcher")
def page() -> ResponseReturnValue:
    return _page()


def _page(*, wrong: str = "", scope: str = "", name: str = "") -> str:
    scope = scope or request.values.get("scope", "")
    scope = scope if scope in list(Scope) else Scope.COMPANY.value
    name = name or request.values.get("name", "")
    find = request.args.get("find", "").strip()[:100]
    with here().database.reading() as connection:
        store = SqlStore(connection)
        company, erp_allocates = store.company(), store.erp_allocates()
        lines = policy_lines(connection)
    may_set = [each for each, kind in KINDS.items() if not (erp_allocates and kind.gives_out)]
    kinds = [each for each in may_set if Scope(scope) in KINDS[each].scopes]
    of_everybody = {each for each, kind in KINDS.items() if Scope.COMPANY in kind.scopes}
    today = today_of(now(), company.zone)
    book = PolicyBook(line.row for line in lines)
    return render_template(
        "dispatcher/policies.html",
        lines=[line for line in lines if not is_over(line.row, today)],
        over=[line for line in lines if is_over(line.row, today)],
        in_force=in_force(book.rows, today),
        everybody={each: book.value(each, day=today) for each in of_everybody},
        groups=words.grouped(of_everybody & words.found_by(find)),
        find=find,
        may_set=may_set,
        usual={each: usual(each) for each in words.kind_words()},
        today=today,
        scope=scope,
        scopes=[(each.value, words.scope_words(each)) for each in Scope],
        kinds=kinds,
        name=name if name in kinds else "",
        currency=company.currency,
        words=words,
        rule_words=rule_words(),
        examples={rule.value: by_example(rule) for rule in AllocationRule},
        actor_words=actor_words,
        wrong=wrong,
        form=request.values,
        is_admin=current_user.role == "admin",
    )


@policies.post("/simulate")
@needs_role("dispatcher")
def simulate() -> ResponseReturnValue:
    """Shows what the policy does. Changes nothing: a POST only because it comes from a form."""
    try:
        return _show(_ruling())
    except InvalidInput as problem:
        return _page(wrong=str(problem)), 422


def _show(ruling: Ruling, *, moved_on: bool = False) -> str:
    with here().database.reading() as connection:
        store = SqlStore(connection)
        row, previews = simulate_ruling(store, ruling, now=now())
        ahead = [] if ruling.ends else with_todays_goods(store, row, now=now())
        company = store.company()
        whom = whom_of(connection, row.scope, row.scope_id)
    by_itself = anyway(scope=row.scope, scope_id=row.scope_id) if previews or ahead else frozenset()
    return render_template(
        "dispatcher/policy.html",
        row=row,
        ends=ruling.ends,
        whom=whom,
        typed_whom=request.form.get("whom", "").strip()[:100],
        later=row.effective_from > today_of(now(), company.zone),
        typed=request.form.get("value", ""),
        company_currency=company.currency,
        words=words,
        moved_on=moved_on,
        may_commit=_may(row),
        **shown_changes(previews, besides=by_itself),
        on_its_day=changes(ahead, besides=by_itself)["lines"],
        gives_out=KINDS[row.name].gives_out if row.name in KINDS else True,
    )


@policies.post("/commit")
@needs_role("dispatcher")
def commit() -> ResponseReturnValue:
    """Keeps it and gives the goods out in one transaction, if that does what was shown; else shows it again."""
    ruling, at, by, seen = _ruling(), now(), current_user.actor, request.form.get("seen", "")

    with here().database.reading() as connection:
        zone = SqlStore(connection).company().zone

    def write(store: SqlStore) -> PolicyRow:
        row, previews = commit_ruling(store, ruling, now=at, by=by)
        if not _may(row):
            abort(403)
        if fingerprint(previews) != seen:
            raise Conflict(
                _("The day moved on since this was shown. Look at it again, then commit."), code="shown_is_old"
            )
        return row

    try:
        row = in_transaction(here().database, write)
    except Conflict:
        return _show(ruling, moved_on=True), 409
    name = words.kind_words()[row.name][0]
    flash(_kept(row, name, ended=bool(ruling.ends), today=today_of(at, zone)), "done")
    return redirect(url_for("policies.page", scope=row.scope.value))


def _kept(row: PolicyRow, name: str, *, ended: bool, today: str) -> str:
    """What was done, and of a policy of a later day from when on it holds."""
    if ended:
        return _("%(policy)s: ended.", policy=name)
    if row.effective_from > today:
        day = written_day(row.effective_from, "EEE d MMM yyyy")
        return _("%(policy)s: kept. It holds from %(day)s on.", policy=name, day=day)
    return _("%(policy)s: kept.", policy=name)


def _may(row: PolicyRow) -> bool:
    """What binds everybody is an administrator's; a dispatcher decides for a customer or an order."""
    return row.scope is not Scope.COMPANY or current_user.role == "admin"


def _ruling() -> Ruling:
    """The form. Raises InvalidInput with what is wrong and the mend."""
    with here().database.reading() as connection:
        today = today_of(now(), SqlStore(connection).company().zone)
        return ruling_of(connection, request.form, today=today)
