"""Boarding: what a van has of the deliveries that its driver speaks of, while the list on the phone may be an old one.

A later trip is loaded when the van is back: by the driver's word at the depot (`load_by_word`), or at the latest when
the van stands at a door of it (`what_is_on_board`). Meanwhile the dispatcher may have moved a delivery to another van,
taken it back or left it out, and a phone without signal does not know. The books say then whose it is: what a driver
handed over was handed over, and is booked from the van that had it; anything else that he says of it ends nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from routing.errors import Conflict
from routing.model.proofs import Door, DoorDelivery, DoorReport, ManifestInHand, Outcome
from routing.model.tasks import TaskKind
from routing.rules.door import Settled, why_in
from routing.rules.problem import ENDED
from routing.services.loading import LoadsVans, load_trip
from routing.services.story import AsksPeople

_AT_THE_DEPOT = ("released", "unreleased")


class Store(LoadsVans, AsksPeople, Protocol):
    """What boarding needs beside what loading needs."""

    def with_other_vans(
        self, shift_id: int, delivery_ids: Collection[int], *, only_if_listed: bool = False
    ) -> dict[int, str]: ...
    def on_vans(self, delivery_ids: Collection[int]) -> dict[int, int]: ...
    def trip_of_stop(self, stop_id: int) -> tuple[int, Sequence[int]]: ...
    def delivery_numbers(self, delivery_ids: Collection[int]) -> dict[int, str]: ...
    def manifest_in_hand(self, manifest_id: int, *, lock: bool = False) -> ManifestInHand: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBoard:
    """What the books say of the deliveries at a door, for the van whose driver stands there.

    `elsewhere`: those that another van has or takes, by its name; `on_vehicle` the vehicle with their goods, of those
    that are loaded. `missing`: those that lie at the depot and go with nobody, or were taken back. `stayed`: those that
    the driver left at the depot himself. `refused`: why the books do not let goods out that this van takes.
    """

    elsewhere: Mapping[int, str] = field(default_factory=dict)
    on_vehicle: Mapping[int, int] = field(default_factory=dict)
    missing: frozenset[int] = frozenset()
    stayed: frozenset[int] = frozenset()
    refused: tuple[str, ...] = ()

    def has(self, delivery_id: int) -> bool:
        return delivery_id not in self.elsewhere and delivery_id not in self.missing

    def remark(self, delivery: DoorDelivery) -> str:
        """For a driver who speaks of what this van does not have."""
        return not_with_us(delivery.number, self.elsewhere.get(delivery.id, ""))


def not_with_us(number: str, van: str) -> str:
    """`van`: the one that has or takes it, "" when none does."""
    gone = f"goes with {van} now" if van else "does not go with this van any more"
    return f"{number} {gone}. Load the route again; if you have its goods, call the dispatcher."


def what_is_on_board(
    store: Store, *, manifest: ManifestInHand, door: Door, report: DoorReport, by_the_desk: bool, now: datetime
) -> OnBoard:
    """What this van has of a door. One that stands at a door of a later trip has its goods, also when nobody said so at
    the depot: they are loaded here, where the books allow it.

    `by_the_desk`: whoever speaks knows the plan, so that what no other driver has on the list is still this van's.
    """
    unended = [each for each in door.deliveries if each.state not in ENDED]
    elsewhere = store.with_other_vans(manifest.shift_id, [each.id for each in unended], only_if_listed=by_the_desk)
    waiting = {each.id: each for each in unended if each.state in _AT_THE_DEPOT and each.id not in elsewhere}
    left_there = {each.delivery_id for each in report.deliveries if each.outcome is Outcome.NOT_ATTEMPTED}
    later = {key for stop in manifest.stops if stop.trip > 1 for key in stop.deliveries}
    stayed = {key for key in left_there & later if key in waiting and waiting[key].state == "released"}
    taken = [key for key in waiting if key not in left_there]
    loaded, refused = _take(store, manifest, taken, now=now, at=report.captured_at)
    return OnBoard(
        elsewhere=elsewhere,
        on_vehicle=store.on_vans(elsewhere) if elsewhere else {},
        missing=frozenset(
            key
            for key, each in waiting.items()
            if each.direction == "deliver" and key not in loaded and key not in stayed
        ),
        stayed=frozenset(stayed),
        refused=refused,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidLoaded:
    """What came of the driver's word that a trip is on the van. `moved`: what stood on his list for it and goes with
    another van, or with none, by that van's name and the delivery's number."""

    trip: int
    deliveries: tuple[int, ...]
    refused: tuple[str, ...]
    moved: tuple[tuple[int, str, str], ...]


def load_by_word(
    store: Store, *, manifest: ManifestInHand, door: Door, report: DoorReport, now: datetime
) -> SaidLoaded:
    """The driver is at the depot again and has what the next trip takes, as far as his list says it. What the books do
    not allow, and what is not this van's any more, is a task."""
    trip, seen = store.trip_of_stop(door.stop_id)
    in_force = {key: stop.trip for stop in manifest.stops for key in stop.deliveries}
    elsewhere = store.with_other_vans(manifest.shift_id, seen)
    at_door = [each.id for each in door.deliveries]
    due = next((in_force[key] for key in (*at_door, *seen) if key in in_force and key not in elsewhere), 0)
    # What somebody said stays behind is not taken along by this word: at its door the driver may still say otherwise.
    taken = [key for key in seen if in_force.get(key) == due and key not in manifest.ended and key not in elsewhere]
    loaded, refused = _take(store, manifest, taken, now=now, at=report.captured_at)
    numbers = store.delivery_numbers(elsewhere)
    if refused:
        store.add_task(
            kind=TaskKind.TRIP_NOT_LOADED,
            subject_kind="shift",
            subject_id=manifest.shift_id,
            sentence=f"The driver has loaded trip {due}, but the books do not let all of it out: {' '.join(refused)}",
            made_at=now,
            urgent=True,
        )
    moved = tuple((key, van, numbers[key]) for key, van in elsewhere.items() if key not in manifest.ended)
    for key, van, number in moved:
        store.add_task(
            kind=TaskKind.OLD_LIST,
            subject_kind="delivery",
            subject_id=key,
            sentence=f"The driver of {manifest.vehicle} loaded by a list on which {number} stands, but it goes with "
            f"{van} now. Ask the driver whether its goods are on board.",
            made_at=now,
            urgent=True,
        )
    return SaidLoaded(trip=due or trip, deliveries=loaded, refused=refused, moved=moved)


