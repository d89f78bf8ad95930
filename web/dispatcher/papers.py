"""Papers: the load sheet and the slips of a route, and the slip of one delivery, as PDF."""

from __future__ import annotations

import re

from flask import Blueprint, Response, make_response
from flask.typing import ResponseReturnValue

from data.exporters.papers import load_sheet_pdf, slips_pdf
from data.queries.papers import load_sheet, slip_of, slips_of_route
from web.here import here, now
from web.languages import choose_language
from web.palette import route_colour, route_ink
from web.people import needs_role

papers = Blueprint("papers", __name__)

WHO_SEES_SIGNATURES = ("dispatcher", "warehouse", "salesperson")


@papers.get("/routes/<int:shift_id>/load-sheet.pdf")
@needs_role()
def load_sheet_of(shift_id: int) -> ResponseReturnValue:
    with here().database.reading() as connection:
        sheet = load_sheet(connection, shift_id)
    content = load_sheet_pdf(
        sheet,
        colour=route_colour(sheet.sequence),
        ink=route_ink(sheet.sequence),
        made_at=now(),
        language=choose_language(),
    )
    return as_pdf(content, f"load-sheet-{sheet.day}-{sheet.vehicle}")


@papers.get("/routes/<int:shift_id>/slips.pdf")
@needs_role(*WHO_SEES_SIGNATURES)
def slips_of(shift_id: int) -> ResponseReturnValue:
    with here().database.reading() as connection:
        slips = slips_of_route(connection, shift_id)
    content = slips_pdf(slips, read_file=here().files.read, made_at=now())
    return as_pdf(content, f"slips-{slips[0].day}-{slips[0].vehicle}")


@papers.get("/deliveries/<int:delivery_id>/slip.pdf")
@needs_role(*WHO_SEES_SIGNATURES)
def slip(delivery_id: int) -> ResponseReturnValue:
    with here().database.reading() as connection:
        found = slip_of(connection, delivery_id)
    return as_pdf(slips_pdf([found], read_file=here().files.read, made_at=now()), f"slip-{found.number}")


def as_pdf(content: bytes, name: str) -> Response:
    """Shown in the browser, saved under this name."""
    response = make_response(content)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{file_name(name)}.pdf"'
    return response


def file_name(text: str) -> str:
    """A name that every file system takes: a van may be called "Van 3/4"."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "paper"
