"""The outbox and the links."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from data.store import SqlStore
from data.tables import link, notice
from routing.errors import NotAllowed, NotFound
from routing.model.notices import Channel, Notice, NoticeKind

NOW = datetime(2026, 3, 3, 5, 40, tzinfo=UTC)
SECRET = b"s" * 32
OUT_TODAY = Notice(
    kind=NoticeKind.OUT_TODAY,
    subject_kind="stop",
    subject_id=7,
    occurrence="2026-03-03",
    recipient="cafe12@example.com",
    channel=Channel.EMAIL,
    language="en",
    data={"goods": [{"name": "Oat milk", "quantity": 12, "unit": "pcs"}]},
)


def statuses(store: SqlStore) -> list[str]:
    return list(store.connection.scalars(select(notice.c.status).order_by(notice.c.id)))


# ---------------------------------------------------------------------------- outbox


def test_a_notice_is_decided_once(store: SqlStore) -> None:
    assert store.add_notice(OUT_TODAY, made_at=NOW)
    assert not store.add_notice(OUT_TODAY, made_at=NOW)
    assert store.add_notice(replace(OUT_TODAY, recipient="cafe13@example.com"), made_at=NOW)


def test_a_claimed_notice_is_not_handed_out_again_before_its_lease_ends(store: SqlStore) -> None:
    store.add_notice(OUT_TODAY, made_at=NOW)
    (first,) = store.claim_notices(now=NOW, limit=10, lease_s=60)
    assert first.notice == OUT_TODAY
    assert store.claim_notices(now=NOW, limit=10, lease_s=60) == []
    (second,) = store.claim_notices(now=NOW + timedelta(seconds=61), limit=10, lease_s=60)
    assert second.maybe_sent
    assert not first.maybe_sent
    # The first sender wakes up again: it is fenced out.
    assert not store.notice_sent(notice_id=first.id, fence=first.fence, reference="a", now=NOW)
    assert store.notice_sent(notice_id=second.id, fence=second.fence, reference="b", now=NOW)
    assert statuses(store) == ["sent"]
    assert store.notices_sent_since(NOW) == 1


def test_a_notice_waits_for_its_moment(store: SqlStore) -> None:
    store.add_notice(replace(OUT_TODAY, not_before=NOW + timedelta(hours=1)), made_at=NOW)
    assert store.claim_notices(now=NOW, limit=10, lease_s=60) == []
    assert len(store.claim_notices(now=NOW + timedelta(hours=1), limit=10, lease_s=60)) == 1


def test_a_failed_notice_is_tried_again_later_and_a_refused_one_never(store: SqlStore) -> None:
    store.add_notice(OUT_TODAY, made_at=NOW)
    (claimed,) = store.claim_notices(now=NOW, limit=1, lease_s=60)
    later = NOW + timedelta(minutes=5)
    store.notice_failed(notice_id=claimed.id, fence=claimed.fence, problem="No answer.", next_try_at=later)
    assert store.claim_notices(now=NOW, limit=1, lease_s=60) == []
    (again,) = store.claim_notices(now=later, limit=1, lease_s=60)
    assert again.attempts == 2
    assert not again.maybe_sent
    store.notice_failed(notice_id=again.id, fence=again.fence, problem="No such mailbox.", next_try_at=None)
    assert statuses(store) == ["failed"]


def test_waiting_out_the_quiet_hours_is_no_attempt(store: SqlStore) -> None:
    store.add_notice(OUT_TODAY, made_at=NOW)
    (claimed,) = store.claim_notices(now=NOW, limit=1, lease_s=60)
    store.notice_postponed(notice_id=claimed.id, fence=claimed.fence, until=NOW + timedelta(hours=2))
    assert store.claim_notices(now=NOW, limit=1, lease_s=60) == []
    (again,) = store.claim_notices(now=NOW + timedelta(hours=2), limit=1, lease_s=60)
    assert again.attempts == 1


# ---------------------------------------------------------------------------- links


def make(store: SqlStore, kind: str = "tracking", hours: int = 24) -> int:
    return store.add_link(
        kind=kind,
        subject_kind="delivery",
        subject_id=3,
        made_at=NOW,
        expires_at=NOW + timedelta(hours=hours),
        secret=SECRET,
    )


def test_a_link_opens_what_it_was_made_for(store: SqlStore) -> None:
    token = store.link_token(link_id=make(store), secret=SECRET)
    found = store.open_link(token=token, kind="tracking", now=NOW)
    assert (found.subject_kind, found.subject_id) == ("delivery", 3)
    with pytest.raises(NotAllowed, match="not known"):
        store.open_link(token=token, kind="driver", now=NOW)
    with pytest.raises(NotAllowed, match="not known"):
        store.open_link(token="guess", kind="tracking", now=NOW)


def test_the_database_never_holds_the_token(store: SqlStore) -> None:
    token = store.link_token(link_id=make(store), secret=SECRET)
    assert token not in str(store.connection.execute(select(link)).all())


def test_the_same_link_is_given_again_and_lives_as_long_as_the_last_wish(store: SqlStore) -> None:
    assert make(store) == make(store, hours=48)
    token = store.link_token(link_id=make(store), secret=SECRET)
    store.open_link(token=token, kind="tracking", now=NOW + timedelta(hours=47))
    with pytest.raises(NotAllowed, match="expired"):
        store.open_link(token=token, kind="tracking", now=NOW + timedelta(hours=48))


def test_a_revoked_link_opens_nothing_and_the_next_one_differs(store: SqlStore) -> None:
    old = make(store)
    token = store.link_token(link_id=old, secret=SECRET)
    assert store.revoke_links(kind="tracking", subject_kind="delivery", subject_id=3, now=NOW) == 1
    with pytest.raises(NotAllowed, match="withdrawn"):
        store.open_link(token=token, kind="tracking", now=NOW)
    with pytest.raises(NotAllowed, match="withdrawn"):
        store.link_token(link_id=old, secret=SECRET)
    assert store.link_token(link_id=make(store), secret=SECRET) != token


def test_a_link_that_works_once_works_once(store: SqlStore) -> None:
    link_id = make(store, kind="set_up")
    token = store.link_token(link_id=link_id, secret=SECRET)
    store.use_link(link_id=link_id, now=NOW)
    with pytest.raises(NotAllowed, match="works once"):
        store.use_link(link_id=link_id, now=NOW)
    with pytest.raises(NotAllowed, match="works once"):
        store.open_link(token=token, kind="set_up", now=NOW)


def test_a_link_that_does_not_exist_has_no_token(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        store.link_token(link_id=99, secret=SECRET)
