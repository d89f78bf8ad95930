"""Tasks: what a person must do, and what came of it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.queries.tasks import task_list
from data.store import open_store
from data.store.again import in_transaction
from routing.errors import InvalidInput
from routing.services.deciding import Decision, decide_door
from web.dispatcher import words
from web.here import here, now
from web.incoming import day_of
from web.people import needs_role

tasks = Blueprint("tasks", __name__, url_prefix="/tasks")

LONGEST_OUTCOME = 200


@tasks.get("")
@needs_role()
def page() -> ResponseReturnValue:
    done = request.args.get("show") == "done"
    with here().database.reading() as connection:
        rows = task_list(connection, done=done)
    return render_template("dispatcher/tasks.html", rows=rows, done=done, words=words)


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
    return redirect(url_for("tasks.page"))


@tasks.post("/<int:task_id>/done")
@needs_role("dispatcher", "warehouse", "salesperson")
def finish(task_id: int) -> ResponseReturnValue:
    outcome = request.form.get("outcome", "").strip()[:LONGEST_OUTCOME]
    if not outcome:
        raise InvalidInput(_("Say what came of it in a few words: the next person reads it."), code="no_outcome")
    with open_store(here().database) as store:
        store.finish_task(task_id=task_id, outcome=outcome, by=current_user.actor, now=now())
    flash(_("Done: %(outcome)s", outcome=outcome), "done")
    return redirect(url_for("tasks.page"))
