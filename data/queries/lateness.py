"""How many days late an open line is against what its customer counts on, in SQL.

Counted from the first promise, or from the last that the customer wished for itself: a promise that we moved is late
all the same. Until the day it is expected on; until today where that is over or there is none.

    Promised for 5 May and again, when that slipped, for 12 May, when it is expected: 7 days late on any day before.
    Wished for 11 May, without any date: on 12 May one day late so far.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Integer, ScalarSelect, Subquery, case, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from data.tables import promise
from routing.rules.figures.slips import Cause, cause_of


class _Days(FunctionElement[int]):
    """Whole days from the second ISO day to the first; NULL where one of them is ""."""

    type = Integer()
    inherit_cache = True


@compiles(_Days, "sqlite")
def _on_sqlite(element: _Days, compiler: Any, **how: Any) -> str:
    later, earlier = (compiler.process(each, **how) for each in element.clauses)
    return f"CAST(julianday({later}) - julianday({earlier}) AS INTEGER)"


@compiles(_Days, "postgresql")
def _on_postgres(element: _Days, compiler: Any, **how: Any) -> str:
    later, earlier = (compiler.process(each, **how) for each in element.clauses)
    return f"(CAST({later} AS DATE) - CAST({earlier} AS DATE))"


def days_late(expected_on: ColumnElement[str], due_on: ColumnElement[str], *, today: str) -> ColumnElement[int]:
    """Whole days, 0 for who is in time or was promised nothing."""
    until = case((expected_on > today, expected_on), else_=today)
    days = _Days(func.nullif(until, ""), func.nullif(due_on, ""))
    return func.coalesce(case((until > due_on, days), else_=0), 0)


def wishes(connection: Connection) -> list[str]:
    """The reasons of promises that the customer moved, as they stand in the promises."""
    return [why for why in connection.scalars(select(promise.c.why).distinct()) if cause_of(why) is Cause.CUSTOMER]


def due_version(wished: list[str]) -> ColumnElement[int]:
    """Over the promises of one line: the version of the one that its customer counts on."""
    return func.coalesce(func.max(case((promise.c.why.in_(wished), promise.c.version))), func.min(promise.c.version))


def due_promise(line_id: Column[int], wished: list[str]) -> ScalarSelect[int]:
    """The same of the line that `line_id` names in the query around it; NULL without any promise."""
    return (
        select(due_version(wished)).where(promise.c.order_line_id == line_id).correlate(line_id.table).scalar_subquery()
    )


def promises_of_lines(wished: list[str]) -> Subquery:
    """Per `line_id` that was promised anything: `first_on`, `last_on`, and `due_on`, from which lateness counts."""
    ends = (
        select(
            promise.c.order_line_id.label("line_id"),
            func.min(promise.c.version).label("first"),
            func.max(promise.c.version).label("last"),
            due_version(wished).label("due"),
        )
        .group_by(promise.c.order_line_id)
        .subquery("ends")
    )

    first, last, due = promise.alias("first_promise"), promise.alias("last_promise"), promise.alias("due_promise")
    query = select(
        ends.c.line_id,
        first.c.promised_on.label("first_on"),
        last.c.promised_on.label("last_on"),
        due.c.promised_on.label("due_on"),
    )
    for each, version in ((first, ends.c.first), (last, ends.c.last), (due, ends.c.due)):
        query = query.join(each, (each.c.order_line_id == ends.c.line_id) & (each.c.version == version))
    return query.subquery("promises")
