"""The link that opens a route on its driver's phone, and its code to scan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import segno
from markupsafe import Markup
from sqlalchemy import Connection

from data.queries.board import driver_links
from data.store import SqlStore
from routing.errors import NotAllowed
from web.here import here


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLink:
    """A driver's link with its code to scan."""

    address: str
    code: Markup
    expires_at: datetime


def link_of(connection: Connection, shift_id: int) -> OpenLink | None:
    """None when the route was never dispatched or its link was taken back."""
    found = driver_links(connection, [shift_id]).get(shift_id)
    if found is None:
        return None
    try:
        token = SqlStore(connection).link_token(link_id=found.link_id, secret=here().secret)
    except NotAllowed:
        return None
    address = here().address(f"/d/{token}")
    code = segno.make(address, error="m").svg_inline(scale=4, border=3, dark="#000", light="#fff")
    return OpenLink(address=address, code=Markup(code), expires_at=found.expires_at)
