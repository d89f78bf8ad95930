"""Who comes in: the account behind a session."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from data.tables import user


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    id: int
    email: str
    name: str
    role: str
    language: str
    password_hash: str
    session_version: int


_ACCOUNT = select(
    user.c.id, user.c.email, user.c.name, user.c.role, user.c.language, user.c.password_hash, user.c.session_version
).where(user.c.active)


def account_by_id(connection: Connection, account_id: int) -> Account | None:
    """None also when the account was closed."""
    row = connection.execute(_ACCOUNT.where(user.c.id == account_id)).first()
    return None if row is None else Account(**row._asdict())


def account_by_email(connection: Connection, email: str) -> Account | None:
    row = connection.execute(_ACCOUNT.where(func.lower(user.c.email) == email.strip().lower())).first()
    return None if row is None else Account(**row._asdict())


def count_accounts(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(user)).scalar_one()
