"""The store's part for the outbox, templates and links."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, func, or_, select, update

from data.store.part import StorePart
from data.tables import link, notice
from routing.errors import Conflict, NotAllowed, NotFound
from routing.model.notices import NEWER_TIME, Channel, ClaimedNotice, Link, Notice, NoticeKind


class MessageStore(StorePart):
    # ------------------------------------------------------------------ the outbox

    def add_notice(self, message: Notice, *, made_at: datetime) -> bool:
        """Puts a decided message into the outbox; False when it was already decided. A time that had given way to
        another one and holds again is told."""
        values = {
            "kind": message.kind.value,
            "subject_kind": message.subject_kind,
            "subject_id": message.subject_id,
            "occurrence": message.occurrence,
            "recipient": message.recipient,
            "channel": message.channel.value,
            "language": message.language,
            "contact_id": message.contact_id,
            "data": message.data,
            "not_before": message.not_before,
            "made_at": made_at,
        }
        if self.insert_once(notice, values) is not None:
            return True
        same = ("kind", "subject_kind", "subject_id", "occurrence", "recipient", "channel")
        again = self.connection.execute(
            update(notice)
            .where(
                *(notice.c[name] == values[name] for name in same),
                notice.c.status == "withheld",
                notice.c.problem == NEWER_TIME,
            )
            .values(status="waiting", problem="", made_at=made_at, not_before=message.not_before, data=message.data)
        )
        return again.rowcount > 0

    def claim_notices(
        self, *, now: datetime, limit: int, lease_s: float, wall: datetime | None = None
    ) -> list[ClaimedNotice]:
        """Takes due notices out of the outbox, oldest first, each for `lease_s` seconds and under a new fence.

        `now` says what is due. Leases count on `wall` (default: `now`), because the demo's clock jumps.
        """
        wall = wall or now
        due = (
            select(notice.c.id, notice.c.status)
            .where(
                or_(
                    and_(
                        notice.c.status == "waiting",
                        or_(notice.c.not_before.is_(None), notice.c.not_before <= now),
                        or_(notice.c.next_try_at.is_(None), notice.c.next_try_at <= wall),
                    ),
                    and_(notice.c.status == "sending", notice.c.lease_until < wall),
                )
            )
            .order_by(notice.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        claimed = []
        for notice_id, status in self.connection.execute(due).all():
            row = self.connection.execute(
                update(notice)
                .where(notice.c.id == notice_id)
                .values(
                    status="sending",
                    attempts=notice.c.attempts + 1,
                    fence=notice.c.fence + 1,
                    lease_until=wall + timedelta(seconds=lease_s),
                )
                .returning(notice)
            ).one()
            claimed.append(_claimed(row, maybe_sent=status == "sending"))
        return claimed

    def newer_notices(self, notice_id: int) -> list[Notice]:
        """What was decided at a later moment about the same thing for the same recipient, and is not withheld."""
        this = notice.alias("this")
        rows = self.connection.execute(
            select(notice)
            .join(
                this,
                (this.c.subject_kind == notice.c.subject_kind)
                & (this.c.subject_id == notice.c.subject_id)
                & (this.c.recipient == notice.c.recipient)
                & (this.c.channel == notice.c.channel),
            )
            .where(this.c.id == notice_id, notice.c.made_at > this.c.made_at, notice.c.status != "withheld")
            .order_by(notice.c.made_at, notice.c.id)
        )
        return [notice_of(row) for row in rows]

    def notice_sent(self, *, notice_id: int, fence: int, reference: str, now: datetime, problem: str = "") -> bool:
        """Records the hand-over; False when another sender holds the notice by now. `problem`: what a person should
        know all the same, for example that it may have gone out twice."""
        return self._record(
            notice_id, fence, {"status": "sent", "sent_at": now, "reference": reference, "problem": problem}
        )

    def notice_failed(self, *, notice_id: int, fence: int, problem: str, next_try_at: datetime | None) -> bool:
        """Records a failure: tried again at `next_try_at` (the wall's time), or never with None."""
        values: dict[str, Any] = {"status": "failed", "problem": problem}
        if next_try_at is not None:
            values = {"status": "waiting", "problem": problem, "next_try_at": next_try_at}
        return self._record(notice_id, fence, values)

    def notice_withheld(self, *, notice_id: int, fence: int, problem: str) -> bool:
        """It will not be sent, and `problem` says why: outbound is off, the day's cap, a withdrawn link ..."""
        return self._record(notice_id, fence, {"status": "withheld", "problem": problem})

    def notice_postponed(self, *, notice_id: int, fence: int, until: datetime, problem: str = "") -> bool:
        """Puts it back until a moment of the business's clock (quiet hours); it does not count as an attempt."""
        return self._record(
            notice_id,
            fence,
            {"status": "waiting", "not_before": until, "attempts": notice.c.attempts - 1, "problem": problem},
        )

    def withhold_waiting(self, *, why: str, now: datetime) -> int:
        """Withholds everything that waits and was decided before `now`: switching sending on must not text the past."""
        rows = self.connection.execute(
            update(notice)
            .where(notice.c.status == "waiting", notice.c.made_at < now)
            .values(status="withheld", problem=why)
        )
        return rows.rowcount

    def drop_announcements(self, delivery_ids: Collection[int], *, kinds: Collection[NoticeKind], why: str) -> int:
        """Withholds what still waits to announce the door of these deliveries; how many messages that were."""
        dropped = self.connection.execute(
            update(notice)
            .where(
                notice.c.status == "waiting",
                notice.c.kind.in_([each.value for each in kinds]),
                notice.c.subject_kind == "delivery",
                notice.c.subject_id.in_(list(delivery_ids)),
            )
            .values(status="withheld", problem=why, next_try_at=None)
        )
        return dropped.rowcount

    def send_again(self, *, notice_id: int) -> None:
        """Puts a failed or withheld notice back into the outbox. Raises Conflict when it is neither."""
        again = self.connection.execute(
            update(notice)
            .where(notice.c.id == notice_id, notice.c.status.in_(("failed", "withheld")))
            .values(status="waiting", attempts=0, next_try_at=None, problem="")
        )
        if again.rowcount == 0:
            raise Conflict("This message was not held back. Look at the list again.", notice=notice_id)

    def hold_back(self, *, notice_id: int, problem: str) -> None:
        """A person keeps a notice that waits from going out. Raises Conflict when it is being sent or was sent."""
        held = self.connection.execute(
            update(notice)
            .where(notice.c.id == notice_id, notice.c.status.in_(("waiting", "failed")))
            .values(status="withheld", problem=problem)
        )
        if held.rowcount == 0:
            raise Conflict("This message is being sent or was sent already. Look at the list again.", notice=notice_id)

    def notices_sent_since(self, since: datetime) -> int:
        """How many were handed over from this moment on: what the daily cap counts."""
        query = select(func.count()).where(notice.c.status == "sent", notice.c.sent_at >= since)
        return self.connection.execute(query).scalar_one()

    def _record(self, notice_id: int, fence: int, values: dict[str, Any]) -> bool:
        recorded = self.connection.execute(
            update(notice)
            .where(notice.c.id == notice_id, notice.c.fence == fence, notice.c.status == "sending")
            .values(**values, lease_until=None)
        )
        return recorded.rowcount == 1

    # ------------------------------------------------------------------ links

    def add_link(
        self,
        *,
        kind: str,
        subject_kind: str,
        subject_id: int,
        made_at: datetime,
        expires_at: datetime,
        secret: bytes,
    ) -> int:
        """The live link of this kind to this subject, made if there is none, valid at least until `expires_at`.

        After a revocation the next link is a new version with another token.
        """
        same = (link.c.kind == kind, link.c.subject_kind == subject_kind, link.c.subject_id == subject_id)
        newest = self.connection.execute(
            select(link).where(*same).order_by(link.c.version.desc()).limit(1).with_for_update()
        ).first()
        if newest is not None and newest.revoked_at is None and newest.used_at is None:
            if newest.expires_at < expires_at:
                self.connection.execute(update(link).where(link.c.id == newest.id).values(expires_at=expires_at))
            return int(newest.id)
        version = 1 if newest is None else newest.version + 1
        values = {
            "kind": kind,
            "subject_kind": subject_kind,
            "subject_id": subject_id,
            "version": version,
            "token_sha256": secrets.token_hex(32),  # the token needs the id, which the insert gives
            "made_at": made_at,
            "expires_at": expires_at,
        }
        link_id = self.insert_once(link, values)
        if link_id is None:
            raise Conflict(f"Somebody else has just made the {kind} link of {subject_kind} {subject_id}. Try again.")
        sha256 = _sha256(_token(link_id, version, secret))
        self.connection.execute(update(link).where(link.c.id == link_id).values(token_sha256=sha256))
        return link_id

    def link_token(self, *, link_id: int, secret: bytes) -> str:
        """The token to put into the address of a page. Raises NotFound, NotAllowed (revoked)."""
        return self.link_address(link_id=link_id, secret=secret)[1]

    def link_address(self, *, link_id: int, secret: bytes) -> tuple[str, str]:
        """The link's kind, which says which page opens it, and its token. Raises NotFound, NotAllowed (revoked)."""
        row = self.connection.execute(
            select(link.c.kind, link.c.version, link.c.revoked_at).where(link.c.id == link_id)
        ).first()
        if row is None:
            raise NotFound(f"There is no link {link_id}.", link=link_id)
        if row.revoked_at is not None:
            raise NotAllowed(f"Link {link_id} was withdrawn. Make a new one.", code="link_revoked", link=link_id)
        return row.kind, _token(link_id, row.version, secret)

    def open_link(self, *, token: str, kind: str, now: datetime) -> Link:
        """What the token opens. Raises NotAllowed when it is unknown, of another kind, used up, expired or revoked."""
        row = self.connection.execute(
            select(link).where(link.c.token_sha256 == _sha256(token), link.c.kind == kind)
        ).first()
        if row is None:
            raise NotAllowed("This link is not known. Ask the sender for a new one.", code="link_unknown")
        if row.revoked_at is not None:
            raise NotAllowed("This link was withdrawn. Ask the sender for a new one.", code="link_revoked")
        if row.expires_at <= now:
            raise NotAllowed("This link has expired. Ask the sender for a new one.", code="link_expired")
        if row.used_at is not None:
            raise NotAllowed("This link works once and was used. Ask the sender for a new one.", code="link_used")
        return Link(
            id=row.id,
            kind=row.kind,
            subject_kind=row.subject_kind,
            subject_id=row.subject_id,
            version=row.version,
            made_at=row.made_at,
            expires_at=row.expires_at,
        )

    def use_link(self, *, link_id: int, now: datetime) -> None:
        """Uses up a link that works once. Raises NotAllowed when somebody was faster."""
        used = self.connection.execute(
            update(link)
            .where(link.c.id == link_id, link.c.used_at.is_(None), link.c.revoked_at.is_(None))
            .values(used_at=now)
        )
        if used.rowcount == 0:
            raise NotAllowed("This link works once and was used. Ask the sender for a new one.", code="link_used")

    def revoke_links(self, *, kind: str, subject_kind: str, subject_id: int, now: datetime) -> int:
        """Withdraws every link of this kind to this subject; returns how many were live."""
        revoked = self.connection.execute(
            update(link)
            .where(
                link.c.kind == kind,
                link.c.subject_kind == subject_kind,
                link.c.subject_id == subject_id,
                link.c.revoked_at.is_(None),
            )
            .values(revoked_at=now)
        )
        return revoked.rowcount


def _token(link_id: int, version: int, secret: bytes) -> str:
    mac = hmac.digest(secret, f"link {link_id}:{version}".encode(), "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _claimed(row: Row[Any], *, maybe_sent: bool) -> ClaimedNotice:
    return ClaimedNotice(
        id=row.id,
        fence=row.fence,
        attempts=row.attempts,
        maybe_sent=maybe_sent,
        notice=notice_of(row),
    )


def notice_of(row: Row[Any]) -> Notice:
    """The message as it was decided, of a row with the notice's columns."""
    return Notice(
        kind=NoticeKind(row.kind),
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        occurrence=row.occurrence,
        recipient=row.recipient,
        channel=Channel(row.channel),
        language=row.language,
        data=row.data,
        not_before=row.not_before,
        contact_id=row.contact_id,
    )
