"""The regions of an installation: a folder for each, built from an extract of OpenStreetMap.

<home>/<name>/            region.json, region.osm.pbf, osrm/, road_graph/, basemap.pmtiles, addresses.db
<home>/.<name>.builds/    what <name> points into; builds that were interrupted are swept by the next one
<home>/.<name>.fetched/   what was fetched of a place, until its region is built
<home>/.default           the name of the region that is meant when none is named
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from routing.engines.roads.facts import FACTS_FILE, RegionFacts, load_facts
from routing.errors import InvalidInput, NotFound, RegionError

if TYPE_CHECKING:
    from routing.engines.roads.needs import Needs
    from routing.engines.roads.overpass import OsmServers

ADDRESSES_FILE = "addresses.db"

_SHARE_OF_FETCHING = 0.4
_KEEP_FETCHED_S = 24 * 3600

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class Regions:
    """The regions under a folder. Values are read from disk each time, so every process sees a new build at once."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def add(self, name: str, pbf: Path, progress: Callable[[str, float], None], *, source: str = "") -> RegionFacts:
        """Build the region, or build it again; the first one of an installation becomes the default.

        `source` is what the file was called when it was sent; left out, its name. `progress` hears each step and the
        share done. Raises InvalidInput for a name that is no folder's name, FileRefused for an extract that cannot be
        used, RegionError when the build fails; a region that is in use stays then.
        """
        check_name(name)
        return self._build(name, pbf, progress, source=source or pbf.name)

    def add_place(
        self,
        name: str,
        place: str,
        progress: Callable[[str, float], None],
        *,
        servers: OsmServers,
        sleep: Callable[[float], None] = time.sleep,
        tell_needs: Callable[[Needs, float], None] | None = None,
    ) -> RegionFacts:
        """The same from the name of a place, fetched from these servers. What was fetched is kept until the region is
        built, for a day: a fetch that was interrupted goes on where it stood. `tell_needs` hears, before anything is
        fetched, what the build will need by the place's area, and that area in square kilometres.

        Raises InvalidInput, RegionError, and whatever `progress` raises to stop it.
        """
        check_name(name)
        from routing.engines.roads.needs import needs_of_place, refuse_too_little
        from routing.engines.roads.overpass import fetch_place, find_place

        folder = self.home / f".{name}.fetched"
        _forget_old(folder)
        cache = folder / "answers"
        cache.mkdir(parents=True, exist_ok=True)

        def fetching(step: str, share: float) -> None:
            progress(step, share * _SHARE_OF_FETCHING)

        def building(step: str, share: float) -> None:
            progress(step, _SHARE_OF_FETCHING + share * (1 - _SHARE_OF_FETCHING))

        fetching("find the place", 0.0)
        outline = find_place(place, servers, cache=cache, tell=fetching, sleep=sleep)
        # Said now rather than after an hour of fetching.
        needs = needs_of_place(outline.area_km2)
        if tell_needs is not None:
            tell_needs(needs, outline.area_km2)
        refuse_too_little(needs, self.home, name)
        pbf = folder / "place.osm.pbf"
        fetched = fetch_place(outline, pbf, servers, cache=cache, tell=fetching, sleep=sleep)
        facts = self._build(name, pbf, building, source=fetched.found)
        shutil.rmtree(folder, ignore_errors=True)
        return facts

    def _build(self, name: str, pbf: Path, progress: Callable[[str, float], None], *, source: str) -> RegionFacts:
        # Imported here because every page lists regions, and only a build needs what builds them.
        from routing.engines.addresses.gazetteer_build import build_gazetteer
        from routing.engines.roads.build import build_region

        facts = build_region(
            pbf=pbf,
            into=self.home / name,
            name=name,
            source=source,
            progress=progress,
            extra_steps=[("addresses", lambda extract, folder: build_gazetteer(extract, folder / ADDRESSES_FILE))],
        )
        if not self._default_file.exists():
            self.make_default(name)
        return facts

    def list(self) -> tuple[RegionFacts, ...]:
        """All regions by name that can be used; `broken` are the others."""
        return tuple(facts for _, facts in self._read() if isinstance(facts, RegionFacts))

    def knows(self, name: str) -> bool:
        """Whether there is a region of that name, also one that cannot be read."""
        return name in self._names()

    def broken(self) -> dict[str, str]:
        """What is wrong with each region whose facts cannot be read, in a sentence, by name. The others work on."""
        return {name: str(problem) for name, problem in self._read() if isinstance(problem, RegionError)}

    def _read(self) -> Iterator[tuple[str, RegionFacts | RegionError]]:
        for name in self._names():
            try:
                yield name, load_facts(self.home / name)
            except RegionError as problem:
                yield name, problem

    def facts(self, name: str) -> RegionFacts:
        """Raises NotFound, RegionError."""
        return load_facts(self.directory(name))

    def directory(self, name: str) -> Path:
        """The folder of a built region. Raises NotFound."""
        directory = self.home / name
        if not _NAME.fullmatch(name) or not (directory / FACTS_FILE).is_file():
            known = ", ".join(self._names())
            raise NotFound(
                f'There is no region "{name[:60]}"{f"; there is {known}" if known else ""}. '
                'Build it: backroute region add NAME --place "TOWN, COUNTRY"',
                code="region_not_found",
                region=name,
            )
        return directory

    def default(self) -> RegionFacts:
        """The region that is meant when none is named. Raises NotFound when there is none, RegionError when the one
        that was chosen is broken: another city's roads would answer wrongly."""
        names = self._names()
        if not names:
            raise NotFound(
                'There is no region yet. Build one: backroute region add NAME --place "TOWN, COUNTRY"',
                code="region_not_found",
            )
        chosen = self._chosen()
        if chosen in names:
            return self.facts(chosen)
        return next(iter(self.list()), None) or self.facts(names[0])

    def _chosen(self) -> str:
        return self._default_file.read_text(encoding="utf-8").strip() if self._default_file.exists() else ""

    def make_default(self, name: str) -> None:
        """Raises NotFound."""
        self.directory(name)
        fresh = self._default_file.with_name(f".default.{os.getpid()}")
        fresh.write_text(name + "\n", encoding="utf-8")
        os.replace(fresh, self._default_file)

    def remove(self, name: str) -> None:
        """Deletes the region from this disk, and what interrupted builds left of it; the first that is left becomes the
        one that is meant when none is named.

        Raises NotFound when there is nothing of that name, RegionError while it is being built.
        """
        check_name(name)
        builds, fetched = self.home / f".{name}.builds", self.home / f".{name}.fetched"
        if not builds.is_dir() and not fetched.is_dir():
            self.directory(name)  # says which there are
        if builds.is_dir():
            from routing.engines.roads.build import only_builder

            with only_builder(builds, name):
                # Gone from the list first: nobody may meet half of it.
                (self.home / name).unlink(missing_ok=True)
                shutil.rmtree(builds)
        elif (self.home / name).is_symlink():
            (self.home / name).unlink()
        shutil.rmtree(fetched, ignore_errors=True)
        names = self._names()
        if names and self._chosen() not in names:
            self.make_default(names[0])

    @property
    def _default_file(self) -> Path:
        return self.home / ".default"

    def _names(self) -> tuple[str, ...]:
        if not self.home.is_dir():
            return ()
        return tuple(sorted(at.name for at in self.home.iterdir() if _NAME.fullmatch(at.name) and _is_built(at)))


def _forget_old(folder: Path) -> None:
    """A place fetched again another day is fetched anew: that is what it is fetched again for."""
    if folder.is_dir() and time.time() - folder.stat().st_ctime > _KEEP_FETCHED_S:
        shutil.rmtree(folder, ignore_errors=True)


def _is_built(directory: Path) -> bool:
    return (directory / FACTS_FILE).is_file()


def check_name(name: str) -> None:
    """Raises InvalidInput for a name that is no folder's name."""
    if not _NAME.fullmatch(name):
        suggestion = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:63] or "city"
        raise InvalidInput(
            f'"{name[:80]}" cannot name a region: use small letters, digits, "-" and "_", at most 63. '
            f'For example "{suggestion}".',
            code="region_name",
            region=name,
        )
