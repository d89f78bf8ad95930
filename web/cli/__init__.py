"""The command line. A command's module is imported when that command is used, so that `--help` answers at once.

Exit codes: 0 done; 1 something was left out or needs a person; 2 the input was refused and nothing changed;
3 an engine (roads, solver, sender) or the machine (database, disk) failed; 130 it was stopped with Ctrl-C.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
from typing import TYPE_CHECKING, Any, NoReturn

import click

from routing.errors import BackrouteError, RegionError, SendError, SolverError, TravelError

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

_COMMANDS = {
    "demo": ("web.cli.demo:demo_command", "Load the sample company and open the board."),
    "serve": ("web.cli.server:serve_command", "Serve the pages, with a worker and the outbox inside."),
    "worker": ("web.cli.server:worker_command", "Run jobs on this machine for a server elsewhere."),
    "warm": ("web.cli.server:warm_command", "Compile and load the engines, so that the first plan does not wait."),
    "doctor": ("web.cli.keeping:doctor_command", "Say what is right, what is not, and the mend."),
    "backup": ("web.cli.keeping:backup_command", "Write everything into one file while the server runs."),
    "restore": ("web.cli.keeping:restore_command", "Bring an installation back from a backup."),
    "create-admin": ("web.cli.keeping:create_admin_command", "Make the person who may do everything."),
    "company": ("web.cli.settings:company_command", "Say who you are, or show it."),
    "mail": ("web.cli.settings:mail_command", "Name the mail server, or show it."),
    "geocoder": (
        "web.cli.geocoder:geocoder_command",
        "Name who is asked after the region's map, or show it.",
    ),
    "basemap": ("web.cli.basemap:basemap_command", "Name whose tiles the maps are drawn from, or show it."),
    "token": ("web.cli.token:token_group", "Make, list and revoke the tokens of the API."),
    "region": ("web.cli.region:region_group", "Build and list regions: roads, addresses, basemap."),
    "route": ("web.cli.route:route_command", "How long it takes from one place to another."),
    "speeds": ("web.cli.speeds:speeds_command", "Show, write or learn how long ways take by time of day."),
    "import": ("web.cli.importing:import_group", "Read orders, products, customers or stock from a file."),
    "export": ("web.cli.export:export_command", "Write everything that is in, as CSV or XLSX."),
    "receive": ("web.cli.stock:receive_command", "Count in what arrived and allocate it."),
    "slip": ("web.cli.supply:slip_command", "An inbound comes on another day, or not at all."),
    "recount": ("web.cli.supply:recount_command", "A SKU was counted again at a depot."),
    "promises": ("web.cli.supply:promises_command", "Work out every open line's date and what covers it."),
    "backorders": ("web.cli.backorders:backorders_command", "What each customer waits for, and until when."),
    "replenish": ("web.cli.replenish:replenish_command", "What to order from suppliers, and why."),
    "policy": ("web.cli.policy:policy_group", "Show, set and end policies, with what they do shown first."),
    "release": ("web.cli.release:release_command", "Release what is allocated, to go out on a day."),
    "unrelease": ("web.cli.taking_back:unrelease_command", "Take a delivery back before it is loaded."),
    "hold": ("web.cli.holding:hold_command", "Put an order, or a customer, on hold."),
    "let-go": ("web.cli.holding:let_go_command", "Let a held order, or customer, go again."),
    "address": ("web.cli.address:address_command", "Look one address up: where it is, and how surely."),
    "locate": ("web.cli.day:locate_command", "Find the addresses that have no pin."),
    "plan": ("web.cli.day:plan_command", "Plan a day's routes."),
    "advise": ("web.cli.advise:advise_command", "Which vans are late, the ways out, and what would bring more."),
    "what-if": ("web.cli.what_if:what_if_command", "Another van, other hours, a later cut-off, a driver less."),
    "slots": ("web.cli.slots:slots_command", "When a door could be served in the next days, and what it costs."),
    "pick": ("web.cli.warehouse:pick_command", "List what the warehouse has to pick, or mark it picked."),
    "papers": ("web.cli.evening:papers_command", "Write load sheets and delivery slips as PDF."),
    "dispatch": ("web.cli.day:dispatch_command", "Hand the routes to the drivers."),
    "notify": ("web.cli.day:notify_command", "Send the messages that are due."),
    "collect": ("web.cli.collect:collect_command", "Fetch returns or empties from a customer, or cancel that."),
    "correct": ("web.cli.correct:correct_command", "Correct a wrong report from a door."),
    "close": ("web.cli.evening:close_command", "Count the vans and close the day."),
    "erase": ("web.cli.erase:erase_command", "Erase photos and signatures of proofs, by term or by wish."),
    "figures": ("web.cli.evening:figures_command", "Show the figures of a day."),
    "results": ("web.cli.evening:results_command", "Write what became of every order line, for the ERP."),
    "solve": ("web.cli.solve:solve_command", "Solve a routing problem given as VROOM JSON."),
}

_ENGINE_FAILED = (RegionError, TravelError, SolverError, SendError)


class Commands(click.Group):
    """Knows every command by name and one line; loads the one that is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BackrouteError as error:
            if ctx.meta.get("json"):
                fields = {name: str(value) for name, value in error.fields.items()}
                click.echo(json.dumps({"error": {"code": error.code, "message": str(error), "fields": fields}}))
            click.echo(str(error), err=True)
            ctx.exit(exit_code(error))
        except KeyboardInterrupt:
            click.echo("Stopped. What was finished before stays, what was under way was undone.", err=True)
            ctx.exit(130)
        except OSError as problem:
            if problem.errno == errno.EPIPE:
                raise  # whoever read our output has gone: click ends in silence
            _end_with(ctx, _said_of_the_disk(problem), code="disk")
        except _database_errors() as problem:
            from data.db import fault_of
            from web.wiring import default_home

            named = "BACKROUTE_DATABASE_URL" in os.environ
            where = "that BACKROUTE_DATABASE_URL names" if named else f"in {default_home()}"
            _end_with(ctx, fault_of(problem, where), code="database")


def exit_code(error: BackrouteError) -> int:
    return 3 if isinstance(error, _ENGINE_FAILED) else 2


def _database_errors() -> tuple[type[DBAPIError], ...]:
    """Asked when something was raised, and only then: a command that needs no database does not wait for it."""
    from sqlalchemy.exc import DBAPIError

    return (DBAPIError,)


def _said_of_the_disk(problem: OSError) -> str:
    where = f"{problem.filename}: " if problem.filename else ""
    said = f"{where}{problem.strerror or problem}."
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{said} Make room, then run it again."
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{said} Give this user the right to it, or name another place, then run it again."
    return f"{said} Check the path, then run it again."


def _end_with(ctx: click.Context, sentence: str, *, code: str) -> NoReturn:
    if ctx.meta.get("json"):
        click.echo(json.dumps({"error": {"code": code, "message": sentence, "fields": {}}}))
    click.echo(sentence, err=True)
    ctx.exit(3)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="backroute", prog_name="backroute")
def main() -> None:
    """From backorders to a driver's route: allocate what arrived, plan the deliveries, follow them to the door."""
