"""Nonsense from outside: it is refused in a sentence, never with a failure of ours, and leaves nothing behind."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import select

from data import tables
from data.importers.counts import minor_units
from routing.engines.senders.smtp import SmtpSender, SmtpServer
from routing.errors import InvalidInput, SendRefused
from routing.model.notices import Channel, Message
from tests.rounds import Round
from tests.website import Website, a_website, served
from web.incoming import json_of
from web.photos import clean_picture
from web.serving import LIMITS

DEEP = "[" * 100_000
HUGE = "9" * 400


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        made.app.config["WTF_CSRF_ENABLED"] = False
        yield made


# ---------------------------------------------------------------------------- addresses and forms


@pytest.mark.parametrize("key", [2**31, 2**63, 10**30])
def test_a_number_that_no_row_can_have_is_a_page_that_is_not_there(website: Website, key: int) -> None:
    client = website.signed_in(role="admin")
    for path in (f"/orders/{key}", f"/addresses/{key}", f"/plan/job/{key}", f"/plan/{key}/stop/1"):
        assert client.get(path).status_code == 404, path
    assert client.post(f"/messages/{key}/again").status_code == 404


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/plan/load", {"shift": "9" * 20}, 303),
        ("/plan/1/undo", {}, 303),
        ("/release", {"order": "²", "day": "2026-05-12"}, 422),
        ("/release", {"all": "", "day": "0001-01-01"}, 422),
        ("/receipts/simulate", {"count_²": "1"}, 422),
        ("/receipts/simulate", {"counted": DEEP}, 422),
        ("/receipts/commit", {"counted": DEEP}, 422),
        ("/settings/outbound", {"mode": "off", "daily_cap": "9" * 5000}, 422),
    ],
)
def test_a_form_of_nonsense_is_refused(website: Website, path: str, form: dict[str, str], status: int) -> None:
    answer = website.signed_in(role="admin").post(path, data=form)
    assert answer.status_code == status


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-13-01", "x", "\x00"])
@pytest.mark.parametrize("path", ["/plan", "/release"])
def test_a_day_that_no_order_was_ever_for_is_refused(website: Website, path: str, day: str) -> None:
    assert website.signed_in().get(path, query_string={"day": day}).status_code in (400, 422)


@pytest.mark.parametrize(
    "changed", [{"quantity": 10**12}, {"number": "half \ud83d"}, {"counted_at": "0001-01-01T00:00Z"}]
)
def test_a_tampered_count_is_no_failure(website: Website, changed: dict[str, Any]) -> None:
    website.a_round()
    row = {
        "number": "R-9", "depot_id": 1, "product_id": 1, "sku": "SKU1", "quantity": 5, "quarantined": 0,
        "counted_at": "2026-05-12T08:00:00Z", "inbound_id": None, "more_to_come": False,
    }  # fmt: skip
    client = website.signed_in()
    for path in ("/receipts/simulate", "/receipts/commit"):
        assert client.post(path, data={"counted": json.dumps([row | changed]), "seen": ""}).status_code < 500


@pytest.mark.parametrize("where", ["query", "form", "address", "file name"])
def test_a_nul_is_refused_before_a_database_sees_it(website: Website, where: str) -> None:
    client = website.client()
    answer = {
        "query": lambda: client.get("/login?next=a%00b"),
        "form": lambda: client.post("/login", data={"email": "a\x00@example.com", "password": "x"}),
        "address": lambda: client.get("/t/a%00b"),
        "file name": lambda: client.post("/import", data={"file": (io.BytesIO(b"a"), "a\x00.csv")}),
    }[where]()
    assert answer.status_code == 400


def test_json_is_finite_shallow_and_can_be_kept() -> None:
    for text in (DEEP, "1e999", "NaN", "-Infinity", HUGE, "2147483648", "{"):
        with pytest.raises(ValueError, match=r"\w"):
            json_of(text)
    assert json_of('{"a\\u0000": ["\\ud800b", "\\ud83d\\ude00", 1.5, true, null]}') == {
        "a\ufffd": ["\ufffdb", "\U0001f600", 1.5, True, None]
    }


# ---------------------------------------------------------------------------- phones


def report(this: Round, **values: object) -> dict[str, object]:
    stop = this.stops[0]
    return {
        "client_id": "phone-1", "sequence": 1, "kind": "outcome", "stop_id": stop.stop_id,
        "captured_at": "2026-05-12T04:50:00Z",
        "deliveries": [{"delivery_id": stop.delivery_id, "outcome": "not_home"}], **values,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        DEEP,
        '{"stop_id": ' + HUGE + "}",
        '{"location": {"lat": 1, "lon": 1, "accuracy_m": ' + HUGE + "}}",
        '{"location": {"lat": NaN, "lon": 1}}',
        '{"captured_at": "0001-01-01T00:00:00+14:00"}',
        '{"captured_at": "9999-12-31T23:59:59-14:00"}',
        '"x"',
    ],
)
def test_a_phones_nonsense_is_refused_and_not_asked_for_again(website: Website, text: str) -> None:
    this = website.a_round()
    headers = {"X-Backroute-Link": website.link("driver", "manifest", this.manifest_id)}
    if text.startswith("{"):
        text = json.dumps(report(this, location={"lat": 60, "lon": 25}))[:-1] + ", " + text[1:]
    for answer in (
        website.client().post("/d/reports", data={"report": text}, headers=headers),
        website.client().post("/d/positions", data=text, content_type="application/json", headers=headers),
    ):
        assert 400 <= answer.status_code < 500


def test_half_an_emoji_in_a_note_does_not_strand_the_report(website: Website) -> None:
    this = website.a_round()
    headers = {"X-Backroute-Link": website.link("driver", "manifest", this.manifest_id)}
    sent = json.dumps(report(this, note="nobody there \ud83d\x00"))
    assert website.client().post("/d/reports", data={"report": sent}, headers=headers).status_code == 200
    with website.installation.database.reading() as connection:
        assert connection.scalar(select(tables.proof.c.note)) == "nobody there \ufffd\ufffd"


def test_a_driver_reports_about_no_other_route(website: Website) -> None:
    mine = website.a_round(number="1", sequence=1)
    other = website.a_round(number="2", sequence=2)
    headers = {"X-Backroute-Link": website.link("driver", "manifest", mine.manifest_id)}
    theirs = other.stops[0]
    tries: list[dict[str, object]] = [
        {"stop_id": theirs.stop_id},
        {"deliveries": [{"delivery_id": theirs.delivery_id, "outcome": "not_home"}]},
        {
            "deliveries": [
                {
                    "delivery_id": mine.stops[0].delivery_id,
                    "outcome": "delivered",
                    "lines": [{"allocation_id": theirs.allocation_id, "delivered": 12}],
                }
            ]
        },
        {"stop_id": theirs.stop_id, "kind": "arrived", "deliveries": []},
    ]
    for number, values in enumerate(tries):
        sent = json.dumps(report(mine, client_id=f"phone-{number}", **values))
        answer = website.client().post("/d/reports", data={"report": sent}, headers=headers)
        assert answer.status_code == 422, values
    with website.installation.database.reading() as connection:
        assert connection.execute(select(tables.proof)).all() == []
        assert connection.execute(select(tables.event)).all() == []


def test_a_customer_sees_the_pictures_of_their_own_delivery_only(website: Website) -> None:
    this = website.a_round()
    headers = {"X-Backroute-Link": website.link("driver", "manifest", this.manifest_id)}
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "JPEG")
    form = {"report": json.dumps(report(this)), "photo": (io.BytesIO(picture.getvalue()), "p.jpg")}
    assert website.client().post("/d/reports", data=form, headers=headers).status_code == 200
    with website.installation.database.reading() as connection:
        sha256 = connection.scalar(select(tables.file.c.sha256))
    own, other = (website.link("proof", "delivery", stop.delivery_id) for stop in this.stops[:2])
    shown = website.client().get(f"/p/{own}/files/{sha256}")
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    assert "private" in shown.headers["Cache-Control"]
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    for path in (f"/p/{other}/files/{sha256}", f"/t/{own}/files/{sha256}", f"/p/x/files/{sha256}", f"/p/{own}/files/x"):
        assert website.client().get(path).status_code in (403, 404), path


# ---------------------------------------------------------------------------- pictures


def png_head(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes that says it is as large as that."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8000, 8000), (12_000, 12_000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_that_would_fill_the_memory_is_refused_by_its_head(size: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput, match="50 million pixels"):
        clean_picture(png_head(*size), kind="photo")


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", b"<html>", b"GIF89a", b"%PDF-1.7"],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        clean_picture(content, kind="photo")


@pytest.mark.parametrize("kind", ["photo", "signature"])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_nothing_but_pixels_is_kept_of_a_picture(kind: str, form: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET"
    exif[0x8825] = {1: "N", 2: (60.0, 10.0, 1.0)}  # where it was taken
    text = PngInfo()
    text.add_text("Comment", "SECRET <script>")
    extra = {
        "JPEG": {"comment": b"SECRET <script>", "xmp": b"SECRET"},
        "PNG": {"pnginfo": text},
        "WEBP": {"xmp": b"SECRET"},
    }[form]
    sent = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(sent, form, exif=exif, icc_profile=b"SECRET" * 30, **extra)
    kept, _media_type = clean_picture(sent.getvalue() + b"<script>SECRET</script>", kind=kind)
    assert b"SECRET" not in kept
    assert b"script" not in kept
    again = Image.open(io.BytesIO(kept))
    assert dict(again.getexif()) == {}
    assert not {"comment", "icc_profile", "xmp", "exif"} & set(again.info)


# ---------------------------------------------------------------------------- mail


@pytest.mark.parametrize(
    "recipient",
    [
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com, b@example.com",
        "a@example.com\n",
        "nobody",
        "a@b@c.example",
    ],
)
def test_an_address_that_is_not_one_address_is_refused_before_any_server_hears_of_it(recipient: str) -> None:
    sender = SmtpSender(SmtpServer(host="127.0.0.1", port=9, sender="Depot <desk@example.com>", encryption="none"))
    message = Message(key="k", channel=Channel.EMAIL, recipient=recipient, subject="s", text="t")
    with pytest.raises(SendRefused, match="not one e-mail address"):
        sender.send(message)


# ---------------------------------------------------------------------------- the server


def test_a_hundred_slow_visitors_keep_nobody_out(website: Website) -> None:
    import socket
    import urllib.request
    from urllib.parse import urlsplit

    with served(website, **LIMITS) as at:
        parts = urlsplit(at)
        slow = [socket.create_connection((parts.hostname, parts.port)) for _ in range(150)]
        try:
            for each in slow:
                each.sendall(b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\na")
            with urllib.request.urlopen(f"{at}/healthz", timeout=5) as answer:
                assert answer.status == 200
        finally:
            for each in slow:
                each.close()


def test_what_is_far_too_large_is_turned_away_at_the_door(website: Website) -> None:
    import socket
    from urllib.parse import urlsplit

    with served(website, **LIMITS) as at:
        parts = urlsplit(at)
        with socket.create_connection((parts.hostname, parts.port), timeout=5) as line:
            line.sendall(b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n")
            assert b" 413 " in line.recv(100)


@pytest.mark.parametrize("amount", ["1e999999", "1e20", "NaN", "sNaN", "-1", "Infinity", "1.234", "10000000"])
def test_an_amount_that_no_driver_carries_home_is_none(amount: str) -> None:
    assert minor_units(amount, "EUR") is None
