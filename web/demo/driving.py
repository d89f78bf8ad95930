"""The demo's drivers: while its clock jumps, the vans that are out drive on and report what they bring.

All goes by plan but for two: at 11:20 one van has stood at a door for half an hour or more, so that promises are about
to break, and at 16:00 Van 6 has so much left that it cannot finish. Whoever played a driver before the jump is not
overruled: only what nobody reported is reported here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from data.store import SqlStore, open_store
from routing.model.day import VanOfDay
from routing.model.payments import Payment
from routing.model.proofs import (
    DeliveryReport,
    Door,
    DoorEvent,
    DoorLine,
    DoorReport,
    ManifestInHand,
    Outcome,
)
from routing.rules.behind import Tomorrow, how_it_goes_on, ways_out
from routing.rules.locks import as_the_day_stands
from routing.rules.paying import due_in_full
from routing.rules.progress import forecast
from routing.services.delivering import record
from web.demo.calendar import TUESDAY, at
from web.wiring import Installation

LATE_AT = at(TUESDAY, "11:20")
LATE_BY = (timedelta(minutes=30), timedelta(minutes=75))
PROMISES = 2
"""So many promises are about to break, if some van's day has a door to stand at where it comes to that."""
OUT_OF_TIME_AT = at(TUESDAY, "16:00")
OUT_OF_TIME_VAN = "Van 6"
LEFT = 5
"""So many doors are left to the van that cannot finish."""


def drive(installation: Installation, *, since: datetime, until: datetime) -> int:
    """Reports what the vans that are out bring between the two moments; returns how many doors that were."""
    with open_store(installation.database) as store:
        vans = [
            van
            for depot_id in store.depot_ids()
            for van in store.vans_of_day(day=TUESDAY.isoformat(), depot_id=depot_id)
            if not van.closed
        ]
        stands = _stands(store, vans, until=until)
    return sum(_drive_van(installation, van, stands.get(van.manifest_id), since=since, until=until) for van in vans)


def _drive_van(
    installation: Installation, van: VanOfDay, stands: int | None, *, since: datetime, until: datetime
) -> int:
    with open_store(installation.database) as store:
        manifest = store.manifest_in_hand(van.manifest_id)
        doors = store.doors(van.manifest_id, [stop.stop_id for stop in manifest.stops])
    etas = forecast(manifest.stops, manifest.facts, departs_at=manifest.departs_at, now=since)
    done = 0
    for sequence, eta in enumerate(etas, 1):
        door = doors[eta.stop_id]
        if eta.arrival > until:
            break
        if eta.stop_id == stands:
            _report(installation, manifest, door, DoorEvent.ARRIVED, at=eta.arrival, sequence=sequence)
            break
        if eta.departure > until:
            break
        _report(installation, manifest, door, DoorEvent.OUTCOME, at=eta.departure, sequence=sequence)
        done += 1
    return done


def _stands(store: SqlStore, vans: Sequence[VanOfDay], *, until: datetime) -> dict[int, int]:
    """By manifest, the stop at which its van stands when the clock has jumped; the others go by plan."""
    if until == OUT_OF_TIME_AT:
        for van in vans:
            if van.vehicle == OUT_OF_TIME_VAN:
                stops = store.manifest_in_hand(van.manifest_id).stops
                if len(stops) > LEFT and stops[-LEFT - 1].departure < until:
                    return {van.manifest_id: stops[-LEFT - 1].stop_id}
    if until == LATE_AT:
        found = [each for van in vans for each in _late_at(store, van, until)]
        if found:
            _worth, manifest_id, stop_id = min(found)
            return {manifest_id: stop_id}
    return {}


def _late_at(store: SqlStore, van: VanOfDay, until: datetime) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """Every stop at which this van would stand long enough, best told first: promises break, two ways out, no door
    that closes, two promises, not too late."""
    manifest = store.manifest_in_hand(van.manifest_id)
    saved = store.plan(manifest.plan_id)
    facts = store.day_facts(from_day=saved.from_day, to_day=saved.to_day, depot_ids=saved.depot_ids)
    shift = store.shift(van.shift_id)
    for n, stop in enumerate(manifest.stops[:-1]):
        late = until - stop.departure
        if not LATE_BY[0] <= late <= LATE_BY[1]:
            continue
        done = {key for each in manifest.stops[: n + 1] for key in each.deliveries}
        then = replace(
            facts,
            riding=tuple(replace(r, state="done") if r.delivery_id in done else r for r in facts.riding),
        )
        problem = as_the_day_stands(saved.problem, then, saved.plan)
        arrives_s = round((manifest.stops[n + 1].arrival + late - problem.epoch).total_seconds())
        behind = how_it_goes_on(
            saved.plan, problem, then, shift=shift, arrives_s=arrives_s, tomorrow=lambda _delivery: Tomorrow()
        )
        if behind is not None and (behind.broken or behind.is_out_of_time):
            ways = min(2, len(ways_out(behind, then, shift=shift)))
            off = abs(len(behind.broken) - PROMISES)
            worth = (not behind.broken, -ways, len(behind.closed), off, round(late.total_seconds()))
            yield worth, van.manifest_id, stop.stop_id


def _report(
    installation: Installation, manifest: ManifestInHand, door: Door, kind: DoorEvent, *, at: datetime, sequence: int
) -> None:
    on_van = [each for each in door.deliveries if each.state in ("dispatched", "under_way")]
    if not on_van:
        return
    said = f"demo-{kind.value}-{'-'.join(str(each.id) for each in on_van)}"
    report = DoorReport(
        client_id=said,
        sequence=sequence,
        payload_sha256=hashlib.sha256(said.encode()).hexdigest(),
        kind=kind,
        stop_id=door.stop_id,
        captured_at=at,
        deliveries=tuple(
            DeliveryReport(
                delivery_id=each.id,
                outcome=Outcome.DELIVERED,
                lines=tuple(
                    DoorLine(allocation_id=line.allocation_id, collected=line.loaded)
                    if each.direction == "collect"
                    else DoorLine(allocation_id=line.allocation_id, delivered=line.loaded)
                    for line in each.lines
                ),
            )
            for each in on_van
        )
        if kind is DoorEvent.OUTCOME
        else (),
        recipient="Goods in" if kind is DoorEvent.OUTCOME else "",
        payments=tuple(
            Payment(currency=currency, amount=amount)
            for each in on_van
            for currency, amount in due_in_full(
                each.asks, {line.allocation_id: line.loaded for line in each.lines}
            ).items()
        )
        if kind is DoorEvent.OUTCOME
        else (),
    )
    with open_store(installation.database) as store:
        record(store=store, manifest_id=manifest.id, report=report, now=at, secret=installation.secret)
