"""What a change does to orders as documents, for programs: its lines, who hears of it, and its worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from routing.model.imports import MOST_ERRORS, ImportResult
from routing.model.orders import LineChange
from routing.rules.effect import Worth, effect_of, worths_of
from routing.services.telling import Hear
from web.formats import money


def line_document(line: LineChange) -> dict[str, Any]:
    """A line as every command with `--json` prints it: base units, ISO days, minor units. `value`: of what goes."""
    return {
        "order": line.order,
        "customer": line.customer,
        "sku": line.sku,
        "needed": line.needed,
        "goes": line.goes,
        "went_before": line.went,
        "on_shelf": [line.firm_before, line.firm_after],
        "provisional": line.provisional_after,
        "provisional_before": line.provisional_before,
        "waits": line.stays,
        "old_day": line.old_day,
        "new_day": line.new_day,
        "promised_on": line.promised_on,
        "slips": line.slips,
        "loses_date": line.loses,
        "date_again": line.again,
        "earlier": line.sooner,
        "on_hold": line.on_hold,
        "moved_by": line.moved_by,
        "value": line.value_going,
        "currency": line.currency,
    }


def told_document(told: Iterable[tuple[Iterable[LineChange], Hear]]) -> dict[str, dict[str, Any]]:
    """How many orders are told of a later date, none any more or one again, by how: `told` of what this moves,
    `told_along` of what had moved before, when nobody was told. `asked_by_call` are those of the calls that are to
    ask. `answer_by`, `answer_by_call`: of both, the last days for an answer to a message and to a call."""
    found: dict[str, dict[str, Any]] = {"answer_by": {}, "answer_by_call": {}}
    by_name: dict[str, list[Hear]] = {"told": [], "told_along": []}
    for lines, hear in told:
        effect = effect_of(lines)
        by_name["told"].append(hear.among(effect.moved))
        by_name["told_along"].append(hear.among(effect.along))
    for name, each in by_name.items():
        found[name] = {
            "message": sum(hear.by_message for hear in each),
            "call": sum(hear.by_call for hear in each),
            "asked": sum(len(hear.asked) for hear in each),
            "asked_by_call": sum(len(hear.call_by) for hear in each),
        }
        found["answer_by"][name] = sorted({day for hear in each for day in hear.answers_by})
        found["answer_by_call"][name] = sorted({day for hear in each for day in hear.calls_by})
    return found


def besides_document(told: Iterable[tuple[Iterable[LineChange], Hear]]) -> dict[str, dict[str, dict[str, int]]]:
    """How many other orders hear of a day: those promised an `earlier` one, by a message or a call, and those promised
    their `first` one, by a message alone. With those of `told_document` they are all that hear, each order once."""
    found = {"earlier": {"message": 0, "call": 0}, "first": {"message": 0}}
    for lines, hear in told:
        effect = effect_of(lines)
        found["earlier"]["message"] += hear.among(effect.sooner).by_message
        found["earlier"]["call"] += hear.among(effect.sooner).by_call
        found["first"]["message"] += hear.among(effect.first).by_message
    return {"told_besides": found}


def worth_document(lines: Iterable[LineChange], *, currency: str) -> dict[str, Any]:
    """Minor units of what goes, waits and breaks in the company's currency, and of orders in others apart."""
    home, *others = worths_of(lines, home=currency)
    return {
        "currency": home.currency,
        "worth": home.document(),
        "worth_elsewhere": [{"currency": each.currency, **each.document()} for each in others],
    }


def worth_words(worths: Sequence[Worth]) -> str:
    """Worth €120.00: €96.00 goes, €24.00 waits, €24.00 in promises that break. "" for what has no price."""
    said = []
    for each in worths:
        if not (each.goes or each.waits or each.breaks):
            continue
        breaks = f", {money(each.breaks, each.currency)} in promises that break" if each.breaks else ""
        said.append(f"{money(each.goes, each.currency)} goes, {money(each.waits, each.currency)} waits{breaks}")
    return f"Worth: {'; '.join(said)}" if said else ""


def heard_document(line: LineChange, hear: Hear) -> dict[str, str]:
    """How the customer of a line hears of it, and until which ISO day they may answer when they are asked."""
    if not line.is_told:
        return {"told": "", "answer_by": ""}
    return {"told": hear.of(line.order_id), "answer_by": hear.answer_by(line.order_id)}


def moved_document(result: ImportResult) -> dict[str, Any]:
    """What a file of orders does to orders that are not in it, and one of inbound or counts to any; and how their
    customers hear of it."""
    hear = hear_of(result)
    rows = [
        line_document(line) | {"order_id": line.order_id, **heard_document(line, hear)}
        for line in result.moved[:MOST_ERRORS]
    ]
    return {
        "moved": rows,
        "moved_left_off": max(0, len(result.moved) - MOST_ERRORS),
        **told_document([(result.heard, hear)]),
        **besides_document([(result.heard, hear)]),
        **worth_document((line for line in result.moved if not line.is_told_along), currency=result.currency),
        "warnings": result.warnings,
    }


def hear_of(result: ImportResult) -> Hear:
    """How the customers of what a file moved hear of it."""
    return Hear(
        message=frozenset(key for key, how in result.heard_by.items() if how == "message"),
        call=frozenset(key for key, how in result.heard_by.items() if how == "call"),
        asked={key: day for key, day in result.answer_by.items() if result.heard_by.get(key) != "call"},
        call_by={key: day for key, day in result.answer_by.items() if result.heard_by.get(key) == "call"},
    )
