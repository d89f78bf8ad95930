"""What if: scenarios beside the plan that holds, side by side in cost, way, hours, promises, tiers and reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.queries.company import company_card
from data.queries.plans import PlanPage, plan_page
from data.queries.scenarios import scenario_jobs, vehicles_of
from data.store import SqlStore, open_store
from data.store.system import Job
from routing.errors import Conflict, InvalidInput, NotFound
from routing.rules.what_if import Standing, standing
from routing.services.editing import as_it_stands
from routing.services.supposing import Wish, suppose
from web.clock import wall_clock
from web.dispatcher import board_words as words
from web.dispatcher.board_advice import board
from web.errors import wants_json
from web.here import here, now
from web.incoming import row_id
from web.people import needs_role
from web.what_if_job import MOST_SCENARIOS, SEARCH_S, start_scenario, use_scenario

__all__ = ["board"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A scenario beside the plan. `after` is None until it is worked out."""

    job_id: int
    titles: tuple[str, ...]
    state: str
    problem: str
    missing: str = ""
    share: int = 0
    phase: str = ""
    after: Standing | None = None
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@board.get("/<int:plan_id>/what-if")
@needs_role("dispatcher")
def what_if(plan_id: int) -> ResponseReturnValue:
    if request.headers.get("HX-Request"):
        return _table(plan_id)
    return _page(plan_id)


def _page(plan_id: int, *, wrong: str = "") -> str:
    with here().database.reading() as connection:
        store = SqlStore(connection)
        saved = store.plan(plan_id)
        facts = store.day_facts(from_day=saved.from_day, to_day=saved.to_day, depot_ids=saved.depot_ids)
        page = plan_page(connection, plan_id)
        vehicles = vehicles_of(connection, saved.depot_ids, day=saved.from_day)
    loaded = {ride.shift_id for ride in facts.riding}
    free = [each for each in facts.shifts if each.state == "planned" and each.id not in loaded]
    return render_template(
        "dispatcher/board_what_if.html",
        plan=page,
        day=saved.from_day,
        shifts=[(each.id, f"{each.name}, {each.starts}-{each.ends}") for each in free],
        vehicles=[(key, name) for key, name, _depot in vehicles],
        cut_offs=sorted({site.cut_off for site in facts.sites if site.cut_off}),
        wrong=wrong,
        form=request.form,
        table=_table(plan_id),
        words=words,
    )


def _table(plan_id: int) -> str:
    with here().database.reading() as connection:
        store = SqlStore(connection)
        saved, facts, held = as_it_stands(store, plan_id)
        page = plan_page(connection, plan_id)
        columns = [_column(each) for each in scenario_jobs(connection, plan_id=plan_id) if each.state != "cancelled"]
        currency = company_card(connection).currency
    before = standing(saved.plan, held, facts)
    shown = columns[-MOST_SCENARIOS:]
    reasons = [before, *(each.after for each in shown if each.after is not None)]
    return render_template(
        "dispatcher/board_scenarios.html",
        plan_id=plan_id,
        holds=page.is_current,
        before=before,
        columns=shown,
        waits=any(each.state in ("waiting", "running") for each in shown),
        tiers=sorted({tier for each in reasons for tier, _n, _of in each.tiers}, reverse=True),
        reasons=list(dict.fromkeys(reason for each in reasons for reason, _n in each.left_out)),
        currency=currency,
        words=words,
    )


def _column(job: Job) -> Column:
    progress, limit = job.progress or {}, float(job.data.get("time_limit_s", SEARCH_S))
    wishes = job.data["wishes"]
    common: dict[str, Any] = {"job_id": job.id, "state": job.state, "problem": job.problem or ""}
    if job.state != "done" or not job.result:
        said = words.scenario_words([each["kind"] for each in wishes])
        share = min(99, round(100 * float(progress.get("at_s") or 0.0) / limit))
        return Column(titles=(said,), share=share, phase=words.search_phase(str(progress.get("phase", ""))), **common)
    return Column(
        titles=tuple(job.result["titles"]) or (words.scenario_words([]),),
        missing=job.result["missing"],
        after=standing_of(job.result["after"]),
        gained=tuple(job.result["gained"]),
        lost=tuple(job.result["lost"]),
        **common,
    )


def standing_of(kept: dict[str, Any]) -> Standing:
    """As a job's row keeps it: lists where there were tuples."""
    return Standing(
        **{
            **kept,
            "tiers": tuple((tier, served, of) for tier, served, of in kept["tiers"]),
            "left_out": tuple((reason, number) for reason, number in kept["left_out"]),
        }
    )


