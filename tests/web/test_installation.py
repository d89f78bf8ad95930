"""An installation is made when it is first opened, and the command line says what is wrong in one sentence."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from data.store import open_store
from routing.errors import Conflict, InvalidInput, NotFound, SendError, SolverError
from routing.model.notices import Channel, Message
from web.cli import Commands, exit_code, main
from web.clock import wall_clock
from web.serving import open_demo_mailbox
from web.wiring import open_installation

TUESDAY = datetime(2026, 3, 3, 3, 40, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("BACKROUTE_DATABASE_URL", "BACKROUTE_BROKER_URL", "BACKROUTE_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


# ---------------------------------------------------------------------------- wiring


def test_the_first_opening_makes_the_home_the_tables_and_a_secret_of_its_owner(home: Path) -> None:
    with open_installation() as installation:
        assert installation.home == home
        with open_store(installation.database) as store:
            assert store.setting("outbound", "off") == "off"
    assert (home / "secret").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o077 == 0


def test_links_of_other_commands_lead_to_where_the_pages_are_served(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_installation() as installation:
        assert installation.address("/d/x") == "http://127.0.0.1:8000/d/x"
        installation.serves_at("http://127.0.0.1:8061")
        assert installation.address("/d/x") == "http://127.0.0.1:8061/d/x"
    with open_installation() as installation:
        assert installation.address("/d/x") == "http://127.0.0.1:8061/d/x"
    (home / "served-at").write_text("http://elsewhere.example\n")
    with open_installation() as installation:
        assert installation.public_url == "http://127.0.0.1:8000"
    monkeypatch.setenv("BACKROUTE_PUBLIC_URL", "https://routes.example.com")
    with open_installation() as installation:
        installation.serves_at("http://127.0.0.1:8061")
        assert installation.public_url == "https://routes.example.com"


def test_what_to_order_of_a_new_home_is_one_sentence() -> None:
    refused = run("replenish")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "There is no depot yet" in refused.stderr


def test_processes_that_start_together_share_one_secret(home: Path) -> None:
    def open_one(_number: int) -> bytes:
        with open_installation() as installation:
            return installation.secret

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(open_one, range(6)))) == 1


def test_a_database_that_does_not_answer_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKROUTE_DATABASE_URL", "postgresql://user:hidden@127.0.0.1:1/backroute")
    with pytest.raises(InvalidInput, match="cannot be reached") as refused:
        open_installation()
    assert "hidden" not in str(refused.value)


def test_a_region_that_is_not_there_is_named() -> None:
    with open_installation() as installation, pytest.raises(NotFound, match="region add"):
        installation.travel("nowhere")


@pytest.mark.parametrize(
    ("url", "safe"),
    [("https://goods.example", True), ("http://127.0.0.1:8000", True), ("http://goods.example", False)],
)
def test_only_https_and_this_machine_give_a_phone_everything(
    monkeypatch: pytest.MonkeyPatch, url: str, safe: bool
) -> None:
    monkeypatch.setenv("BACKROUTE_PUBLIC_URL", url)
    with open_installation() as installation:
        assert installation.is_https is safe


# ---------------------------------------------------------------------------- the clock


def test_without_a_demo_the_clock_is_the_machines() -> None:
    with open_installation() as installation:
        assert abs(installation.clock.now() - wall_clock()) < timedelta(seconds=5)
        assert not installation.clock.is_demo


def test_the_demos_clock_runs_and_every_process_agrees_on_it() -> None:
    with open_installation() as one, open_installation() as other:
        one.clock.jump(to=TUESDAY)
        assert timedelta(0) <= one.clock.now() - TUESDAY < timedelta(seconds=5)
        assert abs(other.clock.now() - one.clock.now()) < timedelta(seconds=1)
        one.clock.jump(to=TUESDAY, running=False)
        assert one.clock.now() == TUESDAY


# ---------------------------------------------------------------------------- the command line


def test_help_names_every_command_without_loading_it() -> None:
    code = "import sys, web.cli; web.cli.main(['--help'], standalone_mode=False); print('flask' in sys.modules)"
    root = str(Path(__file__).parents[2])
    said = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout
    assert all(name in said for name in ("demo", "serve", "doctor", "backup", "restore", "region", "plan"))
    assert said.endswith("False\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [(InvalidInput("x"), 2), (NotFound("x"), 2), (Conflict("x"), 2), (SolverError("x"), 3), (SendError("x"), 3)],
)
def test_the_exit_code_says_whether_the_input_or_an_engine_was_at_fault(error: InvalidInput, code: int) -> None:
    assert exit_code(error) == code


def test_an_error_is_one_sentence_and_with_json_a_document() -> None:
    result = run("restore", "/nowhere/b.zip", "--json")
    assert result.exit_code == 2
    assert result.stderr == "There is no file /nowhere/b.zip.\n"
    assert json.loads(result.stdout)["error"]["code"] == "no_file"


def test_an_unknown_command_is_refused() -> None:
    assert run("deliver").exit_code == 2
    assert isinstance(main, Commands)
    assert isinstance(main, click.Group)


def test_the_doctor_of_a_new_installation_fails_nothing_but_says_what_is_left_to_do() -> None:
    with open_installation():
        pass
    result = run("doctor", "--json")
    assert result.exit_code == 0
    states = {check["name"]: check["state"] for check in json.loads(result.stdout)["checks"]}
    assert states["database"] == "ok"
    assert (states["regions"], states["mail"]) == ("warn", "warn")
    assert "fail" not in states.values()
    assert "standing week " in run("doctor").stdout, "A blank parts the longest name from its sentence."


def test_the_doctor_ends_with_one_when_something_is_wrong(home: Path) -> None:
    with open_installation():
        pass
    (home / "secret").chmod(0o644)
    result = run("doctor")
    assert result.exit_code == 1
    assert f"chmod 600 {home / 'secret'}" in result.stdout


def test_a_backup_comes_back_in_another_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_installation() as installation, open_store(installation.database) as store:
        secret = installation.secret
        store.set_setting(name="outbound", value={"mode": "test"}, by="test", now=TUESDAY)
    file = home.parent / "b.zip"
    assert run("backup", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("BACKROUTE_HOME", str(home.parent / "other"))
    assert run("restore", str(file)).exit_code == 0
    again = run("restore", str(file))
    assert again.exit_code == 2
    assert "--force" in again.stderr
    with open_installation() as installation, open_store(installation.database) as store:
        assert installation.secret == secret
        assert store.setting("outbound") == {"mode": "test"}


def test_the_first_admin_gets_a_link_when_there_is_nobody_to_ask() -> None:
    result = run("create-admin", "admin@shop.example")
    assert result.exit_code == 0
    assert "http://127.0.0.1:8000/set-up/" in result.stdout
    assert run("create-admin", "nobody").exit_code == 2


# ---------------------------------------------------------------------------- serving


def test_the_server_answers_names_the_first_link_and_ends_when_told(home: Path) -> None:
    program = Path(sys.executable).with_name("backroute")
    with subprocess.Popen(
        [str(program), "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().removeprefix("Backroute is at ").strip()
        assert f"{address}/set-up/" in server.stdout.readline()
        with urllib.request.urlopen(f"{address}/healthz") as answer:
            assert answer.status == 200
        server.terminate()
        assert server.wait(timeout=20) == 0


def test_a_port_that_is_taken_is_said_in_one_sentence(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("serve", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 2
    assert "Choose another: backroute serve --port 8001" in result.stderr


def test_a_worker_without_a_broker_to_share_is_refused() -> None:
    result = run("worker")
    assert result.exit_code == 2
    assert "BACKROUTE_BROKER_URL=amqp://" in result.stderr


def test_the_demos_mailbox_becomes_its_mail_server() -> None:
    with open_installation() as installation, contextlib.ExitStack() as stack:
        mailbox = open_demo_mailbox(installation, stack)
        sender = installation.senders[Channel.EMAIL]
        message = Message(key="k", channel=Channel.EMAIL, recipient="a@shop.example", subject="Hei", text="Ä\n")
        sender.send(message)
        assert [mail["Subject"] for mail in mailbox.messages()] == ["Hei"]
        assert len(list(installation.mail_folder.glob("*.eml"))) == 1
