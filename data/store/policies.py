"""The store's part for policies: what is in force, set from a day on, ended on a day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update

from data.queries.policies import policy_book
from data.store.part import StorePart
from data.tables import policy
from routing.errors import Conflict
from routing.model.orders import AllocationPolicy
from routing.rules.policies import PolicyBook, PolicyRow


class PolicyStore(StorePart):
    def policies(self) -> PolicyBook:
        """Every policy row there is."""
        return policy_book(self.connection)

    def allocation_policy(self, *, on_day: str) -> AllocationPolicy:
        """The company's policy in force on an ISO day; what no row says is the default."""
        return self.policies().allocation_policy(day=on_day)

    def set_policy(self, row: PolicyRow, *, by: str, now: datetime) -> None:
        """Sets a policy; setting it again for the same scope and first day replaces it."""
        values = {"value": row.value, "effective_to": row.effective_to, "by": by, "at": now}
        same = {
            "scope": row.scope.value,
            "scope_id": row.scope_id,
            "name": row.name,
            "effective_from": row.effective_from,
        }
        changed = self.connection.execute(
            update(policy).filter_by(**same).values(**values, version=policy.c.version + 1)
        )
        if not changed.rowcount:
            self.insert_once(policy, same | values)

    def end_policy(self, row: PolicyRow, *, last_day: str, by: str, now: datetime) -> None:
        """`last_day`: the last ISO day it holds; before its first day it never held. Raises Conflict if it changed."""
        changed = self.connection.execute(
            update(policy)
            .where(policy.c.id == row.id, policy.c.effective_to == row.effective_to)
            .values(effective_to=last_day, by=by, at=now, version=policy.c.version + 1)
        )
        if not changed.rowcount:
            raise Conflict("Somebody else has just changed this policy. Look again.", code="shown_is_old")
