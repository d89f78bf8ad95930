"""Makes frozen values quickly, where a hundred thousand of them are made at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, field, fields, make_dataclass
from typing import Any, cast


def in_bulk[**Fields, Value](kind: Callable[Fields, Value]) -> Callable[Fields, Value]:
    """The constructor of a frozen dataclass with slots, four times as quick; for one without `__post_init__`.

    A frozen value sets each of its fields past its own `__setattr__`, which costs more than all the rest of making it.
    Here a twin that has the same slots and is not frozen sets them plainly, and then becomes the value.

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

    def become(self: Any) -> None:
        self.__class__ = of

    twin = make_dataclass(
        of.__name__,
        [(each.name, each.type, _with_default(each)) for each in fields(of)],
        namespace={"__post_init__": become},
        slots=True,
        kw_only=True,
        eq=False,
        repr=False,
    )
    return cast("Callable[Fields, Value]", twin)


def _with_default(of: Field[Any]) -> Any:
    if of.default_factory is not MISSING:
        return field(default_factory=of.default_factory)
    return field() if of.default is MISSING else field(default=of.default)
