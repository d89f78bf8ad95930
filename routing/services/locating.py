"""Locating: every address gets a pin, or a person is asked.

A pin that a person once chose is remembered, for that site and for that address. Only what nobody remembers is looked
up, outside any transaction: a provider may take seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import Protocol

from routing.errors import InvalidInput
from routing.model.places import Bounds, Candidate, Located, Location, PinQuality
from routing.model.tasks import TaskKind
from routing.ports import AddressFinder
from routing.rules.depot_region import known_where
from routing.rules.provider_terms import may_be_kept
from routing.rules.reading import is_same_door
from routing.rules.road_reach import outside, reach_of
from routing.rules.spelling import fold
from routing.services.story import AsksPeople, KeepsEvents

_log = logging.getLogger(__name__)

NearRoads = Callable[[Sequence[Location]], Sequence[Collection[str]]]
"""Says of each place for which profiles a road is in reach."""

OfRegion = Callable[[str], tuple[AddressFinder, NearRoads]]
"""Who finds the addresses of a region, and tells of its roads."""

FAILED = "This address could not be looked up. Correct it, or set the pin."

AT_ONCE = 100
"""Addresses that are looked up before their pins are saved: what ends a run loses no more than these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantsPin:
    """A site or depot (`kind`) whose address has no sure pin yet. `region`: whose addresses are asked, by the depot
    that serves it; "" when no depot says it."""

    kind: str
    id: int
    name: str
    address: str
    postcode: str = ""
    city: str = ""
    region: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """Where a thing is, how surely, who says so, and what else it might have been. `no_road`: it is doubted because
    none of our vehicles gets there."""

    location: Location | None
    quality: PinQuality
    provider: str
    label: str = ""
    why: str = ""
    by: str = ""
    candidates: tuple[Candidate, ...] = ()
    no_road: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SameCustomer:
    """Another site of the customer of `beside`, as it is known now; `label` is its pin's."""

    beside: int
    id: int
    name: str
    address: str
    label: str


class KeepsPins(KeepsEvents, AsksPeople, Protocol):
    def wanting_pins(
        self, *, depot_ids: Sequence[int] | None = None, site_ids: Sequence[int] | None = None, again: bool = False
    ) -> tuple[WantsPin, ...]: ...

    def assign_regions(self) -> list[str]: ...

    def regions_of_sites(self) -> dict[int, str]: ...

    def fleet_profiles(self) -> frozenset[str]: ...

    def sure_sites_beside(self, site_ids: Sequence[int]) -> tuple[SameCustomer, ...]: ...

    def remembered_pin(self, *, address_key: str, site_id: int | None) -> Pin | None: ...

    def set_pin(self, *, kind: str, subject_id: int, pin: Pin, now: datetime) -> None: ...

    def remember_pin(
        self, *, address_key: str, site_id: int | None, location: Location, label: str, by: str, now: datetime
    ) -> None: ...

    def wants_pin(self, *, kind: str, subject_id: int) -> WantsPin: ...

    def finish_tasks(
        self, *, kind: TaskKind, subject_kind: str, subject_id: int, outcome: str, by: str, now: datetime
    ) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedAll:
    """How it went: found by themselves, remembered from before, and those a person must decide (with the sentence).

    `some`: what goes on though not each of our vehicles gets there, with the sentence. `waiting`: how many had been
    looked up before and wait for a person still; they have their tasks.
    """

    found: int
    remembered: int
    doubtful: tuple[tuple[WantsPin, str], ...]
    some: tuple[tuple[WantsPin, str], ...] = ()
    waiting: int = 0


def address_key(address: str, *, postcode: str = "", city: str = "") -> str:
    """One text for every spelling of an address that differs only in case, accents and punctuation."""
    return "|".join(fold(part) for part in (address, postcode, city))


