"""Renders a notice: the company's own template if there is one, else the file
web/templates/messages/<kind>.<channel>.<language>.txt. An e-mail's first line is `Subject: ...`.

A template sees texts only, made here from the notice's data: company, phone, customer, site, goods, waiting and fetched
(what the van takes back; a line each), goods_short, waiting_short and fetched_short (for SMS), day, window,
window_from, window_to, eta, link, driver, vehicle, stops, why, next (what comes after a door), on_day (the day as the
end of a sentence), not_attempted (nobody went there), corrected (we told otherwise before), refused and refused_short
(what was not accepted of a delivery), references; where an answer is asked for, answer_by and silence (what none means:
task, accept, cancel).
The daily list has list (three lines each), list_count, gone and since. To a supplier: supplier, overdue and to_order (a
line each), numbers (of what is overdue, in short) and several (of them).
What the notice does not say is an empty text; a word misspelled in a template is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from sqlalchemy import Connection

from data.queries.company import company_card, zone_of_contact
from data.queries.messages import own_template
from data.store import SqlStore, open_store
from routing.errors import InvalidInput
from routing.model.amounts import how_many, unit_after
from routing.model.notices import Channel, ClaimedNotice, Message, Notice, Reason

if TYPE_CHECKING:
    from web.wiring import Installation

FOLDER = Path(__file__).parent / "templates" / "messages"
FALLBACK_LANGUAGE = "en"
LINK_OUTLIVES_TERM = timedelta(days=30)
"""After the term the page still says what was agreed."""
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MASKED = "…"
"""In place of a token, which only the recipient is to know."""
SHORT_LIST = 2
"""How many kinds of goods an SMS names before it counts the rest."""

_MORE = {"en": "and {} more", "fi": "ja {} muuta", "sv": "och {} till"}
_WHY: dict[str, dict[str, str]] = {
    Reason.SUPPLIER_LATE: {
        "en": "our supplier delivers later than agreed.",
        "fi": "toimittajamme toimittaa sovittua myöhemmin.",
        "sv": "vår leverantör levererar senare än avtalat.",
    },
    Reason.SUPPLIER_CANCELLED: {
        "en": "a delivery from our supplier does not come.",
        "fi": "toimittajamme toimitus jää tulematta.",
        "sv": "en leverans från vår leverantör uteblir.",
    },
    Reason.FEWER_CAME: {
        "en": "fewer of these goods arrived than were ordered.",
        "fi": "tavaraa tuli vähemmän kuin tilattiin.",
        "sv": "färre av varorna kom än vad som beställts.",
    },
    Reason.COUNTED_ANEW: {
        "en": "our stock was counted anew, and less of these goods can be delivered.",
        "fi": "varastomme laskettiin uudelleen, ja tavaraa voidaan toimittaa vähemmän.",
        "sv": "vårt lager räknades om, och färre av varorna kan levereras.",
    },
    Reason.AT_THE_DOOR: {
        "en": "some of the goods were missing or damaged on delivery.",
        "fi": "osa tavaroista puuttui tai oli vaurioitunut toimitettaessa.",
        "sv": "en del av varorna saknades eller var skadade vid leveransen.",
    },
    Reason.CLOSED_DAY: {
        "en": "the days on which we come to you have changed.",
        "fi": "toimituspäivät kohteeseenne ovat muuttuneet.",
        "sv": "dagarna då vi kommer till er har ändrats.",
    },
    Reason.NOT_SENT: {
        "en": "your goods do not go out on the day that was planned.",
        "fi": "tavaranne eivät lähde suunniteltuna päivänä.",
        "sv": "era varor skickas inte den planerade dagen.",
    },
    Reason.WAS_HELD: {
        "en": "your order was on hold, and goes on now.",
        "fi": "tilauksenne odotti, ja sen käsittely jatkuu nyt.",
        "sv": "er beställning väntade och behandlas nu vidare.",
    },
    Reason.NOT_ENOUGH: {
        "en": "the goods that we have do not reach for every order yet.",
        "fi": "tavaraa ei vielä riitä kaikkiin tilauksiin.",
        "sv": "varorna vi har räcker inte till alla beställningar ännu.",
    },
}

_INSTEAD_OF = {"en": "instead of {}", "fi": "korvaa: {}", "sv": "i stället för {}"}
_UNDATED = {"en": "no day any more", "fi": "ei enää päivää", "sv": "ingen dag längre"}
_EXPECTED = {"en": "expected {}", "fi": "arviolta {}", "sv": "väntas {}"}
_YOUR_PLACE = {"en": "your address", "fi": "toimituspaikkanne", "sv": "er adress"}
_YOUR_GOODS = {"en": "your goods", "fi": "tavaranne", "sv": "era varor"}
_LIST = {
    "en": {
        "day": "was {}",
        "quantity": "was {}",
        "new": "new on the list",
        "none": "no day yet",
        "held": "on hold",
        "order": "order",
    },
    "fi": {
        "day": "oli {}",
        "quantity": "oli {}",
        "new": "uusi listalla",
        "none": "ei vielä päivää",
        "held": "odottaa",
        "order": "tilaus",
    },
    "sv": {
        "day": "var {}",
        "quantity": "var {}",
        "new": "ny på listan",
        "none": "ingen dag än",
        "held": "väntar tills vidare",
        "order": "beställning",
    },
}
_SUPPLIER = {
    "en": {"due": "due {}", "case": "{} case of {}", "cases": "{} cases of {}"},
    "fi": {"due": "luvattu {}", "case": "{} laatikko, {} laatikossa", "cases": "{} laatikkoa, {} laatikossa"},
    "sv": {"due": "utlovad {}", "case": "{} kartong à {}", "cases": "{} kartonger à {}"},
}
_ON_DAY = {"en": "'on' EEEE d MMMM", "fi": "EEEE d.M.", "sv": "EEEE'en den' d MMMM"}
_NEXT = {
    "en": {
        "next_delivery_day": ("We come again {}.", "We come again and tell you when."),
        "wait_for_customer": ("", "We call you to agree on a new day."),
        "decide": ("", "We call you to agree on what becomes of the goods."),
        "replace": ("We replace the goods. They are expected {}.", "We replace the goods and tell you when they come."),
        "backorder": ("The goods are expected {}.", "The goods are still on order: we tell you when they come."),
    },
    "fi": {
        "next_delivery_day": ("Tulemme uudelleen {}.", "Tulemme uudelleen ja ilmoitamme ajan."),
        "wait_for_customer": ("", "Soitamme teille ja sovimme uuden päivän."),
        "decide": ("", "Soitamme teille ja sovimme, mitä tavaroille tehdään."),
        "replace": (
            "Korvaamme tavarat uusilla. Ne tulevat arviolta {}.",
            "Korvaamme tavarat uusilla ja ilmoitamme, milloin ne tulevat.",
        ),
        "backorder": ("Tavarat tulevat arviolta {}.", "Tavarat ovat yhä tilauksessa: ilmoitamme, milloin ne tulevat."),
    },
    "sv": {
        "next_delivery_day": ("Vi kommer igen {}.", "Vi kommer igen och meddelar när."),
        "wait_for_customer": ("", "Vi ringer er och kommer överens om en ny dag."),
        "decide": ("", "Vi ringer er och kommer överens om vad som händer med varorna."),
        "replace": (
            "Vi ersätter varorna. De väntas komma {}.",
            "Vi ersätter varorna och meddelar när de kommer.",
        ),
        "backorder": ("Varorna väntas komma {}.", "Varorna är fortfarande beställda: vi meddelar när de kommer."),
    },
}
"""What comes after a door, by `routing.rules.door.Next`: with its day, and while there is none."""
_LATER = {
    "en": "We tell you what comes next.",
    "fi": "Ilmoitamme, miten jatketaan.",
    "sv": "Vi meddelar hur det går vidare.",
}

_LINK_PATHS = {"consent": "/c/", "tracking": "/t/", "proof": "/p/", "driver": "/d/", "set_up": "/set-up/"}
_OPTIONAL = ("company", "phone", "customer", "site", "driver", "vehicle", "stops", "why", "silence", "supplier")


# A line that holds only a tag leaves no line; one that ends in a tag after text must keep its end.
_INLINE_END = re.compile(r"(?m)^(?!\s*\{%[^%]*%\}\s*$)(.*%\})$")


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )


def render_text(source: str, words: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and text of a template's source. Raises InvalidInput when the template is wrong."""
    try:
        rendered = _environment().from_string(_INLINE_END.sub(r"\1{{ '' }}", source)).render(words)
    except (TemplateError, ArithmeticError, TypeError, ValueError) as problem:
        raise InvalidInput(
            f"The template of this message is wrong: {problem}. Mend it under Settings, Messages."
        ) from (problem)
    first, _, rest = rendered.strip().partition("\n")
    subject = ""
    if first.startswith("Subject:"):
        subject, rendered = first.removeprefix("Subject:").strip(), rest
    return subject, re.sub(r"\n{3,}", "\n\n", rendered).strip() + "\n"


