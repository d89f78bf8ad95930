"""The same message to everybody who is to hear of something, written in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from routing.model.notices import Notice, NoticeKind
from routing.model.parties import Contact


class Store(Protocol):
    def add_notice(self, message: Notice, *, made_at: datetime) -> bool: ...


def tell(
    store: Store,
    contacts: Iterable[Contact],
    *,
    kind: NoticeKind,
    subject: tuple[str, int],
    occurrence: str,
    data: dict[str, object],
    now: datetime,
) -> int:
    """How many messages are new: one a contact, in its own language, however often it is asked. `subject`: the kind of
    what it is about ("order", "stop") and its key."""
    return sum(
        store.add_notice(
            Notice(
                kind=kind,
                subject_kind=subject[0],
                subject_id=subject[1],
                occurrence=occurrence,
                recipient=contact.address,
                channel=contact.channel,
                language=contact.language,
                contact_id=contact.id,
                data=data,
            ),
            made_at=now,
        )
        for contact in contacts
    )
