"""The addresses of a region: built once from its OpenStreetMap extract into one SQLite file, then looked up.

    street          one row per street, the name its addresses carry
    street_name     every name of a street (name, name:fi, name:sv, alt_name), folded for comparing
    street_words    FTS5 over the names, with prefixes: completing, and names with words missing
    door            one row per known address (objects on the same door are one)
    door_box        R-tree over the doors, for the address of a point
    region          the box, the cities and the postcodes that the extract knows

Source: OpenStreetMap objects with addr:housenumber (nodes, ways, areas), named highways and squares, places.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from math import cos, radians
from pathlib import Path
from types import TracebackType

import osmium
from rapidfuzz import process
from rapidfuzz.distance import OSA

from routing.errors import RegionError
from routing.model.places import Bounds, Candidate, Located, Location, PinQuality
from routing.rules.address import (
    Coverage,
    Door,
    HouseNumber,
    Reading,
    StreetMatch,
    candidate_of,
    clean,
    fold,
    judge,
    judge_point,
    metres,
    not_found,
    parse_coordinates,
    parse_house_number,
    plain_postcode,
    readings,
    spellings,
    surest,
    unusable,
)

FORMAT = "1"
SAME_ADDRESS_M = 150.0
"""Objects of one street and number within this distance are one address: shops share their building's door."""

AT_THE_DOOR_M = 50.0
NEAR_M = 250.0
MAX_TYPOS = 2
SOURCE = "gazetteer"

_SCHEMA = """
CREATE TABLE region (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE street (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL,
    doors INTEGER NOT NULL
) STRICT;
CREATE TABLE street_name (
    id INTEGER PRIMARY KEY, street_id INTEGER NOT NULL REFERENCES street, name TEXT NOT NULL, key TEXT NOT NULL,
    main INTEGER NOT NULL
) STRICT;
CREATE INDEX street_name_key ON street_name (key);
CREATE VIRTUAL TABLE street_words USING fts5(key, content='', prefix='1 2 3', tokenize='unicode61');
CREATE TABLE door (
    id INTEGER PRIMARY KEY, street_id INTEGER NOT NULL REFERENCES street, first INTEGER NOT NULL, last INTEGER NOT NULL,
    letter TEXT NOT NULL, postcodes TEXT NOT NULL, city TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL
) STRICT;
CREATE INDEX door_street ON door (street_id, first);
CREATE VIRTUAL TABLE door_box USING rtree(id, south, north, west, east);
"""

# ---------------------------------------------------------------------------- building


type _Thing = osmium.osm.Node | osmium.osm.Way | osmium.osm.Relation | osmium.osm.Area


@dataclass(slots=True)
class _Street:
    name: str
    points: list[Location] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # folded -> as written


@dataclass(frozen=True, slots=True)
class _Seen:
    """An object with an address. `plain`: it is an address only, no shop that may stand off its door."""

    street: str
    other_names: tuple[str, ...]
    number: HouseNumber
    postcodes: frozenset[str]
    city: str
    location: Location
    plain: bool


@dataclass(frozen=True, slots=True)
class _City:
    name: str  # "" where it is a part of one
    names: set[str]  # folded, translations too


_STREET_TAGS = ("name", "name:fi", "name:sv", "alt_name", "name:en", "name:da", "name:de")
_CITIES = frozenset({"city", "town", "village", "suburb", "municipality", "borough"})
_BUSY = ("shop", "amenity", "office", "tourism", "leisure", "craft", "healthcare", "name")


