"""Serves an installation: the pages, the jobs and the outbox in one process."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import waitress  # type: ignore[import-untyped]

from data.store import open_store
from routing.errors import InvalidInput
from web.clock import wall_clock
from web.jobs import Background
from web.mailbox import Mailbox
from web.outbox import OutboxThread
from web.security import UPLOAD_LIMIT_BYTES
from web.wiring import Installation

log = logging.getLogger("backroute")

THREADS = 64
"""A page that follows a plan holds a thread while it waits."""

LIMITS = {
    # Above it a page says so (25 MB); what is much larger is turned away before it fills the disk.
    "max_request_body_size": 2 * UPLOAD_LIMIT_BYTES,
    # With waitress's own hundred, one visitor with a hundred idle connections would keep everybody out.
    "connection_limit": 1000,
    "asyncore_use_poll": True,  # select() ends at 1024 files
    "channel_timeout": 60,
}


@contextlib.contextmanager
def background_of(installation: Installation, *, work: bool = True, threads: int = 2) -> Iterator[Background]:
    """The relay, a worker, the outbox and (in the demo) the mailbox, running until the block ends."""
    with contextlib.ExitStack() as stack:
        if installation.clock.is_demo:
            open_demo_mailbox(installation, stack)
        background = Background(installation, work=work, threads=threads)
        outbox = OutboxThread(installation)
        background.start()
        stack.callback(background.stop)
        outbox.start()
        stack.callback(outbox.stop)
        if work:
            installation.compile_ahead()
        yield background


def open_demo_mailbox(installation: Installation, stack: contextlib.ExitStack) -> Mailbox:
    """Starts the demo's mailbox and makes it the mail server of this installation."""
    mailbox = stack.enter_context(Mailbox(installation.mail_folder))
    settings = {
        "host": "127.0.0.1",
        "port": mailbox.port,
        "sender": "demo@backroute.example",
        "encryption": "none",
        "sms_domain": "sms.example",
    }
    with open_store(installation.database) as store:
        store.set_setting(name="mail", value=settings, by="demo", now=wall_clock())
    return mailbox


def serve(
    installation: Installation,
    *,
    host: str,
    port: int,
    work: bool = True,
    on_ready: Callable[[str], None] = lambda _address: None,
) -> None:
    """Serves until it is interrupted (Ctrl-C or SIGTERM); running jobs are given back then.

    Raises InvalidInput when the port is taken.
    """
    from web.app import create_app

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as problem:
        raise InvalidInput(
            f"Port {port} of {host} cannot be used: {problem.strerror}. Choose another: backroute serve --port 8001"
        ) from problem
    with listening:
        port = int(listening.getsockname()[1])
        app = create_app(installation)
        server = waitress.create_server(
            app, sockets=[listening], threads=THREADS, ident="", **LIMITS, **_behind_proxy(installation)
        )
        try:
            with background_of(installation, work=work), _ended_by_signal():
                shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
                installation.serves_at(f"http://{shown}:{port}")
                on_ready(f"http://{shown}:{port}")
                server.run()
        finally:
            server.close()


def work_until_stopped(installation: Installation, *, threads: int, on_ready: Callable[[], None]) -> None:
    """Runs jobs and the outbox without pages, until it is interrupted."""
    with background_of(installation, threads=threads), _ended_by_signal():
        on_ready()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


def _behind_proxy(installation: Installation) -> dict[str, object]:
    """With HTTPS in front (Caddy on this machine) the visitor's address and scheme come in its headers."""
    if not installation.public_url.startswith("https://"):
        return {}
    return {
        "trusted_proxy": os.environ.get("BACKROUTE_TRUSTED_PROXY", "127.0.0.1"),
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"},
        "trusted_proxy_count": 1,
        "clear_untrusted_proxy_headers": True,
    }


@contextlib.contextmanager
def _ended_by_signal() -> Iterator[None]:
    """SIGTERM ends the process as Ctrl-C does, so that everything is closed in order."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
