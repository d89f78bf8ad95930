"""Address providers on the network, asked through geopy, only where the region's own gazetteer is not sure.

What a provider says is offered to a person and never goes on by itself. Its key stands in no sentence and no log: the
text of an error is ours, because geopy's may repeat the address that was asked, key included.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from geopy import geocoders
from geopy.exc import (
    GeocoderAuthenticationFailure,
    GeocoderInsufficientPrivileges,
    GeocoderQuotaExceeded,
    GeocoderRateLimited,
    GeocoderTimedOut,
    GeopyError,
)

from routing.engines.addresses.geocoder import GeocoderFinder
from routing.engines.addresses.provider_web import BoundedAdapter
from routing.errors import InvalidInput
from routing.model.places import Bounds, Candidate, Located, Location, PinQuality
from routing.rules.address import MAX_CANDIDATES
from routing.rules.provider_terms import TERMS
from routing.rules.spelling import clean, fold

# geopy writes every address that it asks into its debug log, key included.
logging.getLogger("geopy").setLevel(logging.WARNING)

TIMEOUT_S = 5.0
REST_S, LONGEST_REST_S = 60.0, 3600.0
"""A provider that failed is left alone so long, or for as long as it asks, an hour at most: a whole import shall
not wait for it."""

_ASKED = (PinQuality.NOT_FOUND, PinQuality.STREET, PinQuality.APPROXIMATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """`domain` and `scheme` for a server of one's own; `contact` identifies us, as public servers ask."""

    name: str
    domain: str = ""
    scheme: str = "https"
    contact: str = ""
    key: str = ""


class KeepsAnswers(Protocol):
    def kept_answer(self, provider: str, address_key: str) -> tuple[Candidate, ...] | None: ...

    def keep_answer(self, provider: str, address_key: str, candidates: Sequence[Candidate]) -> None: ...


class ProviderFailed(Exception):
    """The provider gave no answer; the text is a sentence without any key."""


class Provider:
    """One provider behind its rate limit. Threads share it."""

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.name, self.terms = settings.name, TERMS[settings.name]
        self._geocoder = _geocoder(settings, timeout_s)
        self._clock, self._sleep = clock, sleep
        self._turn = threading.Lock()
        self._next = 0.0
        self._resting = ""

    def ask(self, text: str) -> tuple[Candidate, ...]:
        """What the provider finds, wherever it lies: `judged` says what is inside. Raises ProviderFailed."""
        with self._turn:
            now = self._clock()
            if self._resting and now < self._next:
                raise ProviderFailed(self._resting)
            self._resting = ""
            if now < self._next:
                self._sleep(self._next - now)
            self._next = max(now, self._next) + self.terms.every.total_seconds()
            try:
                found = self._geocoder.geocode(text, exactly_one=False) or []
                return tuple(_candidate(each, self.name) for each in found[: 2 * MAX_CANDIDATES])
            except GeopyError as error:
                sentence, rest_s = _said(error, self.terms.title)
                if rest_s:
                    self._resting, self._next = sentence, self._clock() + rest_s
                raise ProviderFailed(sentence) from None
            # JSON that geopy does not expect, or no place on earth.
            except (ValueError, TypeError, LookupError, AttributeError, RecursionError, InvalidInput):
                raise ProviderFailed(f"{self.terms.title} gave an answer that cannot be read.") from None


def judged(found: Sequence[Candidate], bounds: Bounds) -> tuple[Candidate, ...]:
    """The candidates by the bounds as they are now, inside first: a kept answer may be older than the region."""
    qualities = (PinQuality.APPROXIMATE if bounds.holds(each.location) else PinQuality.OUTSIDE for each in found)
    now = [replace(each, quality=quality) for each, quality in zip(found, qualities, strict=True)]
    return tuple(sorted(now, key=lambda each: each.quality is PinQuality.OUTSIDE)[:MAX_CANDIDATES])


