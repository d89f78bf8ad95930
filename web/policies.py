"""A policy as a person types it, and which of them hold: what the page and the command share."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask_babel import gettext as _
from sqlalchemy import Connection

from data.queries.policies import scope_of
from data.store import SqlStore
from routing.errors import InvalidInput
from routing.rules.policies import PolicyBook, PolicyRow, Scope, checked
from routing.services.ruling import Ruling
from web.dispatcher.policy_words import typed


def ruling_of(connection: Connection, said: Mapping[str, str], *, today: str) -> Ruling:
    """`said` holds scope, whom, name, value, from and to (days, empty: today, open-ended), or `ends` alone: the key
    of the row that is to hold no longer. Raises InvalidInput with what is wrong and the mend."""
    ends = said.get("ends", "")
    if ends:
        if not (ends.isascii() and ends.isdecimal()) or len(ends) > 9:
            raise InvalidInput(_("This policy is no longer there. Look at the list again."), code="policy")
        return Ruling(ends=int(ends))
    words = {each: said.get(each, "").strip()[:100] for each in ("scope", "whom", "name", "value", "from", "to")}
    if words["scope"] not in list(Scope):
        raise InvalidInput(_("Say for whom: everybody, one customer or one order."), code="scope")
    scope = Scope(words["scope"])
    row = PolicyRow(
        scope=scope,
        scope_id=scope_of(connection, scope, words["whom"]),
        name=words["name"],
        value=typed(words["name"], words["value"], SqlStore(connection).company().currency),
        effective_from=words["from"] or today,
        effective_to=words["to"],
    )
    checked(row, today=today)
    return Ruling(row=row)


def in_force(rows: Collection[PolicyRow], today: str) -> set[int]:
    """The keys of the rows that hold today."""
    book = PolicyBook(rows)
    held = (book.row(row.name, day=today, scope=row.scope, scope_id=row.scope_id) for row in rows)
    return {row.id for row in held if row is not None}


def is_over(row: PolicyRow, today: str) -> bool:
    return bool(row.effective_to) and row.effective_to < today
