"""The demo's own pages: its clock in the bar, and the list of what there is to see. Elsewhere they do not exist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from routing.errors import Conflict, InvalidInput
from routing.ports import Clock
from web.along import Along, rides_of
from web.clock import InstallationClock
from web.demo.calendar import START, TUESDAY, ZONE, at
from web.demo.driving import drive
from web.demo.moments import moments
from web.here import here, now
from web.people import needs_role, next_page

show = Blueprint("show", __name__)

JUMPS = ("11:20", "16:00")
"""The times of the demo's Tuesday that one press leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoClock:
    """What the bar shows: the demo's time, and the jumps with whether they still lie ahead."""

    at: datetime
    jumps: tuple[tuple[str, bool], ...]

    @property
    def zone(self) -> str:
        return ZONE.key

    @property
    def epoch_ms(self) -> int:
        return round(self.at.timestamp() * 1000)


@show.record_once
def _known_to_templates(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals["demo_clock"] = demo_clock


def demo_clock() -> DemoClock | None:
    """None where the installation runs on the system's time, as every real one does."""
    if not is_demo():
        return None
    moment = now().astimezone(ZONE)
    return DemoClock(at=moment, jumps=tuple((clock, at(TUESDAY, clock) > moment) for clock in JUMPS))


def is_demo() -> bool:
    clock: Clock = here().clock  # a test passes one of its own
    return isinstance(clock, InstallationClock) and clock.is_demo


def only_in_the_demo[**P](view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if not is_demo():
            abort(404)
        return view(*args, **kwargs)

    return guarded


@show.get("/show")
@only_in_the_demo
@needs_role()
def page() -> ResponseReturnValue:
    with here().database.reading() as connection:
        day = TUESDAY.isoformat()

        def along(order_id: int) -> Along:
            return rides_of(here(), connection, order_id, day=day, now=now())

        found = moments(connection, day=day, now=now(), since=START, along=along)
    return render_template("demo/show.html", moments=found)


@show.post("/demo/clock")
@only_in_the_demo
@needs_role("dispatcher")
def jump() -> ResponseReturnValue:
    """Sets the demo's clock to one of JUMPS. The vans that are out drive until then; nothing else happens by itself."""
    wanted = request.form.get("to", "")
    if wanted not in JUMPS:
        raise InvalidInput(_("The demo's clock jumps to %(times)s only.", times=", ".join(JUMPS)), code="jump")
    there = at(TUESDAY, wanted)
    if there <= now():
        raise Conflict(_("It is past %(time)s already, and time goes forward only.", time=wanted), code="past")
    doors = drive(here(), since=now(), until=there)
    here().clock.jump(to=there, by=current_user.actor)
    flash(_("It is %(time)s now. What was due until then is due.", time=wanted), "done")
    if doors:
        flash(
            ngettext(
                "The vans that are out have been to %(num)s door.",
                "The vans that are out have been to %(num)s doors.",
                doors,
            ),
            "info",
        )
    return redirect(next_page(), 303)
