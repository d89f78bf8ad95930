"""Load sheets and delivery slips as PDF, A4. Pure: values in, bytes out.

Letters are Source Sans Pro (Latin, Greek, Cyrillic, Vietnamese); what it does not know is printed as an empty box,
never left out. A slip speaks its customer's language, a load sheet that of whoever prints it.
"""

from __future__ import annotations

import importlib.resources
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import segno
from babel.dates import format_date
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from data.queries.papers import LoadLine, LoadSheet, LoadStop, Slip, SlipLine, SlipOrder
from routing.model.amounts import how_many
from routing.model.money import amount
from routing.model.payments import PayMethod
from routing.model.proofs import Outcome
from routing.rules.door import why_in

MARGIN = 12.0
WIDTH = 210.0 - 2 * MARGIN
BOTTOM = 297.0 - 14.0
"""Millimetres: nothing is written below, but the foot of the page."""

INK, QUIET, LINE, PALE = (20, 24, 31), (92, 99, 112), (190, 195, 203), (240, 242, 245)

_OURS = ("job", "command line")
_FONTS = importlib.resources.files("font_source_sans_pro") / "files"
_CONTROL = {code: None for code in range(32) if chr(code) != "\n"}

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "load_sheet": "Load sheet",
        "arrive_and_wait": "arrive {at}, wait",
        "last_first": "The last stop is loaded first. Start at the top of this list.",
        "leaves": "leaves {at}",
        "trip": "Trip {n} of {of}, leaves {at}",
        "stops": "{n} stops",
        "cases": "{n} cases",
        "case": "1 case",
        "loose": "{n} loose",
        "unweighed": "{n} lines without a weight",
        "collect": "Something is collected here: keep room.",
        "no_driver": "no driver yet",
        "continued": "continued",
        "nothing": "Nothing is loaded for this route: it only collects.",
        "page": "Page {n} of {of}",
        "slip": "Delivery slip",
        "pickup": "Collection slip",
        "to": "To",
        "from": "From",
        "day": "Day",
        "van": "Van",
        "driver": "Driver",
        "of_door": "Delivery {which} of {of} at this door",
        "order": "Order",
        "yours": "Your reference",
        "erp": "Our reference",
        "goods": "Goods",
        "sent": "Sent",
        "delivered": "Delivered",
        "collected": "Collected",
        "short": "{n} missing: still on order",
        "damaged": "{n} damaged: will be replaced",
        "refused": "{n} refused",
        "received_by": "Received by",
        "signature": "Signature",
        "erased": "Signature erased on {day} by {who}",
        "us": "us",
        "when": "Date and time",
        "wrong": "Missing or damaged",
        "handed": "Handed over",
        "handed_to": "Received by {name}",
        "not_handed": "Not delivered: {why}",
        "entry": "Entry {seal}",
        "questions": "Questions: {phone}",
        "pay_stop": "To collect at the door: {amount}",
        "pay_route": "To collect on this route: {amount}",
        "to_pay": "To pay at the door: {amount}",
        "paid": "Paid at the door: {amount}",
        "by_cash": "cash",
        "by_card": "card",
        "by_other": "otherwise",
    },
    "fi": {
        "load_sheet": "Lastauslista",
        "arrive_and_wait": "saavu {at}, odota",
        "last_first": "Viimeinen pysähdys lastataan ensin. Aloita listan alusta.",
        "leaves": "lähtee {at}",
        "trip": "Kierros {n}/{of}, lähtee {at}",
        "stops": "{n} pysähdystä",
        "cases": "{n} laatikkoa",
        "case": "1 laatikko",
        "loose": "{n} irrallaan",
        "unweighed": "{n} riviä ilman painoa",
        "collect": "Täältä noudetaan tavaraa: jätä tilaa.",
        "no_driver": "ei vielä kuljettajaa",
        "continued": "jatkuu",
        "nothing": "Tälle reitille ei lastata mitään: se vain noutaa.",
        "page": "Sivu {n}/{of}",
        "slip": "Lähete",
        "pickup": "Noutolähete",
        "to": "Vastaanottaja",
        "from": "Noutopaikka",
        "day": "Päivä",
        "van": "Auto",
        "driver": "Kuljettaja",
        "of_door": "Toimitus {which}/{of} tähän oveen",
        "order": "Tilaus",
        "yours": "Viitteenne",
        "erp": "Viitteemme",
        "goods": "Tavara",
        "sent": "Lähetetty",
        "delivered": "Toimitettu",
        "collected": "Noudettu",
        "short": "{n} puuttuu: yhä tilauksessa",
        "damaged": "{n} vaurioitunut: korvataan",
        "refused": "{n} kieltäydytty",
        "received_by": "Vastaanottaja",
        "signature": "Allekirjoitus",
        "erased": "Allekirjoitus poistettu {day}, poistaja: {who}",
        "us": "me",
        "when": "Päivä ja aika",
        "wrong": "Puuttuu tai vaurioitunut",
        "handed": "Luovutettu",
        "handed_to": "Vastaanottanut {name}",
        "not_handed": "Ei toimitettu: {why}",
        "entry": "Merkintä {seal}",
        "questions": "Kysyttävää: {phone}",
        "pay_stop": "Perittävä ovella: {amount}",
        "pay_route": "Perittävä tällä reitillä: {amount}",
        "to_pay": "Maksettava ovella: {amount}",
        "paid": "Maksettu ovella: {amount}",
        "by_cash": "käteinen",
        "by_card": "kortti",
        "by_other": "muuten",
    },
    "sv": {
        "load_sheet": "Lastlista",
        "arrive_and_wait": "kom {at}, vänta",
        "last_first": "Det sista stoppet lastas först. Börja överst i listan.",
        "leaves": "avgår {at}",
        "trip": "Tur {n} av {of}, avgår {at}",
        "stops": "{n} stopp",
        "cases": "{n} kartonger",
        "case": "1 kartong",
        "loose": "{n} lösa",
        "unweighed": "{n} rader utan vikt",
        "collect": "Här hämtas något: lämna plats.",
        "no_driver": "ingen förare ännu",
        "continued": "fortsätter",
        "nothing": "Inget lastas för denna rutt: den bara hämtar.",
        "page": "Sida {n} av {of}",
        "slip": "Följesedel",
        "pickup": "Hämtsedel",
        "to": "Till",
        "from": "Från",
        "day": "Dag",
        "van": "Bil",
        "driver": "Förare",
        "of_door": "Leverans {which} av {of} vid denna dörr",
        "order": "Order",
        "yours": "Er referens",
        "erp": "Vår referens",
        "goods": "Varor",
        "sent": "Skickat",
        "delivered": "Levererat",
        "collected": "Hämtat",
        "short": "{n} saknas: fortfarande beställda",
        "damaged": "{n} skadade: ersätts",
        "refused": "{n} ej mottagna",
        "received_by": "Mottaget av",
        "signature": "Underskrift",
        "erased": "Underskriften raderades {day} av {who}",
        "us": "oss",
        "when": "Datum och tid",
        "wrong": "Saknas eller skadat",
        "handed": "Överlämnat",
        "handed_to": "Mottaget av {name}",
        "not_handed": "Ej levererat: {why}",
        "entry": "Post {seal}",
        "questions": "Frågor: {phone}",
        "pay_stop": "Att ta betalt vid dörren: {amount}",
        "pay_route": "Att ta betalt på denna rutt: {amount}",
        "to_pay": "Att betala vid dörren: {amount}",
        "paid": "Betalt vid dörren: {amount}",
        "by_cash": "kontant",
        "by_card": "kort",
        "by_other": "på annat sätt",
    },
}


