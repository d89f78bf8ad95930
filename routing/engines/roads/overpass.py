"""A place by its name: its outline from Nominatim, what lies in it from Overpass, written as an extract.

osmnx does the talking: it geocodes, cuts a large outline into pieces, asks one piece after another when the server has
a slot, and keeps every answer in `cache`, so what was interrupted goes on where it stood. Its own wait after "too many
requests" has no end and cannot be stopped, so that wait is ours.

Every way comes with all of its nodes and every turn restriction with its ways, unlike in an extract that was cut.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import shutil
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from urllib.parse import urljoin

import requests
import shapely
import urllib3
from shapely.geometry.base import BaseGeometry

from routing.engines.roads.extract_apart import merge_apart, write_apart
from routing.engines.roads.osmnx_settings import osmnx_set
from routing.engines.roads.programs import Stop
from routing.engines.same_server import is_same_server
from routing.errors import InvalidInput, NotFound, RegionError

OVERPASS_URL = "https://overpass-api.de/api"
NOMINATIM_URL = "https://nominatim.openstreetmap.org/"

# Beyond this a ready extract is kinder to the servers, which others share, and quicker.
MAX_AREA_KM2 = 5_000.0
MAX_NAME = 200

# A town's limits cut its ring road, so what lies just outside is taken too.
_MARGIN_M = 500.0
# An answer is a document in memory: 25 km² of a dense city are some 40 MB of it.
_PIECE_KM2 = 25.0
_SMALLEST_PIECE_KM2 = 0.2
_WAITS_S = (15.0, 30.0, 60.0, 120.0)
_LONGEST_WAIT_S = 600.0
# The whole of an answer, from its first byte on: a server that sends a byte now and then is never too slow for each.
_LONGEST_ANSWER_S = 900.0
_MOST_BYTES = 200_000_000
_READ_AT_ONCE = 16 * 1024
_TOLD_EVERY_S = 0.5
_TAKEN = "Currently"
_BUSY = (429, 503, 504)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")

# What the roads, the addresses and the map are made of, as Overpass filters by kind of thing.
_WANTED = (
    'nwr[~"^addr:"~"."]',
    'way["building"]', 'rel["building"]',
    'way["landuse"]', 'rel["landuse"]',
    'way["leisure"]', 'rel["leisure"]',
    'way["natural"]', 'rel["natural"~"^(water|wood|beach|sand|scrub|grassland|heath)$"]', 'node["natural"]["name"]',
    'way["waterway"]', 'rel["waterway"~"^(riverbank|dock)$"]',
    'way["amenity"~"^(college|grave_yard|hospital|kindergarten|school|university)$"]',
    'rel["amenity"~"^(college|grave_yard|hospital|kindergarten|school|university)$"]',
    'way["aeroway"]', 'way["man_made"="pier"]', 'way["railway"]', 'way["tourism"="zoo"]', 'way["route"="ferry"]',
    'node["place"]', 'way["place"]', 'rel["place"="square"]',
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OsmServers:
    """Whom to ask. `timeout_s` bounds one question, on their side and on ours."""

    overpass_url: str = OVERPASS_URL
    nominatim_url: str = NOMINATIM_URL
    timeout_s: float = 180


class Told(Protocol):
    def __call__(self, step: str, share: float, /) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """`found` is the full name of the place that was found; `pieces` is in how many questions it was fetched."""

    found: str
    area_km2: float
    pieces: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    found: str
    area_km2: float
    shape: BaseGeometry


class _Busy(Exception):
    def __init__(self, said: str, wait_s: float = 0.0) -> None:
        super().__init__(said)
        self.wait_s = wait_s


class _TooMuch(Exception):
    """Overpass gave up in the middle of a piece, or there is more in it than is read at once."""


class _Telling:
    """Tells a progress, and again what it told last while an answer is read: a progress that is told may stop it."""

    def __init__(self, tell: Told, step: str) -> None:
        self._tell, self._last = tell, (step, 0.0)

    def __call__(self, step: str, share: float, /) -> None:
        self._last = step, share
        self._tell(step, share)

    def again(self) -> None:
        self._tell(*self._last)


def find_place(place: str, servers: OsmServers, *, cache: Path, tell: Told, sleep: Callable[[float], None]) -> Outline:
    """The outline of a place with a margin around it.

    Raises InvalidInput (no name, too large), NotFound, RegionError (the server); whatever `tell` raises stops it.
    """
    name = " ".join(place.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(
            f'A place is a name of 1 to {MAX_NAME} letters, for example "Ribe, Denmark".', code="place_name"
        )
    import osmnx

    telling = _Telling(tell, "find the place")
    with _asking(osmnx, servers, cache, telling):
        try:
            found = _patiently(
                lambda: osmnx.geocoder.geocode_to_gdf(name), "Nominatim", servers.nominatim_url, telling, sleep, cache
            )
            shape = found.geometry.iloc[0]
            full_name = str(found["display_name"].iloc[0])
            flat, zone = osmnx.projection.project_geometry(shape)
            wide = shapely.simplify(flat.buffer(_MARGIN_M), _MARGIN_M / 5)
            outline, _ = osmnx.projection.project_geometry(wide, crs=zone, to_latlong=True)
        except (TypeError, osmnx._errors.InsufficientResponseError) as nothing:
            raise NotFound(
                f'Nominatim knows no place with an outline called "{name}". Say the country too ("Ribe, Denmark"), '
                "or hand in an extract: --pbf FILE",
                code="place_not_found",
                place=name,
            ) from nothing
        except (KeyError, ValueError, AttributeError, _TooMuch) as nonsense:
            raise _nonsense("Nominatim", servers.nominatim_url, nonsense) from nonsense
    area_km2 = round(wide.area / 1e6, 1)
    if not 0 < area_km2 <= MAX_AREA_KM2:
        raise InvalidInput(
            f'"{full_name}" covers {area_km2:,.0f} km²; places up to {MAX_AREA_KM2:,.0f} km² are fetched piece by '
            "piece. Name a smaller place, or hand in an extract of it: --pbf FILE",
            code="place_too_large",
            place=name,
        )
    return Outline(found=full_name, area_km2=area_km2, shape=outline)


def fetch_place(
    outline: Outline,
    into: Path,
    servers: OsmServers,
    *,
    cache: Path,
    tell: Told,
    sleep: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Write what lies in the outline to `into`, a sorted .osm.pbf without duplicates.

    `tell` hears ("fetch the map", share) before each piece. Raises RegionError; whatever `tell` raises stops it.
    """
    import osmnx

    telling = _Telling(tell, "fetch the map")

    def fetching(share: float) -> Stop:
        return lambda: telling("fetch the map", share)

    with TemporaryDirectory(prefix="pieces-", dir=into.parent) as scratch:
        files: list[Path] = []
        dated: list[str] = []
        with _asking(osmnx, servers, cache, telling):
            waiting = [(piece, _PIECE_KM2) for piece in _pieces(osmnx, outline.shape, _PIECE_KM2)]
            while waiting:
                piece, km2 = waiting.pop()
                fetching(len(files) / (len(files) + len(waiting) + 1))()
                try:
                    answer = _answer_for(osmnx, piece, servers, cache, telling, sleep)
                except _TooMuch as gave_up:
                    if km2 / 4 < _SMALLEST_PIECE_KM2:
                        raise RegionError(
                            f"Overpass at {servers.overpass_url} gave up even on a small piece: {gave_up}. "
                            "Try again later, or name another server: BACKROUTE_OVERPASS_URL",
                            code="overpass_gave_up",
                        ) from gave_up
                    waiting += [(part, km2 / 4) for part in _pieces(osmnx, piece, km2 / 4)]
                    continue
                files.append(Path(scratch) / f"{len(files)}.osm.pbf")
                dated.append(_dated(answer))
                share = len(files) / (len(files) + len(waiting) + 1)
                try:
                    write_apart(answer["elements"], files[-1], called=outline.found, stop=fetching(share))
                except ValueError as nonsense:
                    raise _nonsense("Overpass", servers.overpass_url, nonsense) from nonsense
        # As old as its oldest piece.
        box = outline.shape.bounds
        merge_apart(files, into, box=box, dated=min(dated), called=outline.found, stop=fetching(0.99))
    return Fetched(found=outline.found, area_km2=outline.area_km2, pieces=len(files))


