"""What a person gets wrong on the command line: one sentence, the right exit code, and every table as it was."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import osmium
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, text

from data.db import Database
from data.demo.generate import EXTRACT
from data.demo.generate import HERE as DEMO_FILES
from data.regions import Regions
from data.store import SqlStore, open_store
from data.tables import job, metadata
from routing.errors import Conflict, FileRefused, InvalidInput, NotFound, RegionError, SolverError
from web.cli import exit_code, main
from web.clock import wall_clock
from web.jobs import broker_fault, error_of, run_job, run_job_now
from web.wiring import Installation, open_installation

DAY = "2026-05-12"


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with its tables and a company's depot; copied for each test."""
    at = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BACKROUTE_DATABASE_URL", raising=False)
        with open_installation(at) as installation, installation.database.writing() as connection:
            connection.execute(text("INSERT INTO depot (number, name, lat, lon, zone) VALUES "
                                    "('D1', 'Depot 1', 60.17, 24.94, 'Europe/Helsinki')"))  # fmt: skip
    return at


@pytest.fixture
def home(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    at = tmp_path / "home"
    at.mkdir()
    for name in ("backroute.db", "secret"):
        shutil.copy2(empty_home / name, at / name)
    monkeypatch.setenv("BACKROUTE_HOME", str(at))
    monkeypatch.delenv("BACKROUTE_DATABASE_URL", raising=False)
    return at


@pytest.fixture
def small_disk(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same home on a disk of two megabytes."""
    at = tmp_path / "small"
    at.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", at], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("This machine lets nobody mount a small disk.")
    for name in ("backroute.db", "secret"):
        shutil.copy2(home / name, at / name)
    monkeypatch.setenv("BACKROUTE_HOME", str(at))
    yield at
    subprocess.run(["umount", "-l", at], check=True)


def everything(home: Path) -> dict[str, list[str]]:
    """Every row of every table but the jobs: a refused job stays as a row that says so."""
    database = Database(f"sqlite:///{home / 'backroute.db'}")
    try:
        with database.reading() as connection:
            return {
                table.name: sorted(repr(row) for row in connection.execute(select(table)))
                for table in metadata.sorted_tables
                if table is not job
            }
    finally:
        database.close()


def run(*words: object) -> Result:
    """Runs a command; whatever is no ordinary end of it fails the test."""
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    assert "Traceback" not in done.output
    return done


def said(done: Result) -> str:
    """The one sentence, on a line of its own."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


# ---------------------------------------------------------------------------- days and numbers


@pytest.mark.parametrize("day", ["garbage", "2026-13-45", "", " ", "2026-5-1", "2026-05-12T00:00", "x" * 100_000])
@pytest.mark.parametrize("command", [["plan", "--from"], ["dispatch", "--day"], ["release", "--day"]])
def test_a_day_that_is_none_is_refused_by_every_command(home: Path, command: list[str], day: str) -> None:
    before = everything(home)
    done = run(*command, day)
    assert done.exit_code == 2
    assert "is no day" in said(done)
    assert len(said(done)) < 200
    assert everything(home) == before


def test_a_day_written_short_is_the_same_day(home: Path) -> None:
    assert "Tue 12 May 2026" in said(run("plan", "--from", "20260512"))


def test_days_turned_round_and_too_many_days_are_refused_before_anything_is_measured(home: Path) -> None:
    turned = run("plan", "--from", DAY, "--to", "2026-05-11")
    assert turned.exit_code == 2
    assert "Swap the two" in said(turned)
    endless = run("plan", "--from", DAY, "--to", "9999-12-31")
    assert endless.exit_code == 2
    assert "at most 31" in said(endless)


@pytest.mark.parametrize("day", ["0001-01-01", "2020-01-01", "9999-12-31"])
def test_goods_are_not_released_for_a_day_that_is_over_or_far_away(home: Path, day: str) -> None:
    before = everything(home)
    for words in (["--day", day], ["--day", day, "--simulate"]):
        done = run("release", *words)
        assert done.exit_code == 2
        assert day in said(done)
    assert everything(home) == before


@pytest.mark.parametrize("wrong", ["0", "-1", "nan", "inf", "1e308", "soon", ""])
@pytest.mark.parametrize("command", ["plan", "solve"])
def test_a_time_to_search_that_is_none_is_refused(home: Path, command: str, wrong: str, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text("{}")
    given = [tmp_path / "p.json"] if command == "solve" else []
    done = run(command, *given, "--time-limit", wrong)
    assert done.exit_code == 2
    assert "--time-limit" in done.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["recount", "P1", "5", "--depot", "NOPE"], 'There is no depot "NOPE". Known are: D1.'),
        (["recount", "P1", "5"], 'There is no product "P1"'),
        (["replenish", "--sku", "NOPE"], 'There is no product "NOPE"'),
        (["replenish", "--sku", ""], 'There is no product ""'),
        (["replenish", "--supplier", "x" * 5_000], 'There is no supplier "xxx'),
        (["promises", "--sku", "NOPE"], 'There is no product "NOPE"'),
        (["promises", "--customer", "NOPE"], 'There is no customer "NOPE"'),
        (["backorders", "--customer", ""], "Choose a customer"),
        (["slip", "NOPE", "--cancel"], 'Nothing is expected under the number "NOPE"'),
        (["slip", "NOPE"], "Say either --to DAY or --cancel."),
        (["pick", "--all", "--stage", "x" * 5_000], "1 to 30 letters"),
        (["figures", "--from", "2026-06-01", "--to", "2026-05-01"], "Swap the two days"),
        (["export", "stock", "-o", "/nowhere/stock.csv"], "cannot be written"),
        (["collect"], "Name CUSTOMER SITE SKU QUANTITY"),
        (["collect", "NOPE", "S", "P", "1"], 'There is no customer "NOPE"'),
        (["collect", "--cancel", "NOPE"], 'There is no delivery "NOPE"'),
        (["collect", "C", "--cancel", "D-1"], "Say either what to fetch, or --cancel NUMBER."),
    ],
)
def test_what_names_nothing_that_is_here_is_refused_by_its_name(home: Path, command: list[str], words: str) -> None:
    before = everything(home)
    done = run(*command)
    assert done.exit_code == 2
    assert words in said(done)
    assert len(said(done)) < 300
    assert everything(home) == before


