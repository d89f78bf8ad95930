"""Messages: what was decided, what was sent, and what did not go out and why."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from data.queries.messages import STATUSES, message_counts, message_list, one_message
from data.store import SqlStore, open_store
from routing.errors import BackrouteError
from web.dispatcher import words
from web.here import here
from web.incoming import whole
from web.messages import shown
from web.outbox import outbound_of
from web.people import needs_role

messages = Blueprint("messages", __name__, url_prefix="/messages")

A_PAGE = 50


@messages.get("")
@needs_role()
def page() -> ResponseReturnValue:
    status = request.args.get("status", "")
    if status and status not in STATUSES:
        abort(404)
    with here().database.reading() as connection:
        counts = message_counts(connection)
        count = counts[status] if status else sum(counts.values())
        pages = max(1, -(-count // A_PAGE))
        number = min(max(1, whole(request.args.get("page", "1")) or 1), pages)
        return render_template(
            "dispatcher/messages.html",
            rows=message_list(connection, status=status, limit=A_PAGE, offset=(number - 1) * A_PAGE),
            counts=counts,
            count=count,
            pages=pages,
            number=number,
            status=status,
            outbound=outbound_of(SqlStore(connection)),
            words=words,
        )


@messages.get("/<int:notice_id>")
@needs_role()
def one(notice_id: int) -> ResponseReturnValue:
    """The text as it was or would be sent, with its link masked."""
    with here().database.reading() as connection:
        row = one_message(connection, notice_id)
        wrong = ""
        try:
            subject, text = shown(here(), connection, row.notice, sent=row.status in ("sent", "sending"))
        except BackrouteError as problem:
            subject, text, wrong = "", "", str(problem)
    return render_template("dispatcher/message.html", row=row, subject=subject, text=text, wrong=wrong, words=words)


@messages.post("/<int:notice_id>/again")
@needs_role("dispatcher")
def again(notice_id: int) -> ResponseReturnValue:
    """Puts a failed or withheld message back into the outbox."""
    with open_store(here().database) as store:
        store.send_again(notice_id=notice_id)
    flash(_("It waits to be sent again."), "done")
    return redirect(url_for("messages.page", status=request.form.get("status") or None))


@messages.post("/<int:notice_id>/withhold")
@needs_role("dispatcher")
def withhold(notice_id: int) -> ResponseReturnValue:
    """Keeps a message that was not sent from going out."""
    with open_store(here().database) as store:
        store.hold_back(notice_id=notice_id, problem=_("held back by hand"))
    flash(_("It will not be sent."), "done")
    return redirect(url_for("messages.page", status=request.form.get("status") or None))
