"""Messages to suppliers as they would be sent: each draft with its subject and text in the supplier's language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from data.store import SqlStore
from routing.rules.supplier_mail import Draft
from web.messages import written


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A draft as its supplier would read it; both texts are "" when nobody could."""

    draft: Draft
    subject: str = ""
    text: str = ""

    @property
    def may_go(self) -> bool:
        return not self.draft.missing and not self.draft.written_today


def letters(store: SqlStore, drafts: Iterable[Draft]) -> list[Letter]:
    """Raises InvalidInput when the company's own template of such a message is wrong."""
    company = store.company()
    zone = ZoneInfo(company.zone or "UTC")
    found = []
    for draft in drafts:
        if draft.supplier is None:
            found.append(Letter(draft=draft))
            continue
        subject, text = written(store.connection, draft.notice(company), zone=zone)
        found.append(Letter(draft=draft, subject=subject, text=text))
    return found
