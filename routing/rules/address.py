"""How sure we may be of a pin: what a known door, a street or a point say about an address as somebody wrote it.

Nothing here knows where the known addresses come from. `routing.rules.reading` takes a text apart, a gazetteer looks
the streets up, and `judge` decides: only a door that is really known under the number asked for is EXACT.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from routing.model.places import Candidate, Located, Location, PinQuality, metres_between
from routing.rules.coverage import Coverage, Door, StreetMatch
from routing.rules.house_number import HouseNumber
from routing.rules.reading import Reading, plain_postcode
from routing.rules.spelling import clean, fold
from routing.rules.units import is_unsaid

MAX_LENGTH = 300
"""Characters. No postal address is longer; what is longer was pasted into the wrong field."""

MAX_CANDIDATES = 5

INTERPOLATION_GAP = 10
"""The two known numbers may differ by this much at most, or the houses between them are anybody's guess."""

INTERPOLATION_STEP_M = 15.0
"""As many metres for each number between the two known doors, at most. Doors left out of two cities were then found
again within 21 m, nineteen in twenty; without this bound one in 25 was more than 50 m off."""

INTERPOLATION_LINE_M = 500.0
"""A line that the map draws for numbers is believed up to this length: about two blocks."""

SAME_DOOR_M = 60.0
"""Readings nearer to each other than this are one door with two nameplates."""


@dataclass(slots=True)
class _Verdict:
    quality: PinQuality
    candidates: list[Candidate] = field(default_factory=list)
    why: str = ""


def judge(
    reading: Reading, streets: Sequence[StreetMatch], coverage: Coverage, *, source: str = "gazetteer"
) -> Located:
    """How surely the reading names one door. EXACT only for a known door under exactly this number on a street
    spelled as we know it, in a city and postcode that do not speak against it; every doubt has its sentence.
    Where the text names two places, the door must lie in both."""
    located = _judged(reading, streets, coverage, source)
    if located.quality.goes_on and reading.second and (others := _further_houses(reading, streets, coverage)):
        located = _one_of_several(located, others, source)
    swapped = reading.swapped if located.quality.goes_on else ()
    if swapped and (others := _doors_numbered(swapped, reading, streets, coverage)):
        located = _or_swapped(located, others, source)
    sign = bool(coverage.countries & _WITH_UNIT_SIGN)
    if located.quality.goes_on and sign and reading.sign:
        # "Main Street #22" is flat 22 of a house that it does not name.
        located = _asked_besides(located, reading.sign)
    if (
        located.quality.goes_on
        and reading.unit
        and reading.number is not None
        and is_unsaid(reading.unit, letter=reading.number.letter, sign=sign)
    ):
        located = _asked_besides(located, reading.unit)
    if located.quality.goes_on and (said := coverage.unaccounted(reading)):
        located = _asked_besides(located, said)
    if not located.quality.goes_on or not (reading.other_city or reading.other_postcode):
        return located
    other = replace(
        reading, postcode=reading.other_postcode or reading.postcode, city=reading.other_city or reading.city
    )
    if _judged(other, streets, coverage, source).quality.goes_on:
        return located
    one, two = (_short(f"{each.postcode} {each.city}".strip()) for each in (reading, other))
    return _asked(located, f"The address names two places, {one} and {two}. Confirm or correct it.")


def settled(judged: Sequence[tuple[Reading, Located]]) -> Located:
    """The surest of the readings' verdicts; what the text says besides, and nobody could place, makes it a question, as
    does another street of ours with a number. `judged` are the readings whose street is known."""
    best = surest([located for _, located in judged])
    if not best.quality.goes_on:
        return best
    doubt = next((reading.doubt for reading, located in judged if reading.doubt and located.quality.goes_on), "")
    if not doubt and len(judged) > 1:
        doubt = _further_address(judged)
    if not doubt:
        return best
    return _asked_besides(best, doubt)


