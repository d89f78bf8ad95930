"""In which language a page is written, and where its words come from."""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, request
from flask_babel import Babel, Domain, get_locale
from flask_login import current_user

LANGUAGES = ("en", "fi", "sv")
CATALOGS = Path(__file__).parent / "translations"


class PoDomain(Domain):
    """Reads the .po files themselves: what a translator edits is what the page says, with no step between."""

    def __init__(self) -> None:
        super().__init__(translation_directories=[str(CATALOGS)])
        self._read = {language: read_catalog(language) for language in LANGUAGES}

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        return self._read.get(locale.language if locale else "en", self._read["en"])


def read_catalog(language: str) -> NullTranslations:
    """The words of a language; the English ones are in the templates themselves."""
    path = CATALOGS / language / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as file:
        catalog = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled, "messages")


def speak(language: str) -> None:
    """This request is answered in the language of the person whom the page is for, not of their browser."""
    if language in LANGUAGES:
        g.language = language


def choose_language() -> str:
    """The person's own, else the browser's, else English."""
    if "language" in g:
        return str(g.language)
    if current_user and current_user.is_authenticated and current_user.language in LANGUAGES:
        return str(current_user.language)
    return request.accept_languages.best_match(LANGUAGES) or "en"


def register_languages(app: Flask) -> None:
    app.config["BABEL_DEFAULT_TIMEZONE"] = "UTC"
    Babel(app, locale_selector=choose_language)
    app.extensions["babel"].instance.domain_instance = PoDomain()
    app.jinja_env.globals["language"] = lambda: str(get_locale() or "en")
