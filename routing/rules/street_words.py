"""The words of streets and places that people shorten, by language only where one of them would clash.

An abbreviation lists everything it may stand for: what is tried is looked up among the streets that exist, so a
generous list costs a look-up and never a wrong street.
"""

from __future__ import annotations

SHORT: dict[str, tuple[str, ...]] = {
    # English
    "st": ("street", "saint", "sankt", "store"), "rd": ("road",), "ave": ("avenue",), "av": ("avenue", "avenida"),
    "dr": ("drive", "doctor"), "ln": ("lane",), "ct": ("court",), "crt": ("court",), "blvd": ("boulevard",),
    "cir": ("circle",), "pkwy": ("parkway",), "ter": ("terrace",), "terr": ("terrace",), "hwy": ("highway",),
    "sq": ("square",), "trl": ("trail",), "cres": ("crescent",), "gdns": ("gardens",), "pt": ("point",),
    "xing": ("crossing",), "hts": ("heights",), "mt": ("mount",), "ft": ("fort",), "aly": ("alley",),
    "plz": ("plaza",), "expy": ("expressway",), "fwy": ("freeway",), "rte": ("route",), "wy": ("way",),
    "pl": ("place", "plads", "platz", "plats", "plaza", "ploshchad", "plac"), "cl": ("close", "calle"),
    "n": ("north", "nord", "norra", "nordre", "norte"), "s": ("south", "sud", "sodra", "sondre", "sur"),
    "e": ("east", "est", "este"), "w": ("west",), "ne": ("northeast",), "nw": ("northwest",), "se": ("southeast",),
    "sw": ("southwest",), "1st": ("first",), "2nd": ("second",), "3rd": ("third",), "4th": ("fourth",),
    "5th": ("fifth",), "6th": ("sixth",), "7th": ("seventh",), "8th": ("eighth",), "9th": ("ninth",),
    "10th": ("tenth",),
    # the North
    "gl": ("gammel", "gamle", "gamla"), "gml": ("gammel", "gamle", "gamla"), "ndr": ("nordre",), "sdr": ("sondre",),
    "vstr": ("vestre",),
    "skt": ("sankt",), "sct": ("sankt",), "kgs": ("kongens",), "ll": ("lille",), "l": ("lille",),
    "o": ("oster", "ostre"),
    "k": ("katu",), "gt": ("gate",), "g": ("gatan", "gade"), "v": ("vagen", "vej", "vester", "vestre", "vastra"),
    "t": ("tie",),
    # German, Dutch
    "str": ("strasse", "street", "straat", "strada"), "pk": ("park",), "gr": ("grosse", "grosser"), "kl": ("kleine",),
    # Romance
    "r": ("rue", "rua"), "bd": ("boulevard",), "bld": ("boulevard",), "boul": ("boulevard",), "all": ("allee",),
    "imp": ("impasse",), "che": ("chemin",), "fg": ("faubourg",), "fbg": ("faubourg",), "ste": ("sainte",),
    "c": ("calle", "carrer"), "avda": ("avenida",), "avd": ("avenida",), "pza": ("plaza",), "plza": ("plaza",),
    "pso": ("paseo",), "ctra": ("carretera",), "cno": ("camino",), "tv": ("travessa",), "lgo": ("largo",),
    "vle": ("viale",), "cso": ("corso",), "pzza": ("piazza",), "p za": ("piazza",), "sta": ("santa",),
    "sto": ("santo",),
    # Slavic, Turkish, Hungarian, Greek
    "al": ("aleja", "aleje"), "os": ("osiedle",), "nam": ("namesti",), "tr": ("trida",), "u": ("utca",),
    "cad": ("caddesi",), "sok": ("sokak", "sokagi"), "sk": ("sokak", "sokagi"), "bul": ("bulvari",),
    "ул": ("улица", "улиця"), "вул": ("вулиця",), "пр": ("проспект", "проезд"), "просп": ("проспект",),
    "пр т": ("проспект",), "пер": ("переулок",), "пл": ("площадь", "площа", "площад"), "наб": ("набережная",),
    "б р": ("бульвар",), "бул": ("бульвар", "булевард"), "ш": ("шоссе",), "пр д": ("проезд",), "туп": ("тупик",),
    "λεωφ": ("λεωφοροσ",), "λ": ("λεωφοροσ",), "πλ": ("πλατεια",), "αγ": ("αγιου", "αγιασ", "αγιοσ"),
}  # fmt: skip
"""Folded word, anywhere in a name -> the folded words it may stand for."""