@pytest.mark.parametrize("wrong", ["-1", "9" * 40, "1.5"])
def test_a_seed_that_no_engine_takes_is_refused(home: Path, wrong: str) -> None:
    done = run("plan", "--seed", wrong)
    assert done.exit_code == 2
    assert "--seed" in done.stderr


def test_an_answer_that_cannot_be_written_is_refused_before_the_search(home: Path, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text("{}")
    done = run("solve", tmp_path / "p.json", "-o", tmp_path / "none" / "answer.json")
    assert done.exit_code == 2
    assert "There is no folder" in said(done)


# ---------------------------------------------------------------------------- the home and its database


@pytest.mark.parametrize("command", [["plan"], ["release"], ["notify"], ["region", "list"], ["backup", "kept.zip"]])
def test_a_database_that_is_damaged_is_said_so(home: Path, command: list[str]) -> None:
    (home / "backroute.db").write_bytes(b"not a database" * 1000)
    done = run(*command)
    assert done.exit_code == 2
    assert "is damaged" in said(done)
    assert "backroute restore" in said(done)


def test_damage_that_is_met_on_the_way_is_one_sentence_too(home: Path) -> None:
    path = home / "backroute.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:20_480] + b"\xa5" * (len(whole) - 40_960) + whole[-20_480:])
    done = run("release")
    assert done.exit_code in (2, 3)
    assert "is damaged" in said(done)
    assert run("doctor").exit_code == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "cannot be read"),
        ("mysql://host/name", "cannot be read"),
        ("postgresql://u:p@host:noport/x", "cannot be read"),
        ("postgresql://user:hidden@127.0.0.1:1/x", "cannot be reached"),
        ("sqlite:////nowhere/at/all.db", "cannot be reached"),
        ("sqlite://", "names no file"),
    ],
)
def test_a_wrong_address_of_the_database_is_said_without_its_password(
    home: Path, monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    monkeypatch.setenv("BACKROUTE_DATABASE_URL", url)
    done = run("release")
    assert done.exit_code == 2
    assert words in said(done)
    assert "hidden" not in done.output
    assert run("doctor").exit_code == 1


@pytest.mark.parametrize("url", ["nonsense", "xxx://host", "http://host", "amqp:host"])
def test_a_wrong_address_of_the_broker_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("BACKROUTE_BROKER_URL", url)
    for command in ("worker", "serve"):
        done = run(command)
        assert done.exit_code == 2
        assert "BACKROUTE_BROKER_URL" in said(done)


def test_a_broker_that_does_not_answer_is_said_without_its_password() -> None:
    fault = broker_fault("amqp://user:hidden@127.0.0.1:1//")
    assert "127.0.0.1:1" in fault
    assert "Jobs wait until it does" in fault
    assert "hidden" not in fault
    assert broker_fault("memory://") == ""


def test_a_database_of_a_newer_version_is_left_alone(home: Path) -> None:
    database = Database(f"sqlite:///{home / 'backroute.db'}")
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    before = everything(home)
    assert "9999" in said(run("release"))
    assert everything(home) == before


@pytest.mark.parametrize("content", ["", "zz", "ab" * 31])
def test_a_secret_that_is_none_signs_nothing(home: Path, content: str) -> None:
    (home / "secret").write_text(content)
    done = run("dispatch")
    assert done.exit_code == 2
    assert "no secret of ours" in said(done)
    assert run("doctor").exit_code == 1


def test_a_home_that_is_a_file_is_refused_by_the_demo_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "file"))
    assert run("plan").exit_code == 2
    done = run("demo", "--no-serve")
    assert done.exit_code == 3
    assert "Not a directory" in said(done)


