"""What is due by the clock and by nobody's press: terms that have ended, goods for orders whose day comes near or that
have waited enough, goods that are overdue, promised days that passed, the day's lists of backorders, the shifts of a
day that came into sight, the tracks of those that are over, the photos and signatures that were kept long enough."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from data.erasing import remove_erased
from data.store import SqlStore, open_store
from data.store.again import in_transaction
from routing.errors import BackrouteError
from routing.model.days import today_of
from routing.services.consenting import end_term
from routing.services.erasing import erase_kept_long_enough
from routing.services.fleet import ahead_of, make_ahead
from routing.services.horizon import horizons_due, move_horizon
from routing.services.listing import lists_due, make_lists
from routing.services.overdue import give_up_dates, overdue_due
from routing.services.tracks import TracksRead, read_tracks, tracks_due
from routing.services.unsent import tell_unsent, unsent_due
from routing.services.waiting import end_waits, waits_due

if TYPE_CHECKING:
    from web.wiring import Installation


log = logging.getLogger("backroute.due")

ERASED_ON = "files_erased_on"
"""The setting with the last ISO day on which it was looked what was kept long enough."""
BACKROUTE = "job"
"""Who did what nobody pressed."""


class _Decides(Protocol):
    """Decides again, once a day, what the calendar alone has moved at a depot."""

    def __call__(self, store: SqlStore, depot_id: int, *, now: datetime) -> None: ...


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
        today = today_of(now, store.company().zone)
        unread = tracks_due(store, now=now)
        shifts_lack = store.shifts_lack_on(ahead_of(today))
        looked_at = store.setting(ERASED_ON, "")
        nightly: tuple[tuple[list[int], _Decides, str], ...] = (
            (
                horizons_due(store, now=now),
                move_horizon,
                "The orders that come near at depot %s could not be given goods: %s",
            ),
            (
                overdue_due(store, now=now),
                give_up_dates,
                "What is overdue at depot %s could not be decided again: %s",
            ),
            (
                waits_due(store, now=now),
                end_waits,
                "The orders that waited enough at depot %s could not be given goods: %s",
            ),
            (
                unsent_due(store, now=now),
                tell_unsent,
                "What was promised at depot %s and not sent could not be dated again: %s",
            ),
        )
    for consent_id in due:
        # Bound as a default: each piece of work may run again, after the loop has gone on.
        def work(store: SqlStore, each: int = consent_id) -> bool:
            return end_term(store, each, now=now)

        try:
            ended += in_transaction(installation.database, work)
        except BackrouteError as problem:  # one that cannot be ended must not keep the others waiting
            log.warning("The term of question %s could not be ended: %s", consent_id, problem)
    for depot_ids, decide, failed in nightly:
        for depot_id in depot_ids:

            def decided(store: SqlStore, each: int = depot_id, decide: _Decides = decide) -> None:
                decide(store, each, now=now)

            try:
                in_transaction(installation.database, decided)
            except BackrouteError as problem:  # nor must one depot keep the others waiting
                log.warning(failed, depot_id, problem)
    if lists:
        made = in_transaction(installation.database, lambda store: make_lists(store, now=now))
    if shifts_lack:
        in_transaction(installation.database, lambda store: make_ahead(store, today=today))
    if unread:
        read_all_tracks(installation, now)
    if looked_at != today:
        erase_due(installation, today=today, now=now)
    return Done(terms_ended=ended, lists_made=made)


def erase_due(installation: Installation, *, today: str, now: datetime) -> None:
    """Once a day: takes from the proofs what was kept long enough, and removes the bytes of what no proof has."""

    def work(store: SqlStore) -> None:
        erase_kept_long_enough(store, now=now, by=BACKROUTE)
        store.set_setting(name=ERASED_ON, value=today, by=BACKROUTE, now=now)

    in_transaction(installation.database, work)
    remove_erased(installation.database, installation.files)


def read_all_tracks(installation: Installation, now: datetime) -> TracksRead:
    """Lays the tracks of shifts that are over on the roads, and forgets old positions."""
    done = read_tracks(lambda: open_store(installation.database), along=installation.driven_along, now=now)
    for shift_id, why in done.failed:
        log.warning("The track of shift %s could not be read: %s", shift_id, why)
    return done
