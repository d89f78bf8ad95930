"""Photos and signatures of proofs are erased: after the term that a policy sets, or because somebody asked for it.

Here a proof loses them, and the story says so; what no proof has any more is erased for good by whoever keeps the
bytes, after this was committed. Were it the other way round, a proof would name what is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Protocol

from routing.model.days import today_of
from routing.model.parties import Company
from routing.model.proofs import HeldFile
from routing.rules.erasing import KEPT_FOR, counted, erased_because, kept_since
from routing.rules.policies import PolicyBook
from routing.services.story import KeepsEvents


class Reader(Protocol):
    def policies(self) -> PolicyBook: ...
    def company(self) -> Company: ...

    def kept_too_long(self, since: Mapping[str, datetime]) -> list[HeldFile]:
        """What came in before that moment, by kind, and no open dispute is about; by delivery."""
        ...

    def files_of(
        self, *, delivery_id: int | None = None, customer_ids: Collection[int] = (), kinds: Collection[str] = ()
    ) -> list[HeldFile]:
        """What the proofs of a delivery, or of all deliveries with goods of these customers, have; by delivery."""
        ...

    def still_needed(self, file_ids: Collection[int], *, besides: Collection[int]) -> dict[int, list[str]]:
        """By file, the deliveries whose proofs have it, other than by these links."""
        ...


class Store(Reader, KeepsEvents, Protocol):
    def erase_from_proofs(self, link_ids: Collection[int], *, by: str, now: datetime) -> set[int]:
        """Takes these from their proofs, and marks the files that no proof has any more as erased. Returns the links
        that were there still."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """`files`: what proofs lose. `elsewhere`: how many of those are kept, because the proof of another delivery has
    them too, by its number."""

    files: tuple[HeldFile, ...] = ()
    elsewhere: Mapping[str, int]

    @property
    def deliveries(self) -> list[str]:
        return list(dict.fromkeys(each.delivery for each in self.files))

    @property
    def by_kind(self) -> dict[str, int]:
        return counted(each.kind for each in self.files)


def look_at(store: Reader, files: Sequence[HeldFile]) -> Erased:
    """What erasing these would do. Writes nothing."""
    others = store.still_needed({each.file_id for each in files}, besides={each.link_id for each in files})
    elsewhere = counted(number for numbers in others.values() for number in numbers)
    return Erased(files=tuple(files), elsewhere=elsewhere)


def kept_long_enough(store: Reader, *, now: datetime) -> list[HeldFile]:
    """What the terms of today say; nothing where no term is set."""
    today, policies = today_of(now, store.company().zone), store.policies()
    since = kept_since({kind: policies.days_kept(name, day=today) for kind, name in KEPT_FOR.items()}, now)
    return store.kept_too_long(since) if since else []


def erase_kept_long_enough(store: Store, *, now: datetime, by: str) -> Erased:
    today, policies = today_of(now, store.company().zone), store.policies()
    gone: list[HeldFile] = []
    found = kept_long_enough(store, now=now)
    for kind, name in KEPT_FOR.items():
        mine = [each for each in found if each.kind == kind]
        if mine:
            why = f"kept for {policies.days_kept(name, day=today)} days"
            gone += _erase(store, mine, why=why, by=by, now=now)
    # Only now: what one kind still had is perhaps erased with the other.
    return look_at(store, gone)


def erase_files(store: Store, files: Sequence[HeldFile], *, why: str, by: str, now: datetime) -> Erased:
    """Because somebody asked for it. Raises InvalidInput without a reason."""
    return look_at(store, _erase(store, files, why=erased_because(why), by=by, now=now))


def _erase(store: Store, files: Sequence[HeldFile], *, why: str, by: str, now: datetime) -> list[HeldFile]:
    """One event a delivery. What somebody else has erased meanwhile is neither told twice nor returned."""
    taken = store.erase_from_proofs([each.link_id for each in files], by=by, now=now)
    gone = [each for each in files if each.link_id in taken]
    for delivery_id, each in groupby(gone, key=lambda one: one.delivery_id):
        mine = list(each)
        store.append_event(
            kind="files_erased",
            actor=by,
            captured_at=now,
            received_at=now,
            delivery_id=delivery_id,
            data={
                "delivery": mine[0].delivery,
                "why": why,
                "files": counted(one.kind for one in mine),
                "sha256": [one.sha256 for one in mine],
            },
        )
    return gone