def locate_sites(
    open_store: Callable[[], AbstractContextManager[KeepsPins]],
    *,
    finder: AddressFinder,
    now: datetime,
    site_ids: Sequence[int] | None = None,
    again: bool = False,
    near_roads: NearRoads | None = None,
    of_region: OfRegion | None = None,
    regions: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> LocatedAll:
    """Gives every site and depot without a sure pin one, or a task. `again`: also those that wait for a person already.

    `site_ids` limits it to these sites. `progress(done, of)` is called after each address.
    `near_roads` is asked about every pin that would go on: where no vehicle gets, a person is asked now, not at 7 a.m.;
    where only some get, the pin goes on and a person is told. `of_region` answers both for what a depot of a region
    serves, by that region's name; left out, and for what no depot serves, `finder` and `near_roads` do. Of a depot
    itself all `regions` are asked, since its address alone says where it is: depots come first, and what they serve is
    looked up in the region that they turn out to be in.
    """
    with open_store() as store:
        wanting = store.wanting_pins(site_ids=site_ids, again=again)
        fleet = store.fleet_profiles()
        known = {
            (want.kind, want.id): store.remembered_pin(
                address_key=_key(want), site_id=want.id if want.kind == "site" else None
            )
            for want in wanting
        }
    remembered = 0
    doubtful: list[tuple[WantsPin, str]] = []
    some: list[tuple[WantsPin, str]] = []
    looked_up: dict[tuple[str, str], Located] = {}

    def asked_of(region: str) -> tuple[AddressFinder, NearRoads | None]:
        return of_region(region) if region and of_region is not None else (finder, near_roads)

    def answer_of(want: WantsPin, region: str) -> Located:
        key = region, _key(want)
        if key not in looked_up:
            looked_up[key] = _look_up(asked_of(region)[0], want)
        return looked_up[key]

    depots = [want for want in wanting if want.kind == "depot"]
    wanting = (*depots, *(want for want in wanting if want.kind != "depot"))
    begins = [*range(0, len(depots), AT_ONCE), *range(len(depots), len(wanting), AT_ONCE), len(wanting)]
    for start, end in pairwise(begins):
        portion = list(wanting[start:end])
        if depots and start == len(depots):
            # What has its pin by now belongs to a region, and so does what it serves.
            with open_store() as store:
                store.assign_regions()
                of_sites = store.regions_of_sites()
            served = (replace(want, region=of_sites.get(want.id, "")) for want in wanting[start:])
            wanting = (*depots, *served)
            portion = list(wanting[start:end])
        answers: dict[tuple[str, int], Pin] = {}
        for n, want in enumerate(portion, start + 1):
            pin = known[want.kind, want.id]
            if pin is None and want.kind == "depot" and regions:
                region, located = known_where({name: answer_of(want, name) for name in regions})
                portion[n - start - 1] = replace(want, region=region)
                pin = pin_from(located)
            elif pin is None:
                pin = pin_from(answer_of(want, want.region))
            answers[want.kind, want.id] = pin
            if progress is not None:
                progress(n, len(wanting))
        for region in dict.fromkeys(want.region for want in portion):
            if (near := asked_of(region)[1]) is not None:
                there = {(want.kind, want.id) for want in portion if want.region == region}
                answers |= _on_roads({key: answers[key] for key in answers if key in there}, near, fleet)
        remembered += sum(
            known[key] is not None and (near_roads is None or pin.quality.goes_on) for key, pin in answers.items()
        )
        with open_store() as store:
            for want in portion:
                pin = answers[want.kind, want.id]
                if store.wants_pin(kind=want.kind, subject_id=want.id) != want:
                    continue  # edited meanwhile: the next run looks the new address up
                if want.kind == "site" and pin.quality.goes_on and known[want.kind, want.id] is None:
                    pin = _unless_twice(want, pin, store.sure_sites_beside([want.id]))
                _save(store, want, pin, now=now)
                if not pin.quality.goes_on:
                    doubtful.append((want, pin.why))
                elif pin.why:
                    some.append((want, pin.why))
    found = len(wanting) - remembered - len(doubtful)
    with open_store() as store:
        still = len(store.wanting_pins(site_ids=site_ids, again=True))
    return LocatedAll(
        found=found,
        remembered=remembered,
        doubtful=tuple(doubtful),
        some=tuple(some),
        waiting=max(0, still - len(doubtful)),
    )


def _look_up(finder: AddressFinder, want: WantsPin) -> Located:
    """The finder's answer. It promises never to raise for an address; where it does, only that one waits for a person.

    What is no fault of the address, as a file that cannot be read, still ends the run.
    """
    try:
        return finder.locate(want.address, postcode=want.postcode, city=want.city)
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, InvalidInput):
        _log.exception("The address of %s %s could not be looked up", want.kind, want.id)
        return Located(quality=PinQuality.NOT_FOUND, candidates=(), why=FAILED)


def _save(store: KeepsPins, want: WantsPin, pin: Pin, *, now: datetime) -> None:
    store.set_pin(kind=want.kind, subject_id=want.id, pin=pin, now=now)
    if pin.quality.goes_on:
        store.finish_tasks(
            kind=TaskKind.ADDRESS_IN_REVIEW,
            subject_kind=want.kind,
            subject_id=want.id,
            outcome="found",
            by=pin.provider,
            now=now,
        )
        _tell_who_gets_there(store, want, pin, by=pin.provider, now=now)
    else:
        store.add_task(
            kind=TaskKind.ADDRESS_IN_REVIEW,
            subject_kind=want.kind,
            subject_id=want.id,
            sentence=f"{want.name}: {pin.why}",
            made_at=now,
            data={"quality": pin.quality.value, "no_road": pin.no_road},
        )


