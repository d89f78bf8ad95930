"""The gazetteer of a region: addresses and points looked up in the file that `gazetteer_build` wrote."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import cos, radians
from pathlib import Path
from types import TracebackType

from rapidfuzz import process
from rapidfuzz.distance import OSA

from routing.engines.addresses.gazetteer_build import FORMAT
from routing.engines.addresses.links import parse_link
from routing.errors import RegionError
from routing.model.places import Bounds, Candidate, Located, Location, PinQuality, metres_between
from routing.rules.address import (
    MAX_CANDIDATES,
    candidate_of,
    candidate_of_house,
    judge,
    named_house,
    not_found,
    settled,
    unusable,
)
from routing.rules.coverage import Coverage, Door, Span, StreetMatch
from routing.rules.house_number import HouseNumber
from routing.rules.points import judge_plus_code, judge_point, parse_coordinates, parse_plus_code
from routing.rules.reading import Reading, own_place, plain_postcode, readings
from routing.rules.spelling import clean, fold, keys, spellings, squeezed
from routing.rules.street_words import DIRECTIONS

AT_THE_DOOR_M = 50.0
NEAR_M = 250.0
MAX_TYPOS = 2
SOURCE = "gazetteer"
_KEPT_STREETS = 3_000
_MOST_REMEMBERED = 5_000
"""Streets whose doors are kept once read; then we forget them all and begin again."""


class Gazetteer:
    """Answers from one built file; fits `routing.ports.AddressFinder`. Threads share it, each with a connection.

    >>> gazetteer = Gazetteer(Path("helsinki/addresses.db"))  # doctest: +SKIP
    >>> gazetteer.locate("Fabianinkatu 29, 00100 Helsinki").quality  # doctest: +SKIP
    <PinQuality.EXACT: 'exact'>

    The file is opened read-only and taken as immutable; a rebuilt region is a new Gazetteer.
    Raises RegionError when the file is missing or no gazetteer of this version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._threads = threading.local()
        if not path.is_file():
            raise RegionError(f"There is no gazetteer at {path}. Build the region again.", path=str(path))
        try:
            facts = dict(self._db().execute("SELECT key, value FROM region").fetchall())
            names = self._db().execute("SELECT key, street_id, main FROM street_name").fetchall()
            streets = self._db().execute("SELECT id, name, city, lat, lon FROM street").fetchall()
            # One built before houses had names has neither.
            has_more = self._db().execute("SELECT 1 FROM sqlite_master WHERE name = 'span'").fetchone()
            spans = self._db().execute("SELECT * FROM span ORDER BY rowid").fetchall() if has_more else []
            houses = self._db().execute("SELECT * FROM house ORDER BY rowid").fetchall() if has_more else []
        except sqlite3.DatabaseError as error:
            why = f"{path.name} is no gazetteer: {error}. Build the region again."
            raise RegionError(why, path=str(path)) from error
        if facts.get("format") != FORMAT:
            raise RegionError(f"{path.name} was built by another version. Build the region again.", path=str(path))
        self.coverage = _coverage(facts)
        self._by_key: dict[str, dict[int, bool]] = defaultdict(dict)
        squeezed_keys: dict[str, set[str]] = defaultdict(set)
        self._once: dict[str, set[int]] = defaultdict(set)
        for key, street_id, main in names:
            if main < 0:
                self._once[key].add(street_id)
                continue
            # The street that is called so today, before one that also goes by that name.
            self._by_key[key][street_id] = bool(main) or self._by_key[key].get(street_id, False)
            squeezed_keys[squeezed(key)].add(key)
        self._by_key.default_factory = self._once.default_factory = None
        self._by_squeezed = {short: tuple(sorted(each)) for short, each in squeezed_keys.items()}
        self._squeezed = sorted(self._by_squeezed)
        self._names = sorted(self._by_key)
        self._streets = {
            street_id: StreetMatch(name=name, city=city, location=Location(lat=lat, lon=lon), doors=())
            for street_id, name, city, lat, lon in streets
        }
        for street_id, *span in spans:
            street = self._streets[street_id]
            self._streets[street_id] = replace(street, spans=(*street.spans, _span(street.name, *span)))
        self._houses: dict[str, list[tuple[str, Door]]] = defaultdict(list)
        for key, name, street, first, last, letter, postcodes, city, lat, lon in houses:
            self._houses[key].append((name, _door((lat, lon, street, first, last, letter, postcodes, city))))
        self._houses.default_factory = None
        self._house_keys = sorted(self._houses)
        self._doors_of: dict[int, tuple[Door, ...]] = {}
        self._written_so: dict[str, tuple[int, ...]] = {}
        """What `_written` answered, by the street's name as it was written."""

    def __enter__(self) -> Gazetteer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes this thread's connection; the others close with their threads."""
        db: sqlite3.Connection | None = getattr(self._threads, "db", None)
        if db is not None:
            db.close()
            del self._threads.db

    def locate(self, address: str, *, postcode: str = "", city: str = "") -> Located:
        """The verdict on an address, with up to five candidates; `postcode` and `city` win over those in the text.

        Also takes coordinates, plus codes and links to maps. Never raises for a text it cannot read.
        """
        linked = parse_link(address) if len(address) <= _LONGEST_LINK else None
        if linked is None:
            return self._located(address, postcode, city)
        if linked.point is None and not linked.text:
            return not_found(linked.why)
        if linked.point is not None:
            found = judge_point(linked.point, self.coverage)
        else:
            found = self._located(linked.text, postcode, city)
        if not linked.beside or not found.quality.goes_on:
            return found
        other = self._located(linked.beside, postcode, city)
        pin = found.candidates[0].location
        if other.quality.goes_on and metres_between(pin, other.candidates[0].location) <= AT_THE_DOOR_M:
            return found
        asked = (
            replace(each, quality=PinQuality.APPROXIMATE, score=60.0) for each in (*found.candidates, *other.candidates)
        )
        label = found.candidates[0].label
        why = f'"{linked.beside[:60]}" stands beside a link that leads to {label}. Confirm or correct it.'
        return Located(quality=PinQuality.APPROXIMATE, candidates=tuple(asked)[:MAX_CANDIDATES], why=why)

    def _located(self, address: str, postcode: str, city: str) -> Located:
        """The verdict on a text that holds no link."""
        trouble = unusable(address) or (postcode and unusable(postcode)) or (city and unusable(city))
        if trouble:
            return not_found(trouble)
        if (point := parse_coordinates(address)) is not None:
            return judge_point(point, self.coverage)
        if (code := parse_plus_code(address)) is not None:
            return judge_plus_code(replace(code, place=code.place or city), self.coverage, self._doors_in)
        ways = readings(address, postcode=postcode, city=city, cities=self.coverage.cities)
        ways = tuple(way for way in ways if fold(way.street))
        if not ways:
            return not_found(f'"{clean(address)[:60]}" names no street. Write street, number and city, or set the pin.')
        return self._quickly(ways) or self._named(ways, address, city) or self._thoroughly(ways)

    def own_place(self, address: str) -> tuple[str, str]:
        """The postcode and the city that a text names by itself, "" for what it does not; a point names none."""
        is_point = parse_link(address) or parse_coordinates(address) or parse_plus_code(address)
        if is_point or unusable(address):
            return "", ""
        return own_place(address, cities=self.coverage.cities)

    def _doors_in(self, city: str) -> list[Location]:
        """Where the streets of a city lie, and the middle of a part of town that no address carries."""
        key = self.coverage.city_key(city)
        for name in (key, key.rpartition(" ")[0]):  # København, where none is in its district of that name
            streets = (street for street in self._streets.values() if name and street.city)
            if found := [street.location for street in streets if self.coverage.is_in(street.city, name)]:
                return found
        return [where for where, _ in filter(None, [self.coverage.places.get(key)])]

    def _named(self, ways: Sequence[Reading], address: str, city: str) -> Located | None:
        """The answer where a part of the text is the name of a house and none names a door by its number."""
        if not self._houses or any(way.number for way in ways):
            return None
        parts = [clean(part) for part in address.split(",")]
        for name in parts:
            houses = self._houses.get(fold(name), [])
            # A street of that name speaks for itself.
            if houses and fold(name) not in self._by_key:
                town = city or next((way.city for way in ways if way.city and way.city_sure), "")
                return named_house(name, address, houses, city=town, coverage=self.coverage)
        return None

    def _quickly(self, ways: Sequence[Reading]) -> Located | None:
        """The answer where the text means one street and number, and that door is known: most of a day's addresses.

        Only the doors of this number are read; what `judge` calls EXACT by them it calls EXACT by the whole street.
        """
        written = [(way, ids) for way in ways if (ids := self._written(way))]
        if len({(ids, way.number) for way, ids in written}) != 1 or written[0][0].number is None:
            return None
        if any(way.second or way.swapped for way, _ in written):
            return None  # whether those are houses too, the whole street says
        answer = settled(
            [(way, judge(way, self._numbered(ids, way.number), self.coverage, source=SOURCE)) for way, ids in written]
        )
        return answer if answer.quality is PinQuality.EXACT else None

    def _thoroughly(self, ways: Sequence[Reading]) -> Located:
        written = self._answers(ways, {way: dict.fromkeys(self._written(way), 0) for way in ways})
        if written:
            best = settled(written)
            return best if best.quality.goes_on else self._with_slips(best, ways)
        # A direction at the other end, where it may be another street's, is asked about as a slip is.
        for guess in (lambda way: dict.fromkeys(self._turned(way), 1), self._misspelled):
            if answers := self._answers(ways, {way: guess(way) for way in ways}):
                return settled(answers)
        partial = {way: dict.fromkeys(self._with_words(way), 0) for way in ways}
        if answers := self._answers(ways, partial, partial=True):
            return settled(answers)
        # Nothing fits: the first reading that could say it is somewhere else says so.
        unfound = [judge(way, (), self.coverage, source=SOURCE) for way in ways]
        verdict = max(unfound, key=lambda answer: answer.quality is PinQuality.OUTSIDE)
        if verdict.quality is PinQuality.OUTSIDE:
            return verdict
        return replace(verdict, candidates=self._similar(ways))

    def _answers(
        self, ways: Sequence[Reading], streets: Mapping[Reading, Mapping[int, int]], *, partial: bool = False
    ) -> list[tuple[Reading, Located]]:
        return [
            (way, judge(way, self._matches(streets[way], partial=partial), self.coverage, source=SOURCE))
            for way in ways
            if streets[way]
        ]

    def _with_slips(self, best: Located, ways: Sequence[Reading]) -> Located:
        """A slip may turn one street into another that exists. Where the postcode speaks against the street as written
        and for one that is a slip away, both are offered."""
        told = [way for way in ways if way.postcode and way.number]
        answers = self._answers(told, {way: self._misspelled(way) for way in told})
        if not answers:
            return best
        other = settled(answers)
        if not other.candidates or not best.candidates or other.candidates[0].street == best.candidates[0].street:
            return best
        meant = other.candidates[0]
        fits = meant.postcode == plain_postcode(told[0].postcode) and meant.score > best.candidates[0].score
        if not fits or meant.house_number != str(told[0].number):
            return best
        candidates = (meant, *(each for each in best.candidates if each != meant))[:MAX_CANDIDATES]
        asked = tuple(replace(each, quality=PinQuality.AMBIGUOUS) for each in candidates)
        why = f"{best.why.removesuffix('Confirm or correct it.').strip()} Or is {meant.label} meant? Pick one."
        return Located(quality=PinQuality.AMBIGUOUS, candidates=asked, why=why)

    def reverse(self, location: Location) -> Located:
        """The nearest known address: EXACT within 50 m, APPROXIMATE within 250; else NOT_FOUND, or OUTSIDE the box."""
        if not self.coverage.bounds.holds(location):
            why = f"{location.lat:.5f}, {location.lon:.5f} lies outside {self.coverage.name or 'this region'}."
            return Located(quality=PinQuality.OUTSIDE, candidates=(), why=why)
        near = next(filter(None, (self._around(location, reach_m) for reach_m in _REACHES_M)), [])
        if not near:
            return not_found(f"No address is known within {NEAR_M:.0f} m of {location.lat:.5f}, {location.lon:.5f}.")
        candidates = tuple(
            candidate_of(
                door,
                quality=PinQuality.EXACT if away <= AT_THE_DOOR_M else PinQuality.APPROXIMATE,
                score=round(max(100.0 - away * 0.3, 1.0), 1),
                source=SOURCE,
            )
            for away, _, _, door in near
        )
        quality = candidates[0].quality
        why = "" if quality.goes_on else f"The nearest known address is {candidates[0].label}, {near[0][0]:.0f} m away."
        return Located(quality=quality, candidates=candidates, why=why)

    def _around(self, location: Location, reach_m: float) -> list[tuple[float, str, str, Door]]:
        """Up to five doors within reach, nearest first, each after its distance, street and number."""
        reach = reach_m / 111_000.0
        wide = reach / max(cos(radians(location.lat)), 0.01)
        rows = self._db().execute(
            f"SELECT {_DOOR_COLUMNS} FROM door_box JOIN door ON door.id = door_box.id "  # noqa: S608
            "JOIN street ON street.id = door.street_id "
            "WHERE south >= ? AND north <= ? AND west >= ? AND east <= ?",
            (location.lat - reach, location.lat + reach, location.lon - wide, location.lon + wide),
        )
        doors = (
            (metres_between(location, door.location), door.street, str(door.number), door) for door in map(_door, rows)
        )
        return sorted((one for one in doors if one[0] <= reach_m), key=lambda one: one[:3])[:5]

    def suggest(self, prefix: str, limit: int = 8) -> list[Candidate]:
        """What the start of an address may become: streets, and doors once a number follows; named as typed.

        A house called so stands behind the streets that begin so: with its door, which is sure, where it has a number.
        """
        if unusable(prefix) or limit < 1:
            return []
        if (match := _NUMBER_LAST.match(prefix.strip())) and (
            found := self._doors_starting(match["street"], match["digits"], match["letter"].casefold(), limit)
        ):
            return found
        first = _NUMBER_FIRST.match(prefix.strip())
        letter = ((first and first["letter"]) or "").casefold()
        if first and (found := self._doors_behind(first["digits"], letter, first["street"], limit)):
            return found
        folded = fold(prefix)
        streets = self._begun(prefix, limit)
        if first and not streets:
            # The street is there, the number is not: whoever types it still sees which streets are called so.
            streets, folded = self._begun(first["street"], limit), fold(first["street"])
        begin_so = sum(fold(each.street).startswith(folded) for each in streets)
        return [*streets[:begin_so], *self._houses_starting(folded, limit), *streets[begin_so:]][:limit]

    def _begun(self, typed: str, limit: int) -> list[Candidate]:
        return list(self._begun_by_id(typed, limit).values())

    def _begun_by_id(self, typed: str, limit: int) -> dict[int, Candidate]:
        """The streets that hold these words, the last one unfinished, those that begin so first; then, where there are
        too few, what abbreviations and other word breaks may mean ("st. kongensg", "hc andersens")."""
        found: dict[int, Candidate] = {}
        for key in spellings(typed):
            if len(found) < limit:
                self._holding(key.split(), found)
        short = squeezed(fold(typed))
        if len(found) < limit and len(short) >= _LEAST_GLUED:
            at = bisect_left(self._squeezed, short)
            glued: dict[int, None] = {}
            while at < len(self._squeezed) and self._squeezed[at].startswith(short) and len(glued) < limit:
                for key in self._by_squeezed[self._squeezed[at]]:
                    glued |= dict.fromkeys(self._called(key))
                at += 1
            for street_id in glued:
                street = self._streets[street_id]
                found.setdefault(street_id, _street_of(street.name, street.city, street.location))
        return found

    def _holding(self, words: Sequence[str], found: dict[int, Candidate]) -> None:
        """Adds the streets of all these words, the last as a prefix, by the name that fits."""
        rows = self._db().execute(
            "SELECT street.id, street_name.name, street_name.main, street.city, street.lat, street.lon, street.doors, "
            "street_name.key FROM street_words JOIN street_name ON street_name.id = street_words.rowid "
            "JOIN street ON street.id = street_name.street_id WHERE street_words MATCH ?",
            (_match(words),),
        )
        folded = " ".join(words)
        ranked = sorted(rows, key=lambda row: (not row[7].startswith(folded), not row[2], row[6] == 0, row[1]))
        for street_id, name, _, city, lat, lon, *_ in ranked:
            found.setdefault(street_id, _street_of(name, city, Location(lat=lat, lon=lon)))

    def doors(self) -> list[Candidate]:
        """Every known address by street and number: what a region holds, for samples and checks."""
        rows = self._db().execute(
            f"SELECT {_DOOR_COLUMNS} FROM door JOIN street ON street.id = door.street_id "  # noqa: S608
            "ORDER BY street.name, first, last, letter, door.id"
        )
        return [candidate_of(_door(row), quality=PinQuality.EXACT, score=100.0, source=SOURCE) for row in rows]

    # ------------------------------------------------------------------ streets

    def _written(self, reading: Reading) -> tuple[int, ...]:
        """Streets called exactly so, under any of their names; then with abbreviations; then with other word breaks."""
        found = self._written_so.get(reading.street)
        if found is None:
            if len(self._written_so) >= _MOST_REMEMBERED:
                self._written_so.clear()
            found = self._written_so[reading.street] = self._find_written(reading)
        return found

    def _find_written(self, reading: Reading) -> tuple[int, ...]:
        for key in keys(reading.street):
            if key in self._by_key:
                return self._called(key)
        others = spellings(reading.street)
        found = sorted({street_id for key in others if key in self._by_key for street_id in self._called(key)})
        if not found:
            alike = (name for key in others for name in self._by_squeezed.get(squeezed(key), ()))
            found = sorted({street_id for name in alike for street_id in self._called(name)})
        return tuple(found) or tuple(each for each, name in self._turned(reading).items() if self._is_alone(each, name))

    def _turned(self, reading: Reading) -> dict[int, str]:
        """Streets called so with the direction at the other end ("Joppa Rd W" for West Joppa Road), each with its name
        without it, folded."""
        found: dict[int, str] = {}
        for key in spellings(reading.street):
            words = key.split()
            if len(words) < 3:  # South Street is no street of the south
                continue
            if words[0] in DIRECTIONS:
                found |= self._called_if_known(" ".join([*words[1:], words[0]]), " ".join(words[1:]))
            if words[-1] in DIRECTIONS:
                found |= self._called_if_known(" ".join([words[-1], *words[:-1]]), " ".join(words[:-1]))
        return found

    def _called_if_known(self, key: str, name: str) -> dict[int, str]:
        return dict.fromkeys(self._called(key), name) if key in self._by_key else {}

    def _is_alone(self, street_id: int, name: str) -> bool:
        """Whether no other street of that town bears the name with another direction or without one."""
        others = {name, *(f"{way} {name}" for way in DIRECTIONS), *(f"{name} {way}" for way in DIRECTIONS)}
        beside = {each for key in others for each in self._by_key.get(key, ())} - {street_id}
        towns = self._towns_of(street_id)
        return not any("" in towns | (there := self._towns_of(each)) or towns & there for each in beside)

    def _towns_of(self, street_id: int) -> set[str]:
        """The cities of its doors, folded; "" where one has none, or there are no doors."""
        return {fold(door.city) for door in self._doors(street_id)} or {""}

    def _called(self, key: str) -> tuple[int, ...]:
        ids = self._by_key[key]
        return tuple(street_id for street_id, main in ids.items() if main) or tuple(ids)

    def _misspelled(self, reading: Reading) -> dict[int, int]:
        """Streets one or two letters away; swapped neighbours count as one. Short names are given less slack."""
        found: dict[int, int] = {}
        for key in spellings(reading.street):
            found |= dict.fromkeys(self._once.get(key, ()), 1)  # an old name: asked about, as a slip is
            slack = MAX_TYPOS if len(key) >= 5 else 1 if len(key) >= 3 else 0
            if not slack:
                continue
            near = process.extract(key, self._names, scorer=OSA.distance, score_cutoff=slack, limit=20)
            digits = _DIGITS.findall(key)
            for name, distance, _ in near:
                # A changed digit is no slip of a letter: 3rd Street is not 4th Street.
                if _DIGITS.findall(name) != digits:
                    continue
                for street_id in self._by_key[name]:
                    found[street_id] = min(found.get(street_id, MAX_TYPOS + 1), max(int(distance), 1))
        return found

    def _with_words(self, reading: Reading) -> list[int]:
        """Streets that hold all the words, the last one perhaps unfinished: "Roobertinkatu" for Iso Roobertinkatu."""
        found: set[int] = set()
        for words in (key.split() for key in spellings(reading.street)):
            if any(len(word) < 4 for word in words):
                continue
            rows = self._db().execute(
                "SELECT DISTINCT street_id FROM street_words JOIN street_name ON street_name.id = street_words.rowid "
                "WHERE street_words MATCH ? LIMIT 20",
                (_match(words),),
            )
            found |= {row[0] for row in rows}
        return sorted(found)

    def _similar(self, ways: Sequence[Reading]) -> tuple[Candidate, ...]:
        """What might have been meant, for the person who must correct it: the same number where the street has it."""
        way = next((way for way in ways if way.number), ways[0])
        key = fold(way.street)
        near = process.extract(key, self._names, scorer=OSA.normalized_similarity, score_cutoff=0.6, limit=10)
        typos: dict[int, int] = {}
        for name, alike, _ in near:
            for street_id in self._by_key[name]:
                slips = round((1 - alike) * max(len(name), len(key)))
                typos[street_id] = min(typos.get(street_id, slips), slips)
        found: list[Candidate] = []
        for street_id in typos:
            answer = judge(way, self._matches({street_id: typos[street_id]}), self.coverage, source=SOURCE)
            found += answer.candidates[:1]
        guesses = (PinQuality.STREET, PinQuality.APPROXIMATE)
        found = [each if each.quality in guesses else replace(each, quality=PinQuality.APPROXIMATE) for each in found]
        return tuple(sorted(found, key=lambda each: (-each.score, each.street))[:MAX_CANDIDATES])

    def _matches(self, typos: Mapping[int, int], *, partial: bool = False) -> list[StreetMatch]:
        return [
            replace(self._streets[street_id], doors=self._doors(street_id), typos=typos[street_id], partial=partial)
            for street_id in sorted(typos)
        ]

    def _doors(self, street_id: int) -> tuple[Door, ...]:
        doors = self._doors_of.get(street_id)
        if doors is None:
            rows = self._db().execute(
                f"SELECT {_DOOR_COLUMNS} FROM door JOIN street ON street.id = door.street_id WHERE street_id = ? "  # noqa: S608
                "ORDER BY first, last, letter, door.id",
                (street_id,),
            )
            doors = tuple(map(_door, rows))
            if len(self._doors_of) >= _KEPT_STREETS:
                self._doors_of.clear()
            self._doors_of[street_id] = doors
        return doors

    def _numbered(self, street_ids: Iterable[int], number: HouseNumber | None) -> list[StreetMatch]:
        """The streets with only the doors that may answer to the number."""
        found = []
        for street_id in street_ids:
            street = self._streets[street_id]
            rows = self._db().execute(
                "SELECT lat, lon, ?, first, last, letter, postcodes, city FROM door "
                "WHERE street_id = ? AND first <= ? AND last >= ? ORDER BY first, last, letter, id",
                (street.name, street_id, number.first, number.first) if number else ("", street_id, -1, 0),
            )
            doors = tuple(map(_door, rows))
            found.append(StreetMatch(name=street.name, location=street.location, doors=doors, city=street.city))
        return found

    def _doors_starting(self, street: str, digits: str, letter: str, limit: int) -> list[Candidate]:
        """Doors of a street whose number, typed behind it, may go on."""
        reading = Reading(street=street, number=None)
        streets = self._written(reading) or self._with_words(reading) or self._ids_begun(street)
        doors = [
            door
            for street_id in streets
            for door in self._doors(street_id)
            if str(door.number.first).startswith(digits) and door.number.letter.startswith(letter)
        ]
        return [candidate_of(door, quality=PinQuality.EXACT, score=100.0, source=SOURCE) for door in doors[:limit]]

    def _doors_behind(self, digits: str, letter: str, street: str, limit: int) -> list[Candidate]:
        """Doors of that very number, typed in front of a street that may go on: "34 store kong"."""
        doors = [
            door
            for street_id in self._ids_begun(street)
            for door in self._doors(street_id)
            if door.number.first == int(digits) and door.number.letter.startswith(letter)
        ]
        return [candidate_of(door, quality=PinQuality.EXACT, score=100.0, source=SOURCE) for door in doors[:limit]]

    def _ids_begun(self, typed: str) -> list[int]:
        return list(self._begun_by_id(typed, _STREETS_TRIED))[:_STREETS_TRIED]

    def _houses_starting(self, folded: str, limit: int) -> list[Candidate]:
        found: list[Candidate] = []
        for key in self._house_keys[bisect_left(self._house_keys, folded) :]:
            if not folded or not key.startswith(folded) or len(found) >= limit:
                break
            for name, door in self._houses[key]:
                # By its name alone it is asked about once more: houses may share one.
                sure = (PinQuality.EXACT, 100.0) if door.number.first else (PinQuality.APPROXIMATE, 70.0)
                found.append(candidate_of_house(name, door, quality=sure[0], score=sure[1], named=True))
        return found

    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._threads, "db", None)
        if db is None:
            db = sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
            self._threads.db = db
        return db


