"""An icon that was never fetched is an empty hole in a button."""

from __future__ import annotations

import re
from pathlib import Path

from web.app import create_app

WEB = Path(create_app.__code__.co_filename).parent
NAMED = re.compile(r"""icon=["']([a-z0-9-]+)["']|ui\.icon\(["']([a-z0-9-]+)["']""")


def test_every_icon_that_a_page_names_is_there() -> None:
    sprite = set(re.findall(r'id="([a-z0-9-]+)"', (WEB / "static/vendor/icons.svg").read_text()))
    named = {
        (one or other, page.name)
        for page in (WEB / "templates").rglob("*.html")
        for one, other in NAMED.findall(page.read_text())
    }
    assert len(named) > 50
    assert {(icon, page) for icon, page in named if icon not in sprite} == set()
