"""Addresses: what a person must decide, with one press; the next one comes by itself."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import Connection

from data.queries.addresses import (
    SiteAddress,
    addresses_in_review,
    region_of_depots,
    regions_of_depots,
    site_address,
)
from data.queries.fleet import fleet_names
from data.queries.plan_prices import plan_prices
from data.store import SqlStore, open_store
from data.store.again import in_transaction
from routing.errors import InvalidInput, NotFound, RegionError
from routing.model.places import Candidate, Location, PinQuality
from routing.rules.who_comes import WhoComes
from routing.services.locating import choose_pin
from routing.services.who_comes import of_site, set_who_comes
from web.dispatcher import words
from web.here import here, now
from web.locating import locate_everywhere
from web.people import needs_role

addresses = Blueprint("addresses", __name__, url_prefix="/addresses")

CANDIDATES_SHOWN = 6
LONGEST_TYPED = 2_000
"""A link to a map is longer than any address."""
LONGEST_PLACE = 100
SUGGESTED = 8
SUGGESTED_FROM = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A place the person may pick. `sure`: it is a door known under its number."""

    lat: float
    lon: float
    label: str
    quality: str
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is looked up instead of the site's own address: "" as text where nothing was typed."""

    text: str
    postcode: str
    city: str


@addresses.get("")
@needs_role()
def page() -> ResponseReturnValue:
    """The list, with its first address opened."""
    with here().database.reading() as connection:
        waiting = addresses_in_review(connection)
    if waiting:
        return _page(waiting[0].id)
    return render_template("dispatcher/addresses.html", waiting=[], site=None, words=words)


@addresses.get("/<int:site_id>")
@needs_role()
def one(site_id: int) -> ResponseReturnValue:
    return _page(site_id)


def _page(site_id: int, *, wrong: str = "", comes: WhoComes | None = None, comes_wrong: str = "") -> str:
    """`wrong`: why the pin of this request was not set; what was typed stays. `comes`, `comes_wrong`: the same of who
    comes to the door."""
    with here().database.reading() as connection:
        waiting = addresses_in_review(connection)
        site = site_address(connection, site_id)
        region, trouble = _region(_of_site(connection, site_id))
        row = SqlStore(connection).site_row(site_id)
        fleet, runs = fleet_names(connection), plan_prices(connection).runs
    comes = comes or of_site(row)
    drivers = [(number, name) for _key, number, name in fleet["driver"]]
    named = {number for number, _name in drivers}
    # Whom a file named and nobody has is shown, so that it can be taken out.
    drivers += [(number, _("not in the fleet")) for number in comes.known_to if number not in named]
    choices, why = _kept(site), site.why
    asked = _asked(site, region)
    if asked.text and region:
        found = here().addresses(region).locate(asked.text, postcode=asked.postcode, city=asked.city)
        choices = [_choice(each) for each in found.candidates[:CANDIDATES_SHOWN]]
        why = found.why or ("" if choices else _("Nothing is known by this name. Try the street alone."))
    elif not choices and region and not site.is_sure:
        found = here().addresses(region).locate(site.address, postcode=site.postcode, city=site.city)
        choices, why = [_choice(each) for each in found.candidates[:CANDIDATES_SHOWN]], found.why or why
    return render_template(
        "dispatcher/addresses.html",
        waiting=waiting,
        never=sum(not each.why for each in waiting),
        site=site,
        choices=choices,
        why=why,
        asked=asked,
        wrong=wrong,
        comes=comes,
        comes_wrong=comes_wrong,
        seen=row["version"],
        drivers=drivers,
        vehicles=[(number, name) for _key, number, name in fleet["vehicle"]],
        runs=runs,
        form=request.form,
        region=region,
        trouble=trouble,
        bounds=here().regions.facts(region).bounds if region else None,
        words=words,
    )


def _asked(site: SiteAddress, region: str) -> Asked:
    """The new text with the postcode and city it is judged by: those that a person wrote in their fields, else the
    text's own, else the site's. A text that names its own place is not held against where the site was before."""
    args = request.args
    text = args.get("q", "").strip()[:LONGEST_TYPED]
    postcode = args.get("postcode", site.postcode).strip()[:LONGEST_PLACE]
    city = args.get("city", site.city).strip()[:LONGEST_PLACE]
    changed = (postcode, city) != (
        args.get("was_postcode", site.postcode).strip(),
        args.get("was_city", site.city).strip(),
    )
    if text and region and not changed:
        own_postcode, own_city = here().addresses(region).own_place(text)
        if own_postcode or own_city:
            return Asked(text=text, postcode=own_postcode, city=own_city)
    return Asked(text=text, postcode=postcode, city=city)


@addresses.get("/suggest")
@needs_role()
def suggest() -> ResponseReturnValue:
    """What the start of an address may become, from the region's own streets and doors: for a form, as JSON. Without a
    region named it is the one of the `depot` of that number, else those of all depots, each in its turn. `why` says why
    there is nothing, where a region itself is the reason."""
    typed = request.args.get("q", "").strip()[:SUGGESTED_FROM]
    asked = request.args.get("region", "").strip()
    if asked and not here().regions.knows(asked):
        # Streets of another city would answer wrongly.
        return jsonify(suggestions=[], why=_('There is no region called "%(name)s".', name=asked[:63]))
    with here().database.reading() as connection:
        of_depots = regions_of_depots(connection, request.args.get("depot", "").strip()[:LONGEST_PLACE])
    named = [asked] if asked else of_depots or [""]
    regions = dict(_region(each) for each in named)
    per_region = [here().addresses(region).suggest(typed, SUGGESTED) for region in regions if region and typed]
    taken_in_turn = [each for turn in zip_longest(*per_region) for each in turn if each is not None]
    found = list({each.label: each for each in taken_in_turn}.values())[:SUGGESTED]
    why = "" if found else " ".join(filter(None, regions.values()))
    suggestions = [
        {
            "label": each.label,
            "value": each.label if each.house_number else each.street,
            "is_street": not each.house_number,
        }
        for each in found
    ]
    return jsonify(suggestions=suggestions, why=why)