_DIGITS = re.compile(r"\d+")
# A blank may be missing on either side.
_NUMBER_LAST = re.compile(
    r"^(?P<street>.*?[^\W\d_][^\d]*?)(?:\s+|(?<=[^\W\d_]{3}))(?P<digits>\d{1,5})\s*(?P<letter>[A-Za-z]?)$"
)
_NUMBER_FIRST = re.compile(
    r"^(?P<digits>\d{1,5})(?:(?P<letter>[A-Za-z]?)[\s,]+|(?=[^\W\d_]{3}))(?P<street>\D*[^\W\d_].*)$"
)
_LEAST_GLUED = 3
"""Letters that are typed before word breaks no longer count: "hc andersens" is H.C. Andersens Boulevard."""
_STREETS_TRIED = 20
"""Streets whose doors are looked through for a number that was typed before the street was whole."""
_LONGEST_LINK = 2_000
_REACHES_M = (40.0, NEAR_M)
_DOOR_COLUMNS = "door.lat, door.lon, street.name, door.first, door.last, door.letter, door.postcodes, door.city"


def _door(row: tuple[float, float, str, int, int, str, str, str]) -> Door:
    lat, lon, street, first, last, letter, postcodes, city = row
    return Door(
        location=Location(lat=lat, lon=lon),
        street=street,
        number=HouseNumber(first=first, last=last, letter=letter),
        postcodes=_codes(postcodes),
        city=city,
    )


