"""The company's name card, as every page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from data.tables import company


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyCard:
    name: str = ""
    phone: str = ""
    email: str = ""
    zone: str = "UTC"
    currency: str = ""


def company_card(connection: Connection) -> CompanyCard:
    """An empty card before the company was entered."""
    row = connection.execute(
        select(company.c.name, company.c.phone, company.c.email, company.c.zone, company.c.currency).limit(1)
    ).first()
    return CompanyCard() if row is None else CompanyCard(**row._asdict())
