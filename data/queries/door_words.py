"""What deliveries are called by what their doors said."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from data.store.part import parts
from data.tables import delivery, proof, proof_line
from routing.rules.door_word import Given, door_word


def door_words(connection: Connection, states: Mapping[int, str]) -> dict[int, str]:
    """By delivery, of each of which the state is given. What was to be fetched keeps its state."""
    found = dict(states)
    for part in parts([key for key, state in states.items() if state == "done"]):
        for row in connection.execute(
            select(
                proof.c.delivery_id,
                func.sum(proof_line.c.delivered + proof_line.c.collected).label("given"),
                func.sum(proof_line.c.refused).label("refused"),
                func.sum(proof_line.c.short + proof_line.c.damaged).label("missed"),
            )
            .join(proof_line, proof_line.c.proof_id == proof.c.id)
            .join(delivery, delivery.c.id == proof.c.delivery_id)
            .where(proof.c.delivery_id.in_(part), delivery.c.direction == "deliver")
            .group_by(proof.c.delivery_id)
        ):
            units = Given(given=int(row.given), refused=int(row.refused), missed=int(row.missed))
            found[row.delivery_id] = door_word(found[row.delivery_id], units)
    return found
