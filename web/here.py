"""The installation that this request is served by: its database, clock, regions and secret."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from web.wiring import Installation


def here() -> Installation:
    return cast("Installation", current_app.extensions["backroute"])


def now() -> datetime:
    """The present by the installation's clock (the demo has its own), zoned UTC."""
    return here().clock.now()