def template_source(kind: str, channel: str, language: str) -> str:
    """The built-in template, in English when there is none in that language. Raises InvalidInput."""
    for tongue in (language.partition("_")[0].partition("-")[0], FALLBACK_LANGUAGE):
        path = FOLDER / f"{kind}.{channel}.{tongue}.txt"
        if re.fullmatch(r"[a-z]{2}", tongue) and path.is_file():
            return path.read_text(encoding="utf-8")
    raise InvalidInput(f"There is no template for {kind} by {channel}. Write one under Settings, Messages.")


def words_of(data: Mapping[str, Any], *, language: str, zone: ZoneInfo, link: str) -> dict[str, str]:
    """What a template may use, all texts."""
    tongue = language if language in _MORE else FALLBACK_LANGUAGE
    words = {name: str(data.get(name) or "") for name in _OPTIONAL}
    words["why"] = _why(data.get("why"), tongue)
    words["site"] = words["site"] or _YOUR_PLACE[tongue]
    goods, waiting = _goods(data.get("goods"), tongue), _goods(data.get("waiting"), tongue)
    fetched, refused = _goods(data.get("fetched"), tongue), _goods(data.get("refused"), tongue)
    begins, ends = _clock(data.get("window_from"), zone), _clock(data.get("window_to"), zone)
    references = data.get("references") or ()
    numbers = list(dict.fromkeys(str(line["number"]) for line in data.get("overdue") or ()))
    words |= {
        "goods": "\n".join(f"- {line}" for line in goods),
        "waiting": "\n".join(f"- {line}" for line in waiting),
        "goods_short": _short(goods, tongue) or _YOUR_GOODS[tongue],
        "waiting_short": _short(waiting, tongue),
        "fetched": "\n".join(f"- {line}" for line in fetched),
        "fetched_short": _short(fetched, tongue),
        "refused": "\n".join(f"- {line}" for line in refused),
        "refused_short": _short(refused, tongue),
        "next": _what_next(data.get("next"), tongue),
        "not_attempted": "yes" if data.get("not_attempted") else "",
        "corrected": "yes" if data.get("corrected") else "",
        "day": _day(data.get("day"), tongue),
        "on_day": _on_day(data.get("day"), tongue),
        "answer_by": _by_day(data.get("answer_by"), tongue),
        "window": f"{begins}–{ends}" if begins and ends else "",
        "window_from": begins,
        "window_to": ends,
        "eta": _clock(data.get("eta"), zone),
        "references": ", ".join(str(one) for one in references),
        "link": link,
        "list": "\n".join(_listed(line, tongue) for line in data.get("list") or ()),
        "list_count": str(len(data.get("list") or ())),
        "gone": "\n".join(f"- {goods}" for goods in data.get("gone") or ()),
        "since": _day(data.get("since"), tongue),
        "numbers": _short(numbers, tongue),
        "several": "several" if len(numbers) > 1 else "",
        "overdue": "\n".join(f"- {_late(line, tongue)}" for line in data.get("overdue") or ()),
        "to_order": "\n".join(f"- {_ordered(line, tongue)}" for line in data.get("to_order") or ()),
    }
    return words


