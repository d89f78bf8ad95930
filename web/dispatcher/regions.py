"""Regions: what is installed and how good it is, a map to ask, and building one again while the old one is in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.exporters.speeds import write_speeds as write_file
from data.importers.speeds import clock_of, read_speeds, weekdays_of
from data.queries.regions import UNDER_WAY, RegionBuild, built_at, depots_by_region, region_builds, standing_builds
from data.regions import check_name
from data.store import SqlStore, open_store
from data.store.system import Job
from routing.engines.roads.facts import RegionFacts
from routing.errors import BackrouteError, Conflict, FileRefused, InvalidInput, NotFound, RegionError
from routing.model.day import SpeedRow
from routing.model.fleet import PROFILE_NAMES
from routing.model.orders import WEEKDAYS
from routing.model.places import Candidate, Location, PinQuality
from routing.rules.learnt_speeds import LEAST_DAYS, LEAST_DAYS_ALONE, LEAST_LEGS, LEAST_VEHICLES
from routing.rules.to_the_door import BESIDE_THE_ROAD_M
from routing.services.speeds import propose_speeds, take_learnt, write_speeds
from web.clock import wall_clock
from web.dispatcher import words
from web.dispatcher.calendars import weekday_words
from web.here import here, now
from web.incoming import whole
from web.people import needs_role
from web.region_ways import LONGEST_TYPED, Ways, find_place, leaving_at, reached_within, ways_between
from web.security import UPLOAD_LIMIT_BYTES

regions = Blueprint("regions", __name__, url_prefix="/regions")

MINUTES = 15
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the map is asked: the way between two places, or the area reached in some minutes from one."""

    ask: str
    start: str
    end: str
    minutes: str
    profile: str
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What is not sure about a place of the question: `field` is from or to. `taken`: the answer stands on it all the
    same. Each choice comes with the question that names it; the first is the one that was taken, or the likeliest."""

    field: str
    place: Candidate
    taken: bool
    why: str
    choices: tuple[tuple[Candidate, dict[str, str]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the roads answered: `shape` is for the map, `why` says what is wrong with the question, `doubts` what is
    not sure about its places."""

    start: Candidate | None = None
    end: Candidate | None = None
    ways: Ways | None = None
    area: Any = None
    why: str = ""
    doubts: tuple[Doubt, ...] = ()
    shape: dict[str, Any] = field(default_factory=dict)


@regions.get("")
@needs_role()
def page() -> ResponseReturnValue:
    """The region that is meant when none is named."""
    return _page(_shown_first())


@regions.get("/<name>")
@needs_role()
def one(name: str) -> ResponseReturnValue:
    """One region; with `from` in the question the answer too, alone for a script that asks for it."""
    facts = here().regions.facts(name)
    asked = _asked(facts)
    if request.headers.get("HX-Request"):
        return render_template(
            "dispatcher/_region_answer.html",
            name=name,
            asked=asked,
            answer=_answer(name, asked),
            words=words,
            beside_m=BESIDE_THE_ROAD_M,
        )
    return _page(name)


def _shown_first() -> str:
    """The region that is meant when none is named; where that one is broken another, "" where there is none."""
    installed = [facts.name for facts in here().regions.list()]
    default = _default()
    return default if default in installed else next(iter(installed), "")


def _default() -> str:
    """The name of the region that is meant when none is named, broken or not; "" where there is none."""
    try:
        return here().regions.default().name
    except NotFound:
        return ""
    except RegionError as broken:
        return str(broken.fields.get("region", ""))


def _page(name: str, *, wrong: str = "", building: str = "", wrong_speeds: str = "") -> str:
    installed = here().regions.list()
    facts = next((each for each in installed if each.name == name), None)
    with here().database.reading() as connection:
        builds = region_builds(connection)
        since, depots = built_at(connection), depots_by_region(connection)
        store = SqlStore(connection)
        rows = store.speeds_of_region(name)
        learnt = propose_speeds(store, region=name, now=now()) if facts and "learn" in request.args else None
    asked = _asked(facts) if facts else None
    broken = here().regions.broken()
    return render_template(
        "dispatcher/regions.html",
        name=name,
        installed=installed,
        in_use={each.name for each in installed},
        facts=facts,
        default=_default(),
        broken=broken,
        builds=builds,
        # What is being built for the first time has no facts yet; a first build that failed says why.
        coming=[
            each
            for each in standing_builds(builds, now=wall_clock())
            if each.name not in {known.name for known in installed}
        ],
        # The demo's clock may stand before the day on which its region was really built.
        since={each: at for each, at in since.items() if at <= now()},
        depots=depots,
        written=_written,
        upload_limit=UPLOAD_LIMIT_BYTES,
        asked=asked,
        answer=_answer(name, asked) if asked else None,
        again={each: _again(builds.get(each, [])) for each in (name, *broken)},
        wrong=wrong,
        building=building,
        speeds=rows,
        learnt=learnt,
        beside_m=BESIDE_THE_ROAD_M,
        least={
            "legs": LEAST_LEGS,
            "days": LEAST_DAYS,
            "vehicles": LEAST_VEHICLES,
            "days_alone": LEAST_DAYS_ALONE,
        },
        wrong_speeds=wrong_speeds,
        weekdays=weekday_words(),
        said=_said,
        days_said=_days_said,
        form=request.form,
        words=words,
    )


