"""From the outbox to a mailbox: once, at the right hour, and only when sending is on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from data.db import Database
from data.store import open_store
from data.tables import company, notice, task
from routing.model.notices import Channel, Notice, NoticeKind, goods_line
from web.mailbox import Mailbox
from web.outbox import send_due, set_outbound
from web.wiring import Installation

MORNING = datetime(2026, 3, 3, 3, 55, tzinfo=UTC)  # 05:55 in Helsinki
OUT_TODAY = Notice(
    kind=NoticeKind.OUT_TODAY,
    subject_kind="stop",
    subject_id=7,
    occurrence="2026-03-03",
    recipient="cafe12@shop.example",
    channel=Channel.EMAIL,
    language="en",
    data={"site": "Café 12", "goods": [{"name": "Oat milk", "quantity": 12, "unit": "pcs"}], "eta": "10:20"},
)
BY_SMS = replace(OUT_TODAY, channel=Channel.SMS, recipient="+358000000000")


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    with Mailbox(tmp_path / "mail") as opened:
        yield opened


@pytest.fixture
def installation(database: Database, tmp_path: Path, mailbox: Mailbox) -> Installation:
    made = Installation(
        home=tmp_path, database=database, secret=b"s" * 32, public_url="https://goods.example", broker_url="memory://"
    )
    mail = {
        "host": "127.0.0.1",
        "port": mailbox.port,
        "sender": "orders@shop.example",
        "encryption": "none",
        "sms_domain": "sms.example",
    }
    with open_store(database) as store:
        store.set_setting(name="mail", value=mail, by="test", now=MORNING)
        store.connection.execute(
            insert(company).values(name="Example Wholesale", currency="EUR", zone="Europe/Helsinki", phone="+358 9 0")
        )
    made.clock.jump(to=MORNING, running=False)
    return made


@pytest.fixture
def outbound(installation: Installation) -> Callable[..., None]:
    def switch(mode: str, **more: object) -> None:
        with open_store(installation.database) as store:
            set_outbound(store, mode=mode, by="test", now=MORNING, **more)  # type: ignore[arg-type]

    return switch


def decide(installation: Installation, *notices: Notice, at: datetime = MORNING) -> None:
    with open_store(installation.database) as store:
        for one in notices:
            assert store.add_notice(one, made_at=at)


def problems(installation: Installation) -> list[tuple[str, str]]:
    with installation.database.reading() as connection:
        rows = connection.execute(select(notice.c.status, notice.c.problem).order_by(notice.c.id))
        return [(row.status, row.problem) for row in rows]


def test_nothing_leaves_while_sending_is_off(installation: Installation, mailbox: Mailbox) -> None:
    decide(installation, OUT_TODAY)
    assert send_due(installation).total == 0
    assert mailbox.messages() == []
    assert problems(installation) == [("waiting", "")]


def test_a_notice_is_sent_once(installation: Installation, mailbox: Mailbox, outbound: Callable[..., None]) -> None:
    outbound("real")
    decide(installation, OUT_TODAY)
    assert send_due(installation).sent == 1
    assert send_due(installation).total == 0
    (mail,) = mailbox.messages()
    assert mail["To"] == "cafe12@shop.example"
    assert mail["Subject"] == "Example Wholesale: out today, about 10:20"
    assert "- 12 pcs Oat milk" in mail.get_content()


def test_on_test_everything_goes_to_the_test_recipient(
    installation: Installation, mailbox: Mailbox, outbound: Callable[..., None]
) -> None:
    outbound("test", test_recipients={Channel.EMAIL: "me@shop.example"})
    decide(installation, OUT_TODAY, BY_SMS)
    installation.clock.jump(to=MORNING.replace(hour=9), running=False)
    send_due(installation)
    (mail,) = mailbox.messages()
    assert mail["To"] == "me@shop.example"
    assert mail["Subject"].startswith("[cafe12@shop.example] ")
    assert problems(installation)[1] == ("withheld", "Outbound is on test, and no test recipient for sms is set.")


def test_a_phone_is_silent_until_eight_and_a_mailbox_is_not(
    installation: Installation, mailbox: Mailbox, outbound: Callable[..., None]
) -> None:
    outbound("real")
    decide(installation, OUT_TODAY, BY_SMS)
    done = send_due(installation)
    assert (done.sent, done.postponed) == (1, 1)
    installation.clock.jump(to=datetime(2026, 3, 3, 5, 59, tzinfo=UTC), running=False)
    assert send_due(installation).total == 0
    installation.clock.jump(to=datetime(2026, 3, 3, 6, 0, tzinfo=UTC), running=False)  # 08:00 in Helsinki
    assert send_due(installation).sent == 1
    assert mailbox.messages()[-1]["To"] == "+358000000000@sms.example"


def test_an_urgent_sms_does_not_wait(
    installation: Installation, mailbox: Mailbox, outbound: Callable[..., None]
) -> None:
    outbound("real")
    decide(installation, replace(BY_SMS, data={**BY_SMS.data, "urgent": True}))
    assert send_due(installation).sent == 1


def test_a_driver_hears_of_the_route_before_the_customers_wake(
    installation: Installation, mailbox: Mailbox, outbound: Callable[..., None]
) -> None:
    outbound("real")
    decide(installation, replace(BY_SMS, kind=NoticeKind.DRIVER_ROUTE))
    assert send_due(installation).sent == 1


def test_the_days_cap_holds_the_rest_back(
    installation: Installation, mailbox: Mailbox, outbound: Callable[..., None]
) -> None:
    outbound("real", daily_cap=2)
    decide(installation, *(replace(OUT_TODAY, subject_id=number) for number in range(5)))
    done = send_due(installation)
    assert (done.sent, done.postponed) == (2, 3)
    installation.clock.jump(to=datetime(2026, 3, 4, 6, 0, tzinfo=UTC), running=False)
    assert send_due(installation).sent == 2  # a new day


def test_a_message_about_a_day_that_is_over_is_withheld_and_one_about_today_goes(
    installation: Installation, mailbox: Mailbox, outbound: Callable[..., None]
) -> None:
    days = {each: replace(OUT_TODAY, kind=NoticeKind.DATE_CHANGED, subject_id=each, data={"day": f"2026-03-0{each}"})
            for each in (2, 3)}  # fmt: skip
    decide(installation, *days.values(), replace(OUT_TODAY, kind=NoticeKind.DELIVERED, data={"day": "2026-03-02"}))
    outbound("real")
    assert send_due(installation).sent == 2, "what was delivered stays true"
    told = "Too late to send: it tells of Mon 2 Mar 2026, and that day is over."
    assert problems(installation) == [("withheld", told), ("sent", ""), ("sent", "")]


def test_a_date_that_a_newer_message_tells_otherwise_is_withheld(
    installation: Installation, mailbox: Mailbox, outbound: Callable[..., None]
) -> None:
    """Two days ahead, both still to come: who would read the older one last would expect the wrong day."""

    def moved(day: str, *goods: str) -> Notice:
        lines = [goods_line(quantity=6, unit="pcs", name=name) for name in goods]
        return replace(
            OUT_TODAY, kind=NoticeKind.DATE_CHANGED, subject_kind="order", subject_id=1,
            occurrence=f"{day} {goods}",
            data={"day": day, "goods": lines},
        )  # fmt: skip

    decide(installation, moved("2026-03-05", "Oat milk"), moved("2026-03-05", "Oat milk", "Flour"))
    decide(installation, moved("2026-03-09", "Oat milk"), at=MORNING + timedelta(minutes=5))
    outbound("real")
    assert send_due(installation).withheld == 1
    assert problems(installation)[0] == ("withheld", "A newer message tells Mon 9 Mar 2026 instead.")


def test_a_link_is_made_when_rendering(
    installation: Installation, mailbox: Mailbox, outbound: Callable[..., None]
) -> None:
    outbound("real")
    with open_store(installation.database) as store:
        link_id = store.add_link(
            kind="tracking",
            subject_kind="stop",
            subject_id=7,
            made_at=MORNING,
            expires_at=MORNING.replace(day=4),
            secret=installation.secret,
        )
        token = store.link_token(link_id=link_id, secret=installation.secret)
    decide(installation, replace(OUT_TODAY, data={**OUT_TODAY.data, "link_id": link_id}))
    send_due(installation)
    assert f"https://goods.example/t/{token}" in mailbox.messages()[0].get_content()


def test_a_withdrawn_link_is_not_sent(
    installation: Installation, mailbox: Mailbox, outbound: Callable[..., None]
) -> None:
    outbound("real")
    with open_store(installation.database) as store:
        about = {"kind": "tracking", "subject_kind": "stop", "subject_id": 7}
        link_id = store.add_link(
            **about, made_at=MORNING, expires_at=MORNING.replace(day=4), secret=installation.secret
        )
        store.revoke_links(**about, now=MORNING)
    decide(installation, replace(OUT_TODAY, data={**OUT_TODAY.data, "link_id": link_id}))
    assert send_due(installation).withheld == 1
    assert mailbox.messages() == []


def test_a_mail_server_that_is_down_loses_nothing(
    installation: Installation, mailbox: Mailbox, outbound: Callable[..., None]
) -> None:
    outbound("real")
    decide(installation, OUT_TODAY)
    mailbox.stop()
    assert send_due(installation).failed == 1
    ((status, problem),) = problems(installation)
    assert status == "waiting"
    assert "could not be reached" in problem


def test_a_stuck_sender_is_a_task_on_the_board_until_it_sends_again(
    installation: Installation, mailbox: Mailbox, outbound: Callable[..., None]
) -> None:
    outbound("real")

    def open_tasks() -> list[str]:
        with installation.database.reading() as connection:
            return list(connection.scalars(select(task.c.kind).where(task.c.done_at.is_(None))))

    decide(installation, OUT_TODAY)
    mailbox.stop()
    send_due(installation)
    assert open_tasks() == ["sender_stuck"]
    mailbox.start()
    decide(installation, replace(OUT_TODAY, subject_id=8))
    send_due(installation)
    assert open_tasks() == []


def test_a_sender_that_died_in_the_middle_is_counted_as_maybe_twice(
    installation: Installation, mailbox: Mailbox, outbound: Callable[..., None]
) -> None:
    outbound("real")
    decide(installation, OUT_TODAY)
    with open_store(installation.database) as store:  # another sender took it long ago, and was never heard of again
        store.claim_notices(now=MORNING, limit=1, lease_s=60, wall=datetime(2026, 3, 1, tzinfo=UTC))
    done = send_due(installation)
    assert (done.sent, done.maybe_twice) == (1, 1)
    assert problems(installation) == [("sent", "It may have gone out twice: an earlier try ended without a word.")]
