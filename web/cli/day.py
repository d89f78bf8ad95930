"""`backroute locate`, `plan`, `dispatch` and `notify`: the day, from the command line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from data.store import open_store
from data.store.again import in_transaction
from routing.errors import BackrouteError, Conflict, InvalidInput
from routing.model.days import day_words
from routing.model.places import SURE
from routing.services.dispatching import dispatch_day
from routing.services.loading import Loaded, load_route
from routing.services.locating import LocatedAll
from routing.services.planning import PlanDraft, begin_plan
from web.cli.output import MOST_SHOWN, counted, json_option, plain, print_json
from web.cli.values import BY, DAY, SECONDS, SEED, the_day
from web.formats import money
from web.locating import locate_everywhere
from web.wiring import Installation, open_installation


@click.command("locate")
@click.option("--again", is_flag=True, help="Look up those again that wait for a person.")
@json_option
def locate_command(again: bool, as_json: bool) -> None:
    """Find the addresses that have no pin; the doubtful ones become tasks for a person.

    Exit code 1 when some wait for a person.
    """
    with open_installation() as here:
        region = _region(here)
        with _bar("{task.completed:.0f}/{task.total:.0f}") as bar:
            task = bar.add_task("addresses", total=0)
            result = locate_everywhere(
                here,
                region=region,
                now=here.clock.now(),
                again=again,
                progress=lambda done, of: bar.update(task, completed=done, total=of),
            )
    if as_json:
        print_json(_located(result))
    else:
        need = len(result.doubtful) + result.waiting
        since = f", {result.waiting} of them since before: see Addresses" if result.waiting else ""
        click.echo(
            f"{result.found} found, {result.remembered} remembered, "
            f"{need} {'needs' if need == 1 else 'need'} a person{since}."
        )
        for want, sentence in result.doubtful[:MOST_SHOWN]:
            click.echo(f"  {want.name}: {sentence}")
        if len(result.doubtful) > MOST_SHOWN:
            click.echo(f"  ... and {len(result.doubtful) - MOST_SHOWN} more (--json names them)")
        if result.some:
            click.echo(f"Not every vehicle gets to {len(result.some)} of those found:")
        for want, sentence in result.some[:MOST_SHOWN]:
            click.echo(f"  {want.name}: {sentence}")
        if len(result.some) > MOST_SHOWN:
            click.echo(f"  ... and {len(result.some) - MOST_SHOWN} more (--json names them)")
    if result.doubtful or result.waiting:
        click.get_current_context().exit(1)


@click.command("plan")
@click.option("--from", "from_day", type=DAY, metavar="DAY", help="The first day, as 2026-05-12; left out: today.")
@click.option("--to", "to_day", type=DAY, metavar="DAY", help="The last day; left out: the first.")
@click.option("--time-limit", type=SECONDS, default=10.0, show_default=True, help="Seconds to search.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="The same seed searches the same way.")
@json_option
def plan_command(from_day: str | None, to_day: str | None, time_limit: float, seed: int, as_json: bool) -> None:
    """Plan the routes of a day, or of several, for every depot.

    Exit code 1 when something was left out, each with its reason, or when the depots of one region could not be
    planned: the others are.
    """
    from web.jobs import error_of, run_job_now
    from web.plan_job import refuse_nothing_to_plan, start_plan

    documents: list[dict[str, Any]] = []
    idle: list[InvalidInput] = []
    failed: list[tuple[str, BackrouteError]] = []
    with open_installation() as here:
        day = the_day(here, from_day)
        with open_store(here.database) as store:
            store.assign_regions()
            groups = store.depots_by_region()
        if not groups:
            raise InvalidInput("There is no depot to plan from. Import one first: backroute import fleet FILE")
        for depot_ids in groups.values():
            with open_store(here.database) as store:
                # What is refused is refused here, before anything is written down. Depots of one region keep those of
                # another from nothing.
                draft = begin_plan(store, from_day=day, to_day=to_day or day, depot_ids=depot_ids, now=here.clock.now())
                try:
                    refuse_nothing_to_plan(draft)
                except InvalidInput as nothing:
                    if nothing.code == "nothing_released":
                        idle.append(nothing)
                    else:
                        failed.append((_names_of(draft), nothing))
                    continue
                job_id = start_plan(
                    store,
                    from_day=day,
                    to_day=to_day or day,
                    depot_ids=depot_ids,
                    by=BY,
                    time_limit_s=time_limit,
                    seed=seed,
                )
            with _bar("{task.fields[said]}") as bar:
                task = bar.add_task("planning", total=time_limit, said="")

                def show(values: Mapping[str, Any], bar: Progress = bar, task: Any = task) -> None:
                    said = f"{values['phase']}: {values['served']} of {values['of']} deliveries"
                    bar.update(task, completed=min(float(values["at_s"]), time_limit), said=said)

                job = run_job_now(here, job_id, on_progress=show)
            if job.state != "done":
                failed.append((_names_of(draft), error_of(job)))
                continue
            documents.append(job.result)
        if not documents:
            raise (failed[0][1] if failed else idle[0])
        for names, problem in failed:
            click.echo(plain(f"{names}: not planned. {problem}"), err=True)
        if as_json:
            print_json(documents[0] if len(documents) == 1 else {"plans": documents})
        else:
            with open_store(here.database) as store:
                zones = {depot.name: depot.zone for depot in store.depot_facts(store.depot_ids())}
            for document in documents:
                show_plan(document, zones)
    if failed or any(document["left_out"] for document in documents):
        click.get_current_context().exit(1)


@click.command("dispatch")
@click.option("--day", type=DAY, metavar="DAY", help="The day, as 2026-05-12; left out: today.")
@click.option(
    "--load",
    is_flag=True,
    help="Load every route of the day first: of each the trip that is due.",
)
@json_option
def dispatch_command(day: str | None, load: bool, as_json: bool) -> None:
    """Hand the loaded routes to their drivers, and tell the customers.

    Exit code 1 when a route stays: each with its reason. A second time changes nothing.
    """
    from web.outbox import outbound_of

    loaded: list[Loaded] = []
    not_loaded: list[str] = []
    with open_installation() as here:
        day = the_day(here, day)
        with open_store(here.database) as store:
            depot_ids = store.depot_ids()
            shifts = store.routes_of_day(day=day, depot_ids=depot_ids) if load else ()
        for shift_id in shifts:
            # A transaction for each van: one that cannot be loaded does not keep the others.
            try:
                work = partial(load_route, shift_id=shift_id, by=BY, now=here.clock.now())
                loaded.append(in_transaction(here.database, work))
            except Conflict as problem:
                not_loaded.append(str(problem))
        with open_store(here.database) as store:
            mode = outbound_of(store).mode
            result = dispatch_day(store, day=day, depot_ids=depot_ids, secret=here.secret, by=BY, now=here.clock.now())
            links = {
                each.shift_id: here.address(f"/d/{store.link_token(link_id=each.link_id, secret=here.secret)}")
                for each in result.dispatched
            }
    if as_json:
        print_json(
            {
                "day": day,
                "loaded": loaded,
                "not_loaded": not_loaded,
                "dispatched": [
                    {
                        "shift": each.shift_id,
                        "manifest": each.manifest_id,
                        "version": each.version,
                        "vehicle": each.vehicle,
                        "driver": each.driver,
                        "stops": each.stops,
                        "told": each.told,
                        "link": links[each.shift_id],
                    }
                    for each in result.dispatched
                ],
                "left": result.left,
                "as_before": result.as_before,
            }
        )
    else:
        for each in loaded:
            if not each.deliveries:
                continue  # everything of it was on the van before
            click.echo(f"Loaded {each.vehicle}: {each.deliveries} deliveries, {each.units} units.")
        if unpicked := sum(each.unpicked for each in loaded):
            click.echo(f"{counted(unpicked, 'unit')} of it nobody had ticked as picked.")
        for sent in result.dispatched:
            told = counted(sent.told, "message to customers", "messages to customers")
            click.echo(f"{sent.vehicle}, {sent.driver}: {counted(sent.stops, 'stop')}, {told}. The driver's link:")
            click.echo(f"  {links[sent.shift_id]}")
        if result.dispatched and mode == "off":
            click.echo("Sending is off: every message waits in the outbox. Switch it on under Settings, Messages.")
        elif result.dispatched:
            click.echo("The messages go out with `backroute notify`, or by themselves while `serve` runs.")
        if result.as_before:
            click.echo(f"{result.as_before} out already, unchanged.")
        for sentence in (*not_loaded, *(each.sentence for each in result.left)):
            click.echo(f"Stays: {sentence}")
    if not_loaded or result.left:
        click.get_current_context().exit(1)


@click.command("notify")
@json_option
def notify_command(as_json: bool) -> None:
    """Do what is due: end the terms for an answer, make the day's lists of backorders, send the messages.

    While sending is off, messages wait. `serve` and `worker` do the same by themselves, every few seconds.

    Exit code 1 when some could not be handed over.
    """
    from web.due import do_due
    from web.outbox import outbound_of, send_due

    at_once = 50
    totals: dict[str, int] = {}
    with open_installation() as here:
        with open_store(here.database) as store:
            mode = outbound_of(store).mode
        due = do_due(here)
        while True:
            done = send_due(here, limit=at_once)
            counts = {name: getattr(done, name) for name in type(done).__dataclass_fields__}
            for name, many in counts.items():
                totals[name] = totals.get(name, 0) + many
            if done.total < at_once:
                break
    if as_json:
        print_json({"mode": mode, "terms_ended": due.terms_ended, "lists_made": due.lists_made, **totals})
        _end(totals)
        return
    if due.terms_ended:
        click.echo(
            "1 term for an answer has ended."
            if due.terms_ended == 1
            else f"{due.terms_ended} terms for an answer have ended."
        )
    if due.lists_made:
        click.echo(
            "1 list of backorders was made."
            if due.lists_made == 1
            else f"{due.lists_made} lists of backorders were made."
        )
    if mode == "off":
        click.echo("Sending is off: messages wait in the outbox. Switch it on under Settings, Messages.")
    else:
        for name, said in _SAID_OF_SENDING.items():
            if many := totals.get(name, 0):
                click.echo(f"{counted(many, 'message')} {said}")
        if not any(totals.values()):
            click.echo("No message is due.")
    _end(totals)


_SAID_OF_SENDING = {
    "sent": "sent.",
    "failed": "not handed over; tried again later by themselves.",
    "refused": "refused by the mail server or gateway: see Messages.",
    "withheld": "held back: there is more than the cap of the day, or no address to try with. See Messages.",
    "postponed": "kept until the recipient's quiet hours are over.",
    "maybe_twice": "handed over once more, because nobody knows whether the first time arrived.",
}
"""What became of the messages, by the word of `--json`."""


def _end(totals: Mapping[str, int]) -> None:
    if totals.get("failed") or totals.get("refused"):
        click.get_current_context().exit(1)


# ---------------------------------------------------------------------------- what they share


def _bar(said: str) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(said),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _names_of(draft: PlanDraft) -> str:
    return ", ".join(depot.name for depot in draft.facts.depots)


def _region(here: Installation) -> str:
    return here.regions.default().name


def _located(result: LocatedAll) -> dict[str, Any]:
    return {
        "found": result.found,
        "remembered": result.remembered,
        "waiting": result.waiting,
        "doubtful": [
            {"kind": want.kind, "id": want.id, "name": want.name, "address": want.address, "why": sentence}
            for want, sentence in result.doubtful
        ],
        "some_vehicles": [
            {"kind": want.kind, "id": want.id, "name": want.name, "address": want.address, "why": sentence}
            for want, sentence in result.some
        ],
        "sure": list(SURE),
    }


def show_plan(document: Mapping[str, Any], zones: Mapping[str, str]) -> None:
    console = Console()
    first, last = document["from_day"], document["to_day"]
    days = day_words(first) if first == last else f"{day_words(first)} to {day_words(last)}"
    served, routes = counted(document["served"], "delivery", "deliveries"), counted(len(document["routes"]), "route")
    costs = money(document["cost"], document["currency"])
    table = Table(
        title=f"{days}: {served} on {routes}, {costs}",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for name, justify in (
        ("Van", "left"),
        ("Driver", "left"),
        ("Out", "left"),
        ("Back", "left"),
        ("Stops", "right"),
        ("km", "right"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for route in document["routes"]:
        zone = ZoneInfo(zones.get(route["depot"], "UTC"))
        out, back = (
            datetime.fromisoformat(route[name]).astimezone(zone).strftime("%H:%M")
            for name in ("departs_at", "returns_at")
        )
        if site := route.get("ends_at_site"):
            back = f"{back}, ends at {escape(site)}"
        trips = len(route["trips"])
        stops = f"{len(route['stops'])} in {trips} trips" if trips > 1 else str(len(route["stops"]))
        table.add_row(route["vehicle"], route["driver"], out, back, stops, f"{route['distance_m'] / 1000:.1f}")
    console.print(table)
    for route in document["routes"]:
        if why := route.get("too_heavy"):
            console.print(escape(why))
    for why in dict.fromkeys(why for route in document["routes"] for why in route.get("over_the_week", ())):
        console.print(escape(why))
    for each in document["unused"]:
        if each["reason"] == "no_road":
            console.print(
                f"{escape(each['vehicle'])} stays: the map has no road that it may use between these places. Give it "
                "another kind of roads, or build the region from a map that has them."
            )
    left = document["left_out"]
    if left:
        console.print(f"{len(left)} left out:")
        left_out = Table(box=SIMPLE_HEAD, pad_edge=False)
        left_out.add_column("Delivery", no_wrap=True)
        left_out.add_column("Site", no_wrap=True, overflow="ellipsis", max_width=18)
        left_out.add_column("Reason", max_width=18)
        left_out.add_column("And the mend")
        for each in left[:MOST_SHOWN]:
            reasons = ", ".join(reason.replace("_", " ") for reason in each["reasons"])
            left_out.add_row(each["delivery"], escape(each["site"]), reasons, escape(each["detail"]))
        console.print(left_out)
        if len(left) > MOST_SHOWN:
            console.print(f"  ... and {len(left) - MOST_SHOWN} more (--json names them)")
    if document["travel"] and "osrm" not in document["travel"]:
        console.print(f"Travel times are estimates: {document['travel']}.")