def build_gazetteer(pbf: Path, into: Path) -> int:
    """Reads the extract and writes the SQLite file `into`; an older one is replaced only when the new is whole.

    Returns the number of distinct addresses. Raises RegionError when the extract cannot be read.
    """
    if not pbf.is_file():
        raise RegionError(f"There is no map extract at {pbf}. Fetch the region again.", pbf=str(pbf))
    try:
        box, seen, streets, cities = _read(pbf)
    except (RuntimeError, OSError) as error:
        why = f"The map extract {pbf.name} cannot be read: {error}. Fetch it again."
        raise RegionError(why, pbf=str(pbf)) from error
    into.parent.mkdir(parents=True, exist_ok=True)
    fresh = into.with_name(f".{into.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with closing(sqlite3.connect(fresh)) as db:
            db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
            count = _write(db, box, seen, streets, cities)
            db.commit()
            db.execute("ANALYZE")
            db.commit()
        fresh.replace(into)
    finally:
        fresh.unlink(missing_ok=True)
    return count


def _read(pbf: Path) -> tuple[Bounds | None, list[_Seen], list[_Street], list[_City]]:
    with closing(osmium.io.Reader(str(pbf), osmium.osm.osm_entity_bits.NOTHING)) as reader:
        edges = reader.header().box()
        box = None
        if edges.valid():
            low, high = edges.bottom_left, edges.top_right
            box = Bounds(south=low.lat, west=low.lon, north=high.lat, east=high.lon)
    seen: list[_Seen] = []
    by_name: dict[str, _Street] = {}
    cities: list[_City] = []
    wanted = osmium.filter.KeyFilter("addr:housenumber", "highway", "place")
    for thing in osmium.FileProcessor(str(pbf)).with_locations().with_areas(wanted).with_filter(wanted):
        if isinstance(thing, osmium.osm.Changeset):
            continue
        tags = thing.tags
        if "addr:housenumber" in tags:
            where = _where(thing)
            if where is not None:
                seen += _addresses(tags, where)
        named = "name" in tags and ("highway" in tags or tags.get("place") == "square")
        if named and (thing.is_way() or thing.is_area()):
            where = _where(thing)
            if where is not None:
                street = by_name.setdefault(fold(tags["name"]), _Street(tags["name"]))
                street.points.append(where)
                for tag in _STREET_TAGS:
                    for name in _tag(tags, tag).split(";"):
                        if fold(name):
                            street.names.setdefault(fold(name), name.strip())
        if tags.get("place") in _CITIES:
            names = {fold(value) for key, value in tags if key == "name" or key.startswith("name:")} - {""}
            cities.append(_City(_tag(tags, "name") if tags["place"] in ("city", "town") else "", names))
    return box, seen, [street for key, street in by_name.items() if key], cities


def _tag(tags: osmium.osm.TagList, key: str) -> str:
    return (tags.get(key) or "").strip()


def _where(thing: _Thing) -> Location | None:
    """The point itself, or the middle of its outline; None where a clipped extract has cut all nodes off."""
    if isinstance(thing, osmium.osm.Node):
        return Location(lat=thing.lat, lon=thing.lon) if thing.location.valid() else None
    if isinstance(thing, osmium.osm.Way):
        nodes = [node for node in thing.nodes if node.location.valid()]
    elif isinstance(thing, osmium.osm.Area):
        nodes = [node for ring in thing.outer_rings() for node in ring if node.location.valid()]
    else:
        return None
    if not nodes:
        return None
    if isinstance(thing, osmium.osm.Way) and not thing.is_closed():
        return Location(lat=nodes[len(nodes) // 2].lat, lon=nodes[len(nodes) // 2].lon)
    return Location(lat=sum(n.lat for n in nodes) / len(nodes), lon=sum(n.lon for n in nodes) / len(nodes))


def _addresses(tags: osmium.osm.TagList, where: Location) -> Iterable[_Seen]:
    """One per house number of the object ("12;14" are two). What has no street and no number is no address."""
    # Some write the building's name first: "Galleria, Aleksanterinkatu".
    street = (_tag(tags, "addr:street") or _tag(tags, "addr:place")).rpartition(",")[2].strip()
    if not fold(street) or fold(street).isdigit():
        return
    others = tuple(
        value.strip()
        for key, value in tags
        if key in ("addr:street:fi", "addr:street:sv", "addr:street:en", "addr:street:da") and fold(value)
    )
    postcodes = {plain_postcode(code) for code in _tag(tags, "addr:postcode").split(";")}
    city = _tag(tags, "addr:city")
    for written in tags["addr:housenumber"].split(";"):
        number = parse_house_number(written)
        if number is None or number.first == 0:
            continue
        yield _Seen(
            street=street,
            other_names=others,
            number=number,
            postcodes=frozenset(code for code in postcodes if re.fullmatch(r"[A-Z0-9-]{3,8}", code)),
            city=city if re.search(r"[^\W\d_]", city) else "",
            location=where,
            plain=not any(key in tags for key in _BUSY),
        )


def _write(
    db: sqlite3.Connection, box: Bounds | None, seen: list[_Seen], highways: list[_Street], places: list[_City]
) -> int:
    streets: dict[str, _Street] = {}
    known_as: dict[str, str] = {fold(street.name): fold(street.name) for street in highways}
    for street in highways:
        streets[fold(street.name)] = street
        for key in street.names:
            # A main name keeps its street: the old name of one street is often the name of another today.
            known_as.setdefault(key, fold(street.name))
    doors: dict[str, list[_Seen]] = defaultdict(list)
    for one in seen:
        key = known_as.setdefault(fold(one.street), fold(one.street))
        street = streets.setdefault(key, _Street(one.street))
        street.names.setdefault(fold(one.street), one.street)
        for name in one.other_names:
            street.names.setdefault(fold(name), name)
        doors[key].append(one)

    count = 0
    for street_id, key in enumerate(sorted(streets), start=1):
        street = streets[key]
        distinct = _distinct(doors.get(key, []))
        city = Counter(one.city for one in distinct if one.city).most_common(1)
        where = _middle([one.location for one in distinct] or street.points)
        db.execute(
            "INSERT INTO street VALUES (?, ?, ?, ?, ?, ?)",
            (street_id, street.name, city[0][0] if city else "", where.lat, where.lon, len(distinct)),
        )
        for folded, name in {key: street.name, **street.names}.items():
            row = db.execute(
                "INSERT INTO street_name (street_id, name, key, main) VALUES (?, ?, ?, ?)",
                (street_id, name, folded, folded == key),
            )
            db.execute("INSERT INTO street_words (rowid, key) VALUES (?, ?)", (row.lastrowid, folded))
        for one in distinct:
            count += 1
            lat, lon, number = one.location.lat, one.location.lon, one.number
            postcodes = " ".join(sorted(one.postcodes))
            db.execute(
                "INSERT INTO door VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (count, street_id, number.first, number.last, number.letter, postcodes, one.city, lat, lon),
            )
            db.execute("INSERT INTO door_box VALUES (?, ?, ?, ?, ?)", (count, lat, lat, lon, lon))

    known_cities = {fold(one.city) for one in seen if one.city}
    for place in places:
        known_cities |= place.names
    known_postcodes = {code for one in seen for code in one.postcodes}
    points = [one.location for one in seen]
    edges = [box.south, box.west, box.north, box.east] if box else [90.0, 180.0, -90.0, -180.0]
    for point in points:
        edges = [min(edges[0], point.lat), min(edges[1], point.lon), max(edges[2], point.lat), max(edges[3], point.lon)]
    if edges[0] > edges[2]:
        edges = [0.0, 0.0, 0.0, 0.0]
    towns = Counter(_town(one.city, places) for one in seen if one.city).most_common(1)
    facts = {
        "format": FORMAT,
        "bounds": json.dumps(edges),
        "cities": json.dumps(sorted(known_cities)),
        "postcodes": json.dumps(sorted(known_postcodes)),
        "name": f"the region around {towns[0][0]}" if towns else "",
    }
    db.executemany("INSERT INTO region VALUES (?, ?)", facts.items())
    return count


def _town(city: str, places: Sequence[_City]) -> str:
    """København for an address in København S; the city as it stands where no town goes by its first words."""
    words = f"{fold(city)} "
    return next((place.name for place in places if place.name and words.startswith(f"{fold(place.name)} ")), city)


def _distinct(seen: Sequence[_Seen]) -> list[_Seen]:
    """One per door: same number, postcodes and cities that do not contradict each other, near each other."""
    groups: list[list[_Seen]] = []
    by_number: dict[HouseNumber, list[list[_Seen]]] = defaultdict(list)
    # Plain address points first: their place is the door, a shop's may be the middle of its floor.
    order = sorted(seen, key=lambda one: (not one.plain, one.location.lat, one.location.lon))
    for one in order:
        for group in by_number[one.number]:
            first = group[0]
            if metres(first.location, one.location) <= SAME_ADDRESS_M:
                group.append(one)
                break
        else:
            group = [one]
            by_number[one.number].append(group)
            groups.append(group)
    merged = []
    for group in groups:
        plain = [one for one in group if one.plain] or group
        middle = _middle([one.location for one in plain])
        cities = Counter(one.city for one in group if one.city).most_common(1)
        merged.append(
            _Seen(
                street=group[0].street,
                other_names=(),
                number=group[0].number,
                postcodes=frozenset().union(*(one.postcodes for one in group)),
                city=cities[0][0] if cities else "",
                location=middle,
                plain=plain is not group,
            )
        )
    return sorted(merged, key=lambda one: (one.number.first, one.number.last, one.number.letter, one.location.lat))


def _middle(points: Sequence[Location]) -> Location:
    """The point nearest to the mean: a mean of its own may fall into a courtyard."""
    lat = sum(point.lat for point in points) / len(points)
    lon = sum(point.lon for point in points) / len(points)
    mean = Location(lat=lat, lon=lon)
    return min(points, key=lambda point: (metres(point, mean), point.lat, point.lon))


# ---------------------------------------------------------------------------- looking up


class Gazetteer:
    """Answers from one built file; fits `routing.ports.AddressFinder`. Threads share it, each with a connection.

    >>> gazetteer = Gazetteer(Path("region/gazetteer.sqlite"))  # doctest: +SKIP
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
            names = self._db().execute("SELECT key, id FROM street_name").fetchall()
        except sqlite3.DatabaseError as error:
            why = f"{path.name} is no gazetteer: {error}. Build the region again."
            raise RegionError(why, path=str(path)) from error
        if facts.get("format") != FORMAT:
            raise RegionError(f"{path.name} was built by another version. Build the region again.", path=str(path))
        south, west, north, east = json.loads(facts["bounds"])
        self.coverage = Coverage(
            bounds=Bounds(south=south, west=west, north=north, east=east),
            cities=frozenset(json.loads(facts["cities"])),
            postcodes=frozenset(json.loads(facts["postcodes"])),
            name=facts["name"],
        )
        self._names: list[str] = sorted({key for key, _ in names})

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

        Also takes "60.1699, 24.9384" and geo: links. Never raises for a text it cannot read.
        """
        trouble = unusable(address) or unusable(postcode or "-1") or unusable(city or "-1")
        if trouble:
            return not_found(trouble)
        point = parse_coordinates(address)
        if point is not None:
            lat, lon, fine = point
            return judge_point(lat, lon, fine=fine, coverage=self.coverage)
        ways = readings(address, postcode=postcode, city=city, cities=self.coverage.cities)
        ways = tuple(way for way in ways if fold(way.street))
        if not ways:
            return not_found(f'"{clean(address)[:60]}" names no street. Write street, number and city, or set the pin.')
        for find in (self._written, self._misspelled, self._missing_words):
            answers = [judge(way, streets, self.coverage, source=SOURCE) for way in ways if (streets := find(way))]
            if answers:
                return surest(answers)
        # Nothing fits: the first reading that could say it is somewhere else says so.
        answers = [judge(way, (), self.coverage, source=SOURCE) for way in ways]
        verdict = max(answers, key=lambda answer: answer.quality is PinQuality.OUTSIDE)
        if verdict.quality is PinQuality.OUTSIDE:
            return verdict
        return Located(quality=verdict.quality, candidates=self._similar(ways[0].street), why=verdict.why)

    def reverse(self, location: Location) -> Located:
        """The nearest known address: EXACT within 50 m, APPROXIMATE within 250; else NOT_FOUND, or OUTSIDE the box."""
        if not self.coverage.bounds.holds(location):
            why = f"{location.lat:.5f}, {location.lon:.5f} lies outside {self.coverage.name or 'this region'}."
            return Located(quality=PinQuality.OUTSIDE, candidates=(), why=why)
        reach = NEAR_M / 111_000.0
        wide = reach / max(cos(radians(location.lat)), 0.01)
        rows = self._db().execute(
            f"SELECT {_DOOR_COLUMNS} FROM door_box JOIN door ON door.id = door_box.id "  # noqa: S608
            "JOIN street ON street.id = door.street_id "
            "WHERE south >= ? AND north <= ? AND west >= ? AND east <= ?",
            (location.lat - reach, location.lat + reach, location.lon - wide, location.lon + wide),
        )
        near = sorted(
            ((metres(location, door.location), door.street, str(door.number), door) for door in map(_door, rows)),
            key=lambda one: one[:3],
        )
        near = [one for one in near if one[0] <= NEAR_M][:5]
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

    def suggest(self, prefix: str, limit: int = 8) -> list[Candidate]:
        """What the start of an address may become: streets, and doors once a number follows; named as typed."""
        if unusable(prefix) or limit < 1:
            return []
        match = re.match(r"^(.*?[^\W\d_][^\d]*?)\s+(\d{1,5})\s*([A-Za-z]?)$", prefix.strip())
        if match:
            found = self._doors_starting(match[1], match[2], match[3].casefold(), limit)
            if found:
                return found
        words = fold(prefix).split()
        rows = self._db().execute(
            "SELECT street.id, street_name.name, street_name.main, street.city, street.lat, street.lon, street.doors, "
            "street_name.key FROM street_words JOIN street_name ON street_name.id = street_words.rowid "
            "JOIN street ON street.id = street_name.street_id WHERE street_words MATCH ?",
            (_match(words),),
        )
        folded = " ".join(words)
        ranked = sorted(rows, key=lambda row: (not row[7].startswith(folded), not row[2], row[6] == 0, row[1]))
        suggestions: dict[int, Candidate] = {}
        for street_id, name, _, city, lat, lon, *_ in ranked:
            suggestions.setdefault(
                street_id,
                Candidate(
                    location=Location(lat=lat, lon=lon),
                    label=", ".join(filter(None, [name, city])),
                    street=name,
                    house_number="",
                    city=city,
                    quality=PinQuality.STREET,
                    score=50.0,
                    source=SOURCE,
                ),
            )
        return list(suggestions.values())[:limit]

    def doors(self) -> list[Candidate]:
        """Every known address by street and number: what a region holds, for samples and checks."""
        rows = self._db().execute(
            f"SELECT {_DOOR_COLUMNS} FROM door JOIN street ON street.id = door.street_id "  # noqa: S608
            "ORDER BY street.name, first, last, letter, door.id"
        )
        return [candidate_of(_door(row), quality=PinQuality.EXACT, score=100.0, source=SOURCE) for row in rows]

    # ------------------------------------------------------------------ streets

    def _written(self, reading: Reading) -> list[StreetMatch]:
        """Streets called exactly so, under any of their names."""
        for key in spellings(reading.street):
            rows = self._db().execute("SELECT street_id, main FROM street_name WHERE key = ?", (key,)).fetchall()
            # The street that is called so today, before one that also goes by that name.
            ids = {row[0] for row in rows if row[1]} or {row[0] for row in rows}
            if ids:
                return self._streets(dict.fromkeys(ids, 0))
        return []

    def _misspelled(self, reading: Reading) -> list[StreetMatch]:
        """Streets one or two letters away; swapped neighbours count as one. Short names are given less slack."""
        found: dict[int, int] = {}
        for key in spellings(reading.street):
            slack = MAX_TYPOS if len(key) >= 7 else 1 if len(key) >= 4 else 0
            if not slack:
                continue
            near = process.extract(key, self._names, scorer=OSA.distance, score_cutoff=slack, limit=20)
            for name, distance, _ in near:
                # A changed digit is no slip of a letter: 3rd Street is not 4th Street.
                if re.findall(r"\d+", name) != re.findall(r"\d+", key):
                    continue
                for (street_id,) in self._db().execute("SELECT street_id FROM street_name WHERE key = ?", (name,)):
                    found[street_id] = min(found.get(street_id, MAX_TYPOS + 1), int(distance))
        return self._streets(found)

    def _missing_words(self, reading: Reading) -> list[StreetMatch]:
        """Streets that hold all the words, the last one perhaps unfinished: "Roobertinkatu" for Iso Roobertinkatu."""
        words = [word for word in fold(reading.street).split() if len(word) >= 4]
        if not words or len(words) != len(fold(reading.street).split()):
            return []
        rows = self._db().execute(
            "SELECT DISTINCT street_id FROM street_words JOIN street_name ON street_name.id = street_words.rowid "
            "WHERE street_words MATCH ? LIMIT 20",
            (_match(words),),
        )
        return self._streets(dict.fromkeys((row[0] for row in rows), 0), partial=True)

    def _similar(self, street: str) -> tuple[Candidate, ...]:
        """What might have been meant, for the person who must correct it."""
        key = fold(street)
        near = process.extract(key, self._names, scorer=OSA.normalized_similarity, score_cutoff=0.65, limit=10)
        found: dict[int, float] = {}
        for name, alike, _ in near:
            for (street_id,) in self._db().execute("SELECT street_id FROM street_name WHERE key = ?", (name,)):
                found.setdefault(street_id, alike)
        return tuple(
            Candidate(
                location=match.location,
                label=", ".join(filter(None, [match.name, match.city])),
                street=match.name,
                house_number="",
                city=match.city,
                quality=PinQuality.STREET,
                score=round(40 * alike, 1),
                source=SOURCE,
            )
            for alike, match in sorted(
                ((alike, self._streets({street_id: 0})[0]) for street_id, alike in found.items()),
                key=lambda pair: (-pair[0], pair[1].name),
            )[:5]
        )

    def _streets(self, typos: dict[int, int], *, partial: bool = False) -> list[StreetMatch]:
        matches = []
        for street_id in sorted(typos):
            name, city, lat, lon = (
                self._db().execute("SELECT name, city, lat, lon FROM street WHERE id = ?", (street_id,)).fetchone()
            )
            rows = self._db().execute(
                f"SELECT {_DOOR_COLUMNS} FROM door JOIN street ON street.id = door.street_id WHERE street_id = ? "  # noqa: S608
                "ORDER BY first, last, letter, door.id",
                (street_id,),
            )
            matches.append(
                StreetMatch(
                    name=name,
                    city=city,
                    location=Location(lat=lat, lon=lon),
                    doors=tuple(map(_door, rows)),
                    typos=typos[street_id],
                    partial=partial,
                )
            )
        return matches

    def _doors_starting(self, street: str, digits: str, letter: str, limit: int) -> list[Candidate]:
        reading = Reading(street=street, number=None)
        matches = self._written(reading) or self._missing_words(reading)
        doors = [
            door
            for match in matches
            for door in match.doors
            if str(door.number.first).startswith(digits) and door.number.letter.startswith(letter)
        ]
        return [candidate_of(door, quality=PinQuality.EXACT, score=100.0, source=SOURCE) for door in doors[:limit]]

    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._threads, "db", None)
        if db is None:
            db = sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
            self._threads.db = db
        return db


_DOOR_COLUMNS = "door.lat, door.lon, street.name, door.first, door.last, door.letter, door.postcodes, door.city"


def _door(row: tuple[float, float, str, int, int, str, str, str]) -> Door:
    lat, lon, street, first, last, letter, postcodes, city = row
    return Door(
        location=Location(lat=lat, lon=lon),
        street=street,
        number=HouseNumber(first=first, last=last, letter=letter),
        postcodes=frozenset(postcodes.split()),
        city=city,
    )


def _match(words: Sequence[str]) -> str:
    """An FTS5 query for all the words, the last as a prefix. Words are folded, hence letters and digits only."""
    return " AND ".join([*(f'"{word}"' for word in words[:-1]), f'"{words[-1]}"*'])
