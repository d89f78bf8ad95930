from __future__ import annotations

from collections import defaultdict

from data.store import SqlStore


def test_no_two_parts_of_the_store_give_one_name_two_meanings() -> None:
    owners: dict[str, list[str]] = defaultdict(list)
    for part in SqlStore.__bases__:
        for name in vars(part):
            if not name.startswith("__"):
                owners[name].append(part.__name__)
    assert {name: parts for name, parts in owners.items() if len(parts) > 1} == {}
