"""The company's name card, as every page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from data.tables import company, contact, depot, site, user


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


def depot_names(connection: Connection) -> list[tuple[str, str]]:
    """The number and the name of every depot, by number."""
    return [(row.number, row.name) for row in connection.execute(select(depot).order_by(depot.c.number))]


def user_names(connection: Connection) -> dict[str, str]:
    """The name of every account, by the word under which it stands as an actor ("user:7")."""
    return {f"user:{each.id}": each.name or each.email for each in connection.execute(select(user))}


def zone_of_contact(connection: Connection, contact_id: int | None) -> str:
    """The time zone of a contact's site, else the company's, else that of the first depot; "UTC" where nobody says."""
    of_site = connection.scalar(
        select(site.c.zone).join(contact, contact.c.site_id == site.c.id).where(contact.c.id == contact_id)
    )
    name = of_site or connection.scalar(select(company.c.zone).limit(1)) or "UTC"
    if name == "UTC":
        name = connection.scalar(select(depot.c.zone).order_by(depot.c.id).limit(1)) or "UTC"
    return str(name)
