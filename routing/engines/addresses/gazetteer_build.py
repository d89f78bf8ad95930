"""Building the gazetteer of a region: from its OpenStreetMap extract into one SQLite file.

    street          one row per street, the name its addresses carry; a block or a village where there is none
    street_name     every name of a street (name, name:*, alt_name ...) in each of its spellings, folded for comparing
    street_words    FTS5 over the names, with prefixes: completing, and names with words missing
    door            one row per known address (objects on the same door are one)
    house           houses that have a name, with their address; number 0 where the name is all they have
    span            lines along which the map says that houses are numbered
    door_box        R-tree over the doors, for the address of a point
    region          the box, and the cities, postcodes, states and countries that the extract knows

Source: OpenStreetMap objects with addr:housenumber or addr:housename (nodes, ways, areas), named highways and squares,
places.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import osmium

from routing.errors import RegionError
from routing.model.places import Bounds, Location, metres_between
from routing.rules.blocks import district_key
from routing.rules.house_number import HouseNumber, parse_house_number
from routing.rules.reading import plain_postcode
from routing.rules.spelling import fold, keys, spellings
from routing.rules.street_words import STATES

FORMAT = "2"
SAME_ADDRESS_M = 150.0
"""Objects of one street and number within this distance are one address: shops share their building's door."""

_ONCE = -1
"""In place of 1 and 0 for a street's main name and its others: an old name."""

FILL_M = 500.0
"""A door without a city is in that of its street's nearest door, if that is as near as this."""

