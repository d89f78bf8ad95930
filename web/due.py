"""What is due by the clock and by nobody's press: terms that have ended, goods for orders whose day comes near or that
have waited enough, goods that are overdue, the day's lists of backorders."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import BackrouteError
from routing.services.consenting import end_term
from routing.services.horizon import horizons_due, move_horizon
from routing.services.listing import lists_due, make_lists
from routing.services.overdue import give_up_dates, overdue_due
from routing.services.waiting import end_waits, waits_due

if TYPE_CHECKING:
    from web.wiring import Installation


log = logging.getLogger("backroute.due")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How many terms ended, and how many lists went into the outbox."""

    terms_ended: int = 0
    lists_made: int = 0


def do_due(installation: Installation) -> Done:
    """Does it, a transaction each; done once, whoever else does it at the same time.

    It asks the installation's own clock, so that the demo's jumps count too. A thread of `serve` and `worker` calls it
    every few seconds, `backroute notify` once.
    """
    now, ended, made = installation.clock.now(), 0, 0
    with installation.database.reading() as connection:
        store = SqlStore(connection)
        due, lists = store.consents_due(now=now), lists_due(store, now=now)
        horizons, overdue = horizons_due(store, now=now), overdue_due(store, now=now)
        waits = waits_due(store, now=now)
    for consent_id in due:
        # Bound as a default: each piece of work may run again, after the loop has gone on.
        def work(store: SqlStore, each: int = consent_id) -> bool:
            return end_term(store, each, now=now)

        try:
            ended += in_transaction(installation.database, work)
        except BackrouteError as problem:  # one that cannot be ended must not keep the others waiting
            log.warning("The term of question %s could not be ended: %s", consent_id, problem)
    for depot_id in horizons:

        def move(store: SqlStore, each: int = depot_id) -> None:
            move_horizon(store, each, now=now)

        try:
            in_transaction(installation.database, move)
        except BackrouteError as problem:
            log.warning("The orders that come near at depot %s could not be given goods: %s", depot_id, problem)
    for depot_id in overdue:

        def give_up(store: SqlStore, each: int = depot_id) -> None:
            give_up_dates(store, each, now=now)

        try:
            in_transaction(installation.database, give_up)
        except BackrouteError as problem:
            log.warning("What is overdue at depot %s could not be decided again: %s", depot_id, problem)
    for depot_id in waits:

        def end(store: SqlStore, each: int = depot_id) -> None:
            end_waits(store, each, now=now)

        try:
            in_transaction(installation.database, end)
        except BackrouteError as problem:
            log.warning("The orders that waited enough at depot %s could not be given goods: %s", depot_id, problem)
    if lists:
        made = in_transaction(installation.database, lambda store: make_lists(store, now=now))
    return Done(terms_ended=ended, lists_made=made)
