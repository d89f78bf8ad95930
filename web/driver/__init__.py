"""The driver's page: one link, one route, with or without signal.

Reports come without a form token: a phone that was offline all day must not lose the day's work to an expired one.
The link's own token, in a header, says who reports.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request, url_for

from data.queries.driver import DepotStep, DriverRoute, DriverStop, Moments, driver_route
from data.store import SqlStore, open_store
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput, NotFound
from routing.model.amounts import unit_after
from routing.model.money import minor_digits
from routing.model.notices import Link
from routing.model.payments import OrderAsks
from routing.model.proofs import ABOUT_THE_GOODS, HANDED_OVER
from routing.services.boarding import tell_of_refusal
from routing.services.delivering import Recorded, record
from routing.services.following import record_position
from web.assets import STATIC, asset, basemap_url
from web.driver.reading import Keeping, moment_from, place_from, report_from
from web.driver.words import fetching_words, outcome_words, pay_method_words, words
from web.here import here, now
from web.incoming import json_of
from web.languages import speak
from web.palette import route_class
from web.security import TOKEN_LIMIT, csrf, limiter

driver = Blueprint("driver", __name__, url_prefix="/d")

LINK_HEADER = "X-Backroute-Link"
PENDING_HEADER = "X-Backroute-Pending"

# What the page needs without signal, under web/static. The first part is addressed with its hash, as the templates
# do; modules that import one another are not.
_ASSETS = ("css/backroute.css", "css/dark.css", "icon.svg", "js/base.js", "js/driver.js", "vendor/icons.svg")
_MODULES = (
    "js/dom.js",
    "js/map.js",
    "js/basemap.js",
    "js/outbox.js",
    "js/pictures.js",
    "js/place.js",
    "vendor/idb/index.js",
    "vendor/signature_pad/signature_pad.min.js",
    "vendor/leaflet/leaflet.css",
    "vendor/leaflet/leaflet.js",
    "vendor/protomaps-leaflet/protomaps-leaflet.js",
)


@driver.get("/<token>")
@limiter.limit(TOKEN_LIMIT)
def page(token: str) -> Response:
    link, route = _route(token)
    speak(route.language)
    return _kept_until(
        link,
        render_template(
            "driver/route.html",
            route=route,
            positions_days=_positions_days(route.day),
            data={
                "token": token,
                "route": _as_json(route),
                "words": words(),
                "outcomes": list(outcome_words().items()),
                "fetchingOutcomes": list(fetching_words().items()),
                "aboutGoods": sorted(ABOUT_THE_GOODS),
                "handedOver": sorted(HANDED_OVER),
                "payMethods": list(pay_method_words().items()),
                "assets": {
                    "leaflet": url_for("static", filename="vendor/leaflet/leaflet.js"),
                    "leafletCss": url_for("static", filename="vendor/leaflet/leaflet.css"),
                    "protomaps": url_for("static", filename="vendor/protomaps-leaflet/protomaps-leaflet.js"),
                },
            },
        ),
    )


@driver.get("/<token>/route.json")
@limiter.limit(TOKEN_LIMIT)
def route_json(token: str) -> Response:
    link, route = _route(token)
    return _kept_until(link, jsonify(_as_json(route)))


@driver.get("/sw.js")
@limiter.exempt
def service_worker() -> Response:
    urls = [asset(path) for path in _ASSETS] + [url_for("static", filename=path) for path in _MODULES]
    digest = hashlib.sha256()
    for path in (*_ASSETS, *_MODULES):
        digest.update((STATIC / path).read_bytes())
    response = make_response(render_template("driver/sw.js", version=digest.hexdigest()[:12], urls=urls))
    response.headers["Content-Type"] = "text/javascript; charset=utf-8"
    response.headers["Cache-Control"] = "no-cache"
    return response


@driver.get("/<token>/app.webmanifest")
@limiter.exempt
def web_manifest(token: str) -> Response:
    """Lets the phone keep the page like an app: an iPhone empties the store of a page that is not kept after 7 days."""
    response = jsonify(
        name="Backroute",
        short_name="Backroute",
        start_url=url_for("driver.page", token=token),
        scope="/d/",
        display="standalone",
        background_color="#f5f6f8",
        theme_color="#0b57a4",
        icons=[{"src": url_for("static", filename="icon.svg"), "sizes": "any", "type": "image/svg+xml"}],
    )
    response.headers["Content-Type"] = "application/manifest+json"
    return response


@driver.post("/reports")
@csrf.exempt
@limiter.limit("600 per minute")
def receive_report() -> Response:
    """One report: form field `report` (JSON), files `signature` and `photo`. 200 also when it was recorded before."""
    manifest_id = _manifest_of(request.headers.get(LINK_HEADER, ""))
    keeping = Keeping(here().files)
    report = report_from(
        request.form.get("report", ""),
        request.files,
        keep=keeping,
        more_follow=request.headers.get(PENDING_HEADER, "0") not in ("", "0"),
    )
    try:
        # Asked once: a report that meets another on the way is tried again, and it came when it came.
        at = now()
        done = in_transaction(
            here().database,
            lambda store: record(store=store, manifest_id=manifest_id, report=report, now=at, secret=here().secret),
        )
    except Conflict as refused:
        with open_store(here().database) as store:
            tell_of_refusal(store=store, manifest_id=manifest_id, refused=refused, now=now())
        raise
    keeping.again()
    return jsonify(_answer(done))


@driver.post("/positions")
@csrf.exempt
@limiter.limit("60 per minute")
def receive_position() -> Response:
    manifest_id = _manifest_of(request.headers.get(LINK_HEADER, ""))
    try:
        data = json_of(request.get_data(as_text=True))
    except ValueError:
        raise InvalidInput("The position is not JSON.", code="position") from None
    if not isinstance(data, dict):
        raise InvalidInput("The position is not an object.", code="position")
    location, accuracy_m = place_from(data)
    if location is None:
        raise InvalidInput("A position needs a location.", code="position")
    with open_store(here().database) as store:
        kept = record_position(
            store=store,
            manifest_id=manifest_id,
            location=location,
            accuracy_m=accuracy_m,
            captured_at=moment_from(data),
            now=now(),
        )
    return jsonify(kept=kept)


def _answer(done: Recorded) -> dict[str, Any]:
    return {
        "event_id": done.event_id,
        "repeated": done.repeated,
        "stop_id": done.stop_id,
        "remarks": list(done.remarks),
    }


def _kept_until(link: Link, answer: str | Response) -> Response:
    """Says to the phone, which keeps it for want of signal, how long it may: by our clock, not by the phone's."""
    response = make_response(answer)
    response.headers["X-Backroute-Now"] = now().isoformat()
    response.headers["X-Backroute-Link-Ends"] = link.expires_at.isoformat()
    return response


