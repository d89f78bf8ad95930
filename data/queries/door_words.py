"""What deliveries are called by what their doors said."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, func, select

from data.store.part import parts
from data.tables import delivery, manifest, proof, proof_line
from routing.model.proofs import Outcome
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


def tried_by(connection: Connection, shift_ids: Collection[int]) -> dict[tuple[int, int], str]:
    """By shift and delivery how the last report of that shift left it: "done" or "failed"."""
    found = {}
    for part in parts(shift_ids):
        query = (
            select(manifest.c.shift_id, proof.c.delivery_id, proof.c.outcome)
            .join(manifest, manifest.c.id == proof.c.manifest_id)
            .where(manifest.c.shift_id.in_(part))
            .order_by(proof.c.attempt)
        )
        for row in connection.execute(query):
            ended = "done" if Outcome(row.outcome).is_handed_over else "failed"
            found[(row.shift_id, row.delivery_id)] = ended
    return found


def word_on_its_route(word: str, tried: str) -> str:
    """What a delivery is called at its stop. Once its van is counted, what came back is released for another day, or
    the ERP's again: the route that `tried` it ("" for none) has been at its door and does not go there any more."""
    return tried if tried and word in ("released", "unreleased") else word