SERVED_TOGETHER = 3
"""As many addresses must carry a city with a postcode before we believe the two together: one may be a slip."""

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
CREATE VIRTUAL TABLE street_words USING fts5(key, content='', prefix='1 2 3', tokenize='unicode61 remove_diacritics 0');
CREATE TABLE door (
    id INTEGER PRIMARY KEY, street_id INTEGER NOT NULL REFERENCES street, first INTEGER NOT NULL, last INTEGER NOT NULL,
    letter TEXT NOT NULL, postcodes TEXT NOT NULL, city TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL
) STRICT;
CREATE INDEX door_street ON door (street_id, first);
CREATE TABLE house (
    key TEXT NOT NULL, name TEXT NOT NULL, street TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    letter TEXT NOT NULL, postcodes TEXT NOT NULL, city TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL
) STRICT;
CREATE INDEX house_key ON house (key);
CREATE TABLE span (
    street_id INTEGER NOT NULL REFERENCES street, step INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    postcodes TEXT NOT NULL, city TEXT NOT NULL, line TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE door_box USING rtree(id, south, north, west, east);
"""

# ---------------------------------------------------------------------------- building


type _Thing = osmium.osm.Node | osmium.osm.Way | osmium.osm.Relation | osmium.osm.Area


@dataclass(slots=True)
class _Street:
    name: str
    points: list[Location] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # folded -> as written
    once: dict[str, str] = field(default_factory=dict)  # the same of what it was called before


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
    state: str = ""
    country: str = ""
    other_cities: tuple[str, ...] = ()  # translations of the city, folded
    village: bool = False  # it names no street: the village has none, or nobody wrote it down


@dataclass(frozen=True, slots=True)
class _City:
    name: str
    kind: str
    names: set[str]  # folded, translations too
    location: Location | None
    also: frozenset[str] = frozenset()  # folded: other names of today that another town may have too
    once: frozenset[str] = frozenset()  # folded: what it was called before


@dataclass(slots=True)
class _Found:
    box: Bounds | None
    seen: list[_Seen]
    streets: list[_Street]
    cities: list[_City]
    houses: list[tuple[str, _Seen]] = field(default_factory=list)
    spans: list[_Span] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Span:
    low: _Seen
    high: _Seen
    step: int
    line: tuple[Location, ...]


_NAME_TAG = re.compile(
    r"^(?:name|(?:int|alt|official|short|loc|nat|reg)_name(?::[a-z]{2,3})?|name:[a-z]{2,3}(?:[-_]\w+)?)$"
)
_TRANSLATED_TAG = re.compile(r"^(?:name|int_name|name:[a-z]{2,3}(?:[-_]\w+)?)$")
_OLD_TAG = re.compile(r"^old_name(?::[a-z]{2,3})?$")
_REACH_M = {
    "city": 15_000.0, "municipality": 15_000.0, "town": 6_000.0, "borough": 5_000.0, "suburb": 3_000.0,
    "quarter": 2_000.0, "village": 3_000.0, "neighbourhood": 1_500.0, "hamlet": 1_500.0,
}  # fmt: skip
"""How far from its middle a place may be the one an address means."""

_NO_NUMBER = HouseNumber(first=0, last=0)
_STREET_TAGS = ("addr:street", "addr:place")
_VILLAGE_TAGS = ("addr:hamlet", "addr:village", "addr:city")
_BUSY = ("shop", "amenity", "office", "tourism", "leisure", "craft", "healthcare", "name")


def build_gazetteer(pbf: Path, into: Path) -> int:
    """Reads the extract and writes the SQLite file `into`; an older one is replaced only when the new is whole.

    Returns the number of distinct addresses. Raises RegionError when the extract cannot be read.
    """
    if not pbf.is_file():
        raise RegionError(f"There is no map extract at {pbf}. Fetch the region again.", pbf=str(pbf))
    try:
        found = _read(pbf)
    except (RuntimeError, OSError) as error:
        why = f"The map extract {pbf.name} cannot be read: {error}. Fetch it again."
        raise RegionError(why, pbf=str(pbf)) from error
    into.parent.mkdir(parents=True, exist_ok=True)
    fresh = into.with_name(f".{into.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with closing(sqlite3.connect(fresh)) as db:
            db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
            count = _write(db, found)
            db.commit()
            db.execute("ANALYZE")
            db.commit()
        fresh.replace(into)
    finally:
        fresh.unlink(missing_ok=True)
    return count


def _read(pbf: Path) -> _Found:
    with closing(osmium.io.Reader(str(pbf), osmium.osm.osm_entity_bits.NOTHING)) as reader:
        edges = reader.header().box()
        box = None
        if edges.valid():
            low, high = edges.bottom_left, edges.top_right
            box = Bounds(south=low.lat, west=low.lon, north=high.lat, east=high.lon)
    seen: list[_Seen] = []
    by_name: dict[str, _Street] = {}
    cities: list[_City] = []
    houses: list[tuple[str, _Seen]] = []
    spans: list[_Span] = []
    numbered: dict[int, _Seen] = {}
    boundaries: list[_City] = []
    keyed = ("addr:housenumber", "addr:housename", "addr:interpolation", "highway", "place")
    wanted = osmium.filter.KeyFilter(*keyed)
    # A boundary is read for its names only: a clipped one has no area.
    asked = osmium.filter.KeyFilter(*keyed, "boundary")
    for thing in osmium.FileProcessor(str(pbf)).with_locations().with_areas(wanted).with_filter(asked):
        if isinstance(thing, osmium.osm.Changeset):
            continue
        tags = thing.tags
        if "addr:housenumber" in tags or fold(_tag(tags, "addr:housename")):
            where = _where(thing)
            if where is not None and "addr:housenumber" not in tags:
                houses += [(_tag(tags, "addr:housename"), _only_named(tags, where))]
            elif where is not None:
                here = list(_addresses(tags, where))
                seen += here
                if here and fold(_tag(tags, "addr:housename")):
                    houses.append((_tag(tags, "addr:housename"), here[0]))
                if len(here) == 1 and isinstance(thing, osmium.osm.Node):
                    numbered[thing.id] = here[0]
        if "addr:interpolation" in tags and isinstance(thing, osmium.osm.Way):
            spans += _spans(thing, numbered)
        named = "name" in tags and ("highway" in tags or tags.get("place") == "square")
        if named and (thing.is_way() or thing.is_area()):
            where = _where(thing)
            if where is not None:
                street = by_name.setdefault(fold(tags["name"]), _Street(tags["name"]))
                street.points.append(where)
                street.names = _named(tags, _NAME_TAG) | street.names
                street.once = _named(tags, _OLD_TAG) | street.once
        if tags.get("place") in _REACH_M and fold(_tag(tags, "name")):
            cities.append(_city(tags, tags["place"], _where(thing)))
        elif thing.is_relation() and tags.get("boundary") == "administrative" and fold(_tag(tags, "name")):
            boundaries.append(_city(tags, "municipality", None))
    # The boundary of a town that addresses name knows its translations; a county's or a country's says nothing here.
    addressed = {fold(one.city) for one in seen}
    cities += [each for each in boundaries if fold(each.name) in addressed]
    # Number 7 of a town that has streets is nowhere; of a village without any it is a door.
    with_streets = {fold(one.city) for one in seen if not one.village}
    seen = [one for one in seen if not one.village or fold(one.street) not in with_streets]
    return _Found(box, seen, [street for key, street in by_name.items() if key], cities, houses, spans)


def _named(tags: osmium.osm.TagList, wanted: re.Pattern[str]) -> dict[str, str]:
    """The names under such tags, folded -> as written; "A;B" are two."""
    written = [name.strip() for key, names in tags if wanted.match(key) for name in names.split(";")]
    return {fold(name): name for name in reversed(written) if fold(name)}


def _city(tags: osmium.osm.TagList, kind: str, where: Location | None) -> _City:
    translated, every, old = (
        frozenset(key for name in _named(tags, wanted).values() for key in keys(name))
        for wanted in (_TRANSLATED_TAG, _NAME_TAG, _OLD_TAG)
    )
    return _City(_tag(tags, "name"), kind, set(translated), where, also=every - translated, once=old - every)


def _spans(way: osmium.osm.Way, numbered: Mapping[int, _Seen]) -> list[_Span]:
    """From each numbered node of the line to the next of the same street; "even", "odd", "all", or every so many."""
    said = _tag(way.tags, "addr:interpolation")
    step = {"even": 2, "odd": 2, "all": 1}.get(said) or (int(said) if said.isdigit() and 0 < int(said) < 100 else 0)
    found: list[_Span] = []
    begun: _Seen | None = None
    line: list[Location] = []
    for node in way.nodes if step else ():
        if not node.location.valid():
            begun, line = None, []
            continue
        line.append(Location(lat=node.lat, lon=node.lon))
        door = numbered.get(node.ref)
        if door is None:
            continue
        if begun is not None and begun.street == door.street and begun.number.first != door.number.first:
            ends = (begun, door) if begun.number.first < door.number.first else (door, begun)
            if (ends[1].number.first - ends[0].number.first) % step == 0:
                drawn = tuple(line if ends[0] is begun else line[::-1])
                found.append(_Span(low=ends[0], high=ends[1], step=step, line=drawn))
        begun, line = door, line[-1:]
    return found


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
    """One per house number of the object ("12;14" are two). What has no street, block or village is no address."""
    street = _street_of(tags)
    village = not street and "addr:block_number" not in tags
    if village:
        street = next(filter(None, (_tag(tags, tag) for tag in _VILLAGE_TAGS)), "")
    if not fold(street) or fold(street).isdigit():
        return
    seen = _seen(tags, where, street=street, number=_NO_NUMBER, village=village)
    # In Czechia and Slovakia a door is called by the town's number for it, the street's, or both.
    also = [_tag(tags, tag) for tag in ("addr:streetnumber", "addr:conscriptionnumber") if tag in tags]
    for written in dict.fromkeys([*tags["addr:housenumber"].split(";"), *also]):
        number = parse_house_number(written.replace("½", " 1/2"))
        if number is None or number.first == 0:
            continue
        yield replace(seen, number=number)


def _only_named(tags: osmium.osm.TagList, where: Location) -> _Seen:
    """A house that has a name and no number; often a village and no street either."""
    return _seen(tags, where, street=_street_of(tags), number=_NO_NUMBER, village=False)


def _seen(tags: osmium.osm.TagList, where: Location, *, street: str, number: HouseNumber, village: bool) -> _Seen:
    postcodes = {plain_postcode(code) for code in _tag(tags, "addr:postcode").split(";")}
    city = _tag(tags, "addr:city")
    state = _tag(tags, "addr:state") or _tag(tags, "addr:province")
    return _Seen(
        street=street,
        other_names=tuple(value.strip() for key, value in tags if key.startswith("addr:street:") and fold(value)),
        number=number,
        postcodes=frozenset(code for code in postcodes if re.fullmatch(r"[A-Z0-9-]{3,8}", code)),
        city=city if re.search(r"[^\W\d_]", city) else "",
        location=where,
        plain=not any(key in tags for key in _BUSY),
        state=STATES.get(fold(state), state.upper()),
        country=_tag(tags, "addr:country").upper(),
        other_cities=tuple(fold(value) for key, value in tags if key.startswith("addr:city:") and fold(value)),
        village=village,
    )


def _street_of(tags: osmium.osm.TagList) -> str:
    if block := _tag(tags, "addr:block_number"):
        district = _tag(tags, "addr:quarter") + _tag(tags, "addr:neighbourhood")
        return district_key(district, block) if district else ""
    for tag in _STREET_TAGS:
        # Some write the building's name first: "Galleria, Aleksanterinkatu".
        if street := _tag(tags, tag).rpartition(",")[2].strip():
            return street
    return ""


def _write(db: sqlite3.Connection, found: _Found) -> int:
    streets: dict[str, _Street] = {}
    known_as: dict[str, str] = {fold(street.name): fold(street.name) for street in found.streets}
    for street in found.streets:
        streets[fold(street.name)] = street
        for key in street.names:
            # A main name keeps its street: the old name of one street is often the name of another today.
            known_as.setdefault(key, fold(street.name))
    doors: dict[str, list[_Seen]] = defaultdict(list)
    for one in found.seen:
        key = known_as.setdefault(fold(one.street), fold(one.street))
        street = streets.setdefault(key, _Street(one.street))
        street.names.setdefault(fold(one.street), one.street)
        for name in one.other_names:
            street.names.setdefault(fold(name), name)
        doors[key].append(one)

    usual = _usual_cities(found.seen)
    count = 0
    for street_id, key in enumerate(sorted(streets), start=1):
        street = streets[key]
        distinct = _with_cities(_distinct(doors.get(key, [])), usual)
        city = Counter(one.city for one in distinct if one.city).most_common(1)
        where = _middle([one.location for one in distinct] or street.points)
        db.execute(
            "INSERT INTO street VALUES (?, ?, ?, ?, ?, ?)",
            (street_id, street.name, city[0][0] if city else "", where.lat, where.lon, len(distinct)),
        )
        _write_names(db, street_id, key, {key: street.name, **street.names})
        _write_old_names(db, street_id, {name: old for name, old in street.once.items() if name not in known_as})
        for one in distinct:
            count += 1
            lat, lon, number = one.location.lat, one.location.lon, one.number
            postcodes = " ".join(sorted(one.postcodes))
            db.execute(
                "INSERT INTO door VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (count, street_id, number.first, number.last, number.letter, postcodes, one.city, lat, lon),
            )
            db.execute("INSERT INTO door_box VALUES (?, ?, ?, ?, ?)", (count, lat, lat, lon, lon))
    _write_houses(db, found, usual)
    numbers = {key: street_id for street_id, key in enumerate(sorted(streets), start=1)}
    for span in found.spans:
        low, high = _with_cities([span.low, span.high], usual)
        line = json.dumps([[at.lat, at.lon] for at in span.line])
        postcodes = " ".join(sorted(low.postcodes & high.postcodes))
        row = (numbers[known_as[fold(low.street)]], span.step, low.number.first, high.number.first, postcodes)
        db.execute("INSERT INTO span VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, low.city, line))
    db.executemany("INSERT INTO region VALUES (?, ?)", _facts(found).items())
    return count


def _write_houses(db: sqlite3.Connection, found: _Found, usual: Mapping[str, str]) -> None:
    """A house once, however many shops in it repeat its name, some of them without its number."""
    known: set[tuple[str, str, HouseNumber]] = set()
    numbered = {(fold(name), one.street) for name, one in found.houses if one.number != _NO_NUMBER}
    for name, one in found.houses:
        key = fold(name)
        if one.number == _NO_NUMBER and (key, one.street) in numbered:
            continue
        if (key, one.street, one.number) in known:
            continue
        known.add((key, one.street, one.number))
        (door,) = _with_cities([one], usual)
        number = door.number
        row = (key, name, door.street, number.first, number.last, number.letter, " ".join(sorted(door.postcodes)))
        place = (door.city, door.location.lat, door.location.lon)
        db.execute("INSERT INTO house VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, *place))


def _write_names(db: sqlite3.Connection, street_id: int, main: str, names: Mapping[str, str]) -> None:
    """Each name as it is written, to complete and to search by words; its other spellings to be found by only."""
    for folded, name in names.items():
        row = db.execute(
            "INSERT INTO street_name (street_id, name, key, main) VALUES (?, ?, ?, ?)",
            (street_id, name, folded, folded == main),
        )
        db.execute("INSERT INTO street_words (rowid, key) VALUES (?, ?)", (row.lastrowid, folded))
        db.executemany(
            "INSERT INTO street_name (street_id, name, key, main) VALUES (?, ?, ?, ?)",
            [(street_id, name, other, folded == main and other in keys(name)) for other in spellings(name)[1:]],
        )


def _write_old_names(db: sqlite3.Connection, street_id: int, names: Mapping[str, str]) -> None:
    """Found by, and asked about: a street that was called anew may have been numbered anew. Never completed."""
    db.executemany(
        "INSERT INTO street_name (street_id, name, key, main) VALUES (?, ?, ?, ?)",
        [(street_id, name, key, _ONCE) for name in names.values() for key in spellings(name)],
    )


def _usual_cities(seen: Sequence[_Seen]) -> dict[str, str]:
    """By postcode, the city that most of its addresses carry."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for one in seen:
        for postcode in one.postcodes:
            if one.city:
                counted[postcode][one.city] += 1
    return {postcode: cities.most_common(1)[0][0] for postcode, cities in counted.items()}


def _with_cities(doors: Sequence[_Seen], usual: Mapping[str, str]) -> list[_Seen]:
    """Doors that carry no city get that of their postcode, else that of the street's nearest door."""
    known = [one for one in doors if one.city]
    filled = []
    for one in doors:
        if not one.city:
            city = next((usual[code] for code in sorted(one.postcodes) if code in usual), "")
            if not city and known:
                near = min(known, key=lambda other: metres_between(other.location, one.location))
                city = near.city if metres_between(near.location, one.location) <= FILL_M else ""
            one = replace(one, city=city)
        filled.append(one)
    return filled


def _facts(found: _Found) -> dict[str, str]:
    """What the region table holds beside the doors: see routing.rules.coverage.Coverage."""
    seen, box = found.seen, found.box
    addressed = {fold(one.city) for one in seen if one.city}
    called = _translations(found, addressed)
    once = {name for place in found.cities for name in place.once} - addressed - set(called)
    for place in found.cities:
        called |= {name: fold(place.name) for name in place.once & once}
    places = {
        fold(place.name): (place.location.lat, place.location.lon, _REACH_M[place.kind])
        for place in found.cities
        if place.location is not None and not any(_begins(city, fold(place.name)) for city in addressed)
    }
    together = Counter((code, fold(one.city)) for one in seen if one.city for code in one.postcodes)
    edges = [box.south, box.west, box.north, box.east] if box else [90.0, 180.0, -90.0, -180.0]
    for point in (one.location for one in seen):
        edges = [min(edges[0], point.lat), min(edges[1], point.lon), max(edges[2], point.lat), max(edges[3], point.lon)]
    if edges[0] > edges[2]:
        edges = [0.0, 0.0, 0.0, 0.0]
    towns = Counter(_town(one.city, found.cities) for one in seen if one.city).most_common(1)
    return {
        "format": FORMAT,
        "bounds": json.dumps(edges),
        "cities": json.dumps(sorted(addressed | set(called))),
        "once": json.dumps(sorted(once)),
        "postcodes": json.dumps(sorted({code for one in seen for code in one.postcodes})),
        "name": f"the region around {towns[0][0]}" if towns else "",
        "called": json.dumps({name: main for name, main in called.items() if name != main}),
        "served": json.dumps(sorted(pair for pair, times in together.items() if times >= SERVED_TOGETHER)),
        "places": json.dumps(places),
        "states": json.dumps(sorted({one.state for one in seen} - {""})),
        "countries": json.dumps(sorted({one.country for one in seen} - {""})),
    }


def _translations(found: _Found, addressed: Collection[str]) -> dict[str, str]:
    """Folded name of a town -> the folded name that the map uses for it, which is itself for the main one."""
    called = {fold(place.name): fold(place.name) for place in found.cities}
    points: dict[str, list[Location]] = defaultdict(list)
    for one in found.seen:
        points[fold(one.city)].append(one.location)
    # The larger place first: a translation that two share means the city, not its namesake hamlet.
    for place in sorted(found.cities, key=lambda place: -_REACH_M[place.kind]):
        for name in sorted(place.names | place.also):
            # Addresses that carry the translation are the town's own where they lie in it ("Copenhagen" among
            # thousands of København); another name that addresses carry may be another town's.
            is_free = name not in addressed or (
                name in place.names
                and place.location is not None
                and all(metres_between(place.location, at) <= _REACH_M[place.kind] for at in points[name])
            )
            if is_free:
                called.setdefault(name, fold(place.name))
    for one in found.seen:
        city = fold(one.city)
        main = called.get(city, city)
        for name in (*one.other_cities, *keys(one.city)[1:]) if city else ():
            if name not in addressed:
                called.setdefault(name, main)
    return called


def _begins(name: str, words: str) -> bool:
    return name == words or name.startswith(f"{words} ")


def _town(city: str, places: Sequence[_City]) -> str:
    """København for an address in København S; the city as it stands where no town goes by its first words."""
    towns = (place.name for place in places if place.kind in ("city", "town"))
    return next((name for name in towns if fold(city).startswith(f"{fold(name)} ")), city)


def _distinct(seen: Sequence[_Seen]) -> list[_Seen]:
    """One per door: same number, postcodes and cities that do not contradict each other, near each other."""
    groups: list[list[_Seen]] = []
    by_number: dict[HouseNumber, list[list[_Seen]]] = defaultdict(list)
    # Plain address points first: their place is the door, a shop's may be the middle of its floor.
    order = sorted(seen, key=lambda one: (not one.plain, one.location.lat, one.location.lon))
    for one in order:
        for group in by_number[one.number]:
            first = group[0]
            if metres_between(first.location, one.location) <= SAME_ADDRESS_M:
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
    return min(points, key=lambda point: (metres_between(point, mean), point.lat, point.lon))