def _manifest_of(token: str) -> int:
    return _link(token).subject_id


def _link(token: str) -> Link:
    """Raises NotAllowed for a link that is unknown, expired, revoked or of another kind."""
    with here().database.reading() as connection:
        link: Link = SqlStore(connection).open_link(token=token, kind="driver", now=now())
    if link.subject_kind != "manifest":
        raise NotFound("This link leads to no route. Ask the dispatcher for a new one.")
    return link


def _route(token: str) -> tuple[Link, DriverRoute]:
    link = _link(token)
    with here().database.reading() as connection:
        return link, driver_route(connection, link.subject_id, now=now())


def _positions_days(day: str) -> int:
    """How long it is kept where the phone was."""
    with here().database.reading() as connection:
        return SqlStore(connection).policies().positions_days(day=day)


def _as_json(route: DriverRoute) -> dict[str, Any]:
    return {
        "manifestId": route.manifest_id,
        "version": route.version,
        "day": route.day,
        "now": now().isoformat(),
        "zone": route.zone,
        "driver": route.driver,
        "vehicle": route.vehicle,
        "routeClass": route_class(route.sequence),
        "sequence": route.sequence,
        "basemap": basemap_url(route.region),
        "isHttps": here().is_https,
        "depot": {
            "name": route.depot,
            "address": route.depot_address or route.depot,
            "lat": route.depot_place[0] if route.depot_place else None,
            "lon": route.depot_place[1] if route.depot_place else None,
        },
        "returnsAt": _iso(route.returns_at) if route.ends_at_depot else None,
        "stops": [_stop_as_json(stop) for stop in route.stops],
    }


def _expected_as_json(moments: Moments) -> dict[str, str | None]:
    """The start of the hand-over, as customers see it; and the arrival where the van waits for the door."""
    waits = moments.start - moments.arrival >= timedelta(minutes=1)
    return {"eta": _iso(moments.start), "waitsFrom": _iso(moments.arrival) if waits else None}


def _stop_as_json(stop: DriverStop) -> dict[str, Any]:
    return {
        "id": stop.stop_id,
        "number": stop.number,
        "site": stop.site,
        "address": stop.address,
        "lat": stop.lat,
        "lon": stop.lon,
        "note": stop.note,
        "gateCode": stop.gate_code,
        "phone": stop.phone,
        "hours": [list(each) for each in stop.hours],
        "told": [_iso(each) for each in stop.told] if stop.told else None,
        "heard": stop.news and stop.news.heard.value,
        "heardAt": _iso(stop.news.at) if stop.news else None,
        **_expected_as_json(stop.eta or stop.planned),
        "isForecast": stop.eta is not None,
        "serviceS": round(stop.service / timedelta(seconds=1)),
        "state": stop.state,
        "outcome": stop.outcome,
        "trip": stop.trip,
        "depotStep": _depot_step_as_json(stop.depot_step),
        "deliveries": [
            {
                "id": each.id,
                "number": each.number,
                "references": list(each.references),
                "direction": each.direction,
                "state": each.state,
                "attempt": each.attempt,
                "lines": [
                    {
                        "allocationId": line.allocation_id,
                        "product": line.product,
                        "unit": unit_after(line.unit),
                        "loaded": line.loaded,
                        "most": line.most,
                    }
                    for line in each.lines
                ],
                "asks": [_asks_as_json(asks) for asks in each.asks],
            }
            for each in stop.deliveries
        ],
    }


def _asks_as_json(asks: OrderAsks) -> dict[str, Any]:
    """The phone reckons as `routing.rules.paying.due` does, without signal too. Worths go as text: they may be beyond
    what a number of JavaScript holds."""
    return {
        "currency": asks.currency,
        "digits": minor_digits(asks.currency),
        "amount": str(asks.amount),
        "worth": str(asks.worth),
        "worthBefore": str(asks.worth_before),
        "askedBefore": str(asks.asked_before),
        "prices": {str(allocation_id): str(price) for allocation_id, price in asks.prices.items()},
    }


def _depot_step_as_json(step: DepotStep | None) -> dict[str, Any] | None:
    if step is None:
        return None
    return {"backAt": _iso(step.back_at), "leavesAt": _iso(step.leaves_at), "isLoaded": step.is_loaded}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
