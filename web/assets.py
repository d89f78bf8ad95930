"""The addresses of what pages load: files of ours, and a region's map."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import url_for

from routing.engines.roads.facts import BASEMAP_FILE
from routing.errors import NotFound
from web.here import here
from web.tiles import tile_server

STATIC = Path(__file__).parent / "static"


def asset(path: str) -> str:
    """The address of a file under web/static, with its content's hash: cached for a year, never stale."""
    return url_for("static", filename=path, v=_fingerprint(path, (STATIC / path).stat().st_mtime_ns))


@lru_cache(maxsize=512)
def _fingerprint(path: str, _changed_ns: int) -> str:
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]


def basemap_url(region: str) -> str:
    """The address of a region's map tiles, or the template of the tile server that was named instead; empty when there
    is neither, and then a page shows no map."""
    if (served := tile_server()) is not None:
        return served.url
    if not region:
        return ""
    try:
        folder = here().regions.directory(region)
    except NotFound:
        return ""
    tiles = folder / BASEMAP_FILE
    if not tiles.is_file():
        return ""
    # A region that was built again has other tiles: what a browser kept of the old ones is not joined to them.
    return url_for("basemap", region=region, v=f"{tiles.stat().st_mtime_ns:x}")