def test_a_full_disk_keeps_what_was_there_and_says_so(small_disk: Path) -> None:
    before = everything(small_disk)
    fill = small_disk / "fill"
    with contextlib.suppress(OSError):
        fill.write_bytes(b"\0" * 2**22)
    for words in (["import", "products", DEMO_FILES / "products.csv"], ["backup", small_disk / "all.zip"]):
        done = run(*words)
        assert done.exit_code in (2, 3)
        assert "Make room" in said(done)
    fill.unlink()
    assert everything(small_disk) == before
    assert not list(small_disk.glob(".all.zip*"))


def test_a_command_that_is_interrupted_ends_as_shells_expect(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = everything(home)
    monkeypatch.setattr("web.cli.release.release_day", interrupted)
    done = run("release")
    assert done.exit_code == 130
    assert said(done).startswith("Stopped.")
    assert everything(home) == before


def test_work_that_was_interrupted_is_not_done_by_a_server_later(installation: Installation) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with open_store(installation.database) as store:
        job_id = store.add_job(kind="plan", data={}, by="test", now=wall_clock(), max_attempts=1)
    with pytest.raises(KeyboardInterrupt):
        run_job_now(installation, job_id, kinds={"plan": interrupted})
    assert run_job(installation, job_id, kinds={"plan": interrupted}) is None
    with installation.database.reading() as connection:
        assert SqlStore(connection).job(job_id).state == "cancelled"


# ---------------------------------------------------------------------------- jobs keep which error it was


@pytest.fixture
def installation(home: Path) -> Iterator[Installation]:
    with open_installation() as opened:
        yield opened


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Conflict("The day moved on. Plan it again.", code="day_changed", day=DAY), 2),
        (InvalidInput("Nobody drives.", code="no_shifts"), 2),
        (NotFound("There is no region."), 2),
        (SolverError("The solver was killed."), 3),
        (RegionError("The roads do not answer."), 3),
        (FileRefused("The extract is cut short.", code="extract_unreadable"), 2),
    ],
)
def test_a_failed_job_ends_a_command_as_its_error_would(
    installation: Installation, error: InvalidInput, code: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    with open_store(installation.database) as store:
        job_id = store.add_job(kind="plan", data={}, by="test", now=wall_clock(), max_attempts=1)
    ended = run_job(installation, job_id, kinds={"plan": fail})
    assert ended is not None
    again = error_of(ended)
    assert (type(again), str(again), again.code) == (type(error), str(error), error.code)
    assert again.fields == {name: str(value) for name, value in error.fields.items()}
    assert exit_code(again) == code


def test_a_fault_of_ours_in_a_job_is_an_engines_failure(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    with open_store(installation.database) as store:
        job_id = store.add_job(kind="region", data={}, by="test", now=wall_clock(), max_attempts=1)
    ended = run_job(installation, job_id, kinds={"region": lambda *_: {}["missing"]})
    assert ended is not None
    assert exit_code(error_of(ended)) == 3
    assert "missing" in caplog.text


def test_a_name_that_is_no_regions_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.osm.pbf").write_bytes(b"garbage")
    named = run("region", "add", "No Name!", "--pbf", tmp_path / "wrong.osm.pbf")
    assert named.exit_code == 2
    assert 'For example "no-name"' in named.stderr


def garbage(at: Path) -> None:
    at.write_bytes(b"garbage")


def cut_short(at: Path) -> None:
    at.write_bytes(EXTRACT.read_bytes()[:300_000])


def one_byte_wrong(at: Path) -> None:
    whole = bytearray(EXTRACT.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    at.write_bytes(whole)


def without_anything(at: Path) -> None:
    osmium.SimpleWriter(str(at)).close()


def one_way(at: Path, **tags: str) -> None:
    with osmium.SimpleWriter(str(at)) as writer:
        for n in (1, 2, 3):
            writer.add_node(osmium.osm.mutable.Node(id=n, version=1, location=(n / 1000, 0.001)))
        writer.add_way(osmium.osm.mutable.Way(id=1, version=1, nodes=[1, 2, 3], tags=tags))


@pytest.mark.parametrize(
    ("spoil", "code", "sentence"),
    [
        (Path.touch, "extract_unreadable", "it is truncated, or no .osm.pbf"),
        (garbage, "extract_unreadable", "it is truncated, or no .osm.pbf"),
        (cut_short, "extract_unreadable", "it is truncated, or no .osm.pbf"),
        (one_byte_wrong, "extract_unreadable", "it is truncated, or no .osm.pbf"),
        (without_anything, "extract_empty", "holds no map data"),
        (partial(one_way, waterway="river"), "extract_without_roads", "no road a car may use"),
        (partial(one_way, highway="footway"), "extract_without_roads", "no road a car may use"),
    ],
)
def test_an_extract_that_cannot_be_used_is_refused_and_adds_nothing(
    home: Path, tmp_path: Path, spoil: Callable[[Path], None], code: str, sentence: str
) -> None:
    spoil(tmp_path / "wrong.osm.pbf")
    refused = run("region", "add", "town", "--pbf", tmp_path / "wrong.osm.pbf", "--json")
    assert refused.exit_code == 2, refused.output
    error = json.loads(refused.stdout)["error"]
    assert (error["code"], sentence in error["message"]) == (code, True), error
    assert "wrong.osm.pbf" in error["message"]
    assert "There is no region yet" in run("region", "list").stdout
    assert not list((home / "regions").glob(".*/build-*"))


def test_a_file_that_is_no_file_is_refused(home: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.osm.pbf")
    refused = run("region", "add", "town", "--pbf", tmp_path / "pipe.osm.pbf")
    assert (refused.exit_code, "pipe.osm.pbf is a pipe, a device or a folder." in refused.stderr) == (2, True)


def test_a_region_that_was_built_again_is_seen_without_a_restart(
    installation: Installation, make_region: Callable[[str], Path]
) -> None:
    make_region("one")
    first = installation.addresses("town")
    assert installation.addresses("town") is first
    make_region("two")
    second = installation.addresses("town")
    assert second is not first
    assert Regions(installation.home / "regions").directory("town").resolve().name == "two"


@pytest.fixture
def make_region(home: Path) -> Callable[[str], Path]:
    """A region whose link points at the build of that name, as a build leaves it."""

    def make(build: str) -> Path:
        from routing.engines.addresses.gazetteer_build import build_gazetteer

        folder = home / "regions" / ".town.builds" / build
        folder.mkdir(parents=True)
        build_gazetteer(EXTRACT, folder / "addresses.db")
        (folder / "region.json").write_text("{}")
        fresh = home / "regions" / f".fresh-{build}"
        fresh.symlink_to(folder)
        fresh.replace(home / "regions" / "town")
        return folder

    return make
