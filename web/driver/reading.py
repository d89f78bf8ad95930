"""Reads what a phone sends: a report as JSON, with a signature and photos beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, TypeGuard

from werkzeug.datastructures import FileStorage, MultiDict

from routing.errors import InvalidInput
from routing.model.payments import Payment, PayMethod
from routing.model.places import Location
from routing.model.proofs import DeliveryReport, DoorEvent, DoorLine, DoorReport, KeptFile, Outcome
from web.incoming import FIRST_YEAR, LAST_YEAR, json_of
from web.photos import clean_picture

MOST_FILES = 8
MOST_PAYMENTS = 8
LONGEST_NAME = 120
LONGEST_NOTE = 2000
STATES = ("delivered", "short", "damaged", "refused", "collected")


class Keeper(Protocol):
    def write(self, content: bytes) -> str:
        """Keeps the bytes and returns their SHA-256."""
        ...


class Keeping:
    """Keeps the bytes of one report, and once more when it is recorded: the same picture may have been erased from
    another proof between the two."""

    def __init__(self, keep: Keeper) -> None:
        self._keep = keep
        self._mine: list[bytes] = []

    def write(self, content: bytes) -> str:
        self._mine.append(content)
        return self._keep.write(content)

    def again(self) -> None:
        for content in self._mine:
            self._keep.write(content)


def report_from(text: str, files: MultiDict[str, FileStorage], *, keep: Keeper, more_follow: bool) -> DoorReport:
    """The report, its pictures cleaned and kept. Raises InvalidInput with what is wrong."""
    try:
        data = json_of(text)
    except ValueError:
        raise InvalidInput("The report is not JSON.", code="report") from None
    if not isinstance(data, dict):
        raise InvalidInput("The report is not an object.", code="report")
    pictures = [(kind, each.read()) for kind, each in files.items(multi=True) if kind in ("signature", "photo")]
    if len(pictures) > MOST_FILES:
        raise InvalidInput(f"A report takes at most {MOST_FILES} pictures.", code="report")
    kind = _word(data, "kind", DoorEvent)
    return DoorReport(
        client_id=_text(data, "client_id", 80),
        sequence=_whole(data, "sequence"),
        payload_sha256=_fingerprint(data, pictures),
        kind=kind,
        stop_id=_whole(data, "stop_id"),
        captured_at=moment_from(data),
        deliveries=tuple(_delivery(each) for each in _list(data, "deliveries")) if kind is DoorEvent.OUTCOME else (),
        recipient=_text(data, "recipient", LONGEST_NAME),
        note=_text(data, "note", LONGEST_NOTE),
        location=place_from(data)[0],
        accuracy_m=place_from(data)[1],
        files=tuple(_kept(kind, content, keep) for kind, content in pictures),
        payments=_payments(data) if kind is DoorEvent.OUTCOME else (),
        more_follow=more_follow,
    )


def _fingerprint(data: Mapping[str, Any], pictures: list[tuple[str, bytes]]) -> str:
    """Over the report and its pictures as they came: the same report sent again has the same one."""
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
    parts = [hashlib.sha256(canonical).hexdigest()]
    parts += [f"{kind} {hashlib.sha256(content).hexdigest()}" for kind, content in pictures]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _kept(kind: str, content: bytes, keep: Keeper) -> KeptFile:
    cleaned, media_type = clean_picture(content, kind=kind)
    return KeptFile(kind=kind, sha256=keep.write(cleaned), media_type=media_type, size=len(cleaned))


def _delivery(data: Any) -> DeliveryReport:
    if not isinstance(data, dict):
        raise InvalidInput("A delivery of the report is not an object.", code="report")
    return DeliveryReport(
        delivery_id=_whole(data, "delivery_id"),
        outcome=_word(data, "outcome", Outcome),
        lines=tuple(
            DoorLine(allocation_id=_whole(line, "allocation_id"), **{each: _whole(line, each, 0) for each in STATES})
            for line in _list(data, "lines")
            if isinstance(line, dict)
        ),
    )


def _payments(data: Mapping[str, Any]) -> tuple[Payment, ...]:
    """What was collected; a page that was kept from before this was asked says nothing of it."""
    given = _list(data, "payments")
    if len(given) > MOST_PAYMENTS or not all(isinstance(each, dict) for each in given):
        raise InvalidInput(f"payments is a list of at most {MOST_PAYMENTS} objects.", code="report")
    return tuple(
        Payment(
            currency=_text(each, "currency", 10),
            amount=_whole(each, "amount"),
            method=_word(each, "method", PayMethod),
        )
        for each in given
    )


def moment_from(data: Mapping[str, Any]) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(data, "captured_at", 40))
    except ValueError:
        raise InvalidInput("captured_at is no moment: write it as 2026-05-12T08:12:00Z.", code="report") from None
    if moment.tzinfo is None:
        raise InvalidInput("captured_at has no time zone: write it as 2026-05-12T08:12:00Z.", code="report")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise InvalidInput(f"captured_at lies in the year {moment.year}. Set the phone's clock.", code="phone_clock")
    return moment


def place_from(data: Mapping[str, Any]) -> tuple[Location | None, float | None]:
    """Where the phone was and how surely in metres; (None, None) when it did not know. How surely is only remarked
    upon: what is no distance counts as not known."""
    place = data.get("location")
    if not isinstance(place, dict):
        return None, None
    lat, lon, accuracy = place.get("lat"), place.get("lon"), place.get("accuracy_m")
    if not _is_number(lat) or not _is_number(lon):
        raise InvalidInput("location needs lat and lon as numbers.", code="report")
    return Location(lat=lat, lon=lon), float(accuracy) if _is_number(accuracy) and accuracy >= 0 else None


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)  # True is 1 to Python


def _text(data: Mapping[str, Any], name: str, longest: int) -> str:
    value = data.get(name, "")
    if not isinstance(value, str):
        raise InvalidInput(f"{name} is not a text.", code="report")
    return value.strip()[:longest]


def _whole(data: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = data.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput(f"{name} is not a whole number.", code="report")
    return value


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    value = data.get(name, [])
    if not isinstance(value, list):
        raise InvalidInput(f"{name} is not a list.", code="report")
    return value


def _word[W: (DoorEvent, Outcome, PayMethod)](data: Mapping[str, Any], name: str, words: type[W]) -> W:
    try:
        return words(str(data.get(name)))
    except ValueError:
        known = ", ".join(words)
        raise InvalidInput(f"{name} is {data.get(name)!r}, but must be one of: {known}.", code="report") from None
