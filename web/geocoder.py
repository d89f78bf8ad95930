"""The address provider of this installation: off until one is named, its key only in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from data.db import Database
from data.store import open_store
from routing.engines.addresses.providers import ProviderSettings
from routing.model.places import Candidate
from routing.rules.provider_terms import TERMS
from web.clock import wall_clock

SETTING = "geocoder"
KEY = "BACKROUTE_GEOCODER_KEY"


class KeptAnswers:
    """Answers in the database, each for as long as its provider's terms allow; what they forbid is never written."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def kept_answer(self, provider: str, address_key: str) -> tuple[Candidate, ...] | None:
        with open_store(self.database) as store:
            return store.kept_answer(provider=provider, address_key=address_key, now=wall_clock())

    def keep_answer(self, provider: str, address_key: str, candidates: Sequence[Candidate]) -> None:
        keep, now = TERMS[provider].keep, wall_clock()
        if not keep:
            return
        with open_store(self.database) as store:
            store.keep_answer(
                provider=provider, address_key=address_key, candidates=candidates, now=now, until=now + keep
            )


def provider_settings(setting: Mapping[str, Any] | None) -> ProviderSettings | None:
    """What was set, with the key from the environment; None while no provider is named."""
    if not setting or setting.get("provider") not in TERMS:
        return None
    return ProviderSettings(
        name=str(setting["provider"]),
        domain=str(setting.get("domain", "")),
        scheme=str(setting.get("scheme", "https")),
        contact=str(setting.get("contact", "")),
        key=os.environ.get(KEY, ""),
    )
