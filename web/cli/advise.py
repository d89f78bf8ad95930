"""`backroute advise`: which vans are behind and what can be done, and what would bring more of what was left out."""

from __future__ import annotations

from typing import Any

import click

from data.queries.plans import current_plans
from data.store import SqlStore
from routing.errors import NotFound
from routing.rules.driver_out import OutOption
from routing.rules.fixes import Fix
from routing.services.advising import find_fixes
from routing.services.lateness import LateVan, late_vans
from web.cli.output import clean, counted, json_option, print_json
from web.cli.values import DAY, the_day
from web.formats import money
from web.wiring import open_installation


@click.command("advise")
@click.option("--day", type=DAY, metavar="DAY", help="The day, as 2026-05-12; left out: today.")
@json_option
def advise_command(day: str | None, as_json: bool) -> None:
    """Say which vans are behind, which promises break and the ways out; and what would bring more. Changes nothing.

    Exit code 1 when a van is behind so that promises break or something cannot be brought.
    """
    late: list[LateVan] = []
    fixes: list[Fix] = []
    with open_installation() as here:
        day, now = the_day(here, day), here.clock.now()
        with here.database.reading() as connection:
            store = SqlStore(connection)
            currency = store.company().currency
            plan_ids = sorted({each.plan_id for each in current_plans(connection, day=day)})
            if not plan_ids:
                raise NotFound(f"There is no plan of {day}. Plan the day first: backroute plan --from {day}", day=day)
            for plan_id in plan_ids:
                late += late_vans(store, plan_id=plan_id, now=now)
                fixes += find_fixes(store, plan_id=plan_id, now=now)
    if as_json:
        print_json(
            {
                "day": day,
                "currency": currency,
                "late": [_van(each) for each in late],
                "fixes": [_fix(each) for each in fixes],
            }
        )
    else:
        _say(late, fixes, currency)
    if any(each.behind is not None and (each.behind.broken or each.behind.is_out_of_time) for each in late):
        click.get_current_context().exit(1)


def _say(late: list[LateVan], fixes: list[Fix], currency: str) -> None:
    if not late and not fixes:
        click.echo("Every van is on time, and neither longer hours nor another van would bring more.")
    for each in late:
        behind = each.behind
        assert behind is not None  # only those that are behind are listed
        said = f"{each.shift.name} is {behind.late_s // 60} min behind"
        over = f", done {behind.over_s // 60} min after its shift" if behind.over_s else ""
        click.echo(clean(f"{said}{over}; {counted(len(behind.broken), 'promise')} of today will break."))
        for broken in (*behind.closed, *behind.broken):
            click.echo(clean(f"  {broken.sentence}"))
        for option in each.options:
            kept, cost = counted(option.promises_kept, "promise"), money(round(option.cost / 1000), currency)
            click.echo(clean(f"  Or: {option.title}. {kept} kept, {cost}; told: {', '.join(option.told)}."))
    for fix in fixes:
        what = f"with {fix.added.driver.name}" if fix.added is not None and fix.added.driver is not None else "works"
        gained = counted(len(fix.gained), "order")
        cost = money(round(fix.cost / 1000), currency)
        click.echo(clean(f"{fix.vehicle} {what} {fix.starts}-{fix.ends}: +{gained}, {cost} ({', '.join(fix.names)})."))


def _van(found: LateVan) -> dict[str, Any]:
    """Costs in minor units."""
    behind = found.behind
    assert behind is not None
    return {
        "shift": behind.shift_id,
        "van": found.shift.name,
        "late_s": behind.late_s,
        "after_shift_s": behind.over_s,
        "promises_broken": behind.broken,
        "closed": behind.closed,
        "ranked": behind.ranked,
        "options": [_option(each) for each in found.options],
    }


def _option(option: OutOption) -> dict[str, Any]:
    return {
        "kind": option.kind.value,
        "title": option.title,
        "promises_kept": option.promises_kept,
        "promises_broken": option.promises_broken,
        "left_out": [each.visit for each in option.left_out],
        "moved": option.moved,
        "cost": round(option.cost / 1000),
        "told": option.told,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "shift": None if fix.added is not None else fix.shift_id,
        "van": fix.vehicle,
        "driver": fix.added.driver.name if fix.added is not None and fix.added.driver is not None else None,
        "starts": fix.starts,
        "ends": fix.ends,
        "gained": fix.names,
        "cost": round(fix.cost / 1000),
    }