def load_sheet_pdf(sheet: LoadSheet, *, colour: str, ink: str, made_at: datetime, language: str = "en") -> bytes:
    """The load sheet of one route, every trip with its last stop first.

    `colour` is the route's ("#0067a3"), as on the board, `ink` that of a word on it.
    """
    paper = _Paper(title=f"{sheet.vehicle} {sheet.day}", language=language, made_at=made_at)
    paper.add_page()
    _load_head(paper, sheet, _rgb(colour), _rgb(ink))
    for trip in sheet.trips:
        if len(sheet.trips) > 1:
            paper.room_for(24)
            at = _clock(trip.departs_at, sheet.zone)
            paper.say(paper.word("trip", n=trip.number, of=len(sheet.trips), at=at), size=13, bold=True, after=1.5)
        if not trip.as_loaded:
            paper.say(paper.word("nothing"), size=11, after=3)
        for stop in trip.as_loaded:
            _load_stop(paper, stop, sheet.zone, _rgb(colour), _rgb(ink))
    return paper.bytes()


def slips_pdf(slips: Sequence[Slip], *, read_file: Callable[[str], bytes], made_at: datetime) -> bytes:
    """Each slip on a page of its own (or more), in the order given. `read_file` gives a signature by its SHA-256.

    What `read_file` raises is raised here too: a slip without its signature would look like one never signed.
    """
    title = ", ".join(slip.number for slip in slips[:3])
    paper = _Paper(title=title, language="en", made_at=made_at, is_numbered=False)
    for slip in slips:
        paper.language = slip.language if slip.language in _WORDS else "en"
        paper.add_page()
        paper.running = f"{slip.number}  {slip.customer}"  # after: a new page writes the foot of the one before
        _slip(paper, slip, read_file)
    return paper.bytes()