def _further_address(judged: Sequence[tuple[Reading, Located]]) -> str:
    """What the text says of another street of ours with a number, which another part of it is sure of; "" for nothing.
    A reading of the same words shares one of them ("12 N Main St"); one that has a doubt other than the sure street is
    a name ("Main 17 Ltd.")."""
    sure = {word for reading, located in judged if located.quality.goes_on for word in fold(reading.street).split()}
    return next(
        (
            _said(reading)
            for reading, located in judged
            if not located.quality.goes_on
            and reading.number is not None
            and (not reading.doubt or not sure.isdisjoint(fold(reading.doubt).split()))
            and sure.isdisjoint(fold(reading.street).split())
        ),
        "",
    )


def _asked_besides(located: Located, said: str) -> Located:
    label = located.candidates[0].label
    return _asked(located, f'What does "{_short(said)}" say? Without it this is {label}. Confirm or correct it.')


_STAIRS = frozenset({"FI"})
"""Where a letter behind the number is a stair, so that a number behind it is a flat."""

_WITH_UNIT_SIGN = frozenset({"US", "CA"})

_STAIR = re.compile(r"[a-w]")
"""An x between two numbers is as likely a sign."""


def _further_houses(reading: Reading, streets: Sequence[StreetMatch], coverage: Coverage) -> list[Door]:
    """The doors of the street that bear a further number of the text: it may be a flat's, but who knows."""
    if reading.number is not None and reading.number.letter and coverage.countries & _STAIRS:
        return []
    return _doors_numbered(reading.second, reading, streets, coverage)


def _doors_numbered(
    numbers: Sequence[HouseNumber], reading: Reading, streets: Sequence[StreetMatch], coverage: Coverage
) -> list[Door]:
    """The doors with one of the numbers, on the streets and in the place that the reading names."""
    return [
        door
        for match in streets
        for number in numbers
        for door in _apart(
            [each for each in _agreeing(match.doors, reading, coverage)[0] if each.number.covers(number)]
        )
    ]


def _one_of_several(located: Located, others: Sequence[Door], source: str) -> Located:
    why = "The address has more than one number: {names}. Pick one; a flat or floor is written as such."
    return _one_of(located, others, source, why)


def _or_swapped(located: Located, others: Sequence[Door], source: str) -> Located:
    """Digits that changed places, as in 01 for 10, look like a zero that was put in front: nobody can tell which."""
    return _one_of(located, others, source, "The house number begins with a zero: {names}. Pick one.")


def _one_of(located: Located, others: Sequence[Door], source: str, why: str) -> Located:
    """What was found, and the other doors that may be meant. `why` names them at {names}."""
    first = _as(located.candidates[0], PinQuality.AMBIGUOUS)
    further = [_candidate(door, PinQuality.AMBIGUOUS, 80.0, source) for door in others]
    further = [one for one in further if (one.label, one.location) != (first.label, first.location)]
    if not further:
        return _asked(located, f"The address has its number twice: {first.label}. Confirm or correct it.")
    candidates = [first, *further][:MAX_CANDIDATES]
    names = " or ".join(one.label for one in candidates[:3])
    return Located(quality=PinQuality.AMBIGUOUS, candidates=tuple(candidates), why=why.format(names=names))


_LETTER = re.compile(r"[^\W\d_]")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_SIGN_FIRST = re.compile(r"[^\w\s'’‘]")
"""No city is called "-D", "& 12" or "(ring the bell)"; 's-Hertogenbosch is one."""


def _asked(located: Located, why: str) -> Located:
    first, *more = located.candidates
    return Located(quality=PinQuality.APPROXIMATE, candidates=(_as(first, PinQuality.APPROXIMATE), *more), why=why)


