"""The process that reads and writes one extract. It is started by `extract_apart.py` and answers one question.

The question is a JSON object on its standard input, the answer one on its standard output:

    {"result": what was asked for}
    {"refused": sentence, "code": ..., "fields": {...}}     the extract cannot be used
    {"nonsense": sentence}                                  what was to be written is no map data
    {"crashed": sentence}                                   the disk, the memory; or no answer at all
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import osmium

from routing.engines.roads.extract import DISK_FULL, normalise, only_ways_to_travel
from routing.errors import FileRefused


def main() -> None:
    answer_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever a library prints is no answer.
    os.dup2(2, 1)
    json.dump(_answered(json.load(sys.stdin)), answer_to)
    answer_to.close()


def _answered(question: dict[str, Any]) -> dict[str, Any]:
    kinds: dict[str, Callable[..., Any]] = {"read": _read, "write": _write, "merge": _merge}
    try:
        return {"result": kinds[question.pop("do")](**question)}
    except FileRefused as refused:
        return {"refused": refused.message, "code": refused.code, "fields": refused.fields}
    except (OSError, MemoryError) as lacking:
        return {"crashed": f"{type(lacking).__name__}: {lacking}"}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as problem:
        if any(words in str(problem) for words in DISK_FULL):
            return {"crashed": str(problem)}
        return {"nonsense": f"{type(problem).__name__}: {problem}"}


def _read(pbf: str, region: str, travelled: str, called: str) -> dict[str, Any]:
    found = normalise(Path(pbf), Path(region), called=called)
    only_ways_to_travel(Path(region), Path(travelled))
    return found.to_json()


def _write(into: str, elements: list[dict[str, Any]]) -> None:
    with osmium.SimpleWriter(into, overwrite=True) as writer:
        for each in elements:
            tags = {_clean(key): _clean(value) for key, value in (each.get("tags") or {}).items()}
            if each["type"] == "node":
                at = (float(each["lon"]), float(each["lat"]))
                writer.add_node(osmium.osm.mutable.Node(id=each["id"], version=1, location=at, tags=tags))
            elif each["type"] == "way":
                writer.add_way(osmium.osm.mutable.Way(id=each["id"], version=1, nodes=each["nodes"], tags=tags))
            elif each["type"] == "relation":
                members = [(member["type"][0], member["ref"], _clean(member["role"])) for member in each["members"]]
                writer.add_relation(osmium.osm.mutable.Relation(id=each["id"], version=1, members=members, tags=tags))


def _clean(text: str) -> str:
    """Without zero bytes: libosmium ends a name there and takes what follows for another."""
    return text.replace("\0", "")


def _merge(files: list[str], into: str, box: list[float], dated: str) -> None:
    """Sorted, each thing once however many pieces it lies in."""
    reader = osmium.MergeInputReader()
    for file in files:
        reader.add_file(file)
    header = osmium.io.Header()
    if dated:
        header.set("osmosis_replication_timestamp", dated)
    header.add_box(osmium.osm.Box(*box))
    with osmium.SimpleWriter(into, header=header, overwrite=True) as writer:
        reader.apply(writer, simplify=True)


if __name__ == "__main__":
    main()
