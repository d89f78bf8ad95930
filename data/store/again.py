"""Runs a piece of work in a write transaction, and again when the day moved on while it waited."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy.exc import DBAPIError

from data.db import Database
from data.store import SqlStore, open_store
from routing.errors import Conflict

ATTEMPTS = 14
_TRY_AGAIN = {"40001", "40P01"}
"""PostgreSQL's serialization failure and deadlock."""


def in_transaction[Answer](database: Database, work: Callable[[SqlStore], Answer]) -> Answer:
    """One write transaction around `work`, at most ATTEMPTS times: `work` must read everything it decides by itself.

    Only a Conflict without a code of its own is tried again: the others ask for a person.
    """
    for attempt in range(ATTEMPTS):
        try:
            with open_store(database) as store:
                return work(store)
        except (Conflict, DBAPIError) as problem:
            if attempt == ATTEMPTS - 1 or not _passes(problem):
                raise
        # Two that collided must not collide again in step.
        time.sleep(random.uniform(0.005, 0.02) * 2 ** min(attempt, 6))
    raise AssertionError("unreachable")


class _NotKept(Exception):
    """Ends a transaction that was only to be looked at."""


def tried[Answer](database: Database, work: Callable[[SqlStore], Answer]) -> Answer:
    """What `work` answers in a transaction of which nothing is kept: what would happen, by the code that does it."""
    answers: list[Answer] = []

    def look(store: SqlStore) -> None:
        answers.append(work(store))
        raise _NotKept

    with suppress(_NotKept):
        in_transaction(database, look)
    return answers[-1]


def _passes(problem: Conflict | DBAPIError) -> bool:
    if isinstance(problem, Conflict):
        return problem.code == Conflict.code
    return getattr(problem.orig, "sqlstate", None) in _TRY_AGAIN or "database is locked" in str(problem.orig)
