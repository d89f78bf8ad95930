"""Makes frozen values quickly, where a hundred thousand of them are made at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, make_dataclass
from typing import Any, cast


def in_bulk[**Fields, Value](kind: Callable[Fields, Value]) -> Callable[Fields, Value]:
    """The constructor of a frozen dataclass with slots, four times as quick; for one without `__post_init__`.

    A frozen value sets each of its fields past its own `__setattr__`, which costs more than all the rest of making it.
    Here they are set plainly on a twin that has the same slots and is not frozen, which then becomes the value.

        >>> from routing.model.stock import Claim
        >>> claim = in_bulk(Claim)(line_id=1, supply_id=2, quantity=3)
        >>> claim == Claim(line_id=1, supply_id=2, quantity=3), type(claim) is Claim
        (True, True)
        >>> claim.quantity = 4
        Traceback (most recent call last):
        dataclasses.FrozenInstanceError: cannot assign to field 'quantity'
    """
    of = cast("type[Any]", kind)
    if hasattr(of, "__post_init__") or "__slots__" not in vars(of):
        raise TypeError(f"{of.__name__} checks itself or has no slots: make it by its own constructor.")

    twin = make_dataclass(
        of.__name__,
        [(each.name, each.type) for each in fields(of)],
        slots=True,
        kw_only=True,
        eq=False,
        repr=False,
        init=False,
    )
    return cast("Callable[Fields, Value]", _maker(of, twin))


def _maker(of: type[Any], twin: type[Any]) -> Callable[..., Any]:
    """A plain function with the fields as its keywords: no `__init__` and no `__post_init__` are called for a value."""
    names = [each.name for each in fields(of)]
    made = {each.name: each.default_factory for each in fields(of) if each.default_factory is not MISSING}
    given: dict[str, Any] = dict.fromkeys(made, MISSING)
    given |= {each.name: each.default for each in fields(of) if each.default is not MISSING}
    keywords = ", ".join(f"{name}=_given[{name!r}]" if name in given else name for name in names)
    # A list or dict of its own for each value that names none.
    fresh = "".join(f"    if {name} is _missing: {name} = _made[{name!r}]()\n" for name in made)
    sets = "".join(f"    value.{name} = {name}\n" for name in names)
    body = f"    value = _new(_twin)\n{fresh}{sets}    value.__class__ = _of\n    return value\n"
    code = f"def make(*, {keywords}):\n{body}"
    around = {"_new": object.__new__, "_twin": twin, "_of": of, "_given": given, "_made": made, "_missing": MISSING}
    exec(compile(code, f"<{of.__name__} in bulk>", "exec"), around)
    return cast("Callable[..., Any]", around["make"])
