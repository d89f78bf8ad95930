"""Tells the chain while it happens: each step is the command that anyone may type, and what it prints."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from rich.console import Console
from rich.table import Table

from data.store import open_store
from routing.errors import SolverError
from web.demo import files
from web.demo.calendar import START, TUESDAY, ZONE, at
from web.demo.figures import figures
from web.demo.home import demo_home
from web.demo.prepare import MESSAGES_A_DAY
from web.mailbox import Mailbox
from web.outbox import set_outbound
from web.serving import open_demo_mailbox
from web.wiring import Installation

FIGURES = "figures.json"


def tell(installation: Installation, *, console: Console, time_limit_s: float, until: str = "08:45") -> None:
    """The day of PRODUCT.md from the truck to the messages; `until` 06:00 ends when the vans have left. Raises what a
    step raises."""
    truck = files.FOLDER / "receipt_tuesday.csv"
    day = TUESDAY.isoformat()
    with _its_home(), contextlib.ExitStack() as stack:
        mailbox = open_demo_mailbox(installation, stack)
        with open_store(installation.database) as store:
            set_outbound(store, mode="real", by="demo", now=START, daily_cap=MESSAGES_A_DAY)
        _step(console, "The nightly file again: nothing new, so nothing changes.")
        _run(console, "import", "orders", files.FOLDER / "orders.csv", "--dry-run")
        _step(console, "The truck of 05:30 came short: 60 of 96. First see who goes and who waits, then commit.")
        _run(console, "receive", truck, "--simulate")
        _run(console, "receive", truck)
        _step(console, "Clear what is ready to go out today.")
        _run(console, "release", "--day", day)
        _step(console, "Find the doors. What is doubtful waits for a person and keeps nobody else.")
        _run(console, "locate")
        _step(console, "Plan: more work than fits, so tiers and times decide, and what is left out says why.")
        _run(console, "plan", "--from", day, "--time-limit", str(time_limit_s))
        installation.clock.jump(to=at(TUESDAY, "05:55"))
        _step(console, "05:55. Load the vans and hand each driver the route; the drivers get their links.")
        _run(console, "dispatch", "--day", day, "--load")
        _run(console, "notify")
        installation.clock.jump(to=at(TUESDAY, until))
        _step(console, f"{until}. Customers hear of it once their van has left, by SMS not before 08:00.")
        _run(console, "notify")
        _show_mail(console, mailbox)
    with installation.database.reading() as connection:
        found = figures(connection, day=TUESDAY, zone=ZONE)
    (installation.home / FIGURES).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    _show_figures(console, found)


@contextlib.contextmanager
def _its_home() -> Iterator[None]:
    """The commands of the story open the demo's home, as they would for someone who exported BACKROUTE_HOME."""
    before = os.environ.get("BACKROUTE_HOME")
    os.environ["BACKROUTE_HOME"] = str(demo_home())
    try:
        yield
    finally:
        if before is None:
            del os.environ["BACKROUTE_HOME"]
        else:
            os.environ["BACKROUTE_HOME"] = before


def _step(console: Console, sentence: str) -> None:
    console.print()
    console.print(sentence, style="bold", highlight=False)


def _run(console: Console, *words: str | Path) -> None:
    """Types a command. Exit code 1 says that something needs a person, which is a part of the story."""
    from web.cli import main

    shown = [_short(word) for word in words]
    console.print(f"$ backroute {shlex.join(shown)}", style="cyan", highlight=False)
    console.file.flush()
    code = main.main(args=[str(word) for word in words], prog_name="backroute", standalone_mode=False)
    if code not in (None, 0, 1):
        raise SolverError(f"The demo stopped: `backroute {shown[0]}` ended with exit code {code}.")


def _short(word: str | Path) -> str:
    return f"data/demo/{word.name}" if isinstance(word, Path) else word


def _show_mail(console: Console, mailbox: Mailbox) -> None:
    received = mailbox.messages()
    _step(console, f"The demo's mailbox received {len(received)} messages ({mailbox.folder}). One of them:")
    for message in received:
        if "driver" not in str(message["To"]):
            console.print(f"To: {message['To']}", f"Subject: {message['Subject']}", sep="\n", highlight=False)
            console.print(_text(message).strip(), highlight=False, style="dim")
            return


def _text(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain",))
    return str(body.get_content()) if body is not None else ""


def _show_figures(console: Console, found: dict[str, object]) -> None:
    console.print()
    table = Table(title="The figures of this day", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    for name, value in found.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key}: {count}" for key, count in value.items())
        table.add_row(name.replace("_", " "), str(value))
    console.print(table)