def _judged(reading: Reading, streets: Sequence[StreetMatch], coverage: Coverage, source: str) -> Located:
    if away := coverage.elsewhere(reading):
        return Located(
            quality=PinQuality.OUTSIDE,
            candidates=(),
            why=f"{_short(away)} lies outside {coverage.name or 'this region'}. Correct the address, or set the pin.",
        )
    if streets and not reading.city_sure and _SIGN_FIRST.match(reading.city):
        located = _judged(replace(reading, city=""), streets, coverage, source)
        return _asked_besides(located, reading.city) if located.quality.goes_on else located
    foreign = bool(reading.city) and not coverage.knows_city(reading.city)
    if not streets and not reading.city_sure and not _LETTER.search(reading.city):
        foreign = False  # what is left of a number that was not understood is no city
    # A postcode of ours outweighs a city that nobody knows: it is a city's name with slips, most likely.
    slipped = foreign and plain_postcode(reading.postcode) in coverage.postcodes and bool(streets)
    if slipped:
        foreign = False
    if foreign and (reading.city_sure or not streets):
        return Located(
            quality=PinQuality.OUTSIDE,
            candidates=(),
            why=f"{_short(reading.city)} lies outside {coverage.name or 'this region'}. "
            "Correct the address, or set the pin.",
        )
    postcode_known = coverage.knows_postcode(reading.postcode)
    if not streets:
        if not postcode_known:
            return _outside_postcode(reading, coverage, ())
        return Located(
            quality=PinQuality.NOT_FOUND,
            candidates=(),
            why=f'No street "{_short(reading.street)}" is known here. Correct the name, or set the pin.',
        )
    best = min((match.partial, match.typos) for match in streets)
    # One letter more is outweighed by a street that has the number, and in that postcode.
    likely = [match for match in streets if match.partial == best[0] and match.typos <= best[1] + min(best[1], 1)]
    verdicts = [_on_street(reading, match, source, coverage) for match in likely]
    verdicts.sort(key=lambda verdict: -verdict.candidates[0].score)
    top = verdicts[0]
    equal = [verdict for verdict in verdicts if verdict.candidates[0].score == top.candidates[0].score]
    # A pin that is one of several equals is not the pin, however well each of them is known.
    candidates = [_as(verdict.candidates[0], PinQuality.AMBIGUOUS) for verdict in equal] if len(equal) > 1 else []
    spread = [verdict.candidates[1:] if verdict in equal and candidates else verdict.candidates for verdict in verdicts]
    candidates += [candidate for more in spread for candidate in more]
    if len(equal) > 1:
        names = " or ".join(candidate.label for candidate in candidates[: min(len(equal), 3)])
        top = _Verdict(PinQuality.AMBIGUOUS, candidates, f'"{_short(_said(reading))}" may be {names}. Pick one.')
    top.candidates = candidates
    if foreign:
        return Located(
            quality=PinQuality.OUTSIDE,
            candidates=tuple(_as(one, PinQuality.OUTSIDE) for one in candidates[:MAX_CANDIDATES]),
            why=f'If "{_short(reading.city)}" is the city, this lies outside {coverage.name or "this region"}. '
            "Correct the address, or confirm the pin.",
        )
    if not postcode_known:
        surely_here = bool(reading.city) and top.quality.goes_on
        if not surely_here:
            return _outside_postcode(reading, coverage, tuple(_as(one, PinQuality.OUTSIDE) for one in candidates))
        top.quality = PinQuality.APPROXIMATE
        top.why = (
            f"No address here has the postcode {_short(reading.postcode)}; {top.candidates[0].label} has the same "
            "street and number. Confirm or correct it."
        )
    elif slipped and top.quality is not PinQuality.AMBIGUOUS:
        top.why = top.why or (
            f"No city here is called {_short(reading.city)}; {top.candidates[0].label} has the same postcode, street "
            "and number. Confirm or correct it."
        )
        if top.quality.goes_on:
            top.quality = PinQuality.APPROXIMATE
    elif best != (False, 0) and top.quality is not PinQuality.AMBIGUOUS:
        guessed = f'Read as {top.candidates[0].street}: no street is written "{_short(reading.street)}".'
        top.why = f"{guessed} {top.why or 'Confirm or correct it.'}"
        if top.quality is not PinQuality.STREET:
            top.quality = PinQuality.APPROXIMATE
    if top.candidates[0].quality is not top.quality:
        top.candidates[0] = _as(top.candidates[0], top.quality)
    return Located(quality=top.quality, candidates=tuple(top.candidates[:MAX_CANDIDATES]), why=top.why)


_SUREST_FIRST = tuple(PinQuality)


