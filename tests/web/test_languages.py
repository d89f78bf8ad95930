"""The customer's and the driver's pages speak Finnish and Swedish: nothing is left in English by oversight."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from web.languages import CATALOGS

WEB = CATALOGS.parent
PAGES = [
    *sorted((WEB / "templates" / "customer").glob("*.html")),
    *sorted((WEB / "templates" / "driver").glob("*.html")),
    *sorted((WEB / "templates" / "people").glob("*.html")),
    WEB / "templates" / "base.html",
    WEB / "templates" / "error.html",
    WEB / "templates" / "_components.html",
    *sorted((WEB / "driver").glob("*.py")),
    *sorted((WEB / "customer").glob("*.py")),
    WEB / "errors.py",
    WEB / "people.py",
]


def words_of(page: Path) -> set[str]:
    method = "jinja2" if page.suffix == ".html" else "python"
    return {str(message) for _line, message, _comments, _context in extract_from_file(method, page)}


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_every_sentence_of_these_pages_is_translated(language: str) -> None:
    with (CATALOGS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    translated = {str(message.id) for message in catalog if message.id and message.string and not message.fuzzy}
    missing = {word: page.name for page in PAGES for word in words_of(page) if word not in translated}
    assert missing == {}


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_a_translation_names_what_the_english_names(language: str) -> None:
    with (CATALOGS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    for message in catalog:
        if message.id:
            named = [sorted(re.findall(r"%\(\w+\)s|%\d", str(text))) for text in (message.id, message.string)]
            assert named[0] == named[1], message.id
