"""The examples that stand beside the rules are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import routing.model
import routing.rules

MODULES = sorted(
    found.name
    for package in (routing.rules, routing.model)
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_rule_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
