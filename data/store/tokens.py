"""The store's part for the tokens with which programs come in. Only a token's SHA-256 is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from data.store.part import StorePart
from data.tables import api_token
from routing.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    id: int
    name: str
    scopes: frozenset[str]
    by: str
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def opens(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def hash_of(token: str) -> str:
    """A token is 32 random bytes, so one quick hash of it tells nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class TokenStore(StorePart):
    def add_token(
        self, *, name: str, token: str, scopes: frozenset[str], by: str, now: datetime, expires_at: datetime | None
    ) -> int:
        """Raises Conflict when a token of this name opens something already."""
        if any(each.name == name and each.opens(now) for each in self.tokens()):
            raise Conflict(f'There is a token "{name}" already. Revoke it first, or give this one another name.')
        made: int = self.connection.execute(
            insert(api_token)
            .values(
                name=name,
                token_sha256=hash_of(token),
                scopes=" ".join(sorted(scopes)),
                by=by,
                made_at=now,
                expires_at=expires_at,
            )
            .returning(api_token.c.id)
        ).scalar_one()
        return made

    def tokens(self) -> list[ApiToken]:
        """Every token there was, by age."""
        return [_token(row) for row in self.connection.execute(select(api_token).order_by(api_token.c.id))]

    def token(self, token: str) -> ApiToken | None:
        row = self.connection.execute(select(api_token).where(api_token.c.token_sha256 == hash_of(token))).first()
        return None if row is None else _token(row)

    def token_used(self, token_id: int, *, now: datetime) -> None:
        self.connection.execute(update(api_token).where(api_token.c.id == token_id).values(last_used_at=now))

    def revoke_token(self, name: str, *, now: datetime) -> None:
        """From now on it opens nothing. Raises NotFound when none of this name does."""
        changed = self.connection.execute(
            update(api_token).where(api_token.c.name == name, api_token.c.revoked_at.is_(None)).values(revoked_at=now)
        )
        if not changed.rowcount:
            raise NotFound(f'There is no token "{name}" that opens anything. List them: backroute token list')


def _token(row: object) -> ApiToken:
    values = row._asdict()  # type: ignore[attr-defined]
    return ApiToken(
        **{name: values[name] for name in ApiToken.__slots__ if name != "scopes"},
        scopes=frozenset(values["scopes"].split()),
    )