def _why(said: Any, tongue: str) -> str:
    """A reason, or several one after another; what is no word of the list is a sentence already."""
    reasons = said if isinstance(said, list | tuple) else [said]
    first, *more = [_WHY.get(str(each or ""), {}).get(tongue, str(each or "")) for each in reasons] or [""]
    return " ".join([first, *(f"{each[:1].upper()}{each[1:]}" for each in more)])


def _goods(lines: Any, tongue: str) -> list[str]:
    """Raises InvalidInput when these are no lines: that message is then withheld, and the others go out."""
    written = []
    for line in lines or ():
        if not isinstance(line, Mapping):
            raise InvalidInput("The goods of this message are no lines of quantity, unit and name.", code="notice_data")
        quantity, unit = line.get("quantity"), str(line.get("unit") or "")
        how_many = "" if quantity in (None, "") else f"{quantity} {unit_after(unit)}"
        text = " ".join(filter(None, [how_many, str(line.get("name") or "")]))
        if line.get("instead_of"):
            text += f" ({_INSTEAD_OF[tongue].format(line['instead_of'])})"
        if line.get("undated"):
            text += f" ({_UNDATED[tongue]})"
        if line.get("no_day"):
            text += f" ({_LIST[tongue]['none']})"
        if line.get("expected_on"):
            text += f" ({_EXPECTED[tongue].format(_day(line['expected_on'], tongue))})"
        written.append(text)
    return written