class FinderWithProvider:
    """Fits AddressFinder: the gazetteer first, the provider for what it did not find; what that says is never sure."""

    def __init__(self, finder: GeocoderFinder, provider: Provider, answers: KeepsAnswers) -> None:
        self.finder, self.provider, self.answers = finder, provider, answers

    def locate(self, address: str, *, postcode: str = "", city: str = "") -> Located:
        own = self.finder.locate(address, postcode=postcode, city=city)
        is_point = "://" in address or any(each.source == "coordinates" for each in own.candidates)
        if own.quality not in _ASKED or is_point:
            return own
        text = clean(", ".join(filter(None, [address, f"{postcode} {city}".strip()])))[:300]
        if not any(letter.isalpha() for letter in text) or not any(digit.isdigit() for digit in text):
            return own
        try:
            found = self._answer(text)
        except ProviderFailed as failed:
            return replace(own, why=f"{own.why} {failed}")
        inside = [each for each in found if each.quality is not PinQuality.OUTSIDE]
        if not inside:
            return own
        sentence = f"{self.provider.terms.title} says {inside[0].label[:120]}. Confirm or correct it."
        if own.quality is PinQuality.NOT_FOUND:
            best = replace(inside[0], quality=PinQuality.APPROXIMATE)
            candidates = (best, *inside[1:], *own.candidates)[:MAX_CANDIDATES]
            return Located(quality=PinQuality.APPROXIMATE, candidates=candidates, why=f"{own.why} {sentence}")
        candidates = (*own.candidates[: MAX_CANDIDATES - 1], *inside)[:MAX_CANDIDATES]
        return replace(own, candidates=candidates)

    def _answer(self, text: str) -> tuple[Candidate, ...]:
        key, name = fold(text), self.provider.name
        found = self.answers.kept_answer(name, key)
        if found is None:
            found = self.provider.ask(text)
            self.answers.keep_answer(name, key, found)
        return judged(found, self.finder.geocoder.gazetteer.coverage.bounds)

    def reverse(self, location: Location) -> Located:
        return self.finder.reverse(location)


def _geocoder(settings: ProviderSettings, timeout_s: float) -> Any:
    where = {"domain": settings.domain} if settings.domain else {}
    agent = f"backroute ({settings.contact or 'self-hosted'})"
    common = {
        "timeout": timeout_s,
        "scheme": settings.scheme,
        "user_agent": agent,
        # The other adapter asks a failing server three times over, and logs the address it asked, key included.
        "adapter_factory": BoundedAdapter,
    }
    match settings.name:
        case "nominatim":
            return geocoders.Nominatim(**where, **common)
        case "photon":
            return geocoders.Photon(**where, **common)
        case "pelias":
            return geocoders.Pelias(settings.domain, settings.key or None, **common)
        case "opencage":
            return geocoders.OpenCage(settings.key, **where, **common)
        case "google":
            return geocoders.GoogleV3(settings.key, **where, **common)
        case "here":
            here = geocoders.HereV7(settings.key, **common)
            if settings.domain:  # geopy would put "geocode." before it
                here.api = f"{settings.scheme}://{settings.domain}/v1/geocode"
            return here
        case unknown:
            raise ValueError(f"Nothing here asks {unknown}, whose terms are known.")


def _candidate(found: Any, source: str) -> Candidate:
    at = Location(lat=found.latitude, lon=found.longitude)
    label = clean(str(found.address or ""))[:200] or f"{at.lat:.6f}, {at.lon:.6f}"
    quality = PinQuality.APPROXIMATE
    return Candidate(location=at, label=label, street="", house_number="", quality=quality, score=50.0, source=source)


def _rest_s(asked: float | None) -> float:
    """
    >>> _rest_s(120), _rest_s(None), _rest_s(2e9), _rest_s(float("nan"))
    (120.0, 60.0, 3600.0, 60.0)
    """
    return min(float(asked), LONGEST_REST_S) if asked is not None and asked > 0 else REST_S


def _said(error: GeopyError, title: str) -> tuple[str, float]:
    """(a sentence without anything that was sent, seconds to leave the provider alone)"""
    if isinstance(error, GeocoderRateLimited):
        return f"{title} was asked too often; it is left alone for a while.", _rest_s(error.retry_after)
    if isinstance(error, GeocoderQuotaExceeded):
        return f"{title} answers no more questions for now.", REST_S
    if isinstance(error, GeocoderAuthenticationFailure | GeocoderInsufficientPrivileges):
        return f"{title} does not accept the key. Check BACKROUTE_GEOCODER_KEY.", REST_S
    if isinstance(error, GeocoderTimedOut):
        return f"{title} took too long to answer.", REST_S
    return f"{title} could not be asked.", REST_S