def _tell_who_gets_there(store: KeepsPins, want: WantsPin, pin: Pin, *, by: str, now: datetime) -> None:
    """A task while a sure place is out of some vehicles' reach; done when it no longer is."""
    if pin.why:
        sentence = f"{want.name}: {pin.why}"
        store.add_task(
            kind=TaskKind.ADDRESS_SOME_VEHICLES,
            subject_kind=want.kind,
            subject_id=want.id,
            sentence=sentence,
            made_at=now,
            data={},
        )
    else:
        store.finish_tasks(
            kind=TaskKind.ADDRESS_SOME_VEHICLES,
            subject_kind=want.kind,
            subject_id=want.id,
            outcome=pin.label,
            by=by,
            now=now,
        )


def _on_roads(
    pins: Mapping[tuple[str, int], Pin], near_roads: NearRoads, fleet: Collection[str]
) -> dict[tuple[str, int], Pin]:
    sure = {key: pin.location for key, pin in pins.items() if pin.quality.goes_on and pin.location is not None}
    near = dict(zip(sure, near_roads(list(sure.values())), strict=True))
    on_roads = dict(pins)
    for key, profiles in near.items():
        reach = reach_of(near=profiles, fleet=fleet)
        quality = pins[key].quality if reach.goes_on else PinQuality.APPROXIMATE
        on_roads[key] = replace(pins[key], quality=quality, why=reach.why, no_road=not reach.goes_on)
    return on_roads


def choose_pin(
    store: KeepsPins,
    *,
    site_id: int,
    location: Location,
    label: str,
    by: str,
    now: datetime,
    kind: str = "site",
    near: Collection[str] | None = None,
    area: Bounds | None = None,
) -> str:
    """A person picked a candidate or dragged the pin: it goes on, and is remembered for that site and that address.

    `kind` "depot" sets a depot's pin. `near`: the profiles for which a road is in reach there, None when nobody knows.
    `area`: the box of the region, None when there is none. Returns which of our vehicles do not get there, as a
    sentence, "" when all do. Raises NotFound, and InvalidInput when none does or the pin lies outside the area.
    """
    if area is not None and (beyond := outside(location, area)):
        raise InvalidInput(beyond, code="outside_region")
    want = store.wants_pin(kind=kind, subject_id=site_id)
    why = ""
    if near is not None:
        reach = reach_of(near=near, fleet=store.fleet_profiles())
        if not reach.goes_on:
            raise InvalidInput(reach.why, code="off_road")
        why = reach.why
    pin = Pin(location=location, quality=PinQuality.BY_PERSON, provider="person", label=label, by=by, why=why)
    store.set_pin(kind=kind, subject_id=site_id, pin=pin, now=now)
    store.remember_pin(
        address_key=_key(want),
        site_id=site_id if kind == "site" else None,
        location=location,
        label=label,
        by=by,
        now=now,
    )
    store.finish_tasks(
        kind=TaskKind.ADDRESS_IN_REVIEW, subject_kind=kind, subject_id=site_id, outcome=label, by=by, now=now
    )
    _tell_who_gets_there(store, want, pin, by=by, now=now)
    store.append_event(
        kind="pin_chosen",
        actor=by,
        captured_at=now,
        received_at=now,
        site_id=site_id if kind == "site" else None,
        data={"kind": kind, "name": want.name, "label": label, "lat": location.lat, "lon": location.lon},
    )
    return why


def pin_from(located: Located) -> Pin:
    """The pin an answer gives. A doubtful one keeps the first candidate's place, for the map to show."""
    candidates = tuple(each for each in located.candidates if may_be_kept(each.source))
    best = candidates[0] if candidates else None
    why = "" if located.quality.goes_on else (located.why or "This address is not sure.")
    return Pin(
        location=None if best is None else best.location,
        quality=located.quality,
        provider="" if best is None else best.source,
        label="" if best is None else best.label,
        why=why,
        candidates=() if located.quality.goes_on else candidates,
    )


def _unless_twice(want: WantsPin, pin: Pin, others: Sequence[SameCustomer]) -> Pin:
    """The pin; a doubtful one where the same customer has another site at that very door."""
    twin = next((each for each in others if is_same_door(want.address, pin.label, each.address, each.label)), None)
    if twin is None:
        return pin
    why = f"{twin.name} of the same customer is at {pin.label} too. Confirm the pin if both are right."
    return replace(pin, quality=PinQuality.DUPLICATE, why=why)


def _key(want: WantsPin) -> str:
    return address_key(want.address, postcode=want.postcode, city=want.city)
