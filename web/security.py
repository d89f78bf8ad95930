"""What every answer carries so that a browser loads nothing but ours, and what every form must bring."""

from __future__ import annotations

import logging
import re
import secrets

from flask import Flask, Response, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from web.incoming import RowId, refuse_unkeepable
from web.tiles import tile_server

csrf = CSRFProtect()
limiter = Limiter(key_func=get_remote_address, storage_uri="memory://", strategy="moving-window")

LOGIN_LIMIT = "10 per minute; 60 per hour"
ACCOUNT_LIMIT = "50 per hour"
"""Wrong passwords for one address, from however many networks. Enough that nobody is locked out in passing."""
TOKEN_LIMIT = "120 per minute"
UPLOAD_LIMIT_BYTES = 25 * 1024 * 1024

_POLICY = (
    "default-src 'none'",
    "script-src 'self' 'nonce-{nonce}'",
    "style-src 'self' 'nonce-{nonce}'",
    "img-src 'self' data: blob:{pictures}",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Links hold tokens, so no other site may hear of them. Not "no-referrer": over HTTPS forms prove by it where they
    # come from.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def csp_nonce() -> str:
    """The word that lets a script or style tag of this very answer run."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(18)
    return str(g.csp_nonce)


def _pictures_from(response: Response) -> str:
    """A page may load the pictures of the tile server that was named, of that one host alone."""
    if response.mimetype != "text/html" or (served := tile_server()) is None:
        return ""
    return f" {served.origin}"


class WithoutSecrets(logging.Filter):
    """Whoever reads the log may not walk in by it: a link's token is left out, and a line stays one line."""

    _TOKEN = re.compile(r"/(c|d|t|p|set-up)/[A-Za-z0-9_-]{8,}")
    _CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = self._CONTROL.sub(" ", self._TOKEN.sub(r"/\1/...", record.getMessage()))
        record.args = ()
        return True


_without_secrets = WithoutSecrets()


def register_security(app: Flask, *, public_url: str, secret: bytes) -> None:
    is_https = public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=secret,
        # With the prefix a browser takes the cookie only over HTTPS, and from no other host of the same domain.
        SESSION_COOKIE_NAME="__Host-backroute" if is_https else "backroute",
        SESSION_COOKIE_SECURE=is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_SECURE=is_https,
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=UPLOAD_LIMIT_BYTES,
        MAX_FORM_MEMORY_SIZE=UPLOAD_LIMIT_BYTES,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a board stays open all day
        RATELIMIT_HEADERS_ENABLED=True,
    )
    if is_https:
        # Waitress speaks no TLS, so a public https address means that one proxy of ours stands in front.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.url_map.converters["int"] = RowId
    app.before_request(refuse_unkeepable)
    for name in (app.logger.name, "web.errors", "waitress"):
        logging.getLogger(name).addFilter(_without_secrets)
    csrf.init_app(app)
    limiter.init_app(app)
    app.jinja_env.globals["csp_nonce"] = csp_nonce

    @app.after_request
    def _add_headers(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["Content-Security-Policy"] = "; ".join(_POLICY).format(
            nonce=csp_nonce(), pictures=_pictures_from(response)
        )
        if is_https:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.endpoint != "static":
            # A page holds names and addresses: neither a proxy nor the next person's Back button may show it.
            response.headers.setdefault("Cache-Control", "no-store")
        return response
