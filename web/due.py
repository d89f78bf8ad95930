"""What is due by the clock and by nobody's press: terms for an answer that have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data.store import SqlStore
from data.store.again import in_transaction
from routing.services.consenting import end_term

if TYPE_CHECKING:
    from web.wiring import Installation


def do_due(installation: Installation) -> int:
    """Does it, a transaction each, and says how many; done once, whoever else does it at the same time.

    It asks the installation's own clock, so that the demo's jumps count too. A thread of `serve` and `worker` calls it
    every few seconds, `backroute notify` once.
    """
    now, done = installation.clock.now(), 0
    with installation.database.reading() as connection:
        due = SqlStore(connection).consents_due(now=now)
    for consent_id in due:
        # Bound as a default: each piece of work may run again, after the loop has gone on.
        def work(store: SqlStore, each: int = consent_id) -> bool:
            return end_term(store, each, now=now)

        done += in_transaction(installation.database, work)
    return done
