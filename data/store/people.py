"""The store's part for the accounts of people who sign in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update

from data.store.part import StorePart
from data.tables import user
from routing.errors import Conflict, NotFound


class PeopleStore(StorePart):
    def add_account(
        self, *, email: str, name: str, role: str, password_hash: str, made_at: datetime, language: str = "en"
    ) -> int:
        """Raises Conflict when the address has an account already."""
        address = email.strip().lower()
        account_id = self.insert_once(
            user,
            {
                "email": address,
                "name": name,
                "role": role,
                "password_hash": password_hash,
                "language": language,
                "made_at": made_at,
            },
        )
        if account_id is None:
            raise Conflict(f"{address} has an account already. Sign in with it, or use another address.")
        return account_id

    def set_password(self, *, account_id: int, password_hash: str) -> None:
        """Sets a new password and ends every session of this person. Raises NotFound."""
        self._change(account_id, password_hash=password_hash)

    def end_sessions(self, *, account_id: int) -> None:
        """Signs the person out everywhere. Raises NotFound."""
        self._change(account_id)

    def close_account(self, *, account_id: int) -> None:
        """Signs the person out everywhere and lets them in no more; what they did keeps their name. Raises NotFound."""
        self._change(account_id, active=False)

    def reopen_account(self, *, account_id: int) -> None:
        """Lets a closed account in again, with its old password. Raises NotFound."""
        self._change(account_id, active=True)

    def _change(self, account_id: int, **values: str | bool) -> None:
        changed = self.connection.execute(
            update(user).where(user.c.id == account_id).values(**values, session_version=user.c.session_version + 1)
        )
        if changed.rowcount == 0:
            raise NotFound(f"There is no account {account_id}.", account=account_id)
