"""Who buys and who is told."""

from __future__ import annotations

from dataclasses import dataclass

from routing.model.notices import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The one company of this installation, as its messages and papers name it."""

    name: str = ""
    currency: str = "EUR"
    locale: str = "en"
    zone: str = "UTC"
    country: str = ""
    subdivision: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person of a customer, or of one of its sites when `site_id` is given, who agreed to be written to."""

    id: int
    customer_id: int
    site_id: int | None
    name: str
    channel: Channel
    address: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Depot:
    """Where stock is and routes start. `zone` is its IANA time zone."""

    id: int
    number: str
    name: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplier:
    """Who brings goods. `email` is "" where none is known; `language` is the one they are written to in."""

    id: int
    number: str
    name: str
    email: str
    language: str
