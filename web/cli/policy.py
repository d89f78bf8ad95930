"""`backroute policy`: what is decided for everybody, a customer or an order; its effect can be shown first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table

from data.queries.policies import PolicyLine, policy_lines, scope_of, whom_of
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import InvalidInput
from routing.model.days import today_of
from routing.model.orders import LineChange, Preview
from routing.rules.effect import apart
from routing.rules.policies import KINDS, PolicyBook, PolicyRow, Scope, usual
from routing.services.ruling import Ruling, comes_anyway, commit_ruling, simulate_ruling, with_todays_goods
from web.cli.changes import heard, print_changes
from web.cli.output import json_option, plain, print_json
from web.cli.values import BY, DAY
from web.dispatcher.policy_words import choices, group_words, grouped, kind_words, scope_words, value_words
from web.policies import in_force, is_over, ruling_of
from web.wiring import Installation, open_installation

customer_option = click.option("--customer", help="For this customer alone, by number or name.")
order_option = click.option("--order", help="For this order alone, by number.")
simulate_option = click.option("--simulate", is_flag=True, help="Show who goes and who waits, and change nothing.")


@click.group("policy")
def policy_group() -> None:
    """Show, set and end policies: for everybody, one customer or one order, from a day on.

    The narrower one wins: an order's before its customer's before everybody's. `backroute policy kinds` says what can
    be decided, and each value in plain words.
    """


@policy_group.command("kinds")
@click.argument("name", required=False)
@json_option
def kinds_command(name: str | None, as_json: bool) -> None:
    """What can be decided: every policy, or what the policy NAME means and its values.

    For example: backroute policy kinds completeness
    """
    words = kind_words()
    names = [_known(name)] if name else list(words)
    if as_json:
        print_json({"policies": [_kind_document(each) for each in names]})
        return
    console = Console()
    if name:
        title, about = words[names[0]]
        console.print(f"{names[0]}: {title}. {about}", markup=False, highlight=False)
        console.print(
            f"For {', '.join(scope_words(each).lower() for each in KINDS[names[0]].scopes)}.", highlight=False
        )
        for value, said in choices(names[0]):
            console.print(f"  {value}: {said}", markup=False, highlight=False)
        console.print(f"Usual: {_usual_words(names[0])}", markup=False, highlight=False)
        if KINDS[names[0]].gives_out:
            console.print("Where the ERP allocates it decides this, and it cannot be set here.", highlight=False)
        return
    for _group, title, members in grouped(names):
        console.print(f"\n{title}", style="bold", markup=False, highlight=False)
        table = Table(Column("Policy", no_wrap=True), "Decides", "Usual", box=None, show_header=False)
        for each in members:
            name_, about = words[each]
            table.add_row(each, plain(f"{name_}. {about}"), plain(_usual_words(each)))
        console.print(table)
    ours = ", ".join(each for each in names if not KINDS[each].gives_out)
    console.print(f"\nWhere the ERP allocates only these can be set: {ours}.", markup=False, highlight=False)


@policy_group.command("list")
@customer_option
@order_option
@click.option("--past", is_flag=True, help="Those that are over too.")
@json_option
def list_command(customer: str | None, order: str | None, past: bool, as_json: bool) -> None:
    """The policies that hold or will, with their keys; what nobody set is as `backroute policy kinds` says."""
    with open_installation() as here, here.database.reading() as connection:
        company = SqlStore(connection).company()
        today = today_of(here.clock.now(), company.zone)
        lines = policy_lines(connection)
        held = in_force([line.row for line in lines], today)
        wanted = None
        if customer is not None or order is not None:
            scope, whom = _whom(customer, order)
            wanted = (scope, scope_of(connection, scope, whom))
    shown = [
        line
        for line in lines
        if (past or not is_over(line.row, today)) and (wanted is None or (line.row.scope, line.row.scope_id) == wanted)
    ]
    if as_json:
        book = PolicyBook(line.row for line in lines)
        print_json(
            {
                "policies": [_line_document(line, line.row.id in held, company.currency) for line in shown],
                "everybody": {
                    each: book.value(each, day=today) for each in kind_words() if Scope.COMPANY in KINDS[each].scopes
                },
            }
        )
        return
    console = Console()
    if not shown:
        console.print(
            "No policy is set: everything is as `backroute policy kinds` says.", markup=False, highlight=False
        )
        return
    table = Table("Key", "For", "Policy", "Means", "From", "To", "", box=None)
    for line in shown:
        row = line.row
        table.add_row(
            str(row.id),
            plain(line.whom or scope_words(row.scope)),
            row.name,
            plain(value_words(row.name, row.value, company.currency)),
            row.effective_from,
            row.effective_to,
            _state(row, row.id in held, today),
        )
    console.print(table)


@policy_group.command("set")
@click.argument("name")
@click.argument("value")
@customer_option
@order_option
@click.option("--from", "begins", type=DAY, metavar="DAY", help="From this day on; today unless said.")
@click.option("--to", "ends", type=DAY, metavar="DAY", help="To this day, the last one; open-ended unless said.")
@simulate_option
@json_option
def set_command(
    name: str,
    value: str,
    customer: str | None,
    order: str | None,
    begins: str | None,
    ends: str | None,
    simulate: bool,
    as_json: bool,
) -> None:
    """Set the policy NAME to VALUE, and give today's goods out by it; `backroute policy kinds` lists both.

    On the demo's Tuesday: backroute policy set allocation_rule first_ordered --simulate
    """
    scope, whom = _whom(customer, order)
    days = {"from": begins or "", "to": ends or ""}
    said = {"scope": scope.value, "whom": whom, "name": _known(name), "value": value} | days
    _rule(said, simulate=simulate, as_json=as_json)


@policy_group.command("end")
@click.argument("key", type=click.IntRange(1, 10**9 - 1))
@simulate_option
@json_option
def end_command(key: int, simulate: bool, as_json: bool) -> None:
    """The policy with this KEY (see `backroute policy list`) holds no longer from today on."""
    _rule({"ends": str(key)}, simulate=simulate, as_json=as_json)


def _rule(said: Mapping[str, str], *, simulate: bool, as_json: bool) -> None:
    with open_installation() as here:
        now = here.clock.now()
        with here.database.reading() as connection:
            store = SqlStore(connection)
            company = store.company()
            today = today_of(now, company.zone)
            ruling = ruling_of(connection, said, today=today)
            row, previews = simulate_ruling(store, ruling, now=now)
            ahead = [] if ruling.ends else with_todays_goods(store, row, now=now)
            whom = whom_of(connection, row.scope, row.scope_id) or scope_words(row.scope)
        anyway = _anyway(here, row) if previews or ahead else frozenset()
        if not simulate:
            row, previews = in_transaction(here.database, lambda store: commit_ruling(store, ruling, now=now, by=BY))
        moved = [apart((line for line in preview.lines if line.concerns), anyway) for preview in previews]
        previews = [_with(preview, found.own) for preview, found in zip(previews, moved, strict=True)]
        hear = heard(here, previews, now=now)
    decided = "ends" if ruling.ends else value_words(row.name, row.value, company.currency)
    title = f"{whom}, {kind_words()[row.name][0].lower()}: {decided}"
    if row.effective_from > today and not ruling.ends:
        title += f" (from {row.effective_from})" if simulate else f" (holds from {row.effective_from})"
    print_changes(
        title,
        previews,
        hear,
        simulate=simulate,
        as_json=as_json,
        currency=company.currency,
        besides={"policy": _document(row, company.currency, ruling)},
        anyway=[line for found in moved for line in found.anyway],
        on_its_day=[
            line for preview in ahead for line in apart((each for each in preview.lines if each.concerns), anyway).own
        ],
    )


def _anyway(here: Installation, row: PolicyRow) -> frozenset[LineChange]:
    """What giving these goods out again changes though no policy does: dates that are past move with each day."""
    with here.database.reading() as connection:
        store = SqlStore(connection)
        concerned = store.open_products_of(scope=row.scope, scope_id=row.scope_id)
        decided = comes_anyway(store, concerned, now=here.clock.now()).values()
        return frozenset(line for each in decided for line in each.preview.concerned)


def _with(preview: Preview, own: Sequence[LineChange]) -> Preview:
    """The preview with what the policy moves alone."""
    still = [line for line in preview.lines if not line.concerns]
    return replace(preview, lines=(*own, *still))


def _state(row: PolicyRow, holds: bool, today: str) -> str:
    if holds:
        return "holds"
    if is_over(row, today):
        return "over"
    return "to come" if row.effective_from > today else "a later one holds"


def _whom(customer: str | None, order: str | None) -> tuple[Scope, str]:
    if customer is not None and order is not None:
        raise InvalidInput("Say --customer or --order, not both: an order's policy is its own.", code="scope")
    if customer is not None:
        return Scope.CUSTOMER, customer
    return (Scope.ORDER, order) if order is not None else (Scope.COMPANY, "")


def _known(name: str) -> str:
    """Also as `allocation-rule`. Raises InvalidInput."""
    found = name.strip().lower().replace("-", "_")
    if found not in KINDS:
        raise InvalidInput(f'There is no policy "{name[:40]}". Choose one of {", ".join(kind_words())}.', code="policy")
    return found


def _usual_words(name: str) -> str:
    value = usual(name)
    if value is not None:
        return value_words(name, value)
    # As the page says it: without a number of days no earlier date is told at all.
    return "never" if name == "promise_earlier_days" else "no limit"


def _kind_document(name: str) -> dict[str, Any]:
    title, about = kind_words()[name]
    return {
        "name": name,
        "group": KINDS[name].group,
        "heading": group_words()[KINDS[name].group],
        "shape": KINDS[name].shape,
        "gives_out": KINDS[name].gives_out,
        "decides": title,
        "means": about,
        "for": list(KINDS[name].scopes),
        "values": [{"value": value, "means": said} for value, said in choices(name)],
        "usual": usual(name),
    }


def _document(row: PolicyRow, currency: str, ruling: Ruling) -> dict[str, Any]:
    return {
        "id": row.id or ruling.ends or None,
        "scope": row.scope,
        "name": row.name,
        "value": row.value,
        "means": value_words(row.name, row.value, currency),
        "from": row.effective_from,
        "to": row.effective_to,
    }


def _line_document(line: PolicyLine, holds: bool, currency: str) -> dict[str, Any]:
    row = line.row
    return _document(row, currency, Ruling()) | {"for": line.whom, "holds": holds, "by": line.by, "at": line.at}