@lru_cache(maxsize=2_000)
def _codes(postcodes: str) -> frozenset[str]:
    return frozenset(postcodes.split())


def _street_of(name: str, city: str, location: Location) -> Candidate:
    return Candidate(
        location=location,
        label=", ".join(filter(None, [name, city])),
        street=name,
        house_number="",
        city=city,
        quality=PinQuality.STREET,
        score=50.0,
        source=SOURCE,
    )


def _span(street: str, step: int, first: int, last: int, postcodes: str, city: str, drawn: str) -> Span:
    line = tuple(Location(lat=lat, lon=lon) for lat, lon in json.loads(drawn))
    low, high = (
        Door(
            location=at,
            street=street,
            number=HouseNumber(first=number, last=number),
            postcodes=frozenset(postcodes.split()),
            city=city,
        )
        for at, number in ((line[0], first), (line[-1], last))
    )
    return Span(low=low, high=high, step=step, line=line)


def _match(words: Sequence[str]) -> str:
    """An FTS5 query for all the words, the last as a prefix. Words are folded, hence letters and digits only."""
    return " AND ".join([*(f'"{word}"' for word in words[:-1]), f'"{words[-1]}"*'])


def _coverage(facts: Mapping[str, str]) -> Coverage:
    south, west, north, east = json.loads(facts["bounds"])
    places = json.loads(facts["places"]).items()
    return Coverage(
        bounds=Bounds(south=south, west=west, north=north, east=east),
        cities=frozenset(json.loads(facts["cities"])),
        postcodes=frozenset(json.loads(facts["postcodes"])),
        name=facts["name"],
        called=json.loads(facts["called"]),
        once=frozenset(json.loads(facts.get("once", "[]"))),
        served=frozenset((code, city) for code, city in json.loads(facts["served"])),
        places={name: (Location(lat=lat, lon=lon), reach) for name, (lat, lon, reach) in places},
        states=frozenset(json.loads(facts["states"])),
        countries=frozenset(json.loads(facts["countries"])),
    )
