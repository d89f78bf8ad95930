"""The stylesheets: every token that is used is defined, because a browser says nothing of one that is not."""

from __future__ import annotations

import re
from pathlib import Path

STATIC = Path(__file__).parents[2] / "web" / "static"


def test_every_token_that_a_stylesheet_uses_is_defined() -> None:
    sheets = {each.name: each.read_text() for each in sorted((STATIC / "css").glob("*.css"))}
    scripts = "".join(each.read_text() for each in sorted((STATIC / "js").glob("*.js")))
    defined = set(re.findall(r"(--[\w-]+)\s*:", "".join(sheets.values())))
    defined |= set(re.findall(r"""setProperty\(["'`](--[\w-]+)""", scripts))
    used = {(name, token) for name, text in sheets.items() for token in re.findall(r"var\((--[\w-]+)", text)}
    assert len(used) > 100
    assert sorted((name, token) for name, token in used if token not in defined) == []