SHORT_ENDINGS: dict[str, tuple[str, ...]] = {
    "str": ("strasse", "straat"), "k": ("katu",), "g": ("gatan", "gade"), "v": ("vagen", "vej"), "t": ("tie",),
    "pl": ("platz", "plein"), "gt": ("gata", "gate", "gatan"),
}  # fmt: skip
"""The same for endings glued to the word before: with a full stop behind them ("Bank" is no short "Bankatu")."""

SAFE_ENDINGS = frozenset({"str"})
"""Endings that no whole word has, so that they count without the full stop too ("Hauptstr 5")."""

KIND_ALONE = frozenset(
    {
        "ul",
        "ulica",
        "ulice",
        "ulitsa",
        "ул",
        "улица",
        "вул",
        "вулиця",
        "οδοσ",
        "оδ",
        "oδοσ",
        "via",
        "rue",
        "calle",
        "rua",
    }
)
"""A leading word that says "street": some write it and some do not, and the map neither here nor there."""

COUNTRIES: dict[str, str] = {
    "finland": "FI", "suomi": "FI", "danmark": "DK", "denmark": "DK", "tanska": "DK", "sverige": "SE", "sweden": "SE",
    "norge": "NO", "norway": "NO", "deutschland": "DE", "germany": "DE", "osterreich": "AT", "austria": "AT",
    "schweiz": "CH", "suisse": "CH", "switzerland": "CH", "france": "FR", "espana": "ES", "spain": "ES",
    "portugal": "PT", "italia": "IT", "italy": "IT", "nederland": "NL", "netherlands": "NL", "the netherlands": "NL",
    "belgie": "BE", "belgique": "BE", "belgium": "BE", "polska": "PL", "poland": "PL", "cesko": "CZ", "czechia": "CZ",
    "eesti": "EE", "estonia": "EE", "latvija": "LV", "latvia": "LV", "lietuva": "LT", "lithuania": "LT",
    "ellada": "GR", "ελλαδα": "GR", "greece": "GR", "росия": "RU", "россия": "RU", "украина": "UA", "україна": "UA",
    "ukraine": "UA", "ireland": "IE", "united kingdom": "GB", "uk": "GB", "great britain": "GB", "england": "GB",
    "usa": "US", "us": "US", "u s a": "US", "united states": "US", "united states of america": "US", "canada": "CA",
    "australia": "AU", "new zealand": "NZ", "japan": "JP", "日本": "JP", "magyarorszag": "HU", "hungary": "HU",
    "turkiye": "TR", "turkey": "TR", "brasil": "BR", "brazil": "BR", "mexico": "MX", "romania": "RO", "island": "IS",
    "fin": "FI", "dnk": "DK", "swe": "SE", "nor": "NO", "deu": "DE", "aut": "AT", "che": "CH", "fra": "FR", "esp": "ES",
    "prt": "PT", "ita": "IT", "nld": "NL", "bel": "BE", "pol": "PL", "cze": "CZ", "est": "EE", "lva": "LV", "ltu": "LT",
    "grc": "GR", "rus": "RU", "ukr": "UA", "irl": "IE", "gbr": "GB", "nzl": "NZ", "jpn": "JP", "hun": "HU", "tur": "TR",
    "bra": "BR", "mex": "MX", "rou": "RO", "isl": "IS",
}  # fmt: skip
"""Folded name -> ISO 3166 code."""

STATES: dict[str, str] = {
    "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
    "connecticut": "CT", "delaware": "DE", "district of columbia": "DC", "florida": "FL", "georgia": "GA",
    "hawaii": "HI", "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS", "kentucky": "KY",
    "louisiana": "LA", "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI", "minnesota": "MN",
    "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE", "nevada": "NV", "new hampshire": "NH",
    "new jersey": "NJ", "new mexico": "NM", "new york": "NY", "north carolina": "NC", "north dakota": "ND",
    "ohio": "OH", "oklahoma": "OK", "oregon": "OR", "pennsylvania": "PA", "rhode island": "RI", "south carolina": "SC",
    "south dakota": "SD", "tennessee": "TN", "texas": "TX", "utah": "UT", "vermont": "VT", "virginia": "VA",
    "washington": "WA", "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY",
    "ontario": "ON", "quebec": "QC", "british columbia": "BC", "alberta": "AB", "manitoba": "MB", "saskatchewan": "SK",
    "nova scotia": "NS", "new brunswick": "NB", "new south wales": "NSW", "victoria": "VIC", "queensland": "QLD",
    "south australia": "SA", "western australia": "WA", "tasmania": "TAS",
}  # fmt: skip
"""Folded name -> what stands in its place on an envelope."""

DIRECTIONS = frozenset({"north", "south", "east", "west", "northeast", "northwest", "southeast", "southwest"})
"""Folded. Some write them in front of a street's name and some behind it, and the map neither here nor there."""
