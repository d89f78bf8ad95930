"""An installation with its pages, on a clock that the test sets; in a test client, or served to a real browser."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from waitress import create_server
from werkzeug.test import TestResponse

from data.store import open_store
from tests.rounds import SIX, Round, a_round
from web.app import create_app
from web.people import hash_password
from web.security import limiter
from web.wiring import Installation, open_installation

PASSWORD = "long enough to be good"


class SetClock:
    """Fits the Clock port; the test moves it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@dataclass
class Website:
    installation: Installation
    clock: SetClock
    app: Flask

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def a_round(self, **values: object) -> Round:
        with self.installation.database.writing() as connection:
            return a_round(connection, **values)  # type: ignore[arg-type]

    def link(self, kind: str, subject_kind: str, subject_id: int, *, days: int = 2) -> str:
        """The token of a link."""
        with open_store(self.installation.database) as store:
            link_id = store.add_link(
                kind=kind,
                subject_kind=subject_kind,
                subject_id=subject_id,
                made_at=self.clock.at,
                expires_at=self.clock.at + timedelta(days=days),
                secret=self.installation.secret,
            )
            return store.link_token(link_id=link_id, secret=self.installation.secret)

    def an_account(self, *, role: str = "dispatcher") -> str:
        """The e-mail address of a new account; its password is PASSWORD."""
        email = f"{role}@example.com"
        with open_store(self.installation.database) as store:
            store.add_account(
                email=email,
                name=f"{role} 1",
                role=role,
                password_hash=hash_password(PASSWORD),
                made_at=self.clock.at,
            )
        return email

    def signed_in(self, *, role: str = "dispatcher") -> FlaskClient:
        client = self.client()
        email = self.an_account(role=role)
        answer = client.post(
            "/login", data={"csrf_token": form_token(client.get("/login")), "email": email, "password": PASSWORD}
        )
        assert answer.status_code == 302
        return client


def form_token(page: TestResponse) -> str:
    """The CSRF token that the page's form carries."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None, "This page has no form."
    return found[1]


@contextmanager
def a_website(home: Path) -> Iterator[Website]:
    """An installation of its own in `home`, at 07:55 on the day of `tests.rounds`."""
    with open_installation(home) as installation:
        clock = SetClock(SIX + timedelta(hours=1, minutes=55))
        installation.clock = clock  # type: ignore[assignment]
        app = create_app(installation)
        limiter.reset() if limiter.initialized else None
        yield Website(installation=installation, clock=clock, app=app)


@contextmanager
def served(website: Website, **limits: object) -> Iterator[str]:
    """The address of the pages on this machine, until the end of the block. `limits`: more for waitress."""
    server = create_server(website.app, host="127.0.0.1", port=0, threads=8, **limits)
    ended = threading.Event()

    def run() -> None:
        try:
            server.run()
        except OSError:  # its loop may just be asking for the sockets that are closed below
            if not ended.is_set():
                raise

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        ended.set()
        server.close()
        thread.join(timeout=5)