def surest(answers: Sequence[Located]) -> Located:
    """The verdict over several readings of one text; two sure ones in different places are no sure one."""
    best = max(
        answers,
        key=lambda answer: (-_SUREST_FIRST.index(answer.quality), *(one.score for one in answer.candidates[:1])),
    )
    if not best.quality.goes_on:
        return best
    sure = [answer.candidates[0] for answer in answers if answer.quality.goes_on]
    rivals = [one for one in sure if metres_between(one.location, best.candidates[0].location) > SAME_DOOR_M]
    if not rivals:
        return best
    places = [_as(one, PinQuality.AMBIGUOUS) for one in dict.fromkeys([best.candidates[0], *rivals])]
    names = " and ".join(one.label for one in places[:3])
    return Located(
        quality=PinQuality.AMBIGUOUS,
        candidates=tuple(places[:MAX_CANDIDATES]),
        why=f"Two addresses in one: {names}. Pick one.",
    )


def named_house(name: str, said: str, houses: Sequence[tuple[str, Door]], *, city: str, coverage: Coverage) -> Located:
    """The verdict on a text that names a house, as "Rose Cottage, Church Lane": never EXACT, for a name is not unique
    as a number is, and a person confirms it. `houses` are those called so, each after its name as the map writes it."""
    agreeing = [(written, door) for written, door in houses if not city or coverage.city_agrees(door, city)]
    on_street = [(written, door) for written, door in agreeing if fold(door.street) and fold(door.street) in fold(said)]
    found = on_street or agreeing
    if not found:
        return not_found(f'The only house called "{_short(name)}" lies elsewhere. Correct the address, or set the pin.')
    quality = PinQuality.APPROXIMATE if len(found) == 1 else PinQuality.AMBIGUOUS
    score = 70.0 if on_street else 60.0
    candidates = tuple(
        candidate_of_house(written, door, quality=quality, score=score) for written, door in found[:MAX_CANDIDATES]
    )
    labels = " or ".join(one.label for one in candidates[:3])
    mend = "Confirm or correct it." if len(found) == 1 else "Pick one."
    if not any(one.house_number for one in candidates):
        return Located(quality=quality, candidates=candidates, why=f"Known by name only: {labels}. {mend}")
    return Located(quality=quality, candidates=candidates, why=f"{found[0][0]} is the name of {labels}. {mend}")


def _outside_postcode(reading: Reading, coverage: Coverage, candidates: tuple[Candidate, ...]) -> Located:
    return Located(
        quality=PinQuality.OUTSIDE,
        candidates=candidates[:MAX_CANDIDATES],
        why=f"The postcode {_short(reading.postcode)} lies outside {coverage.name or 'this region'}. "
        "Correct the address, or set the pin.",
    )