def _listed(line: Mapping[str, Any], tongue: str) -> str:
    """One backorder in three short lines, so that no phone breaks them: goods, day, order."""
    words = _LIST[tongue]
    none = words["held"] if line.get("on_hold") else words["none"]
    when = _day(line["expected_on"], tongue) if line["expected_on"] else none
    changed = line["change"]
    if changed == "day":
        when += f" ({words['day'].format(_day(line['was'], tongue) if line['was'] else words['none'])})"
    elif changed == "quantity":
        when += f" ({words['quantity'].format(line['was'])} {unit_after(line['unit'])})"
    elif changed:
        when += f" ({words[changed]})"
    order = f"{words['order']} {line['order']}" + (f", {line['reference']}" if line["reference"] else "")
    return f"{line['quantity']:>5} {unit_after(line['unit'])} {line['name']}\n      {when}\n      {order}"


def _late(line: Mapping[str, Any], tongue: str) -> str:
    due = _SUPPLIER[tongue]["due"].format(_day(line["due"], tongue))
    return f"{line['number']}: {how_many(line['quantity'], line['unit'])} {_article(line)}, {due} ({line['depot']})"


def _ordered(line: Mapping[str, Any], tongue: str) -> str:
    units = how_many(line["quantity"], line["unit"])
    if line["case_pack"] > 1:
        form = _SUPPLIER[tongue]["case" if line["cases"] == 1 else "cases"]
        units = f"{form.format(line['cases'], line['case_pack'])} = {units}"
    return f"{_article(line)}: {units} ({line['depot']})"


def _article(line: Mapping[str, Any]) -> str:
    return " ".join(str(part) for part in (line["sku"], line["name"]) if part)


def _short(lines: Sequence[str], tongue: str) -> str:
    # The alphabet of an SMS has no ×, and with one sign outside of it not half as much fits in.
    shown = ", ".join(lines[:SHORT_LIST]).replace(" × ", " x ")
    more = len(lines) - SHORT_LIST
    return f"{shown} {_MORE[tongue].format(more)}" if more > 0 else shown


def _day(value: Any, tongue: str) -> str:
    """An ISO date as people of that language write it, with the weekday; other texts as they are."""
    try:
        day = date.fromisoformat(str(value or ""))
    except ValueError:
        return str(value or "")
    pattern = {"en": "EEEE d MMMM", "fi": "cccc d.M.", "sv": "EEEE d MMMM"}[tongue]
    return format_date(day, pattern, locale=tongue)


def _by_day(value: Any, tongue: str) -> str:
    """An ISO date behind "by": Wednesday 4 March, viimeistään keskiviikkona 4.3., onsdag 4 mars."""
    return (_on_day if tongue == "fi" else _day)(value, tongue)


def _on_day(value: Any, tongue: str) -> str:
    """An ISO date as the end of a sentence: on Wednesday 4 March, keskiviikkona 4.3., onsdagen den 4 mars."""
    try:
        day = date.fromisoformat(str(value or ""))
    except ValueError:
        return str(value or "")
    return format_date(day, _ON_DAY[tongue], locale=tongue)


def _what_next(value: Any, tongue: str) -> str:
    """What comes after a door, as a sentence; where it differs, each with its references. A text stays as it is; a day
    alone is what was written before there were sentences."""
    if not isinstance(value, list):
        text = str(value or "")
        if not _ISO_DAY.fullmatch(text):
            return text
        value = [{"what": "next_delivery_day", "day": text, "references": []}]
    said: dict[str, list[str]] = {}
    for each in value:
        dated, undated = _NEXT[tongue].get(each["what"], ("", _LATER[tongue]))
        sentence = undated
        if dated and each["day"]:
            sentence = dated.format(_on_day(each["day"], tongue)).replace("..", ".")  # a Finnish date ends in one
        said.setdefault(sentence, []).extend(each["references"])
    if len(said) < 2:
        return "".join(said)
    return " ".join(f"{', '.join(sorted(whose))}: {sentence}" for sentence, whose in said.items())


