"""Vans are loaded while others decide about the same goods: who meets them begins anew instead of failing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from data.store import SqlStore
from routing.errors import Conflict
from routing.services.loading import Loaded
from tests.rounds import DAY
from tests.website import a_website
from web.cli import day, main
from web.dispatcher import board_day


class Meets:
    """Loading that meets somebody once."""

    def __init__(self) -> None:
        self.tries = 0

    def __call__(self, _store: Any, *, shift_id: int, **_said: Any) -> Loaded:
        self.tries += 1
        if self.tries == 1:
            raise Conflict("These goods were given to somebody else meanwhile. Read again and decide again.")
        return Loaded(shift_id=shift_id, vehicle="Van 1", deliveries=3, units=7, already=0)


def test_the_board_loads_a_van_that_met_somebody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = Meets()
    monkeypatch.setattr(board_day, "load_route", load)
    with a_website(tmp_path / "home") as website:
        website.app.config["WTF_CSRF_ENABLED"] = False
        answer = website.signed_in().post("/plan/load", data={"shift": 1}, headers={"Accept": "application/json"})
    assert answer.json == {"loaded": 3}
    assert load.tries == 2


def test_the_command_loads_a_van_that_met_somebody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = Meets()
    monkeypatch.setattr(day, "load_route", load)
    monkeypatch.setattr(SqlStore, "routes_of_day", lambda *_args, **_said: (1,))
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path))
    with a_website(tmp_path) as website:
        website.a_round()
    CliRunner().invoke(main, ["dispatch", "--load", "--day", DAY, "--json"])
    assert load.tries == 2
