"""Extracts that are damaged or forged, and programs that do not end: the build says so, and nothing else ends."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import osmium
import pytest
from osmium.osm.mutable import Node, Way

from routing.engines.roads import extract_apart
from routing.engines.roads.build import build_region
from routing.engines.roads.extract import normalise, sane_tags
from routing.engines.roads.extract_apart import read_apart, write_apart
from routing.engines.roads.needs import needs_of_file
from routing.engines.roads.programs import run
from routing.errors import Cancelled, FileRefused, RegionError

ROAD = {"highway": "residential", "name": "Long Street"}


def town(path: Path, *, further: tuple[float, float] | None = None) -> Path:
    """Four nodes and a road along them, and where it is said, one more node far away."""
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for ref in range(1, 5):
            writer.add(Node(id=ref, version=1, location=(ref / 1000, 55.0)))
        if further is not None:
            writer.add(Node(id=5, version=1, location=further))
        writer.add(Way(id=1, version=1, nodes=[1, 2, 3, 4] + ([5] if further else []), tags=ROAD))
    return path


def number(value: int) -> bytes:
    """As protobuf writes it."""
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(at: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return number(at << 3) + number(value)
    return number(at << 3 | 2) + number(len(value)) + value


def block(kind: bytes, raw: bytes) -> bytes:
    blob = field(2, len(raw)) + field(3, zlib.compress(raw, 9))
    head = field(1, kind) + field(3, len(blob))
    return struct.pack(">I", len(head)) + head + blob


HEADER = block(b"OSMHeader", field(4, b"OsmSchema-V0.6") + field(4, b"DenseNodes"))


def with_zero_byte(path: Path) -> Path:
    """A road whose name has a zero byte in it, which only a forged file has."""
    unpacked = path.with_name("unpacked.osm.pbf")
    with osmium.SimpleWriter(osmium.io.File(str(unpacked), "pbf,pbf_compression=none"), overwrite=True) as writer:
        for ref in range(1, 5):
            writer.add(Node(id=ref, version=1, location=(ref / 1000, 55.0)))
        writer.add(Way(id=1, version=1, nodes=[1, 2, 3, 4], tags=ROAD))
    path.write_bytes(unpacked.read_bytes().replace(b"Long Street", b"\0on\0\0Street"))
    return path


def bomb(path: Path) -> Path:
    nodes = b"\x02" * 4_000_000
    raw = field(1, field(1, b"")) + field(2, field(2, field(1, nodes) + field(8, nodes) + field(9, nodes)))
    path.write_bytes(HEADER + block(b"OSMData", raw) * 2)
    return path


def quiet(_step: str, _share: float) -> None:
    pass


def test_a_zero_byte_in_a_name_ends_the_build_and_not_the_server(tmp_path):
    into = tmp_path / "town"
    build_region(pbf=town(tmp_path / "town.osm.pbf"), into=into, name="town", progress=quiet)
    before = into.resolve()
    with pytest.raises((RegionError, FileRefused), match=r"bad\.osm\.pbf .*Download"):
        build_region(pbf=with_zero_byte(tmp_path / "bad.osm.pbf"), into=into, name="town", progress=quiet)
    assert into.resolve() == before


def test_a_zero_byte_from_overpass_is_left_out(tmp_path):
    places = [{"type": "node", "id": 1, "lat": 55.0, "lon": 12.0, "tags": {"na\0me": "A\0B", "ref": "7"}}]
    write_apart(places, tmp_path / "piece.osm.pbf", called="Town")
    (tags,) = [dict(read.tags) for read in osmium.FileProcessor(str(tmp_path / "piece.osm.pbf"))]
    assert tags == {"name": "AB", "ref": "7"}


def test_an_answer_that_is_no_map_data_is_said(tmp_path):
    with pytest.raises(ValueError, match="lat"):
        write_apart([{"type": "node", "id": 1, "lon": 12.0}], tmp_path / "piece.osm.pbf", called="Town")


def test_a_full_disk_while_the_extract_is_read_is_said_and_ends_nothing(demo_extract, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True, check=False
    ).returncode:
        pytest.skip("This machine lets nobody mount a small disk.")
    try:
        with pytest.raises(RegionError, match="no room on the disk") as full:
            read_apart(demo_extract, small / "region.osm.pbf", small / "travelled.osm.pbf", called="demo")
        assert full.value.code == "disk"
        places = [
            {
                "type": "node",
                "id": ref,
                "lat": 55.0 + ref % 997 / 1e5,
                "lon": ref % 991 / 1e4,
                "tags": {"ref": f"{ref}"},
            }
            for ref in range(1, 30_000)
        ]
        with pytest.raises(RegionError) as full:
            write_apart(places, small / "piece.osm.pbf", called="Town")
        assert full.value.code == "disk"
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_a_file_that_unpacks_to_a_thousand_times_its_size_is_refused_unread(tmp_path):
    pbf = bomb(tmp_path / "bomb.osm.pbf")
    assert pbf.stat().st_size < 100_000
    with pytest.raises(FileRefused, match="would unpack to 24 MB") as refused:
        needs_of_file(pbf, pbf.name)
    assert refused.value.code == "extract_unbelievable"


def test_what_a_build_needs_is_told_by_what_is_unpacked(demo_extract, tmp_path):
    assert needs_of_file(demo_extract, "demo").memory_mib == 573
    assert needs_of_file(town(tmp_path / "town.osm.pbf"), "town").memory_mib == 450


def test_an_extract_that_needs_more_memory_than_it_was_given_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(extract_apart, "_ROOM_MIB", 200)
    with pytest.raises(RegionError) as refused:
        read_apart(
            bomb(tmp_path / "bomb.osm.pbf"),
            tmp_path / "r.osm.pbf",
            tmp_path / "t.osm.pbf",
            called="bomb",
            memory_mib=200,
        )
    assert refused.value.code == "too_little_memory"


@pytest.mark.parametrize(
    ("further", "said"), [((20.0, 40.0), r"covers .* km²; a region has at most"), ((-179.99, 55.0), "date line")]
)
def test_an_extract_with_more_world_than_can_be_drawn_is_refused(tmp_path, further, said):
    pbf = town(tmp_path / "wide.osm.pbf", further=further)
    if further[0] < 0:
        pbf = across_the_date_line(pbf)
    with pytest.raises(FileRefused, match=said) as refused:
        read_apart(pbf, tmp_path / "r.osm.pbf", tmp_path / "t.osm.pbf", called="wide")
    assert refused.value.code == "extract_too_wide"


def across_the_date_line(path: Path) -> Path:
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for ref, lon in enumerate((179.99, -179.99, 179.98), 1):
            writer.add(Node(id=ref, version=1, location=(lon, 55.0 + ref / 100)))
        writer.add(Way(id=1, version=1, nodes=[1, 2, 3], tags=ROAD))
    return path


def test_xml_is_refused_whatever_it_is_called(tmp_path):
    xml = tmp_path / "town.osm"
    town(xml)
    for name in ("town.osm", "town.osm.pbf"):
        shutil.copy(xml, tmp_path / f"copy-{name}")
        with pytest.raises(FileRefused, match=r"or no \.osm\.pbf"):
            needs_of_file(tmp_path / f"copy-{name}", name)


def test_a_device_and_a_folder_are_called_what_they_are(tmp_path):
    for at in (Path("/dev/zero"), tmp_path):
        with pytest.raises(FileRefused, match="a pipe, a device or a folder"):
            needs_of_file(at, at.name)


def test_a_program_that_does_not_end_is_stopped():
    with pytest.raises(RegionError, match=r"did not end within .* while waiting") as slow:
        run([sys.executable, "-c", "import time; time.sleep(600)"], doing="waiting", limit_s=0)
    assert slow.value.code == "too_slow"


def test_a_program_ends_when_a_person_stops_the_build(tmp_path):
    began = tmp_path / "began"
    program = f"import os, pathlib, time; pathlib.Path({str(began)!r}).write_text(str(os.getpid())); time.sleep(600)"

    def stop() -> None:
        if began.exists():
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        run([sys.executable, "-c", program], doing="waiting", stop=stop)
    assert not Path(f"/proc/{began.read_text()}").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="The kernel of Linux ends a program with its parent.")
def test_a_program_ends_with_a_build_that_is_killed():
    build = subprocess.Popen(
        [
            sys.executable, "-c",
            "from routing.engines.roads.programs import run\n"
            "run(['/bin/sleep', '600'], doing='waiting')",
        ],
    )  # fmt: skip
    children = Path(f"/proc/{build.pid}/task/{build.pid}/children")
    while not (program := children.read_text().split()):
        assert build.poll() is None
        time.sleep(0.01)
    build.kill()
    build.wait()
    status = Path(f"/proc/{program[0]}/status")
    while status.exists() and "State:\tZ" not in status.read_text():
        time.sleep(0.01)


@pytest.mark.parametrize(
    "number", ["nan", "NaN mph", "inf", "-Infinity", "-5", "1e400", "9" * 255, "12345678", "-.5 m"]
)
def test_a_number_that_is_none_is_left_out_of_what_the_roads_are_built_from(tmp_path, number):
    pbf = tmp_path / "roads.osm.pbf"
    keys = ("maxspeed", "maxspeed:forward", "maxheight", "width", "lanes", "duration")
    with osmium.SimpleWriter(str(pbf)) as writer:
        for ref in range(1, 5):
            standing = {"barrier": "gate", "maxwidth:physical": number} if ref == 2 else {}
            writer.add_node(osmium.osm.mutable.Node(id=ref, version=1, location=(ref / 1000, 0.001), tags=standing))
        tags = {"highway": "residential", "name": "Only Street", **dict.fromkeys(keys, number)}
        writer.add_way(osmium.osm.mutable.Way(id=1, version=1, nodes=(1, 2, 3, 4), tags=tags))
        # One that the extract cuts is treated the same.
        writer.add_way(osmium.osm.mutable.Way(id=2, version=1, nodes=(1, 4, 99), tags=tags))
    found = normalise(pbf, tmp_path / "region.osm.pbf")
    assert found.drivable_km > 0
    read = {(type(each), each.id): dict(each.tags) for each in osmium.FileProcessor(str(tmp_path / "region.osm.pbf"))}
    assert read[osmium.osm.Way, 1] == read[osmium.osm.Way, 2] == {"highway": "residential", "name": "Only Street"}
    assert read[osmium.osm.Node, 2] == {"barrier": "gate"}


def test_a_number_that_is_one_and_a_word_that_is_known_stay(tmp_path):
    tags = {
        "highway": "primary", "maxspeed": "30 mph", "maxspeed:forward": "none", "maxspeed:backward": "FI:urban",
        "maxheight": "12'6\"", "width": "2,5", "lanes": "2", "maxweight": "3.5 t", "duration": "01:20:00",
    }  # fmt: skip
    assert sane_tags(tags) == tags
