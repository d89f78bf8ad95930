"""Sends what is due in the outbox: claims, renders, hands over outside any transaction, records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Protocol

from routing.errors import BackrouteError, SendError, SendRefused
from routing.model.notices import Channel, ClaimedNotice, Message, NoticeKind
from routing.ports import Sender

LEASE_S = 120.0
MAX_ATTEMPTS = 8


class NoticeStore(Protocol):
    def claim_notices(
        self, *, now: datetime, limit: int, lease_s: float, wall: datetime | None = None
    ) -> list[ClaimedNotice]: ...

    def notice_sent(self, *, notice_id: int, fence: int, reference: str, now: datetime, problem: str = "") -> bool: ...

    def notice_failed(self, *, notice_id: int, fence: int, problem: str, next_try_at: datetime | None) -> bool: ...

    def notice_withheld(self, *, notice_id: int, fence: int, problem: str) -> bool: ...

    def notice_postponed(self, *, notice_id: int, fence: int, until: datetime, problem: str = "") -> bool: ...

    def notices_sent_since(self, since: datetime) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """Whether messages leave the house. `mode`: "off", "test" (all to `test_recipients`), "real".

    `daily_cap` counts hand-overs in the company's day; 0: none.
    """

    mode: str = "off"
    test_recipients: Mapping[Channel, str] = field(default_factory=dict)
    daily_cap: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """When a channel is silent, in wall-clock time of the recipient: from, inclusive, to, exclusive."""

    starts: time = time(21, 0)
    ends: time = time(8, 0)
    channels: frozenset[Channel] = frozenset({Channel.SMS})

    def until(self, channel: Channel, local: datetime) -> datetime | None:
        """When the silence that lies over `local` ends; None when there is none."""
        if channel not in self.channels or self.starts == self.ends:
            return None
        at = local.time()
        over_midnight = self.starts > self.ends
        silent = (at >= self.starts or at < self.ends) if over_midnight else self.starts <= at < self.ends
        if not silent:
            return None
        days = 1 if over_midnight and at >= self.starts else 0
        return datetime.combine(local.date() + timedelta(days=days), self.ends, tzinfo=local.tzinfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one round did, in notices."""

    sent: int = 0
    failed: int = 0
    refused: int = 0
    withheld: int = 0
    postponed: int = 0
    maybe_twice: int = 0

    @property
    def total(self) -> int:
        return self.sent + self.failed + self.refused + self.withheld + self.postponed


def send_due_notices(
    *,
    open_store: Callable[[], AbstractContextManager[NoticeStore]],
    senders: Mapping[Channel, Sender],
    render: Callable[[ClaimedNotice], Message],
    local_time: Callable[[ClaimedNotice, datetime], datetime],
    too_late: Callable[[ClaimedNotice, datetime], str],
    outbound: Outbound,
    quiet: QuietHours,
    now: datetime,
    wall: datetime,
    day_began: datetime,
    limit: int = 50,
) -> Delivered:
    """One round over the outbox; call again while it hands notices out.

    `render` makes the text and raises BackrouteError when it cannot. `local_time` tells the recipient's wall clock, and
    `too_late` by it why a notice that waited must not go any more, or "".
    `wall` is the machine's time for leases and retries, `now` the business's. While outbound is off nothing is
    claimed: notices wait, and the page says so.
    """
    if outbound.mode == "off":
        return Delivered()
    with open_store() as store:
        claimed = store.claim_notices(now=now, limit=limit, lease_s=LEASE_S, wall=wall)
        left = outbound.daily_cap - store.notices_sent_since(day_began) if outbound.daily_cap else len(claimed)
    counts = dict.fromkeys(("sent", "failed", "refused", "withheld", "postponed", "maybe_twice"), 0)
    for notice in claimed:
        word, record = _handled(notice, senders, render, local_time, too_late, outbound, quiet, now, wall, left)
        with open_store() as store:
            recorded = record(store)
        if not recorded:
            continue  # another sender holds it by now and will record
        counts[word] += 1
        if word == "sent":
            left -= 1
            counts["maybe_twice"] += notice.maybe_sent
    return Delivered(**counts)


_Record = Callable[[NoticeStore], bool]


def _handled(
    claimed: ClaimedNotice,
    senders: Mapping[Channel, Sender],
    render: Callable[[ClaimedNotice], Message],
    local_time: Callable[[ClaimedNotice, datetime], datetime],
    too_late: Callable[[ClaimedNotice, datetime], str],
    outbound: Outbound,
    quiet: QuietHours,
    now: datetime,
    wall: datetime,
    left: int,
) -> tuple[str, _Record]:
    """What became of one notice, and how to record it."""
    notice, key, fence = claimed.notice, claimed.id, claimed.fence

    def withhold(problem: str) -> tuple[str, _Record]:
        return "withheld", lambda store: store.notice_withheld(notice_id=key, fence=fence, problem=problem)

    local = local_time(claimed, now)
    if stale := too_late(claimed, local):
        return withhold(stale)
    silent_until = quiet.until(notice.channel, local)
    at_work = notice.kind == NoticeKind.DRIVER_ROUTE  # a driver is up before the customers are
    if silent_until is not None and not at_work and not notice.data.get("urgent"):
        until = silent_until
        return "postponed", lambda store: store.notice_postponed(
            notice_id=key, fence=fence, until=until, problem=f"Quiet hours until {until:%H:%M}."
        )
    if left <= 0:
        return "postponed", lambda store: store.notice_postponed(
            notice_id=key,
            fence=fence,
            until=now + timedelta(hours=1),
            problem=f"The day's {outbound.daily_cap} messages are used up. Raise the cap under Settings, Messages.",
        )
    sender = senders.get(notice.channel)
    if sender is None:
        return withhold(f"No way to send {notice.channel} is set up. Set one up under Settings, Messages.")
    try:
        message = render(claimed)
    except BackrouteError as error:
        return withhold(str(error))
    if outbound.mode == "test":
        to = outbound.test_recipients.get(notice.channel)
        if not to:
            return withhold(f"Outbound is on test, and no test recipient for {notice.channel} is set.")
        message = Message(
            key=message.key,
            channel=message.channel,
            recipient=to,
            subject=f"[{message.recipient}] {message.subject}",
            text=message.text,
        )
    try:
        reference = sender.send(message)
    except SendRefused as error:
        sentence = str(error)
        return "refused", lambda store: store.notice_failed(
            notice_id=key, fence=fence, problem=sentence, next_try_at=None
        )
    except SendError as error:
        sentence = str(error)
        retry_at = next_try(claimed.attempts, wall)
        return "failed", lambda store: store.notice_failed(
            notice_id=key, fence=fence, problem=sentence, next_try_at=retry_at
        )
    twice = "It may have gone out twice: an earlier try ended without a word." if claimed.maybe_sent else ""
    return "sent", lambda store: store.notice_sent(
        notice_id=key, fence=fence, reference=reference, now=now, problem=twice
    )


def next_try(attempts: int, wall: datetime) -> datetime | None:
    """After 1, 4, 16 ... minutes, at most 6 hours; None after the last attempt."""
    if attempts >= MAX_ATTEMPTS:
        return None
    return wall + timedelta(minutes=min(4.0 ** (attempts - 1), 360.0))
