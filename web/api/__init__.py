"""The API for programs: orders in, their state and promises out. JSON over a token, without cookies.

Tokens are made by `backroute token add`. A call says who asks by `Authorization: Bearer TOKEN`, which no other site can
make a browser send: so there is no form token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from data.store import SqlStore
from data.store.tokens import ApiToken
from routing.errors import NotAllowed
from web.api.openapi import DOCUMENT
from web.clock import wall_clock
from web.errors import answer
from web.here import here
from web.security import csrf, limiter

P = ParamSpec("P")

api = Blueprint("api", __name__, url_prefix="/api/v1")
csrf.exempt(api)

SCOPES = {
    "orders": "send orders, and read what became of them",
    "read": "read orders and promises",
}
MOST_BYTES = 5 * 1024 * 1024
CALL_LIMIT = "120 per minute"
WRONG_TOKEN_LIMIT = "30 per minute"


def _caller() -> str:
    """A token's calls are counted together, from wherever they come."""
    return "api " + hashlib.sha256(request.headers.get("Authorization", "").encode("utf-8", "replace")).hexdigest()


limiter.limit(CALL_LIMIT, key_func=_caller)(api)
limiter.limit(WRONG_TOKEN_LIMIT, deduct_when=lambda response: response.status_code == 401)(api)


@api.before_request
def _not_too_large() -> None:
    request.max_content_length = MOST_BYTES


@api.errorhandler(RequestEntityTooLarge)
def _too_large(_error: RequestEntityTooLarge) -> Response:
    return answer(
        status=413,
        code="too_large",
        title="",
        sentence=f"What was sent is larger than {MOST_BYTES >> 20} MB. Send fewer orders in a call.",
    )


def needs_scope(*scopes: str) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Only for a token with one of these scopes; the view finds it by `token()`."""

    def guard(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            kind, _space, sent = request.headers.get("Authorization", "").partition(" ")
            found = None
            if kind.lower() == "bearer" and sent.strip():
                with here().database.reading() as connection:
                    found = SqlStore(connection).token(sent.strip())
            # By the machine's own time, as sessions are: the demo's clock jumps.
            if found is None or not found.opens(wall_clock()):
                refused = answer(
                    status=401,
                    code="token",
                    title="",
                    sentence="Send a valid token: Authorization: Bearer TOKEN. `backroute token add` makes one.",
                )
                refused.headers["WWW-Authenticate"] = 'Bearer realm="Backroute"'
                return refused
            if not found.scopes & set(scopes):
                raise NotAllowed(
                    f"The token {found.name} may not do this: it needs the scope {' or '.join(scopes)}.", code="scope"
                )
            g.api_token = found
            return view(*args, **kwargs)

        return guarded

    return guard


def token() -> ApiToken:
    found: ApiToken = g.api_token
    return found


@api.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """What can be asked here, as OpenAPI 3.1. It tells nothing of this installation."""
    return jsonify(DOCUMENT | {"servers": [{"url": here().address("/api/v1")}]})


from web.api import orders  # noqa: E402, F401  (its views belong to the blueprint above)