def _take(
    store: Store, manifest: ManifestInHand, delivery_ids: Sequence[int], *, now: datetime, at: datetime
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Loads what the plan in force gives a later trip of this van: (on the van now, why the rest is not let out)."""
    ours = []
    for key in delivery_ids:
        place = store.trip_place(key)
        if place is not None and place.shift_id == manifest.shift_id and place.trip > 1:
            ours.append(key)
    if not ours:
        return (), ()
    return load_trip(
        store,
        shift_id=manifest.shift_id,
        delivery_ids=ours,
        by=f"driver:{manifest.driver_id}",
        now=now,
        at=at,
    )


# ---------------------------------------------------------------------------- reports of what is not on board


def refuse_unless_another_van_had_it(manifest: ManifestInHand, one: Settled, board: OnBoard) -> None:
    """What was handed over was handed over, whichever van it was on by the books; but only a van's goods can have been,
    and none of a van whose count says that they came back."""
    number, van = one.delivery.number, board.elsewhere.get(one.delivery.id, "")
    if van and manifest.counted:
        raise Conflict(
            f"{manifest.vehicle} was counted, and {number} goes with {van} now. Call the dispatcher.",
            code="not_on_the_van",
            delivery=one.delivery.id,
        )
    if not van or (one.delivery.direction == "deliver" and one.delivery.id not in board.on_vehicle):
        raise Conflict(board.remark(one.delivery), code="not_on_the_van", delivery=one.delivery.id)


def note_what_is_not_here(
    store: Store,
    manifest: ManifestInHand,
    door: Door,
    one: Settled,
    board: OnBoard,
    *,
    event_id: int,
    report: DoorReport,
    actor: str,
    now: datetime,
) -> None:
    """Nothing of it was at the door, and this van does not have it: that ends no attempt and tells no customer. That
    nobody went there is as it should be; anything else a dispatcher hears."""
    number, van = one.delivery.number, board.elsewhere.get(one.delivery.id, "")
    store.append_event(
        kind="delivery.noted",
        actor=actor,
        captured_at=report.captured_at,
        received_at=now,
        data={"outcome": one.outcome.value, "goes_with": van, "reported_in": event_id},
        delivery_id=one.delivery.id,
        shift_id=manifest.shift_id,
        plan_id=manifest.plan_id,
        site_id=door.site_id,
    )
    if one.outcome is Outcome.NOT_ATTEMPTED:
        return
    mend = (
        f"It goes with {van} and stays open: tell its driver, or take it off."
        if van
        else "By the books it is not on that van: ask whether its goods are on board."
    )
    store.add_task(
        kind=TaskKind.OLD_LIST,
        subject_kind="delivery",
        subject_id=one.delivery.id,
        sentence=f"The driver of {manifest.vehicle} said at {door.site} of {number}: "
        f"{why_in('en', one.outcome)}. {mend}",
        made_at=now,
        urgent=True,
    )


def ask_about_the_vans(
    store: Store, manifest: ManifestInHand, door: Door, one: Settled, *, van: str, now: datetime
) -> None:
    outcome = one.outcome.value.replace("_", " ")
    said = f"The driver of {manifest.vehicle} reports {one.delivery.number} for {door.site} as {outcome}"
    store.add_task(
        kind=TaskKind.OLD_LIST,
        subject_kind="delivery",
        subject_id=one.delivery.id,
        sentence=f"{said}, but by the books its goods were on {van}. They are booked off that van: tell its driver, "
        "and count both in the evening."
        if one.delivery.direction == "deliver"
        else f"{said}, but it goes with {van}: tell its driver.",
        made_at=now,
        urgent=True,
    )


def tell_of_refusal(*, store: Store, manifest_id: int, refused: Conflict, now: datetime) -> None:
    """A report that the books do not allow stays on the phone until somebody puts that right: a task asks for it. Call
    it after the refusal, in a transaction of its own; it does nothing for other refusals."""
    delivery_id = refused.fields.get("delivery")
    if refused.code != "not_on_the_van" or not isinstance(delivery_id, int):
        return
    manifest = store.manifest_in_hand(manifest_id)
    why = str(refused).partition(". ")[0]  # the rest says what the driver may do
    store.add_task(
        kind=TaskKind.REPORT_REFUSED,
        subject_kind="delivery",
        subject_id=delivery_id,
        sentence=f"The phone of {manifest.vehicle} keeps a report that the books do not allow: {why}. Call the driver: "
        "were its goods on board, give the delivery to that van again, and the driver presses Try again.",
        made_at=now,
        urgent=True,
    )