# ---------------------------------------------------------------------------- asking the map


def _asked(facts: RegionFacts) -> Asked:
    usual = "van" if "van" in facts.profiles else facts.profiles[0]
    profile = request.args.get("profile", usual)
    return Asked(
        ask="area" if request.args.get("ask") == "area" else "way",
        start=request.args.get("from", "")[:LONGEST_TYPED],
        end=request.args.get("to", "")[:LONGEST_TYPED],
        minutes=request.args.get("minutes", str(MINUTES)),
        profile=profile if profile in facts.profiles else usual,
        at=request.args.get("at", "").strip()[:20],
    )


def _answer(name: str, asked: Asked) -> Answer:
    """What the roads say, with what is not sure about the places. A place that lies elsewhere is never answered for: a
    street of that name here is another street."""
    if not asked.start.strip():
        return Answer()
    doubts: list[Doubt] = []
    start = end = None

    def so_far(**more: Any) -> Answer:
        return Answer(start=start, end=end, doubts=tuple(doubts), **more)

    try:
        start = _place(name, asked, "from", doubts)
        end = _place(name, asked, "to", doubts) if asked.ask == "way" and asked.end.strip() else None
        if not all(each.taken for each in doubts):
            return so_far()
        pins = [_pair(each.location) for each in (start, end) if each is not None]
        leaving = leaving_at(here(), name, asked.at) if asked.at else None
        if asked.ask == "area":
            minutes = whole(asked.minutes.strip())
            if minutes is None:
                raise InvalidInput(_("Write the minutes as a whole number, like 15."), code="minutes")
            area = reached_within(here(), name, start.location, minutes=minutes, profile=asked.profile, leaving=leaving)
            rings = [[[_pair(at) for at in ring] for ring in polygon] for polygon in area.polygons]
            return so_far(area=area, shape={"pins": pins, "area": rings})
        if end is None:
            return so_far(shape={"pins": pins})
        ways = ways_between(here(), name, start.location, end.location, profile=asked.profile, leaving=leaving)
        return so_far(ways=ways, shape={"pins": pins, "line": [_pair(at) for at in ways.line]})
    except BackrouteError as refused:
        pins = [_pair(each.location) for each in (start, end) if each is not None]
        return so_far(why=str(refused), shape={"pins": pins})


def _place(name: str, asked: Asked, field_name: str, doubts: list[Doubt]) -> Candidate:
    """The place in that field of the question; what is not sure about it joins the doubts. Raises InvalidInput."""
    typed, what = (asked.start, _("From")) if field_name == "from" else (asked.end, _("To"))
    found = find_place(here(), name, typed, what=what)
    with here().database.reading() as connection:
        depots = depots_by_region(connection).get(name, [])
    depot = next((each.name for each in depots if each.at and _written(each.at) == typed), "")
    if depot:
        return replace(found.place, label=depot)
    if found.why:
        choices = (found.place, *found.others)
        doubts.append(
            Doubt(
                field=field_name,
                place=found.place,
                taken=found.place.quality is not PinQuality.OUTSIDE,
                why=found.why,
                choices=tuple((each, _asking(name, asked, field_name, each)) for each in choices),
            )
        )
    return found.place


def _asking(name: str, asked: Asked, field_name: str, place: Candidate) -> dict[str, str]:
    """The same question with this place in that field: by its name where that is sure to mean it, else by where it
    is."""
    named = here().addresses(name).locate(place.label)
    is_meant = named.quality.goes_on and named.candidates[0].location == place.location
    words_of = {"ask": asked.ask, "from": asked.start, "to": asked.end, "minutes": asked.minutes}
    return {
        **words_of,
        "profile": asked.profile,
        "at": asked.at,
        field_name: place.label if is_meant else _written(place.location),
    }