@addresses.post("/<int:site_id>/pin")
@needs_role("dispatcher")
def pick(site_id: int) -> ResponseReturnValue:
    """Sets the pin; it is remembered for this site. The next address comes by itself."""
    label = request.form.get("label", "").strip()[:200] or _("set on the map")
    with here().database.reading() as connection:
        region, _trouble = _region(_of_site(connection, site_id))
    try:
        location = _location()
        near = here().near_roads(region)([location])[0] if region else None
        area = here().area(region) if region else None
        with open_store(here().database) as store:
            some = choose_pin(
                store,
                site_id=site_id,
                location=location,
                label=label,
                by=current_user.actor,
                now=now(),
                near=near,
                area=area,
            )
    except InvalidInput as problem:
        return _page(site_id, wrong=str(problem)), 422
    with here().database.reading() as connection:
        waiting = addresses_in_review(connection)
        name = site_address(connection, site_id).name
    if some:
        flash(f"{name}: {some}", "late")
    if waiting:
        left = ngettext("%(num)s address is left.", "%(num)s addresses are left.", len(waiting))
        flash(f"{_('%(name)s has its pin, and keeps it.', name=name)} {left}", "done")
        return redirect(url_for("addresses.one", site_id=waiting[0].id))
    flash(_("%(name)s has its pin, and keeps it. That was the last one.", name=name), "done")
    return redirect(url_for("addresses.page"))


@addresses.post("/<int:site_id>/who-comes")
@needs_role("dispatcher")
def comers(site_id: int) -> ResponseReturnValue:
    """Who knows this door, which vehicles may come, and which comes as a rule. What cannot be keeps what was chosen."""
    form = request.form
    wanted = WhoComes(
        known_to=tuple(form.getlist("known_to")), vehicles=tuple(form.getlist("vehicles")), run=form.get("run", "")
    )
    seen, at, by = form.get("seen", 0, type=int), now(), current_user.actor

    def write(store: SqlStore) -> bool:
        return set_who_comes(store, site_id, wanted, seen=seen, by=by, now=at)

    try:
        changed = in_transaction(here().database, write)
    except InvalidInput as problem:
        return _page(site_id, comes=wanted, comes_wrong=str(problem)), 422
    if changed:
        flash(_("Kept. The next plan that is made goes by it."), "done")
    return redirect(url_for("addresses.one", site_id=site_id, _anchor="who-comes"))


@addresses.post("/look-up")
@needs_role("dispatcher")
def look_up() -> ResponseReturnValue:
    """Looks up what was never looked up, as after an import."""
    with here().database.reading() as connection:
        region, trouble = _region(region_of_depots(connection))
    if trouble:
        flash(trouble, "failed")
        return redirect(url_for("addresses.page"))
    if not region:
        raise NotFound(_("There is no region yet, so no address can be found. Build one: backroute region add."))
    done = locate_everywhere(here(), region=region, now=now())
    found = ngettext("%(num)s address found.", "%(num)s addresses found.", done.found + done.remembered)
    left = ngettext("%(num)s needs you.", "%(num)s need you.", len(done.doubtful))
    flash(f"{found} {left}", "done" if not done.doubtful else "info")
    return redirect(url_for("addresses.page"))


def _of_site(connection: Connection, site_id: int) -> str:
    """The region of the depot that serves the site, else the one of the first depot."""
    return SqlStore(connection).regions_of_sites([site_id]).get(site_id) or region_of_depots(connection)


def _region(named: str) -> tuple[str, str]:
    """The region of that name, else the installation's. Where there is none to be asked, "" and why: nothing, where
    none is built at all. One that is broken is never stood in for: another city would answer wrongly."""
    regions = here().regions
    if named in {facts.name for facts in regions.list()}:
        return named, ""
    if problem := regions.broken().get(named):
        return "", problem
    try:
        return regions.default().name, ""
    except NotFound:
        return "", ""
    except RegionError as broken:
        return "", str(broken)


def _kept(site: SiteAddress) -> list[Choice]:
    return [
        Choice(
            lat=float(each["lat"]),
            lon=float(each["lon"]),
            label=str(each["label"]),
            quality=str(each["quality"]),
            sure=PinQuality(each["quality"]).goes_on,
        )
        for each in site.candidates[:CANDIDATES_SHOWN]
    ]


def _choice(candidate: Candidate) -> Choice:
    return Choice(
        lat=candidate.location.lat,
        lon=candidate.location.lon,
        label=candidate.label,
        quality=candidate.quality.value,
        sure=candidate.quality.goes_on,
    )


def _location() -> Location:
    """The place the form names. Raises InvalidInput."""
    try:
        lat, lon = float(request.form["lat"].replace(",", ".")), float(request.form["lon"].replace(",", "."))
    except (KeyError, ValueError):
        raise InvalidInput(
            _("Write latitude and longitude as numbers, like 60.17112 and 24.94145."), code="location"
        ) from None
    return Location(lat=lat, lon=lon)
