"""Files that are wrong as a whole, or hostile: refused with one sentence, and the tables stay as they were."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.backup import backup, restore
from data.db import Database
from data.files import FolderFiles
from data.importers import kinds, products, receipts
from data.importers.table import read_table
from data.importers.vroom import read_vroom
from data.importers.vroom_values import read_json
from data.migrate import upgrade
from routing.errors import Conflict, FileRefused, InvalidInput

NOW = datetime(2026, 5, 12, 5, 40, tzinfo=UTC)
KINDS = {name: kind.columns for name, kind in kinds.KINDS.items()} | {"receipts": receipts.COLUMNS}

# ---------------------------------------------------------------------------- tables


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda _: b"", "empty"),
        (lambda _: b"\xef\xbb\xbf", "empty"),
        (lambda header: header.encode(), "no_rows"),
        (lambda header: f"{header}\na,b\n".encode("utf-16"), "encoding"),
        (lambda header: f"{header}\nCaf\xe9\n".encode("latin-1"), "encoding"),
        (lambda header: f"{header}\n".encode() + "é".encode()[:1], "encoding"),
        (lambda _: b"PK\x03\x04" + bytes(range(127)), "unreadable"),
        (lambda _: b"\xd0\xcf\x11\xe0" + bytes(2_000), "old_spreadsheet"),
        (lambda header: header.partition(",")[2].encode() + b"\nx\n", "missing_column"),
        (lambda header: b"\0" + header.encode() + b"\nx\n", "missing_column"),
        (lambda header: f"{header},colour\nx\n".encode(), "unknown_column"),
        (lambda header: f"{header},{header.partition(',')[0]}\nx\n".encode(), "column_twice"),
        (lambda header: f'{header}\n"never closed\n{"x," * 20_000}'.encode(), "unreadable"),
        (lambda header: f'{header}\n"{"x" * 10_000_000}"\n'.encode(), "unreadable"),
        (lambda header: f"{header}\n{'x' * 30_000}\n".encode(), "huge_cell"),
        (lambda _: b"x" * 10_000_000, "missing_column"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_in_a_short_sentence(
    kind: str, make: Callable[[str], bytes], code: str
) -> None:
    with pytest.raises(FileRefused) as refused:
        list(read_table(io.BytesIO(make(",".join(KINDS[kind]))), kind=kind, columns=KINDS[kind]))
    assert refused.value.code == code
    assert kind in str(refused.value)
    assert len(str(refused.value)) < 1000


@settings(deadline=None, max_examples=60)
@given(content=st.binary(max_size=400))
def test_whatever_bytes_follow_the_header_are_rows_or_a_refusal(content: bytes) -> None:
    file = io.BytesIO(",".join(products.COLUMNS).encode() + b"\n" + content)
    try:
        rows = list(read_table(file, kind="products", columns=products.COLUMNS))
    except FileRefused:
        return
    assert all(row.fault or len(row.cells) == len(products.COLUMNS) for row in rows)


@pytest.mark.slow
def test_two_hundred_thousand_rows_are_read_in_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "many.csv").open("w") as file:
        file.write(",".join(products.COLUMNS) + "\n")
        file.writelines(f"SKU-{n}{',' * (len(products.COLUMNS) - 1)}\n" for n in range(200_000))
    tracemalloc.start()
    with (tmp_path / "many.csv").open("rb") as opened:
        assert sum(1 for _ in read_table(opened, kind="products", columns=products.COLUMNS)) == 200_000
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5 * 2**20


# ---------------------------------------------------------------------------- VROOM's JSON


def problem() -> dict[str, Any]:
    return {
        "vehicles": [{"id": 0, "start_index": 0, "end_index": 0, "capacity": [9], "time_window": [0, 9000]}],
        "jobs": [{"id": 1, "location_index": 1, "delivery": [1]}, {"id": 2, "location_index": 2}],
        "matrices": {"car": {"durations": [[0, 10, 20], [10, 0, 5], [20, 5, 0]]}},
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not JSON"),
        ("\0", "not JSON"),
        ("[" * 200_000, "nested too deeply"),
        ('{"jobs":' * 100_000, "nested too deeply"),
        ('{"vehicles":[{"id":' + "9" * 5000 + "}]}", "not JSON"),
        ('{"jobs":[],"jobs":[]}', '"jobs" stands twice'),
        ('{"jobs":[{"id":1,"id":2}]}', '"id" stands twice'),
    ],
)
def test_a_problem_that_cannot_be_read_is_refused_in_a_short_sentence(content: str, words: str) -> None:
    with pytest.raises(FileRefused, match=words) as refused:
        read_json(io.StringIO(content))
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("value", ["x" * 5_000_000, ["x"] * 1_000_000, {"x" * 1_000_000: 1}, float("nan"), -1, 10**30])
@pytest.mark.parametrize("field", ["service", "location_index", "priority", "delivery", "skills", "time_windows", "x"])
def test_a_value_that_is_none_is_refused_without_repeating_all_of_it(field: str, value: object) -> None:
    document = problem()
    document["jobs"][0][field] = value
    with pytest.raises(FileRefused) as refused:
        read_vroom(document)
    assert field in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("field", ["service", "setup", "delivery"])
def test_a_number_beyond_every_unit_is_refused_by_the_name_of_its_field(field: str) -> None:
    document = problem()
    document["jobs"][0][field] = [2**50] if field == "delivery" else 2**50
    with pytest.raises(FileRefused, match=f"job 1: {field} is {2**50}.*Check its unit"):
        read_vroom(document)


@pytest.mark.parametrize("cost", ["fixed", "per_hour"])
def test_a_cost_beyond_every_currency_is_refused_by_its_name(cost: str) -> None:
    document = problem()
    document["vehicles"][0]["costs"] = {cost: 2**31}
    with pytest.raises(FileRefused, match=f"vehicle 0: costs: {cost} is {2**31}"):
        read_vroom(document)


def test_a_field_name_of_a_megabyte_is_cut_short() -> None:
    with pytest.raises(FileRefused) as refused:
        read_vroom({"x" * 2**20: 1})
    assert len(str(refused.value)) < 200


def test_two_breaks_of_one_vehicle_with_one_id_are_refused() -> None:
    document = problem()
    document["vehicles"][0]["breaks"] = [{"id": 4, "time_windows": [[0, 500]]}] * 2
    with pytest.raises(FileRefused, match="breaks: two have the id 4"):
        read_vroom(document)


def test_half_a_character_is_refused_because_no_answer_could_hold_it() -> None:
    document = problem()
    document["jobs"][0]["description"] = json.loads('"\\ud800"')
    with pytest.raises(FileRefused, match="description"):
        read_vroom(document)


_anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, each in inner for path in _paths(each, (*at, key)))]


def _whole_problem() -> dict[str, Any]:
    """One with every field that is honoured."""
    document = problem()
    document["vehicles"][0] |= {
        "profile": "car", "description": "Van", "costs": {"fixed": 1, "per_hour": 10}, "skills": [1], "type": "van",
        "breaks": [{"id": 1, "service": 5, "time_windows": [[0, 500]], "description": "Tea"}], "speed_factor": 1.5,
        "max_tasks": 5, "max_travel_time": 5000, "steps": [{"type": "start"}, {"type": "job", "id": 1}],
    }  # fmt: skip
    document["jobs"][0] |= {
        "description": "Café", "setup": 1, "service": 2, "setup_per_type": {"van": 3}, "service_per_type": {"van": 4},
        "pickup": [1], "skills": [1], "priority": 5, "time_windows": [[0, 500], [600, 900]], "location": [24.9, 60.1],
    }  # fmt: skip
    document["options"] = {"g": False, "l": 5}
    return document


def _changed(path: tuple[Any, ...], value: Any) -> Any:
    document = _whole_problem()
    if not path:
        return value
    at: Any = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return document


def check_read_or_refused(document: Any) -> None:
    sentence = ""
    try:
        read_vroom(document)
    except InvalidInput as refused:
        sentence = str(refused)
    assert len(sentence) < 400


CHANGES = {"path": st.sampled_from(_paths(_whole_problem())), "value": _anything}


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(**CHANGES)
def test_any_value_anywhere_in_a_problem_is_read_or_refused(path: tuple[Any, ...], value: Any) -> None:
    check_read_or_refused(_changed(path, value))


@pytest.mark.slow
@settings(deadline=None, max_examples=5000, suppress_health_check=[HealthCheck.too_slow])
@given(**CHANGES)
def test_any_value_is_read_or_refused_at_length(path: tuple[Any, ...], value: Any) -> None:
    check_read_or_refused(_changed(path, value))


# ---------------------------------------------------------------------------- backups


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a backup holds, by name."""
    folder = tmp_path_factory.mktemp("kept")
    database = Database(f"sqlite:///{folder / 'backroute.db'}")
    upgrade(database)
    with database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO setting (name, value, by, at) VALUES ('a', '{}', 'x', '2026-05-12')")
    FolderFiles(folder / "files").write(b"a photo")
    backup(database=database, files=FolderFiles(folder / "files"), secret=b"s" * 32, into=folder / "k.zip", now=NOW)
    database.close()
    with zipfile.ZipFile(folder / "k.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(parts: dict[str, bytes], at: Path) -> Path:
    with zipfile.ZipFile(at, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return at


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"files/../../../escaped": b"x"}, "none of ours"),
        ({"/escaped": b"x"}, "none of ours"),
        ({"files/" + "0" * 64: b"x"}, "not what its name says"),
        ({"files/" + "0" * 64: b"\0" * 2**25}, "not what its name says"),
        ({"secret": None}, "lacks secret"),
        ({"secret": b""}, "secret is none of ours"),
        ({"secret": b"zz" * 32}, "secret is none of ours"),
        ({"tables/site.jsonl": None}, "lacks tables/site.jsonl"),
        ({"tables/setting.jsonl": b""}, "0 rows of setting"),
        ({"tables/setting.jsonl": b"{bad\n"}, "rows of setting do not fit"),
        ({"tables/setting.jsonl": b"[1]\n"}, "rows of setting do not fit"),
        ({"tables/setting.jsonl": b'{"id": 1}\n'}, "rows of setting do not fit"),
        ({"tables/setting.jsonl": b"[" * 200_000}, "rows of setting do not fit"),
        ({"backup.json": b"[]"}, "no backup of Backroute"),
        ({"backup.json": b"\xff"}, "no backup of Backroute"),
        ({"backup.json": b'{"format": 1, "schema": "0000"}'}, "another version"),
    ],
)
def test_a_backup_that_was_changed_is_refused_and_the_installation_stays(
    kept: dict[str, bytes], tmp_path: Path, change: dict[str, bytes | None], words: str
) -> None:
    parts = {name: content for name, content in (kept | change).items() if content is not None}
    source = written(parts, tmp_path / "changed.zip")
    home = tmp_path / "home"
    home.mkdir()
    (home / "backroute.db").write_bytes(b"the installation that was there")
    (home / "secret").write_text("its secret")
    with pytest.raises((FileRefused, Conflict), match=words):
        restore(source=source, home=home, url=f"sqlite:///{home / 'backroute.db'}", force=True)
    assert {path.name: path.read_bytes() for path in home.iterdir()} == {
        "backroute.db": b"the installation that was there",
        "secret": b"its secret",
    }
    assert not (tmp_path / "escaped").exists()


def test_a_backup_is_not_put_under_a_server_that_runs(kept: dict[str, bytes], tmp_path: Path) -> None:
    source = written(kept, tmp_path / "kept.zip")
    home, url = tmp_path / "home", f"sqlite:///{tmp_path / 'home' / 'backroute.db'}"
    restore(source=source, home=home, url=url)
    running = Database(url)
    with running.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM setting")
    with pytest.raises(Conflict, match="is in use"):
        restore(source=source, home=home, url=url, force=True)
    with running.writing() as connection:
        connection.exec_driver_sql("UPDATE setting SET by = 'still here'")
    running.close()
    assert restore(source=source, home=home, url=url, force=True).rows["setting"] == 1
