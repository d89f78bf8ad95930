"""The demo's home is emptied at each start, and by nobody who does not own it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from routing.errors import InvalidInput, SolverError
from web.cli import main
from web.demo.home import fresh_demo


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path))
    monkeypatch.delenv("BACKROUTE_DATABASE_URL", raising=False)
    return tmp_path / "demo"


def test_a_second_demo_does_not_empty_the_home_of_one_that_runs(home: Path) -> None:
    with fresh_demo():
        (home / "proof").write_text("kept")
        with pytest.raises(InvalidInput, match=r"A demo is running in .*Stop it first"), fresh_demo():
            pass
        assert (home / "proof").read_text() == "kept"


def test_the_next_demo_finds_an_empty_home_and_its_regions(home: Path) -> None:
    with fresh_demo():
        (home / "regions").mkdir(exist_ok=True)
        (home / "proof").write_text("of yesterday")
    with fresh_demo():
        assert (home / "regions").is_dir()
        assert not (home / "proof").exists()


def test_a_folder_that_is_not_the_demos_is_left_alone(home: Path) -> None:
    home.mkdir()
    (home / "accounts.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="not the demo's"), fresh_demo():
        pass
    assert [each.name for each in home.iterdir()] == ["accounts.txt"]


def test_a_search_that_never_started_leaves_a_demo_that_is_served(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--dispatched` on a machine too busy to plan: what came before stands, and there is something to see."""
    served: list[bool] = []

    def stopped(*_: object, **__: object) -> None:
        raise SolverError("The demo stopped: `backroute plan` ended with exit code 3.")

    monkeypatch.setattr("web.demo.prepare.prepare", lambda *_, **__: None)
    monkeypatch.setattr("web.cli.demo._introduce", lambda *_: None)
    monkeypatch.setattr("web.demo.story.tell", stopped)
    monkeypatch.setattr("web.demo.visit.visit", lambda *_, **__: served.append(True))
    done = CliRunner().invoke(main, ["demo", "--dispatched", "--port", "7350"])
    assert (done.exit_code, served) == (0, [True]), done.output
    said = " ".join(done.output.split())
    assert "ended with exit code 3. No van has left. The demo is served as it stands: press Plan" in said
    assert (CliRunner().invoke(main, ["demo", "--no-serve"]).exit_code, served) == (3, [True])
