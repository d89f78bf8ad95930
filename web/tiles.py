"""The tile server of somebody else, where one is named; without one a map is drawn from the region's own tiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g

from data.store import SqlStore
from routing.errors import InvalidInput
from routing.rules.tile_server import origin_of, wrong_credit, wrong_tiles
from web.here import here

SETTING = "tile_server"


@dataclass(frozen=True, slots=True, kw_only=True)
class TileServer:
    """`url` with {z}, {x} and {y}; `credit` says whose map it is, as text."""

    url: str
    credit: str

    @property
    def origin(self) -> str:
        return origin_of(self.url)


def tile_server_of(store: SqlStore) -> TileServer | None:
    """The one that is named; None for our own tiles, also where what was kept can be no server any more."""
    kept: Mapping[str, Any] = store.setting(SETTING) or {}
    url, credit = str(kept.get("url", "")), str(kept.get("credit", ""))
    if wrong_tiles(url) or wrong_credit(credit):
        return None
    return TileServer(url=url, credit=credit)


def set_tile_server(
    store: SqlStore, *, url: str, credit: str, https_only: bool, by: str, now: datetime
) -> TileServer | None:
    """Names the server, or with an empty `url` goes back to our own tiles. Raises InvalidInput."""
    if not url:
        store.set_setting(name=SETTING, value={}, by=by, now=now)
        return None
    if why := wrong_tiles(url, https_only=https_only):
        raise InvalidInput(f"{why}.", code="tiles")
    if why := wrong_credit(credit):
        raise InvalidInput(f"{why}.", code="credit")
    store.set_setting(name=SETTING, value={"url": url, "credit": credit.strip()}, by=by, now=now)
    return TileServer(url=url, credit=credit.strip())


def tile_server() -> TileServer | None:
    """The one that the pages of this request draw from."""
    if "tile_server" not in g:
        g.tile_server = None
        if not g.get("without_database"):
            with here().database.reading() as connection:
                g.tile_server = tile_server_of(SqlStore(connection))
    found: TileServer | None = g.tile_server
    return found
