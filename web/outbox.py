"""The outbox of an installation: one round sends what is due; a thread of `serve` and `worker` does a round every few
seconds. Outbound is off until a person switches it on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy.exc import OperationalError as DatabaseError

from data.queries.company import company_card
from data.store import SqlStore, open_store
from routing.errors import BackrouteError, InvalidInput
from routing.model.notices import Channel, ClaimedNotice
from routing.model.tasks import TaskKind
from routing.rules.stale import TELLS_A_DATE, replaced_by, too_late
from routing.services.notifying import Delivered, Outbound, QuietHours, send_due_notices
from web.clock import wall_clock
from web.due import do_due
from web.messages import recipient_zone, renderer
from web.wiring import Installation

log = logging.getLogger("backroute.outbox")

EVERY_S = 2.0
MODES = ("off", "test", "real")


def outbound_of(store: SqlStore) -> Outbound:
    """What the setting says: {"mode", "daily_cap", "test_recipients": {"email": ...}}; off when it says nothing."""
    value = store.setting("outbound") or {}
    return Outbound(
        mode=str(value.get("mode", "off")),
        daily_cap=int(value.get("daily_cap", Outbound().daily_cap)),
        test_recipients={Channel(name): str(to) for name, to in value.get("test_recipients", {}).items()},
    )


def set_outbound(
    store: SqlStore,
    *,
    mode: str,
    by: str,
    now: datetime,
    daily_cap: int = 500,
    test_recipients: Mapping[Channel, str] | None = None,
) -> None:
    """Raises InvalidInput when the mode is unknown."""
    if mode not in MODES:
        raise InvalidInput(f'"{mode}" is no mode of sending. Choose one of {", ".join(MODES)}.')
    value = {
        "mode": mode,
        "daily_cap": daily_cap,
        "test_recipients": {channel.value: to for channel, to in (test_recipients or {}).items()},
    }
    store.set_setting(name="outbound", value=value, by=by, now=now)


def send_due(installation: Installation, *, limit: int = 50) -> Delivered:
    """One round. Call again while it sends `limit` notices."""
    now = installation.clock.now()
    with installation.database.reading() as connection:
        outbound = outbound_of(SqlStore(connection))
        company_zone = ZoneInfo(company_card(connection).zone or "UTC")

    def local_time(claimed: ClaimedNotice, moment: datetime) -> datetime:
        with installation.database.reading() as connection:
            return moment.astimezone(recipient_zone(connection, claimed.notice))

    def stale(claimed: ClaimedNotice, local: datetime) -> str:
        asks = claimed.notice.data.get("consent_id")
        with installation.database.reading() as connection:
            store = SqlStore(connection)
            question = store.consent(int(str(asks))) if asks else None
            newer = store.newer_notices(claimed.id) if claimed.notice.kind in TELLS_A_DATE else []
        late = too_late(claimed.notice, question, today=local.date().isoformat(), now=now)
        return late or replaced_by(claimed.notice, newer)

    done = send_due_notices(
        open_store=lambda: open_store(installation.database),
        senders=installation.senders,
        render=renderer(installation),
        local_time=local_time,
        too_late=stale,
        outbound=outbound,
        quiet=QuietHours(),
        now=now,
        wall=wall_clock(),
        day_began=datetime.combine(now.astimezone(company_zone).date(), time(0), tzinfo=company_zone),
        limit=limit,
    )
    _tell_the_operator(installation, done, now)
    return done


def _tell_the_operator(installation: Installation, done: Delivered, now: datetime) -> None:
    """A sender that is stuck can't say so by a message: it becomes a task on the board, until it sends again."""
    if done.sent == 0 and done.failed == 0:
        return
    with open_store(installation.database) as store:
        if done.sent == 0:
            store.add_task(
                kind=TaskKind.SENDER_STUCK,
                subject_kind="installation",
                subject_id=0,
                sentence="Messages are not going out: each says why under Messages. They wait and are tried again.",
                made_at=now,
                urgent=True,
            )
        else:
            store.finish_tasks(
                kind=TaskKind.SENDER_STUCK,
                subject_kind="installation",
                subject_id=0,
                outcome="Messages go out again.",
                by="outbox",
                now=now,
            )


class OutboxThread(threading.Thread):
    """Does and sends what is due every few seconds until `stop()`."""

    def __init__(self, installation: Installation, *, every_s: float = EVERY_S) -> None:
        super().__init__(name="outbox", daemon=True)
        self._installation = installation
        self._every_s = every_s
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()
        if self.is_alive():
            self.join(30.0)

    def run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                do_due(self._installation)
                done = send_due(self._installation)
            except (DatabaseError, BackrouteError) as problem:
                log.warning("Messages wait: %s", problem)
                self._stopping.wait(30.0)
                continue
            if done.failed or done.refused or done.withheld:
                log.warning(
                    "Of %s messages %s failed, %s were refused and %s were withheld: see Messages.",
                    done.total,
                    done.failed,
                    done.refused,
                    done.withheld,
                )