def _on_street(reading: Reading, match: StreetMatch, source: str, coverage: Coverage) -> _Verdict:
    """The verdict as if the street were certain; always with at least one candidate."""
    doors, elsewhere = _agreeing(match.doors, reading, coverage)
    penalty = 10.0 * match.typos + (5.0 if match.partial else 0.0)

    def candidate(door: Door, quality: PinQuality, score: float) -> Candidate:
        return _candidate(door, quality, max(score - penalty, 1.0), source, reading.postcode)

    asked = reading.number
    if asked is None:
        return _Verdict(
            PinQuality.STREET,
            [_middle_of(match, penalty, source)],
            f"{match.name} has no house number. Add it, or set the pin.",
        )
    if not match.doors:
        why = f"{match.name} is known, but none of its house numbers. Set the pin at number {asked}."
        return _Verdict(PinQuality.STREET, [_middle_of(match, penalty, source)], why)

    known = [door for door in doors if door.number.covers(asked)]
    # A plate with exactly this number is surer than a range that covers it.
    known = [door for door in known if (door.number.first, door.number.last) == (asked.first, asked.last)] or known
    moved = [door for door in elsewhere if door.number.covers(asked)]
    if moved and not any(door.postcodes for door in known):
        # Its namesake under another postcode speaks against a door that has none.
        known = []
    lettered = any(door.number.first == asked.first and door.number.letter for door in doors)
    stairs = bool(coverage.countries & _STAIRS and _STAIR.fullmatch(asked.letter))
    if not known and not moved and stairs and reading.unit and not lettered:
        # "14 B 23" is stair B, flat 23 of house 14, as long as no door of that house bears a letter of its own.
        house = HouseNumber(first=asked.first, last=asked.last)
        known = [door for door in doors if door.number.covers(house)]
    if known:
        apart = _apart(known)
        if len(apart) == 1:
            return _Verdict(PinQuality.EXACT, [candidate(apart[0], PinQuality.EXACT, 100.0)])
        places = [candidate(door, PinQuality.AMBIGUOUS, 95.0) for door in apart]
        where = " or ".join(one.label for one in places[:3])
        why = f"{match.name} {asked} is known in {len(apart)} places: {where}. Pick one."
        return _Verdict(PinQuality.AMBIGUOUS, places, why)
    if moved:
        apart = _apart(moved)
        if _other_postcode(apart[0], plain_postcode(reading.postcode)):
            there, here = ", ".join(sorted(apart[0].postcodes)), reading.postcode
        else:
            there, here = apart[0].city or match.city or coverage.name, reading.city
        return _Verdict(
            PinQuality.APPROXIMATE,
            [candidate(door, PinQuality.APPROXIMATE, 70.0) for door in apart],
            f"{match.name} {asked} is in {there}, not in {_short(here)}. Confirm or correct it.",
        )
    agreeing, doors = doors, doors or elsewhere
    if asked.is_range and (ends := _ends_of(asked, doors)):
        names = " or ".join(candidate(door, PinQuality.AMBIGUOUS, 75.0).label for door in ends)
        if len(ends) > 1:
            within = [door for door in doors if door not in ends and asked.covers(door.number)]
            return _Verdict(
                PinQuality.AMBIGUOUS,
                [candidate(door, PinQuality.AMBIGUOUS, 75.0) for door in _apart([*ends, *within])],
                f"{match.name} {asked} is not known as one door: {names}. Pick one.",
            )
        return _Verdict(
            PinQuality.APPROXIMATE,
            [candidate(ends[0], PinQuality.APPROXIMATE, 72.0)],
            f"{match.name} {asked}: only {match.name} {ends[0].number} is known. Confirm or correct it.",
        )
    same = [door for door in doors if door.number.first <= asked.first <= door.number.last]
    siblings = [door for door in same if door.number.letter != asked.letter]
    siblings = [door for door in siblings if not door.number.is_range] or siblings
    if siblings and not asked.letter:
        apart = sorted(siblings, key=lambda door: door.number.letter)
        names = " or ".join(f"{match.name} {door.number}" for door in apart[:3])
        if len(apart) > 1:
            return _Verdict(
                PinQuality.AMBIGUOUS,
                [candidate(door, PinQuality.AMBIGUOUS, 75.0) for door in apart],
                f"{match.name} {asked} has several doors: {names}. Pick one.",
            )
        return _Verdict(
            PinQuality.APPROXIMATE,
            [candidate(apart[0], PinQuality.APPROXIMATE, 72.0)],
            f"{match.name} {asked}: only {names} is known. Confirm or correct it.",
        )
    between = None
    if not asked.is_range and not siblings:
        between = _along(asked, match, reading, coverage) or _between(asked, agreeing, match)
    if between is not None and between.is_near:
        return _Verdict(PinQuality.INTERPOLATED, [candidate(between.door, PinQuality.INTERPOLATED, 85.0)])
    odd = asked.first % 2
    nearest = sorted(doors, key=lambda door: (_gap(door.number, asked), door.number.first % 2 != odd, str(door.number)))
    offered = _apart(nearest[: 4 * MAX_CANDIDATES])[:MAX_CANDIDATES]
    if between is not None:
        point = candidate(between.door, PinQuality.APPROXIMATE, 65.0)
        return _Verdict(
            PinQuality.APPROXIMATE,
            [point, *(candidate(door, PinQuality.APPROXIMATE, 60.0 - at) for at, door in enumerate(offered))],
            f"{match.name} {asked} lies somewhere between {between.low} and {between.high}, {between.span_m:.0f} m "
            "apart. Confirm or correct it.",
        )
    return _Verdict(
        PinQuality.APPROXIMATE,
        [candidate(door, PinQuality.APPROXIMATE, 60.0 - at) for at, door in enumerate(offered)],
        f"{match.name} {asked}: no such number; the nearest known is {nearest[0].number}. Confirm or correct it.",
    )


