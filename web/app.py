"""Makes the Flask application for one installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, jsonify, request, send_from_directory
from flask_login import current_user
from werkzeug.utils import import_string

from data.queries.company import CompanyCard, company_card
from data.queries.tasks import open_tasks
from data.store import SqlStore
from routing.engines.roads.facts import BASEMAP_FILE
from routing.errors import NotFound
from web.assets import asset, basemap_url
from web.dispatcher import BLUEPRINTS as DISPATCHER
from web.errors import register_errors
from web.formats import register_formats
from web.here import here, now
from web.languages import register_languages
from web.palette import route_class
from web.people import register_people
from web.security import limiter, register_security
from web.tiles import tile_server

if TYPE_CHECKING:
    from web.wiring import Installation

# One line a room. Each is a Flask blueprint, imported when the application is made.
BLUEPRINTS = (
    "web.people:people",
    "web.driver:driver",
    "web.customer:customer",
    "web.customer.consent:consent",
    *DISPATCHER,
    "web.api:api",
    "web.demo.pages:show",
)

A_YEAR_S = 31_536_000


def create_app(installation: Installation) -> Flask:
    app = Flask(__name__)
    app.extensions["backroute"] = installation
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    register_security(app, public_url=installation.public_url, secret=installation.secret)
    register_languages(app)
    register_formats(app)
    register_errors(app)
    register_people(app)
    for name in BLUEPRINTS:
        app.register_blueprint(import_string(name))
    app.jinja_env.globals.update(
        asset=asset,
        basemap_url=basemap_url,
        theme=theme,
        route_class=route_class,
        home_url=home_url,
        tile_server=tile_server,
        tasks_waiting=tasks_waiting,
    )
    app.context_processor(_for_every_page)
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/basemap/<region>.pmtiles", view_func=basemap)
    app.after_request(_cache_static)
    return app


# ---------------------------------------------------------------------------- what every template may use


def theme() -> str:
    """ "light" or "dark" as the person switched it; "auto" follows their device."""
    chosen = request.cookies.get("theme", "auto")
    return chosen if chosen in ("light", "dark") else "auto"


def home_url() -> str:
    """Where the name in the bar leads: the first page, which the dispatchers' room serves."""
    return "/"


def tasks_waiting() -> int:
    """How many open tasks are the reader's, as Today and Tasks count them."""
    if g.get("without_database") or not current_user.is_authenticated:
        return 0
    with here().database.reading() as connection:
        return open_tasks(connection, mine=current_user.called)


def _for_every_page() -> dict[str, Any]:
    if g.get("without_database"):
        return {"company": CompanyCard(), "now": now(), "erp_allocates": False}
    with here().database.reading() as connection:
        return {
            "company": company_card(connection),
            "now": now(),
            "erp_allocates": SqlStore(connection).erp_allocates(),
        }


# ---------------------------------------------------------------------------- answers that belong to no room


@limiter.exempt
def healthz() -> Response:
    """For a monitor: 200 when the database answers."""
    here().database.answers()
    return jsonify(status="ok")


@limiter.exempt
def basemap(region: str) -> Response:
    """The region's map tiles, in ranges. Public: it holds nothing but OpenStreetMap."""
    folder = here().regions.directory(region)
    if not (folder / BASEMAP_FILE).is_file():
        raise NotFound(f"The region {region} has no map. Build it again: backroute region add.", region=region)
    # A page that was open while the region was built anew asks for a piece if its old one still holds; whoever reads
    # tiles can do nothing with the whole file that is the answer then, and notices by itself that they changed.
    request.environ.pop("HTTP_IF_RANGE", None)
    # Asked for each time: of pieces that it keeps while it reads others, a browser fails some.
    return send_from_directory(folder, BASEMAP_FILE, conditional=True, max_age=0)


def _cache_static(response: Response) -> Response:
    if request.endpoint == "static" and response.status_code == 200:
        # With a hash in the address the content can't change under it; without one the browser asks each time.
        response.headers["Cache-Control"] = (
            f"public, max-age={A_YEAR_S}, immutable" if request.args.get("v") else "no-cache"
        )
    return response
