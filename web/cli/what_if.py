"""`backroute what-if`: the day with another van, other hours, a later cut-off or a driver less, beside its plan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from data.queries.plans import current_plans
from data.queries.scenarios import vehicles_of
from data.store import SqlStore, open_store
from routing.errors import InvalidInput, NotFound
from routing.model.fleet import Shift
from routing.services.supposing import Wish, suppose
from web.cli.output import clean, counted, json_option, plain, print_json
from web.cli.values import BY, DAY, SECONDS, SEED, the_day
from web.formats import distance, duration, money
from web.what_if_job import MOST_SCENARIOS, SEARCH_S, start_scenario, use_scenario
from web.wiring import Installation, open_installation

_HOURS = re.compile(r"(?:(\d{1,2}:\d\d)-)?(\d{1,2}:\d\d)")


@click.command("what-if")
@click.option("--day", type=DAY, metavar="DAY", help="The day, as 2026-05-12; left out: today.")
@click.option("--add-van", "vans", multiple=True, metavar="VAN", help="One more of the kind of this vehicle.")
@click.option(
    "--extend", "hours", multiple=True, metavar="VAN=HOURS", help='Other hours: "Van 2=18:00" or 06:00-18:00.'
)
@click.option("--cut-off", "cut_offs", multiple=True, metavar="TIME", help="Orders until this time of the day before.")
@click.option(
    "--without", "without", multiple=True, metavar="VAN", help="Its driver is not there, and nobody takes it."
)
@click.option("--together", is_flag=True, help="All changes as one scenario; else each is one of its own.")
@click.option("--use", is_flag=True, help="Keep the one scenario: its change and its plan, both or neither.")
@click.option("--time-limit", type=SECONDS, default=SEARCH_S, show_default=True, help="Seconds to search for each.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="The same seed searches the same way.")
@json_option
def what_if_command(
    day: str | None,
    vans: Sequence[str],
    hours: Sequence[str],
    cut_offs: Sequence[str],
    without: Sequence[str],
    together: bool,
    use: bool,
    time_limit: float,
    seed: int,
    as_json: bool,
) -> None:
    """Plan the day with a change, beside the plan that holds. Keeps nothing unless --use is given.

    Beside the scenarios stands the same day planned again, so that a longer search is not taken for what a van brings.
    Exit code 2, and nothing changed, when a change cannot be or the day moved on.
    """
    with open_installation() as here:
        day = the_day(here, day)
        with here.database.reading() as connection:
            currency = SqlStore(connection).company().currency
            plan_id, wishes = _asked(connection, day, vans, hours, cut_offs, without)
        scenarios = [wishes] if together else [[wish] for wish in wishes]
        if not wishes:
            raise InvalidInput("Say what should be otherwise: --add-van, --extend, --cut-off or --without.")
        if len(scenarios) > MOST_SCENARIOS:
            raise InvalidInput(
                f"{len(scenarios)} scenarios are more than anybody compares. Name at most {MOST_SCENARIOS}, or take "
                "their changes --together.",
                code="too_many",
            )
        if use and len(scenarios) != 1:
            raise InvalidInput("--use keeps one scenario. Name one change, or take them --together.")
        with here.database.reading() as connection:
            for each in scenarios:  # what cannot be is refused before anything is searched
                suppose(SqlStore(connection), plan_id=plan_id, wishes=each, now=here.clock.now())
        if not use:
            scenarios = [[], *scenarios]
        found = [_solved(here, plan_id, each, seconds=time_limit, seed=seed, use=use) for each in scenarios]
    if as_json:
        print_json(
            {
                "day": day,
                "plan_id": plan_id,
                "currency": currency,
                "before": found[0]["before"],
                "scenarios": found,
            }
        )
    else:
        _say(found, currency)


def _asked(
    connection: Connection,
    day: str,
    vans: Sequence[str],
    hours: Sequence[str],
    cut_offs: Sequence[str],
    without: Sequence[str],
) -> tuple[int, list[Wish]]:
    """The plan that the named vans belong to, and the changes. Raises NotFound, InvalidInput."""
    store = SqlStore(connection)
    plans = {each.plan_id: store.plan(each.plan_id) for each in current_plans(connection, day=day)}
    if not plans:
        raise NotFound(f"There is no plan of {day}. Plan the day first: backroute plan --from {day}", day=day)
    everywhere = sorted({depot for each in plans.values() for depot in each.depot_ids})
    shifts = [each for each in store.shifts_between(day, day, everywhere) if each.state == "planned"]
    vehicles = vehicles_of(connection, everywhere, day=day)
    depots: set[int] = set()

    def shift(name: str) -> int:
        named = _one([each for each in shifts if each.vehicle.name.casefold() == name.strip().casefold()], name, day)
        depots.add(named.depot_id)
        return named.id

    def vehicle(name: str) -> int:
        same = [(key, depot) for key, said, depot in vehicles if said.casefold() == name.strip().casefold()]
        if not same:
            known = ", ".join(said for _key, said, _depot in vehicles[:12])
            raise NotFound(f'There is no vehicle "{name[:40]}". Name one of: {known}.', code="vehicle")
        depots.add(same[0][1])
        return same[0][0]

    wishes = [Wish(kind="van", key=vehicle(name)) for name in vans]
    for said in hours:
        name, _, times = said.rpartition("=")
        match = _HOURS.fullmatch(times.strip())
        if not name or match is None:
            raise InvalidInput(f'"{said[:40]}" is no van with its hours. Write it as "Van 2=18:00".', code="hours")
        wishes.append(Wish(kind="hours", key=shift(name), starts=match[1] or "", ends=match[2]))
    wishes += [Wish(kind="cut_off", ends=each) for each in cut_offs]
    wishes += [Wish(kind="without", key=shift(name)) for name in without]
    fitting = [key for key, each in plans.items() if depots <= set(each.depot_ids)]
    if not fitting:
        raise InvalidInput("These vans belong to different plans of that day. Ask for each by itself.", code="plans")
    if len(fitting) > 1:
        raise InvalidInput("That day has several plans. Name a van with the change.", code="plans")
    return fitting[0], wishes


def _one(named: list[Shift], name: str, day: str) -> Shift:
    if not named:
        raise NotFound(f'No van "{name[:40]}" goes out on {day}. Look at the plan for the names.', code="shift")
    if len(named) > 1:
        raise InvalidInput(f"{name[:40]} has {len(named)} shifts on {day}. Change that one on the board.", code="shift")
    return named[0]


def _solved(
    here: Installation, plan_id: int, wishes: Sequence[Wish], *, seconds: float, seed: int, use: bool
) -> dict[str, Any]:
    from web.jobs import error_of, run_job_now

    with open_store(here.database) as store:
        job_id = start_scenario(store, plan_id=plan_id, wishes=wishes, by=BY, seconds=seconds, seed=seed)
    job = run_job_now(here, job_id)
    if job.state != "done" or job.result is None:
        raise error_of(job)
    used = use_scenario(here, job, by=BY) if use else None
    shown = {name: value for name, value in job.result.items() if name not in ("orders", "seen")}
    for name in ("before", "after"):
        shown[name] = {**shown[name], "cost": round(shown[name]["cost"] / 1000)}  # minor units, as in every command
    return {**shown, "job": job_id, "used_as_plan": used}


def _say(found: list[dict[str, Any]], currency: str) -> None:
    before = found[0]["before"]
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("Scenario", "Served", "On time", "Cost", "Distance", "On duty", "Left out"):
        table.add_column(name, justify="left" if name == "Scenario" else "right")
    rows = [("as it is", before)]
    rows += [("; ".join(each["titles"]) or "planned again", each["after"]) for each in found]
    for title, standing in rows:
        table.add_row(
            plain(title),
            f"{standing['served']}/{standing['of']}",
            f"{standing['kept']}/{standing['promised']}",
            money(standing["cost"], currency),
            distance(standing["distance_m"]),
            duration(standing["duty_s"]),
            str(standing["of"] - standing["served"]),
        )
    Console().print(table)
    for each in found:
        title = "; ".join(each["titles"])
        if each["gained"] or each["lost"]:
            moves = [
                f"{sign}{counted(len(names), 'delivery', 'deliveries')} ({', '.join(names[:8])})"
                for sign, names in (("+", each["gained"]), ("−", each["lost"]))
                if names
            ]
            click.echo(clean(f"{title or 'planned again'}: {'; '.join(moves)}"))
        if moved := _reasons(before, each["after"]):
            click.echo(f"  left out: {moved}")
        if each["missing"]:
            click.echo(clean(f"{title}: to be looked at only, there is no spare {each['missing']}."))
        if each["used_as_plan"]:
            click.echo(clean(f"Done: {title}. The plan goes by it now (version {each['used_as_plan']})."))


def _reasons(before: dict[str, Any], after: dict[str, Any]) -> str:
    """The reasons of which more or fewer are left out than by the plan that holds."""
    old, new = dict(before["left_out"]), dict(after["left_out"])
    return ", ".join(
        f"{reason.replace('_', ' ')} {old.get(reason, 0)} → {new.get(reason, 0)}"
        for reason in dict.fromkeys([*old, *new])
        if old.get(reason, 0) != new.get(reason, 0)
    )
