"""Signing in and staying signed in: what a session is worth, which passwords may be chosen, what the log tells."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError, OperationalError

from data import tables
from tests.website import PASSWORD, Website, a_website, form_token
from web.passwords import LONGEST_PASSWORD, hash_password, password_fits, wrong_password
from web.people import SIGNED_IN_FOR, first_set_up_path
from web.security import limiter

PAGE = {"Accept": "text/html"}


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


def is_in(client: FlaskClient) -> bool:
    return client.get("/", headers=PAGE).status_code == 200


# ---------------------------------------------------------------------------- sessions


def test_a_copied_session_is_worth_nothing_after_signing_out(website: Website) -> None:
    client = website.signed_in()
    copied = client.get_cookie("backroute")
    assert copied is not None
    thief = website.client()
    thief.set_cookie("backroute", copied.value)
    assert is_in(thief)
    client.post("/logout", data={"csrf_token": form_token(client.get("/", headers=PAGE))})
    assert not is_in(client)
    assert not is_in(thief)


def test_who_changes_the_password_stays_in_here_and_is_out_everywhere_else(website: Website) -> None:
    client = website.signed_in()
    other = website.client()
    copied = client.get_cookie("backroute")
    assert copied is not None
    other.set_cookie("backroute", copied.value)
    page = client.get("/password", headers=PAGE)

    def change(old: str, new: str) -> int:
        form = {"csrf_token": form_token(page), "old": old, "password": new}
        return client.post("/password", data=form, headers=PAGE).status_code

    assert change("not the password at all", "seven quiet harbour gulls") == 422
    assert change(PASSWORD, "short") == 422
    assert is_in(other), "a refused change changes nothing"
    assert change(PASSWORD, "seven quiet harbour gulls") == 302
    assert is_in(client)
    assert not is_in(other)
    login = website.client()
    form = {"csrf_token": form_token(login.get("/login")), "email": "dispatcher@example.com"}
    assert login.post("/login", data={**form, "password": PASSWORD}).status_code == 401
    assert login.post("/login", data={**form, "password": "seven quiet harbour gulls"}).status_code == 302


def test_a_closed_account_is_out_until_it_is_opened_again(website: Website) -> None:
    admin, client = website.signed_in(role="admin"), website.signed_in()
    with website.installation.database.reading() as connection:
        ids = {row.role: row.id for row in connection.execute(select(tables.user.c.role, tables.user.c.id))}
    token = form_token(admin.get("/settings", headers=PAGE))

    def press(role: str, what: str) -> int:
        return admin.post(f"/settings/people/{ids[role]}/{what}", data={"csrf_token": token}).status_code

    assert press("dispatcher", "close") == 302
    assert not is_in(client)
    again = website.client()
    form = {"csrf_token": form_token(again.get("/login")), "email": "dispatcher@example.com", "password": PASSWORD}
    assert again.post("/login", data=form).status_code == 401
    assert press("dispatcher", "reopen") == 302
    assert again.post("/login", data=form).status_code == 302
    assert press("admin", "close") == 409, "there is always somebody who can open it again"
    assert is_in(admin)


def test_a_session_lasts_a_working_day_and_no_longer(website: Website) -> None:
    client = website.signed_in()
    for past, comes_in in (
        (0, True),
        (SIGNED_IN_FOR.total_seconds() - 60, True),
        (SIGNED_IN_FOR.total_seconds(), False),
    ):
        with client.session_transaction() as session:
            session["since"] = int(time.time() - past)
        assert is_in(client) is comes_in, past


@pytest.mark.parametrize("since", [None, "today", 2**40])
def test_a_session_without_a_beginning_is_none(website: Website, since: object) -> None:
    client = website.signed_in()
    with client.session_transaction() as session:
        session["since"] = since
    assert not is_in(client)


def test_signing_in_keeps_nothing_of_the_session_before(website: Website) -> None:
    """A session that somebody else put into this browser does not become this person's."""
    client = website.client()
    token = form_token(client.get("/login"))
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
        before = session["csrf_token"]
    email = website.an_account()
    client.post("/login", data={"csrf_token": token, "email": email, "password": PASSWORD})
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") != before


def test_a_closed_account_is_out_at_once(website: Website) -> None:
    client = website.signed_in()
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.user).values(active=False))
    assert not is_in(client)


def test_a_role_that_was_taken_away_counts_from_the_next_request(website: Website) -> None:
    client = website.signed_in(role="admin")
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.user).values(role="viewer"))
    assert client.get("/settings", headers=PAGE).status_code == 403