# ---------------------------------------------------------------------------- the sheet


def _load_head(paper: _Paper, sheet: LoadSheet, colour: tuple[int, int, int], ink: tuple[int, int, int]) -> None:
    paper.running = f"{sheet.vehicle}  {sheet.day}"
    paper.set_fill_color(*colour)
    paper.rect(MARGIN, paper.get_y(), WIDTH, 15, style="F")
    paper.set_text_color(*ink)
    top = paper.get_y()
    paper.font(22, bold=True)
    paper.set_xy(MARGIN + 4, top)
    paper.cell(WIDTH - 70, 15, paper.fitting(sheet.vehicle, WIDTH - 70))
    paper.font(11)
    paper.set_xy(MARGIN + WIDTH - 70, top)
    first = sheet.trips[0].departs_at if sheet.trips else None
    leaves = paper.word("leaves", at=_clock(first, sheet.zone)) if first else ""
    paper.cell(66, 15, f"{paper.day(sheet.day)}  {leaves}", align="R")
    paper.set_text_color(*INK)
    paper.set_xy(MARGIN, top + 17)
    lines = [line for trip in sheet.trips for stop in trip.stops for line in stop.lines]
    stops = sum(len(trip.stops) for trip in sheet.trips)
    who = sheet.driver or paper.word("no_driver")
    paper.say(f"{paper.word('load_sheet')} · {sheet.depot} · {who}", size=11, bold=True, after=0.5)
    paper.say(f"{paper.word('stops', n=stops)} · {_amounts(paper, lines)}", size=11, after=0.5)
    if sheet.due:
        paper.say(paper.word("pay_route", amount=_money(sheet.due)), size=11, bold=True, after=0.5)
    paper.say(paper.word("last_first"), size=11, after=3)


