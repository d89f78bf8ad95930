"""What people read, message by message.

After a wanted change: BACKROUTE_WRITE_GOLDEN=1 pytest tests/web/test_messages.py, and read the difference.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from routing.errors import InvalidInput
from routing.model.notices import Channel, NoticeKind, Reason
from web.messages import FOLDER, render_text, template_source, words_of

GOLDEN = Path(__file__).parents[1] / "golden" / "messages"
KINDS = (
    NoticeKind.DATE_GIVEN,
    NoticeKind.DATE_CHANGED,
    NoticeKind.WINDOW_SCHEDULED,
    NoticeKind.OUT_TODAY,
    NoticeKind.FAILED,
    NoticeKind.DELIVERED,
    NoticeKind.DRIVER_ROUTE,
    NoticeKind.CANCELLED,
    NoticeKind.CREDITED,
)
EVERY = [
    *itertools.product(KINDS, Channel, ("en", "fi", "sv")),
    # A list of everything that waits is no text message.
    *((NoticeKind.BACKORDER_LIST, Channel.EMAIL, language) for language in ("en", "fi", "sv")),
    # Nor is what is written to a supplier.
    *itertools.product((NoticeKind.SUPPLIER_OVERDUE, NoticeKind.SUPPLIER_ORDER), (Channel.EMAIL,), ("en", "fi", "sv")),
]
FULL: dict[str, Any] = {
    "company": "Example Wholesale",
    "phone": "+358 9 0000 000",
    "customer": "Café 12 at the corner",
    "site": "Café 12, Examplegatan 1",
    "goods": [
        {"name": "Oat milk 1 l", "quantity": 12, "unit": "pcs"},
        {"name": "Coffee, dark", "quantity": 4, "unit": "kg"},
        {"name": "Paper cups", "quantity": 200, "unit": "pcs"},
    ],
    "waiting": [{"name": "Oat milk 1 l", "quantity": 4, "unit": "pcs", "expected_on": "2026-03-05"}],
    "fetched": [{"name": "Crate, empty", "quantity": 6, "unit": "pcs"}],
    "refused": [{"name": "Paper cups", "quantity": 50, "unit": "pcs"}],
    "day": "2026-03-03",
    "window_from": "10:00",
    "window_to": "12:00",
    "eta": "2026-03-03T08:20:00+00:00",
    "driver": "Driver 3",
    "vehicle": "Van 3",
    "stops": 14,
    "why": "the door was closed",
    "next": "We come again on Wednesday.",
    "references": ["PO 4711", "PO 4712"],
    "supplier": "Mill 2",
    "overdue": [
        {
            "number": number,
            "quantity": quantity,
            "unit": "pcs",
            "sku": "OAT-12",
            "name": "Oat milk 1 l",
            "due": due,
            "depot": "Depot North",
        }
        for number, quantity, due in (
            ("PO-17", 96, "2026-03-03"),
            ("PO-18", 24, "2026-02-27"),
            ("PO-9", 1, "2026-01-05"),
        )
    ],
    "to_order": [
        {
            "quantity": quantity,
            "unit": "pcs",
            "sku": sku,
            "name": name,
            "cases": cases,
            "case_pack": quantity // cases,
            "depot": "Depot North",
        }
        for sku, name, quantity, cases in (
            ("OAT-12", "Oat milk 1 l", 300, 25),
            ("TEA-1", "", 12, 1),
            ("CUP", "Cups", 7, 7),
        )
    ],
    "since": "2026-03-02",
    "gone": ["6 pcs Tea towels"],
    "list": [
        {
            "quantity": quantity,
            "unit": unit,
            "name": name,
            "order": "SO-1043",
            "reference": reference,
            "expected_on": day,
            "change": change,
            "was": was,
        }
        for quantity, unit, name, reference, day, change, was in (
            (12, "pcs", "Oat milk 1 l", "PO 4711", "2026-03-05", "day", "2026-03-03"),
            (4, "kg", "Coffee, dark", "", "2026-03-05", "", ""),
            (200, "pcs", "Paper cups", "PO 4711", "", "day", "2026-03-05"),
            (48, "pcs", "Oat milk 1 l", "PO 4712", "2026-03-10", "new", ""),
            (6, "pcs", "Rye flour 20 kg", "PO 4712", "2026-03-10", "quantity", "8"),
        )
    ],
}
ZONE = ZoneInfo("Europe/Helsinki")


def render(kind: str, channel: str, language: str, data: dict[str, Any], link: str) -> str:
    words = words_of(data, language=language, zone=ZONE, link=link)
    subject, text = render_text(template_source(kind, channel, language), words)
    return f"Subject: {subject}\n\n{text}" if channel == Channel.EMAIL else text


@pytest.mark.parametrize(("kind", "channel", "language"), EVERY)
def test_messages_read_as_they_were_approved(kind: NoticeKind, channel: Channel, language: str) -> None:
    said = render(kind, channel, language, FULL, "https://goods.example/t/TOKEN")
    bare = render(kind, channel, language, {"company": "Example Wholesale"}, "")
    document = f"{said}\n---- nothing known but the company ----\n\n{bare}"
    path = GOLDEN / f"{kind}.{channel}.{language}.txt"
    if os.environ.get("BACKROUTE_WRITE_GOLDEN"):
        path.write_text(document, encoding="utf-8")
    assert document == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("silence", "day", "channel", "language"),
    [
        (silence, day, channel, language)
        for silence, day in (("accept", "2026-03-10"), ("task", "2026-03-10"), ("cancel", ""))
        for channel in Channel
        for language in ("en", "fi", "sv")
    ],
)
def test_a_delay_that_is_asked_about_says_until_when_and_what_silence_means(
    silence: str, day: str, channel: str, language: str
) -> None:
    asked = FULL | {"silence": silence, "answer_by": "2026-03-06", "day": day, "waiting": []}
    asked |= {"window_from": "", "window_to": ""}
    said = render("date_changed", channel, language, asked, "https://goods.example/c/TOKEN")
    path = GOLDEN / f"delay_{silence}.{channel}.{language}.txt"
    if os.environ.get("BACKROUTE_WRITE_GOLDEN"):
        path.write_text(said, encoding="utf-8")
    assert said == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "language"), list(itertools.product(KINDS, ("en", "fi", "sv"))))
def test_every_sms_names_the_company_first(kind: NoticeKind, language: str) -> None:
    assert render(kind, Channel.SMS, language, FULL, "").startswith("Example Wholesale: ")


def test_times_are_told_in_the_recipients_zone() -> None:
    assert words_of(FULL, language="en", zone=ZONE, link="")["eta"] == "10:20"


def test_every_reason_of_a_later_day_is_written_out_in_every_language_and_names_nobody() -> None:
    for language, reason in itertools.product(("en", "fi", "sv"), Reason):
        said = words_of(FULL | {"why": [reason.value]}, language=language, zone=ZONE, link="")["why"]
        assert said.endswith("."), (language, reason)
        assert said != reason.value
        assert f" {said[:-1]}. " in render("date_changed", Channel.SMS, language, FULL | {"why": [reason.value]}, "")
    both = words_of(FULL | {"why": ["supplier_late", "counted_anew"]}, language="en", zone=ZONE, link="")["why"]
    assert "Our stock was counted anew" in both, "a second sentence begins with a capital"


def test_a_language_without_templates_is_answered_in_english() -> None:
    assert template_source("out_today", "email", "de") == template_source("out_today", "email", "en")


def test_a_language_that_is_a_path_reads_no_file() -> None:
    assert template_source("out_today", "email", "../../x") == template_source("out_today", "email", "en")


def test_a_misspelled_word_in_a_template_is_named() -> None:
    with pytest.raises(InvalidInput, match="'custmer' is undefined"):
        render_text("Hello {{ custmer }}", words_of(FULL, language="en", zone=ZONE, link=""))


def test_a_template_cannot_reach_into_the_program() -> None:
    with pytest.raises(InvalidInput):
        render_text("{{ site.__class__.__mro__ }}", words_of(FULL, language="en", zone=ZONE, link=""))


def test_every_template_belongs_to_a_kind_and_channel_there_is() -> None:
    names = {path.name for path in FOLDER.glob("*.txt")}
    assert names == {f"{kind}.{channel}.{language}.txt" for kind, channel, language in EVERY}


def test_a_unit_is_the_customer_s_own_word_after_any_number() -> None:
    data = {
        "goods": [{"quantity": 24, "unit": "bottle", "name": "Juice"}, {"quantity": 6, "unit": "pcs", "name": "Tea"}]
    }
    words = words_of(data, language="en", zone=ZoneInfo("UTC"), link="")
    assert words["goods"] == "- 24 × bottle Juice\n- 6 pcs Tea"
    assert words["goods_short"] == "24 x bottle Juice, 6 pcs Tea", "an SMS has no sign for times"


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize(
    ("language", "again", "call"),
    [
        ("en", "We come again on Wednesday 4 March.", "We call you to agree on a new day."),
        ("fi", "Tulemme uudelleen keskiviikkona 4.3.", "Soitamme teille ja sovimme uuden päivän."),
        ("sv", "Vi kommer igen onsdagen den 4 mars.", "Vi ringer er och kommer överens om en ny dag."),
    ],
)
def test_what_comes_after_a_failed_try_is_a_sentence_with_its_day(
    channel: Channel, language: str, again: str, call: str
) -> None:
    later = {"what": "next_delivery_day", "day": "2026-03-04", "references": ["PO 1"]}
    waits = {"what": "wait_for_customer", "day": "", "references": ["PO 2"]}
    said = render("failed", channel, language, FULL | {"next": [later]}, "https://goods.example/t/TOKEN")
    assert again in said
    assert "2026-03-04" not in said
    both = render("failed", channel, language, FULL | {"next": [later, waits]}, "")
    assert f"PO 1: {again} PO 2: {call}" in both
    assert again in render("failed", channel, language, FULL | {"next": "2026-03-04"}, ""), "written before an update"


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize(
    ("language", "nobody_went", "was_there"),
    [
        ("en", "we did not get to Café 12, Examplegatan 1 on Tuesday 3 March", "could not deliver"),
        ("fi", "emme ehtineet", "toimit"),
        ("sv", "vi hann inte till Café 12, Examplegatan 1 tisdagen den 3 mars", "leverera"),
    ],
)
def test_where_nobody_went_no_visit_is_told(channel: Channel, language: str, nobody_went: str, was_there: str) -> None:
    said = render("failed", channel, language, FULL | {"not_attempted": True, "next": []}, "")
    assert nobody_went in said
    assert was_there not in said