def _written(at: Location) -> str:
    """As a click on the map writes it."""
    return f"{at.lat:.6f}, {at.lon:.6f}"


def _pair(at: Location) -> list[float]:
    return [round(at.lat, 6), round(at.lon, 6)]


# ---------------------------------------------------------------------------- times by time of day


@regions.post("/<name>/speeds")
@needs_role("dispatcher")
def speeds(name: str) -> ResponseReturnValue:
    """Adds a slice of the day, or takes one out (`remove`: its place in the table, from 0)."""
    here().regions.facts(name)
    form = request.form
    try:
        with open_store(here().database) as store:
            rows = list(store.speeds_of_region(name))
            if "remove" in form:
                at = whole(form["remove"].strip())
                if at is None or at >= len(rows) or _said(rows[at]) != form.get("was"):
                    raise Conflict(_("The table has changed meanwhile. Look at it as it is now."), code="changed")
                del rows[at]
            else:
                rows.append(_slice_of(form))
            write_speeds(store, region=name, rows=rows, by=current_user.actor, now=now())
    except (InvalidInput, Conflict, NotFound) as refused:
        return _page(name, wrong_speeds=str(refused)), 409 if isinstance(refused, Conflict) else 422
    flash(_("Written. The next plan is timed with it; plans that stand keep their times."), "done")
    return redirect(url_for("regions.one", name=name, _anchor="speeds"))


def _slice_of(form: Mapping[str, str]) -> SpeedRow:
    """The slice that a person wrote. Raises InvalidInput."""
    percent = whole(form.get("percent", "").strip().removesuffix("%").strip())
    if percent is None:
        raise InvalidInput(_("Write how long a way takes in per cent of its free time, like 130."), code="percent")
    profile = form.get("profile", "")
    if profile and profile not in PROFILE_NAMES:
        raise InvalidInput(_("Choose the kind of vehicle from the list."), code="profile")
    return SpeedRow(
        weekdays=weekdays_of(",".join(day for day in WEEKDAYS if form.get(day))),
        begins=clock_of(form.get("from", "")),
        ends=clock_of(form.get("to", "")),
        percent=percent,
        profile=profile,
    )


def _days_said(row: SpeedRow) -> str:
    """Mon–Fri, or one by one where they do not follow each other."""
    words_of = weekday_words()
    if not row.weekdays:
        return _("any day")
    first, last = WEEKDAYS.index(row.weekdays[0]), WEEKDAYS.index(row.weekdays[-1])
    if len(row.weekdays) > 2 and last - first + 1 == len(row.weekdays):
        return f"{words_of[row.weekdays[0]]}–{words_of[row.weekdays[-1]]}"
    return ", ".join(words_of[day] for day in row.weekdays)


def _said(row: SpeedRow) -> str:
    return f"{','.join(row.weekdays)} {row.begins}-{row.ends} {row.percent} {row.profile}"


@regions.post("/<name>/speeds/learnt")
@needs_role("dispatcher")
def learnt_speeds(name: str) -> ResponseReturnValue:
    """Takes over what was learnt from the ways that were driven."""
    here().regions.facts(name)
    try:
        with open_store(here().database) as store:
            take_learnt(store, region=name, by=current_user.actor, now=now())
    except Conflict as nothing:
        flash(str(nothing), "info")
    else:
        flash(_("Taken over. The next plan is timed with it; plans that stand keep their times."), "done")
    return redirect(url_for("regions.one", name=name, _anchor="speeds"))


@regions.post("/<name>/speeds/file")
@needs_role("dispatcher")
def speeds_file(name: str) -> ResponseReturnValue:
    """A CSV or XLSX takes the place of the whole table."""
    here().regions.facts(name)
    sent = request.files.get("file")
    try:
        if sent is None or not sent.filename:
            raise InvalidInput(_("Choose a file first."), code="file")
        with sent.stream:
            rows = read_speeds(BytesIO(sent.read()))
        with open_store(here().database) as store:
            write_speeds(store, region=name, rows=rows, by=current_user.actor, now=now())
    except (InvalidInput, FileRefused, NotFound) as refused:
        return _page(name, wrong_speeds=str(refused)), 422
    flash(_("Written. The next plan is timed with it; plans that stand keep their times."), "done")
    return redirect(url_for("regions.one", name=name, _anchor="speeds"))