def _load_stop(
    paper: _Paper, stop: LoadStop, zone: str, colour: tuple[int, int, int], ink: tuple[int, int, int]
) -> None:
    notes = [
        *([stop.notes] if stop.notes else []),
        *([paper.word("collect")] if stop.collects else []),
        *([paper.word("pay_stop", amount=_money(stop.due))] if stop.due else []),
    ]
    # The head of a stop never stands alone at the foot of a page.
    paper.room_for(30 + 4.5 * sum(len(paper.wrapped(note, WIDTH - 26, size=10)) for note in notes))
    top = paper.get_y()
    paper.set_draw_color(*LINE)
    paper.line(MARGIN, top, MARGIN + WIDTH, top)
    paper.badge(str(stop.number), MARGIN, top + 2, colour, ink)
    paper.set_xy(MARGIN + 22, top + 1.5)
    paper.font(14, bold=True)
    paper.cell(WIDTH - 22, 6.5, paper.fitting(stop.site, WIDTH - 22), new_x=XPos.LEFT, new_y=YPos.NEXT)
    paper.font(10)
    paper.set_text_color(*QUIET)
    about = " · ".join(filter(None, [stop.customer if stop.customer != stop.site else "", stop.address]))
    paper.cell(WIDTH - 22, 5, paper.fitting(about, WIDTH - 22), new_x=XPos.LEFT, new_y=YPos.NEXT)
    paper.set_text_color(*INK)
    amounts = f"{_expected(paper, stop, zone)} · {_amounts(paper, stop.lines)}"
    paper.cell(WIDTH - 22, 5, paper.fitting(amounts, WIDTH - 22), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    for note in notes:
        paper.note(note)
    paper.set_y(max(paper.get_y(), top + 19))
    for each in stop.deliveries:
        paper.room_for(12, again=f"{stop.number}  {stop.site} ({paper.word('continued')})")
        paper.font(9)
        paper.set_text_color(*QUIET)
        paper.set_x(MARGIN + 22)
        named = f"{each.number} · {', '.join(each.references)}"
        paper.cell(WIDTH - 22, 5, paper.fitting(named, WIDTH - 22), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        paper.set_text_color(*INK)
        for line in each.lines:
            _load_line(paper, stop, line)
    paper.ln(2.5)


def _load_line(paper: _Paper, stop: LoadStop, line: LoadLine) -> None:
    name = paper.wrapped(f"{line.name} ({line.sku})", 88, size=11)
    height = max(6.5, 5 * len(name) + 1.5)
    paper.room_for(height, again=f"{stop.number}  {stop.site} ({paper.word('continued')})")
    top = paper.get_y()
    paper.set_draw_color(*INK)
    paper.rect(MARGIN + 22, top + 1.1, 4, 4)
    paper.set_xy(MARGIN + 28, top)
    paper.font(11, bold=True)
    paper.cell(32, 6.2, paper.fitting(_count(paper, line), 32))
    paper.font(11)
    for n, part in enumerate(name):
        paper.set_xy(MARGIN + 60, top + 5 * n)
        paper.cell(88, 6.2, part)
    paper.set_xy(MARGIN + 148, top)
    paper.cell(20, 6.2, how_many(line.quantity, line.unit), align="R")
    paper.cell(18, 6.2, "?" if line.weight_g is None else _kg(line.quantity * line.weight_g), align="R")
    paper.set_xy(MARGIN, top + height)


def _count(paper: _Paper, line: LoadLine) -> str:
    cases = "" if not line.cases else paper.word("case") if line.cases == 1 else paper.word("cases", n=line.cases)
    loose = paper.word("loose", n=line.loose) if line.loose and line.cases else how_many(line.loose, line.unit)
    return " + ".join(filter(None, [cases, loose if line.loose else ""]))


def _amounts(paper: _Paper, lines: Sequence[LoadLine]) -> str:
    """ "14 cases + 3 loose, 61.2 kg"; how many lines have no weight is said, not hidden."""
    cases, loose = sum(line.cases for line in lines), sum(line.loose for line in lines)
    unweighed = sum(line.weight_g is None for line in lines)
    said = " + ".join(
        filter(None, [
            "" if not cases else paper.word("case") if cases == 1 else paper.word("cases", n=cases),
            paper.word("loose", n=loose) if loose else "",
        ])
    )  # fmt: skip
    weight = _kg(sum(line.quantity * (line.weight_g or 0) for line in lines))
    return ", ".join(filter(None, [said, weight, paper.word("unweighed", n=unweighed) if unweighed else ""]))


# ---------------------------------------------------------------------------- the slip


def _slip(paper: _Paper, slip: Slip, read_file: Callable[[str], bytes]) -> None:
    top = paper.get_y()
    code = io.BytesIO()
    segno.make(slip.number, error="m", micro=False).save(code, kind="png", scale=8, border=0)
    code.seek(0)
    paper.image(code, x=MARGIN + WIDTH - 28, y=top, w=28, h=28, alt_text=slip.number)
    left = WIDTH - 34
    paper.say(slip.company, size=13, bold=True, width=left)
    paper.say(" · ".join(filter(None, [slip.phone, slip.email])), size=10, width=left, colour=QUIET, after=4)
    title = paper.word("pickup" if slip.direction == "collect" else "slip")
    paper.say(f"{title} {slip.number}", size=22, bold=True, width=left, after=2)
    paper.set_y(max(paper.get_y(), top + 32))
    where = [slip.customer, *([slip.site] if slip.site != slip.customer else []), slip.address]
    facts = [
        (paper.word("from" if slip.direction == "collect" else "to"), "\n".join(where)),
        (paper.word("day"), paper.day(slip.day)),
        (paper.word("van"), slip.vehicle),
        (paper.word("driver"), slip.driver),
    ]
    for word, value in facts:
        if value:
            paper.fact(word, value)
    if slip.of_door[1] > 1:
        paper.fact("", paper.word("of_door", which=slip.of_door[0], of=slip.of_door[1]))
    paper.ln(3)
    for order in slip.orders:
        _slip_order(paper, slip, order)
    for word, sums in (("to_pay", _money(slip.due)), ("paid", _paid(paper, slip.paid))):
        if sums:
            paper.room_for(10)
            paper.say(paper.word(word, amount=sums), size=13, bold=True, after=3)
    if slip.at is None:
        _to_sign(paper)
    else:
        _signed(paper, slip, read_file)


def _money(sums: Mapping[str, int]) -> str:
    return ", ".join(amount(minor, currency) for currency, minor in sorted(sums.items()))


def _paid(paper: _Paper, paid: Mapping[str, Mapping[PayMethod, int]]) -> str:
    """ "112.50 EUR (60.00 EUR cash, 52.50 EUR card)": the whole, and by which method; "" where nothing was."""
    said = []
    for currency, methods in sorted(paid.items()):
        given = {method: minor for method, minor in methods.items() if minor}
        words = [f"{amount(minor, currency)} {paper.word(f'by_{method}')}" for method, minor in given.items()]
        by = ", ".join(words) if len(words) > 1 else paper.word(f"by_{next(iter(given))}")
        said.append(f"{amount(sum(given.values()), currency)} ({by})")
    return ", ".join(said)


def _slip_order(paper: _Paper, slip: Slip, order: SlipOrder) -> None:
    paper.room_for(26)
    named = [
        f"{paper.word('order')} {order.number}",
        f"{paper.word('yours')}: {order.customer_reference}" if order.customer_reference else "",
        f"{paper.word('erp')}: {order.erp_reference}" if order.erp_reference else "",
    ]
    paper.say("   ".join(filter(None, named)), size=11, bold=True, after=1)
    _slip_columns(paper, slip)
    for line in order.lines:
        _slip_line(paper, slip, line)
    paper.ln(4)


def _slip_columns(paper: _Paper, slip: Slip) -> None:
    paper.set_fill_color(*PALE)
    paper.font(9)
    paper.set_text_color(*QUIET)
    paper.cell(WIDTH - 60, 6, f" {paper.word('goods')}", fill=True)
    paper.cell(30, 6, paper.word("sent") if slip.direction != "collect" else "", align="R", fill=True)
    handed = paper.word("collected" if slip.direction == "collect" else "delivered") if slip.at is not None else ""
    paper.cell(30, 6, f"{handed} ", align="R", fill=True, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.set_text_color(*INK)


def _slip_line(paper: _Paper, slip: Slip, line: SlipLine) -> None:
    name = paper.wrapped(line.name, WIDTH - 62, size=11)
    remarks = [
        paper.word(each, n=getattr(line, each)) for each in ("short", "damaged", "refused") if getattr(line, each)
    ]
    below = paper.wrapped(" · ".join([line.sku, *remarks]), WIDTH - 62, size=9)
    height = 5.2 * len(name) + 4.4 * len(below) + 1.6
    if paper.room_for(height, again=f"{slip.number} ({paper.word('continued')})"):
        _slip_columns(paper, slip)
    top = paper.get_y()
    paper.font(11)
    for n, part in enumerate(name):
        paper.set_xy(MARGIN + 1, top + 0.6 + 5.2 * n)
        paper.cell(WIDTH - 61, 5.2, part)
    paper.font(9)
    paper.set_text_color(*QUIET)
    for n, part in enumerate(below):
        paper.set_xy(MARGIN + 1, top + 0.6 + 5.2 * len(name) + 4.4 * n)
        paper.cell(WIDTH - 61, 4.4, part)
    paper.set_text_color(*INK)
    paper.font(11, bold=line.delivered is None)
    paper.set_xy(MARGIN + WIDTH - 60, top + 0.6)
    paper.cell(30, 5.2, how_many(line.quantity, line.unit), align="R")
    if line.delivered is not None:
        paper.font(11, bold=True)
        paper.cell(30, 5.2, f"{how_many(line.delivered, line.unit)} ", align="R")
    paper.set_draw_color(*LINE)
    paper.line(MARGIN, top + height, MARGIN + WIDTH, top + height)
    paper.set_xy(MARGIN, top + height)


def _to_sign(paper: _Paper) -> None:
    paper.room_for(52)
    for word in ("wrong", "received_by", "signature", "when"):
        paper.ln(7 if word != "signature" else 12)
        paper.font(10)
        paper.set_text_color(*QUIET)
        paper.cell(44, 5, paper.word(word))
        paper.set_draw_color(*INK)
        paper.line(MARGIN + 46, paper.get_y() + 5, MARGIN + WIDTH, paper.get_y() + 5)
        paper.set_text_color(*INK)
        paper.ln(5)


def _signed(paper: _Paper, slip: Slip, read_file: Callable[[str], bytes]) -> None:
    assert slip.at is not None
    paper.room_for(24 + 34 * bool(slip.signatures))
    local = slip.at.astimezone(ZoneInfo(slip.zone))
    if slip.is_handed_over:
        said = paper.word("handed_to", name=slip.recipient) if slip.recipient else paper.word("handed")
    else:
        said = paper.word("not_handed", why=why_in(paper.language, Outcome(slip.outcome)))
    paper.say(said, size=13, bold=True)
    paper.say(f"{paper.day(local.date().isoformat())} {local:%H:%M}", size=11, after=2)
    for sha256 in slip.signatures:
        top = paper.get_y()
        paper.image(
            io.BytesIO(read_file(sha256)), x=MARGIN, y=top, w=80, h=30, keep_aspect_ratio=True,
            alt_text=paper.word("signature"),
        )  # fmt: skip
        paper.set_y(top + 32)
    if slip.signature_erased is not None and not slip.signatures:
        at, by = slip.signature_erased
        day = paper.day(at.astimezone(ZoneInfo(slip.zone)).date().isoformat())
        # A name stands as it is; what a term or a command did was us, whatever it is called inside.
        paper.say(paper.word("erased", day=day, who=paper.word("us") if by in _OURS else by), size=9, colour=QUIET)
    if slip.seal:
        paper.say(paper.word("entry", seal=slip.seal[:12]), size=9, colour=QUIET)


# ---------------------------------------------------------------------------- paper and ink


class _Paper(FPDF):
    """A4 with our letters, margins and foot, in which `running` says what the page belongs to."""

    def __init__(self, *, title: str, language: str, made_at: datetime, is_numbered: bool = True) -> None:
        super().__init__(format="A4", unit="mm")
        self.language = language if language in _WORDS else "en"
        self.running = ""
        self.is_numbered = is_numbered
        self.set_title(title)
        self.set_creator("Backroute")
        self.set_lang(self.language)
        self.set_creation_date(made_at)
        for style, name in (("", "Regular"), ("B", "Bold")):
            with importlib.resources.as_file(_FONTS / f"SourceSansPro-{name}.ttf") as path:
                self.add_font("sans", style, path)
        self.set_margins(MARGIN, 10, MARGIN)
        # Where a page ends is decided block by block: half a stop at the foot of a page loads a van wrongly.
        self.set_auto_page_break(False)
        self.font(11)

    def bytes(self) -> bytes:
        return bytes(self.output())

    def footer(self) -> None:
        self.set_y(-11)
        self.font(8)
        self.set_text_color(*QUIET)
        self.cell(WIDTH / 2, 5, self.fitting(self.running, WIDTH / 2))
        if self.is_numbered:
            self.cell(WIDTH / 2, 5, self.word("page", n=self.page_no(), of="{nb}"), align="R")
        self.set_text_color(*INK)

    # ------------------------------------------------------------------ words

    def word(self, key: str, **values: object) -> str:
        return _WORDS[self.language][key].format(**values)

    def day(self, iso: str) -> str:
        return format_date(date.fromisoformat(iso), "EEEE d MMMM y", locale=self.language) if iso else ""

    # ------------------------------------------------------------------ letters

    def font(self, size: float, *, bold: bool = False) -> None:
        self.set_font("sans", "B" if bold else "", size)

    def fitting(self, text: str, width: float) -> str:
        """The text in one line; its end is cut with an ellipsis where the paper ends."""
        text = " ".join(text.translate(_CONTROL).split())
        if self.get_string_width(text) <= width - 2:
            return text
        while text and self.get_string_width(f"{text}…") > width - 2:
            text = text[:-1]
        return f"{text}…"

    def wrapped(self, text: str, width: float, *, size: float) -> list[str]:
        self.font(size)
        clean = text.translate(_CONTROL).strip()
        found = cast("list[str]", self.multi_cell(width, 5, clean, dry_run=True, output="LINES"))
        return found or [""]

    def say(
        self,
        text: str,
        *,
        size: float,
        bold: bool = False,
        width: float = WIDTH,
        colour: tuple[int, int, int] = INK,
        after: float = 0,
    ) -> None:
        """A paragraph at the left margin."""
        self.font(size, bold=bold)
        self.set_text_color(*colour)
        self.multi_cell(width, size * 0.45, text.translate(_CONTROL), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_text_color(*INK)
        self.ln(after)

    def fact(self, word: str, value: str) -> None:
        self.font(10)
        self.set_text_color(*QUIET)
        self.cell(34, 5.2, word)
        self.set_text_color(*INK)
        self.font(11)
        self.multi_cell(WIDTH - 66, 5.2, value.translate(_CONTROL), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def note(self, text: str) -> None:
        """What must be read before loading: on a pale ground."""
        lines = self.wrapped(text, WIDTH - 26, size=10)
        self.set_fill_color(*PALE)
        for line in lines:
            self.room_for(4.8)
            self.set_x(MARGIN + 22)
            self.font(10)
            self.cell(WIDTH - 22, 4.8, f" {line}", fill=True, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def badge(self, text: str, x: float, y: float, colour: tuple[int, int, int], ink: tuple[int, int, int]) -> None:
        self.set_fill_color(*colour)
        self.rect(x, y, 18, 15, style="F", round_corners=True, corner_radius=2)
        self.set_text_color(*ink)
        self.font(28, bold=True)
        self.set_xy(x, y)
        self.cell(18, 15, text, align="C")
        self.set_text_color(*INK)

    def room_for(self, height: float, *, again: str = "") -> bool:
        """A new page when so much does not fit any more; `again` is then said on top of it. Whether it was one."""
        if self.get_y() + height <= BOTTOM:
            return False
        self.add_page()
        if again:
            self.say(again, size=11, bold=True, after=1)
        return True


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _expected(paper: _Paper, stop: LoadStop, zone: str) -> str:
    """The start of the hand-over; where the van waits for the door, the arrival too."""
    begins = _clock(stop.start, zone)
    if stop.start - stop.arrival < timedelta(minutes=1):
        return begins
    return f"{begins} ({paper.word('arrive_and_wait', at=_clock(stop.arrival, zone))})"


def _clock(moment: datetime, zone: str) -> str:
    return moment.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def _kg(grams: int) -> str:
    return f"{grams / 1000:.1f} kg"
