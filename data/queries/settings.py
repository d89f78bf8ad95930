"""What an administrator sets: the switch for messages, and the people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from data.tables import company, user


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    id: int
    email: str
    name: str
    role: str
    active: bool
    made_at: datetime
    last_seen_at: datetime | None


def people_list(connection: Connection) -> list[PersonRow]:
    query = select(
        user.c.id, user.c.email, user.c.name, user.c.role, user.c.active, user.c.made_at, user.c.last_seen_at
    ).order_by(user.c.name, user.c.id)
    return [PersonRow(**row) for row in connection.execute(query).mappings()]


def company_facts(connection: Connection) -> dict[str, str]:
    """Name, currency, locale, zone, country, phone and e-mail; empty before the company was entered."""
    row = connection.execute(select(company).limit(1)).mappings().first()
    names = ("name", "currency", "locale", "zone", "country", "phone", "email")
    return {name: (row[name] if row else "") for name in names}