def question(piece: BaseGeometry, timeout_s: float) -> str:
    """What Overpass is asked about a piece: everything wanted, then the nodes of ways and the members of relations."""
    corners = " ".join(f"{lat:.6f} {lon:.6f}" for lon, lat in piece.exterior.coords)
    inside = f'(poly:"{corners}")'
    return (
        f"[out:json][timeout:{math.ceil(timeout_s)}];"
        f'way["highway"]{inside}->.roads;'
        f'(.roads;rel(bw.roads)["type"~"^restriction"];{"".join(f"{wanted}{inside};" for wanted in _WANTED)});'
        "(._;>;);out body qt;"
    )


def _answer_for(
    osmnx: Any, piece: BaseGeometry, servers: OsmServers, cache: Path, tell: Told, sleep: Callable[[float], None]
) -> dict[str, Any]:
    data = OrderedDict(data=question(piece, servers.timeout_s))

    url = servers.overpass_url.rstrip("/") + "/interpreter"
    kept = osmnx._http._check_cache(str(requests.Request("GET", url, params=data).prepare().url)) is not None

    def ask() -> Any:
        if not kept:
            # osmnx would ask for a free slot too, and then sleep in a way that nobody can stop.
            pause_s = 1.0
            # A slot that is free at no time that can be read says nothing.
            with _slots(osmnx.settings), contextlib.suppress(ValueError, IndexError):
                pause_s = osmnx._overpass._get_overpass_pause(servers.overpass_url, default_pause=1)
            _wait(min(pause_s, _LONGEST_WAIT_S), "Overpass", tell, sleep)
        return osmnx._overpass._overpass_request(data)

    try:
        answer: dict[str, Any] = _patiently(ask, "Overpass", servers.overpass_url, tell, sleep, cache)
    except osmnx._errors.InsufficientResponseError as nonsense:
        raise _nonsense("Overpass", servers.overpass_url, nonsense) from nonsense
    # Overpass says "timed out" or "out of memory" with a 200 and half an answer.
    if "error" in str(answer.get("remark", "")):
        raise _TooMuch(str(answer["remark"])[:200])
    if not isinstance(answer.get("elements"), list):
        raise _nonsense("Overpass", servers.overpass_url, KeyError("elements"))
    return answer