def _clock(value: Any, zone: ZoneInfo) -> str:
    """HH:MM in the recipient's zone; `10:20` stays."""
    text = str(value or "")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{moment.astimezone(zone) if moment.tzinfo else moment:%H:%M}"


# ---------------------------------------------------------------------------- for the outbox


def renderer(installation: Installation) -> Callable[[ClaimedNotice], Message]:
    """What `send_due_notices` renders with: company's name and phone, the link's address, the right language."""

    def render(claimed: ClaimedNotice) -> Message:
        decided = claimed.notice
        asked = _asked(installation, decided)
        with installation.database.reading() as connection:
            link = asked or _link(installation, connection, decided)
            subject, text = _as_sent(connection, decided, link=link, asks=bool(asked))
        return Message(
            key=claimed.key, channel=decided.channel, recipient=decided.recipient, subject=subject, text=text
        )

    return render


def shown(installation: Installation, connection: Connection, decided: Notice, *, sent: bool) -> tuple[str, str]:
    """Subject and text as they were or would be sent, for the people of the company: whoever reads it here must not
    answer for the customer, so that its link is masked. Raises InvalidInput when the template is wrong."""
    asks = decided.data.get("consent_id")
    if asks and not sent:
        consent = SqlStore(connection).consent(int(str(asks)))
        asks = consent.closed_at is None and not consent.on_its_way
    path = _LINK_PATHS["consent"] if asks else "/" if decided.data.get("link_id") else ""
    link = installation.address(f"{path}{MASKED}") if path else ""
    return _as_sent(connection, decided, link=link, asks=bool(asks))


def _as_sent(connection: Connection, decided: Notice, *, link: str, asks: bool) -> tuple[str, str]:
    """With the company's name and phone, and without a question that was settled before this was sent."""
    card = company_card(connection)
    data = dict(decided.data)
    if not asks:
        data |= {"silence": "", "answer_by": ""}
    data.setdefault("company", card.name)
    data.setdefault("phone", card.phone)
    zone = recipient_zone(connection, decided)
    subject, text = written(connection, replace(decided, data=data), zone=zone, link=link)
    return subject, " ".join(text.split()) if decided.channel == Channel.SMS else text


def written(connection: Connection, decided: Notice, *, zone: ZoneInfo, link: str = "") -> tuple[str, str]:
    """Subject and text: as a person wrote them, else of the template. Raises InvalidInput when that is wrong."""
    by_hand = decided.data.get("written")
    if isinstance(by_hand, Mapping):
        return str(by_hand["subject"]), str(by_hand["text"])
    words = words_of(decided.data, language=decided.language, zone=zone, link=link)
    return render_text(_source(connection, decided), words)


def _source(connection: Connection, decided: Notice) -> str:
    own = own_template(connection, kind=decided.kind, channel=decided.channel, language=decided.language)
    if own is None:
        return template_source(decided.kind, decided.channel, decided.language)
    subject, text = own
    return f"Subject: {subject}\n\n{text}" if subject else text


def _asked(installation: Installation, decided: Notice) -> str:
    """The address of the page that a delay is answered on; "" when nothing is asked, or no longer.

    The link is made now: who decided the message knows no secret.
    """
    consent_id = decided.data.get("consent_id")
    if not consent_id:
        return ""
    now = installation.clock.now()
    with open_store(installation.database) as store:
        consent = store.consent(int(str(consent_id)))
        if consent.closed_at is not None or consent.on_its_way:
            return ""
        link_id = store.add_link(
            kind="consent",
            subject_kind="consent",
            subject_id=consent.id,
            made_at=now,
            expires_at=consent.due_at + LINK_OUTLIVES_TERM,
            secret=installation.secret,
        )
        kind, token = store.link_address(link_id=link_id, secret=installation.secret)
    return installation.address(f"{_LINK_PATHS[kind]}{token}")


def _link(installation: Installation, connection: Connection, decided: Notice) -> str:
    link_id = decided.data.get("link_id")
    if not link_id:
        return ""
    kind, token = SqlStore(connection).link_address(link_id=int(str(link_id)), secret=installation.secret)
    return installation.address(f"{_LINK_PATHS[kind]}{token}")


def recipient_zone(connection: Connection, decided: Notice) -> ZoneInfo:
    """By whose clock the recipient reads it."""
    return ZoneInfo(zone_of_contact(connection, decided.contact_id))
