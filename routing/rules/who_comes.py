"""Who comes to a door: the drivers who know it, the only vehicles that may, and the one that comes as a rule. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from routing.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoComes:
    """Numbers of the fleet, each once and sorted. Nobody in `known_to`: everybody knows it; nothing in `vehicles`: any
    may come; no `run`: none comes as a rule. As a site's columns have them, `;` between."""

    known_to: tuple[str, ...] = ()
    vehicles: tuple[str, ...] = ()
    run: str = ""

    def columns(self) -> dict[str, str]:
        return {"known_to": ";".join(self.known_to), "vehicles": ";".join(self.vehicles), "run": self.run}


def numbers(text: str) -> tuple[str, ...]:
    """The numbers in a column.

    >>> numbers("V-2; V-1;;V-2")
    ('V-1', 'V-2')
    """
    return tuple(sorted({part.strip() for part in text.split(";")} - {""}))


def who_comes(wanted: WhoComes, *, drivers: Collection[str], vehicles: Collection[str], before: WhoComes) -> WhoComes:
    """What a person may say of a door. Drivers whom a file named and nobody has stay until they are taken out.

    >>> vans, nobody = ("V-1", "V-2"), WhoComes()
    >>> who_comes(WhoComes(vehicles=("V-2", "V-2"), run="V-2"), drivers=(), vehicles=vans, before=nobody)
    WhoComes(known_to=(), vehicles=('V-2',), run='V-2')
    >>> who_comes(WhoComes(vehicles=("V-2",), run="V-1"), drivers=(), vehicles=vans, before=nobody)
    Traceback (most recent call last):
    routing.errors.InvalidInput: V-1 may not come there, so it is no run. Add it to those that may, or choose another.

    Raises InvalidInput, also for a number that nobody has.
    """
    _known("driver", wanted.known_to, {*drivers, *before.known_to})
    _known("vehicle", wanted.vehicles, vehicles)
    _known("vehicle", filter(None, [wanted.run]), vehicles)
    if wanted.vehicles and wanted.run and wanted.run not in wanted.vehicles:
        raise InvalidInput(
            f"{wanted.run} may not come there, so it is no run. Add it to those that may, or choose another.",
            code="run",
        )
    return WhoComes(
        known_to=tuple(sorted(set(wanted.known_to))), vehicles=tuple(sorted(set(wanted.vehicles))), run=wanted.run
    )


def _known(what: str, named: Iterable[str], there: Collection[str]) -> None:
    for number in named:
        if number not in there:
            raise InvalidInput(f'There is no {what} "{number[:40]}". Choose one of the fleet.', code=what)
