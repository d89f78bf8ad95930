"""The policies: as a book that rules ask, and as the page lists them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from data.queries.backorders import customer_called
from data.tables import customer, order, policy, user
from routing.errors import InvalidInput, NotFound
from routing.model.orders import Completeness, OrderTerms
from routing.rules.policies import PolicyBook, PolicyRow, Scope


def policy_book(connection: Connection) -> PolicyBook:
    """Every row there is: of the past, in force and to come."""
    query = select(
        policy.c.id,
        policy.c.scope,
        policy.c.scope_id,
        policy.c.name,
        policy.c.value,
        policy.c.effective_from,
        policy.c.effective_to,
    )
    return PolicyBook(
        PolicyRow(**(dict(row) | {"scope": Scope(row["scope"])})) for row in connection.execute(query).mappings()
    )


STATED = (
    order.c.completeness,
    order.c.min_percent,
    order.c.min_value,
    order.c.max_wait_days,
    order.c.max_shipments,
)
"""The terms that an order stated itself when it came in, in the order in which `stated_terms` takes them."""


def stated_terms(
    completeness: str, min_percent: int, min_value: int, max_wait_days: int | None, max_shipments: int | None
) -> OrderTerms:
    return OrderTerms(
        completeness=Completeness(completeness),
        min_percent=min_percent,
        min_value=min_value,
        max_wait_days=max_wait_days,
        max_shipments=max_shipments,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLine:
    """A row of the page: `whom` is the customer's name or the order's number, "" for the company."""

    row: PolicyRow
    whom: str
    by: str
    at: datetime


def policy_lines(connection: Connection) -> list[PolicyLine]:
    """The company's first, then the customers', then the orders', each by name and first day."""
    query = (
        select(policy, customer.c.name.label("customer_name"), order.c.number.label("order_number"))
        .outerjoin(customer, (policy.c.scope == "customer") & (customer.c.id == policy.c.scope_id))
        .outerjoin(order, (policy.c.scope == "order") & (order.c.id == policy.c.scope_id))
        .order_by(policy.c.name, policy.c.effective_from, policy.c.id)
    )
    names = {f"user:{row.id}": row.name or row.email for row in connection.execute(select(user))}
    lines = [
        PolicyLine(
            row=PolicyRow(
                id=row.id,
                scope=Scope(row.scope),
                scope_id=row.scope_id,
                name=row.name,
                value=row.value,
                effective_from=row.effective_from,
                effective_to=row.effective_to,
            ),
            whom=row.customer_name or row.order_number or "",
            by=names.get(row.by, row.by),
            at=row.at,
        )
        for row in connection.execute(query)
    ]
    return sorted(lines, key=lambda line: (list(Scope).index(line.row.scope), line.whom))


def whom_of(connection: Connection, scope: Scope, scope_id: int) -> str:
    """The customer's name or the order's number, as `PolicyLine` has it; "" for the company."""
    if scope is Scope.COMPANY:
        return ""
    called = (
        select(customer.c.name).where(customer.c.id == scope_id)
        if scope is Scope.CUSTOMER
        else select(order.c.number).where(order.c.id == scope_id)
    )
    return str(connection.scalars(called).one())


def scope_of(connection: Connection, scope: Scope, text: str) -> int:
    """The id of the customer (as `customer_called` takes it) or order (by number) that a person typed; 0: the company.

    Raises InvalidInput when there is none or more than one.
    """
    if scope is Scope.COMPANY:
        return 0
    if scope is Scope.CUSTOMER:
        try:
            return customer_called(connection, text)[0]
        except (NotFound, InvalidInput) as problem:
            raise InvalidInput(str(problem), code="whom") from problem
    found = connection.scalars(select(order.c.id).where(order.c.number == text)).all()
    if not text:
        raise InvalidInput("Choose an order: write its number.", code="whom")
    if not found:
        raise InvalidInput(f'There is no order "{text[:40]}". Write its number as the list shows it.', code="whom")
    if len(found) > 1:
        raise InvalidInput(f'"{text[:40]}" is {len(found)} orders. Write the number instead.', code="whom")
    return int(found[0])
