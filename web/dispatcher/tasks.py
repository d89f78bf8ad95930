"""Tasks: what a person must do, and what came of it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.queries.tasks import task_kinds, task_list
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import InvalidInput
from routing.model.consents import Answer
from routing.rules.consent import Reply
from routing.services.deciding import Decision, decide_door
from routing.services.doing import finish as finish_task
from routing.services.doing import settle_delay
from web.dispatcher import words
from web.here import here, now
from web.incoming import day_of, whole
from web.people import needs_role

tasks = Blueprint("tasks", __name__, url_prefix="/tasks")

LONGEST_OUTCOME = 200


@tasks.get("")
@needs_role()
def page() -> ResponseReturnValue:
    done = request.args.get("show") == "done"
    with here().database.reading() as connection:
        kinds = task_kinds(connection, done=done)
        kind = next((each for each in kinds if each.value == request.args.get("kind")), None)
        rows = task_list(connection, done=done, mine=current_user.called, kind=kind)
        asked = [row.subject_id for row in rows if row.subject_kind == "consent" and not done]
        # Goods that went out meanwhile leave nothing to press: what came of the call is written down like of any other.
        questions = {key: each for key, each in SqlStore(connection).consents(asked).items() if each.may_be_settled}
    own = [row for row in rows if row.is_mine]
    others = [row for row in rows if not row.is_mine]
    groups = [("", rows)]
    if not done:
        groups = [(name, some) for name, some in ((_("Yours"), own), (_("Everybody else's"), others)) if some]
    return render_template(
        "dispatcher/tasks.html",
        groups=groups,
        rows=rows,
        done=done,
        kinds=kinds,
        kind=kind,
        questions=questions,
        words=words,
    )


@tasks.post("/<int:task_id>/decide")
@needs_role("dispatcher", "salesperson")
def decide(task_id: int) -> ResponseReturnValue:
    """What becomes of goods that were not taken at the door: the goods and the order follow at once."""
    try:
        decision = Decision(request.form.get("decision", ""))
    except ValueError:
        raise InvalidInput(_("Choose: credit, cancel or deliver again."), code="decision") from None
    text = request.form.get("for_day", "").strip()
    day, at, by = day_of(text) if text else "", now(), current_user.actor
    said = in_transaction(
        here().database,
        lambda store: decide_door(store, task_id=task_id, decision=decision, for_day=day, now=at, by=by),
    )
    flash(said, "done")
    order_id = whole(request.form.get("order", ""))
    return redirect(url_for("orders.one", order_id=order_id) if order_id else url_for("tasks.page"))


@tasks.post("/<int:task_id>/done")
@needs_role("dispatcher", "warehouse", "salesperson")
def finish(task_id: int) -> ResponseReturnValue:
    outcome = request.form.get("outcome", "").strip()[:LONGEST_OUTCOME]
    if not outcome:
        raise InvalidInput(_("Say what came of it in a few words: the next person reads it."), code="no_outcome")
    by, at = current_user.actor, now()
    in_transaction(here().database, lambda store: finish_task(store, task_id, outcome=outcome, by=by, now=at))
    flash(_("Done: %(outcome)s", outcome=outcome), "done")
    return redirect(url_for("tasks.page"))


@tasks.post("/<int:task_id>/delay")
@needs_role("dispatcher", "salesperson")
def delay(task_id: int) -> ResponseReturnValue:
    """What a customer said about a delay on the phone: it is done as if they had pressed it themselves.

    Of the question as the list showed it; Conflict when it was answered or its day moved since.
    """
    said = request.form.get("answer", "")
    if said not in list(Answer):
        raise InvalidInput(_("Say what the customer said: agreed, another day, or cancelled."), code="answer")
    seen = whole(request.form.get("seen", "")) or 0
    shown = request.form["shown"][:20] if "shown" in request.form else None
    reply = Reply(answer=Answer(said), day=request.form.get("day", "")[:20], seen=seen, shown=shown)
    by, at = current_user.actor, now()

    def write(store: SqlStore) -> None:
        settle_delay(store, task_id, reply, by=by, now=at)

    in_transaction(here().database, write)
    flash(words.answer_words(said, waits=shown == ""), "done")
    return redirect(url_for("tasks.page"))
