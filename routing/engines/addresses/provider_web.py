"""How a provider's server is asked: by a deadline over all, to a few megabytes, and nobody else than the server named.

geopy's own adapter waits as long as a byte comes now and then, reads as much as is sent, and follows a redirect to
wherever it leads, also into the network that this machine stands in.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from geopy.adapters import URLLibAdapter
from geopy.exc import GeocoderParseError, GeocoderTimedOut, GeopyError

from routing.engines.same_server import is_same_server

MOST_BYTES = 2_000_000
"""An answer to one question is some kilobytes."""


class BoundedAdapter(URLLibAdapter):  # type: ignore[misc]
    """Fits an adapter of geopy: `timeout` is for the whole answer, and an answer longer than MOST_BYTES is none."""

    def __init__(self, *, proxies: Any, ssl_context: Any) -> None:
        super().__init__(proxies=proxies, ssl_context=ssl_context)
        handlers = [_Http(), _Https(context=ssl_context), _SameServer()]
        if proxies is not None:
            handlers.append(ProxyHandler(proxies))
        self.urlopen = build_opener(*handlers).open

    def get_text(self, url: str, *, timeout: float, headers: Any) -> str:
        ends = time.monotonic() + timeout
        try:
            text: str = super().get_text(url, timeout=timeout, headers=headers)
        except GeopyError:
            if time.monotonic() >= ends:
                raise GeocoderTimedOut("Too slow") from None
            raise
        if time.monotonic() >= ends:
            raise GeocoderTimedOut("Too slow")
        return text

    def _decode_page(self, page: Any) -> str:
        return str(super()._decode_page(_Short(page)))


class _Short:
    """A page that is no longer than an answer may be."""

    def __init__(self, page: Any) -> None:
        self.headers, self._page = page.headers, page

    def read(self) -> bytes:
        body: bytes = self._page.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise GeocoderParseError("Too long")
        return body


class _SameServer(HTTPRedirectHandler):
    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        if is_same_server(req.full_url, newurl):
            return super().redirect_request(req, fp, code, msg, headers, newurl)
        return None


def _end_by_deadline(connection: HTTPConnection) -> None:
    """Whatever still comes then is not waited for: each byte alone would be in time."""
    timer = threading.Timer(float(connection.timeout or 0), _shut, [connection.sock])
    timer.daemon = True
    timer.start()


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _end_by_deadline(self)


class _SafeConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _end_by_deadline(self)


class _Http(HTTPHandler):
    def http_open(self, req: Request) -> Any:
        return self.do_open(_Connection, req)


class _Https(HTTPSHandler):
    def __init__(self, context: Any) -> None:
        super().__init__(context=context)
        self._checked_by = context

    def https_open(self, req: Request) -> Any:
        return self.do_open(_SafeConnection, req, context=self._checked_by)