def _ends_of(asked: HouseNumber, doors: Sequence[Door]) -> list[Door]:
    """The doors of the first and the last number of a range that is no door itself, as far as they are known; behind a
    letter, which is the last's, the first may have one too."""
    last = HouseNumber(first=asked.last, last=asked.last, letter=asked.letter)
    first = HouseNumber(first=asked.first, last=asked.first)
    found = [next((door for door in doors if door.number.covers(each)), None) for each in (first, last)]
    if found[0] is None and asked.letter:
        lettered = HouseNumber(first=asked.first, last=asked.first, letter=asked.letter)
        found[0] = next((door for door in doors if door.number.covers(lettered)), None)
    return list(dict.fromkeys(door for door in found if door is not None))


def _middle_of(match: StreetMatch, penalty: float, source: str) -> Candidate:
    return Candidate(
        location=match.location,
        label=", ".join(filter(None, [match.name, match.city])),
        street=match.name,
        house_number="",
        city=match.city,
        quality=PinQuality.STREET,
        score=max(50.0 - penalty, 1.0),
        source=source,
    )


def _agreeing(doors: Sequence[Door], reading: Reading, coverage: Coverage) -> tuple[list[Door], list[Door]]:
    """(doors that the postcode and city do not speak against, the others)"""
    postcode, city = plain_postcode(reading.postcode), reading.city
    is_certain = not city or coverage.is_certain_of(city)
    agreeing: list[Door] = []
    elsewhere: list[Door] = []
    for door in doors:
        against = _other_postcode(door, postcode) or (city and not coverage.city_agrees(door, city, postcode))
        # A slip in the city is forgiven where the postcode says the same.
        against = against or (not is_certain and postcode not in door.postcodes)
        (elsewhere if against else agreeing).append(door)
    return agreeing, elsewhere