def _patiently(
    ask: Callable[[], Any], who: str, url: str, tell: Told, sleep: Callable[[float], None], cache: Path
) -> Any:
    """Ask until it answers: it may be busy or slow for a while, four times at most. Raises RegionError."""
    for tries, usual_s in enumerate((*_WAITS_S, math.inf)):
        try:
            return ask()
        except (_Busy, requests.exceptions.Timeout) as busy:
            wait_s = max(usual_s, busy.wait_s) if isinstance(busy, _Busy) else usual_s
            if not wait_s <= _LONGEST_WAIT_S:
                said = str(busy) if isinstance(busy, _Busy) else "it was too slow"
                raise RegionError(
                    f"{who} at {url} did not answer after {tries + 1} tries ({said}). What was fetched is kept: "
                    "run the same command again later, or name another server.",
                    code="osm_server_busy",
                ) from busy
            _wait(wait_s, who, tell, sleep)
        except json.JSONDecodeError:
            # Only osmnx's reading of its own cache lets this through: a file that a kill cut short.
            shutil.rmtree(cache, ignore_errors=True)
        except requests.exceptions.RequestException as gone:
            raise RegionError(
                f"{who} at {url} cannot be reached ({type(gone).__name__}). Check the network and the address.",
                code="osm_server_unreachable",
            ) from gone
        except Exception as refused:
            if type(refused).__name__ != "ResponseStatusCodeError":
                raise
            raise RegionError(
                f"{who} at {url} refused the question ({str(refused)[:200]}). Check the address of the server.",
                code="osm_server_refused",
            ) from refused
    raise AssertionError("the last wait is endless, so it was refused above")


def _wait(seconds: float, who: str, tell: Told, sleep: Callable[[float], None]) -> None:
    for _ in range(math.ceil(seconds)):
        tell(f"wait for {who}", 0.0)
        sleep(1.0)


@contextlib.contextmanager
def _slots(settings: Any) -> Iterator[None]:
    settings.overpass_rate_limit = True
    try:
        yield
    finally:
        settings.overpass_rate_limit = False


