"""The rules of the house that no single room can keep alone."""

from __future__ import annotations

import ast
import json
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", ["requirements.lock", "package-lock.json"])
def test_a_lock_file_names_no_address_and_no_folder_of_the_machine_that_wrote_it(name: str) -> None:
    text = (ROOT / name).read_text()
    # A funding link is a page for people, not a place that packages come from.
    lines = [line for line in text.splitlines() if '"url":' not in line]
    found = [
        line
        for line in lines
        if re.search(r"https?://|file:|--(extra-)?index-url|--find-links|\"resolved\"|(^|[\s\"'=])/\w", line)
    ]
    assert found == []


def test_every_locked_python_package_has_a_hash() -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / "requirements.lock").read_text())
    without = [block.split(" ")[0] for block in blocks if "==" in block and "--hash=sha256:" not in block]
    assert without == []


def test_what_the_project_asks_for_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {_plain(re.split(r"[^\w.-]", requirement)[0]) for requirement in asked}
    locked = {
        _plain(line.split("==")[0])
        for line in (ROOT / "requirements.lock").read_text().splitlines()
        if re.match(r"[\w.-]+==", line)
    }
    assert names - locked == set(), "Run `make lock`."


def test_every_npm_package_is_pinned_and_locked_to_the_same_version() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    asked = package["dependencies"] | package["devDependencies"]
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert asked == {name: locked[f"node_modules/{name}"]["version"] for name in asked}


def test_rules_and_model_load_without_any_engine() -> None:
    # In a fresh interpreter: here other tests may have loaded the engines already.
    script = """
import importlib, pkgutil, sys
import routing.model, routing.rules
for package in (routing.model, routing.rules):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
engines = {"folium", "geopy", "ortools", "osmium", "osmnx", "osrm", "pandas", "scipy", "sqlalchemy", "flask"}
print(*sorted(engines & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []


OF_THE_DEMO = {"history", "home", "figures", "moments", "prepare"}
"""The rooms of `web/demo` that still write their own SQL."""


def test_the_web_asks_the_data_and_writes_no_sql() -> None:
    allowed = {ROOT / "web" / "demo" / f"{name}.py" for name in OF_THE_DEMO}
    found = []
    for file in sorted(set((ROOT / "web").rglob("*.py")) - allowed):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                named = {each.name for each in node.names}
                is_sql = node.module == "sqlalchemy" and named != {"Connection"}
                is_sql = is_sql or node.module == "data.tables" or (node.module == "data" and "tables" in named)
                if is_sql:
                    found.append(f"{file.relative_to(ROOT)}: {node.module} {sorted(named)}")
    assert found == []


@pytest.mark.parametrize("room", ["routing/rules", "routing/services"])
def test_the_readme_says_where_every_rule_and_every_stage_is(room: str) -> None:
    house = (ROOT / "README.md").read_text(encoding="utf-8").partition("## The house")[2].partition("One arrow")[0]
    named = set(re.findall(r"\w+", house))
    assert {file.stem for file in (ROOT / room).glob("[!_]*.py")} - named == set()


@pytest.mark.parametrize("host", ["192.0.2.1", "198.51.100.7"])
def test_no_test_can_reach_an_address_outside(host: str, outside_attempts: list[str]) -> None:
    with (
        socket.socket() as sock,
        pytest.raises(AssertionError, match=f"test_no_test_can_reach.* tried to reach {host} port 443"),
    ):
        sock.connect((host, 443))
    assert len(outside_attempts) == 1
    outside_attempts.clear()


def test_no_test_can_look_up_a_name_outside(outside_attempts: list[str]) -> None:
    with pytest.raises(AssertionError, match=r"tried to look up tiles\.example"):
        socket.create_connection(("tiles.example", 443))
    outside_attempts.clear()


def test_a_test_can_reach_this_machine() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as sock,
    ):
        assert sock.getpeername() == server.getsockname()


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
