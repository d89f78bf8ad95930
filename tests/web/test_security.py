"""What keeps others out: the content policy, form tokens, links, sessions and limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from data.store import open_store
from routing.engines.roads.facts import FACTS_FILE
from tests.website import PASSWORD, Website, a_website, form_token
from web.people import first_set_up_path


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


def sentence(text: str) -> str:
    """The one sentence of an error page."""
    found = re.search(r"<h1>.*?</h1>\s*<p>(.*?)</p>", text, re.DOTALL)
    assert found is not None
    return found[1]


def every_page(website: Website) -> dict[str, str]:
    this = website.a_round(told=("08:00", "09:00"))
    stop = this.stops[0]
    set_up = first_set_up_path(website.installation)
    assert set_up is not None
    return {
        "login": "/login",
        "set-up": set_up,
        "driver": f"/d/{website.link('driver', 'manifest', this.manifest_id)}",
        "tracking": f"/t/{website.link('tracking', 'delivery', stop.delivery_id)}",
        "nothing": "/nothing/here",
    }


def test_every_page_loads_only_ours_and_runs_nothing_inline(website: Website) -> None:
    for name, address in every_page(website).items():
        page = website.client().get(address, headers={"Accept": "text/html"})
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, name
        assert "unsafe" not in policy, name
        assert not re.search(r"https?:", policy), name
        (nonce,) = set(re.findall(r"'nonce-([^']+)'", policy))
        # No handler and no style in the markup, and every script carries this answer's word.
        assert not re.search(r"<[^>]+\s(on\w+|style)=", page.text), name
        assert set(re.findall(r"<script[^>]*nonce=\"([^\"]+)\"", page.text)) == {nonce}, name
        assert page.text.count("<script") == page.text.count(f'nonce="{nonce}"'), name
        assert not re.search(r"(src|href)=\"https?://", page.text), name
        for header in ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy"):
            assert header in page.headers, name
        assert page.headers["Cache-Control"] == "no-store", name


def test_two_answers_never_share_their_word(website: Website) -> None:
    first, second = (website.client().get("/login").headers["Content-Security-Policy"] for _ in range(2))
    assert first != second


def test_a_form_without_its_token_changes_nothing(website: Website) -> None:
    address = first_set_up_path(website.installation)
    form = {"name": "Admin", "email": "admin@example.com", "password": PASSWORD}
    answer = website.client().post(address, data=form, headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert sentence(answer.text) == (
        "You were signed out or the page is too old. Nothing was changed: go back, reload, try again."
    )
    assert first_set_up_path(website.installation) == address


def test_the_first_account_is_made_once_and_then_the_link_is_dead(website: Website) -> None:
    client = website.client()
    address = first_set_up_path(website.installation)
    assert first_set_up_path(website.installation) == address, "a restart prints the same link"
    form = {
        "csrf_token": form_token(client.get(address)),
        "name": "Admin",
        "email": "Admin@example.com",
        "password": PASSWORD,
    }
    short = client.post(address, data=form | {"password": "short"})
    assert short.status_code == 422
    assert "Too short: use at least 12 characters." in short.text
    assert client.post(address, data=form).headers["Location"] == "/"
    assert client.get("/").status_code == 200, "who has just chosen a password is signed in"
    again = client.get(address, headers={"Accept": "text/html"})
    assert (again.status_code, sentence(again.text)) == (
        403,
        "This link works once and was used. Ask the sender for a new one.",
    )
    assert first_set_up_path(website.installation) is None
    later = website.client()
    form |= {"csrf_token": form_token(later.get("/login")), "email": "admin@EXAMPLE.com"}
    assert later.post("/login", data=form).status_code == 302


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(website: Website) -> None:
    email = website.an_account()
    client = website.client()
    token = form_token(client.get("/login"))
    answers = [
        client.post("/login", data={"csrf_token": token, "email": each, "password": "wrong wrong wrong"})
        for each in (email, "nobody@example.com")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    said = [re.search(r'role="alert">.*?<p>(.*?)</p>', answer.text, re.DOTALL) for answer in answers]
    assert said[0] is not None
    assert said[1] is not None
    assert said[0][1] == said[1][1] == "This e-mail and password do not belong together. Check both and try again."


def test_guessing_passwords_is_slowed_down(website: Website) -> None:
    client = website.client()
    token = form_token(client.get("/login"))
    form = {"csrf_token": token, "email": "nobody@example.com", "password": "guess"}
    codes = [client.post("/login", data=form).status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]


@pytest.mark.parametrize("address", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_signing_in_never_leads_off_the_site(website: Website, address: str) -> None:
    client = website.client()
    email = website.an_account()
    form = {"csrf_token": form_token(client.get("/login")), "email": email, "password": PASSWORD}
    assert client.post(f"/login?next={address}", data=form).headers["Location"] == "/"


def test_ending_the_sessions_of_a_person_signs_them_out_everywhere(website: Website) -> None:
    client = website.signed_in()
    assert "Sign out" in client.get("/nothing", headers={"Accept": "text/html"}).text
    with open_store(website.installation.database) as store:
        store.end_sessions(account_id=1)
    assert "Sign out" not in client.get("/nothing", headers={"Accept": "text/html"}).text


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(website: Website) -> None:
    cookie = website.client().get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_behind_https_the_cookie_never_travels_in_the_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKROUTE_PUBLIC_URL", "https://routes.example")
    with a_website(tmp_path / "home") as website:
        answer = website.client().get("/login", headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "max-age" in answer.headers["Strict-Transport-Security"]


# ---------------------------------------------------------------------------- links


def test_a_link_opens_its_own_page_only(website: Website) -> None:
    this = website.a_round()
    delivery = this.stops[0].delivery_id
    tokens = {
        "d": website.link("driver", "manifest", this.manifest_id),
        "t": website.link("tracking", "delivery", delivery),
        "p": website.link("proof", "delivery", delivery),
    }
    for page in tokens:
        for kind, token in tokens.items():
            answer = website.client().get(f"/{page}/{token}", headers={"Accept": "text/html"})
            if kind == page:
                assert answer.status_code in (200, 404)  # nothing was reported yet, so there is no proof
            else:
                assert answer.status_code == 403
                assert sentence(answer.text) == "This link is not known. Ask the sender for a new one."


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        ("expired", "This link has expired. Ask the sender for a new one."),
        ("revoked", "This link was withdrawn. Ask the sender for a new one."),
    ],
)
def test_a_dead_link_says_so_in_one_sentence(website: Website, happens: str, says: str) -> None:
    this = website.a_round()
    token = website.link("driver", "manifest", this.manifest_id)
    if happens == "expired":
        website.clock.at += timedelta(days=3)
    else:
        with open_store(website.installation.database) as store:
            store.revoke_links(
                kind="driver", subject_kind="manifest", subject_id=this.manifest_id, now=website.clock.at
            )
    answer = website.client().get(f"/d/{token}", headers={"Accept": "text/html"})
    assert (answer.status_code, sentence(answer.text)) == (403, says)
    assert "<h1>This link does not open</h1>" in answer.text
    posted = website.client().post("/d/reports", headers={"X-Backroute-Link": token}, data={"report": "{}"})
    assert posted.status_code == 403
    assert posted.json == {"error": {"code": f"link_{happens}", "sentence": says}}


def test_a_dead_link_says_so_in_the_readers_language(website: Website) -> None:
    answer = website.client().get("/t/unknown", headers={"Accept": "text/html", "Accept-Language": "sv"})
    assert sentence(answer.text) == "Länken är okänd. Be avsändaren om en ny."


def test_a_customers_page_keeps_the_gate_code_to_itself(website: Website) -> None:
    this = website.a_round(told=("08:00", "09:00"), note="the key is under the mat")
    tracking = website.client().get(f"/t/{website.link('tracking', 'delivery', this.stops[0].delivery_id)}").text
    assert "4711" not in tracking
    assert "under the mat" not in tracking
    driver = website.client().get(f"/d/{website.link('driver', 'manifest', this.manifest_id)}").text
    assert "4711" in driver


# ---------------------------------------------------------------------------- what is left


def test_a_page_fails_with_a_reference_even_when_it_is_the_database_that_failed(website: Website) -> None:
    website.app.config["PROPAGATE_EXCEPTIONS"] = False
    with website.installation.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE company")
    answer = website.client().get("/login", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    assert sentence(answer.text).startswith("This page failed and nothing was changed.")
    assert re.search(r"<code>[0-9a-f]{8}</code>", answer.text)
    assert "company" not in answer.text


def test_a_monitor_can_ask_whether_it_works(website: Website) -> None:
    answer = website.client().get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_a_map_is_served_in_ranges_and_only_from_a_built_region(website: Website) -> None:
    folder = website.installation.home / "regions" / "town"
    folder.mkdir(parents=True)
    (folder / FACTS_FILE).write_text("{}")
    (folder / "basemap.pmtiles").write_bytes(b"0123456789")
    with website.client().get("/basemap/town.pmtiles", headers={"Range": "bytes=2-4"}) as answer:
        assert (answer.status_code, answer.data) == (206, b"234")
    # An open page whose region was built anew gets its piece of the new one, never the whole file.
    changed = {"Range": "bytes=2-4", "If-Range": '"what it was before"'}
    with website.client().get("/basemap/town.pmtiles", headers=changed) as answer:
        assert (answer.status_code, answer.data) == (206, b"234")
    # Whoever asks beyond its end learns how long it is, as RFC 9110 has it.
    beyond = website.client().get("/basemap/town.pmtiles", headers={"Range": "bytes=99-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */10")
    assert website.client().get("/basemap/nowhere.pmtiles").status_code == 404
    assert website.client().get("/basemap/..%2f..%2fsecret.pmtiles").status_code == 404


def test_files_with_their_hash_are_kept_for_a_year_and_others_asked_for(website: Website) -> None:
    client = website.client()
    address = re.search(r'href="(/static/css/backroute\.css\?v=\w+)"', client.get("/login").text)
    assert address is not None
    with client.get(address[1]) as hashed, client.get("/static/css/backroute.css") as plain:
        assert "immutable" in hashed.headers["Cache-Control"]
        assert plain.headers["Cache-Control"] == "no-cache"