@board.post("/<int:plan_id>/what-if")
@needs_role("dispatcher")
def try_what_if(plan_id: int) -> ResponseReturnValue:
    """Starts a scenario; beside the first one the same day planned again, so that nobody takes a longer search for
    what a van brings."""
    try:
        wishes = _wishes()
        with open_store(here().database) as store:
            suppose(store, plan_id=plan_id, wishes=wishes, now=now())  # what cannot be is refused before it is searched
            before = [each for each in scenario_jobs(store.connection, plan_id=plan_id) if each.state != "cancelled"]
            running = [each for each in before if each.state in ("waiting", "running")]
            if len(running) >= MOST_SCENARIOS:
                raise InvalidInput(_("Six scenarios are searched already. Wait for one, or stop it."), code="too_many")
            if not any(not each.data["wishes"] for each in before) and wishes:
                start_scenario(store, plan_id=plan_id, wishes=[], by=current_user.actor)
            job_id = start_scenario(store, plan_id=plan_id, wishes=wishes, by=current_user.actor)
    except InvalidInput as problem:
        if wants_json():
            raise
        return _page(plan_id, wrong=str(problem)), 422
    except Conflict as problem:
        return _refused(problem, plan_id)
    if wants_json():
        return {"job": job_id}, 202
    return redirect(url_for("board.what_if", plan_id=plan_id), 303)


def _wishes() -> list[Wish]:
    """The changes that the form names: each by itself, or several at once."""
    form, found = request.form, []
    if form.get("van"):
        found.append(Wish(kind="van", key=_key("van")))
    if form.get("shift"):
        found.append(
            Wish(kind="hours", key=_key("shift"), starts=form.get("starts", "")[:5], ends=form.get("ends", "")[:5])
        )
    if form.get("cut_off"):
        found.append(Wish(kind="cut_off", ends=form["cut_off"][:5]))
    if form.get("without"):
        found.append(Wish(kind="without", key=_key("without")))
    if not found and not form.get("again"):
        raise InvalidInput(_("Say what should be otherwise: a van more, other hours, a later cut-off, a driver less."))
    return found


def _key(name: str) -> int:
    value = request.form.get(name, type=row_id)
    if value is None:
        raise InvalidInput(_("Choose one of the list."), code=name)
    return value


@board.post("/<int:plan_id>/what-if/<int:job_id>/use")
@needs_role("dispatcher")
def use_what_if(plan_id: int, job_id: int) -> ResponseReturnValue:
    try:
        with here().database.reading() as connection:
            job = _scenario(SqlStore(connection), plan_id, job_id)
        use_scenario(here(), job, by=current_user.actor)
    except (Conflict, InvalidInput) as problem:
        return _refused(problem, plan_id)
    said = "; ".join(job.result["titles"]) if job.result else ""
    if wants_json():
        return {"said": said}
    flash(_("Done: %(what)s. The plan goes by it now.", what=said or _("planned again")), "done")
    return redirect(url_for("board.page", day=_day(plan_id)), 303)


@board.post("/<int:plan_id>/what-if/<int:job_id>/stop")
@needs_role("dispatcher")
def stop_what_if(plan_id: int, job_id: int) -> ResponseReturnValue:
    """Ends its search: what was found until then is compared; one that has not begun goes."""
    with open_store(here().database) as store:
        _scenario(store, plan_id, job_id)
        found = store.cancel_job(job_id=job_id, now=wall_clock())
    if wants_json():
        return {"state": found.state}
    return redirect(url_for("board.what_if", plan_id=plan_id), 303)


def _refused(problem: Conflict | InvalidInput, plan_id: int) -> ResponseReturnValue:
    if wants_json():
        raise problem
    flash(str(problem), "failed")
    return redirect(url_for("board.what_if", plan_id=plan_id), 303)


def _day(plan_id: int) -> str:
    with here().database.reading() as connection:
        found: PlanPage = plan_page(connection, plan_id)
    return found.from_day


def _scenario(store: SqlStore, plan_id: int, job_id: int) -> Job:
    """Raises NotFound, also for other work and for a scenario beside another plan."""
    found = store.job(job_id)
    if found.kind != "what_if" or found.data.get("plan_id") != plan_id:
        raise NotFound(_("Job %(id)s is no scenario of this plan.", id=job_id), job=job_id)
    return found