def test_behind_https_no_other_host_can_plant_the_cookie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKROUTE_PUBLIC_URL", "https://routes.example")
    with a_website(tmp_path / "home") as website:
        cookie = website.client().get("/login").headers["Set-Cookie"]
    assert cookie.startswith("__Host-backroute=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


# ---------------------------------------------------------------------------- guessing


def test_guessing_one_accounts_password_from_many_networks_is_slowed_down(website: Website) -> None:
    email = website.an_account()
    client = website.client()
    form = {"csrf_token": form_token(client.get("/login")), "email": email, "password": "x" * (LONGEST_PASSWORD + 1)}
    codes = [
        client.post("/login", data=form, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"}).status_code
        for number in range(51)
    ]
    assert codes == [401] * 50 + [429]
    limiter.reset()


def test_who_knows_the_password_does_not_use_up_the_tries(website: Website) -> None:
    email = website.an_account()
    for number in range(51):
        client = website.client()
        form = {"csrf_token": form_token(client.get("/login")), "email": email, "password": PASSWORD}
        answer = client.post("/login", data=form, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"})
        assert answer.status_code == 302
    client = website.client()
    form |= {"csrf_token": form_token(client.get("/login"))}
    answer = client.post("/login", data=form | {"password": "wrong"}, environ_base={"REMOTE_ADDR": "192.0.2.200"})
    assert answer.status_code == 401


def test_an_unknown_address_takes_as_long_as_a_wrong_password() -> None:
    kept = hash_password(PASSWORD)
    password_fits("warm", None)

    def seconds(hashed: str | None) -> float:
        taken = []
        for _ in range(5):
            started = time.perf_counter()
            assert not password_fits("wrong wrong wrong", hashed)
            taken.append(time.perf_counter() - started)
        return min(taken)

    known, unknown = seconds(kept), seconds(None)
    assert known / 3 < unknown < known * 3


def test_nobody_has_the_password_that_stands_in_for_unknown_accounts() -> None:
    assert not password_fits("nobody's password", None)


def test_a_password_of_megabytes_is_not_hashed() -> None:
    started = time.perf_counter()
    assert not password_fits("x" * 20_000_000, hash_password(PASSWORD))
    assert time.perf_counter() - started < 2


# ---------------------------------------------------------------------------- passwords


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaaaa",
        "123456789012",
        "password1234",
        "PasswordPassword",
        "qwertyuiop12",
        "backroute2026",
        "Driver1@ex.example",
    ],
)
def test_what_everybody_tries_cannot_be_chosen(password: str) -> None:
    assert "easy to guess" in wrong_password(password, name="Driver1", email="driver1@ex.example")


@pytest.mark.parametrize(
    "password", [PASSWORD, "correct horse battery", "kahvila lumi nosturi 7", "é" * 3 + "q8Zr2mN0pL", "v" + "9xK2" * 63]
)
def test_what_is_long_and_nobodys_habit_can_be_chosen(password: str) -> None:
    assert wrong_password(password) == ""


def test_passwords_have_a_shortest_and_a_longest() -> None:
    assert wrong_password("short") == "Too short: use at least 12 characters."
    assert wrong_password("x1" * 200) == "Too long: use at most 256 characters."


def test_passwords_are_kept_by_argon2id_with_the_memory_that_owasp_asks_for() -> None:
    found = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$", hash_password(PASSWORD))
    assert found is not None
    memory_kib, rounds = int(found[1]), int(found[2])
    assert memory_kib >= 19_456
    assert rounds >= 2


def test_of_two_who_open_the_set_up_link_at_once_one_becomes_administrator(website: Website) -> None:
    address = first_set_up_path(website.installation)
    assert address is not None
    clients = [website.client(), website.client()]
    tokens = [form_token(client.get(address)) for client in clients]
    codes = [
        client.post(
            address,
            data={"csrf_token": token, "name": "A", "email": f"a{n}@example.com", "password": PASSWORD},
            headers=PAGE,
        ).status_code
        for n, (client, token) in enumerate(zip(clients, tokens, strict=True))
    ]
    assert codes == [302, 403]


# ---------------------------------------------------------------------------- where links come from


def test_the_hosts_name_in_a_request_never_gets_into_a_page(website: Website) -> None:
    this = website.a_round()
    client = website.signed_in(role="admin")
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"} | PAGE
    token = website.link("driver", "manifest", this.manifest_id)
    for path in ("/", "/login", "/orders", "/plan", f"/d/{token}", f"/d/{token}/app.webmanifest", "/nothing"):
        answer = client.get(path, headers=headers)
        assert "evil.example" not in answer.text, path
        assert "evil.example" not in answer.headers.get("Location", ""), path


@pytest.mark.parametrize(
    "wanted", ["/\t/evil.example", "/\n/evil.example", "/\\\\evil.example", "javascript:alert(1)", "\t//evil.example"]
)
def test_signing_in_never_leads_off_the_site_by_a_trick_of_signs(website: Website, wanted: str) -> None:
    client = website.client()
    form = {"csrf_token": form_token(client.get("/login")), "email": website.an_account(), "password": PASSWORD}
    there = client.post("/login", query_string={"next": wanted}, data=form).headers["Location"]
    assert there == "/"


# ---------------------------------------------------------------------------- the log


def test_the_log_names_no_link_and_a_line_stays_a_line(website: Website, caplog: pytest.LogCaptureFixture) -> None:
    website.app.config["PROPAGATE_EXCEPTIONS"] = False
    this = website.a_round()
    token = website.link("driver", "manifest", this.manifest_id)
    with website.installation.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE notice")
        connection.exec_driver_sql("DROP TABLE manifest")
    with caplog.at_level(logging.DEBUG):
        assert website.client().get(f"/d/{token}").status_code == 500
        logging.getLogger("waitress").warning("Client disconnected while serving %s", f"/p/{token}\nforged line")
    assert caplog.records
    assert token not in caplog.text
    assert all("\n" not in record.getMessage() for record in caplog.records)
    assert "/d/..." in caplog.text


def test_what_a_failing_statement_was_about_is_not_in_its_error(website: Website) -> None:
    with pytest.raises(OperationalError) as raised, website.installation.database.writing() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere WHERE name = ?", ("Café 12 at the corner",))
    assert issubclass(raised.type, DatabaseError)
    assert "Café 12" not in str(raised.value)
