"""How a page says that something went wrong: the same one sentence that the error carries."""

from __future__ import annotations

import logging
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from flask_login import AnonymousUserMixin, current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from routing.errors import BackrouteError, Conflict, InvalidInput, NotAllowed, NotFound, SolverError

log = logging.getLogger(__name__)

LINKED = ("/d/", "/t/", "/c/", "/p/", "/set-up/")
"""Where people without an account read: drivers, customers, and whoever makes the first account."""


def status_of(error: BackrouteError) -> int:
    """The HTTP status of an error; 503 where an engine or a sender failed, because trying again may help."""
    match error:
        case NotFound():
            return 404
        case NotAllowed():
            return 403
        case Conflict():
            return 409
        case InvalidInput():
            return 422
        case SolverError():
            return 500
        case _:
            return 503


def wants_json() -> bool:
    """Programs and the phones' outbox get JSON, people a page."""
    if request.path.startswith("/api/") or "X-Backroute-Link" in request.headers:
        return True
    accepts = request.accept_mimetypes
    return accepts["application/json"] > accepts["text/html"]


def answer(*, status: int, code: str, title: str, sentence: str, reference: str = "") -> Response:
    """The error as a page or as JSON `{"error": {"code", "sentence"}}`; the API calls the sentence `message`."""
    if wants_json():
        word = "message" if request.path.startswith("/api/") else "sentence"
        body = {"code": code, word: sentence} | ({"reference": reference} if reference else {})
        response = jsonify(error=body)
    else:
        inside = status < 500 and _reader_is_inside()
        response = make_response(
            render_template(
                "dispatcher/error.html" if inside else "error.html",
                title=title,
                sentence=sentence,
                reference=reference,
                next_href=_page_before() if inside else "",
            )
        )
    response.status_code = status
    return response


def _reader_is_inside() -> bool:
    """Whether it is a page of somebody who is signed in: what a link opens looks alike to everybody."""
    return not request.path.startswith(LINKED) and bool(current_user.is_authenticated)


def _page_before() -> str:
    """The page that the refused form stood on, if it can be opened again: what a form shows as its answer cannot."""
    came = urlsplit(request.referrer or "")
    if not came.path or came.netloc != request.host or came.path.startswith(LINKED):
        return ""
    try:
        current_app.create_url_adapter(request).match(came.path, method="GET")  # type: ignore[union-attr]
    except HTTPException:
        return ""
    here = came.path == request.path and came.query == request.query_string.decode("ascii", "replace")
    if here and request.method == "GET":
        return ""
    return came.path + (f"?{came.query}" if came.query else "")


def register_errors(app: Flask) -> None:
    titles = {
        400: lambda: _("This request is not complete"),
        403: lambda: _("Not allowed"),
        404: lambda: _("Not found"),
        405: lambda: _("Not possible here"),
        409: lambda: _("The day moved on"),
        413: lambda: _("Too large"),
        415: lambda: _("This cannot be used"),
        422: lambda: _("This cannot be used"),
        429: lambda: _("Too many tries"),
    }
    sentences = {
        404: lambda: _("There is no page at this address. Go back, or start from the first page."),
        405: lambda: _("This address cannot be asked in this way. Go back and use the page's own buttons."),
        413: lambda: _("What was sent is larger than 25 MB. Send it in smaller parts."),
        415: lambda: _("This address takes JSON only: send Content-Type: application/json."),
        429: lambda: _("Too many tries from this network. Wait a minute, then try again."),
    }

    def title_of(status: int) -> str:
        return titles[status]() if status in titles else _("Something went wrong")

    def title_of_ours(error: BackrouteError, status: int) -> str:
        # Who has a dead link in hand did nothing that is not allowed.
        return _("This link does not open") if error.code.startswith("link_") and status == 403 else title_of(status)

    @app.errorhandler(BackrouteError)
    def _ours(error: BackrouteError) -> Response:
        status = status_of(error)
        if status >= 500:
            log.error("%s", error, exc_info=error)
        # Fixed sentences, such as those about links, are in the catalogs; those with values in them stay English.
        return answer(status=status, code=error.code, title=title_of_ours(error, status), sentence=_(str(error)))

    @app.errorhandler(CSRFError)
    def _form_expired(_error: CSRFError) -> Response:
        return answer(
            status=400,
            code="form_expired",
            title=_("This form is too old"),
            sentence=_("You were signed out or the page is too old. Nothing was changed: go back, reload, try again."),
        )

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        status = error.code or 500
        if status < 400:  # a redirect is no error
            return make_response(error.get_response())
        if status >= 500:
            return _unexpected(error)
        sentence = (
            sentences[status]() if status in sentences else _("The request could not be read. Go back and try again.")
        )
        if isinstance(error, MethodNotAllowed) and request.path.startswith("/api/"):
            # A program has no page to go back to.
            takes = sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"})
            sentence = f"This address takes {' or '.join(takes)}, not {request.method[:20]}."
        code = (error.name or "error").lower().replace(" ", "_")
        response = answer(status=status, code=code, title=title_of(status), sentence=sentence)
        for name in ("Retry-After", "Allow", "Content-Range"):
            if value := dict(error.get_headers()).get(name):
                response.headers[name] = value
        return response

    @app.errorhandler(500)
    def _unexpected(_error: HTTPException) -> Response:
        # Flask has written the traceback to the log already; the reference joins the two.
        reference = secrets.token_hex(4)
        log.error("The answer to %s carried the reference %s", request.path, reference)
        # It may be the database that failed: this page is written without asking it anything.
        g.without_database = True
        g._login_user = AnonymousUserMixin()
        return answer(
            status=500,
            code="unexpected",
            title=_("Something went wrong"),
            sentence=_("This page failed and nothing was changed. Try again, else tell the operator the reference."),
            reference=reference,
        )