@regions.get("/<name>/speeds.csv")
@needs_role()
def speeds_csv(name: str) -> ResponseReturnValue:
    here().regions.facts(name)
    with here().database.reading() as connection:
        rows = SqlStore(connection).speeds_of_region(name)
    out = BytesIO()
    write_file(out, rows)
    return Response(
        out.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="speeds-{name}.csv"'},
    )


# ---------------------------------------------------------------------------- building one, again or for the first time


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """From what a region can be built again: the place it was fetched by, or the file, if that still lies there."""

    place: str = ""
    file: str = ""
    path: str = ""
    gone: bool = False


def _again(builds: list[RegionBuild]) -> Again:
    done = next((each for each in builds if each.state == "done"), None)
    if done is None:
        return Again()
    if "place" in done.data:
        return Again(place=str(done.data["place"]))
    path = Path(str(done.data["pbf"]))
    return Again(file=str(done.data.get("source") or path.name), path=str(path), gone=not path.is_file())


@regions.post("")
@needs_role("dispatcher")
def build() -> ResponseReturnValue:
    """Starts the build of a region from a place, from a file that is sent, or from what it was built from before.

    The one in use stays until the new one is whole.
    """
    name = request.form.get("name", "").strip()
    try:
        check_name(name)
        data = _from_what(name)
    except InvalidInput as refused:
        known = {facts.name for facts in here().regions.list()}
        shown = name if name in known else _shown_first() if name in here().regions.broken() else ""
        return _page(shown, wrong=str(refused), building=name), 422
    with open_store(here().database) as store:
        already = next((each for each in region_builds(store.connection).get(name, ()) if each.under_way), None)
        if already is None:
            # Once: who built it may press again, and what was done by then is kept.
            store.add_job(kind="region", data=data, by=current_user.actor, now=wall_clock(), max_attempts=1)
    if already is not None:
        flash(_("%(name)s is being built already. Nothing was started.", name=name), "info")
    return redirect(_address_of(name))


def _from_what(name: str) -> dict[str, str]:
    """The data of the job. Raises InvalidInput."""
    place = request.form.get("place", "").strip()[:LONGEST_NAME]
    sent = request.files.get("file")
    if sent is not None and sent.filename:
        if place:
            raise InvalidInput(_("Give a place or a file, one of the two."), code="from_what")
        with sent.stream:
            kept = here().uploads.keep(sent.read())
        path = here().uploads.path_ending(kept, ".osm.pbf")
        return {"name": name, "pbf": str(path), "source": sent.filename[:LONGEST_NAME]}
    if place:
        return {"name": name, "place": place}
    with here().database.reading() as connection:
        again = _again(region_builds(connection).get(name, []))
    if again.place:
        return {"name": name, "place": again.place}
    if again.path and not again.gone:
        return {"name": name, "pbf": again.path, "source": again.file}
    if again.gone:
        raise InvalidInput(
            _("%(file)s is not there any more. Hand it in again, or write the name of the place.", file=again.file),
            code="from_what",
        )
    raise InvalidInput(
        _('Say from what it is built: the name of a place, like "Ribe, Denmark", or a file.'), code="from_what"
    )


@regions.get("/jobs/<int:job_id>")
@needs_role()
def job(job_id: int) -> ResponseReturnValue:
    """How far a build is; a page that waits for its end is told to look again."""
    with here().database.reading() as connection:
        found = _building(SqlStore(connection), job_id)
    if not request.headers.get("HX-Request"):
        return redirect(_address_of(str(found.data["name"])))
    if found.state not in UNDER_WAY:
        return Response(status=204, headers={"HX-Refresh": "true"})
    in_use = {facts.name for facts in here().regions.list()}
    return render_template("dispatcher/_region_job.html", job=found, in_use=in_use)


@regions.post("/jobs/<int:job_id>/stop")
@needs_role("dispatcher")
def stop_job(job_id: int) -> ResponseReturnValue:
    """The region in use stays; what is done is kept for the next time."""
    with open_store(here().database) as store:
        found = _building(store, job_id)
        store.cancel_job(job_id=job_id, now=wall_clock())
    return redirect(_address_of(str(found.data["name"])))


def _address_of(name: str) -> str:
    """Where a region is looked at, or the list while it is not there yet."""
    known = {facts.name for facts in here().regions.list()}
    return url_for("regions.one", name=name) if name in known else url_for("regions.page")


def _building(store: SqlStore, job_id: int) -> Job:
    """Raises NotFound, also for a job of another kind."""
    found = store.job(job_id)
    if found.kind != "region":
        raise NotFound(_("Job %(id)s builds no region.", id=job_id), job=job_id)
    return found