def _other_postcode(door: Door, postcode: str) -> bool:
    return bool(postcode and door.postcodes and postcode not in door.postcodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Between:
    """A door that nobody drew, between two that are known; `is_near`: they say well enough where it is."""

    door: Door
    low: HouseNumber
    high: HouseNumber
    span_m: float
    is_near: bool


def _between(asked: HouseNumber, doors: Sequence[Door], match: StreetMatch) -> _Between | None:
    """The point between the two known neighbours on the same side of the street."""
    side = [door for door in doors if not door.number.is_range and door.number.first % 2 == asked.first % 2]
    below = [door for door in side if door.number.first < asked.first]
    above = [door for door in side if asked.first < door.number.first]
    if not below or not above:
        return None
    # Only the next known numbers say where it is, whichever doors bear them: a street of that name in the next village
    # has numbers too.
    lows, highs = _bearing(max, below), _bearing(min, above)
    pairs = [(_is_near(low, high), high.number.first - low.number.first, low, high) for low in lows for high in highs]
    is_near, gap, low, high = min(
        pairs, key=lambda pair: (not pair[0], metres_between(pair[2].location, pair[3].location))
    )
    share = (asked.first - low.number.first) / gap
    door = Door(
        location=Location(
            lat=low.location.lat + share * (high.location.lat - low.location.lat),
            lon=low.location.lon + share * (high.location.lon - low.location.lon),
        ),
        street=match.name,
        number=asked,
        postcodes=low.postcodes & high.postcodes,
        city=low.city,
    )
    span_m = metres_between(low.location, high.location)
    return _Between(door=door, low=low.number, high=high.number, span_m=span_m, is_near=is_near)


def _is_near(low: Door, high: Door) -> bool:
    gap = high.number.first - low.number.first
    return gap <= INTERPOLATION_GAP and metres_between(low.location, high.location) <= gap * INTERPOLATION_STEP_M


def _bearing(extreme: Callable[[Iterable[int]], int], doors: Sequence[Door]) -> list[Door]:
    number = extreme(door.number.first for door in doors)
    return [door for door in doors if door.number.first == number]


def _along(asked: HouseNumber, match: StreetMatch, reading: Reading, coverage: Coverage) -> _Between | None:
    """The point on a line that the map draws for such numbers; one that is not long says where they are."""
    for span in match.spans:
        first, last = span.low.number.first, span.high.number.first
        fits = first < asked.first < last and (asked.first - first) % span.step == 0 and not asked.letter
        if fits and not _agreeing((span.low, span.high), reading, coverage)[1]:
            door = Door(
                location=_point_on(span.line, (asked.first - first) / (last - first)),
                street=match.name,
                number=asked,
                postcodes=span.low.postcodes & span.high.postcodes,
                city=span.low.city,
            )
            length_m = sum(metres_between(one, other) for one, other in pairwise(span.line))
            return _Between(
                door=door,
                low=span.low.number,
                high=span.high.number,
                span_m=length_m,
                is_near=length_m <= INTERPOLATION_LINE_M,
            )
    return None


def _point_on(line: Sequence[Location], share: float) -> Location:
    """
    >>> _point_on([Location(lat=0, lon=0), Location(lat=0, lon=1), Location(lat=0, lon=3)], 0.5)
    Location(lat=0.0, lon=1.5)
    """
    lengths = [metres_between(one, other) for one, other in pairwise(line)]
    rest = share * sum(lengths)
    for (one, other), length in zip(pairwise(line), lengths, strict=True):
        if rest <= length and length:
            part = rest / length
            lat, lon = one.lat + part * (other.lat - one.lat), one.lon + part * (other.lon - one.lon)
            return Location(lat=round(lat, 7), lon=round(lon, 7))
        rest -= length
    return line[-1]


def _apart(doors: Sequence[Door]) -> list[Door]:
    """The doors without those that stand beside an earlier one of the same number."""
    kept: list[Door] = []
    for door in doors:
        same = [other for other in kept if other.number == door.number]
        if not any(metres_between(other.location, door.location) <= SAME_DOOR_M for other in same):
            kept.append(door)
    return kept


def _gap(one: HouseNumber, other: HouseNumber) -> int:
    return max(one.first - other.last, other.first - one.last, 0)


def _candidate(door: Door, quality: PinQuality, score: float, source: str, postcode: str = "") -> Candidate:
    wanted = plain_postcode(postcode)
    filed = wanted if wanted in door.postcodes else min(door.postcodes, default="")
    place = " ".join(filter(None, [filed, door.city]))
    number = str(door.number) if door.number.first else ""
    return Candidate(
        location=door.location,
        label=", ".join(filter(None, [" ".join(filter(None, [door.street, number])), place])),
        street=door.street,
        house_number=number,
        postcode=filed,
        city=door.city,
        quality=quality,
        score=score,
        source=source,
    )


def candidate_of(door: Door, *, quality: PinQuality, score: float, source: str) -> Candidate:
    """A known door as a candidate, under the first of its postcodes."""
    return _candidate(door, quality, score, source)


def candidate_of_house(name: str, door: Door, *, quality: PinQuality, score: float, named: bool = False) -> Candidate:
    """A house that has a name as a candidate: under its number, or its name where it has none, or `named` both."""
    found = _candidate(door, quality, score, "gazetteer")
    return (
        replace(found, label=", ".join(filter(None, [name, found.label]))) if named or not door.number.first else found
    )


def not_found(why: str) -> Located:
    return Located(quality=PinQuality.NOT_FOUND, candidates=(), why=why)


def unusable(text: str) -> str:
    """Why a text cannot be an address at all; empty when it may be one."""
    if len(text) > MAX_LENGTH:
        return (
            f"This is too long for an address ({len(text):,} characters, at most {MAX_LENGTH}). "
            "Write street, number and city."
        )
    if "\u202e" in text:
        return "A hidden sign turns the text round (U+202E), so that it reads otherwise than it looks. Write it again."
    if not clean(text):
        return "There is no address. Write street, number and city, or set the pin."
    if not _LETTER_OR_DIGIT.search(text):
        return f'"{_short(clean(text))}" is no address. Write street, number and city, or set the pin.'
    return ""


def _as(candidate: Candidate, quality: PinQuality) -> Candidate:
    score = candidate.score if quality.goes_on else min(candidate.score, 90.0)
    return replace(candidate, quality=quality, score=score)


def _said(reading: Reading) -> str:
    return f"{reading.street} {reading.number}" if reading.number else reading.street


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