def _asking(osmnx: Any, servers: OsmServers, cache: Path, telling: _Telling) -> Any:
    def listen(response: requests.Response, *_: object, **__: object) -> None:
        with contextlib.closing(response):
            if response.status_code in _BUSY:
                asked = response.headers.get("Retry-After", "")
                raise _Busy(f"{response.status_code} {response.reason}", float(asked) if asked.isdigit() else 0.0)
            _refuse_another_server(response)
            _read(response, telling.again)
        if response.url.endswith("/status") and any(line.startswith(_TAKEN) for line in response.text.split("\n")[4:5]):
            # osmnx would ask again every five seconds, in a way that nobody can stop.
            raise _Busy("its slots are taken")

    agent = f"Backroute/{version('backroute')} (osmnx {version('osmnx')})"
    return osmnx_set(
        osmnx.settings,
        {
            "cache_folder": cache,
            "use_cache": True,
            "cache_only_mode": False,
            "doh_url_template": None,
            "http_referer": agent,
            "http_user_agent": agent,
            "log_console": False,
            "log_file": False,
            "nominatim_url": servers.nominatim_url,
            "overpass_rate_limit": False,
            "overpass_url": servers.overpass_url,
            "requests_kwargs": {"hooks": {"response": listen}, "stream": True},
            "requests_timeout": servers.timeout_s,
        },
    )


def _refuse_another_server(response: requests.Response) -> None:
    """Raises RegionError where the server sends on to another."""
    to = urljoin(response.url, response.headers.get("Location", ""))
    if response.is_redirect and not is_same_server(response.url, to):
        raise RegionError(
            f"{response.url[:120]} sends on to another server, {to[:120]}. Check the address of the server, or name "
            "the other one.",
            code="osm_server_redirects",
        )


def _read(response: requests.Response, again: Stop) -> None:
    """The body, as far as it is believed: so long and so slow as no answer is, it is given up.

    Raises _TooMuch, requests' own errors; whatever `again` raises stops it.
    """
    ends = told = time.monotonic()
    ends += _LONGEST_ANSWER_S
    body = bytearray()
    try:
        # What has come, not so many bytes as are asked for: each of those might be waited for.
        while piece := response.raw.read1(_READ_AT_ONCE, decode_content=True):
            body += piece
            now = time.monotonic()
            if len(body) > _MOST_BYTES:
                raise _TooMuch(f"its answer has more than {_MOST_BYTES / 1e6:g} MB")
            if now > ends:
                raise requests.exceptions.ReadTimeout("The answer did not end.")
            if now - told >= _TOLD_EVERY_S:
                told = now
                again()
    except urllib3.exceptions.TimeoutError as slow:
        raise requests.exceptions.ReadTimeout(str(slow)) from slow
    except urllib3.exceptions.HTTPError as torn:
        raise requests.exceptions.ChunkedEncodingError(str(torn)) from torn
    # As requests keeps what it has read itself.
    response._content, response._content_consumed = bytes(body), True


def _pieces(osmnx: Any, shape: BaseGeometry, km2: float) -> list[BaseGeometry]:
    """The shape cut into squares of at most `km2`, or where it is smaller than that, itself."""
    before = osmnx.settings.max_query_area_size
    osmnx.settings.max_query_area_size = km2 * 1e6
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="This area is .* times")
            corners = osmnx._overpass._make_overpass_polygon_coord_strs(shape)
    finally:
        osmnx.settings.max_query_area_size = before
    return [_polygon(each) for each in corners]


def _polygon(corners: str) -> BaseGeometry:
    numbers = [float(number) for number in corners.split()]
    return shapely.Polygon(list(zip(numbers[1::2], numbers[::2], strict=True)))


def _dated(answer: dict[str, Any]) -> str:
    """The moment of the map data, as Overpass says it; "" where it does not, for a header takes nothing else."""
    about = answer.get("osm3s")
    said = str(about.get("timestamp_osm_base", "")) if isinstance(about, dict) else ""
    try:
        datetime.fromisoformat(said)
    except ValueError:
        return ""
    return said if _MOMENT.fullmatch(said) else ""


def _nonsense(who: str, url: str, problem: Exception) -> RegionError:
    said = str(problem)[:120]
    said = said if isinstance(problem, _TooMuch) else f"{type(problem).__name__}: {said}"
    return RegionError(
        f"{who} at {url} answered something that is no answer ({said}). "
        "Check the address of the server, or try another.",
        code="osm_server_nonsense",
    )
