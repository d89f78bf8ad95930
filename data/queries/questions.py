"""Which open lines their customers have been asked about, and have not said anything yet."""

from __future__ import annotations

from collections.abc import Collection
from itertools import batched

from sqlalchemy import Connection, select

from data.tables import delay_consent, delay_consent_line, depot, order
from routing.model.days import today_of
from routing.services.asking import A_MINUTE

AT_ONCE = 500


def answers_due(connection: Connection, line_ids: Collection[int]) -> dict[int, str]:
    """By line: the last ISO day, at the depot, for an answer about its new date; of questions that are open and
    unanswered alone. The day may be over: then a person is to ask again."""
    found: dict[int, str] = {}
    for part in batched(sorted(set(line_ids)), AT_ONCE):
        query = (
            select(delay_consent_line.c.order_line_id, delay_consent.c.due_at, depot.c.zone)
            .join(delay_consent, delay_consent.c.id == delay_consent_line.c.consent_id)
            .join(order, order.c.id == delay_consent.c.order_id)
            .join(depot, depot.c.id == order.c.depot_id)
            .where(
                delay_consent_line.c.order_line_id.in_(part),
                delay_consent.c.closed_at.is_(None),
                delay_consent.c.answer == "",
            )
            .order_by(delay_consent.c.id)
        )
        found |= {row.order_line_id: today_of(row.due_at - A_MINUTE, row.zone) for row in connection.execute(query)}
    return found
